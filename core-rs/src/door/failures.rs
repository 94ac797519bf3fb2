//! Requests that the application has not answered, and how that is told.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::spawn_local;
use tokio::time::sleep;

use super::DoorEvent;
use super::tell::Tell;

/// Of each kind one event is told in this time, at most: a client can make thousands of requests
/// fail.
const QUIET: Duration = Duration::from_secs(1);

/// How a request was left without an answer of the application's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFailure {
    /// As many were under way as may be. The client was told 503.
    Busy,
    /// The application did not take a connection. The client was told 502.
    Unreachable,
    /// The answer could not be passed on. The client was told 502.
    Unusable,
    /// The application ended its connection before the end of the answer, and the client's was
    /// ended so, too.
    BrokenOff,
}

/// Counts failures, and tells of them.
pub(super) struct Failures {
    tell: Tell,
    /// By kind.
    counts: [Count; 4],
}

#[derive(Default)]
struct Count {
    untold: Cell<u32>,
    reason: RefCell<String>,
    is_quiet: Cell<bool>,
}

impl Failures {
    pub(super) fn new(tell: Tell) -> Rc<Failures> {
        Rc::new(Failures { tell, counts: Default::default() })
    }

    /// Counts a failure. The first is told at once, and how many follow in one event a second.
    pub(super) fn note(self: &Rc<Self>, kind: RequestFailure, reason: impl Display) {
        let count = &self.counts[kind as usize];
        count.untold.set(count.untold.get().saturating_add(1));
        *count.reason.borrow_mut() = reason.to_string();
        if count.is_quiet.replace(true) {
            return;
        }
        self.tell(kind);
        let failures = Rc::clone(self);
        spawn_local(async move { failures.tell_the_rest(kind).await });
    }

    async fn tell_the_rest(&self, kind: RequestFailure) {
        let count = &self.counts[kind as usize];
        loop {
            sleep(QUIET).await;
            if count.untold.get() == 0 {
                count.is_quiet.set(false);
                return;
            }
            self.tell(kind);
        }
    }

    fn tell(&self, kind: RequestFailure) {
        let count = &self.counts[kind as usize];
        let (failures, reason) = (count.untold.take(), count.reason.take());
        self.tell.tell(DoorEvent::RequestsFailed { kind, failures, reason });
    }
}
