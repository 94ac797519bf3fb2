//! The channels that there are, as the sequencer knows them: a channel outlives its listeners.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use slab::Slab;

use crate::ids::{Channel, ChannelId};

/// How many channels may be known without listeners. Those with listeners are never forgotten:
/// there are at most as many as subscriptions.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChannelLimits {
    /// Channels, with and without listeners.
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
/// Past the limits, the channel without listeners that was used least recently is forgotten, and
/// its id is free for another. Workers never confuse the two, because everything reaches them in
/// the order in which it was decided here.
pub(super) struct Channels {
    /// With a seed: applications take names from clients, who could else choose such as collide.
    ids: HashMap<Arc<str>, ChannelId>,
    entries: Slab<Entry>,
    /// Both ends of the list of channels without listeners, by their last use.
    oldest: Option<u32>,
    newest: Option<u32>,
    bytes: usize,
    limits: ChannelLimits,
}

struct Entry {
    name: Arc<str>,
    /// Messages published since the channel is known.
    published: u64,
    /// None while it has listeners.
    unheard: Option<Neighbours>,
}

/// A place in the list of channels without listeners.
#[derive(Clone, Copy)]
struct Neighbours {
    older: Option<u32>,
    newer: Option<u32>,
}

impl Entry {
    /// What a channel takes up beside its name: its entry, its place in the table of ids, and the
    /// counts of its name.
    const BYTES: usize =
        size_of::<Entry>() + size_of::<(Arc<str>, ChannelId)>() + 2 * size_of::<usize>();

    fn bytes(&self) -> usize {
        Entry::BYTES + self.name.len()
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

    /// Counts a message, and makes its channel known if it is not. Returned is a channel that has
    /// listeners.
    pub(super) fn count_published(&mut self, name: &str) -> Option<ChannelId> {
        let channel = self.find(name).unwrap_or_else(|| self.add(name));
        let entry = &mut self.entries[channel.0 as usize];
        entry.published += 1;
        if entry.unheard.is_none() {
            return Some(channel);
        }
        self.unlink(channel);
        self.link_newest(channel);
        self.keep_limits();
        None
    }

    /// A client hears the channel from here on.
    pub(super) fn hear(&mut self, name: &str) -> Channel {
        let id = self.find(name).unwrap_or_else(|| self.add(name));
        self.unlink(id);
        let name = Arc::clone(&self.entry(id).name);
        self.keep_limits();
        Channel { id, name }
    }

    /// Nobody hears the channel any more.
    pub(super) fn leave(&mut self, channel: ChannelId) {
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

    /// Makes a channel known, as the newest without listeners.
    fn add(&mut self, name: &str) -> ChannelId {
        let name: Arc<str> = name.into();
        let entry = Entry { name: Arc::clone(&name), published: 0, unheard: None };
        self.bytes += entry.bytes();
        let id = u32::try_from(self.entries.insert(entry)).expect("ids are reused");
        self.ids.insert(name, ChannelId(id));
        self.link_newest(ChannelId(id));
        ChannelId(id)
    }

    /// Forgets those without listeners that were used least recently, as far as the limits ask.
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
        self.entries[id as usize].unheard = Some(Neighbours { older, newer: None });
        match older {
            Some(older) => self.neighbours(older).newer = Some(id),
            None => self.oldest = Some(id),
        }
    }

    /// Takes a channel out of the list of those without listeners, if it is there.
    fn unlink(&mut self, channel: ChannelId) {
        let unheard = self.entries[channel.0 as usize].unheard.take();
        let Some(Neighbours { older, newer }) = unheard else { return };
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
        self.entries[id as usize].unheard.as_mut().expect("its neighbours are in the list too")
    }

    fn entry(&self, channel: ChannelId) -> &Entry {
        &self.entries[channel.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Channels {
        fn len(&self) -> usize {
            assert_eq!(self.ids.len(), self.entries.len());
            self.entries.len()
        }
    }

    const ROOM: ChannelLimits = ChannelLimits { channels: 4, bytes: 1 << 20 };

    #[test]
    fn a_channel_outlives_its_listeners() {
        let mut channels = Channels::new(ROOM);
        assert_eq!(channels.count_published("ticks"), None);
        let ticks = channels.hear("ticks").id;
        assert_eq!(channels.count_published("ticks"), Some(ticks));
        channels.leave(ticks);
        assert_eq!(channels.find("ticks"), Some(ticks));
        assert_eq!((channels.name(ticks), channels.published(ticks)), ("ticks", 2));
    }

    #[test]
    fn names_count_with_their_length() {
        let mut channels = Channels::new(ChannelLimits { channels: 100, bytes: 2000 });
        channels.count_published("short");
        channels.count_published(&"long".repeat(470));
        assert_eq!((channels.find("short"), channels.len()), (None, 1));
        channels.hear(&"heard".repeat(1000));
        assert_eq!(channels.len(), 1, "what has listeners is kept, past the limit too");
    }

    #[test]
    fn the_busiest_channels_come_first() {
        let mut channels = Channels::new(ChannelLimits::DEFAULT);
        for (name, published) in [("quiet", 0), ("busy", 9), ("some", 4), ("more", 5)] {
            channels.hear(name);
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
    enum Step {
        Publish(u8),
        Hear(u8),
        Leave(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        let name = 0u8..10;
        prop_oneof![
            name.clone().prop_map(Step::Publish),
            name.clone().prop_map(Step::Hear),
            name.prop_map(Step::Leave),
        ]
    }

    /// A channel as the model knows it, least recently used first.
    struct Modelled {
        name: u8,
        published: u64,
        heard: bool,
    }

    /// Does the step with a list in the place of everything.
    fn model(known: &mut Vec<Modelled>, step: &Step) {
        let (Step::Publish(name) | Step::Hear(name) | Step::Leave(name)) = *step;
        let at = known.iter().position(|channel| channel.name == name);
        let mut channel = match (at, step) {
            (Some(at), _) => known.remove(at),
            (None, Step::Leave(_)) => return,
            (None, _) => Modelled { name, published: 0, heard: false },
        };
        match step {
            Step::Publish(_) => channel.published += 1,
            Step::Hear(_) => channel.heard = true,
            Step::Leave(_) => channel.heard = false,
        }
        known.push(channel);
        while known.len() > ROOM.channels {
            let Some(oldest) = known.iter().position(|channel| !channel.heard) else { return };
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
                    Step::Publish(name) => {
                        let heard = channels.count_published(&name.to_string()).is_some();
                        let expected = known.iter().any(|known| known.name == *name && known.heard);
                        prop_assert_eq!(heard, expected);
                    }
                    Step::Hear(name) => {
                        channels.hear(&name.to_string());
                    }
                    Step::Leave(name) => {
                        // Only what is heard can be left.
                        let heard = known.iter().any(|known| known.name == *name && known.heard);
                        if !heard {
                            continue;
                        }
                        let id = channels.find(&name.to_string()).expect("it is heard");
                        channels.leave(id);
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
