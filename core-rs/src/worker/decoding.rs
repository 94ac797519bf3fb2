//! From the bytes of a client to events for JavaScript.

use crate::event_queue::{Event, EventQueue};
use crate::frame::compression::Inflater;
use crate::frame::{self, Frame, Rules, WorkBudget};
use crate::options::ClientLimits;
use crate::worker::client::discards::Discards;
use crate::worker::client::receiving::{PeerDone, Receiving};
use crate::worker::client::{Client, ClientState};
use crate::worker::counters::Counters;

use super::inbound::READ_BYTES;

/// Work of one client's turn: all that it has sent in large messages, or some 60 small ones.
pub(super) const WORK_PER_TURN: usize = READ_BYTES;

/// What the decoding of one client's turn needs beside the client.
pub(super) struct Decoding<'a> {
    pub(super) limits: &'a ClientLimits,
    pub(super) event_queue: &'a EventQueue,
    pub(super) counters: &'a mut Counters,
    pub(super) inflater: &'a mut Inflater,
}

/// What one turn of a client brought beside messages.
#[derive(Default)]
pub(super) struct Decoded {
    /// How many bytes were decoded.
    pub(super) taken: usize,
    pub(super) work: usize,
    pub(super) pongs: Vec<Frame>,
    pub(super) peer_done: Option<PeerDone>,
}

impl Decoding<'_> {
    /// Decodes what a client has sent, as far as its turn goes.
    pub(super) fn decode(self, client: &mut Client, bytes: &mut [u8]) -> Decoded {
        let Decoding { limits, event_queue, counters, inflater } = self;
        let key = client.key;
        let Receiving { decoder, app_notified, has_sent, pongs_due, discards, .. } =
            &mut client.receiving;
        let discards = *discards;
        let mut decoded = Decoded::default();
        let mut work = WorkBudget::new(WORK_PER_TURN);
        let rules = Rules {
            max_payload: limits.max_payload_bytes,
            inflater: client.form.is_deflated().then_some(inflater),
            leaving: client.state != ClientState::Open,
            work: &mut work,
        };
        let result = decoder.feed(bytes, rules, &mut |event| {
            let mut count = |length: usize| {
                counters.messages_received += 1;
                counters.bytes_received += length as u64;
                // Where no handler is for them, no answer follows.
                *has_sent |= !discards.contains(Discards::MESSAGES);
            };
            let event = match event {
                frame::Received::Text(text) => {
                    count(text.len());
                    if discards.contains(Discards::MESSAGES) {
                        return;
                    }
                    Event::Text(key, text.to_owned())
                }
                frame::Received::Binary(bytes) => {
                    count(bytes.len());
                    if discards.contains(Discards::MESSAGES) {
                        return;
                    }
                    Event::Binary(key, bytes.to_owned())
                }
                frame::Received::Ping(payload) => {
                    let answered = !*has_sent;
                    if answered {
                        decoded.pongs.push(Frame::pong(payload));
                    } else {
                        *pongs_due = pongs_due.saturating_add(1);
                    }
                    if answered && discards.contains(Discards::PINGS) {
                        return;
                    }
                    Event::Ping { client: key, payload: payload.to_owned(), answered }
                }
                frame::Received::Pong(_) if discards.contains(Discards::PONGS) => return,
                frame::Received::Pong(payload) => Event::Pong(key, payload.to_owned()),
                frame::Received::Close(code, reason) => {
                    let reason = reason.to_owned();
                    return decoded.peer_done = Some(PeerDone::Close { code, reason });
                }
            };
            *app_notified = true;
            event_queue.emit(event);
        });
        decoded.taken = result.unwrap_or_else(|violation| {
            decoded.peer_done = Some(PeerDone::Violation(violation));
            bytes.len()
        });
        decoded.work = work.spent();
        decoded
    }
}
