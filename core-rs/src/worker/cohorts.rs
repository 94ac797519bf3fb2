//! The cohorts of one worker, found by their channels.

use std::ops::{Index, IndexMut};

use rustc_hash::FxHashMap;
use slab::Slab;

use crate::frame::form::Form;
use crate::ids::{Channel, ChannelId, CohortIndex, SILENT};
use crate::worker::cohort::Cohort;

/// See the module's description.
pub(super) struct Cohorts {
    cohorts: Slab<Listed>,
    by_channels: [FxHashMap<Box<[Channel]>, CohortIndex>; Form::COUNT],
    subscribed: FxHashMap<ChannelId, Vec<CohortIndex>>,
}

/// A cohort, and where it stands in the list of each of its channels, so that it leaves them at a
/// cost that does not depend on who else is in them.
struct Listed {
    cohort: Cohort,
    places: Box<[usize]>,
}

impl Cohorts {
    pub(super) fn new() -> Cohorts {
        let mut cohorts = Cohorts {
            cohorts: Slab::new(),
            by_channels: Default::default(),
            subscribed: FxHashMap::default(),
        };
        let silent = cohorts.create(Form::Raw, Box::default());
        assert_eq!(silent, SILENT, "a new slab starts with its first place");
        cohorts
    }

    pub(super) fn get(&self, index: CohortIndex) -> Option<&Cohort> {
        self.cohorts.get(index).map(|listed| &listed.cohort)
    }

    /// The cohorts that are subscribed to the channel.
    pub(super) fn subscribed(&self, channel: ChannelId) -> &[CohortIndex] {
        self.subscribed.get(&channel).map_or(&[], Vec::as_slice)
    }

    /// The cohort of just these channels, which are sorted, in this form.
    pub(super) fn find_or_create(&mut self, form: Form, channels: &[Channel]) -> CohortIndex {
        if channels.is_empty() {
            return SILENT;
        }
        match self.by_channels[form as usize].get(channels) {
            Some(&index) => index,
            None => self.create(form, channels.into()),
        }
    }

    /// Removes a cohort that has no clients.
    pub(super) fn remove(&mut self, index: CohortIndex) {
        let Listed { cohort, places } = self.cohorts.remove(index);
        self.by_channels[cohort.form() as usize].remove(cohort.channels());
        for (channel, &place) in cohort.channels().iter().zip(&places) {
            self.unlist(channel.id, place);
        }
    }

    /// Takes a channel's list back by one place. Who stood last in it moves there.
    fn unlist(&mut self, channel: ChannelId, place: usize) {
        let subscribed = self.subscribed.get_mut(&channel).expect("its channels list the cohort");
        subscribed.swap_remove(place);
        if let Some(&moved) = subscribed.get(place) {
            self.cohorts[moved].set_place(channel, place);
        } else if subscribed.is_empty() {
            self.subscribed.remove(&channel);
        }
    }

    fn create(&mut self, form: Form, channels: Box<[Channel]>) -> CohortIndex {
        let entry = self.cohorts.vacant_entry();
        let index = entry.key();
        let places = channels.iter().map(|channel| {
            let subscribed = self.subscribed.entry(channel.id).or_default();
            subscribed.push(index);
            subscribed.len() - 1
        });
        let places = places.collect();
        entry.insert(Listed { cohort: Cohort::new(form, channels.clone()), places });
        self.by_channels[form as usize].insert(channels, index);
        index
    }
}

impl Listed {
    fn set_place(&mut self, channel: ChannelId, place: usize) {
        let at = self.cohort.channels().binary_search_by_key(&channel, |channel| channel.id);
        self.places[at.expect("the channel's list has the cohort")] = place;
    }
}

impl Index<CohortIndex> for Cohorts {
    type Output = Cohort;

    fn index(&self, index: CohortIndex) -> &Cohort {
        &self.cohorts[index].cohort
    }
}

impl IndexMut<CohortIndex> for Cohorts {
    fn index_mut(&mut self, index: CohortIndex) -> &mut Cohort {
        &mut self.cohorts[index].cohort
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    const CHANNELS: u32 = 5;

    /// A set of channels, a bit for each.
    fn contains(bits: u32, channel: u32) -> bool {
        bits & 1 << channel != 0
    }

    fn channels_of(bits: u32) -> Vec<Channel> {
        let contained = (0..CHANNELS).filter(|&id| contains(bits, id));
        contained.map(|id| Channel { id: ChannelId(id), name: id.to_string().into() }).collect()
    }

    proptest! {
        #[test]
        fn each_channel_lists_just_the_cohorts_that_are_subscribed_to_it(
            toggled in prop::collection::vec(1..1u32 << CHANNELS, 0..100)
        ) {
            let mut cohorts = Cohorts::new();
            let mut there: BTreeMap<u32, CohortIndex> = BTreeMap::new();
            for bits in toggled {
                let index = cohorts.find_or_create(Form::Raw, &channels_of(bits));
                if there.remove(&bits).is_some() {
                    cohorts.remove(index);
                } else {
                    there.insert(bits, index);
                }
                for id in 0..CHANNELS {
                    let expected = there.iter().filter(|&(&bits, _)| contains(bits, id));
                    let mut expected: Vec<_> = expected.map(|(_, &index)| index).collect();
                    let mut listed = cohorts.subscribed(ChannelId(id)).to_vec();
                    expected.sort_unstable();
                    listed.sort_unstable();
                    prop_assert_eq!(listed, expected);
                }
            }
        }
    }
}
