//! HTTP headers as JavaScript has them: name, value, name, value, …

use hyper::header::{HeaderName, HeaderValue};

use crate::door::Headers;

use super::invalid;

pub(super) fn print_headers(headers: &Headers) -> Vec<String> {
    let texts = headers.iter().flat_map(|(name, value)| {
        // A byte is a character of the same number, as everywhere in JavaScript's own HTTP.
        let value = value.as_bytes().iter().copied().map(char::from).collect();
        [name.as_str().to_owned(), value]
    });
    texts.collect()
}

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
