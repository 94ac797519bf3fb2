//! What the sequencer knows of one client.

use std::sync::Arc;

use crate::broadcaster::placement::Place;
use crate::frame::form::Form;
use crate::ids::{Channel, ChannelId};
use crate::worker::client::Pressure;

use super::backpressure::Backpressure;
use super::channel_registry::ChannelRegistry;
use super::subscriptions::{Subscription, Subscriptions};

/// See the module's description.
pub(super) struct Registration {
    pub(super) place: Place,
    pub(super) form: Form,
    pub(super) backpressure: Backpressure,
    /// The application has closed it; its worker has not let it go yet.
    pub(super) closing: bool,
    /// It sends nothing more. The application closes it once it has answered what came before.
    pub(super) peer_done: bool,
    subscriptions: Subscriptions,
    /// Messages for it that the worker's queue refused, of subscriptions that have ended.
    refused: u64,
}

/// The client has as many channels as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChannelsFull;

impl Registration {
    pub(super) fn new(place: Place, form: Form, pressure: Arc<Pressure>) -> Registration {
        Registration {
            place,
            form,
            backpressure: Backpressure::new(pressure),
            closing: false,
            peer_done: false,
            subscriptions: Subscriptions::default(),
            refused: 0,
        }
    }

    pub(super) fn channels(&self) -> impl Iterator<Item = ChannelId> {
        self.subscriptions.iter().map(|subscription| subscription.channel)
    }

    pub(super) fn is_subscribed(&self, channel: ChannelId) -> bool {
        self.subscriptions.find(channel).is_some()
    }

    /// Adds a channel, in the registry too; none when it was subscribed already.
    ///
    /// # Errors
    ///
    /// [`ChannelsFull`] when it has `limit` channels.
    pub(super) fn subscribe(
        &mut self,
        name: &str,
        limit: usize,
        channels: &mut ChannelRegistry,
    ) -> Result<Option<Channel>, ChannelsFull> {
        if channels.find(name).is_some_and(|channel| self.is_subscribed(channel)) {
            return Ok(None);
        }
        if self.subscriptions.iter().len() >= limit {
            return Err(ChannelsFull);
        }
        let channel = channels.subscribe(name, self.place.worker);
        let refused_before = channels.refused(channel.id, self.place.worker);
        self.subscriptions.add(Subscription { channel: channel.id, refused_before });
        Ok(Some(channel))
    }

    /// Removes a channel, in the registry too; false when it was not subscribed.
    pub(super) fn unsubscribe(
        &mut self,
        channel: ChannelId,
        channels: &mut ChannelRegistry,
    ) -> bool {
        let Some(subscription) = self.subscriptions.remove(channel) else { return false };
        self.settle(&subscription, channels);
        true
    }

    /// Removes all channels, in the registry too.
    pub(super) fn unsubscribe_all(&mut self, channels: &mut ChannelRegistry) {
        for subscription in std::mem::take(&mut self.subscriptions) {
            self.settle(&subscription, channels);
        }
    }

    /// The last message of the channel, which the queue refused, was not for this client.
    pub(super) fn except_refused(&mut self, channel: ChannelId) {
        if let Some(subscription) = self.subscriptions.find_mut(channel) {
            subscription.refused_before += 1;
        }
    }

    /// Messages for it that the worker's queue refused.
    pub(super) fn refused(&self, channels: &ChannelRegistry) -> u64 {
        let worker = self.place.worker;
        let current = self.subscriptions.iter().map(|subscription| {
            channels.refused(subscription.channel, worker) - subscription.refused_before
        });
        self.refused + current.sum::<u64>()
    }

    fn settle(&mut self, subscription: &Subscription, channels: &mut ChannelRegistry) {
        let Subscription { channel, refused_before } = *subscription;
        self.refused += channels.refused(channel, self.place.worker) - refused_before;
        channels.unsubscribe(channel, self.place.worker);
    }
}
