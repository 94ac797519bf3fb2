//! Gives memory back to the system after a burst of upgrades.
//!
//! A connection takes some kilobytes while it is at the door, and nothing once it has left. Of
//! thousands that come in one moment, what they leave lies free between what stays of them: the
//! allocator keeps it for the next burst, unless the door trims it.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

/// So many sockets handed over are a burst. Fewer leave too little behind to look for.
const BURST: usize = 1000;

/// A burst is over when no socket was handed over for so long.
const QUIET: Duration = Duration::from_secs(1);

/// Where clients keep coming and going it is never over: after so many looks the door trims anyway.
const MOST_LOOKS: usize = 10;

/// See the module's description.
#[derive(Default)]
pub(crate) struct MemoryTrimmer {
    handed_over: Cell<usize>,
    burst: Notify,
}

impl MemoryTrimmer {
    /// So many sockets have left the door.
    pub(crate) fn note_hand_overs(&self, sockets: usize) {
        let before = self.handed_over.get();
        self.handed_over.set(before + sockets);
        if before < BURST && before + sockets >= BURST {
            self.burst.notify_one();
        }
    }

    /// Calls `trim` after every burst, for ever.
    pub(crate) async fn run(&self, trim: impl Fn()) {
        loop {
            self.burst.notified().await;
            for _ in 0..MOST_LOOKS {
                let before = self.handed_over.get();
                sleep(QUIET).await;
                if self.handed_over.get() == before {
                    break;
                }
            }
            self.handed_over.set(0);
            trim();
        }
    }
}

/// Gives the free memory of the process back to the system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn trim() {
    // SAFETY: It touches free memory alone, under the allocator's own locks.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give it back by themselves, or have no such call.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn trim() {}

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

    /// A trimmer, and how often it has trimmed.
    fn trimmer() -> (Rc<MemoryTrimmer>, Rc<Cell<usize>>) {
        let (trimmer, times) = (Rc::new(MemoryTrimmer::default()), Rc::new(Cell::new(0)));
        let (kept, counted) = (Rc::clone(&trimmer), Rc::clone(&times));
        spawn_local(async move { kept.run(|| counted.set(counted.get() + 1)).await });
        (trimmer, times)
    }

    #[test]
    fn memory_is_trimmed_once_a_burst_is_over() {
        in_its_own_time(async {
            let (trimmer, times) = trimmer();
            for burst in 1..=3 {
                trimmer.note_hand_overs(BURST);
                sleep(QUIET / 2).await;
                trimmer.note_hand_overs(1);
                assert_eq!(times.get(), burst - 1, "it is not over");
                sleep(QUIET * 3).await;
                assert_eq!(times.get(), burst);
            }
        });
    }

    #[test]
    fn a_few_sockets_are_no_burst() {
        in_its_own_time(async {
            let (trimmer, times) = trimmer();
            (1..BURST).for_each(|_| trimmer.note_hand_overs(1));
            sleep(QUIET * 100).await;
            assert_eq!(times.get(), 0);
        });
    }

    #[test]
    fn memory_is_trimmed_though_a_burst_never_ends() {
        in_its_own_time(async {
            let (trimmer, times) = trimmer();
            trimmer.note_hand_overs(BURST);
            for _ in 0..=MOST_LOOKS * 2 {
                trimmer.note_hand_overs(1);
                sleep(QUIET / 2).await;
            }
            assert_eq!(times.get(), 1);
        });
    }
}
