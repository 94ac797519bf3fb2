//! Reads the request that a connection begins with, without hyper.

use hyper::header;

use crate::door::http::headers::has_token;
use crate::door::http::parser::{self, Framing, Limits, LineScanner, ParsedHead};

/// Fields that are looked at. A browser sends some fifteen.
const MAX_FIELDS: usize = 48;

/// What `see` makes of the request that the bytes begin with; none if it is no whole request
/// without a body. What is not read here need not be wrong: hyper's way finds out.
pub(crate) fn read<T>(
    bytes: &[u8],
    limits: Limits,
    see: impl FnOnce(&ParsedHead<'_>) -> Option<T>,
) -> Option<T> {
    let see = |head: ParsedHead<'_>| {
        // hyper's answer announces that the connection closes, too.
        let is_last = has_token(head.request().fields, &header::CONNECTION, "close");
        let is_alone = head.framing == Framing::NONE && !head.has_authority();
        (is_alone && !is_last).then(|| see(&head)).flatten()
    };
    let lines = &mut LineScanner::default();
    parser::parse::<MAX_FIELDS, _>(lines, bytes, limits, see).ok().flatten().flatten()
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    /// Whether a field with this byte in its name, or its value, is read.
    fn reads(name: &[u8], value: &[u8]) -> bool {
        let bytes = [b"GET / HTTP/1.1\r\nHost: a\r\nx", name, b": ", value, b".\r\n\r\n"].concat();
        let limits = Limits { max_head_bytes: 1000, min_authority_bytes: 1 };
        read(&bytes, limits, |_| Some(())).is_some()
    }

    #[test]
    fn no_field_is_read_that_hyper_would_not_have() {
        for byte in 0..=u8::MAX {
            let (name, value) = ([b'x', byte], [byte, b'.']);
            let is_name = HeaderName::from_bytes(&name).is_ok();
            // A colon ends the name, and belongs to the value.
            assert_eq!(is_name || byte == b':', reads(&[byte], b""), "{byte} in a name");
            let is_value = HeaderValue::from_bytes(&value).is_ok();
            assert_eq!(is_value, reads(b"", &[byte]), "{byte} in a value");
        }
    }
}
