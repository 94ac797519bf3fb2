//! Reads the head of a request by rules of the door's own.
//!
//! Both ways of a request come here first, so that they agree: the `fast_path` of upgrades, and the
//! `request_filter` before hyper. hyper's own parser ends a line at LF alone, which other servers
//! do not, and its type of a URI refuses what clients send and Bun takes. Whatever passes here
//! passes there, because the target has been put into a form that it takes.

mod authority;
mod chunks;
mod framing;
mod line_scanner;
mod request_line;
mod target;

use httparse::{EMPTY_HEADER, Header, Status};
use hyper::Version;
use hyper::header;

use crate::door::config::DoorConfig;
use crate::door::http::error::HttpError;
use crate::door::http::headers::Fields;
use crate::door::http::request::RequestHead;

pub(crate) use framing::{BodyScanner, Framing};
pub(crate) use line_scanner::LineScanner;

use authority::Authority;
use line_scanner::{Begun, Whole};
use target::Target;

/// What heads are measured by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of a head, as it comes and as it is passed on.
    pub(crate) max_head_bytes: usize,
    /// Bytes of the host and port that a request's URL has. See `DoorConfig`.
    pub(crate) min_authority_bytes: usize,
}

impl Limits {
    pub(crate) fn of(config: &DoorConfig) -> Limits {
        Limits {
            max_head_bytes: config.max_head_bytes,
            min_authority_bytes: config.min_authority_bytes,
        }
    }
}

/// A head that is as it should be.
pub(crate) struct ParsedHead<'h> {
    method: &'h str,
    target: Target<'h>,
    version: Version,
    fields: &'h [Header<'h>],
    pub(crate) framing: Framing,
    /// Where it begins among the bytes that were parsed: behind an empty line, if there is one.
    begin: usize,
    /// Where it ends there.
    pub(crate) end: usize,
}

/// Parses the head that `bytes` begin with, if it is whole, of up to `MAX_FIELDS` fields; returns
/// what `see` makes of it. `lines` has gone over what came before of these bytes.
///
/// # Errors
///
/// The first thing that is wrong. That does not depend on how much has come, but for what is
/// missing.
pub(crate) fn parse<const MAX_FIELDS: usize, T>(
    lines: &mut LineScanner,
    bytes: &[u8],
    limits: Limits,
    see: impl FnOnce(ParsedHead<'_>) -> T,
) -> Result<Option<T>, HttpError> {
    let within = &bytes[..bytes.len().min(limits.max_head_bytes)];
    let Some(Whole { begun, end }) = lines.find_end(within)? else {
        return if within.len() < limits.max_head_bytes {
            Ok(None)
        } else {
            Err(HttpError::HeadTooLong)
        };
    };
    let Begun { begin, line: parts, fields: behind } = begun;
    let line = &bytes[begin..behind];
    let (method, version) = (parts.method(line), parts.version);
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let fields = match httparse::parse_headers(&bytes[behind..end], &mut fields) {
        Ok(Status::Complete((_, fields))) => fields,
        Ok(Status::Partial) => return Err(MALFORMED_FIELD),
        Err(httparse::Error::TooManyHeaders) => return Err(HttpError::TooManyFields),
        Err(_) => return Err(MALFORMED_FIELD),
    };
    let framing = Framing::of(version, fields)?;
    let target = Target::parse(method, parts.target(line))?;
    check_authority(version, &target, fields, limits.min_authority_bytes)?;
    let head = ParsedHead { method, target, version, fields, framing, begin, end };
    if !head.is_verbatim() && head.rewritten().len() > limits.max_head_bytes {
        return Err(HttpError::HeadTooLong);
    }
    Ok(Some(see(head)))
}

const MALFORMED_FIELD: HttpError = HttpError::Malformed(
    "a header field is malformed: it needs a name, a colon right behind it, and a value without \
     control characters\n",
);

/// Whether it is clear, and once only, where the request goes to: RFC 9112, section 3.2.
fn check_authority(
    version: Version,
    target: &Target<'_>,
    fields: &[Header<'_>],
    min_bytes: usize,
) -> Result<(), HttpError> {
    let mut hosts = fields.values(&header::HOST);
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(Authority::parse(host)?),
        (None, None) if version == Version::HTTP_10 => None,
        _ => return Err(HttpError::Host),
    };
    // The target's own wins.
    let effective = target.authority.map(Authority::parse).transpose()?.or(host);
    match effective {
        Some(authority) if authority.url_bytes() < min_bytes => Err(HttpError::ShortHost),
        _ => Ok(()),
    }
}

impl<'h> ParsedHead<'h> {
    /// What the rest of the door knows of it.
    pub(crate) fn request(&self) -> RequestHead<'_, [Header<'h>]> {
        RequestHead {
            method: self.method,
            target: &self.target.path_and_query,
            version: self.version,
            fields: self.fields,
            has_body: self.framing != Framing::NONE,
        }
    }

    /// Whether it asks for a WebSocket with nothing behind it that belongs to the request.
    pub(crate) fn is_upgrade(&self) -> bool {
        self.framing == Framing::NONE && self.request().asks_for_websocket()
    }

    /// Whether the target names a host, and not the field `Host` alone.
    pub(crate) fn has_authority(&self) -> bool {
        self.target.authority.is_some()
    }

    /// Whether it is passed on as it is.
    pub(crate) fn is_verbatim(&self) -> bool {
        self.begin == 0 && self.target.is_verbatim()
    }

    /// The head with its target as a path, and the target's host in the field `Host`.
    pub(crate) fn rewritten(&self) -> Vec<u8> {
        let version: &[u8] =
            if self.version == Version::HTTP_10 { b" HTTP/1.0\r\n" } else { b" HTTP/1.1\r\n" };
        let mut head = Vec::with_capacity(self.end);
        for part in [self.method.as_bytes(), b" ", self.target.path_and_query.as_bytes(), version] {
            head.extend_from_slice(part);
        }
        let mut push = |name: &str, value: &[u8]| {
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                head.extend_from_slice(part);
            }
        };
        self.target.authority.iter().for_each(|authority| push("host", authority));
        let is_replaced = |name: &str| self.has_authority() && name.eq_ignore_ascii_case("host");
        for field in self.fields.iter().filter(|field| !is_replaced(field.name)) {
            push(field.name, field.value);
        }
        head.extend_from_slice(b"\r\n");
        head
    }
}

#[cfg(test)]
mod tests;
