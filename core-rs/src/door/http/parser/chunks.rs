//! The frames of a body in chunks: RFC 9112, section 7.1.

use memchr::memchr2;

use crate::door::http::error::HttpError;

/// Digits that a size may have: more than any body needs, and no more than fit into a number.
const MAX_DIGITS: u8 = 15;

/// Follows the chunks of a body, and its trailers, to their end. hyper decodes them; it takes some
/// that others do not, or read in another way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chunks {
    state: ChunkState,
    /// What has come of a size, and then what is left of the chunk.
    size: u64,
    digits: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ChunkState {
    #[default]
    Size,
    Extension,
    /// Behind the CR of a size's line.
    SizeEnd,
    Data,
    /// Behind the data: CR, and then LF.
    DataCr,
    DataLf,
    /// At the beginning of a line, behind the last chunk.
    Trailer,
    /// Within such a line.
    TrailerLine,
    TrailerLf,
    /// Behind the CR of the empty line.
    LastLf,
    Over,
}

impl Chunks {
    pub(crate) fn are_over(self) -> bool {
        self.state == ChunkState::Over
    }

    /// Goes on with these bytes; returns how many of them are of the body.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> Result<usize, HttpError> {
        let mut at = 0;
        while at < bytes.len() && self.state != ChunkState::Over {
            let rest = &bytes[at..];
            at += match self.state {
                ChunkState::Data => self.pass_data(rest),
                ChunkState::Extension | ChunkState::TrailerLine => self.pass_line(rest)?,
                _ => {
                    self.state = self.step(rest[0])?;
                    1
                }
            };
        }
        Ok(at)
    }

    fn pass_data(&mut self, bytes: &[u8]) -> usize {
        let passed = usize::try_from(self.size).map_or(bytes.len(), |left| left.min(bytes.len()));
        self.size -= passed as u64;
        if self.size == 0 {
            self.state = ChunkState::DataCr;
        }
        passed
    }

    /// Passes what no side reads, up to the CR at its end.
    fn pass_line(&mut self, bytes: &[u8]) -> Result<usize, HttpError> {
        let Some(end) = memchr2(b'\r', b'\n', bytes) else { return Ok(bytes.len()) };
        if bytes[end] == b'\n' {
            return Err(HttpError::BrokenBody);
        }
        let is_size = self.state == ChunkState::Extension;
        self.state = if is_size { ChunkState::SizeEnd } else { ChunkState::TrailerLf };
        Ok(end + 1)
    }

    fn step(&mut self, byte: u8) -> Result<ChunkState, HttpError> {
        Ok(match (self.state, byte) {
            (ChunkState::Size, _) if byte.is_ascii_hexdigit() && self.digits < MAX_DIGITS => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                self.size = self.size * 16 + u64::from(digit);
                self.digits += 1;
                ChunkState::Size
            }
            (ChunkState::Size, b'\r') if self.digits > 0 => ChunkState::SizeEnd,
            (ChunkState::Size, b';') if self.digits > 0 => ChunkState::Extension,
            (ChunkState::SizeEnd, b'\n') => {
                self.digits = 0;
                if self.size == 0 { ChunkState::Trailer } else { ChunkState::Data }
            }
            (ChunkState::DataCr, b'\r') => ChunkState::DataLf,
            (ChunkState::DataLf, b'\n') => ChunkState::Size,
            (ChunkState::Trailer, b'\r') => ChunkState::LastLf,
            (ChunkState::Trailer, byte) if byte != b'\n' => ChunkState::TrailerLine,
            (ChunkState::TrailerLf, b'\n') => ChunkState::Trailer,
            (ChunkState::LastLf, b'\n') => ChunkState::Over,
            _ => return Err(HttpError::BrokenBody),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes are of the body, in pieces of so many; none if they are malformed.
    fn scanned(bytes: &[u8], piece: usize) -> Option<usize> {
        let (mut chunks, mut at) = (Chunks::default(), 0);
        for piece in bytes.chunks(piece) {
            at += chunks.scan(piece).ok()?;
        }
        Some(at)
    }

    #[test]
    fn a_body_ends_behind_its_trailers_however_it_comes() {
        let bodies: [&[u8]; 4] = [
            b"0\r\n\r\n",
            b"2\r\nhi\r\nB;a=\"b\"\r\nhello world\r\n0\r\n\r\n",
            b"000a\r\n0123456789\r\n00;x\r\nX-Sum: 1\r\nY: 2\r\n\r\n",
            b"2\r\n\r\n\r\n0\r\n\r\n",
        ];
        for body in bodies {
            let followed = [body, b"GET /"].concat();
            for piece in 1..followed.len() {
                assert_eq!(scanned(&followed, piece), Some(body.len()), "{}", body.escape_ascii());
            }
        }
    }

    #[test]
    fn frames_that_others_could_read_in_another_way_are_refused() {
        let bodies: [&[u8]; 16] = [
            b"\r\n",
            b"2 \r\n",
            b" 2\r\n",
            b"2\n",
            b"2\r ",
            b"2;a\n",
            b"+2\r\n",
            b"-2\r\n",
            b"0x2\r\n",
            b"g\r\n",
            b"FFFFFFFFFFFFFFFF\r\n",
            b"2\r\nhix",
            b"2\r\nhi\n",
            b"2\r\nhi\r\r",
            b"0\r\n\n",
            b"0\r\nX: y\n",
        ];
        for body in bodies {
            for piece in [1, body.len()] {
                assert_eq!(scanned(body, piece), None, "{}", body.escape_ascii());
            }
        }
    }
}
