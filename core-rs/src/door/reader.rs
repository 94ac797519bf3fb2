//! Reads a connection's first request without hyper.

use std::io;

use bytes::Bytes;
use http_body_util::Empty;
use httparse::{EMPTY_HEADER, Status};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};

use super::headers::has_token;

/// Bytes that are read of a connection at first: most requests are shorter.
const FIRST_BYTES: usize = 8 * 1024;

/// Fields that are looked at. A browser sends some fifteen.
const MAX_FIELDS: usize = 48;

/// Reads, for one connection after the other. What it needs for that it keeps: an allocation for
/// each of thousands costs more than the reading.
pub(super) struct Reader {
    max_head_bytes: usize,
    buffer: Box<[u8]>,
    request: Request<Empty<Bytes>>,
}

impl Reader {
    pub(super) fn new(max_head_bytes: usize) -> Reader {
        let buffer = vec![0; FIRST_BYTES].into();
        Reader { max_head_bytes, buffer, request: Request::new(Empty::new()) }
    }

    /// What a client has said so far; nothing if it has left.
    pub(super) fn words(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Bytes> {
        let length = read(&mut self.buffer)?;
        Ok(Bytes::copy_from_slice(&self.buffer[..length]))
    }

    /// The request that the words begin with, if it is a whole GET without a body, and the bytes of
    /// its head. What is not read here need not be wrong: hyper says what is.
    pub(super) fn read(&mut self, words: &Bytes) -> Option<(&Request<Empty<Bytes>>, usize)> {
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        let mut head = httparse::Request::new(&mut fields);
        let Ok(Status::Complete(length)) = head.parse(words) else { return None };
        let is_get = head.method? == Method::GET.as_str() && head.version? == 1;
        if !is_get || length > self.max_head_bytes {
            return None;
        }
        let target = words.slice_ref(head.path?.as_bytes());
        *self.request.uri_mut() = Uri::from_maybe_shared(target).ok()?;
        let headers = self.request.headers_mut();
        headers.clear();
        for field in head.headers {
            let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
            let value = HeaderValue::from_maybe_shared(words.slice_ref(field.value)).ok()?;
            headers.append(name, value);
        }
        let has_body = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING]
            .iter()
            .any(|name| headers.contains_key(name));
        // hyper's answer says that the connection is closed, too.
        let is_last = has_token(headers, &header::CONNECTION, "close");
        (!has_body && !is_last).then_some((&self.request, length))
    }
}
