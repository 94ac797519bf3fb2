//! What each worker counts. One thread writes a counter, any thread reads it.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::counter_list::counter_list;

macro_rules! derive {
    (
        worker { $($(#[$doc:meta])* $name:ident,)* }
        queue { $($queue:tt)* }
        door { $($door:tt)* }
    ) => {
        /// A worker's counters since start, in plain memory of its own.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// A worker's counters as others see them, at most one turn of the worker old.
        #[derive(Debug, Default)]
        pub struct SharedCounters {
            $($name: AtomicU64,)*
        }

        impl SharedCounters {
            /// For the worker alone: shows what it has counted.
            pub fn publish(&self, counters: &Counters) {
                $(self.$name.store(counters.$name, Ordering::Relaxed);)*
            }

            /// The counters. When the worker is idle they agree with each other.
            pub fn read(&self) -> Counters {
                Counters { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }

        impl AddAssign for Counters {
            fn add_assign(&mut self, other: Counters) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

counter_list!(derive);

impl Counters {
    /// Clients that have left, for whatever reason.
    pub fn closed(&self) -> u64 {
        self.closed_by_app
            + self.closed_by_client
            + self.closed_slow
            + self.closed_idle
            + self.closed_broken
            + self.closed_violation
            + self.closed_failed
            + self.closed_unfinished
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_read() {
        let shared = SharedCounters::default();
        let counters = Counters { deliveries: 3, clients: 2, ..Counters::default() };
        shared.publish(&counters);
        assert_eq!(shared.read(), counters);
    }
}
