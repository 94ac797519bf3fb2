//! What the door reports, and to whom.

use std::io;
use std::rc::Rc;

use tokio::task;

use crate::queue::MustWake;

use crate::door::upgrade::decision::UpgradeId;
use crate::door::upgrade::request::UpgradeRequest;

/// What the door reports.
pub enum DoorEvent {
    /// A client asks for a WebSocket.
    UpgradeRequested(UpgradeRequest),
    /// No client waits for the decision on this upgrade any more: it has left, or got 503.
    UpgradeGivenUp(UpgradeId),
    /// The system has no descriptor or memory for a connection. It stays in the backlog, and the
    /// door tries again.
    AcceptFailed(io::Error),
    /// So many requests more have got no answer of the application's.
    RequestsFailed {
        /// How.
        kind: RequestFailure,
        /// How many.
        failures: u32,
        /// Why the last one has not.
        reason: String,
    },
}

/// How a request was left without an answer of the application's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFailure {
    /// As many were under way as may be. The client got 503.
    Busy,
    /// The application did not take a connection. The client got 502.
    Unreachable,
    /// The answer could not be passed on. The client got 502.
    Unusable,
    /// The application ended its connection before the end of the answer, and the client's was
    /// ended so, too.
    BrokenOff,
}

/// Takes the door's events, on the door's thread. It must not block: the door serves no client
/// meanwhile.
pub trait EventSink: Send {
    /// Takes an event; returns whether the receiver sleeps, and then has to be woken.
    fn emit(&self, event: DoorEvent) -> MustWake;

    /// Wakes the receiver.
    fn wake(&self);
}

/// A function takes each event at once, and never sleeps.
impl<F: Fn(DoorEvent) + Send> EventSink for F {
    fn emit(&self, event: DoorEvent) -> MustWake {
        self(event);
        MustWake(false)
    }

    fn wake(&self) {}
}

/// Emits the events of all tasks of the door.
#[derive(Clone)]
pub(crate) struct Emitter(Rc<dyn EventSink>);

impl Emitter {
    pub(crate) fn new(sink: impl EventSink + 'static) -> Emitter {
        Emitter(Rc::new(sink))
    }

    /// Emits an event. A receiver that sleeps is woken once the door has handled what is ready now,
    /// so that it takes all clients that come together at once. Woken for the first, it would often
    /// take its core from the door and be asleep again before the second has come.
    pub(crate) fn emit(&self, event: DoorEvent) {
        if self.0.emit(event).0 {
            let wake = Wake(Rc::clone(&self.0));
            task::spawn_local(async move { drop(wake) });
        }
    }
}

/// Wakes the receiver when dropped, which also happens if the door ends first.
struct Wake(Rc<dyn EventSink>);

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

    /// Sleeps until the first event, and then until it is woken.
    #[derive(Default)]
    struct Sleeper {
        emitted: AtomicUsize,
        woken: AtomicUsize,
    }

    impl EventSink for Arc<Sleeper> {
        fn emit(&self, _event: DoorEvent) -> MustWake {
            MustWake(self.emitted.fetch_add(1, Ordering::Relaxed) == 0)
        }

        fn wake(&self) {
            self.woken.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().expect("a runtime")
    }

    #[test]
    fn a_receiver_that_sleeps_is_woken_once_for_all_events_of_a_turn() {
        let sink = Arc::new(Sleeper::default());
        let emitter = Emitter::new(Arc::clone(&sink));
        LocalSet::new().block_on(&runtime(), async {
            for id in 0..3 {
                emitter.emit(DoorEvent::UpgradeGivenUp(id));
            }
            assert_eq!(sink.emitted.load(Ordering::Relaxed), 3);
            assert_eq!(sink.woken.load(Ordering::Relaxed), 0, "the door is not done yet");
            yield_now().await;
            assert_eq!(sink.woken.load(Ordering::Relaxed), 1);
        });
    }

    #[test]
    fn a_receiver_that_sleeps_is_woken_even_if_the_door_ends() {
        let sink = Arc::new(Sleeper::default());
        let emitter = Emitter::new(Arc::clone(&sink));
        let tasks = LocalSet::new();
        let emitting = async { emitter.emit(DoorEvent::UpgradeGivenUp(0)) };
        runtime().block_on(tasks.run_until(emitting));
        assert_eq!(sink.woken.load(Ordering::Relaxed), 0, "its turn has not come");
        drop(tasks);
        assert_eq!(sink.woken.load(Ordering::Relaxed), 1);
    }
}
