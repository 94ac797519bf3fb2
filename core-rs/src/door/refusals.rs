//! How many upgrades the door has refused by itself. The application's own refusals are for the
//! application's side to count.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::objection::Objection;

/// Counts that the door's thread alone writes, and anyone reads.
#[derive(Default)]
pub(super) struct Refusals {
    malformed: AtomicU64,
    busy: AtomicU64,
    undecided: AtomicU64,
}

/// How many upgrades the door has refused by itself, since it opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefusedUpgrades {
    /// No proper RFC 6455 request.
    pub malformed: u64,
    /// Too many waited for their decision already.
    pub busy: u64,
    /// The application did not decide, or not in time.
    pub undecided: u64,
}

impl Refusals {
    pub(super) fn count(&self, objection: Objection) {
        let count = match objection {
            Objection::TooManyUndecided => &self.busy,
            Objection::UndecidedInTime | Objection::Undecided => &self.undecided,
            _ => &self.malformed,
        };
        count.fetch_add(1, Relaxed);
    }

    pub(super) fn read(&self) -> RefusedUpgrades {
        RefusedUpgrades {
            malformed: self.malformed.load(Relaxed),
            busy: self.busy.load(Relaxed),
            undecided: self.undecided.load(Relaxed),
        }
    }
}
