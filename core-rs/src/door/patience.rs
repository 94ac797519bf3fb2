//! How long a connection waits for its client to send a request's head.
//!
//! hyper has one limit for a head that is late and for a client that is idle between two requests. The
//! first guards against clients that trickle, and has to be short. The second is the application's to
//! say: a client that is cut off early has to connect again.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use super::response::Body;

/// What a connection waits for, and how long it does.
pub(super) struct Patience {
    head_timeout: Duration,
    /// None is for ever.
    idle_timeout: Option<Duration>,
    awaited: Cell<Awaited>,
}

#[derive(Clone, Copy)]
enum Awaited {
    /// A whole head, since the connection was opened or the head was begun.
    Head(Instant),
    /// The first byte of a head, since the answer before.
    Request(Instant),
    /// The answer, for which the limits are the application's.
    Answer,
}

impl Patience {
    pub(super) fn new(head_timeout: Duration, idle_timeout: Option<Duration>) -> Patience {
        let awaited = Cell::new(Awaited::Head(Instant::now()));
        Patience { head_timeout, idle_timeout, awaited }
    }

    /// The client has said something.
    pub(super) fn note_read(&self) {
        if let Awaited::Request(_) = self.awaited.get() {
            self.awaited.set(Awaited::Head(Instant::now()));
        }
    }

    /// The client has taken something. The end of an answer is written when it is no longer awaited.
    pub(super) fn note_written(&self) {
        if let Awaited::Request(_) = self.awaited.get() {
            self.note_answer();
        }
    }

    /// There is a request.
    pub(super) fn note_request(&self) {
        self.awaited.set(Awaited::Answer);
    }

    fn note_answer(&self) {
        self.awaited.set(Awaited::Request(Instant::now()));
    }

    fn deadline(&self) -> Option<Instant> {
        match self.awaited.get() {
            Awaited::Head(since) => Some(since + self.head_timeout),
            Awaited::Request(since) => self.idle_timeout.map(|timeout| since + timeout),
            Awaited::Answer => None,
        }
    }

    /// Returns once the client has taken too long. Nobody wakes it: it looks no later than any deadline
    /// can be that is set from now on.
    pub(super) async fn run_out(&self) {
        let shortest = self.idle_timeout.unwrap_or(self.head_timeout).min(self.head_timeout);
        loop {
            sleep_until(self.deadline().unwrap_or_else(|| Instant::now() + shortest)).await;
            if self.deadline().is_some_and(|deadline| deadline <= Instant::now()) {
                return;
            }
        }
    }
}

/// The body of an answer, which is awaited as long as this lives.
pub(super) struct Answer {
    body: Body,
    patience: Rc<Patience>,
}

impl Answer {
    pub(super) fn new(body: Body, patience: Rc<Patience>) -> Answer {
        Answer { body, patience }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.patience.note_answer();
    }
}

impl hyper::body::Body for Answer {
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
    use tokio::time::{sleep, timeout};

    use super::*;

    const HEAD: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_secs(30);

    /// How long it waits from here on, in a time that passes only where everybody waits.
    async fn waits(patience: &Patience) -> Option<Duration> {
        let began = Instant::now();
        let most = Duration::from_secs(1000);
        timeout(most, patience.run_out()).await.ok().map(|()| began.elapsed())
    }

    fn in_its_own_time(test: impl Future<Output = ()>) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(test);
    }

    #[test]
    fn a_head_is_waited_for_from_its_first_byte_or_the_opening() {
        in_its_own_time(async {
            let patience = Patience::new(HEAD, Some(IDLE));
            patience.note_read();
            assert_eq!(waits(&patience).await, Some(HEAD));
            patience.note_answer();
            sleep(IDLE / 2).await;
            patience.note_read();
            sleep(HEAD / 2).await;
            patience.note_read();
            assert_eq!(waits(&patience).await, Some(HEAD / 2));
        });
    }

    #[test]
    fn a_request_is_waited_for_from_when_the_client_has_its_answer() {
        in_its_own_time(async {
            for idle in [HEAD / 2, HEAD * 3] {
                let patience = Patience::new(HEAD, Some(idle));
                patience.note_request();
                patience.note_answer();
                sleep(idle / 2).await;
                patience.note_written();
                assert_eq!(waits(&patience).await, Some(idle));
            }
        });
    }

    #[test]
    fn an_answer_and_a_client_that_may_be_idle_are_waited_for_without_limit() {
        in_its_own_time(async {
            let patience = Patience::new(HEAD, None);
            patience.note_request();
            assert_eq!(waits(&patience).await, None);
            patience.note_answer();
            assert_eq!(waits(&patience).await, None);
            patience.note_read();
            assert_eq!(waits(&patience).await, Some(HEAD));
        });
    }
}
