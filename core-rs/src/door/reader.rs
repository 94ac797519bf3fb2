//! Reads a connection's first request without hyper.

use std::io;

use bytes::Bytes;
use httparse::{EMPTY_HEADER, Header, Status};
use hyper::header;
use hyper::{Method, Uri, Version};

use super::headers::has_token;
use super::request::{Fields, RequestHead};

/// Bytes that are read of a connection at first: most requests are shorter.
const FIRST_BYTES: usize = 8 * 1024;

/// Fields that are looked at. A browser sends some fifteen.
const MAX_FIELDS: usize = 48;

/// Reads, for one connection after the other.
pub(super) struct Reader {
    max_head_bytes: usize,
    buffer: Box<[u8]>,
}

impl Reader {
    pub(super) fn new(max_head_bytes: usize) -> Reader {
        Reader { max_head_bytes, buffer: vec![0; FIRST_BYTES].into() }
    }

    /// What a client has said so far; nothing if it has left.
    pub(super) fn words(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Bytes> {
        let length = read(&mut self.buffer)?;
        Ok(Bytes::copy_from_slice(&self.buffer[..length]))
    }

    /// What `see` makes of the request that the words begin with, and of the bytes of its head; none
    /// if it is no whole GET without a body. What is not read here need not be wrong: hyper says
    /// what is.
    pub(super) fn read<T>(
        &self,
        words: &[u8],
        see: impl FnOnce(RequestHead<'_, [Header<'_>]>, usize) -> Option<T>,
    ) -> Option<T> {
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        let mut head = httparse::Request::new(&mut fields);
        let Ok(Status::Complete(length)) = head.parse(words) else { return None };
        let is_get = head.method? == Method::GET.as_str() && head.version? == 1;
        if !is_get || length > self.max_head_bytes {
            return None;
        }
        let uri = Uri::try_from(head.path?).ok()?;
        let fields = &*head.headers;
        let has_body = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING]
            .iter()
            .any(|name| fields.values(name).next().is_some());
        // hyper's answer says that the connection is closed, too.
        let is_last = has_token(fields, &header::CONNECTION, "close");
        if has_body || is_last {
            return None;
        }
        let version = Version::HTTP_11;
        see(RequestHead { method: &Method::GET, uri: &uri, version, fields, has_body }, length)
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    /// Whether a field with this byte in its name, or its value, is read.
    fn reads(name: &[u8], value: &[u8]) -> bool {
        let words = [b"GET / HTTP/1.1\r\nx", name, b": ", value, b".\r\n\r\n"].concat();
        Reader::new(1000).read(&words, |_, _| Some(())).is_some()
    }

    #[test]
    fn no_field_is_read_that_hyper_would_not_have() {
        for byte in 0..=u8::MAX {
            let (name, value) = ([b'x', byte], [byte, b'.']);
            let is_name = HeaderName::from_bytes(&name).is_ok();
            // A colon ends the name, and belongs to the value.
            assert!(is_name || byte == b':' || !reads(&[byte], b""), "{byte} in a name");
            let is_value = HeaderValue::from_bytes(&value).is_ok();
            assert!(is_value || byte == b'\n' || !reads(b"", &[byte]), "{byte} in a value");
        }
    }
}
