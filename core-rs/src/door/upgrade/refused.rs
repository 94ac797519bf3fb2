//! How many upgrades the door has refused by itself. JavaScript counts those that the application
//! refuses.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::counter_list::counter_list;

use crate::door::http::error::HttpError;

macro_rules! derive {
    (
        worker { $($worker:tt)* }
        queue { $($queue:tt)* }
        door { $($(#[$doc:meta])* $name:ident,)* }
    ) => {
        /// Counts that the door's thread alone writes, and JavaScript's reads. Each stands for
        /// itself, so that `Relaxed` will do.
        #[derive(Default)]
        pub(crate) struct RefusalCounters {
            $($name: AtomicU64,)*
        }

        /// How many upgrades the door has refused by itself, since it opened.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct RefusedUpgrades {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl RefusalCounters {
            pub(crate) fn read(&self) -> RefusedUpgrades {
                RefusedUpgrades { $($name: self.$name.load(Relaxed),)* }
            }
        }
    };
}

counter_list!(derive);

impl RefusalCounters {
    pub(crate) fn count(&self, error: HttpError) {
        let count = match error {
            HttpError::TooManyUndecided => &self.busy,
            HttpError::UndecidedInTime | HttpError::Undecided => &self.undecided,
            _ => &self.malformed,
        };
        count.fetch_add(1, Relaxed);
    }
}
