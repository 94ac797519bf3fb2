//! Counts and reports the requests that the application has not answered.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::door::events::{DoorEvent, Emitter, RequestFailure};

/// One event of each kind in this time, at most: a client can make thousands of requests fail.
const QUIET: Duration = Duration::from_secs(1);

/// See the module's description.
pub(crate) struct Failures {
    emitter: Emitter,
    /// By kind.
    counts: [Count; 4],
}

#[derive(Default)]
struct Count {
    unreported: Cell<u32>,
    reason: RefCell<String>,
    is_quiet: Cell<bool>,
}

impl Failures {
    pub(crate) fn new(emitter: Emitter) -> Rc<Failures> {
        Rc::new(Failures { emitter, counts: Default::default() })
    }

    /// Counts a failure. The first is reported at once, those that follow in one event a second.
    pub(crate) fn note(self: &Rc<Self>, kind: RequestFailure, reason: impl Display) {
        let count = &self.counts[kind as usize];
        count.unreported.set(count.unreported.get().saturating_add(1));
        *count.reason.borrow_mut() = reason.to_string();
        if count.is_quiet.replace(true) {
            return;
        }
        self.report(kind);
        let failures = Rc::clone(self);
        spawn_local(async move { failures.report_the_rest(kind).await });
    }

    async fn report_the_rest(&self, kind: RequestFailure) {
        let count = &self.counts[kind as usize];
        loop {
            sleep(QUIET).await;
            if count.unreported.get() == 0 {
                count.is_quiet.set(false);
                return;
            }
            self.report(kind);
        }
    }

    fn report(&self, kind: RequestFailure) {
        let count = &self.counts[kind as usize];
        let (failures, reason) = (count.unreported.take(), count.reason.take());
        self.emitter.emit(DoorEvent::RequestsFailed { kind, failures, reason });
    }
}
