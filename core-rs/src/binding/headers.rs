//! HTTP headers on their way to JavaScript and back.

use hyper::header::{AUTHORIZATION, COOKIE, FORWARDED, HeaderName, HeaderValue, SEC_WEBSOCKET_KEY};

use crate::door::{Headers, UpgradeRequest};

use super::invalid;

/// The headers by which clients differ. All others are the same for many of them.
static OWN: [HeaderName; 7] = [
    SEC_WEBSOCKET_KEY,
    COOKIE,
    AUTHORIZATION,
    FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-request-id"),
];

/// A request's headers in two parts, so that JavaScript need read what many clients send only once.
pub(super) struct Head {
    /// `name: value` in a line each, and of what is the client's own only the name.
    pub(super) common: String,
    /// The values that are left out there, in a line each.
    pub(super) own: String,
}

impl Head {
    /// Nothing in it can hold a line break, nor a name a colon: hyper has seen to it.
    pub(super) fn of(request: &UpgradeRequest) -> Head {
        let mut head = Head { common: String::with_capacity(512), own: String::with_capacity(64) };
        let mut has_own = false;
        for (name, value) in &request.headers {
            if !head.common.is_empty() {
                head.common.push('\n');
            }
            head.common.push_str(name.as_str());
            if is_own(name, &request.headers) {
                if has_own {
                    head.own.push('\n');
                }
                has_own = true;
                push_value(&mut head.own, value);
            } else {
                head.common.push_str(": ");
                push_value(&mut head.common, value);
            }
        }
        head
    }
}

/// One that comes more than once is left to JavaScript, which knows how to join its values.
fn is_own(name: &HeaderName, headers: &Headers) -> bool {
    OWN.contains(name) && headers.iter().filter(|(other, _)| other == name).count() == 1
}

/// A byte is a character of the same number, as everywhere in JavaScript's own HTTP.
fn push_value(text: &mut String, value: &HeaderValue) {
    match value.to_str() {
        Ok(ascii) => text.push_str(ascii),
        Err(_) => text.extend(value.as_bytes().iter().copied().map(char::from)),
    }
}

/// Name, value, name, value, …
pub(super) fn parse_headers(flat: &[String]) -> napi::Result<Headers, &'static str> {
    let pairs = flat.chunks_exact(2).map(|pair| {
        let name = HeaderName::from_bytes(pair[0].as_bytes());
        let name = name.map_err(|_| invalid(format!("{:?} is not a header name", pair[0])))?;
        let value = pair[1].chars().map(|char| u8::try_from(u32::from(char)));
        let value = value.collect::<Result<Vec<u8>, _>>().ok();
        let value = value.and_then(|value| HeaderValue::from_bytes(&value).ok());
        let value =
            value.ok_or_else(|| invalid(format!("{:?} is not a value for {name}", pair[1])))?;
        Ok((name, value))
    });
    pairs.collect()
}
