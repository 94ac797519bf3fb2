//! The short way of a WebSocket upgrade that comes whole, as the first on its connection.
//!
//! hyper keeps two buffers of 8 KiB for each connection, the door's runtime a task, and its epoll
//! an entry. Of thousands of clients that connect in one moment each needs none of these, if its
//! request is proper: it has said all, and waits as a [`Guest`]. The worker that it goes to gives
//! it the answer. Whatever else it turns out to be goes hyper's way, from its first byte on and
//! with the decision, if there is one.

use std::sync::Arc;

use super::arrival::Opening;
use super::connection::Reception;
use super::guest::{Guest, Hold};
use super::upgrade::Whom;

/// Puts a client to the application if it asks for a WebSocket with its first words, and for that
/// alone. Returned is any other.
pub(super) fn take(mut opening: Opening, reception: &Reception) -> Option<Opening> {
    let decider = reception.decider();
    let begun = reception.reader().read(&opening.unread, |head| {
        let request = head.request();
        let terms = reception.terms_of_upgrade(&request)?;
        let question = decider.question(&request, opening.peer, terms.compression());
        Some((question, head.end, terms))
    });
    match begun {
        Some((Ok(question), head_bytes, terms)) => {
            let chair = reception.waiting_room().seat(Guest::new(opening, head_bytes, terms));
            let asked = decider.ask(question, Whom::Guest(Hold(Arc::clone(&chair))));
            reception.waiting_room().look_after(chair, asked);
            return None;
        }
        Some((Err(objection), ..)) => opening.decided = Some(Err(objection)),
        None => {}
    }
    Some(opening)
}
