//! HTTP headers as they come from JavaScript.

use hyper::header::{HeaderName, HeaderValue};

use crate::door::Headers;

/// Name, value, name, value, …
///
/// # Errors
///
/// What is no header.
pub(super) fn parse_headers(flat: &[String]) -> Result<Headers, String> {
    let pairs = flat.chunks_exact(2).map(|pair| {
        let name = HeaderName::from_bytes(pair[0].as_bytes());
        let name = name.map_err(|_| format!("{:?} is not a header name", pair[0]))?;
        let value = pair[1].chars().map(|char| u8::try_from(u32::from(char)));
        let value = value.collect::<Result<Vec<u8>, _>>().ok();
        let value = value.and_then(|value| HeaderValue::from_bytes(&value).ok());
        let value = value.ok_or_else(|| format!("{:?} is not a value for {name}", pair[1]))?;
        Ok((name, value))
    });
    pairs.collect()
}
