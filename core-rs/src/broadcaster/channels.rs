//! The channels that the sequencer knows. A channel outlives its subscribers.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use slab::Slab;

use crate::ids::{Channel, ChannelId};

/// How many channels may be known. Those with subscribers are never forgotten: there are at most as
/// many as subscriptions.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChannelLimits {
    /// Channels, with and without subscribers.
    pub(super) channels: usize,
    /// What they take up, with their names.
    pub(super) bytes: usize,
}

impl ChannelLimits {
    /// What a server keeps.
    pub(super) const DEFAULT: ChannelLimits =
        ChannelLimits { channels: 1_000_000, bytes: 64 << 20 };
}

/// Channels by name and id.
///
/// Past the limits, the channel without subscribers that was used least recently is forgotten, and
/// its id is free for another. Workers never confuse the two, because everything reaches them in
/// the order in which it was decided here.
pub(super) struct Channels {
    /// With a seed: applications take names from clients, who could else choose such as collide.
    ids: HashMap<Arc<str>, ChannelId>,
    entries: Slab<ChannelEntry>,
    /// Both ends of the list of channels without subscribers, by their last use.
    oldest: Option<u32>,
    newest: Option<u32>,
    bytes: usize,
    limits: ChannelLimits,
}

struct ChannelEntry {
    name: Arc<str>,
    /// Messages published since the channel is known.
    published: u64,
    /// Its place in the list of channels that may be forgotten; none while it has subscribers.
    unpinned: Option<Neighbours>,
}

/// A place in the list of channels without subscribers.
#[derive(Clone, Copy)]
struct Neighbours {
    older: Option<u32>,
    newer: Option<u32>,
}

impl ChannelEntry {
    /// What a channel takes up beside its name: its entry, its place in the table of ids, and the
    /// counts of its name.
    const BYTES: usize =
        size_of::<ChannelEntry>() + size_of::<(Arc<str>, ChannelId)>() + 2 * size_of::<usize>();

    fn bytes(&self) -> usize {
        ChannelEntry::BYTES + self.name.len()
    }
}

impl Channels {
    /// No channels.
    pub(super) fn new(limits: ChannelLimits) -> Channels {
        let (ids, entries) = Default::default();
        Channels { ids, entries, oldest: None, newest: None, bytes: 0, limits }
    }

    /// The id of a channel that is known.
    pub(super) fn find(&self, name: &str) -> Option<ChannelId> {
        self.ids.get(name).copied()
    }

    /// The name of a channel that is known.
    pub(super) fn name(&self, channel: ChannelId) -> &str {
        &self.entry(channel).name
    }

    /// Messages published since the channel is known.
    pub(super) fn published(&self, channel: ChannelId) -> u64 {
        self.entry(channel).published
    }

    /// Counts a message, and makes its channel known if it is not. Returns a channel that has
    /// subscribers.
    pub(super) fn count_published(&mut self, name: &str) -> Option<ChannelId> {
        let channel = self.find_or_add(name);
        let entry = &mut self.entries[channel.0 as usize];
        entry.published += 1;
        if entry.unpinned.is_none() {
            return Some(channel);
        }
        self.unlink(channel);
        self.link_newest(channel);
        self.keep_limits();
        None
    }

    /// The channel with this name, for a client that subscribes. A channel without a subscriber may
    /// be forgotten until [`Channels::pin`], which the caller has to call before anything else.
    pub(super) fn for_subscriber(&mut self, name: &str) -> Channel {
        let id = self.find_or_add(name);
        Channel { id, name: Arc::clone(&self.entry(id).name) }
    }

    /// Keeps a channel, which has got its first subscriber.
    pub(super) fn pin(&mut self, channel: ChannelId) {
        self.unlink(channel);
        self.keep_limits();
    }

    /// Lets a channel be forgotten, which has lost its last subscriber.
    pub(super) fn unpin(&mut self, channel: ChannelId) {
        self.link_newest(channel);
        self.keep_limits();
    }

