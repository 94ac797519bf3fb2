//! A client that waits for the decision on its upgrade with nothing but a socket.
//!
//! It sits on a chair that the door and the application share. Whoever takes it from there decides
//! what becomes of it, and nobody else does: the application, on its own thread, or the door, when
//! the client leaves or nobody decides in time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use tokio::sync::mpsc::UnboundedSender;

use super::arrival::Opening;
use super::decider::Decided;
use super::handshake::{Terms, further};
use super::objection::Objection;
use super::{Decision, Entrant, Headers, Reservation};

/// Bytes that any new socket has room for. A longer answer is the door's: it waits for room.
const SHORT_ANSWER: usize = 4096;

/// Room for an answer without cookies.
const USUAL_ANSWER: usize = 320;

/// See the module's description.
pub(super) struct Guest {
    /// How its connection goes on if it is not let in.
    pub(super) opening: Opening,
    /// Bytes of its request's head.
    head_bytes: usize,
    /// What it is told if it is let in, but for further fields and the last line.
    answer: Vec<u8>,
}

impl Guest {
    /// A client whose first words begin with a proper upgrade, of so many bytes.
    pub(super) fn new(opening: Opening, head_bytes: usize, terms: Terms) -> Guest {
        let mut answer = Vec::with_capacity(USUAL_ANSWER);
        answer.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
        print(terms.fields(Headers::new()), &mut answer);
        Guest { opening, head_bytes, answer }
    }

    /// Lets it in, or sends it back to the door, which answers anything else, and a long answer,
    /// and for a worker that is behind.
    fn go(mut self, decided: Decided, door: &UnboundedSender<Opening>) {
        match decided {
            Ok(Decision::Accept { headers, reservation })
                if is_short(&headers) && !reservation.is_behind() =>
            {
                self.enter(headers, reservation);
            }
            decided => {
                self.opening.decided = Some(decided);
                // Without a door there is nobody any more who could tell it.
                let _ = door.send(self.opening);
            }
        }
    }

    fn enter(self, headers: Headers, reservation: Box<dyn Reservation>) {
        let Guest { opening, head_bytes, mut answer } = self;
        print(further(headers), &mut answer);
        answer.extend_from_slice(b"\r\n");
        let read_ahead = Bytes::copy_from_slice(&opening.unread[head_bytes..]);
        reservation.attach(Entrant { socket: opening.socket, answer, read_ahead });
    }
}

fn is_short(headers: &Headers) -> bool {
    let bytes = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    bytes.sum::<usize>() <= SHORT_ANSWER
}

fn print(fields: impl Iterator<Item = (HeaderName, HeaderValue)>, answer: &mut Vec<u8>) {
    for (name, value) in fields {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            answer.extend_from_slice(part);
        }
    }
}

/// Where a guest sits.
pub(super) struct Chair {
    guest: Mutex<Option<Guest>>,
    /// To which guests go back that are not let in.
    door: UnboundedSender<Opening>,
}

impl Chair {
    pub(super) fn new(guest: Guest, door: UnboundedSender<Opening>) -> Arc<Chair> {
        Arc::new(Chair { guest: Mutex::new(Some(guest)), door })
    }

    /// The guest, as long as this is held.
    pub(super) fn look(&self) -> MutexGuard<'_, Option<Guest>> {
        // No panic leaves half a guest.
        self.guest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the guest from it, if it is still there.
    pub(super) fn free(&self) -> Option<Guest> {
        self.look().take()
    }

    /// Decides on the guest; returns whether it was still there.
    pub(super) fn decide(&self, decided: Decided) -> bool {
        let guest = self.free();
        guest.map(|guest| guest.go(decided, &self.door)).is_some()
    }
}

/// The application's hold on a chair. Dropped, the guest is told that nobody has decided.
pub(super) struct Hold(pub(super) Arc<Chair>);

impl Hold {
    pub(super) fn is_awaited(&self) -> bool {
        self.0.look().is_some()
    }

    pub(super) fn decide(self, decision: Decision) -> bool {
        self.0.decide(Ok(decision))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.decide(Err(Objection::Undecided));
    }
}
