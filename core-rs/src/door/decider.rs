//! How an upgrade gets its decision.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::frame::compression::Compression;

use super::heads::{Head, Heads};
use super::objection::Objection;
use super::request::{Fields, RequestHead};
use super::tell::Tell;
use super::upgrade::Whom;
use super::{AskId, Decision, DoorEvent, PendingUpgrade, UpgradeRequest};

/// What becomes of an upgrade.
pub(super) type Decided = Result<Decision, Objection>;

/// Puts upgrades to the application, so many at a time, each for so long.
pub(super) struct Decider {
    tell: Tell,
    /// A permit for each upgrade that may be undecided. The request that was put holds it: clients
    /// that come and go faster than the application hears of them must not make those pile up.
    vacancies: Arc<Semaphore>,
    timeout: Duration,
    last_ask: Cell<AskId>,
    heads: Heads,
}

/// An upgrade that was put to the application.
pub(super) struct Asked {
    pub(super) ask: AskId,
    /// When it is given up.
    pub(super) until: Instant,
}

/// What is to be put to the application, which is then to be done.
pub(super) struct Question {
    uri: String,
    head: Head,
    peer: SocketAddr,
    compression: Compression,
    vacancy: OwnedSemaphorePermit,
}

impl Decider {
    pub(super) fn new(tell: Tell, max_undecided: usize, timeout: Duration) -> Decider {
        let vacancies = Arc::new(Semaphore::new(max_undecided.min(Semaphore::MAX_PERMITS)));
        let (last_ask, heads) = Default::default();
        Decider { tell, vacancies, timeout, last_ask, heads }
    }

    /// Makes a question of a request.
    ///
    /// # Errors
    ///
    /// When too many wait already.
    pub(super) fn question<F: Fields + ?Sized>(
        &self,
        request: &RequestHead<'_, F>,
        peer: SocketAddr,
        compression: Compression,
    ) -> Result<Question, Objection> {
        let vacancy = Arc::clone(&self.vacancies).try_acquire_owned();
        let vacancy = vacancy.map_err(|_| Objection::TooManyUndecided)?;
        let (uri, head) = (request.target.to_owned(), self.heads.part(request.fields));
        Ok(Question { uri, head, peer, compression, vacancy })
    }

    /// Asks the application, which may have decided when this returns.
    pub(super) fn ask(&self, question: Question, whom: Whom) -> Asked {
        let Question { uri, head, peer, compression, vacancy } = question;
        let ask = self.last_ask.get().wrapping_add(1);
        self.last_ask.set(ask);
        let until = Instant::now() + self.timeout;
        let pending = PendingUpgrade::new(whom, vacancy);
        let request = UpgradeRequest { id: ask, uri, head, peer, compression, pending };
        self.tell.tell(DoorEvent::Asked(request));
        Asked { ask, until }
    }

    /// Asks the application, and waits for its decision as long as may be.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(super) async fn decision(&self, question: Question) -> Decided {
        let (decide, decision) = oneshot::channel();
        let Asked { ask, until } = self.ask(question, Whom::Connection(decide));
        let mut waits = Waits { decision, ask, tell: &self.tell };
        let decided = timeout_at(until, &mut waits.decision).await;
        decided.map_err(|_| Objection::UndecidedInTime)?.map_err(|_dropped| Objection::Undecided)
    }
}

/// A connection that waits for a decision. Dropped before that, the upgrade is given up.
struct Waits<'t> {
    decision: oneshot::Receiver<Decision>,
    ask: AskId,
    tell: &'t Tell,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.decision.close();
        if !self.decision.is_terminated() {
            self.tell.tell(DoorEvent::GivenUp(self.ask));
        }
    }
}
