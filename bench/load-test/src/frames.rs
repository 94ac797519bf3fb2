//! WebSocket frames of a server, parsed in place.
//!
//! The reader never holds a whole message. It looks at the *head* of each one, at most
//! [`HEAD_BYTES`] of payload, and skips the rest, so a connection costs the same few hundred bytes
//! whatever the size of its messages, and a message that lies whole in the read buffer is not
//! copied at all.

/// How much of a payload is looked at, in bytes: the largest payload of a control frame, so that
/// one rule serves control frames (needed whole) and messages (needed for their first fields).
pub(crate) const HEAD_BYTES: usize = 125;

/// Two bytes and a 64-bit length: the longest header of an unmasked frame.
const MAX_HEADER_BYTES: usize = 10;

/// What a frame that is split over reads may have to keep: its header and its head.
const CARRY_BYTES: usize = MAX_HEADER_BYTES + HEAD_BYTES;

/// The code of a close frame that carries none (RFC 6455, 7.1.5).
pub(crate) const NO_STATUS: u16 = 1005;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// RSV1, by which permessage-deflate marks the first frame of a compressed message (RFC 7692, 6).
const COMPRESSED: u8 = 0x40;
/// RSV2 and RSV3, which nothing that is offered here uses.
const RESERVED: u8 = 0x30;

/// Why a connection was given up: the server broke the rule that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProtocolError(pub(crate) &'static str);

/// What a connection does with the frames it receives.
pub(crate) trait FrameEvents {
    /// A message has arrived whole; `head` is its first [`HEAD_BYTES`] bytes, or all of a shorter
    /// one, or nothing of a compressed one.
    fn message(&mut self, head: &[u8]);
    /// A ping has arrived, which wants a pong with the same payload.
    fn ping(&mut self, payload: &[u8]);
}

/// The parser of one connection. Any chunking of the same bytes gives the same events.
pub(crate) struct FrameReader {
    /// The header and head of a frame that an earlier read began, up to `carried`.
    carry: [u8; CARRY_BYTES],
    carried: usize,
    /// Payload bytes beyond the head of the carried frame that have passed already.
    skipped: u64,
    /// Whether a fragmented message is under way, and its head so far. The allocation is kept.
    fragmented: bool,
    fragments: Vec<u8>,
    /// Whether permessage-deflate was agreed on, and whether the fragmented message is compressed.
    may_compress: bool,
    fragments_compressed: bool,
}

struct Header {
    opcode: u8,
    last: bool,
    compressed: bool,
    header_bytes: usize,
    payload_bytes: u64,
}

impl Header {
    fn head_bytes(&self) -> usize {
        self.payload_bytes.min(HEAD_BYTES as u64) as usize
    }

    fn body_bytes(&self) -> u64 {
        self.payload_bytes - self.head_bytes() as u64
    }
}

impl FrameReader {
    pub(crate) fn new() -> Self {
        Self {
            carry: [0; CARRY_BYTES],
            carried: 0,
            skipped: 0,
            fragmented: false,
            fragments: Vec::new(),
            may_compress: false,
            fragments_compressed: false,
        }
    }

    /// Lets messages be compressed from now on, as the handshake has agreed.
    pub(crate) fn allow_compression(&mut self) {
        self.may_compress = true;
    }

    /// Parses the next bytes of the connection. Returns the code of a close frame, after which
    /// nothing more is parsed, or `None` while the connection stays open.
    ///
    /// # Errors
    /// The rule of RFC 6455 that the server broke. The reader must not be fed again.
    #[inline]
    pub(crate) fn feed(
        &mut self,
        mut bytes: &[u8],
        events: &mut impl FrameEvents,
    ) -> Result<Option<u16>, ProtocolError> {
        while !bytes.is_empty() {
            let whole = if self.carried == 0 { parse_whole(bytes)? } else { None };
            let closed = match whole {
                Some((header, end)) => {
                    let head = &bytes[header.header_bytes..][..header.head_bytes()];
                    bytes = &bytes[end..];
                    self.deliver(&header, head, events)?
                }
                None => self.resume(&mut bytes, events)?,
            };
            if closed.is_some() {
                return Ok(closed);
            }
        }
        Ok(None)
    }

