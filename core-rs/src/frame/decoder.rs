//! Decodes the frames of one client, however the network cut them.
//!
//! A message that arrives whole in one read is handed on where it lies, without a copy. Only what
//! is incomplete is kept, and a client with nothing incomplete keeps no buffer.

mod header;
mod violation;

use super::Opcode;
use super::close_code::is_sendable;
use super::mask::unmask;
use super::utf8::Utf8Validator;
use super::work::WorkBudget;
use crate::frame::compression::{Inflater, most_compressed};

use self::header::{FrameHeader, FrameInProgress};

pub use self::violation::Violation;

/// What a frame costs beside its payload, in bytes of a large message.
const FRAME_WORK: usize = 64;
/// What handing on a message or a control frame costs, here and in JavaScript.
const EVENT_WORK: usize = 1024;

/// What a client has sent: a whole message, or a control frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// A ping, which wants a pong with the same payload.
    Ping(&'a [u8]),
    /// A pong.
    Pong(&'a [u8]),
    /// The closing handshake; nothing that follows it is decoded. No code when the frame was empty.
    Close(Option<u16>, &'a str),
}

/// What a client may send.
pub struct Rules<'a> {
    /// The largest message, in bytes, however small it came.
    pub max_payload: usize,
    /// Inflates its messages, if it has agreed to compress them.
    pub inflater: Option<&'a mut Inflater>,
    /// The server has closed it already: only its close frame matters, and the rest is skipped.
    pub leaving: bool,
    /// What it may make its worker do before the others have their turn.
    pub work: &'a mut WorkBudget,
}

/// The state between two reads of one client. It is small while nothing is incomplete.
#[derive(Default)]
pub struct Decoder {
    partial: Option<Box<Partial>>,
    /// The client has closed, or broken the protocol: whatever follows means nothing.
    ended: bool,
}

/// What is kept of what is incomplete; a control frame may stand between two fragments.
#[derive(Default)]
struct Partial {
    header: FrameHeader,
    frame: Option<FrameInProgress>,
    message: Option<IncompleteMessage>,
    control: Vec<u8>,
}

/// A data message of which frames or bytes are missing.
struct IncompleteMessage {
    text: bool,
    compressed: bool,
    payload: Vec<u8>,
    utf8: Utf8Validator,
    /// See [`Decoder::wait_a_second`].
    seconds_waited: u32,
}

impl Decoder {
    /// Decodes `input`, which it unmasks in place, and calls `on_received` for what is complete.
    /// Returns how many bytes it has taken: all, unless the client's budget is spent. What is left
    /// is as it came, and is for the client's next turn.
    ///
    /// # Errors
    ///
    /// The [`Violation`] to close the connection with. Events before it were delivered; nothing
    /// that follows it is decoded. A message of more than `max_payload` bytes is one, found in the
    /// header of the frame that would pass it or, in a compressed message, while it is inflated.
    pub fn feed(
        &mut self,
        input: &mut [u8],
        mut rules: Rules<'_>,
        on_received: &mut impl FnMut(Received<'_>),
    ) -> Result<usize, Violation> {
        let length = input.len();
        let left = self.decode(input, &mut rules, on_received);
        if left.is_err() || self.ended {
            self.end();
        }
        // Whatever follows an end means nothing, and is taken with it.
        left.map(|left| if self.ended { length } else { length - left })
    }

    /// Whatever comes from now on means nothing, nor does what is incomplete.
    pub fn end(&mut self) {
        self.ended = true;
        self.partial = None;
    }

    /// Memory that a message takes of which frames or bytes are missing.
    pub fn unfinished_bytes(&self) -> usize {
        self.unfinished().map_or(0, |message| message.payload.capacity())
    }

    /// Gives that memory back. The message is still there as far as the protocol goes.
    pub fn drop_unfinished(&mut self) {
        if let Some(message) = self.partial.as_mut().and_then(|partial| partial.message.as_mut()) {
            message.payload = Vec::new();
        }
    }

    /// Notes that the rest of a message was waited for, for another second; returns for how many it
    /// was by now. 0 where nothing is incomplete.
    pub fn wait_a_second(&mut self) -> u32 {
        let message = self.partial.as_mut().and_then(|partial| partial.message.as_mut());
        message.map_or(0, |message| {
            message.seconds_waited += 1;
            message.seconds_waited
        })
    }

    fn unfinished(&self) -> Option<&IncompleteMessage> {
        self.partial.as_ref().and_then(|partial| partial.message.as_ref())
    }

    /// Returns how many bytes it has left.
    fn decode(
        &mut self,
        mut input: &mut [u8],
        rules: &mut Rules<'_>,
        on_received: &mut impl FnMut(Received<'_>),
    ) -> Result<usize, Violation> {
        let (mut header, mut in_progress) = self.resume();
        while !self.ended {
            if in_progress.is_none() {
                if header.is_empty() && rules.work.is_spent() {
                    break;
                }
                let taken = header.fill(input);
                input = &mut input[taken..];
                let Some(frame) = header.parse(rules.inflater.is_some())? else { break };
                self.check(&frame, rules.max_payload)?;
                rules.work.spend(FRAME_WORK);
                header.clear();
                in_progress = Some(frame);
            }
            let frame = in_progress.as_mut().expect("a frame is in progress");
            let missing = frame.length - frame.seen;
            if missing > 0 && input.is_empty() {
                break;
            }
            let (chunk, rest) = input.split_at_mut(missing.min(input.len()));
            input = rest;
            unmask(chunk, frame.key, frame.seen);
            rules.work.spend(chunk.len());
            frame.seen += chunk.len();
            let frame = *frame;
            if frame.seen == frame.length {
                in_progress = None;
            }
            self.take(frame, chunk, rules, on_received)?;
        }
        self.pause(header, in_progress);
        Ok(input.len())
    }

    /// What the last read has left of a frame.
    fn resume(&mut self) -> (FrameHeader, Option<FrameInProgress>) {
        let partial = self.partial.as_deref_mut();
        partial
            .map(|partial| (std::mem::take(&mut partial.header), partial.frame.take()))
            .unwrap_or_default()
    }

    /// Keeps for the next read what this one has left of a frame.
    fn pause(&mut self, header: FrameHeader, frame: Option<FrameInProgress>) {
        if !header.is_empty() || frame.is_some() {
            let partial = self.partial.get_or_insert_default();
            partial.header = header;
            partial.frame = frame;
        } else {
            self.forget_empty_partial();
        }
    }

    /// Checks what the header promises against what came before.
    fn check(&self, frame: &FrameInProgress, max_payload: usize) -> Result<(), Violation> {
        if frame.is_control() {
            return Ok(());
        }
        let begun = self.unfinished();
        match (frame.opcode, begun) {
            (Opcode::Continuation, None) => {
                return Err(Violation::protocol("continuation of no message"));
            }
            (Opcode::Text | Opcode::Binary, Some(_)) => {
                return Err(Violation::protocol("new message inside a fragmented one"));
            }
            _ => {}
        }
        let before = begun.map_or(0, |message| message.payload.len());
        let compressed = begun.map_or(frame.compressed, |message| message.compressed);
        if before.saturating_add(frame.length) > largest(max_payload, compressed) {
            return Err(Violation::TOO_BIG);
        }
        Ok(())
    }

    /// Takes an unmasked piece of a frame's payload, its last when the frame is all seen.
    fn take(
        &mut self,
        frame: FrameInProgress,
        chunk: &[u8],
        rules: &mut Rules<'_>,
        on_received: &mut impl FnMut(Received<'_>),
    ) -> Result<(), Violation> {
        let whole = chunk.len() == frame.length;
        if frame.is_control() {
            if whole {
                return self.control(frame.opcode, chunk, rules, on_received);
            }
            let partial = self.partial.get_or_insert_default();
            partial.control.extend_from_slice(chunk);
            if frame.seen == frame.length {
                let payload = std::mem::take(&mut partial.control);
                self.forget_empty_partial();
                return self.control(frame.opcode, &payload, rules, on_received);
            }
            return Ok(());
        }
        if whole && frame.fin && frame.opcode != Opcode::Continuation {
            let is_text = frame.opcode == Opcode::Text;
            return deliver(is_text, frame.compressed, chunk, rules, on_received);
        }
        self.collect(frame, chunk, rules, on_received)
    }

    /// Adds a piece to the message in progress, and delivers it when that was the last.
    fn collect(
        &mut self,
        frame: FrameInProgress,
        chunk: &[u8],
        rules: &mut Rules<'_>,
        on_received: &mut impl FnMut(Received<'_>),
    ) -> Result<(), Violation> {
        let slot = &mut self.partial.get_or_insert_default().message;
        let message = slot.get_or_insert_with(|| IncompleteMessage {
            text: frame.opcode == Opcode::Text,
            compressed: frame.compressed,
            payload: Vec::new(),
            utf8: Utf8Validator::default(),
            seconds_waited: 0,
        });
        if !rules.leaving {
            message.add(chunk, rules.max_payload)?;
        }
        if !(frame.fin && frame.seen == frame.length) {
            return Ok(());
        }
        if !rules.leaving {
            message.utf8.finish()?;
        }
        let message = slot.take().expect("the message was just extended");
        self.forget_empty_partial();
        deliver(message.text, message.compressed, &message.payload, rules, on_received)
    }

    fn control(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        rules: &mut Rules<'_>,
        on_received: &mut impl FnMut(Received<'_>),
    ) -> Result<(), Violation> {
        match opcode {
            Opcode::Ping | Opcode::Pong if rules.leaving => {}
            Opcode::Ping => emit(Received::Ping(payload), rules, on_received),
            Opcode::Pong => emit(Received::Pong(payload), rules, on_received),
            _ => {
                let (code, reason) = close_payload(payload)?;
                self.ended = true;
                on_received(Received::Close(code, reason));
            }
        }
        Ok(())
    }

    fn forget_empty_partial(&mut self) {
        if self.partial.as_ref().is_some_and(|p| p.message.is_none() && p.control.is_empty()) {
            self.partial = None;
        }
    }
}

impl IncompleteMessage {
    /// Adds a piece. Memory is taken for what has come, and not for what is announced; never more
    /// than the message may have.
    fn add(&mut self, chunk: &[u8], max_payload: usize) -> Result<(), Violation> {
        if self.text && !self.compressed {
            self.utf8.feed(chunk)?;
        }
        let (length, capacity) = (self.payload.len() + chunk.len(), self.payload.capacity());
        if length > capacity {
            let most = largest(max_payload, self.compressed).max(length);
            self.payload.reserve_exact((2 * capacity).clamp(length, most) - self.payload.len());
        }
        self.payload.extend_from_slice(chunk);
        Ok(())
    }
}

/// The largest form in which a message may come.
fn largest(max_payload: usize, compressed: bool) -> usize {
    if compressed { most_compressed(max_payload) } else { max_payload }
}

fn emit(event: Received<'_>, rules: &mut Rules<'_>, on_received: &mut impl FnMut(Received<'_>)) {
    rules.work.spend(EVENT_WORK);
    on_received(event);
}

/// Delivers a whole message, inflated if it was compressed. Of a client that leaves none is.
fn deliver(
    is_text: bool,
    compressed: bool,
    payload: &[u8],
    rules: &mut Rules<'_>,
    on_received: &mut impl FnMut(Received<'_>),
) -> Result<(), Violation> {
    if rules.leaving {
        return Ok(());
    }
    rules.work.spend(EVENT_WORK);
    let payload = match &mut rules.inflater {
        Some(inflater) if compressed => {
            inflater.inflate(payload, rules.max_payload)?;
            rules.work.spend(inflater.work());
            inflater.message()
        }
        _ => payload,
    };
    on_received(if is_text { Received::Text(text(payload)?) } else { Received::Binary(payload) });
    Ok(())
}

fn text(payload: &[u8]) -> Result<&str, Violation> {
    simdutf8::basic::from_utf8(payload).map_err(|_| Violation::NOT_UTF8)
}

fn close_payload(payload: &[u8]) -> Result<(Option<u16>, &str), Violation> {
    match payload {
        [] => Ok((None, "")),
        [_] => Err(Violation::protocol("close frame of one byte")),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !is_sendable(code) {
                return Err(Violation::protocol("invalid close code"));
            }
            Ok((Some(code), text(reason)?))
        }
    }
}

#[cfg(test)]
mod tests;
