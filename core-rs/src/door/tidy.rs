//! Gives memory back to the system after a rush.
//!
//! A connection takes some kilobytes while it is at the door, and nothing once it has left. Of
//! thousands that come in one moment, what they leave lies free between what stays of them: the
//! allocator keeps it for the next rush, unless it is asked.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

/// So many sockets handed over are a rush. Fewer leave too little behind to look for.
const RUSH: usize = 1000;

/// A rush is over when as long nobody has been handed over.
const QUIET: Duration = Duration::from_secs(1);

/// Where clients keep coming and going it is never over: after so many looks it is done anyway.
const MOST_LOOKS: usize = 10;

/// Looks after the door's memory.
#[derive(Default)]
pub(super) struct Tidy {
    handed_over: Cell<usize>,
    rush: Notify,
}

impl Tidy {
    /// So many sockets have left the door.
    pub(super) fn note_hand_overs(&self, sockets: usize) {
        let before = self.handed_over.get();
        self.handed_over.set(before + sockets);
        if before < RUSH && before + sockets >= RUSH {
            self.rush.notify_one();
        }
    }

    /// Calls `give_back` after every rush, for ever.
    pub(super) async fn keep(&self, give_back: impl Fn()) {
        loop {
            self.rush.notified().await;
            for _ in 0..MOST_LOOKS {
                let before = self.handed_over.get();
                sleep(QUIET).await;
                if self.handed_over.get() == before {
                    break;
                }
            }
            self.handed_over.set(0);
            give_back();
        }
    }
}

/// Gives the free memory of the process back to the system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn give_back() {
    // SAFETY: It touches free memory alone, under the allocator's own locks.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give it back by themselves, or have no such call.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn give_back() {}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tokio::task::{LocalSet, spawn_local};

    use super::*;

    /// Runs the test in a time that passes only where everybody waits.
    fn in_its_own_time(test: impl Future<Output = ()>) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
        LocalSet::new().block_on(&runtime, test);
    }

    /// Someone tidy, and how often memory was given back.
    fn tidy() -> (Rc<Tidy>, Rc<Cell<usize>>) {
        let (tidy, times) = (Rc::new(Tidy::default()), Rc::new(Cell::new(0)));
        let (kept, counted) = (Rc::clone(&tidy), Rc::clone(&times));
        spawn_local(async move { kept.keep(|| counted.set(counted.get() + 1)).await });
        (tidy, times)
    }

    #[test]
    fn memory_is_given_back_once_a_rush_is_over() {
        in_its_own_time(async {
            let (tidy, times) = tidy();
            for rush in 1..=3 {
                tidy.note_hand_overs(RUSH);
                sleep(QUIET / 2).await;
                tidy.note_hand_overs(1);
                assert_eq!(times.get(), rush - 1, "it is not over");
                sleep(QUIET * 3).await;
                assert_eq!(times.get(), rush);
            }
        });
    }

    #[test]
    fn a_few_are_no_rush() {
        in_its_own_time(async {
            let (tidy, times) = tidy();
            (1..RUSH).for_each(|_| tidy.note_hand_overs(1));
            sleep(QUIET * 100).await;
            assert_eq!(times.get(), 0);
        });
    }

    #[test]
    fn a_rush_that_never_ends_is_not_waited_for() {
        in_its_own_time(async {
            let (tidy, times) = tidy();
            tidy.note_hand_overs(RUSH);
            for _ in 0..=MOST_LOOKS * 2 {
                tidy.note_hand_overs(1);
                sleep(QUIET / 2).await;
            }
            assert_eq!(times.get(), 1);
        });
    }
}
