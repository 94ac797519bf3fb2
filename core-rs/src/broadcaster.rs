//! The sequencer: everything that happens to clients and channels is decided here, in one order.
//!
//! One thread calls it. What it decides goes into the workers' queues in the same order, and each
//! worker carries it out in that order; so a subscribe before a publish hears it and one after does
//! not, and nobody needs a lock to know who hears what.
//!
//! - `admitting`: how clients come and go
//! - `subscribing`: who hears what
//! - `publishing`: messages on their way into the workers' queues
//! - `sending`: messages to one client, and what waits for it
//! - `watching`: how it does, in all and for single clients

mod admission;
mod admitting;
mod channels;
mod client_id;
pub mod placement;
mod publishing;
mod registration;
mod registry;
pub mod reports;
mod routes;
mod sending;
mod shard;
mod subscribing;
mod subscriptions;
mod undecided_upgrades;
mod watching;
mod worker_link;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::broadcaster::client_id::ClientIds;
use crate::broadcaster::reports::Reports;
use crate::broadcaster::routes::Routes;
use crate::broadcaster::shard::Shard;
use crate::broadcaster::undecided_upgrades::UndecidedUpgrades;
use crate::broadcaster::worker_link::Lane;
use crate::door::{Door, DoorConfig};
use crate::error::Error;
use crate::event_queue::{Bridge, Event};
use crate::ids::ClientKey;
use crate::options::Options;
use crate::wake_tree::WakeTree;
use crate::worker::command::{CloseAll, CloseReason, Command};
use crate::worker::{Mailbox, WorkerHandle, WorkerParts};

pub use self::admitting::{Accepted, NotAccepted};
pub use self::publishing::{Publication, Published};
pub use self::sending::Sent;
pub use self::watching::{ChannelCounts, WorkerSnapshot};
pub use self::worker_link::QueueCounters;

use self::channels::{ChannelLimits, Channels};
use self::registration::Registration;
use self::registry::Registry;

/// How often [`Broadcaster::outlast_clients`] looks.
const CLIENTS_POLL: Duration = Duration::from_millis(1);

/// A broadcaster with its shards, its workers' threads and its door.
pub struct Broadcaster {
    options: Options,
    shards: Vec<Shard>,
    lanes: Vec<Lane>,
    channels: Channels,
    /// Of the channels that have subscribers.
    routes: Routes,
    clients: Registry,
    last_key: ClientKey,
    ids: ClientIds,
    /// Clients that take their messages compressed.
    compressing: u64,
    /// Messages that queues refused and that were meant for clients that are gone.
    refused_departed: u64,
    bridge: Arc<Bridge>,
    door: Option<Door>,
    undecided: UndecidedUpgrades,
    reports: Reports,
    /// Nobody is let in any more.
    closing: bool,
    /// Wakes the workers at the end of a publish.
    wake_tree: Arc<WakeTree<Mailbox>>,
}

