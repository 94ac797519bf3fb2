//! How long a client that has ended its side is still waited for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// How long an answer may pause for a client that has ended its side. It may be gone, which the
/// application is to learn, or read on, as some do that have nothing more to say.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// Clients that are waited for at once. Most of those that end their side are gone, and each keeps
/// a descriptor and a request to the application meanwhile.
const MAX_GRACES: usize = 256;

/// The door's places for clients that are waited for.
#[derive(Clone)]
pub(super) struct Graces(Arc<Semaphore>);

impl Graces {
    pub(super) fn new() -> Graces {
        Graces(Arc::new(Semaphore::new(MAX_GRACES)))
    }

    /// None when too many are waited for.
    pub(super) fn begin(&self) -> Option<Grace> {
        let place = Arc::clone(&self.0).try_acquire_owned().ok()?;
        Some(Grace { over: Box::pin(sleep(GRACE)), _place: place })
    }
}

/// A client's time, and its place while it lasts.
pub(super) struct Grace {
    over: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Grace {
    pub(super) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.over.as_mut().poll(context)
    }

    /// Gives the whole time again, and wakes the task at its end.
    pub(super) fn restart(&mut self, context: &mut Context<'_>) {
        self.over.as_mut().reset(Instant::now() + GRACE);
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
        let graces = Graces::new();
        let mut begun: Vec<Grace> = (0..MAX_GRACES).filter_map(|_| graces.begin()).collect();
        assert_eq!(begun.len(), MAX_GRACES);
        assert!(graces.begin().is_none());
        begun.pop();
        assert!(graces.begin().is_some());
    }
}
