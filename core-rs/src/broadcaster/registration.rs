//! What the sequencer knows of one client.

use std::sync::Arc;

use crate::broadcaster::placement::Place;
use crate::broadcaster::routes::Routes;
use crate::frame::compression::Compression;
use crate::ids::ChannelId;
use crate::worker::client::Pressure;

use super::channels::Channels;
use super::subscriptions::{Subscription, Subscriptions};

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
    /// The last message to it alone was answered with [`Sent::Behind`](super::Sent::Behind): only
    /// then may the next be refused.
    pub(super) was_behind: bool,
    subscriptions: Subscriptions,
    /// Messages meant for it that the worker's queue refused, of subscriptions that have ended.
    refused: u64,
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
            was_behind: false,
            subscriptions: Subscriptions::default(),
            refused: 0,
        }
    }

    pub(super) fn channels(&self) -> impl Iterator<Item = ChannelId> {
        self.subscriptions.iter().map(|subscription| subscription.channel)
    }

    pub(super) fn hears(&self, channel: ChannelId) -> bool {
        self.subscriptions.find(channel).is_some()
    }

    /// Adds a channel, which `routes` knows already.
    pub(super) fn subscribe(&mut self, channel: ChannelId, routes: &Routes) {
        let refused_before = routes.refused(channel, self.place.worker);
        self.subscriptions.add(Subscription { channel, refused_before });
    }

    /// Removes a channel, from `routes` too; false when it was not subscribed.
    pub(super) fn unsubscribe(
        &mut self,
        channel: ChannelId,
        routes: &mut Routes,
        channels: &mut Channels,
    ) -> bool {
        let Some(subscription) = self.subscriptions.remove(channel) else { return false };
        self.settle(&subscription, routes, channels);
        true
    }

    /// Removes all channels, from `routes` too.
    pub(super) fn unsubscribe_all(&mut self, routes: &mut Routes, channels: &mut Channels) {
        for subscription in std::mem::take(&mut self.subscriptions) {
            self.settle(&subscription, routes, channels);
        }
    }

    /// The last message of the channel, which the queue refused, was not for this client.
    pub(super) fn except_refused(&mut self, channel: ChannelId) {
        if let Some(subscription) = self.subscriptions.find_mut(channel) {
            subscription.refused_before += 1;
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

    fn settle(
        &mut self,
        subscription: &Subscription,
        routes: &mut Routes,
        channels: &mut Channels,
    ) {
        let Subscription { channel, refused_before } = *subscription;
        self.refused += routes.refused(channel, self.place.worker) - refused_before;
        if routes.remove(channel, self.place.worker) {
            channels.leave(channel);
        }
    }
}