    /// Of the given channels those with the most messages, most first, `limit` at most.
    pub(super) fn busiest(
        &self,
        channels: impl Iterator<Item = ChannelId>,
        limit: usize,
    ) -> Vec<ChannelId> {
        let mut channels: Vec<_> = channels.map(|id| (Reverse(self.published(id)), id)).collect();
        if channels.len() > limit && limit > 0 {
            channels.select_nth_unstable(limit - 1);
        }
        channels.truncate(limit);
        channels.sort_unstable();
        channels.into_iter().map(|(_, id)| id).collect()
    }

    fn find_or_add(&mut self, name: &str) -> ChannelId {
        self.find(name).unwrap_or_else(|| self.add(name))
    }

    /// Makes a channel known, as the newest without subscribers.
    fn add(&mut self, name: &str) -> ChannelId {
        let name: Arc<str> = name.into();
        let entry = ChannelEntry { name: Arc::clone(&name), published: 0, unpinned: None };
        self.bytes += entry.bytes();
        let id = u32::try_from(self.entries.insert(entry)).expect("ids are reused");
        self.ids.insert(name, ChannelId(id));
        self.link_newest(ChannelId(id));
        ChannelId(id)
    }

    /// Forgets the channels without subscribers that were used least recently, down to the limits.
    fn keep_limits(&mut self) {
        while self.entries.len() > self.limits.channels || self.bytes > self.limits.bytes {
            let Some(oldest) = self.oldest else { return };
            self.unlink(ChannelId(oldest));
            let forgotten = self.entries.remove(oldest as usize);
            self.bytes -= forgotten.bytes();
            self.ids.remove(&forgotten.name);
        }
    }

    fn link_newest(&mut self, ChannelId(id): ChannelId) {
        let older = self.newest.replace(id);
        self.entries[id as usize].unpinned = Some(Neighbours { older, newer: None });
        match older {
            Some(older) => self.neighbours(older).newer = Some(id),
            None => self.oldest = Some(id),
        }
    }

    /// Takes a channel out of the list of those without subscribers, if it is there.
    fn unlink(&mut self, channel: ChannelId) {
        let unpinned = self.entries[channel.0 as usize].unpinned.take();
        let Some(Neighbours { older, newer }) = unpinned else { return };
        match older {
            Some(older) => self.neighbours(older).newer = newer,
            None => self.oldest = newer,
        }
        match newer {
            Some(newer) => self.neighbours(newer).older = older,
            None => self.newest = older,
        }
    }

    fn neighbours(&mut self, id: u32) -> &mut Neighbours {
        self.entries[id as usize].unpinned.as_mut().expect("its neighbours are in the list too")
    }

