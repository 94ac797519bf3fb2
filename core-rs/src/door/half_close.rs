//! How long a client that has ended its side is still waited for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// How long an answer may pause for a client that has ended its side. It may be gone, which the
/// application is to learn, or read on, as some do that have nothing more to say.
pub(super) const HALF_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Clients that are waited for at once. Most of those that end their side are gone, and each keeps
/// a descriptor and a request to the application meanwhile.
const MAX_HALF_CLOSED: usize = 256;

/// The door's places for clients that are waited for.
#[derive(Clone)]
pub(super) struct HalfCloseLimit(Arc<Semaphore>);

impl HalfCloseLimit {
    pub(super) fn new() -> HalfCloseLimit {
        HalfCloseLimit(Arc::new(Semaphore::new(MAX_HALF_CLOSED)))
    }

    /// None when too many are waited for.
    pub(super) fn begin(&self) -> Option<HalfCloseTimer> {
        let place = Arc::clone(&self.0).try_acquire_owned().ok()?;
        Some(HalfCloseTimer { over: Box::pin(sleep(HALF_CLOSE_TIMEOUT)), _place: place })
    }
}

/// A client's time, and its place while it lasts.
pub(super) struct HalfCloseTimer {
    over: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl HalfCloseTimer {
    pub(super) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.over.as_mut().poll(context)
    }

    /// Gives the whole time again, and wakes the task at its end.
    pub(super) fn restart(&mut self, context: &mut Context<'_>) {
        self.over.as_mut().reset(Instant::now() + HALF_CLOSE_TIMEOUT);
        let _ = self.poll_over(context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_so_many_are_waited_for_at_once() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let _entered = runtime.as_ref().expect("a runtime").enter();
        let half_close_limit = HalfCloseLimit::new();
        let mut begun: Vec<HalfCloseTimer> =
            (0..MAX_HALF_CLOSED).filter_map(|_| half_close_limit.begin()).collect();
        assert_eq!(begun.len(), MAX_HALF_CLOSED);
        assert!(half_close_limit.begin().is_none());
        begun.pop();
        assert!(half_close_limit.begin().is_some());
    }
}
