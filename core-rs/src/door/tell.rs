//! How the door tells of what happens.

use std::rc::Rc;

use tokio::task;

use crate::queue::MustWake;

use super::DoorEvent;

/// Whom the door tells, on its own thread. Nothing here may block: no client is served meanwhile.
pub trait Host: Send {
    /// Takes an event, and says whether it sleeps: then it has to be woken.
    fn tell(&self, event: DoorEvent) -> MustWake;

    /// Wakes it.
    fn wake(&self);
}

/// Who is told by a call does not sleep.
impl<F: Fn(DoorEvent) + Send> Host for F {
    fn tell(&self, event: DoorEvent) -> MustWake {
        self(event);
        MustWake(false)
    }

    fn wake(&self) {}
}

/// Tells the host. For all tasks of the door.
#[derive(Clone)]
pub(super) struct Tell(Rc<dyn Host>);

impl Tell {
    pub(super) fn new(host: impl Host + 'static) -> Tell {
        Tell(Rc::new(host))
    }

    /// Tells of an event. A host that sleeps is woken once the door has done what it is at: clients
    /// that come together are told of together. Woken for the first, it would often take its core
    /// from the door and be asleep again before the second has come.
    pub(super) fn tell(&self, event: DoorEvent) {
        if self.0.tell(event).0 {
            let wake = Wake(Rc::clone(&self.0));
            task::spawn_local(async move { drop(wake) });
        }
    }
}

/// Wakes the host when dropped, and so, too, if the door ends before it comes to that.
struct Wake(Rc<dyn Host>);

impl Drop for Wake {
    fn drop(&mut self) {
        self.0.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::runtime::{Builder, Runtime};
    use tokio::task::{LocalSet, yield_now};

    use super::*;

    /// Sleeps until it is told, and then until it is woken.
    #[derive(Default)]
    struct Sleeper {
        told: AtomicUsize,
        woken: AtomicUsize,
    }

    impl Host for Arc<Sleeper> {
        fn tell(&self, _event: DoorEvent) -> MustWake {
            MustWake(self.told.fetch_add(1, Ordering::Relaxed) == 0)
        }

        fn wake(&self) {
            self.woken.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().expect("a runtime")
    }

    #[test]
    fn a_host_that_sleeps_is_woken_once_for_all_that_happens_together() {
        let host = Arc::new(Sleeper::default());
        let tell = Tell::new(Arc::clone(&host));
        LocalSet::new().block_on(&runtime(), async {
            for ask in 0..3 {
                tell.tell(DoorEvent::GivenUp(ask));
            }
            assert_eq!(host.told.load(Ordering::Relaxed), 3);
            assert_eq!(host.woken.load(Ordering::Relaxed), 0, "the door is not done yet");
            yield_now().await;
            assert_eq!(host.woken.load(Ordering::Relaxed), 1);
        });
    }

    #[test]
    fn a_host_that_sleeps_is_woken_though_the_door_ends() {
        let host = Arc::new(Sleeper::default());
        let tell = Tell::new(Arc::clone(&host));
        let tasks = LocalSet::new();
        let telling = async { tell.tell(DoorEvent::GivenUp(0)) };
        runtime().block_on(tasks.run_until(telling));
        assert_eq!(host.woken.load(Ordering::Relaxed), 0, "its turn has not come");
        drop(tasks);
        assert_eq!(host.woken.load(Ordering::Relaxed), 1);
    }
}
