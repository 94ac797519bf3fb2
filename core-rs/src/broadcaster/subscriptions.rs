//! What one client is subscribed to.

use std::slice;

use crate::ids::ChannelId;

/// One of a client's channels.
pub(super) struct Subscription {
    pub(super) channel: ChannelId,
    /// What the queue had refused of the channel before; what it has since was for the
    /// client.
    pub(super) refused_before: u64,
}

/// Sorted by channel. Most clients have one, which needs no memory beside the client's.
pub(super) enum Subscriptions {
    AtMostOne(Option<Subscription>),
    Many(Vec<Subscription>),
}

impl Subscriptions {
    pub(super) fn iter(&self) -> slice::Iter<'_, Subscription> {
        self.all().iter()
    }

    pub(super) fn find(&self, channel: ChannelId) -> Option<&Subscription> {
        self.seek(channel).ok().map(|at| &self.all()[at])
    }

    pub(super) fn find_mut(&mut self, channel: ChannelId) -> Option<&mut Subscription> {
        let at = self.seek(channel).ok()?;
        match self {
            Subscriptions::AtMostOne(one) => one.as_mut(),
            Subscriptions::Many(many) => many.get_mut(at),
        }
    }

    /// Adds a channel, unless it is there.
    pub(super) fn add(&mut self, subscription: Subscription) {
        let Err(at) = self.seek(subscription.channel) else { return };
        match self {
            Subscriptions::AtMostOne(one @ None) => *one = Some(subscription),
            Subscriptions::AtMostOne(one) => {
                let mut many = Vec::from_iter(one.take());
                many.insert(at, subscription);
                *self = Subscriptions::Many(many);
            }
            Subscriptions::Many(many) => many.insert(at, subscription),
        }
    }

    pub(super) fn remove(&mut self, channel: ChannelId) -> Option<Subscription> {
        let at = self.seek(channel).ok()?;
        match self {
            Subscriptions::AtMostOne(one) => one.take(),
            Subscriptions::Many(many) => Some(many.remove(at)),
        }
    }

    fn all(&self) -> &[Subscription] {
        match self {
            Subscriptions::AtMostOne(one) => one.as_slice(),
            Subscriptions::Many(many) => many,
        }
    }

    fn seek(&self, channel: ChannelId) -> Result<usize, usize> {
        self.all().binary_search_by_key(&channel, |subscription| subscription.channel)
    }
}

impl Default for Subscriptions {
    fn default() -> Subscriptions {
        Subscriptions::AtMostOne(None)
    }
}

impl IntoIterator for Subscriptions {
    type Item = Subscription;
    type IntoIter = std::vec::IntoIter<Subscription>;

    fn into_iter(self) -> Self::IntoIter {
        match self {
            Subscriptions::AtMostOne(one) => Vec::from_iter(one).into_iter(),
            Subscriptions::Many(many) => many.into_iter(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_what_a_sorted_map_is(
            steps in prop::collection::vec((any::<bool>(), 0u32..6), 0..40)
        ) {
            let mut subscriptions = Subscriptions::default();
            let mut map = BTreeMap::new();
            for (number, (adds, channel)) in (0u64..).zip(steps) {
                if adds {
                    let channel = ChannelId(channel);
                    subscriptions.add(Subscription { channel, refused_before: number });
                    map.entry(channel.0).or_insert(number);
                } else {
                    let removed = subscriptions.remove(ChannelId(channel));
                    prop_assert_eq!(removed.map(|one| one.refused_before), map.remove(&channel));
                }
                for channel in 0..6 {
                    let found = subscriptions.find(ChannelId(channel));
                    let found = found.map(|one| one.refused_before);
                    prop_assert_eq!(found, map.get(&channel).copied());
                    let found = subscriptions.find_mut(ChannelId(channel));
                    prop_assert_eq!(found.is_some(), map.contains_key(&channel));
                }
                let channels: Vec<_> = subscriptions.iter().map(|one| one.channel.0).collect();
                prop_assert_eq!(channels, map.keys().copied().collect::<Vec<_>>());
            }
            prop_assert_eq!(subscriptions.into_iter().count(), map.len());
        }
    }
}
