//! Many sleepers, woken by one call.
//!
//! Waking a thread is a system call, and the dearest part of a publish that finds the workers
//! asleep. So the sequencer notes the workers to wake and wakes one of them itself. A worker that
//! comes past its epoll wakes up to two more: all are awake after a few steps, and the publish has
//! cost one call, whatever the number of workers.
//!
//! No noted worker is forgotten. After its notes the sequencer takes one note back and wakes its
//! worker, and that worker takes up to two after that, and wakes theirs, and so on: each such step
//! takes a note away and happens after the notes were made, so it can only end with none left.
//! Workers that wake for another reason, or are noted twice, only take notes earlier than that.

use self::sync::{AtomicU64, Ordering};

/// Wakes that a worker passes on when it comes past its epoll.
const PASSED_ON: usize = 2;
/// Workers whose notes share a word.
const BITS: usize = u64::BITS as usize;

/// The workers to wake.
pub struct WakeTree<W> {
    /// A bit for each worker, in order. The sequencer sets them; the thread that clears one
    /// wakes its worker.
    noted: Box<[AtomicU64]>,
    /// By worker.
    wakers: Box<[W]>,
}

/// Something that can be woken from any thread, as often as one likes.
pub trait Wakeable {
    /// Wakes it, now or, when it is awake, before its next sleep.
    fn wake(&self);
}

impl<W: Wakeable> WakeTree<W> {
    /// A tree in which no worker is noted.
    pub fn new(wakers: impl IntoIterator<Item = W>) -> WakeTree<W> {
        let wakers: Box<[W]> = wakers.into_iter().collect();
        let noted = (0..wakers.len().div_ceil(BITS)).map(|_| AtomicU64::new(0)).collect();
        WakeTree { noted, wakers }
    }

    /// Notes a worker that has to be woken. [`WakeTree::wake_one`] is to follow.
    pub fn note(&self, worker: usize) {
        // Release pairs with both Acquires in `take`: the thread that takes this note sees what was
        // written before it, which is what the worker is woken for.
        self.noted[worker / BITS].fetch_or(1 << (worker % BITS), Ordering::Release);
    }

    /// Wakes one of those noted; false when there is none.
    pub fn wake_one(&self) -> bool {
        let worker = self.take();
        if let Some(worker) = worker {
            self.wakers[worker].wake();
        }
        worker.is_some()
    }

    /// For a worker that has come past its epoll: wakes others, if any are noted.
    pub fn pass_on(&self) {
        for _ in 0..PASSED_ON {
            if !self.wake_one() {
                return;
            }
        }
    }

    /// Takes a note away; returns whose it was.
    fn take(&self) -> Option<usize> {
        self.noted.iter().enumerate().find_map(|(word, noted)| {
            // Acquire pairs with the Release in `note`.
            let mut bits = noted.load(Ordering::Acquire);
            while bits != 0 {
                let lowest = bits & bits.wrapping_neg();
                // Of two that see the same note, the one that clears it has it. Acquire pairs with
                // the Release in `note`, for notes made since the look; Release pairs with the
                // Acquire of the next `take`, which finds the note gone.
                let before = noted.fetch_and(!lowest, Ordering::AcqRel);
                if before & lowest != 0 {
                    return Some(word * BITS + lowest.trailing_zeros() as usize);
                }
                bits = before & !lowest;
            }
            None
        })
    }
}

#[cfg(not(shardcast_loom))]
mod sync {
    pub(super) use std::sync::atomic::{AtomicU64, Ordering};
}

#[cfg(shardcast_loom)]
mod sync {
    pub(super) use loom::sync::atomic::{AtomicU64, Ordering};
}

#[cfg(all(test, not(shardcast_loom)))]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    /// Keeps the order in which its like were woken.
    struct FakeWorker {
        number: usize,
        woken: Rc<RefCell<Vec<usize>>>,
    }

    impl Wakeable for FakeWorker {
        fn wake(&self) {
            self.woken.borrow_mut().push(self.number);
        }
    }

    fn tree(sleepers: usize) -> (WakeTree<FakeWorker>, Rc<RefCell<Vec<usize>>>) {
        let woken = Rc::new(RefCell::new(Vec::new()));
        let sleeper = |number| FakeWorker { number, woken: Rc::clone(&woken) };
        (WakeTree::new((0..sleepers).map(sleeper)), woken)
    }

    #[test]
    fn one_call_and_two_for_each_that_wakes_reach_every_worker_once() {
        let (tree, woken) = tree(130);
        (0..130).for_each(|worker| tree.note(worker));
        assert!(tree.wake_one());
        let mut awake = 0;
        while awake < woken.borrow().len() {
            awake += 1;
            tree.pass_on();
        }
        let mut woken = woken.take();
        woken.sort_unstable();
        assert_eq!(woken, (0..130).collect::<Vec<_>>());
    }

    #[test]
    fn only_noted_workers_are_woken() {
        let (tree, woken) = tree(100);
        assert!(!tree.wake_one());
        tree.note(3);
        tree.note(99);
        tree.note(3);
        assert!(tree.wake_one());
        tree.pass_on();
        assert!(!tree.wake_one());
        assert_eq!(woken.take(), [3, 99]);
    }
}

#[cfg(all(test, shardcast_loom))]
mod loom_tests;
