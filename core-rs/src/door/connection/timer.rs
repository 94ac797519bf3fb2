//! How long a connection waits for its client.
//!
//! hyper has one limit for a head that is late and for a client that is idle between two requests,
//! and none for a client that takes nothing. A late head means a client that trickles, so that its
//! limit has to be short. The application decides how long a client may be idle: a client that is
//! cut off early has to connect again. And hyper gives a request up at once when the client
//! has ended its side, though the answer may be at hand.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

/// How long an answer may pause for a client that has ended its side. The client may be gone, which
/// the application then learns, or read on, as some do that have nothing more to send.
pub(crate) const HALF_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Clients that have ended their side and that the door waits for at once. Most are gone, and each
/// keeps a descriptor and a request to the application meanwhile.
const MAX_HALF_CLOSED: usize = 256;

/// How long the door waits for a client. See `DoorConfig`.
#[derive(Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) head: Duration,
    /// None is for ever.
    pub(crate) idle: Option<Duration>,
    pub(crate) write: Duration,
}

/// A permit for each client that has ended its side and that the door waits for.
#[derive(Clone)]
pub(crate) struct HalfCloseLimit(Arc<Semaphore>);

impl HalfCloseLimit {
    pub(crate) fn new() -> HalfCloseLimit {
        HalfCloseLimit(Arc::new(Semaphore::new(MAX_HALF_CLOSED)))
    }
}

/// The one timer of a connection. The connection's task writes what happens and, after that, polls
/// for the deadline.
pub(crate) struct ConnectionTimer {
    timeouts: Timeouts,
    half_close_limit: HalfCloseLimit,
    awaited: Cell<Awaited>,
    /// Since when there is something to write and the client takes nothing.
    stalled_since: Cell<Option<Instant>>,
    half_closed: RefCell<Option<HalfClosed>>,
}

#[derive(Clone, Copy)]
enum Awaited {
    /// A whole head, since the connection was accepted or the head was begun.
    Head(Instant),
    /// The first byte of a head, since the client took something of the answer before.
    Request(Instant),
    /// The first byte of an answer, for which the limits are the application's.
    Answer,
    /// The rest of it.
    Rest,
    /// The decision on an upgrade, for which `UpgradeGate` has a limit.
    Decision,
}

/// A client that has ended its side while it waits for an answer.
struct HalfClosed {
    /// When it ended its side, or took something after that. `None` once the time is over.
    since: Option<Instant>,
    _permit: OwnedSemaphorePermit,
}

impl ConnectionTimer {
    /// Of a connection that was accepted at this time.
    pub(crate) fn new(
        accepted_at: Instant,
        timeouts: Timeouts,
        half_close_limit: HalfCloseLimit,
    ) -> ConnectionTimer {
        ConnectionTimer {
            timeouts,
            half_close_limit,
            awaited: Cell::new(Awaited::Head(accepted_at)),
            stalled_since: Cell::default(),
            half_closed: RefCell::default(),
        }
    }

    /// The client has sent something.
    pub(crate) fn note_read(&self) {
        if self.is_between_requests() {
            self.awaited.set(Awaited::Head(Instant::now()));
        }
    }

    /// The client has taken something. The end of an answer is written when it is no longer
    /// awaited.
    pub(crate) fn note_written(&self) {
        self.stalled_since.set(None);
        match self.awaited.get() {
            Awaited::Request(_) => self.note_answer(),
            Awaited::Answer => self.awaited.set(Awaited::Rest),
            Awaited::Head(_) | Awaited::Rest | Awaited::Decision => {}
        }
        if let Some(HalfClosed { since: Some(since), .. }) = &mut *self.half_closed.borrow_mut() {
            *since = Instant::now();
        }
    }

    /// There is something to write, and the client takes nothing.
    pub(crate) fn note_stalled(&self) {
        if self.stalled_since.get().is_none() {
            self.stalled_since.set(Some(Instant::now()));
        }
    }

    /// There is a request.
    pub(crate) fn note_request(&self) {
        self.awaited.set(Awaited::Answer);
    }

    /// There is a request for an upgrade.
    pub(crate) fn note_upgrade(&self) {
        self.awaited.set(Awaited::Decision);
    }

    /// The answer is whole.
    pub(crate) fn note_answer(&self) {
        self.awaited.set(Awaited::Request(Instant::now()));
    }

