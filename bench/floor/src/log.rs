//! The encoded frames, contiguous, from the slowest client's cursor to the head.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// Released bytes are moved over only when there are so many, and they are most of the buffer.
const MIN_RELEASED_BYTES: usize = 1024 * 1024;

/// What has been published, and is still to be written to a client.
pub(crate) struct Log {
    bytes: Vec<u8>,
    /// The position of `bytes[0]` since the start.
    start: u64,
    size: usize,
}

impl Log {
    /// For messages of `size` bytes.
    pub(crate) fn new(size: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, size }
    }

    pub(crate) fn head(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    pub(crate) fn since(&self, cursor: u64) -> &[u8] {
        &self.bytes[(cursor - self.start) as usize..]
    }

    /// Appends message `n` as one text frame: `{"t":<unix ns>,"n":<n>,"p":"xxx…"}`.
    pub(crate) fn append(&mut self, n: u64) {
        self.bytes.push(0x81);
        match self.size {
            0..=125 => self.bytes.push(self.size as u8),
            126..=0xFFFF => {
                self.bytes.push(126);
                self.bytes.extend_from_slice(&(self.size as u16).to_be_bytes());
            }
            _ => {
                self.bytes.push(127);
                self.bytes.extend_from_slice(&(self.size as u64).to_be_bytes());
            }
        }
        let end = self.bytes.len() + self.size;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        write!(self.bytes, "{{\"t\":{now},\"n\":{n},\"p\":\"").expect("a vector takes all");
        self.bytes.resize(end - 2, b'x');
        self.bytes.extend_from_slice(b"\"}");
    }

    /// Lets go of what lies before `cursor`, the lowest of all; of everything when no client reads.
    pub(crate) fn release(&mut self, cursor: Option<u64>) {
        let released = (cursor.unwrap_or(self.head()) - self.start) as usize;
        let all = released == self.bytes.len();
        if all || (released >= MIN_RELEASED_BYTES && released * 2 > self.bytes.len()) {
            self.bytes.drain(..released);
            self.start += released as u64;
        }
    }
}
