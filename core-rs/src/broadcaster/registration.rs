//! What the sequencer knows of one client.

use std::sync::Arc;

use crate::channel::ChannelId;
use crate::client::Pressure;
use crate::compression::Compression;
use crate::placement::Place;
use crate::routes::Routes;

/// See the module's description.
pub(super) struct Registration {
    pub(super) place: Place,
    pub(super) compression: Compression,
    pub(super) pressure: Arc<Pressure>,
    /// The application has closed it; the worker's word that it is gone is still to come.
    pub(super) closing: bool,
    /// It has said its last word, and is to be closed once what it said before is answered.
    pub(super) to_finish: bool,
    /// Its worker was asked to tell when it has taken all that waits, and that was not told yet.
    pub(super) awaits_drain: bool,
    /// Sorted by channel.
    subscriptions: Vec<Subscription>,
    /// Messages meant for it that the worker's queue refused, of subscriptions that have ended.
    refused: u64,
}

struct Subscription {
    channel: ChannelId,
    /// What the queue had refused of the channel before; what it has since was meant for the
    /// client.
    refused_before: u64,
}

impl Registration {
    pub(super) fn new(
        place: Place,
        compression: Compression,
        pressure: Arc<Pressure>,
    ) -> Registration {
        Registration {
            place,
            compression,
            pressure,
            closing: false,
            to_finish: false,
            awaits_drain: false,
            subscriptions: Vec::new(),
            refused: 0,
        }
    }

    pub(super) fn channels(&self) -> impl Iterator<Item = ChannelId> {
        self.subscriptions.iter().map(|subscription| subscription.channel)
    }

    pub(super) fn hears(&self, channel: ChannelId) -> bool {
        self.find(channel).is_ok()
    }

    /// Adds a channel, which `routes` knows already.
    pub(super) fn subscribe(&mut self, channel: ChannelId, routes: &Routes) {
        let refused_before = routes.refused(channel, self.place.worker);
        if let Err(at) = self.find(channel) {
            if self.subscriptions.is_empty() {
                // Most clients have one.
                self.subscriptions.reserve_exact(1);
            }
            self.subscriptions.insert(at, Subscription { channel, refused_before });
        }
    }

    /// Removes a channel, from `routes` too; false when it was not subscribed.
    pub(super) fn unsubscribe(&mut self, channel: ChannelId, routes: &mut Routes) -> bool {
        let Ok(at) = self.find(channel) else { return false };
        let subscription = self.subscriptions.remove(at);
        self.settle(&subscription, routes);
        true
    }

    /// Removes all channels, from `routes` too.
    pub(super) fn unsubscribe_all(&mut self, routes: &mut Routes) {
        for subscription in std::mem::take(&mut self.subscriptions) {
            self.settle(&subscription, routes);
        }
    }

    /// The last message of the channel, which the queue refused, was not for this client.
    pub(super) fn except_refused(&mut self, channel: ChannelId) {
        if let Ok(at) = self.find(channel) {
            self.subscriptions[at].refused_before += 1;
        }
    }

    /// Messages that were meant for it and that the worker's queue refused.
    pub(super) fn refused(&self, routes: &Routes) -> u64 {
        let worker = self.place.worker;
        let current = self.subscriptions.iter().map(|subscription| {
            routes.refused(subscription.channel, worker) - subscription.refused_before
        });
        self.refused + current.sum::<u64>()
    }

    fn settle(&mut self, subscription: &Subscription, routes: &mut Routes) {
        let Subscription { channel, refused_before } = *subscription;
        self.refused += routes.refused(channel, self.place.worker) - refused_before;
        routes.remove(channel, self.place.worker);
    }

    fn find(&self, channel: ChannelId) -> Result<usize, usize> {
        self.subscriptions.binary_search_by_key(&channel, |subscription| subscription.channel)
    }
}
