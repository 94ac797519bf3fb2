//! The state of one HTTP connection, which its requests share.

use std::cell::Cell;
use std::future;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::time::Instant;

use crate::door::app::dev_sockets::Tunnel;
use crate::door::closing::Closing;
use crate::door::connection::request_filter::FilterState;
use crate::door::connection::settings::ConnectionSettings;
use crate::door::connection::timer::ConnectionTimer;
use crate::door::upgrade::decision::{Outcome, Reservation};

/// See the module's description.
pub(crate) struct ConnectionState {
    pub(crate) peer: SocketAddr,
    outcome: Cell<Option<Outcome>>,
    next: Cell<Option<NextProtocol>>,
    pub(crate) timer: Rc<ConnectionTimer>,
    pub(crate) filter: Rc<FilterState>,
}

/// Where the socket goes once the 101 response is on its way.
pub(crate) enum NextProtocol {
    /// To the worker of an accepted client.
    WebSocket(Box<dyn Reservation>),
    /// To Bun's development server.
    Tunnel(Tunnel),
}

impl ConnectionState {
    /// `outcome` is that of the first request, if it is an upgrade and was decided already.
    pub(crate) fn new(
        peer: SocketAddr,
        accepted_at: Instant,
        outcome: Option<Outcome>,
        settings: &ConnectionSettings,
    ) -> ConnectionState {
        let limit = settings.half_close_limit.clone();
        ConnectionState {
            peer,
            outcome: Cell::new(outcome),
            next: Cell::default(),
            timer: Rc::new(ConnectionTimer::new(accepted_at, settings.timeouts, limit)),
            filter: Rc::default(),
        }
    }

    /// What was decided on this upgrade before its connection came here.
    pub(crate) fn take_outcome(&self) -> Option<Outcome> {
        self.outcome.take()
    }

    /// The connection's last HTTP response switches to this.
    pub(crate) fn switch_to(&self, next: NextProtocol) {
        self.next.set(Some(next));
    }

    pub(crate) fn take_next(&self) -> Option<NextProtocol> {
        self.next.take()
    }

    /// Returns once the door ends, unless the client was accepted: it still gets to its worker.
    pub(crate) async fn cut_off(&self, closing: &mut Closing) {
        closing.ending().await;
        let next = self.next.take();
        let is_accepted = matches!(next, Some(NextProtocol::WebSocket(_)));
        self.next.set(next);
        if is_accepted {
            future::pending().await
        }
    }
}
