//! Where a request ends: RFC 9112, section 6.3.

use hyper::Version;
use hyper::header;

use httparse::Header;

use super::chunks::Chunks;
use crate::door::http::error::HttpError;
use crate::door::http::headers::Fields;

/// How the body of a request is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
}

impl Framing {
    pub(crate) const NONE: Framing = Framing::Length(0);

    /// Of a request with these fields. What can be read in two ways is refused: a proxy between
    /// the client and the door might read it in the other.
    ///
    /// # Errors
    ///
    /// When it is not clear, or not supported.
    pub(crate) fn of(version: Version, fields: &[Header<'_>]) -> Result<Framing, HttpError> {
        let length = content_length(fields)?;
        let mut codings = fields.values(&header::TRANSFER_ENCODING);
        let Some(coding) = codings.next() else {
            return Ok(length.map_or(Framing::NONE, Framing::Length));
        };
        if version == Version::HTTP_10 {
            return Err(HttpError::Malformed("Transfer-Encoding needs HTTP/1.1\n"));
        }
        if length.is_some() {
            return Err(HttpError::Malformed(
                "a request has either Content-Length or Transfer-Encoding, not both\n",
            ));
        }
        if codings.next().is_some() {
            return Err(HttpError::Malformed(
                "a request has one Transfer-Encoding field, not several\n",
            ));
        }
        chunked(coding)
    }
}

/// The length that all lines agree on.
fn content_length(fields: &[Header<'_>]) -> Result<Option<u64>, HttpError> {
    let mut known = None;
    for value in fields.values(&header::CONTENT_LENGTH) {
        let length = decimal(value).ok_or(MALFORMED_LENGTH)?;
        if known.is_some_and(|known| known != length) {
            return Err(MALFORMED_LENGTH);
        }
        known = Some(length);
    }
    Ok(known)
}

const MALFORMED_LENGTH: HttpError =
    HttpError::Malformed("Content-Length must be one number of bytes, in digits alone\n");

fn decimal(value: &[u8]) -> Option<u64> {
    // Other than `parse`, it takes no sign.
    let digits = std::str::from_utf8(value).ok()?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    // hyper has the largest for lengths that are none.
    digits.parse().ok().filter(|&length: &u64| is_number && length <= i64::MAX as u64)
}

/// Which codings the body is in, of which the last has to be `chunked`.
fn chunked(value: &[u8]) -> Result<Framing, HttpError> {
    let is_chunked = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
    if is_chunked(value) {
        return Ok(Framing::Chunked);
    }
    let codings: Vec<&[u8]> = value.split(|&byte| byte == b',').collect();
    let (last, before) = codings.split_last().expect("a text has a last part");
    let is_clear = is_chunked(last)
        && before.iter().all(|coding| !coding.trim_ascii().is_empty() && !is_chunked(coding));
    if is_clear {
        return Err(HttpError::TransferCoding);
    }
    Err(HttpError::Malformed("the last Transfer-Encoding of a request must be chunked\n"))
}

/// Follows a body to its end.
pub(crate) enum BodyScanner {
    /// So many bytes are to come.
    Length(u64),
    Chunked(Chunks),
}

impl BodyScanner {
    pub(crate) fn new(framing: Framing) -> BodyScanner {
        match framing {
            Framing::Length(length) => BodyScanner::Length(length),
            Framing::Chunked => BodyScanner::Chunked(Chunks::default()),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        match self {
            BodyScanner::Length(left) => *left == 0,
            BodyScanner::Chunked(chunks) => chunks.are_over(),
        }
    }

    /// Goes on with these bytes; returns how many of them are of the body.
    ///
    /// # Errors
    ///
    /// When chunks are malformed.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> Result<usize, HttpError> {
        match self {
            BodyScanner::Length(left) => {
                let taken =
                    usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= taken as u64;
                Ok(taken)
            }
            BodyScanner::Chunked(chunks) => chunks.scan(bytes),
        }
    }
}
