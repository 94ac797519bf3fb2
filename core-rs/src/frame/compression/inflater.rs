//! Inflates what clients have compressed, at a cost that is bounded by what it becomes.

use std::mem;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{TAIL, WIDE_WINDOW_BITS};

/// Memory that is kept from one message to the next.
const KEPT_BYTES: usize = 64 * 1024;

/// Blocks that a message may have however short it is: enough for a sender that flushes its
/// compressor, which makes two blocks each time, behind every few characters.
const FREE_BLOCKS: usize = 4096;
/// Bytes by which the message has to grow for each further block. With the least memory that zlib
/// can be given, it ends a block behind 127 bytes.
const BYTES_PER_BLOCK: usize = 96;
/// What a block costs, in bytes of a message. Whether it holds anything or not, the tables of its
/// codes may take more than a microsecond.
const BLOCK_WORK: usize = 1024;

/// A last block without content. It is read as such only where a block may begin.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// Why a message could not be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InflateError {
    /// It would become larger than it may.
    TooBig,
    /// It has far more blocks than are needed for what it becomes.
    TooManyBlocks,
    /// It is not deflated data, or not all of it.
    Malformed,
}

/// Inflates messages, as [`Deflater`](super::Deflater) deflates them.
#[derive(Default)]
pub struct Inflater {
    stream: Option<Inflate>,
    /// The last message, until the next one. Its memory is given back when that was large.
    message: Vec<u8>,
    /// Blocks of the last message.
    blocks: usize,
}

impl Inflater {
    /// Inflates one message, which may be `max` bytes large.
    ///
    /// # Errors
    ///
    /// See [`InflateError`]. No more than `max` bytes are ever made of a message.
    pub fn inflate(&mut self, compressed: &[u8], max: usize) -> Result<&[u8], InflateError> {
        let Inflater { stream, message, blocks } = self;
        message.clear();
        message.shrink_to(KEPT_BYTES);
        *blocks = 0;
        let stream = stream.get_or_insert_with(|| Inflate::new(false, WIDE_WINDOW_BITS));
        stream.reset(false);
        let mut inflation = Inflation { stream, message, blocks, max, has_ended: true };
        inflation.take(compressed)?;
        inflation.finish()?;
        Ok(&self.message)
    }

    /// The last message, if it could be inflated.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// What the last message has cost, in bytes of a message that is not compressed.
    pub fn work(&self) -> usize {
        self.message.len() + self.blocks * BLOCK_WORK
    }
}

/// A message that is being inflated.
struct Inflation<'a> {
    stream: &'a mut Inflate,
    message: &'a mut Vec<u8>,
    blocks: &'a mut usize,
    max: usize,
    /// Nothing was taken since the stream began or ended. Another may follow.
    has_ended: bool,
}

impl Inflation<'_> {
    /// Inflates a piece, block by block: what a block costs does not show in what it becomes.
    fn take(&mut self, mut piece: &[u8]) -> Result<(), InflateError> {
        let mut stalled = false;
        loop {
            make_room(self.message, piece.len(), self.max);
            let (status, read) = self.step(piece)?;
            piece = &piece[read..];
            if self.message.len() > self.max {
                return Err(InflateError::TooBig);
            }
            if self.message.len() == self.message.capacity() {
                continue;
            }
            if piece.is_empty() {
                return Ok(());
            }
            // With room left and input left, it has stopped between two blocks. Once it may do so
            // without a step: the end of the block before was read already.
            self.count_block()?;
            let stalls = status == Status::BufError;
            if mem::replace(&mut stalled, stalls) && stalls {
                return Err(InflateError::Malformed);
            }
        }
    }

    /// Goes on to the end of a block, of the room or of the piece; returns how much of that was
    /// read.
    fn step(&mut self, piece: &[u8]) -> Result<(Status, usize), InflateError> {
        let (read, written) = (self.stream.total_in(), self.stream.total_out());
        let room = self.message.spare_capacity_mut();
        let status = self.stream.decompress_uninit(piece, room, InflateFlush::Block);
        let status = status.map_err(|_| InflateError::Malformed)?;
        let read = (self.stream.total_in() - read) as usize;
        let written = (self.stream.total_out() - written) as usize;
        // SAFETY: the stream has just written so many bytes at the start of the room.
        unsafe { self.message.set_len(self.message.len() + written) };
        self.has_ended &= read == 0;
        if status == Status::StreamEnd {
            // A last block may be followed by others (RFC 7692, section 7.2.3.5).
            self.stream.reset(false);
            self.has_ended = true;
        }
        Ok((status, read))
    }

    fn count_block(&mut self) -> Result<(), InflateError> {
        *self.blocks += 1;
        let most = FREE_BLOCKS + self.message.len() / BYTES_PER_BLOCK;
        if *self.blocks > most { Err(InflateError::TooManyBlocks) } else { Ok(()) }
    }

    /// Checks that the message is whole: the four bytes that its sender has left out end an empty
    /// block (RFC 7692, section 7.2.1). In a message that was cut short, they would be taken for
    /// more of its data.
    fn finish(&mut self) -> Result<(), InflateError> {
        // Some senders leave out more: all of a message of nothing, or what follows a last block.
        if self.ends_here()? {
            return Ok(());
        }
        let length = self.message.len();
        for piece in [&TAIL[..], &LAST_BLOCK] {
            self.take(piece).map_err(|_| InflateError::Malformed)?;
        }
        let is_whole = self.ends_here()? && self.message.len() == length;
        if is_whole { Ok(()) } else { Err(InflateError::Malformed) }
    }

    /// Whether the last byte has ended the stream. It has stopped before it looks.
    fn ends_here(&mut self) -> Result<bool, InflateError> {
        self.step(&[])?;
        Ok(self.has_ended)
    }
}