    fn entry(&self, channel: ChannelId) -> &ChannelEntry {
        &self.entries[channel.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Channels {
        fn subscribe(&mut self, name: &str) -> ChannelId {
            let Channel { id, .. } = self.for_subscriber(name);
            self.pin(id);
            id
        }

        fn len(&self) -> usize {
            assert_eq!(self.ids.len(), self.entries.len());
            self.entries.len()
        }
    }

    const ROOM: ChannelLimits = ChannelLimits { channels: 4, bytes: 1 << 20 };

    #[test]
    fn a_channel_outlives_its_subscribers() {
        let mut channels = Channels::new(ROOM);
        assert_eq!(channels.count_published("ticks"), None);
        let ticks = channels.subscribe("ticks");
        assert_eq!(channels.count_published("ticks"), Some(ticks));
        channels.unpin(ticks);
        assert_eq!(channels.find("ticks"), Some(ticks));
        assert_eq!((channels.name(ticks), channels.published(ticks)), ("ticks", 2));
    }

    #[test]
    fn names_count_with_their_length() {
        let mut channels = Channels::new(ChannelLimits { channels: 100, bytes: 2000 });
        channels.count_published("short");
        channels.count_published(&"long".repeat(470));
        assert_eq!((channels.find("short"), channels.len()), (None, 1));
        channels.subscribe(&"heard".repeat(1000));
        assert_eq!(channels.len(), 1, "a channel with subscribers is kept, past the limit too");
    }

    #[test]
    fn the_busiest_channels_come_first() {
        let mut channels = Channels::new(ChannelLimits::DEFAULT);
        for (name, published) in [("quiet", 0), ("busy", 9), ("some", 4), ("more", 5)] {
            channels.subscribe(name);
            (0..published).for_each(|_| assert!(channels.count_published(name).is_some()));
        }
        let all = || (0..4).map(ChannelId);
        let names = |limit| {
            let busiest = channels.busiest(all(), limit).into_iter();
            busiest.map(|id| channels.name(id)).collect::<Vec<_>>()
        };
        assert_eq!(names(2), ["busy", "more"]);
        assert_eq!((names(0).len(), names(10).len()), (0, 4));
    }

    #[derive(Clone, Debug)]
    enum ChannelStep {
        Publish(u8),
        Subscribe(u8),
        Leave(u8),
    }

    fn step() -> impl Strategy<Value = ChannelStep> {
        let name = 0u8..10;
        prop_oneof![
            name.clone().prop_map(ChannelStep::Publish),
            name.clone().prop_map(ChannelStep::Subscribe),
            name.prop_map(ChannelStep::Leave),
        ]
    }

    /// A channel as the model knows it, least recently used first.
    struct Modelled {
        name: u8,
        published: u64,
        subscribed: bool,
    }

    fn is_subscribed(known: &[Modelled], name: u8) -> bool {
        known.iter().any(|channel| channel.name == name && channel.subscribed)
    }

    /// Does the step with a list in the place of everything.
    fn model(known: &mut Vec<Modelled>, step: &ChannelStep) {
        let (ChannelStep::Publish(name) | ChannelStep::Subscribe(name) | ChannelStep::Leave(name)) =
            *step;
        let at = known.iter().position(|channel| channel.name == name);
        let mut channel = match (at, step) {
            (Some(at), _) => known.remove(at),
            (None, ChannelStep::Leave(_)) => return,
            (None, _) => Modelled { name, published: 0, subscribed: false },
        };
        match step {
            ChannelStep::Publish(_) => channel.published += 1,
            ChannelStep::Subscribe(_) => channel.subscribed = true,
            ChannelStep::Leave(_) => channel.subscribed = false,
        }
        known.push(channel);
        while known.len() > ROOM.channels {
            let Some(oldest) = known.iter().position(|channel| !channel.subscribed) else { return };
            known.remove(oldest);
        }
    }

    proptest! {
        #[test]
        fn they_are_what_a_list_by_last_use_is(steps in prop::collection::vec(step(), 0..200)) {
            let mut channels = Channels::new(ROOM);
            let mut known: Vec<Modelled> = Vec::new();
            for step in steps {
                match &step {
                    ChannelStep::Publish(name) => {
                        let subscribed = channels.count_published(&name.to_string()).is_some();
                        prop_assert_eq!(subscribed, is_subscribed(&known, *name));
                    }
                    ChannelStep::Subscribe(name) => {
                        channels.subscribe(&name.to_string());
                    }
                    ChannelStep::Leave(name) => {
                        // Only a channel with subscribers loses its last.
                        if !is_subscribed(&known, *name) {
                            continue;
                        }
                        let id = channels.find(&name.to_string()).expect("it has subscribers");
                        channels.unpin(id);
                    }
                }
                model(&mut known, &step);
                prop_assert_eq!(channels.len(), known.len());
                for Modelled { name, published, .. } in &known {
                    let id = channels.find(&name.to_string()).expect("the model knows it");
                    prop_assert_eq!(channels.published(id), *published);
                }
            }
        }
    }
}
