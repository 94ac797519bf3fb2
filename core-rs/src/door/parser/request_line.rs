//! The first line of a request: RFC 9112, section 3.

use hyper::Version;

use super::super::objection::Objection;

pub(super) struct RequestLine<'l> {
    pub(super) method: &'l str,
    /// As the client has sent it.
    pub(super) target: &'l [u8],
    pub(super) version: Version,
}

impl<'l> RequestLine<'l> {
    /// Parses a line that ends in CRLF.
    ///
    /// # Errors
    ///
    /// When it is malformed, or of another version of HTTP.
    pub(super) fn parse(line: &'l [u8]) -> Result<RequestLine<'l>, Objection> {
        let line = line.strip_suffix(b"\r\n").ok_or(MALFORMED)?;
        let first = memchr::memchr(b' ', line).ok_or(MALFORMED)?;
        let last = memchr::memrchr(b' ', line).ok_or(MALFORMED)?;
        let (method, version) = (&line[..first], &line[last + 1..]);
        if method.is_empty() || !method.iter().copied().all(is_token) {
            return Err(MALFORMED);
        }
        let method = std::str::from_utf8(method).map_err(|_| MALFORMED)?;
        let version = match version {
            b"HTTP/1.1" => Version::HTTP_11,
            b"HTTP/1.0" => Version::HTTP_10,
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                return Err(Objection::Version);
            }
            _ => return Err(MALFORMED),
        };
        let target = line.get(first + 1..last).ok_or(MALFORMED)?;
        Ok(RequestLine { method, target, version })
    }

    /// Checks the first byte of a line that is not whole.
    pub(super) fn check_first(first: u8) -> Result<(), Objection> {
        // An empty line may come before.
        if is_token(first) || first == b'\r' { Ok(()) } else { Err(MALFORMED) }
    }
}

const MALFORMED: Objection = Objection::Malformed(
    "the request line is malformed: it needs a method, a target and HTTP/1.1, with one blank \
     between them\n",
);

/// Whether a name may have this byte: RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