    /// Takes what it can of a frame that does not lie whole in one read; delivers it when it is
    /// complete.
    #[cold]
    fn resume(
        &mut self,
        bytes: &mut &[u8],
        events: &mut impl FrameEvents,
    ) -> Result<Option<u16>, ProtocolError> {
        let Some(header) = self.fill_carry(bytes)? else {
            return Ok(None);
        };
        let passing = (header.body_bytes() - self.skipped).min(bytes.len() as u64);
        *bytes = &bytes[passing as usize..];
        self.skipped += passing;
        if self.skipped < header.body_bytes() {
            return Ok(None);
        }
        self.carried = 0;
        self.skipped = 0;
        let carry = self.carry;
        self.deliver(&header, &carry[header.header_bytes..][..header.head_bytes()], events)
    }

    /// Carries bytes until header and head are complete; `None` when the input ran out first.
    fn fill_carry(&mut self, bytes: &mut &[u8]) -> Result<Option<Header>, ProtocolError> {
        self.carry_up_to(2, bytes);
        if self.carried < 2 {
            return Ok(None);
        }
        self.carry_up_to(header_bytes(self.carry[1]), bytes);
        let Some(header) = parse_header(&self.carry[..self.carried])? else {
            return Ok(None);
        };
        let wanted = header.header_bytes + header.head_bytes();
        self.carry_up_to(wanted, bytes);
        Ok((self.carried == wanted).then_some(header))
    }

    fn carry_up_to(&mut self, wanted: usize, bytes: &mut &[u8]) {
        let (taken, rest) = bytes.split_at(wanted.saturating_sub(self.carried).min(bytes.len()));
        self.carry[self.carried..][..taken.len()].copy_from_slice(taken);
        self.carried += taken.len();
        *bytes = rest;
    }

    #[inline]
    fn deliver(
        &mut self,
        header: &Header,
        head: &[u8],
        events: &mut impl FrameEvents,
    ) -> Result<Option<u16>, ProtocolError> {
        if header.compressed && (!self.may_compress || !matches!(header.opcode, TEXT | BINARY)) {
            return Err(ProtocolError("reserved bits without an extension"));
        }
        match header.opcode {
            TEXT | BINARY if header.last && !self.fragmented => {
                events.message(if header.compressed { &[] } else { head });
            }
            TEXT | BINARY | CONTINUATION => self.join(header, head, events)?,
            PING => events.ping(head),
            PONG => {}
            // The header check leaves no other opcode than close.
            _ => return close_code(head).map(Some),
        }
        Ok(None)
    }

    /// Adds a fragment to its message, keeping no more than the message's head.
    #[cold]
    fn join(
        &mut self,
        header: &Header,
        head: &[u8],
        events: &mut impl FrameEvents,
    ) -> Result<(), ProtocolError> {
        match (header.opcode == CONTINUATION, self.fragmented) {
            (true, false) => return Err(ProtocolError("continuation of no message")),
            (false, true) => return Err(ProtocolError("new message inside a fragmented one")),
            (false, false) => {
                self.fragments.clear();
                self.fragments_compressed = header.compressed;
            }
            (true, true) => {}
        }
        let room = if self.fragments_compressed { 0 } else { HEAD_BYTES - self.fragments.len() };
        self.fragments.extend_from_slice(&head[..room.min(head.len())]);
        self.fragmented = !header.last;
        if header.last {
            events.message(&self.fragments);
        }
        Ok(())
    }
}