/// Doubles the buffer when it is full; one byte more than `max` shows that a message is too big.
fn make_room(message: &mut Vec<u8>, input: usize, max: usize) {
    if message.len() == message.capacity() {
        let wanted = (message.len() * 2).max(input * 2).max(256);
        message.reserve_exact(
            wanted.min(max.saturating_add(1)).max(message.len() + 1) - message.len(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::compression::Deflater;
    use crate::frame::form::Form;

    /// Four times a block of 90 bits, with codes of its own and nothing in them but its end.
    const EMPTY_DYNAMIC_BLOCKS: [u8; 45] = [
        0x04, 0xc0, 0x81, 0x00, 0x00, 0x00, 0x00, 0x00, 0x90, 0xff, 0x6b, 0x10, 0x00, 0x07, 0x02,
        0x00, 0x00, 0x00, 0x00, 0x40, 0xfe, 0xaf, 0x41, 0x00, 0x1c, 0x08, 0x00, 0x00, 0x00, 0x00,
        0x00, 0xf9, 0xbf, 0x06, 0x01, 0x70, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0xe4, 0xff, 0x1a,
    ];

    #[test]
    fn blocks_that_become_nothing_are_refused_after_some() {
        let empty: [(&str, &[u8]); 5] = [
            ("dynamic", &EMPTY_DYNAMIC_BLOCKS),
            ("last", &[0x03, 0x00]),
            ("stored", &[0x00, 0x00, 0x00, 0xff, 0xff]),
            ("fixed and stored", &[0x02, 0x00, 0x00, 0x00, 0xff, 0xff]),
            ("fixed", &[0x02, 0x08, 0x20, 0x80, 0x00]),
        ];
        for (kind, block) in empty {
            let mut inflater = Inflater::default();
            let message = block.repeat((4 << 20) / block.len());
            let inflated = inflater.inflate(&message, 16 << 20).map(<[u8]>::len);
            assert_eq!(inflated, Err(InflateError::TooManyBlocks), "{kind}");
            assert!(inflater.work() <= (FREE_BLOCKS + 1) * BLOCK_WORK, "{kind}");
        }
    }

    #[test]
    fn a_sender_may_flush_its_compressor_behind_every_few_characters() {
        // "Hello" as a block, and an empty stored block behind it.
        let flushed = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff];
        let mut message = flushed.repeat(2000);
        message.truncate(message.len() - TAIL.len());
        let mut inflater = Inflater::default();
        assert_eq!(inflater.inflate(&message, 10_000), Ok(&b"Hello".repeat(2000)[..]));
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let zeros = vec![0; 10_000_000];
        let bomb = Deflater::default().deflate(&zeros, Form::Deflated).expect("it is smaller");
        assert!(bomb.len() < 20_000);
        let mut inflater = Inflater::default();
        assert_eq!(inflater.inflate(&bomb, 100_000), Err(InflateError::TooBig));
        assert!(inflater.message.capacity() <= 200_001, "{}", inflater.message.capacity());
        assert_eq!(inflater.inflate(&bomb, zeros.len()).map(<[u8]>::len), Ok(zeros.len()));
    }

    #[test]
    fn the_inflater_counts_what_a_message_costs() {
        let text = b"tick ".repeat(1000);
        let deflated = Deflater::default().deflate(&text, Form::Deflated).expect("smaller");
        let mut inflater = Inflater::default();
        inflater.inflate(&deflated, 5000).expect("it is whole");
        assert_eq!(inflater.work(), 5000 + BLOCK_WORK);
        let two_blocks = [0x02, 0x00, 0x00, 0x00, 0xff, 0xff, 0x00];
        inflater.inflate(&two_blocks, 5000).expect("it is whole");
        assert_eq!(inflater.work(), 2 * BLOCK_WORK);
    }
}
