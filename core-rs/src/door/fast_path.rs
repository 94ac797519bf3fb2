//! The fast path of a WebSocket upgrade that comes whole, as the first request on its connection.
//!
//! hyper keeps two buffers of 8 KiB for each connection, the door's runtime a task, and its epoll
//! an entry. Of thousands of clients that connect in one moment each needs none of these, if its
//! request is proper: all of it is there, and the client waits as a [`PendingUpgrade`]. The worker
//! that gets it sends the response. Any other connection is hyper's, from its first byte on and
//! with the outcome of its upgrade, if there is one.

use std::sync::Arc;

use super::accepted_connection::AcceptedConnection;
use super::connection::DoorContext;
use super::pending_upgrade::{PendingUpgrade, SlotHandle};
use super::upgrade_request::WaitingClient;

/// Takes a connection whose first bytes are an upgrade and nothing else, and sends that to the
/// application. Returns any other connection.
pub(super) fn take(
    mut connection: AcceptedConnection,
    door: &DoorContext,
) -> Option<AcceptedConnection> {
    let gate = door.gate();
    let read = door.request_reader().read(&connection.received, |head| {
        let request = head.request();
        let handshake = door.handshake(&request)?;
        let admitted = gate.admit(&request, connection.peer, handshake.compression());
        Some((admitted, head.end, handshake))
    });
    match read {
        Some((Ok(unsent), head_bytes, handshake)) => {
            let upgrade = PendingUpgrade::new(connection, head_bytes, handshake);
            let slot = door.pending_upgrades().slot(upgrade);
            let waiting = WaitingClient::InSlot(SlotHandle(Arc::clone(&slot)));
            let sent = gate.send(unsent, waiting);
            door.pending_upgrades().watch(slot, sent);
            return None;
        }
        Some((Err(error), ..)) => connection.outcome = Some(Err(error)),
        None => {}
    }
    Some(connection)
}
