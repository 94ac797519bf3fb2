//! The first line of a request: RFC 9112, section 3.

use hyper::Version;
use memchr::{memchr, memrchr};

use crate::door::http::error::HttpError;

/// Where the parts of a request line are.
#[derive(Clone, Copy)]
pub(crate) struct RequestLine {
    method_end: usize,
    target_end: usize,
    pub(crate) version: Version,
}

impl RequestLine {
    /// Parses a line that ends in CRLF.
    ///
    /// # Errors
    ///
    /// When it is malformed, or of another version of HTTP.
    pub(crate) fn parse(line: &[u8]) -> Result<RequestLine, HttpError> {
        let line = line.strip_suffix(b"\r\n").ok_or(MALFORMED)?;
        let method_end = memchr(b' ', line).ok_or(MALFORMED)?;
        let target_end = memrchr(b' ', line).filter(|&last| last > method_end).ok_or(MALFORMED)?;
        let method = &line[..method_end];
        if method.is_empty() || !method.iter().copied().all(is_token) {
            return Err(MALFORMED);
        }
        let version = match &line[target_end + 1..] {
            b"HTTP/1.1" => Version::HTTP_11,
            b"HTTP/1.0" => Version::HTTP_10,
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                return Err(HttpError::Version);
            }
            _ => return Err(MALFORMED),
        };
        Ok(RequestLine { method_end, target_end, version })
    }

    pub(crate) fn method(self, line: &[u8]) -> &str {
        std::str::from_utf8(&line[..self.method_end]).expect("it is a token, in ASCII")
    }

    /// As the client has sent it.
    pub(crate) fn target(self, line: &[u8]) -> &[u8] {
        &line[self.method_end + 1..self.target_end]
    }

    /// Checks the first byte of a line that is not whole.
    pub(crate) fn check_first(first: u8) -> Result<(), HttpError> {
        // An empty line may come before.
        if is_token(first) || first == b'\r' { Ok(()) } else { Err(MALFORMED) }
    }
}

const MALFORMED: HttpError = HttpError::Malformed(
    "the request line is malformed: it needs a method, a target and HTTP/1.1, with one blank \
     between them\n",
);

/// Whether a name may have this byte: RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
