//! The target of a request: RFC 9112, section 3.2.

use std::borrow::Cow;

use crate::door::http::error::HttpError;

/// Longest path and query that a URI of the `http` crate holds.
const MAX_BYTES: usize = u16::MAX as usize - 1;

/// Where a request goes to.
pub(crate) struct Target<'t> {
    /// The host that the target names itself: it wins over the field `Host`.
    pub(crate) authority: Option<&'t [u8]>,
    /// What a URI of the `http` crate takes, or `*`.
    pub(crate) path_and_query: Cow<'t, str>,
    has_fragment: bool,
}

impl<'t> Target<'t> {
    /// Parses what stands in the request line.
    ///
    /// # Errors
    ///
    /// When it is none for this method, or too long.
    pub(crate) fn parse(method: &str, target: &'t [u8]) -> Result<Target<'t>, HttpError> {
        if method == "CONNECT" {
            return Err(HttpError::Connect);
        }
        let (authority, rest) = match target.first() {
            Some(b'/') => (None, target),
            _ if target == b"*" && method == "OPTIONS" => (None, target),
            _ if target == b"*" => return Err(HttpError::Target),
            _ => split_uri(target)?,
        };
        let (part, has_fragment) = match memchr::memchr(b'#', rest) {
            Some(fragment) => (&rest[..fragment], true),
            None => (rest, false),
        };
        if rest[part.len()..].iter().any(|&byte| CLASSES[usize::from(byte)] & REFUSED != 0) {
            return Err(CONTROL);
        }
        let path_and_query = encode(part)?;
        if path_and_query.len() > MAX_BYTES {
            return Err(HttpError::TargetTooLong);
        }
        Ok(Target { authority, path_and_query, has_fragment })
    }

    /// Whether it reads as the client has sent it.
    pub(crate) fn is_verbatim(&self) -> bool {
        self.authority.is_none()
            && !self.has_fragment
            && matches!(self.path_and_query, Cow::Borrowed(_))
    }
}

/// Splits a whole URI into its authority, without a user, and the rest.
fn split_uri(target: &[u8]) -> Result<(Option<&[u8]>, &[u8]), HttpError> {
    const SCHEMES: [&[u8]; 2] = [b"http://", b"https://"];
    let is_scheme = |scheme: &&[u8]| {
        target.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    };
    let scheme = SCHEMES.iter().copied().find(is_scheme).ok_or(NO_TARGET)?;
    let rest = &target[scheme.len()..];
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let Some(at) = memchr::memchr(b'@', authority) else { return Ok((Some(authority), rest)) };
    // What is left out is checked too: others might find the host, or the target's end, in there.
    if authority[..at].iter().all(|&byte| is_of_user(byte)) {
        Ok((Some(&authority[at + 1..]), rest))
    } else {
        Err(NO_TARGET)
    }
}

/// Whether a user may have this byte: RFC 3986, section 3.2.1.
fn is_of_user(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:".contains(&byte)
}

const NO_TARGET: HttpError = HttpError::Malformed(
    "the target of the request must be a path that begins with /, or a URL that begins with \
     http://\n",
);

const CONTROL: HttpError =
    HttpError::Malformed("the target of the request has a blank or a control character in it\n");

/// What is done with a byte, as bits.
const PATH: u8 = 1;
const QUERY: u8 = 2;
const REFUSED: u8 = 4;

/// Which bytes are percent-encoded in a path and in a query. Those are what a URI of the `http`
/// crate does not take of what clients send as it is; Bun's `request.url` has them encoded.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            0..=b' ' => REFUSED,
            b'<' | b'>' | 0x7f.. => PATH | QUERY,
            b'`' => PATH,
            b'"' => QUERY,
            _ => 0,
        };
        byte += 1;
    }
    classes
}

/// A path and query without a fragment, with those bytes encoded.
fn encode(bytes: &[u8]) -> Result<Cow<'_, str>, HttpError> {
    let (path, query) = bytes.split_at(memchr::memchr(b'?', bytes).unwrap_or(bytes.len()));
    let has_path = !path.is_empty();
    let found =
        |part: &[u8]| part.iter().fold(0, |found, &byte| found | CLASSES[usize::from(byte)]);
    let (in_path, in_query) = (found(path), found(query));
    if (in_path | in_query) & REFUSED != 0 {
        return Err(CONTROL);
    }
    // Bytes that are no UTF-8 become the replacement character, in Bun too.
    let text = String::from_utf8_lossy(bytes);
    if has_path && in_path & PATH == 0 && in_query & QUERY == 0 {
        return Ok(text);
    }
    let (path, query) = text.split_at(text.find('?').unwrap_or(text.len()));
    let mut encoded = String::with_capacity(text.len() * 2);
    encoded.push_str(if has_path { "" } else { "/" });
    push_encoded(&mut encoded, path, PATH);
    push_encoded(&mut encoded, query, QUERY);
    Ok(Cow::Owned(encoded))
}

fn push_encoded(encoded: &mut String, part: &str, class: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in part.bytes() {
        if CLASSES[usize::from(byte)] & class == 0 {
            encoded.push(char::from(byte));
        } else {
            let digits = [byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)]));
            encoded.extend(['%', digits[0], digits[1]]);
        }
    }
}