/// The header of the first frame and where that frame ends, if it lies whole in `bytes`.
#[inline]
fn parse_whole(bytes: &[u8]) -> Result<Option<(Header, usize)>, ProtocolError> {
    let Some(header) = parse_header(bytes)? else {
        return Ok(None);
    };
    if header.payload_bytes > (bytes.len() - header.header_bytes) as u64 {
        return Ok(None);
    }
    let end = header.header_bytes + header.payload_bytes as usize;
    Ok(Some((header, end)))
}

fn header_bytes(second: u8) -> usize {
    match second & 0x7F {
        126 => 4,
        127 => MAX_HEADER_BYTES,
        _ => 2,
    }
}

#[inline]
fn parse_header(bytes: &[u8]) -> Result<Option<Header>, ProtocolError> {
    let &[first, second, ..] = bytes else {
        return Ok(None);
    };
    // Nearly every frame is a whole text or binary message without a mask: one test for all the
    // rules.
    let ordinary = (first == 0x80 | TEXT || first == 0x80 | BINARY) && second & 0x80 == 0;
    if !ordinary {
        check_rules(first, second)?;
    }
    let payload_bytes = match second & 0x7F {
        126 => match bytes.get(2..4) {
            Some(length) => u64::from(u16::from_be_bytes([length[0], length[1]])),
            None => return Ok(None),
        },
        127 => match bytes.get(2..MAX_HEADER_BYTES).and_then(|length| length.try_into().ok()) {
            Some(length) => u64::from_be_bytes(length),
            None => return Ok(None),
        },
        short => u64::from(short),
    };
    if payload_bytes > i64::MAX as u64 {
        return Err(ProtocolError("length with its top bit set"));
    }
    let header_bytes = header_bytes(second);
    Ok(Some(Header {
        opcode: first & 0x0F,
        last: first & 0x80 != 0,
        compressed: first & COMPRESSED != 0,
        header_bytes,
        payload_bytes,
    }))
}

#[cold]
fn check_rules(first: u8, second: u8) -> Result<(), ProtocolError> {
    let opcode = first & 0x0F;
    let control = opcode >= CLOSE;
    if first & RESERVED != 0 {
        Err(ProtocolError("reserved bits without an extension"))
    } else if second & 0x80 != 0 {
        Err(ProtocolError("masked frame from the server"))
    } else if !matches!(opcode, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG) {
        Err(ProtocolError("reserved opcode"))
    } else if control && (first & 0x80 == 0 || second > HEAD_BYTES as u8) {
        Err(ProtocolError("fragmented or oversized control frame"))
    } else {
        Ok(())
    }
}

fn close_code(payload: &[u8]) -> Result<u16, ProtocolError> {
    match payload {
        [] => Ok(NO_STATUS),
        [_] => Err(ProtocolError("close frame of one byte")),
        [high, low, ..] => Ok(u16::from_be_bytes([*high, *low])),
    }
}

/// Appends a masked pong to `outgoing`. `payload` is that of a ping, so it fits a short frame.
pub(crate) fn push_pong(outgoing: &mut Vec<u8>, payload: &[u8]) {
    push_short(outgoing, PONG, payload);
}

/// Appends a masked text message of at most [`HEAD_BYTES`] to `outgoing`.
pub(crate) fn push_text(outgoing: &mut Vec<u8>, text: &str) {
    push_short(outgoing, TEXT, text.as_bytes());
}

/// Appends a masked close frame with `code` to `outgoing`.
pub(crate) fn push_close(outgoing: &mut Vec<u8>, code: u16) {
    push_short(outgoing, CLOSE, &code.to_be_bytes());
}

fn push_short(outgoing: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    debug_assert!(payload.len() <= HEAD_BYTES);
    let mask = fastrand::u32(..).to_ne_bytes();
    outgoing.extend_from_slice(&[0x80 | opcode, 0x80 | payload.len() as u8]);
    outgoing.extend_from_slice(&mask);
    outgoing.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

#[cfg(test)]
#[path = "frames_test.rs"]
mod tests;
