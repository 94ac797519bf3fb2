//! The short way of a WebSocket upgrade that comes whole, as the first on its connection.
//!
//! hyper keeps two buffers of 8 KiB for each connection, and the door's epoll an entry. Of
//! thousands of clients that connect in one moment each needs neither, if its request is proper and
//! is accepted: it has said all, and is told a few lines. Whatever else it turns out to be goes
//! hyper's way, from its first byte on and with the decision, if there is one.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use tokio::time::{sleep, timeout};

use super::Decision;
use super::arrival::Arrival;
use super::connection::Reception;
use super::decider::{Asked, Decided};
use super::handshake::Terms;
use super::objection::Objection;

/// How often it is looked whether a client that waits is still there.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long it is waited for room for the rest of an answer.
const ROOM_EVERY: Duration = Duration::from_millis(10);

/// Room for an answer without cookies.
const ANSWER_BYTES: usize = 320;

/// How a connection goes on that has not come by the short way.
pub(super) struct Way {
    pub(super) arrival: Arrival,
    /// The decision on its first request.
    pub(super) decided: Option<Decided>,
}

/// Takes a client to its worker if it asks for that with its first words, and may. None if it has
/// been taken there, or is gone.
pub(super) async fn take(
    arrival: Arrival,
    words: &Bytes,
    peer: SocketAddr,
    reception: &Reception,
) -> Option<Way> {
    let Some(upgrade) = begin(words, peer, reception) else {
        return Some(Way { arrival, decided: None });
    };
    let Upgrade { length, terms, asked } = upgrade;
    let decided = match asked {
        Ok(asked) => while_there(&arrival, asked).await?,
        Err(objection) => Err(objection),
    };
    let (headers, reservation) = match decided {
        Ok(Decision::Accept { headers, reservation }) => (headers, reservation),
        decided => return Some(Way { arrival, decided: Some(decided) }),
    };
    let answer = print(terms.fields(headers));
    let told = match arrival.write(&answer) {
        Ok(bytes) if bytes == answer.len() => Ok(()),
        first => {
            let rest = &answer[first.unwrap_or(0)..];
            Box::pin(tell(&arrival, rest, reception.write_timeout())).await
        }
    };
    // On an error the client is gone. Dropping a reservation gives it up.
    if told.is_ok() {
        let read_ahead = Bytes::copy_from_slice(&words[length..]);
        reception.hand_over(arrival.unwatched(), read_ahead, reservation);
    }
    None
}

/// A proper upgrade on its way.
struct Upgrade {
    /// Bytes of its head.
    length: usize,
    terms: Terms,
    asked: Result<Asked, Objection>,
}

/// Puts an upgrade to the application, if the words are one, whole and proper.
///
/// Thousands may wait at once: what is needed of the request for an answer is less than the request.
fn begin(words: &Bytes, peer: SocketAddr, reception: &Reception) -> Option<Upgrade> {
    let mut reader = reception.reader();
    let (request, length) = reader.read(words)?;
    let terms = reception.terms_of_upgrade(request)?;
    let asked = reception.decider().ask(request, peer, terms.compression());
    Some(Upgrade { length, terms, asked })
}

/// The decision, if the client is there until it falls.
async fn while_there(arrival: &Arrival, mut asked: Asked) -> Option<Decided> {
    loop {
        match asked.decision_within(LOOK_EVERY).await {
            None if arrival.has_ended() => return None,
            None => {}
            decided => return decided,
        }
    }
}

/// The response that switches protocols.
fn print(fields: impl Iterator<Item = (HeaderName, HeaderValue)>) -> Vec<u8> {
    let mut answer = Vec::with_capacity(ANSWER_BYTES);
    answer.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
    for (name, value) in fields {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            answer.extend_from_slice(part);
        }
    }
    answer.extend_from_slice(b"\r\n");
    answer
}

/// Writes the rest of an answer that has not fitted in the new socket.
async fn tell(arrival: &Arrival, mut answer: &[u8], limit: Duration) -> io::Result<()> {
    let all = async {
        while !answer.is_empty() {
            match arrival.write(answer) {
                Ok(bytes) => answer = &answer[bytes..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(ROOM_EVERY).await,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    };
    timeout(limit, all).await?
}
