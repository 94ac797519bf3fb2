//! How clients come and go, as far as it is decided here.

use std::sync::Arc;

use bytes::Bytes;

use crate::broadcaster::admission::Admission;
use crate::broadcaster::shard::ShardFull;
use crate::broadcaster::undecided_upgrades::UpgradeGone;
use crate::door::{Decision, Door, Headers, RefusedUpgrades, Responder, UpgradeId};
use crate::frame::compression::Compression;
use crate::ids::ClientKey;
use crate::worker::client::Pressure;
use crate::worker::client::discards::Discards;
use crate::worker::command::{CloseReason, Command};

use super::{Broadcaster, Registration};

/// A client whose upgrade was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its key.
    pub client: ClientKey,
    /// Where it lives, counted over all shards.
    pub worker: usize,
}

/// Why an upgrade was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAccepted {
    /// The client's shard holds as many as it may, or the server closes.
    ShardFull,
    /// Nobody waits for the decision any more.
    UpgradeGone,
}

impl Broadcaster {
    /// Keeps an upgrade that [`Broadcaster::next_event`] has brought until it is decided.
    pub fn keep_upgrade(&mut self, id: UpgradeId, compression: Compression, responder: Responder) {
        self.undecided.keep(id, compression, responder);
    }

    /// Upgrades that were kept and whose decision the door still waits for.
    pub fn undecided_upgrades(&self) -> usize {
        self.undecided.undecided()
    }

    /// Upgrades that the door has refused by itself; none before it has opened.
    pub fn refused_upgrades(&self) -> RefusedUpgrades {
        self.door.as_ref().map(Door::refused_upgrades).unwrap_or_default()
    }

    /// Accepts an upgrade of whose frames JavaScript is told all.
    ///
    /// # Errors
    ///
    /// As [`Broadcaster::accept_without`].
    pub fn accept(
        &mut self,
        id: UpgradeId,
        client_id: Option<&str>,
        headers: Headers,
    ) -> Result<Accepted, NotAccepted> {
        self.accept_without(id, client_id, headers, Discards::default())
    }

    /// Accepts an upgrade. Without a `client_id` of the application's, the client gets one.
    /// `headers` are added to the 101 response, and `discards` is not told of what it sends.
    ///
    /// # Errors
    ///
    /// [`NotAccepted::ShardFull`] leaves the upgrade undecided, so that it can be refused.
    pub fn accept_without(
        &mut self,
        id: UpgradeId,
        client_id: Option<&str>,
        headers: Headers,
        discards: Discards,
    ) -> Result<Accepted, NotAccepted> {
        let compression =
            self.undecided.check(id).map_err(|UpgradeGone| NotAccepted::UpgradeGone)?;
        let admission = self.admit_as(client_id, compression, discards);
        let (admission, worker) = admission.map_err(|ShardFull| NotAccepted::ShardFull)?;
        let client = admission.key();
        // Should the asker go right now, the admission is dropped, and the client's close is told.
        self.undecided.decide(id, Decision::Accept { headers, reservation: Box::new(admission) });
        Ok(Accepted { client, worker })
    }

    /// Refuses an upgrade with a response; returns whether somebody waited for it.
    pub fn refuse(&mut self, id: UpgradeId, status: u16, headers: Headers, body: Bytes) -> bool {
        self.undecided.decide(id, Decision::Refuse { status, headers, body })
    }

    /// Takes a client in: the worker may have commands for it from here on, and expects its socket.
    ///
    /// # Errors
    ///
    /// `ShardFull` when its shard takes no more, or nobody is let in any more.
    pub fn admit(
        &mut self,
        client_id: &str,
        compression: Compression,
    ) -> Result<Admission, ShardFull> {
        self.admit_as(Some(client_id), compression, Discards::default())
            .map(|(admission, _)| admission)
    }

    /// Returns its worker, too.
    fn admit_as(
        &mut self,
        client_id: Option<&str>,
        compression: Compression,
        discards: Discards,
    ) -> Result<(Admission, usize), ShardFull> {
        if self.closing {
            return Err(ShardFull);
        }
        let key = self.new_key();
        let place = match client_id {
            Some(id) => self.options.placement.place(id),
            None => self.options.placement.place(&self.ids.of(key)),
        };
        self.shards[place.shard].admit()?;
        let pressure = Arc::new(Pressure::default());
        let mailbox = self.lanes[place.worker].worker.mailbox();
        let expect = Command::Expect(key, compression, discards, Arc::clone(&pressure));
        mailbox.push(expect);
        self.compressing += u64::from(compression != Compression::Off);
        let admission = Admission::new(key, mailbox.clone());
        self.clients.add(key, Registration::new(place, compression, pressure));
        Ok((admission, place.worker))
    }

    /// The id of a client that was accepted without one of the application's.
    pub fn given_id(&self, client: ClientKey) -> String {
        self.ids.of(client)
    }

    /// A key that no client has.
    fn new_key(&mut self) -> ClientKey {
        loop {
            self.last_key = self.last_key.wrapping_add(1);
            if self.last_key != 0 && !self.clients.knows(self.last_key) {
                return self.last_key;
            }
        }
    }

    /// Discards these frames of a client from here on, and no others.
    pub fn discard(&mut self, client: ClientKey, discards: Discards) {
        if let Some(registration) = self.clients.get(client) {
            self.command(registration.place.worker, Command::Discard(client, discards));
        }
    }

    /// Starts the closing handshake with a client; it hears nothing more.
    pub fn close(&mut self, client: ClientKey, code: u16, reason: String) {
        self.end(client, Command::Close(client, Box::new(CloseReason { code, reason })));
    }

    /// Closes a client whose peer is done, as [`Event::PeerDone`] asks for. Any other stays.
    ///
    /// [`Event::PeerDone`]: crate::event_queue::Event::PeerDone
    pub fn finish(&mut self, client: ClientKey) {
        if self.clients.get(client).is_some_and(|client| client.to_finish) {
            self.end(client, Command::Finish(client));
        }
    }

    /// Ends a client's connection, after what its socket takes at once.
    pub fn terminate(&mut self, client: ClientKey) {
        self.end(client, Command::Terminate(client));
    }

    /// The same for a client that takes too little of what is sent to it alone.
    pub(super) fn terminate_slow(&mut self, client: ClientKey) {
        self.end(client, Command::TerminateSlow(client));
    }

    fn end(&mut self, client: ClientKey, command: Command) {
        let Some(registration) = self.clients.get_mut(client).filter(|client| !client.closing)
        else {
            return;
        };
        registration.closing = true;
        let worker = registration.place.worker;
        registration.unsubscribe_all(&mut self.routes, &mut self.channels);
        self.command(worker, command);
    }

    /// Nothing more will be heard of a client.
    pub(super) fn forget(&mut self, client: ClientKey) {
        let Some(mut registration) = self.clients.remove(client) else { return };
        self.compressing -= u64::from(registration.compression != Compression::Off);
        registration.unsubscribe_all(&mut self.routes, &mut self.channels);
        self.refused_departed += registration.refused(&self.routes);
        self.shards[registration.place.shard].release();
    }
}
