//! Who hears what.

use crate::error::Error;
use crate::ids::{ChannelId, ClientKey};
use crate::worker::command::Command;

use super::{Broadcaster, Registration};

impl Broadcaster {
    /// Subscribes a client; false when it was already, or is gone.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyChannels`] when it has as many as it may.
    pub fn subscribe(&mut self, client: ClientKey, channel: &str) -> Result<bool, Error> {
        let known = self.channels.find(channel);
        let Some(registration) = self.clients.get_mut(client).filter(|client| !client.closing)
        else {
            return Ok(false);
        };
        if known.is_some_and(|channel| registration.hears(channel)) {
            return Ok(false);
        }
        let limit = self.options.max_channels_per_client;
        if registration.channels().count() >= limit {
            return Err(Error::TooManyChannels { client, limit });
        }
        let channel = self.channels.hear(channel);
        self.routes.add(channel.id, registration.place.worker);
        registration.subscribe(channel.id, &self.routes);
        let worker = registration.place.worker;
        self.command(worker, Command::Subscribe(client, Box::new(channel)));
        Ok(true)
    }

    /// Unsubscribes a client; false when it was not subscribed.
    pub fn unsubscribe(&mut self, client: ClientKey, channel: &str) -> bool {
        let Some(channel) = self.channels.find(channel) else { return false };
        let Some(registration) = self.clients.get_mut(client) else { return false };
        if !registration.unsubscribe(channel, &mut self.routes, &mut self.channels) {
            return false;
        }
        let worker = registration.place.worker;
        self.command(worker, Command::Unsubscribe(client, channel));
        true
    }

    /// Whether a client is subscribed.
    pub fn is_subscribed(&self, client: ClientKey, channel: &str) -> bool {
        self.channels.find(channel).is_some_and(|channel| self.hears(client, channel))
    }

    /// What a client is subscribed to.
    pub fn subscriptions(&self, client: ClientKey) -> impl Iterator<Item = &str> {
        let registration = self.clients.get(client).into_iter();
        registration.flat_map(Registration::channels).map(|channel| self.channels.name(channel))
    }

    /// Number of clients that are subscribed to a channel.
    pub fn subscriber_count(&self, channel: &str) -> usize {
        self.channels.find(channel).map_or(0, |channel| self.routes.subscribers(channel))
    }

    pub(super) fn hears(&self, client: ClientKey, channel: ChannelId) -> bool {
        self.clients.get(client).is_some_and(|client| client.hears(channel))
    }
}
