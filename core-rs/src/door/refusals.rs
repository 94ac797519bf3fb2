//! How many upgrades the door has refused by itself. The application's own refusals are for the
//! application's side to count.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::counter_list::counter_list;

use super::objection::Objection;

macro_rules! derive {
    (
        worker { $($worker:tt)* }
        queue { $($queue:tt)* }
        door { $($(#[$doc:meta])* $name:ident,)* }
    ) => {
        /// Counts that the door's thread alone writes, and anyone reads.
        #[derive(Default)]
        pub(super) struct Refusals {
            $($name: AtomicU64,)*
        }

        /// How many upgrades the door has refused by itself, since it opened.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct RefusedUpgrades {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Refusals {
            pub(super) fn read(&self) -> RefusedUpgrades {
                RefusedUpgrades { $($name: self.$name.load(Relaxed),)* }
            }
        }
    };
}

counter_list!(derive);

impl Refusals {
    pub(super) fn count(&self, objection: Objection) {
        let count = match objection {
            Objection::TooManyUndecided => &self.busy,
            Objection::UndecidedInTime | Objection::Undecided => &self.undecided,
            _ => &self.malformed,
        };
        count.fetch_add(1, Relaxed);
    }
}
