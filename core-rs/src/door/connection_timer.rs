//! How long a connection waits for its client to send a request's head.
//!
//! hyper has one limit for a head that is late and for a client that is idle between two requests.
//! The first guards against clients that trickle, and has to be short. The second is the
//! application's to say: a client that is cut off early has to connect again.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use super::body::Body;

/// What a connection waits for, and how long it does.
pub(super) struct ConnectionTimer {
    head_timeout: Duration,
    /// None is for ever.
    idle_timeout: Option<Duration>,
    awaited: Cell<Awaited>,
}

#[derive(Clone, Copy)]
enum Awaited {
    /// A whole head, since the connection was opened or the head was begun.
    Head(Instant),
    /// The first byte of a head, since the client took something of the answer before.
    Request(Instant),
    /// The first of an answer, for which the limits are the application's.
    Answer,
    /// The rest of it.
    Rest,
    /// That the client takes the end of it, for which `ClientSocket` has a limit.
    Taking,
    /// The decision on an upgrade, for which `UpgradeGate` has one.
    Decision,
}

impl ConnectionTimer {
    /// Of a connection that was opened at this time.
    pub(super) fn new(
        opened: Instant,
        head_timeout: Duration,
        idle_timeout: Option<Duration>,
    ) -> ConnectionTimer {
        ConnectionTimer { head_timeout, idle_timeout, awaited: Cell::new(Awaited::Head(opened)) }
    }

    /// The client has said something.
    pub(super) fn note_read(&self) {
        if self.is_between_requests() {
            self.awaited.set(Awaited::Head(Instant::now()));
        }
    }

    /// The client has taken something. The end of an answer is written when it is no longer
    /// awaited.
    pub(super) fn note_written(&self) {
        if self.is_between_requests() {
            self.note_answer();
        } else if self.is_for_an_answer() {
            self.awaited.set(Awaited::Rest);
        }
    }

    /// There is something to write, and the client takes nothing.
    pub(super) fn note_stalled(&self) {
        if self.is_between_requests() {
            self.awaited.set(Awaited::Taking);
        }
    }

    /// There is a request.
    pub(super) fn note_request(&self) {
        self.awaited.set(Awaited::Answer);
    }

    /// There is a request for an upgrade.
    pub(super) fn note_upgrade(&self) {
        self.awaited.set(Awaited::Decision);
    }

    fn note_answer(&self) {
        self.awaited.set(Awaited::Request(Instant::now()));
    }

    /// Whether the client waits for the application, and has no part of the answer yet.
    pub(super) fn is_for_an_answer(&self) -> bool {
        matches!(self.awaited.get(), Awaited::Answer)
    }

    /// Whether there is no more to come of an answer, nor of another request.
    pub(super) fn is_between_requests(&self) -> bool {
        matches!(self.awaited.get(), Awaited::Request(_) | Awaited::Taking)
    }

    fn deadline(&self) -> Option<Instant> {
        match self.awaited.get() {
            Awaited::Head(since) => Some(since + self.head_timeout),
            Awaited::Request(since) => self.idle_timeout.map(|timeout| since + timeout),
            Awaited::Answer | Awaited::Rest | Awaited::Taking | Awaited::Decision => None,
        }
    }

    /// Returns once the client has taken too long. Nobody wakes it: it looks again no later than at
    /// the earliest deadline that may be set while it sleeps.
    pub(super) async fn run_out(&self) {
        let shortest = self.idle_timeout.unwrap_or(self.head_timeout).min(self.head_timeout);
        loop {
            let earliest = Instant::now() + shortest;
            sleep_until(self.deadline().map_or(earliest, |deadline| deadline.min(earliest))).await;
            if self.deadline().is_some_and(|deadline| deadline <= Instant::now()) {
                return;
            }
        }
    }
}

/// The body of an answer, which is awaited as long as this lives.
pub(super) struct TimedBody {
    body: Body,
    timer: Rc<ConnectionTimer>,
}

impl TimedBody {
    pub(super) fn new(body: Body, timer: Rc<ConnectionTimer>) -> TimedBody {
        TimedBody { body, timer }
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        self.timer.note_answer();
    }
}

impl hyper::body::Body for TimedBody {
    type Data = Bytes;
    type Error = <Body as hyper::body::Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::join;
    use tokio::time::{sleep, timeout};

    use super::*;

    const HEAD: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_secs(30);

    /// How long it waits from here on, in a time that passes only where everybody waits.
    async fn waits(timer: &ConnectionTimer) -> Option<Duration> {
        let began = Instant::now();
        let most = Duration::from_secs(1000);
        timeout(most, timer.run_out()).await.ok().map(|()| began.elapsed())
    }

    fn in_its_own_time(test: impl Future<Output = ()>) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(test);
    }

    #[test]
    fn a_head_is_waited_for_from_its_first_byte_or_the_opening() {
        in_its_own_time(async {
            let timer = ConnectionTimer::new(Instant::now(), HEAD, Some(IDLE));
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
                let timer = ConnectionTimer::new(Instant::now(), HEAD, Some(idle));
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
                let timer = ConnectionTimer::new(Instant::now(), HEAD, Some(idle));
                timer.note_answer();
                let trickle = async {
                    sleep(begins).await;
                    timer.note_read();
                };
                let (waited, ()) = join!(waits(&timer), trickle);
                assert_eq!(waited, Some(begins + HEAD));
            }
        });
    }

    #[test]
    fn a_request_has_its_own_limit_after_an_answer_that_took_any_time() {
        in_its_own_time(async {
            for idle in [HEAD / 5, HEAD * 3] {
                let timer = ConnectionTimer::new(Instant::now(), HEAD, Some(idle));
                let exchange = async {
                    sleep(HEAD / 2).await;
                    timer.note_request();
                    sleep(HEAD).await;
                    timer.note_answer();
                };
                let (waited, ()) = join!(waits(&timer), exchange);
                assert_eq!(waited, Some(HEAD / 2 + HEAD + idle));
            }
        });
    }

    #[test]
    fn a_client_that_has_not_taken_its_answer_is_not_idle() {
        in_its_own_time(async {
            let timer = ConnectionTimer::new(Instant::now(), HEAD, Some(IDLE));
            timer.note_answer();
            timer.note_stalled();
            assert_eq!(waits(&timer).await, None);
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
            let timer = ConnectionTimer::new(Instant::now(), HEAD, None);
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
}
