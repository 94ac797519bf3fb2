//! The cohorts of one worker, found by what they hear.

use std::ops::{Index, IndexMut};

use rustc_hash::FxHashMap;
use slab::Slab;

use crate::channel::{Channel, ChannelId};
use crate::cohort::{Cohort, CohortIndex, SILENT};
use crate::compression::Compression;

/// The forms in which messages are taken: see [`Compression`].
const FORMS: usize = Compression::Narrow as usize + 1;

/// See the module's description.
pub(super) struct Cohorts {
    cohorts: Slab<Cohort>,
    by_channels: [FxHashMap<Box<[Channel]>, CohortIndex>; FORMS],
    hearing: FxHashMap<ChannelId, Vec<CohortIndex>>,
}

impl Cohorts {
    pub(super) fn new() -> Cohorts {
        let mut cohorts = Cohorts {
            cohorts: Slab::new(),
            by_channels: Default::default(),
            hearing: FxHashMap::default(),
        };
        let silent = cohorts.create(Compression::Off, Box::default());
        assert_eq!(silent, SILENT, "a new slab starts with its first place");
        cohorts
    }

    pub(super) fn get(&self, index: CohortIndex) -> Option<&Cohort> {
        self.cohorts.get(index)
    }

    /// The cohorts that hear the channel.
    pub(super) fn hearing(&self, channel: ChannelId) -> &[CohortIndex] {
        self.hearing.get(&channel).map_or(&[], Vec::as_slice)
    }

    /// The cohort that hears just these channels, which are sorted, in this form.
    pub(super) fn find_or_create(
        &mut self,
        compression: Compression,
        channels: &[Channel],
    ) -> CohortIndex {
        if channels.is_empty() {
            return SILENT;
        }
        match self.by_channels[compression as usize].get(channels) {
            Some(&index) => index,
            None => self.create(compression, channels.into()),
        }
    }

    /// Removes a cohort that has no clients.
    pub(super) fn remove(&mut self, index: CohortIndex) {
        let cohort = self.cohorts.remove(index);
        self.by_channels[cohort.compression() as usize].remove(cohort.channels());
        for channel in cohort.channels() {
            let hearing = self.hearing.get_mut(&channel.id).expect("its channels list the cohort");
            hearing.retain(|&other| other != index);
            if hearing.is_empty() {
                self.hearing.remove(&channel.id);
            }
        }
    }

    fn create(&mut self, compression: Compression, channels: Box<[Channel]>) -> CohortIndex {
        let index = self.cohorts.insert(Cohort::new(compression, channels.clone()));
        for channel in &channels {
            self.hearing.entry(channel.id).or_default().push(index);
        }
        self.by_channels[compression as usize].insert(channels, index);
        index
    }
}

impl Index<CohortIndex> for Cohorts {
    type Output = Cohort;

    fn index(&self, index: CohortIndex) -> &Cohort {
        &self.cohorts[index]
    }
}

impl IndexMut<CohortIndex> for Cohorts {
    fn index_mut(&mut self, index: CohortIndex) -> &mut Cohort {
        &mut self.cohorts[index]
    }
}
