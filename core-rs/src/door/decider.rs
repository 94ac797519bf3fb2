//! How an upgrade gets its decision.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::{HeaderMap, Request};
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::compression::Compression;

use super::objection::Objection;
use super::proxy::PEER;
use super::{Decision, Headers, UpgradeRequest};

/// Whom an upgrade is put to.
pub(super) type Ask = Box<dyn Fn(UpgradeRequest)>;

/// What becomes of an upgrade.
pub(super) type Decided = Result<Decision, Objection>;

/// Puts upgrades to the application, so many at a time, and waits so long.
pub(super) struct Decider {
    ask: Ask,
    /// A permit for each upgrade that may be undecided. It is held by the client that waits and by
    /// the request that was asked: clients that come and go faster than the application hears of
    /// them must not make their requests pile up.
    vacancies: Arc<Semaphore>,
    timeout: Duration,
}

impl Decider {
    pub(super) fn new(ask: Ask, max_undecided: usize, timeout: Duration) -> Decider {
        let vacancies = Arc::new(Semaphore::new(max_undecided.min(Semaphore::MAX_PERMITS)));
        Decider { ask, vacancies, timeout }
    }

    /// Asks.
    ///
    /// # Errors
    ///
    /// When too many wait already.
    pub(super) fn ask<B>(
        &self,
        request: &Request<B>,
        peer: SocketAddr,
        compression: Compression,
    ) -> Result<Asked, Objection> {
        let vacancy = Arc::clone(&self.vacancies).try_acquire_owned();
        let vacancy = Arc::new(vacancy.map_err(|_| Objection::TooManyUndecided)?);
        let (decide, decision) = oneshot::channel();
        let until = Instant::now() + self.timeout;
        (self.ask)(UpgradeRequest {
            uri: target(request),
            headers: shown(request.headers()),
            peer,
            compression,
            decide,
            _vacancy: Arc::clone(&vacancy),
        });
        Ok(Asked { decision, until, _vacancy: vacancy })
    }
}

/// An upgrade that was put to the application. Whoever drops it gives it up: the one who decides
/// then finds nobody to tell.
pub(super) struct Asked {
    decision: oneshot::Receiver<Decision>,
    until: Instant,
    _vacancy: Arc<OwnedSemaphorePermit>,
}

impl Asked {
    /// Waits for the decision as long as may be.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(super) async fn decision(mut self) -> Decided {
        let decided = timeout_at(self.until, &mut self.decision).await;
        decided.map_or(Err(Objection::UndecidedInTime), or_none)
    }

    /// Waits for the decision so long. None when it falls later.
    pub(super) async fn decision_within(&mut self, time: Duration) -> Option<Decided> {
        let end = self.until.min(Instant::now() + time);
        match timeout_at(end, &mut self.decision).await {
            Ok(decided) => Some(or_none(decided)),
            Err(_) if self.until <= Instant::now() => Some(Err(Objection::UndecidedInTime)),
            Err(_) => None,
        }
    }
}

fn or_none(decided: Result<Decision, RecvError>) -> Decided {
    decided.map_err(|_dropped| Objection::Undecided)
}

/// What the application sees of the headers. Whatever comes by [`PEER`] is made up.
fn shown(headers: &HeaderMap) -> Headers {
    // A filter knows no length: collecting it would make room again and again.
    let mut shown = Vec::with_capacity(headers.len());
    let all = headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    shown.extend(all.filter(|(name, _)| *name != PEER));
    shown
}

/// Path and query, whether the request line had them alone or in a whole URI.
fn target<B>(request: &Request<B>) -> String {
    request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned()
}
