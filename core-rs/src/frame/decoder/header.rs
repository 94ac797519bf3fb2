//! The header of a frame, however the network cuts it.

use super::violation::Violation;
use crate::frame::{COMPRESSED, FIN, LENGTH_16, LENGTH_64, MAX_CONTROL_PAYLOAD, Opcode};

const RESERVED_BITS: u8 = 0x70;
const OPCODE_BITS: u8 = 0x0F;
pub(super) const MASKED: u8 = 0x80;
const LENGTH_BITS: u8 = 0x7F;
const KEY_LEN: usize = 4;
/// Two fixed bytes, a 64-bit length and the masking key.
const HEADER_MAX: usize = 14;

/// The bytes of a frame's header seen so far.
#[derive(Default)]
pub(super) struct FrameHeader {
    bytes: [u8; HEADER_MAX],
    len: u8,
}

/// A frame whose header is complete and whose payload is not.
#[derive(Clone, Copy)]
pub(super) struct FrameInProgress {
    pub(super) opcode: Opcode,
    pub(super) fin: bool,
    /// The first frame of a compressed message.
    pub(super) compressed: bool,
    pub(super) key: [u8; KEY_LEN],
    pub(super) length: usize,
    pub(super) seen: usize,
}

impl FrameHeader {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes room for the next one.
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Takes from `input` what the header still lacks; returns how many bytes that were.
    pub(super) fn fill(&mut self, input: &[u8]) -> usize {
        let mut taken = 0;
        while usize::from(self.len) < self.needed() && taken < input.len() {
            self.bytes[usize::from(self.len)] = input[taken];
            self.len += 1;
            taken += 1;
        }
        taken
    }

    /// Length of the whole header, as far as the bytes so far tell.
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

    /// The frame that the header describes; `None` while the header is incomplete.
    pub(super) fn parse(
        &self,
        may_be_compressed: bool,
    ) -> Result<Option<FrameInProgress>, Violation> {
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
    pub(super) fn is_control(&self) -> bool {
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
