//! Decodes the frames of one client, however the network cut them.
//!
//! A message that arrives whole in one read is handed on where it lies, without a copy. Only what
//! is incomplete is kept, and a client with nothing incomplete keeps no buffer.

use super::mask::unmask;
use super::utf8::{NotUtf8, Utf8Validator};
use super::{COMPRESSED, FIN, LENGTH_16, LENGTH_64, MAX_CONTROL_PAYLOAD, Opcode};
use crate::compression::{InflateError, Inflater, most_compressed};

const RESERVED_BITS: u8 = 0x70;
const OPCODE_BITS: u8 = 0x0F;
const MASKED: u8 = 0x80;
const LENGTH_BITS: u8 = 0x7F;
const KEY_LEN: usize = 4;
/// Two fixed bytes, a 64-bit length and the masking key.
const HEAD_MAX: usize = 14;

/// Something a client said.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
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

/// The client broke the protocol: the connection has to be closed with this code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Close code (RFC 6455, section 7.4.1).
    pub code: u16,
    /// What was wrong, for the close frame.
    pub reason: &'static str,
}

impl Violation {
    const fn protocol(reason: &'static str) -> Violation {
        Violation { code: 1002, reason }
    }

    const TOO_BIG: Violation = Violation { code: 1009, reason: "message too big" };
    const NOT_UTF8: Violation = Violation { code: 1007, reason: "invalid UTF-8" };
    const NOT_DEFLATED: Violation = Violation { code: 1007, reason: "invalid compressed data" };
}

impl From<InflateError> for Violation {
    fn from(error: InflateError) -> Violation {
        match error {
            InflateError::TooBig => Violation::TOO_BIG,
            InflateError::Malformed => Violation::NOT_DEFLATED,
        }
    }
}

/// What a client may say.
pub struct Rules<'a> {
    /// The largest message, in bytes, however small it came.
    pub max_payload: usize,
    /// Inflates its messages, if it has agreed to compress them.
    pub inflater: Option<&'a mut Inflater>,
    /// It is told good-bye already: only its close frame matters, and no work is done for the rest.
    pub leaving: bool,
}

impl From<NotUtf8> for Violation {
    fn from(_: NotUtf8) -> Violation {
        Violation::NOT_UTF8
    }
}

/// The state between two reads of one client. Most have said nothing in part, and are small.
#[derive(Default)]
pub struct Decoder {
    partial: Option<Box<Partial>>,
    /// The client has closed, or broken the protocol: whatever follows means nothing.
    ended: bool,
}

/// The bytes of a frame's head seen so far.
#[derive(Default)]
struct Head {
    bytes: [u8; HEAD_MAX],
    len: u8,
}

/// A frame whose head is complete and whose payload is not.
#[derive(Clone, Copy)]
struct FrameInProgress {
    opcode: Opcode,
    fin: bool,
    /// The first frame of a compressed message.
    compressed: bool,
    key: [u8; KEY_LEN],
    length: usize,
    seen: usize,
}

/// What is kept of what is incomplete; a control frame may stand between two fragments.
#[derive(Default)]
struct Partial {
    head: Head,
    frame: Option<FrameInProgress>,
    message: Option<Message>,
    control: Vec<u8>,
}

/// A data message of which frames or bytes are missing.
struct Message {
    text: bool,
    compressed: bool,
    payload: Vec<u8>,
    utf8: Utf8Validator,
}

