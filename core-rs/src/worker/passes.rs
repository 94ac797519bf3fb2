//! Which cohorts have something to send, in turn, and how far the log may run ahead of the sockets.

use crate::ids::CohortIndex;
use std::collections::VecDeque;

use super::cohorts::Cohorts;

/// Bytes that may be appended to logs before every client was visited: a worker that is this far
/// behind takes no more from its queue.
const AHEAD_LIMIT_BYTES: usize = 8 * 1024 * 1024;
/// The same where many cohorts have something to send. Each has its own copy of a message that they
/// all get, and with less than this a write would carry next to nothing.
const AHEAD_LIMIT_BYTES_PER_COHORT: usize = 8 * 1024;

/// The passes that are due. A round visits all cohorts that were due when it began.
#[derive(Default)]
pub(super) struct Passes {
    /// The cohort whose members are being visited.
    under_way: Option<CohortIndex>,
    /// The cohorts after it. One may be gone, or stand here for an earlier cohort of its index;
    /// then it is not scheduled.
    due: VecDeque<CohortIndex>,
    /// How many of `due` belong to the current round.
    left_in_round: usize,
    /// How many did when it began.
    round: usize,
    /// Bytes appended in the current round.
    appended: usize,
    /// Bytes appended in the round before, which some client may not have got yet.
    appended_before: usize,
}

impl Passes {
    /// Puts a cohort in the line, to which `bytes` were appended.
    pub(super) fn schedule(&mut self, index: CohortIndex, cohorts: &mut Cohorts, bytes: usize) {
        self.appended += bytes;
        if cohorts[index].schedule() {
            self.due.push_back(index);
        }
    }

    /// The cohort whose pass is under way, after starting the next one if there is none.
    pub(super) fn current(&mut self, cohorts: &mut Cohorts) -> Option<CohortIndex> {
        while self.under_way.is_none() {
            if self.left_in_round == 0 {
                self.left_in_round = self.due.len();
                self.round = self.left_in_round;
                self.appended_before = std::mem::take(&mut self.appended);
            }
            let index = self.due.pop_front()?;
            self.left_in_round -= 1;
            if cohorts.get(index).is_some_and(|cohort| cohort.is_scheduled()) {
                cohorts[index].begin_pass();
                self.under_way = Some(index);
            }
        }
        self.under_way
    }

    /// The pass under way has visited every member.
    pub(super) fn finish(&mut self) {
        self.under_way = None;
    }

    /// The cohort is gone.
    pub(super) fn forget(&mut self, index: CohortIndex) {
        if self.under_way == Some(index) {
            self.under_way = None;
        }
    }

    /// Whether logs are so far ahead of the sockets that nothing may be appended for now.
    pub(super) fn are_far_behind(&self) -> bool {
        let pending = self.under_way.is_some() || !self.due.is_empty();
        let busy_cohorts = self.round.max(self.due.len());
        let limit = AHEAD_LIMIT_BYTES.max(AHEAD_LIMIT_BYTES_PER_COHORT * busy_cohorts);
        pending && self.appended + self.appended_before > limit
    }
}
