//! The one extension that is spoken: permessage-deflate (RFC 7692, section 7.1).

use hyper::header::{self, HeaderValue};

use crate::frame::form::Form;

use crate::door::http::headers::Fields;
use crate::door::http::headers::lines;

const NAME: &str = "permessage-deflate";

/// What was agreed on with a client.
pub(crate) struct Agreement {
    pub(crate) form: Form,
    /// The value of `Sec-WebSocket-Extensions` in the response.
    pub(crate) response: HeaderValue,
}

/// Takes the first of the client's offers that can be kept. An offer that cannot is not an error:
/// the response then names no extension.
pub(crate) fn agree<F: Fields + ?Sized>(fields: &F) -> Option<Agreement> {
    let mut lines = lines(fields, &header::SEC_WEBSOCKET_EXTENSIONS);
    let window = lines.find_map(|line| split_unquoted(line, ',').find_map(accept))?;
    let (form, limit) = match window {
        Window::Unlimited => (Form::Deflated, ""),
        Window::Wide => (Form::Deflated, "; server_max_window_bits=15"),
        Window::Limited => (Form::DeflatedNarrow, "; server_max_window_bits=9"),
    };
    let response = format!("{NAME}; client_no_context_takeover; server_no_context_takeover{limit}");
    let response = HeaderValue::try_from(response).expect("it is ASCII");
    Some(Agreement { form, response })
}

/// What a client wants of the server's window.
#[derive(Clone, Copy)]
enum Window {
    /// Nothing.
    Unlimited,
    /// That it may be as large as it is.
    Wide,
    /// That it must be smaller.
    Limited,
}

/// Reads an offer; `None` when it is for another extension, malformed, or cannot be kept.
fn accept(offer: &str) -> Option<Window> {
    let mut parts = split_unquoted(offer, ';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let mut window = Window::Unlimited;
    let mut seen = Vec::new();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start()))),
            None => (part, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            // Both are so in any case.
            ("server_no_context_takeover" | "client_no_context_takeover", None) => {}
            // Any window of the client's is understood.
            ("client_max_window_bits", None) => {}
            ("client_max_window_bits", Some(bits)) => {
                window_bits(bits)?;
            }
            ("server_max_window_bits", Some(bits)) => match window_bits(bits)? {
                // zlib cannot deflate with so small a window.
                8 => return None,
                15 => window = Window::Wide,
                _ => window = Window::Limited,
            },
            _ => return None,
        }
    }
    Some(window)
}

/// Splits at a separator, except inside of a quoted string: what another extension's parameter
/// quotes is no offer of this one.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character| {
        let literal = quoted && std::mem::take(&mut escaped);
        match character {
            _ if literal => {}
            '"' => quoted = !quoted,
            '\\' => escaped = quoted,
            _ => return !quoted && character == separator,
        }
        false
    })
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// 8 to 15, without leading zeros.
fn window_bits(value: &str) -> Option<u8> {
    let bits = value.parse().ok().filter(|bits| (8..=15).contains(bits))?;
    (value.len() == if bits < 10 { 1 } else { 2 }).then_some(bits)
}

#[cfg(test)]
mod tests;
