//! Who hears what, as the sequencer knows it: channels, their names, and which workers have listeners.

use rustc_hash::FxHashMap;
use slab::Slab;

/// Names a channel between the sequencer and the workers while it has subscribers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u32);

/// A worker that has subscribers of a channel, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listeners {
    /// The worker, counted over all shards.
    pub worker: usize,
    /// Its clients that are subscribed.
    pub clients: u32,
}

struct Channel {
    name: Box<str>,
    /// Sorted by worker, so that the workers of a shard stand together. Never empty.
    listeners: Vec<Listeners>,
}

/// The channels that have subscribers.
///
/// An id is free for another channel once its last subscriber has left. Workers never confuse the two,
/// because everything reaches them in the order in which it was decided here.
#[derive(Default)]
pub struct Routes {
    ids: FxHashMap<Box<str>, ChannelId>,
    channels: Slab<Channel>,
}

impl Routes {
    /// The id of a channel that has subscribers.
    pub fn find(&self, name: &str) -> Option<ChannelId> {
        self.ids.get(name).copied()
    }

    /// The workers that have subscribers of the channel, in ascending order.
    pub fn listeners(&self, channel: ChannelId) -> &[Listeners] {
        &self.channels[channel.0 as usize].listeners
    }

    /// The channel's name.
    pub fn name(&self, channel: ChannelId) -> &str {
        &self.channels[channel.0 as usize].name
    }

    /// Number of clients that are subscribed.
    pub fn subscribers(&self, channel: ChannelId) -> usize {
        self.listeners(channel).iter().map(|listeners| listeners.clients as usize).sum()
    }

    /// Adds a subscriber on `worker` and returns the channel's id.
    pub fn add(&mut self, name: &str, worker: usize) -> ChannelId {
        let id = self.find(name).unwrap_or_else(|| self.create(name));
        let listeners = &mut self.channels[id.0 as usize].listeners;
        match listeners.binary_search_by_key(&worker, |listeners| listeners.worker) {
            Ok(at) => listeners[at].clients += 1,
            Err(at) => listeners.insert(at, Listeners { worker, clients: 1 }),
        }
        id
    }

    /// Removes a subscriber on `worker`; with the last one the channel goes.
    pub fn remove(&mut self, channel: ChannelId, worker: usize) {
        let listeners = &mut self.channels[channel.0 as usize].listeners;
        let at = listeners
            .binary_search_by_key(&worker, |listeners| listeners.worker)
            .expect("a subscriber was counted when it was added");
        listeners[at].clients -= 1;
        if listeners[at].clients == 0 {
            listeners.remove(at);
        }
        if listeners.is_empty() {
            let channel = self.channels.remove(channel.0 as usize);
            self.ids.remove(&channel.name);
        }
    }

    fn create(&mut self, name: &str) -> ChannelId {
        let channel = Channel { name: name.into(), listeners: Vec::new() };
        let id = u32::try_from(self.channels.insert(channel)).expect("ids are reused");
        self.ids.insert(name.into(), ChannelId(id));
        ChannelId(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_lives_as_long_as_its_subscribers() {
        let mut routes = Routes::default();
        let ticks = routes.add("ticks", 3);
        assert_eq!(routes.add("ticks", 1), ticks);
        assert_eq!(routes.add("ticks", 3), ticks);
        let expected = [Listeners { worker: 1, clients: 1 }, Listeners { worker: 3, clients: 2 }];
        assert_eq!(routes.listeners(ticks), expected);
        assert_eq!(routes.subscribers(ticks), 3);

        for worker in [3, 1, 3] {
            routes.remove(ticks, worker);
        }
        assert_eq!(routes.find("ticks"), None);
        assert_eq!(routes.add("news", 0), ticks, "the id is free again");
        assert_eq!(routes.name(ticks), "news");
    }
}
