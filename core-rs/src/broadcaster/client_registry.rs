//! The clients that the sequencer knows: who they are, where they live, and how many a shard takes.

use std::sync::Arc;

use crate::broadcaster::placement::{Place, Placement};
use crate::frame::form::Form;
use crate::ids::ClientKey;
use crate::worker::client::Pressure;

use super::channel_registry::ChannelRegistry;
use super::client_ids::ClientIds;
use super::client_map::ClientMap;
use super::registration::Registration;
use super::shard::{Shard, ShardFull};

/// See the module's description.
pub(super) struct ClientRegistry {
    placement: Placement,
    shards: Vec<Shard>,
    clients: ClientMap,
    ids: ClientIds,
    last_key: ClientKey,
    /// Clients that take their messages deflated.
    deflated: usize,
    /// Messages for clients that are gone which the queues refused.
    refused_departed: u64,
    closed: bool,
}

impl ClientRegistry {
    /// No clients, and room for so many in each shard.
    pub(super) fn new(placement: Placement, max_clients_per_shard: usize) -> ClientRegistry {
        let shards = 0..placement.shards.get();
        ClientRegistry {
            placement,
            shards: shards.map(|_| Shard::new(max_clients_per_shard)).collect(),
            clients: ClientMap::default(),
            ids: ClientIds::new(),
            last_key: 0,
            deflated: 0,
            refused_departed: 0,
            closed: false,
        }
    }

    /// Adds a client. Without a `client_id` of the application's, it gets one.
    ///
    /// # Errors
    ///
    /// [`ShardFull`] when its shard takes no more, or after [`ClientRegistry::close`].
    pub(super) fn admit(
        &mut self,
        client_id: Option<&str>,
        form: Form,
        pressure: Arc<Pressure>,
    ) -> Result<(ClientKey, Place), ShardFull> {
        if self.closed {
            return Err(ShardFull);
        }
        let key = self.new_key();
        let place = match client_id {
            Some(id) => self.placement.place(id),
            None => self.placement.place(&self.ids.of(key)),
        };
        self.shards[place.shard].admit()?;
        self.deflated += usize::from(form.is_deflated());
        self.clients.add(key, Registration::new(place, form, pressure));
        Ok((key, place))
    }

    /// Admits no client from here on.
    pub(super) fn close(&mut self) {
        self.closed = true;
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

    /// The id of a client that was accepted without one of the application's.
    pub(super) fn given_id(&self, client: ClientKey) -> String {
        self.ids.of(client)
    }

    /// A client that is not gone.
    pub(super) fn get(&self, client: ClientKey) -> Option<&Registration> {
        self.clients.get(client)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, client: ClientKey) -> Option<&mut Registration> {
        self.clients.get_mut(client)
    }

    /// A client that the application has not closed.
    pub(super) fn open_mut(&mut self, client: ClientKey) -> Option<&mut Registration> {
        self.get_mut(client).filter(|client| !client.closing)
    }

    /// Clients that are not gone.
    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether any client takes its messages deflated.
    pub(super) fn any_deflated(&self) -> bool {
        self.deflated > 0
    }

    /// The worker of a client that the application closes, which loses its channels here. None if
    /// it is closed already, or gone.
    pub(super) fn close_client(
        &mut self,
        client: ClientKey,
        channels: &mut ChannelRegistry,
    ) -> Option<usize> {
        let registration = self.open_mut(client)?;
        registration.closing = true;
        registration.unsubscribe_all(channels);
        Some(registration.place.worker)
    }

    /// Removes a client, whose worker has let it go.
    pub(super) fn remove(&mut self, client: ClientKey, channels: &mut ChannelRegistry) {
        let Some(mut registration) = self.clients.remove(client) else { return };
        self.deflated -= usize::from(registration.form.is_deflated());
        registration.unsubscribe_all(channels);
        self.refused_departed += registration.refused(channels);
        self.shards[registration.place.shard].release();
    }

    /// Messages for clients that the workers' queues refused, for clients that are gone too.
    pub(super) fn refused(&self, channels: &ChannelRegistry) -> u64 {
        let current = self.clients.all().map(|client| client.refused(channels));
        self.refused_departed + current.sum::<u64>()
    }
}
