//! The channels and their subscribers: the channels that are known, and the routes of those with
//! subscribers.
//!
//! The routes say when a channel gets its first subscriber and when it loses its last; a channel
//! with subscribers is pinned, and one without may be forgotten.

use memchr::memmem::Finder;

use crate::ids::{Channel, ChannelId};

use super::channels::{ChannelLimits, Channels};
use super::routes::{Route, RouteEvent, Routes};

/// How busy a channel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelActivity {
    /// Its name.
    pub name: String,
    /// Clients that are subscribed.
    pub subscribers: usize,
    /// Messages published since the channel is known, with subscribers and without.
    pub published: u64,
}

/// See the module's description.
pub(super) struct ChannelRegistry {
    channels: Channels,
    routes: Routes,
}

impl ChannelRegistry {
    /// No channels.
    pub(super) fn new() -> ChannelRegistry {
        ChannelRegistry {
            channels: Channels::new(ChannelLimits::DEFAULT),
            routes: Routes::default(),
        }
    }

    /// The id of a channel that is known.
    pub(super) fn find(&self, name: &str) -> Option<ChannelId> {
        self.channels.find(name)
    }

    /// The name of a channel that is known.
    pub(super) fn name(&self, channel: ChannelId) -> &str {
        self.channels.name(channel)
    }

    /// Adds a subscriber on a worker.
    pub(super) fn subscribe(&mut self, name: &str, worker: usize) -> Channel {
        let channel = self.channels.for_subscriber(name);
        let event = self.routes.add(channel.id, worker);
        self.apply(event);
        channel
    }

    /// Removes a subscriber on a worker.
    pub(super) fn unsubscribe(&mut self, channel: ChannelId, worker: usize) {
        let event = self.routes.remove(channel, worker);
        self.apply(event);
    }

    fn apply(&mut self, event: Option<RouteEvent>) {
        match event {
            Some(RouteEvent::FirstSubscriber(channel)) => self.channels.pin(channel),
            Some(RouteEvent::LastSubscriber(channel)) => self.channels.unpin(channel),
            None => {}
        }
    }

    /// Counts a message, and makes its channel known if it is not. Returns a channel that has
    /// subscribers.
    pub(super) fn count_published(&mut self, name: &str) -> Option<ChannelId> {
        self.channels.count_published(name)
    }

    /// The routes of a channel, in the order of their workers.
    pub(super) fn routes(&self, channel: ChannelId) -> &[Route] {
        self.routes.of(channel)
    }

    /// The same, for a publish to note what a queue refuses.
    pub(super) fn routes_mut(&mut self, channel: ChannelId) -> &mut [Route] {
        self.routes.of_mut(channel)
    }

    /// Messages of the channel that the worker's queue has refused. The worker has subscribers.
    pub(super) fn refused(&self, channel: ChannelId, worker: usize) -> u64 {
        self.routes.refused(channel, worker)
    }

    /// Number of clients that are subscribed to a channel.
    pub(super) fn subscribers(&self, name: &str) -> usize {
        self.find(name).map_or(0, |channel| self.routes.subscribers(channel))
    }

    /// How many channels have subscribers, and how many subscriptions these are.
    pub(super) fn totals(&self) -> (usize, u64) {
        (self.routes.len(), self.routes.subscriptions())
    }

    /// Of the channels that have subscribers, and `search` in their names, those with the most
    /// messages, most first, `limit` at most. Looks at all of them.
    pub(super) fn busiest(&self, limit: usize, search: &str) -> Vec<ChannelActivity> {
        let finder = Finder::new(search);
        let found = self.routes.channels().filter(|&channel| {
            search.is_empty() || finder.find(self.name(channel).as_bytes()).is_some()
        });
        let busiest = self.channels.busiest(found, limit).into_iter();
        let activities = busiest.map(|channel| ChannelActivity {
            name: self.name(channel).to_owned(),
            subscribers: self.routes.subscribers(channel),
            published: self.channels.published(channel),
        });
        activities.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_with_subscribers_is_kept_and_one_without_may_be_forgotten() {
        let mut registry = ChannelRegistry {
            channels: Channels::new(ChannelLimits { channels: 1, bytes: 1 << 20 }),
            routes: Routes::default(),
        };
        let ticks = registry.subscribe("ticks", 0).id;
        assert_eq!(registry.subscribe("ticks", 1).id, ticks);
        assert_eq!(registry.count_published("other"), None);
        assert_eq!((registry.find("ticks"), registry.find("other")), (Some(ticks), None));

        registry.unsubscribe(ticks, 0);
        assert_eq!(registry.count_published("ticks"), Some(ticks), "one is left");
        registry.unsubscribe(ticks, 1);
        assert_eq!(registry.count_published("ticks"), None);
        registry.count_published("other");
        assert_eq!(registry.find("ticks"), None);
    }
}
