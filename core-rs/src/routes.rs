//! Who hears what, as the sequencer knows it: channels, their names, and which workers have
//! listeners.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use slab::Slab;

use crate::channel::{Channel, ChannelId};

/// A worker that has subscribers of a channel, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listeners {
    /// The worker, counted over all shards.
    pub worker: usize,
    /// Its clients that are subscribed.
    pub clients: u32,
    /// Messages of the channel that the worker's queue refused since it has had subscribers. Each
    /// of these knows the count at which it came.
    pub refused: u64,
}

impl Listeners {
    /// Its clients, but for the one that is left out if that is on this worker.
    pub fn clients_but_one_on(&self, except_on: Option<usize>) -> u32 {
        self.clients - u32::from(except_on == Some(self.worker))
    }
}

struct Route {
    name: Arc<str>,
    /// Sorted by worker, so that the workers of a shard stand together. Never empty.
    listeners: Vec<Listeners>,
    /// Messages published since it has had subscribers.
    published: u64,
}

/// How a channel does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelCounts {
    /// Its name.
    pub name: Arc<str>,
    /// Clients that are subscribed.
    pub subscribers: usize,
    /// Messages published since it has had subscribers.
    pub published: u64,
}

/// The channels that have subscribers.
///
/// An id is free for another channel once its last subscriber has left. Workers never confuse the
/// two, because everything reaches them in the order in which it was decided here.
#[derive(Default)]
pub struct Routes {
    /// With a seed: applications take names from clients, who could else choose such as collide.
    ids: HashMap<Arc<str>, ChannelId>,
    routes: Slab<Route>,
}

impl Routes {
    /// The id of a channel that has subscribers.
    pub fn find(&self, name: &str) -> Option<ChannelId> {
        self.ids.get(name).copied()
    }

    /// The workers that have subscribers of the channel, in ascending order.
    pub fn listeners(&self, channel: ChannelId) -> &[Listeners] {
        &self.routes[channel.0 as usize].listeners
    }

    /// The same, for a publish to note what a queue refuses.
    pub fn listeners_mut(&mut self, channel: ChannelId) -> &mut [Listeners] {
        &mut self.routes[channel.0 as usize].listeners
    }

    /// Messages of the channel that the worker's queue has refused. The worker has subscribers.
    pub fn refused(&self, channel: ChannelId, worker: usize) -> u64 {
        let listeners = self.listeners(channel);
        let at = listeners.binary_search_by_key(&worker, |listeners| listeners.worker);
        listeners[at.expect("the worker has subscribers")].refused
    }

    /// The channel's name.
    pub fn name(&self, channel: ChannelId) -> &str {
        &self.routes[channel.0 as usize].name
    }

    /// Number of clients that are subscribed.
    pub fn subscribers(&self, channel: ChannelId) -> usize {
        self.listeners(channel).iter().map(|listeners| listeners.clients as usize).sum()
    }

    /// Counts a message.
    pub fn count_published(&mut self, channel: ChannelId) {
        self.routes[channel.0 as usize].published += 1;
    }

    /// The channels with the most messages, most first, `limit` at most. Looks at all of them.
    pub fn busiest(&self, limit: usize) -> Vec<ChannelCounts> {
        let mut ids: Vec<_> = self.routes.iter().map(|(id, route)| (route.published, id)).collect();
        if ids.len() > limit && limit > 0 {
            ids.select_nth_unstable_by_key(limit - 1, |&(published, _)| Reverse(published));
        }
        ids.truncate(limit);
        ids.sort_unstable_by_key(|&(published, id)| (Reverse(published), id));
        let counts = ids.into_iter().map(|(published, id)| ChannelCounts {
            name: Arc::clone(&self.routes[id].name),
            subscribers: self.subscribers(ChannelId(id as u32)),
            published,
        });
        counts.collect()
    }

    /// Adds a subscriber on `worker` and returns the channel.
    pub fn add(&mut self, name: &str, worker: usize) -> Channel {
        let id = self.find(name).unwrap_or_else(|| self.create(name));
        let Route { name, listeners, .. } = &mut self.routes[id.0 as usize];
        match listeners.binary_search_by_key(&worker, |listeners| listeners.worker) {
            Ok(at) => listeners[at].clients += 1,
            Err(at) => listeners.insert(at, Listeners { worker, clients: 1, refused: 0 }),
        }
        Channel { id, name: Arc::clone(name) }
    }

    /// Removes a subscriber on `worker`; with the last one the channel goes.
    pub fn remove(&mut self, channel: ChannelId, worker: usize) {
        let listeners = &mut self.routes[channel.0 as usize].listeners;
        let at = listeners
            .binary_search_by_key(&worker, |listeners| listeners.worker)
            .expect("a subscriber was counted when it was added");
        listeners[at].clients -= 1;
        if listeners[at].clients == 0 {
            listeners.remove(at);
        }
        if listeners.is_empty() {
            let route = self.routes.remove(channel.0 as usize);
            self.ids.remove(&route.name);
        }
    }

    fn create(&mut self, name: &str) -> ChannelId {
        let name: Arc<str> = name.into();
        let route = Route { name: Arc::clone(&name), listeners: Vec::new(), published: 0 };
        let id = u32::try_from(self.routes.insert(route)).expect("ids are reused");
        self.ids.insert(name, ChannelId(id));
        ChannelId(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_lives_as_long_as_its_subscribers() {
        let mut routes = Routes::default();
        let ticks = routes.add("ticks", 3).id;
        assert_eq!(routes.add("ticks", 1).id, ticks);
        assert_eq!(routes.add("ticks", 3).id, ticks);
        let expected =
            [(1, 1), (3, 2)].map(|(worker, clients)| Listeners { worker, clients, refused: 0 });
        assert_eq!(routes.listeners(ticks), expected);
        assert_eq!(routes.subscribers(ticks), 3);

        for worker in [3, 1, 3] {
            routes.remove(ticks, worker);
        }
        assert_eq!(routes.find("ticks"), None);
        assert_eq!(routes.add("news", 0).id, ticks, "the id is free again");
        assert_eq!(routes.name(ticks), "news");
    }

    #[test]
    fn the_busiest_channels_come_first() {
        let mut routes = Routes::default();
        for (name, published) in [("quiet", 0), ("busy", 9), ("some", 4), ("more", 5)] {
            let channel = routes.add(name, 0).id;
            (0..published).for_each(|_| routes.count_published(channel));
        }
        routes.add("busy", 1);
        let busiest = |limit| {
            let counts = routes.busiest(limit).into_iter();
            counts.map(|counts| (counts.name.to_string(), counts.published)).collect::<Vec<_>>()
        };
        assert_eq!(busiest(2), [("busy".to_owned(), 9), ("more".to_owned(), 5)]);
        assert_eq!((busiest(0).len(), busiest(10).len()), (0, 4));
        assert_eq!(routes.busiest(1)[0].subscribers, 2);
    }
}
