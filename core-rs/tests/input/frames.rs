//! What holds for the decoder, whatever a client sends.

use std::io::{self, Read, Write};

use shardcast_core::frame::compression::Inflater;
use shardcast_core::frame::{Decoder, Received, Rules, WorkBudget};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

/// The largest message. Not below the 125 bytes of a control frame, to which tungstenite would
/// apply it as well.
pub(crate) const MAX_PAYLOAD: usize = 1000;

/// Something a client said, as either decoder understood it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    /// The rest is refused.
    Refused,
}

impl From<Received<'_>> for Heard {
    fn from(event: Received<'_>) -> Heard {
        match event {
            Received::Text(text) => Heard::Text(text.to_owned()),
            Received::Binary(bytes) => Heard::Binary(bytes.to_owned()),
            Received::Ping(bytes) => Heard::Ping(bytes.to_owned()),
            Received::Pong(bytes) => Heard::Pong(bytes.to_owned()),
            Received::Close(code, reason) => Heard::Close(code, reason.to_owned()),
        }
    }
}

/// All that is heard of these pieces of a stream.
pub(crate) fn hear<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, compressed: bool) -> Vec<Heard> {
    let (mut decoder, mut inflater) = (Decoder::default(), Inflater::default());
    let mut heard = Vec::new();
    for piece in pieces {
        let rules = Rules {
            max_payload: MAX_PAYLOAD,
            inflater: compressed.then_some(&mut inflater),
            leaving: false,
            work: &mut WorkBudget::unlimited(),
        };
        let fed = decoder.feed(&mut piece.to_vec(), rules, &mut |event| heard.push(event.into()));
        if fed.is_err() {
            heard.push(Heard::Refused);
        }
    }
    heard
}

/// The same is heard however the network cuts the stream.
pub(crate) fn is_heard_in_any_pieces(stream: &[u8], piece: usize, compressed: bool) {
    let whole = hear([stream], compressed);
    assert_eq!(hear(stream.chunks(1), compressed), whole, "byte by byte: {stream:x?}");
    let piece = piece.clamp(1, stream.len().max(1));
    assert_eq!(hear(stream.chunks(piece), compressed), whole, "by {piece} bytes: {stream:x?}");
    let refused = whole.iter().filter(|heard| **heard == Heard::Refused).count();
    assert!(refused <= 1, "refused is refused: {stream:x?}");
}

/// What tungstenite makes of the same stream.
struct Tungstenite {
    heard: Vec<Heard>,
    /// The stream ended where it waited for more.
    wants_more: bool,
}

/// A client that sends the stream, ends, and takes all answers.
struct Client<'a>(&'a [u8]);

impl Read for Client<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Client<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn by_tungstenite(stream: &[u8]) -> Tungstenite {
    let config = WebSocketConfig::default()
        .max_frame_size(Some(MAX_PAYLOAD))
        .max_message_size(Some(MAX_PAYLOAD));
    let mut server = WebSocket::from_raw_socket(Client(stream), Role::Server, Some(config));
    let mut heard = Vec::new();
    let wants_more = loop {
        heard.push(match server.read() {
            Ok(Message::Text(text)) => Heard::Text(text.as_str().to_owned()),
            Ok(Message::Binary(bytes)) => Heard::Binary(bytes.to_vec()),
            Ok(Message::Ping(bytes)) => Heard::Ping(bytes.to_vec()),
            Ok(Message::Pong(bytes)) => Heard::Pong(bytes.to_vec()),
            Ok(Message::Close(frame)) => {
                heard.push(match frame {
                    None => Heard::Close(None, String::new()),
                    Some(frame) => {
                        Heard::Close(Some(frame.code.into()), frame.reason.as_str().to_owned())
                    }
                });
                break false;
            }
            Ok(Message::Frame(frame)) => unreachable!("it is not asked for: {frame:?}"),
            Err(Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => break true,
            Err(_) => Heard::Refused,
        });
        if heard.last() == Some(&Heard::Refused) {
            break false;
        }
    };
    Tungstenite { heard, wants_more }
}

/// tungstenite hears the same, and refuses the same. On purpose, the two differ in this:
///
/// - What can only be refused is refused here as soon as that is clear: in the first two bytes of a
///   frame, in its length, or at the first byte that is not UTF-8. tungstenite waits for the whole
///   head or frame.
/// - A control frame whose length is written in more bytes than it needs is refused here, as is
///   every control frame of more than 125 bytes. tungstenite reads the length first.
/// - A close code that may not be sent (RFC 6455, section 7.4) is refused here. tungstenite tells
///   of a close, with its own code 1002 in its place.
/// - 1014 (bad gateway) may be sent: it is in IANA's registry, and tungstenite does not know it.
pub(crate) fn is_heard_as_by_tungstenite(stream: &[u8]) {
    let mut ours = hear([stream], false);
    let Tungstenite { heard: mut theirs, wants_more } = by_tungstenite(stream);
    let replaced = Heard::Close(Some(1002), "Protocol violation".to_owned());
    let early = wants_more || has_long_control_frame(stream);
    if early && ours.last() == Some(&Heard::Refused) {
        ours.pop();
        theirs.truncate(ours.len());
    } else if theirs.last() == Some(&replaced) && ours.last() != Some(&replaced) {
        let refused_or_unknown = match ours.pop() {
            Some(Heard::Close(code, _)) => code == Some(1014),
            last => last == Some(Heard::Refused),
        };
        assert!(refused_or_unknown, "tungstenite closes: {stream:x?}");
        theirs.pop();
    }
    assert_eq!(ours, theirs, "ours and tungstenite's: {stream:x?}");
}

/// Whether a control frame's length is written in more bytes than it needs.
fn has_long_control_frame(mut stream: &[u8]) -> bool {
    while let [first, second, rest @ ..] = stream {
        let bytes = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let is_control = first & 0x08 != 0;
        if is_control && bytes > 0 {
            return true;
        }
        let Some((length, rest)) = rest.split_at_checked(bytes) else { return false };
        let length = match bytes {
            0 => usize::from(second & 0x7f),
            _ => length.iter().fold(0, |n, byte| n << 8 | usize::from(*byte)),
        };
        let Some(rest) = rest.get(length.saturating_add(4)..) else { return false };
        stream = rest;
    }
    false
}
