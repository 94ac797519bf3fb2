//! The clients of one worker, found by their key or by the place where they are kept.

use std::ops::{Index, IndexMut};

use rustc_hash::FxHashMap;
use slab::Slab;

use crate::ids::{ClientIndex, ClientKey};
use crate::worker::client::Client;
use crate::worker::cohort::prefetch::prefetch;

/// See the module's description.
#[derive(Default)]
pub(super) struct Clients {
    places: Slab<Client>,
    by_key: FxHashMap<ClientKey, ClientIndex>,
}

impl Clients {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The place of the client with this key. Commands may cross its departure.
    pub(super) fn find(&self, key: ClientKey) -> Option<ClientIndex> {
        self.by_key.get(&key).copied()
    }

    pub(super) fn get(&self, index: ClientIndex) -> Option<&Client> {
        self.places.get(index)
    }

    pub(super) fn get_mut(&mut self, index: ClientIndex) -> Option<&mut Client> {
        self.places.get_mut(index)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ClientIndex, &Client)> {
        self.places.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (ClientIndex, &mut Client)> {
        self.places.iter_mut()
    }

    /// The clients that JavaScript knows.
    pub(super) fn open(&self) -> impl Iterator<Item = &Client> {
        self.places.iter().map(|(_, client)| client).filter(|client| client.is_open())
    }

    /// The place that the next client gets.
    pub(super) fn next_index(&self) -> ClientIndex {
        self.places.vacant_key()
    }

    pub(super) fn insert(&mut self, client: Client) {
        let key = client.key;
        let index = self.places.insert(client);
        self.by_key.insert(key, index);
    }

    pub(super) fn remove(&mut self, index: ClientIndex) -> Client {
        let client = self.places.remove(index);
        self.by_key.remove(&client.key);
        client
    }

    /// Has the processor fetch what a visit to the client `next` looks at, during that to
    /// `current`. Between two visits the system writes, which leaves nothing of the clients in the
    /// caches.
    pub(super) fn prefetch_next(&self, next: ClientIndex, current: ClientIndex) {
        let current_at = std::ptr::from_ref(&self.places[current]);
        // The slab keeps its values side by side, as a test sees. Otherwise this would be no help.
        prefetch(current_at.wrapping_offset(next as isize - current as isize));
    }
}

impl Index<ClientIndex> for Clients {
    type Output = Client;

    fn index(&self, index: ClientIndex) -> &Client {
        &self.places[index]
    }
}

impl IndexMut<ClientIndex> for Clients {
    fn index_mut(&mut self, index: ClientIndex) -> &mut Client {
        &mut self.places[index]
    }
}
