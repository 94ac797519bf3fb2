//! Which workers hear a channel, and with how many clients.

use rustc_hash::FxHashMap;

use crate::ids::ChannelId;

/// A worker that has subscribers of a channel, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listeners {
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
    pub(super) fn clients_but_one_on(&self, except_on: Option<usize>) -> u32 {
        self.clients - u32::from(except_on == Some(self.worker))
    }
}

/// The routes of the channels that have subscribers.
#[derive(Default)]
pub(super) struct Routes {
    /// Of each channel its listeners, sorted by worker, so that the workers of a shard stand
    /// together. Never empty.
    by_channel: FxHashMap<ChannelId, Vec<Listeners>>,
    /// Clients that are subscribed, each once for each of its channels.
    subscriptions: u64,
}

impl Routes {
    /// The channels that have subscribers, in any order.
    pub(super) fn channels(&self) -> impl Iterator<Item = ChannelId> {
        self.by_channel.keys().copied()
    }

    /// How many channels have subscribers.
    pub(super) fn len(&self) -> usize {
        self.by_channel.len()
    }
    /// Clients that are subscribed, each once for each of its channels.
    pub(super) fn subscriptions(&self) -> u64 {
        self.subscriptions
    }

    /// The workers that have subscribers of the channel, in ascending order.
    pub(super) fn listeners(&self, channel: ChannelId) -> &[Listeners] {
        self.by_channel.get(&channel).map_or(&[], Vec::as_slice)
    }

    /// The same, for a publish to note what a queue refuses.
    pub(super) fn listeners_mut(&mut self, channel: ChannelId) -> &mut [Listeners] {
        self.by_channel.get_mut(&channel).map_or(&mut [], Vec::as_mut_slice)
    }

    /// Messages of the channel that the worker's queue has refused. The worker has subscribers.
    pub(super) fn refused(&self, channel: ChannelId, worker: usize) -> u64 {
        let listeners = self.listeners(channel);
        let at = listeners.binary_search_by_key(&worker, |listeners| listeners.worker);
        listeners[at.expect("the worker has subscribers")].refused
    }

    /// Number of clients that are subscribed.
    pub(super) fn subscribers(&self, channel: ChannelId) -> usize {
        self.listeners(channel).iter().map(|listeners| listeners.clients as usize).sum()
    }

    /// Adds a subscriber on `worker`.
    pub(super) fn add(&mut self, channel: ChannelId, worker: usize) {
        self.subscriptions += 1;
        let listeners = self.by_channel.entry(channel).or_default();
        match listeners.binary_search_by_key(&worker, |listeners| listeners.worker) {
            Ok(at) => listeners[at].clients += 1,
            Err(at) => listeners.insert(at, Listeners { worker, clients: 1, refused: 0 }),
        }
    }

    /// Removes a subscriber on `worker`; true when it was the channel's last.
    pub(super) fn remove(&mut self, channel: ChannelId, worker: usize) -> bool {
        let listeners = self.by_channel.get_mut(&channel).expect("it has a subscriber");
        let at = listeners
            .binary_search_by_key(&worker, |listeners| listeners.worker)
            .expect("a subscriber was counted when it was added");
        self.subscriptions -= 1;
        listeners[at].clients -= 1;
        if listeners[at].clients == 0 {
            listeners.remove(at);
        }
        let was_last = listeners.is_empty();
        if was_last {
            self.by_channel.remove(&channel);
        }
        was_last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_lives_as_long_as_its_subscribers() {
        let mut routes = Routes::default();
        let ticks = ChannelId(7);
        for worker in [3, 1, 3] {
            routes.add(ticks, worker);
        }
        let expected =
            [(1, 1), (3, 2)].map(|(worker, clients)| Listeners { worker, clients, refused: 0 });
        assert_eq!(routes.listeners(ticks), expected);
        assert_eq!(routes.subscribers(ticks), 3);
        assert_eq!((routes.len(), routes.subscriptions()), (1, 3));
        assert_eq!([3, 1, 3].map(|worker| routes.remove(ticks, worker)), [false, false, true]);
        assert_eq!((routes.listeners(ticks), routes.channels().count()), (&[][..], 0));
        assert_eq!((routes.by_channel.is_empty(), routes.subscriptions()), (true, 0));
    }
}