    /// The client has ended its side; returns whether the connection waits for an answer all the
    /// same, as long as the timer lets it.
    ///
    /// A client that waits for an upgrade is gone: none gives up the other side of a WebSocket, and
    /// the application would be asked in vain.
    pub(crate) fn note_end(&self) -> bool {
        let mut half_closed = self.half_closed.borrow_mut();
        if half_closed.is_none() && matches!(self.awaited.get(), Awaited::Answer) {
            let permit = Arc::clone(&self.half_close_limit.0).try_acquire_owned().ok();
            let since = Some(Instant::now());
            *half_closed = permit.map(|permit| HalfClosed { since, _permit: permit });
        }
        let waits = half_closed.as_ref().is_some_and(|client| client.since.is_some());
        waits && (self.stalled_since.get().is_some() || !self.is_between_requests())
    }

    /// Whether the client has ended its side, and the connection waited for an answer then.
    pub(crate) fn is_half_closed(&self) -> bool {
        self.half_closed.borrow().is_some()
    }

    /// Whether there is no more to come of an answer, nor of another request.
    fn is_between_requests(&self) -> bool {
        matches!(self.awaited.get(), Awaited::Request(_))
    }

    /// When the connection no longer waits for an answer, because the client has ended its side.
    fn half_close_deadline(&self) -> Option<Instant> {
        let since = self.half_closed.borrow().as_ref()?.since?;
        self.stalled_since.get().is_none().then_some(since + HALF_CLOSE_TIMEOUT)
    }

    /// When the client has taken too long. Only the time for a head goes on while it takes nothing
    /// of what there is to write.
    fn deadline(&self) -> Option<Instant> {
        let Timeouts { head, idle, write } = self.timeouts;
        let stalled = self.stalled_since.get();
        let read = match self.awaited.get() {
            Awaited::Head(since) => Some(since + head),
            Awaited::Request(since) if stalled.is_none() => idle.map(|idle| since + idle),
            _ => None,
        };
        let written = stalled.map(|since| since + write);
        [read, written].into_iter().flatten().min()
    }

    /// Returns once the client has taken too long. It sees a new deadline when it is polled, so
    /// that its task polls it behind all that may set one.
    ///
    /// When the half-close timeout is over, it wakes the task instead: the connection then reads
    /// the end of the client's side, and may still answer it.
    pub(crate) async fn expired(&self) {
        let mut sleep = pin!(sleep(Duration::MAX));
        poll_fn(|context| {
            loop {
                let deadline = self.deadline();
                let half_closed = self.half_close_deadline();
                let Some(next) = deadline.into_iter().chain(half_closed).min() else {
                    return Poll::Pending;
                };
                // A deadline that was put off is looked at again when the earlier one has come.
                if sleep.is_elapsed() || next < sleep.deadline() {
                    sleep.as_mut().reset(next);
                }
                ready!(sleep.as_mut().poll(context));
                let now = Instant::now();
                if deadline.is_some_and(|deadline| deadline <= now) {
                    return Poll::Ready(());
                }
                if half_closed.is_some_and(|deadline| deadline <= now) {
                    self.end_half_close();
                    context.waker().wake_by_ref();
                }
            }
        })
        .await;
    }

