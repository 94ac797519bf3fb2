//! WebSocket frames (RFC 6455, section 5): encoded once, decoded incrementally. No I/O.

pub mod close_code;
pub mod compression;
mod decoder;
pub mod form;
mod mask;
mod utf8;
mod work;

use std::sync::OnceLock;

use crate::frame::compression::Deflater;
use crate::frame::form::Form;

pub use decoder::{Decoder, Received, Rules, Violation};
pub use work::WorkBudget;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message that an earlier frame began.
    Continuation = 0x0,
    /// UTF-8 text.
    Text = 0x1,
    /// Bytes.
    Binary = 0x2,
    /// The start of, or the answer to, the closing handshake.
    Close = 0x8,
    /// Asks for a pong.
    Ping = 0x9,
    /// Answers a ping.
    Pong = 0xA,
}

/// A message as the application gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// UTF-8 text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

/// The largest payload of a control frame, in bytes (RFC 6455, section 5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;
/// The longest close reason: the payload without the code.
pub const MAX_CLOSE_REASON: usize = MAX_CONTROL_PAYLOAD - size_of::<u16>();

const FIN: u8 = 0x80;
/// The first frame of a message that is compressed (RFC 7692, section 6).
const COMPRESSED: u8 = 0x40;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// A whole, encoded, unmasked frame, as a server sends it. A clone has bytes of its own: what
/// workers share is one frame.
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Box<[u8]>,
    /// The payload's place in it.
    payload_start: u8,
    deflated: Option<Box<DeflatedForms>>,
}

/// A frame in its deflated forms. The first worker that needs a form makes it, while others that
/// need it wait.
#[derive(Clone, Debug, Default)]
struct DeflatedForms {
    /// None for what deflate does not make smaller.
    usual: OnceLock<Option<Box<[u8]>>>,
    narrow: OnceLock<Option<Box<[u8]>>>,
}

impl Frame {
    /// A message.
    pub fn message(payload: Payload<'_>) -> Frame {
        match payload {
            Payload::Text(text) => Frame::text(text),
            Payload::Binary(bytes) => Frame::binary(bytes),
        }
    }

    /// A text message.
    pub fn text(payload: &str) -> Frame {
        Frame::encode(Opcode::Text, &[payload.as_bytes()])
    }

    /// A binary message.
    pub fn binary(payload: &[u8]) -> Frame {
        Frame::encode(Opcode::Binary, &[payload])
    }

    /// A ping, with at most [`MAX_CONTROL_PAYLOAD`] bytes of payload.
    pub fn ping(payload: &[u8]) -> Frame {
        debug_assert!(payload.len() <= MAX_CONTROL_PAYLOAD);
        Frame::encode(Opcode::Ping, &[payload])
    }

    /// The answer to a ping: the same payload, at most [`MAX_CONTROL_PAYLOAD`] bytes.
    pub fn pong(payload: &[u8]) -> Frame {
        debug_assert!(payload.len() <= MAX_CONTROL_PAYLOAD);
        Frame::encode(Opcode::Pong, &[payload])
    }

    /// A close frame. A reason that does not fit is cut at a character.
    pub fn close(code: u16, reason: &str) -> Frame {
        let reason = Frame::close_reason(reason);
        Frame::encode(Opcode::Close, &[&code.to_be_bytes(), reason.as_bytes()])
    }

    /// As much of a reason as a close frame holds, cut at a character.
    pub fn close_reason(reason: &str) -> &str {
        let cut = (0..=MAX_CLOSE_REASON.min(reason.len()))
            .rev()
            .find(|&cut| reason.is_char_boundary(cut));
        &reason[..cut.expect("0 is a boundary")]
    }

    /// A close frame without a code, which answers one without a code.
    pub fn close_without_code() -> Frame {
        Frame::encode(Opcode::Close, &[])
    }

    /// The same message, which is deflated for clients that take it so.
    pub fn compressible(self) -> Frame {
        Frame { deflated: Some(Box::default()), ..self }
    }

    /// Header and payload, ready for the socket.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same in a form. A message that is not compressible is raw in all of them.
    pub fn in_form(&self, form: Form, deflater: &mut Deflater) -> &[u8] {
        let slot = self.deflated.as_deref().and_then(|forms| match form {
            Form::Raw => None,
            Form::Deflated => Some(&forms.usual),
            Form::DeflatedNarrow => Some(&forms.narrow),
        });
        let made =
            slot.and_then(|slot| slot.get_or_init(|| self.compress(form, deflater)).as_deref());
        made.unwrap_or(&self.bytes)
    }

    fn compress(&self, form: Form, deflater: &mut Deflater) -> Option<Box<[u8]>> {
        let payload = &self.bytes[usize::from(self.payload_start)..];
        let deflated = deflater.deflate(payload, form)?;
        Some(encode(self.bytes[0] | COMPRESSED, &[&deflated]).0)
    }

    /// Length of header and payload, in bytes.
    pub fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    fn encode(opcode: Opcode, parts: &[&[u8]]) -> Frame {
        let (bytes, payload_start) = encode(FIN | opcode as u8, parts);
        Frame { bytes, payload_start, deflated: None }
    }
}

/// Header and payload, and where the payload starts.
fn encode(first: u8, parts: &[&[u8]]) -> (Box<[u8]>, u8) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let short = u8::try_from(length).ok().filter(|&length| length < LENGTH_16);
    let long = u16::try_from(length).map(u16::to_be_bytes);
    let longest = (length as u64).to_be_bytes();
    let (second, rest): (u8, &[u8]) = match (short, &long) {
        (Some(length), _) => (length, &[]),
        (None, Ok(length)) => (LENGTH_16, length),
        (None, Err(_)) => (LENGTH_64, &longest),
    };
    let payload_start = 2 + rest.len();
    // Exactly, for it is not to be moved when it becomes a box.
    let mut bytes = Vec::with_capacity(payload_start + length);
    bytes.extend_from_slice(&[first, second]);
    bytes.extend_from_slice(rest);
    for part in parts {
        bytes.extend_from_slice(part);
    }
    (bytes.into_boxed_slice(), payload_start as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_takes_the_shortest_of_its_three_forms() {
        for (length, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let frame = Frame::binary(&vec![7; length]);
            assert_eq!(frame.encoded_len(), header + length, "payload of {length} bytes");
        }
    }

    #[test]
    fn a_message_is_compressed_for_those_that_take_it_so_and_once() {
        let mut deflater = Deflater::default();
        let frame = Frame::text(&"tick ".repeat(100)).compressible();
        assert_eq!(frame.in_form(Form::Raw, &mut deflater), frame.as_bytes());
        let wide = frame.in_form(Form::Deflated, &mut deflater);
        assert_eq!(wide[0], FIN | COMPRESSED | Opcode::Text as u8);
        assert!(wide.len() < 50);
        let again = frame.in_form(Form::Deflated, &mut deflater);
        assert_eq!(again.as_ptr(), wide.as_ptr());
        let not = Frame::text(&"tick ".repeat(100));
        assert_eq!(not.in_form(Form::Deflated, &mut deflater), not.as_bytes());
    }

    #[test]
    fn a_close_reason_is_cut_at_a_character() {
        let frame = Frame::close(1001, &"ä".repeat(100));
        let reason = &frame.as_bytes()[4..];
        assert_eq!(reason.len(), 122);
        assert!(std::str::from_utf8(reason).is_ok());
    }
}
