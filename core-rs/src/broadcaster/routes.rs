//! Which workers have subscribers of a channel, and how many.

use rustc_hash::FxHashMap;

use crate::ids::ChannelId;

/// A worker that has subscribers of a channel, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The worker, counted over all shards.
    pub(super) worker: usize,
    /// Its clients that are subscribed.
    pub(super) subscribers: u32,
    /// Messages of the channel that the worker's queue refused since it has had subscribers. Each
    /// subscriber keeps the count at which it came.
    pub(super) refused: u64,
}

impl Route {
    /// Its subscribers without the one that a publish leaves out, if that is on this worker.
    pub(super) fn subscribers_but_one_on(&self, except_on: Option<usize>) -> u32 {
        self.subscribers - u32::from(except_on == Some(self.worker))
    }
}

/// A channel that begins or ceases to have subscribers. The two alternate for each channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RouteEvent {
    /// The channel has got its first subscriber.
    FirstSubscriber(ChannelId),
    /// The channel has lost its last subscriber.
    LastSubscriber(ChannelId),
}

/// The routes of the channels that have subscribers.
#[derive(Default)]
pub(super) struct Routes {
    /// The routes of each channel, sorted by worker, so that the workers of a shard stand together.
    /// Never empty.
    by_channel: FxHashMap<ChannelId, Vec<Route>>,
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

    /// The routes of a channel, in the order of their workers.
    pub(super) fn of(&self, channel: ChannelId) -> &[Route] {
        self.by_channel.get(&channel).map_or(&[], Vec::as_slice)
    }

    /// The same, for a publish to note what a queue refuses.
    pub(super) fn of_mut(&mut self, channel: ChannelId) -> &mut [Route] {
        self.by_channel.get_mut(&channel).map_or(&mut [], Vec::as_mut_slice)
    }

    /// Messages of the channel that the worker's queue has refused. The worker has subscribers.
    pub(super) fn refused(&self, channel: ChannelId, worker: usize) -> u64 {
        let routes = self.of(channel);
        let at = routes.binary_search_by_key(&worker, |route| route.worker);
        routes[at.expect("the worker has subscribers")].refused
    }

    /// Number of clients that are subscribed.
    pub(super) fn subscribers(&self, channel: ChannelId) -> usize {
        self.of(channel).iter().map(|route| route.subscribers as usize).sum()
    }

    /// Adds a subscriber on `worker`.
    pub(super) fn add(&mut self, channel: ChannelId, worker: usize) -> Option<RouteEvent> {
        self.subscriptions += 1;
        let routes = self.by_channel.entry(channel).or_default();
        let is_first = routes.is_empty();
        match routes.binary_search_by_key(&worker, |route| route.worker) {
            Ok(at) => routes[at].subscribers += 1,
            Err(at) => routes.insert(at, Route { worker, subscribers: 1, refused: 0 }),
        }
        is_first.then_some(RouteEvent::FirstSubscriber(channel))
    }

    /// Removes a subscriber on `worker`.
    pub(super) fn remove(&mut self, channel: ChannelId, worker: usize) -> Option<RouteEvent> {
        let routes = self.by_channel.get_mut(&channel).expect("it has a subscriber");
        let at = routes
            .binary_search_by_key(&worker, |route| route.worker)
            .expect("a subscriber was counted when it was added");
        self.subscriptions -= 1;
        routes[at].subscribers -= 1;
        if routes[at].subscribers == 0 {
            routes.remove(at);
        }
        let was_last = routes.is_empty();
        if was_last {
            self.by_channel.remove(&channel);
        }
        was_last.then_some(RouteEvent::LastSubscriber(channel))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_route_lives_as_long_as_its_subscribers() {
        let mut routes = Routes::default();
        let ticks = ChannelId(7);
        let first = [3, 1, 3].map(|worker| routes.add(ticks, worker));
        assert_eq!(first, [Some(RouteEvent::FirstSubscriber(ticks)), None, None]);
        let expected =
            [(1, 1), (3, 2)].map(|(worker, subscribers)| Route { worker, subscribers, refused: 0 });
        assert_eq!(routes.of(ticks), expected);
        assert_eq!(routes.subscribers(ticks), 3);
        assert_eq!((routes.len(), routes.subscriptions()), (1, 3));
        let last = [3, 1, 3].map(|worker| routes.remove(ticks, worker));
        assert_eq!(last, [None, None, Some(RouteEvent::LastSubscriber(ticks))]);
        assert_eq!((routes.of(ticks), routes.channels().count()), (&[][..], 0));
        assert_eq!((routes.by_channel.is_empty(), routes.subscriptions()), (true, 0));
    }

    proptest! {
        /// A step toggles the subscription of a client, which lives on the worker of its number, or
        /// takes a client out of all of its channels.
        #[test]
        fn first_and_last_subscriber_alternate_in_any_order_of_subscriptions(
            steps in prop::collection::vec((0usize..6, prop::option::of(0u32..4)), 0..100)
        ) {
            let mut routes = Routes::default();
            let mut model: BTreeSet<(u32, usize)> = BTreeSet::new();
            let mut has_subscribers: BTreeMap<ChannelId, bool> = BTreeMap::new();
            for (client, channel) in steps {
                let all = (0..4).filter(|&channel| model.contains(&(channel, client)));
                let toggled: Vec<u32> = channel.map_or_else(|| all.collect(), |one| vec![one]);
                for channel in toggled {
                    let (id, worker) = (ChannelId(channel), client % 3);
                    let event = if model.remove(&(channel, client)) {
                        routes.remove(id, worker)
                    } else {
                        model.insert((channel, client));
                        routes.add(id, worker)
                    };
                    let before = has_subscribers.get(&id).copied().unwrap_or(false);
                    let after = model.iter().any(|&(of, _)| of == channel);
                    let expected = match (before, after) {
                        (false, true) => Some(RouteEvent::FirstSubscriber(id)),
                        (true, false) => Some(RouteEvent::LastSubscriber(id)),
                        _ => None,
                    };
                    prop_assert_eq!(event, expected);
                    has_subscribers.insert(id, after);
                }
                prop_assert_eq!(routes.subscriptions(), model.len() as u64);
                let with_subscribers: BTreeSet<_> = routes.channels().collect();
                let expected: BTreeSet<_> = model.iter().map(|&(id, _)| ChannelId(id)).collect();
                prop_assert_eq!(with_subscribers, expected);
            }
        }
    }
}
