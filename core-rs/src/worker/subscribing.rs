//! Channels that one client is about to be subscribed to. An application may name hundreds in a
//! row, and each set of channels is a cohort: all but the last would have a single member, for a
//! moment.

use crate::ids::{Channel, ClientKey};
use crate::worker::counters::Counters;

use super::clients::Clients;
use super::outbound::Outbound;

/// See the module's description.
#[derive(Default)]
pub(super) struct Subscribing {
    client: ClientKey,
    channels: Vec<Channel>,
}

impl Subscribing {
    /// Whether these channels are for another client.
    pub(super) fn is_for_another(&self, client: ClientKey) -> bool {
        self.client != client
    }

    /// Adds a channel of a client, of which alone channels have been added.
    pub(super) fn add(&mut self, client: ClientKey, channel: Channel) {
        self.client = client;
        self.channels.push(channel);
    }

    /// Subscribes the client to what was added, with one move to another cohort.
    pub(super) fn apply(
        &mut self,
        outbound: &mut Outbound,
        clients: &mut Clients,
        counters: &mut Counters,
    ) {
        if self.channels.is_empty() {
            return;
        }
        if let Some(index) = clients.find(self.client) {
            outbound.change_channels(clients, counters, index, |channels| {
                channels.append(&mut self.channels);
                channels.sort_unstable();
                channels.dedup();
            });
        }
        // Of a client that is gone nothing was taken.
        self.channels.clear();
    }
}