impl Broadcaster {
    /// Starts the workers. `doorbell` is called from any thread when [`Broadcaster::next_event`]
    /// has something for a caller who was told [`Broadcaster::may_rest`].
    ///
    /// # Errors
    ///
    /// What the system says when a thread or a descriptor is not to be had.
    pub fn start(
        options: Options,
        doorbell: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Broadcaster> {
        let bridge = Arc::new(Bridge::new(doorbell));
        let parts: Vec<_> = (0..options.placement.workers())
            .map(|number| WorkerParts::open(number, options.queue))
            .collect::<io::Result<_>>()?;
        let mailboxes = parts.iter().map(|parts| parts.mailbox().clone());
        let wake_tree = Arc::new(WakeTree::new(mailboxes));
        let lanes = parts
            .into_iter()
            .map(|parts| {
                let (bridge, wake_tree) = (Arc::clone(&bridge), Arc::clone(&wake_tree));
                let worker = WorkerHandle::start(parts, &options, bridge, wake_tree)?;
                Ok(Lane::new(worker, options.queue, options.saturation_percent))
            })
            .collect::<io::Result<_>>()?;
        let shards = 0..options.placement.shards.get();
        Ok(Broadcaster {
            shards: shards.map(|_| Shard::new(options.max_clients)).collect(),
            lanes,
            channels: Channels::new(ChannelLimits::DEFAULT),
            routes: Routes::default(),
            clients: Registry::default(),
            last_key: 0,
            ids: ClientIds::new(),
            compressing: 0,
            refused_departed: 0,
            bridge,
            door: None,
            undecided: UndecidedUpgrades::default(),
            reports: Reports::default(),
            closing: false,
            wake_tree,
            options,
        })
    }

    /// Opens the door; returns its address, with the actual port.
    ///
    /// # Errors
    ///
    /// What the system says when the address is not to be had.
    pub fn listen(&mut self, config: DoorConfig) -> io::Result<SocketAddr> {
        if self.door.is_some() {
            return Err(io::Error::other(Error::AlreadyListening));
        }
        let door = Door::open(config, Arc::clone(&self.bridge))?;
        let address = door.local_addr();
        self.door = Some(door);
        Ok(address)
    }

    /// Lets nobody in any more. Requests under way are finished.
    pub fn stop_listening(&mut self) {
        self.closing = true;
        if let Some(door) = &self.door {
            door.stop_accepting();
        }
    }

    /// Lets nobody in any more, and ends requests under way at once, without an answer.
    pub fn end_requests(&mut self) {
        self.stop_listening();
        if let Some(door) = &self.door {
            door.end_requests();
        }
    }

    /// Closes every client after what is queued for it, evenly over `over`, and lets nobody in any
    /// more.
    pub fn close_all(&mut self, code: u16, reason: &str, over: Duration) {
        self.closing = true;
        for worker in 0..self.lanes.len() {
            let why = CloseReason { code, reason: reason.to_owned() };
            self.command(worker, Command::CloseAll(Box::new(CloseAll { why, over })));
        }
    }

    /// The oldest thing that happened and was not told yet. An upgrade whose client has gone
    /// meanwhile is not told at all.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            match self.bridge.pop()? {
                // Its client has gone, or was told 503, while JavaScript was busy.
                Event::Upgrade(request) if !request.responder.is_awaited() => {}
                Event::GivenUp(id) if !self.undecided.give_up(id) => {}
                Event::Closed { client, code, reason, departure } => {
                    self.forget(client);
                    return Some(Event::Closed { client, code, reason, departure });
                }
                Event::Report(id, part) => {
                    if let Some((question, mut whole)) = self.reports.answer(id, part) {
                        self.add_refused(question, &mut whole);
                        return Some(Event::Report(id, whole));
                    }
                }
                Event::Drained(client) => {
                    if let Some(registration) = self.clients.get_mut(client) {
                        registration.awaits_drain = false;
                    }
                    return Some(Event::Drained(client));
                }
                Event::Relieved { worker, channel, client } => {
                    if let Some(client) = self.relieved(worker, channel, client) {
                        return Some(Event::Drained(client));
                    }
                }
                Event::PeerDone(client) => {
                    if let Some(registration) = self.clients.get_mut(client) {
                        registration.to_finish = true;
                    }
                    return Some(Event::PeerDone(client));
                }
                event => return Some(event),
            }
        }
    }

    /// To be asked when [`Broadcaster::next_event`] has nothing more. After true, the doorbell
    /// rings for the next event; false means that there is one already.
    pub fn may_rest(&mut self) -> bool {
        self.let_workers_read();
        self.bridge.may_rest()
    }

    /// To be called between two batches of events: workers that hold back go on once there is room
    /// again, and not only when nothing is left to do.
    pub fn let_workers_read(&self) {
        if self.bridge.catch_up() {
            for worker in 0..self.lanes.len() {
                self.command(worker, Command::Resume);
            }
        }
    }

    /// Waits until all clients have gone, at most until the deadline, for an application that can
    /// be told nothing any more. [`Broadcaster::close_all`] is to come first.
    pub fn outlast_clients(&mut self, deadline: Instant) {
        while self.client_count() > 0 && Instant::now() < deadline {
            while let Some(event) = self.next_event() {
                if let Event::PeerDone(client) = event {
                    self.finish(client);
                }
            }
            self.let_workers_read();
            thread::sleep(CLIENTS_POLL);
        }
    }

    /// Ends all threads and waits for them. Sockets are closed as they are. What happened and was
    /// not told yet is dropped; the counters can still be read.
    pub fn stop(&mut self) {
        self.stop_listening();
        if let Some(door) = &mut self.door {
            door.close();
        }
        // All are told before the first is waited for.
        self.lanes.iter().for_each(|lane| lane.worker.stop());
        self.lanes.iter_mut().for_each(|lane| lane.worker.join());
        // JavaScript may keep this for as long as it likes, with what waited there.
        while self.bridge.pop().is_some() {}
    }

    fn command(&self, worker: usize, command: Command) {
        self.lanes[worker].worker.mailbox().push(command);
    }
}

impl Drop for Broadcaster {
    fn drop(&mut self) {
        self.stop();
    }
}
