//! How an upgrade gets its decision.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use crate::compression::Compression;

use super::objection::Objection;
use super::proxy::PEER;
use super::{Decision, UpgradeRequest};

/// Whom an upgrade is put to.
pub(super) type Ask = Box<dyn Fn(UpgradeRequest)>;

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

    /// Asks, and waits for the answer. Whoever drops this future gives the upgrade up: the one who
    /// decides then finds nobody to tell.
    ///
    /// # Errors
    ///
    /// When too many wait already, or there is no answer.
    pub(super) async fn decide<B>(
        &self,
        request: &Request<B>,
        peer: SocketAddr,
        compression: Compression,
    ) -> Result<Decision, Objection> {
        let vacancy = Arc::clone(&self.vacancies).try_acquire_owned();
        let vacancy = Arc::new(vacancy.map_err(|_| Objection::TooManyUndecided)?);
        let (decide, decision) = oneshot::channel();
        (self.ask)(UpgradeRequest {
            uri: target(request),
            headers: request
                .headers()
                .iter()
                .filter(|(name, _)| *name != PEER)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            peer,
            compression,
            decide,
            _vacancy: Arc::clone(&vacancy),
        });
        match timeout(self.timeout, decision).await {
            Ok(Ok(decision)) => Ok(decision),
            Ok(Err(_dropped)) => Err(Objection::Undecided),
            Err(_elapsed) => Err(Objection::UndecidedInTime),
        }
    }
}

/// Path and query, whether the request line had them alone or in a whole URI.
fn target<B>(request: &Request<B>) -> String {
    request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned()
}
