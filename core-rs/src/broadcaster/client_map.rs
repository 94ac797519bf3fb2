//! What the sequencer knows of each client, by the client's key.

use rustc_hash::FxHashMap;
use slab::Slab;

use crate::ids::ClientKey;

use super::registration::Registration;

/// See the module's description.
///
/// A hash table has nearly twice the room that it needs, so that it holds only where each client
/// stands.
#[derive(Default)]
pub(super) struct ClientMap {
    registrations: Slab<Registration>,
    by_key: FxHashMap<ClientKey, u32>,
}

impl ClientMap {
    pub(super) fn get(&self, key: ClientKey) -> Option<&Registration> {
        self.by_key.get(&key).map(|&at| &self.registrations[at as usize])
    }

    pub(super) fn get_mut(&mut self, key: ClientKey) -> Option<&mut Registration> {
        self.by_key.get(&key).map(|&at| &mut self.registrations[at as usize])
    }

    pub(super) fn knows(&self, key: ClientKey) -> bool {
        self.by_key.contains_key(&key)
    }

    /// Adds a client with a key that no other has.
    pub(super) fn add(&mut self, key: ClientKey, registration: Registration) {
        let at = self.registrations.insert(registration);
        let at = u32::try_from(at).expect("there are fewer than keys");
        self.by_key.insert(key, at);
    }

    pub(super) fn remove(&mut self, key: ClientKey) -> Option<Registration> {
        self.by_key.remove(&key).map(|at| self.registrations.remove(at as usize))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Registration> {
        self.registrations.iter().map(|(_, registration)| registration)
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }
}