impl Decoder {
    /// Decodes `input`, which it unmasks in place, and calls `on_event` for all that is complete.
    ///
    /// # Errors
    ///
    /// The [`Violation`] to close the connection with. Events before it were delivered; nothing
    /// that follows it is decoded. A message of more than `max_payload` bytes is one, found in the
    /// head of the frame that would pass it or, in a compressed message, while it is inflated.
    pub fn feed(
        &mut self,
        input: &mut [u8],
        mut rules: Rules<'_>,
        on_event: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Violation> {
        let result = self.decode(input, &mut rules, on_event);
        if result.is_err() {
            self.ended = true;
            self.partial = None;
        }
        result
    }

    fn decode(
        &mut self,
        mut input: &mut [u8],
        rules: &mut Rules<'_>,
        on_event: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Violation> {
        let (mut head, mut in_progress) = self.resume();
        while !self.ended {
            if in_progress.is_none() {
                let taken = head.fill(input);
                input = &mut input[taken..];
                let Some(frame) = head.parse(rules.inflater.is_some())? else { break };
                self.check(&frame, rules.max_payload)?;
                head.len = 0;
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
            frame.seen += chunk.len();
            let frame = *frame;
            if frame.seen == frame.length {
                in_progress = None;
            }
            self.take(frame, chunk, rules, on_event)?;
        }
        self.pause(head, in_progress);
        Ok(())
    }

    /// What the last read has left of a frame.
    fn resume(&mut self) -> (Head, Option<FrameInProgress>) {
        let partial = self.partial.as_deref_mut();
        partial
            .map(|partial| (std::mem::take(&mut partial.head), partial.frame.take()))
            .unwrap_or_default()
    }

    /// Keeps for the next read what this one has left of a frame.
    fn pause(&mut self, head: Head, frame: Option<FrameInProgress>) {
        if head.len > 0 || frame.is_some() {
            let partial = self.partial.get_or_insert_default();
            partial.head = head;
            partial.frame = frame;
        }
    }

    /// Checks what the head promises against what came before.
    fn check(&self, frame: &FrameInProgress, max_payload: usize) -> Result<(), Violation> {
        if frame.is_control() {
            return Ok(());
        }
        let begun = self.partial.as_ref().and_then(|partial| partial.message.as_ref());
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
        let most = if compressed { most_compressed(max_payload) } else { max_payload };
        if before.saturating_add(frame.length) > most {
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
        on_event: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Violation> {
        let whole = chunk.len() == frame.length;
        if frame.is_control() {
            if whole {
                return self.control(frame.opcode, chunk, rules, on_event);
            }
            let partial = self.partial.get_or_insert_default();
            partial.control.extend_from_slice(chunk);
            if frame.seen == frame.length {
                let payload = std::mem::take(&mut partial.control);
                self.forget_empty_partial();
                return self.control(frame.opcode, &payload, rules, on_event);
            }
            return Ok(());
        }
        if whole && frame.fin && frame.opcode != Opcode::Continuation {
            let is_text = frame.opcode == Opcode::Text;
            return deliver(is_text, frame.compressed, chunk, rules, on_event);
        }
        self.collect(frame, chunk, rules, on_event)
    }

    /// Adds a piece to the message in progress, and delivers it when that was the last.
    fn collect(
        &mut self,
        frame: FrameInProgress,
        chunk: &[u8],
        rules: &mut Rules<'_>,
        on_event: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Violation> {
        let slot = &mut self.partial.get_or_insert_default().message;
        let message = slot.get_or_insert_with(|| Message {
            text: frame.opcode == Opcode::Text,
            compressed: frame.compressed,
            payload: Vec::new(),
            utf8: Utf8Validator::default(),
        });
        if message.text && !message.compressed {
            message.utf8.feed(chunk)?;
        }
        message.payload.extend_from_slice(chunk);
        if !(frame.fin && frame.seen == frame.length) {
            return Ok(());
        }
        message.utf8.finish()?;
        let message = slot.take().expect("the message was just extended");
        self.forget_empty_partial();
        deliver(message.text, message.compressed, &message.payload, rules, on_event)
    }

    fn control(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        rules: &Rules<'_>,
        on_event: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Violation> {
        match opcode {
            Opcode::Ping | Opcode::Pong if rules.leaving => {}
            Opcode::Ping => on_event(Event::Ping(payload)),
            Opcode::Pong => on_event(Event::Pong(payload)),
            _ => {
                let (code, reason) = close_payload(payload)?;
                self.ended = true;
                on_event(Event::Close(code, reason));
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

impl Head {
    /// Takes from `input` what the head still lacks; returns how many bytes that were.
    fn fill(&mut self, input: &[u8]) -> usize {
        let mut taken = 0;
        while usize::from(self.len) < self.needed() && taken < input.len() {
            self.bytes[usize::from(self.len)] = input[taken];
            self.len += 1;
            taken += 1;
        }
        taken
    }

    /// Length of the whole head, as far as the bytes so far tell.
    fn needed(&self) -> usize {
        if self.len < 2 {
            return 2;
        }
        let length = match self.bytes[1] & LENGTH_BITS {
            LENGTH_16 => size_of::<u16>(),
            LENGTH_64 => size_of::<u64>(),
            _ => 0,
        };
        2 + length + KEY_LEN
    }

    /// The frame that the head describes; `None` while the head is incomplete.
    fn parse(&self, may_be_compressed: bool) -> Result<Option<FrameInProgress>, Violation> {
        if self.len >= 2 {
            self.check_fixed_part(may_be_compressed)?;
        }
        if self.len < 2 || usize::from(self.len) < self.needed() {
            return Ok(None);
        }
        let [first, second, ..] = self.bytes;
        let key_start = self.needed() - KEY_LEN;
        let length = match second & LENGTH_BITS {
            short @ 0..LENGTH_16 => u64::from(short),
            _ => self.bytes[2..key_start].iter().fold(0, |n, byte| n << 8 | u64::from(*byte)),
        };
        if length > i64::MAX as u64 {
            return Err(Violation::protocol("frame length out of range"));
        }
        let key = &self.bytes[key_start..key_start + KEY_LEN];
        Ok(Some(FrameInProgress {
            opcode: opcode(first & OPCODE_BITS)?,
            fin: first & FIN != 0,
            compressed: first & COMPRESSED != 0,
            key: key.try_into().expect("a key is four bytes"),
            length: usize::try_from(length).map_err(|_| Violation::TOO_BIG)?,
            seen: 0,
        }))
    }

    /// Checks what the first two bytes alone can get wrong, so that it fails without waiting for
    /// more.
    fn check_fixed_part(&self, may_be_compressed: bool) -> Result<(), Violation> {
        let [first, second, ..] = self.bytes;
        let opcode = opcode(first & OPCODE_BITS)?;
        let starts_message = matches!(opcode, Opcode::Text | Opcode::Binary);
        let allowed = if may_be_compressed && starts_message { COMPRESSED } else { 0 };
        if first & RESERVED_BITS & !allowed != 0 {
            return Err(Violation::protocol("reserved bit set"));
        }
        if is_control(opcode) && first & FIN == 0 {
            return Err(Violation::protocol("fragmented control frame"));
        }
        if is_control(opcode) && usize::from(second & LENGTH_BITS) > MAX_CONTROL_PAYLOAD {
            return Err(Violation::protocol("control frame too long"));
        }
        if second & MASKED == 0 {
            return Err(Violation::protocol("unmasked frame"));
        }
        Ok(())
    }
}

impl FrameInProgress {
    fn is_control(&self) -> bool {
        is_control(self.opcode)
    }
}

fn is_control(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::Close | Opcode::Ping | Opcode::Pong)
}

fn opcode(bits: u8) -> Result<Opcode, Violation> {
    match bits {
        0x0 => Ok(Opcode::Continuation),
        0x1 => Ok(Opcode::Text),
        0x2 => Ok(Opcode::Binary),
        0x8 => Ok(Opcode::Close),
        0x9 => Ok(Opcode::Ping),
        0xA => Ok(Opcode::Pong),
        _ => Err(Violation::protocol("reserved opcode")),
    }
}

/// Delivers a whole message, inflated if it was compressed, to whoever still listens.
fn deliver(
    is_text: bool,
    compressed: bool,
    payload: &[u8],
    rules: &mut Rules<'_>,
    on_event: &mut impl FnMut(Event<'_>),
) -> Result<(), Violation> {
    if rules.leaving {
        return Ok(());
    }
    let payload = match &mut rules.inflater {
        Some(inflater) if compressed => inflater.inflate(payload, rules.max_payload)?,
        _ => payload,
    };
    on_event(if is_text { Event::Text(text(payload)?) } else { Event::Binary(payload) });
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
            if !may_be_sent(code) {
                return Err(Violation::protocol("invalid close code"));
            }
            Ok((Some(code), text(reason)?))
        }
    }
}

/// Whether a close code may stand in a frame (RFC 6455, section 7.4, and the IANA registry).
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests;
