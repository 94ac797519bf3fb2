//! Limits the upgrades that wait for a decision, in number and in time.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::frame::form::Form;

use crate::door::events::{DoorEvent, Emitter};
use crate::door::http::error::HttpError;
use crate::door::http::headers::Fields;
use crate::door::http::request::RequestHead;
use crate::door::upgrade::decision::{Decision, Outcome, UpgradeId};
use crate::door::upgrade::header_templates::{HeaderTemplates, TemplatedHeaders};
use crate::door::upgrade::request::{Responder, UpgradeRequest, WaitingClient};

/// Sends upgrade requests to the application: so many may be undecided, each for so long.
pub(crate) struct UpgradeGate {
    emitter: Emitter,
    /// A permit for each upgrade that may be undecided. Its [`Responder`] holds it until
    /// JavaScript's thread drops that: clients that come and go faster than the application takes
    /// them must not make requests pile up.
    permits: Arc<Semaphore>,
    timeout: Duration,
    last_id: Cell<UpgradeId>,
    templates: HeaderTemplates,
}

/// An upgrade that has its permit and was not sent yet.
pub(crate) struct UnsentUpgrade {
    uri: String,
    headers: TemplatedHeaders,
    peer: SocketAddr,
    form: Form,
    permit: OwnedSemaphorePermit,
}

/// An upgrade that was sent to the application.
pub(crate) struct SentUpgrade {
    pub(crate) id: UpgradeId,
    /// When the door gives it up.
    pub(crate) deadline: Instant,
}

impl UpgradeGate {
    pub(crate) fn new(emitter: Emitter, max_undecided: usize, timeout: Duration) -> UpgradeGate {
        let permits = Arc::new(Semaphore::new(max_undecided.min(Semaphore::MAX_PERMITS)));
        let (last_id, templates) = Default::default();
        UpgradeGate { emitter, permits, timeout, last_id, templates }
    }

    /// Takes a permit for a request.
    ///
    /// # Errors
    ///
    /// When too many upgrades are undecided already.
    pub(crate) fn admit<F: Fields + ?Sized>(
        &self,
        request: &RequestHead<'_, F>,
        peer: SocketAddr,
        form: Form,
    ) -> Result<UnsentUpgrade, HttpError> {
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| HttpError::TooManyUndecided)?;
        let (uri, headers) = (request.target.to_owned(), self.templates.split(request.fields));
        Ok(UnsentUpgrade { uri, headers, peer, form, permit })
    }

    /// Sends the request; the application may have decided when this returns.
    pub(crate) fn send(&self, unsent: UnsentUpgrade, waiting: WaitingClient) -> SentUpgrade {
        let UnsentUpgrade { uri, headers, peer, form, permit } = unsent;
        let id = self.last_id.get().wrapping_add(1);
        self.last_id.set(id);
        let deadline = Instant::now() + self.timeout;
        let responder = Responder::new(waiting, permit);
        let request = UpgradeRequest { id, uri, headers, peer, form, responder };
        self.emitter.emit(DoorEvent::UpgradeRequested(request));
        SentUpgrade { id, deadline }
    }

    /// Sends the request, and waits for the decision until the deadline.
    pub(crate) async fn decision(&self, unsent: UnsentUpgrade) -> Outcome {
        let (decide, decision) = oneshot::channel();
        let SentUpgrade { id, deadline } = self.send(unsent, WaitingClient::InTask(decide));
        let mut awaited = AwaitedDecision { decision, id, emitter: &self.emitter };
        let decided = timeout_at(deadline, &mut awaited.decision).await;
        decided.map_err(|_| HttpError::UndecidedInTime)?.map_err(|_dropped| HttpError::Undecided)
    }
}

/// A decision that a connection's task waits for. Dropped before it comes, the upgrade is given up.
struct AwaitedDecision<'g> {
    decision: oneshot::Receiver<Decision>,
    id: UpgradeId,
    emitter: &'g Emitter,
}

impl Drop for AwaitedDecision<'_> {
    fn drop(&mut self) {
        self.decision.close();
        if !self.decision.is_terminated() {
            self.emitter.emit(DoorEvent::UpgradeGivenUp(self.id));
        }
    }
}
