//! HTTP headers on their way to JavaScript and back.

use hyper::header::{HeaderName, HeaderValue};

use crate::door::{Headers, UpgradeRequest};

use super::invalid;

/// The target, and each header's name and value, a line each. None of them can hold a line break:
/// hyper has seen to it.
pub(super) fn print_head(request: &UpgradeRequest) -> String {
    let mut head = String::with_capacity(512);
    head.push_str(&request.uri);
    for (name, value) in &request.headers {
        head.push('\n');
        head.push_str(name.as_str());
        head.push('\n');
        // A byte is a character of the same number, as everywhere in JavaScript's own HTTP.
        head.extend(value.as_bytes().iter().copied().map(char::from));
    }
    head
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