    fn end_half_close(&self) {
        if let Some(half_closed) = &mut *self.half_closed.borrow_mut() {
            half_closed.since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::join;
    use tokio::time::timeout;

    use super::*;

    const HEAD: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_secs(30);
    const WRITE: Duration = Duration::from_secs(60);

    fn timer(idle: Option<Duration>) -> ConnectionTimer {
        let timeouts = Timeouts { head: HEAD, idle, write: WRITE };
        ConnectionTimer::new(Instant::now(), timeouts, HalfCloseLimit::new())
    }

    /// How long it waits from here on, in a time that passes only where everybody waits.
    async fn waits(timer: &ConnectionTimer) -> Option<Duration> {
        let began = Instant::now();
        let most = Duration::from_secs(1000);
        timeout(most, timer.expired()).await.ok().map(|()| began.elapsed())
    }

    fn in_its_own_time(test: impl Future<Output = ()>) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(test);
    }

    #[test]
    fn a_head_is_waited_for_from_its_first_byte_or_the_opening() {
        in_its_own_time(async {
            let timer = timer(Some(IDLE));
            timer.note_read();
            assert_eq!(waits(&timer).await, Some(HEAD));
            timer.note_answer();
            sleep(IDLE / 2).await;
            timer.note_read();
            sleep(HEAD / 2).await;
            timer.note_read();
            assert_eq!(waits(&timer).await, Some(HEAD / 2));
        });
    }

    #[test]
    fn a_request_is_waited_for_from_when_the_client_has_its_answer() {
        in_its_own_time(async {
            for idle in [HEAD / 2, HEAD * 3] {
                let timer = timer(Some(idle));
                timer.note_request();
                timer.note_answer();
                sleep(idle / 2).await;
                timer.note_written();
                assert_eq!(waits(&timer).await, Some(idle));
            }
        });
    }

    #[test]
    fn a_head_that_begins_while_a_request_is_waited_for_has_its_own_limit() {
        in_its_own_time(async {
            for (idle, begins) in [(HEAD * 3, HEAD), (HEAD / 4, HEAD / 5)] {
                let timer = timer(Some(idle));
                timer.note_answer();
                let trickle = async {
                    sleep(begins).await;
                    timer.note_read();
                };
                let ((), waited) = join!(biased; trickle, waits(&timer));
                assert_eq!(waited, Some(begins + HEAD));
            }
        });
    }

    #[test]
    fn a_request_has_its_own_limit_after_an_answer_that_took_any_time() {
        in_its_own_time(async {
            for idle in [HEAD / 5, HEAD * 3] {
                let timer = timer(Some(idle));
                let exchange = async {
                    sleep(HEAD / 2).await;
                    timer.note_request();
                    sleep(HEAD).await;
                    timer.note_answer();
                };
                let ((), waited) = join!(biased; exchange, waits(&timer));
                assert_eq!(waited, Some(HEAD / 2 + HEAD + idle));
            }
        });
    }

    #[test]
    fn a_client_that_has_not_taken_its_answer_is_not_idle() {
        in_its_own_time(async {
            let timer = timer(Some(IDLE));
            timer.note_answer();
            timer.note_stalled();
            assert_eq!(waits(&timer).await, Some(WRITE));
            timer.note_written();
            assert_eq!(waits(&timer).await, Some(IDLE));
            timer.note_stalled();
            timer.note_read();
            assert_eq!(waits(&timer).await, Some(HEAD));
        });
    }

    #[test]
    fn an_answer_and_a_client_that_may_be_idle_are_waited_for_without_limit() {
        in_its_own_time(async {
            let timer = timer(None);
            timer.note_request();
            assert_eq!(waits(&timer).await, None);
            timer.note_upgrade();
            assert_eq!(waits(&timer).await, None);
            timer.note_answer();
            assert_eq!(waits(&timer).await, None);
            timer.note_read();
            assert_eq!(waits(&timer).await, Some(HEAD));
        });
    }

    #[test]
    fn a_client_that_takes_nothing_has_a_limit_that_begins_anew_with_each_write() {
        in_its_own_time(async {
            let timer = timer(Some(IDLE));
            timer.note_request();
            timer.note_stalled();
            sleep(WRITE / 2).await;
            timer.note_stalled();
            assert_eq!(waits(&timer).await, Some(WRITE / 2));
            timer.note_written();
            assert_eq!(waits(&timer).await, None);
            timer.note_stalled();
            assert_eq!(waits(&timer).await, Some(WRITE));
        });
    }

    #[test]
    fn no_more_than_so_many_clients_that_have_ended_their_side_are_waited_for_at_once() {
        in_its_own_time(async {
            let (limit, timeouts) =
                (HalfCloseLimit::new(), Timeouts { head: HEAD, idle: None, write: WRITE });
            let begin = || {
                let timer = ConnectionTimer::new(Instant::now(), timeouts, limit.clone());
                timer.note_request();
                timer.note_end().then_some(timer)
            };
            let mut begun: Vec<_> = (0..MAX_HALF_CLOSED).filter_map(|_| begin()).collect();
            assert_eq!(begun.len(), MAX_HALF_CLOSED);
            assert!(begin().is_none());
            begun.pop();
            assert!(begin().is_some());
        });
    }
}
