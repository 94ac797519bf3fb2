//! The fields of a head, and those that concern one connection only.

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// The version of the WebSocket protocol that RFC 6455 describes, and the only one in use.
pub(crate) const WEBSOCKET_VERSION: &str = "13";

/// The fields that are for one connection, by their own definition (RFC 9110, section 7.6.1), and
/// `Trailer`: trailers end at the door.
const CONNECTION_FIELDS: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("keep-alive"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The fields of a head.
pub(crate) trait Fields {
    /// Every field with its value, in their order. Names may be in any case.
    fn all(&self) -> impl Iterator<Item = (&str, &[u8])>;

    /// The values of one field, in the order of its lines.
    fn values<'f>(&'f self, name: &'f HeaderName) -> impl Iterator<Item = &'f [u8]>;
}

impl Fields for HeaderMap {
    fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    fn values<'f>(&'f self, name: &'f HeaderName) -> impl Iterator<Item = &'f [u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}

impl Fields for [httparse::Header<'_>] {
    fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().map(|field| (field.name, field.value))
    }

    fn values<'f>(&'f self, name: &'f HeaderName) -> impl Iterator<Item = &'f [u8]> {
        let named = self.iter().filter(|field| field.name.eq_ignore_ascii_case(name.as_str()));
        named.map(|field| field.value)
    }
}

/// Whether a field, which is a comma-separated list over one or several lines, has this element.
/// Letter case does not count.
pub(crate) fn has_token<F: Fields + ?Sized>(fields: &F, name: &HeaderName, token: &str) -> bool {
    elements(fields, name).any(|element| element.eq_ignore_ascii_case(token))
}

/// Removes the fields that are for one connection.
///
/// A field that only `Connection` names stays: the sender would otherwise choose which fields the
/// other side sees. A client could take away what a proxy in front has added, such as its own
/// address or its user's name. Door and application are one origin server, and Bun alone removes
/// nothing either.
pub(crate) fn remove_connection_fields(headers: &mut HeaderMap) {
    for name in &CONNECTION_FIELDS {
        headers.remove(name);
    }
}

/// The same for a response of the application, except that a 426 keeps its offer of a WebSocket:
/// it needs one, and the door can fulfil it.
pub(crate) fn replace_connection_fields<B>(response: &mut Response<B>) {
    let offers = response.status() == StatusCode::UPGRADE_REQUIRED
        && has_token(response.headers(), &header::UPGRADE, "websocket");
    remove_connection_fields(response.headers_mut());
    if offers {
        offer_websocket(response.headers_mut());
    }
}

/// Offers the client a WebSocket, in a 426.
pub(crate) fn offer_websocket(headers: &mut HeaderMap) {
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
}

/// Whether a response to an upgrade may carry this field: those that frame the response, or switch
/// the protocol, are the door's own.
pub(crate) fn is_free(name: &HeaderName) -> bool {
    *name != header::SEC_WEBSOCKET_ACCEPT
        && *name != header::SEC_WEBSOCKET_EXTENSIONS
        && *name != header::CONTENT_LENGTH
        && !CONNECTION_FIELDS.contains(name)
}

/// The elements of a field, which is a comma-separated list over one or several lines.
fn elements<'f, F: Fields + ?Sized>(
    fields: &'f F,
    name: &'f HeaderName,
) -> impl Iterator<Item = &'f str> {
    let elements = lines(fields, name).flat_map(|line| line.split(','));
    elements.map(str::trim).filter(|element| !element.is_empty())
}

/// The lines of a field, but for those that are not ASCII.
pub(crate) fn lines<'f, F: Fields + ?Sized>(
    fields: &'f F,
    name: &'f HeaderName,
) -> impl Iterator<Item = &'f str> {
    let ascii = fields.values(name).filter(|line| line.is_ascii());
    ascii.filter_map(|line| std::str::from_utf8(line).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        pairs.collect()
    }

    #[test]
    fn a_response_keeps_its_offer_of_a_websocket_and_no_other() {
        let offered = |status: StatusCode, protocol: &'static str| {
            let mut response = Response::new(());
            *response.status_mut() = status;
            let fields = headers(&[("upgrade", protocol), ("connection", "upgrade, x"), ("x", "")]);
            *response.headers_mut() = fields;
            replace_connection_fields(&mut response);
            response.headers().get(header::UPGRADE).cloned()
        };
        let websocket = HeaderValue::from_static("websocket");
        assert_eq!(offered(StatusCode::UPGRADE_REQUIRED, "WebSocket"), Some(websocket));
        assert_eq!(offered(StatusCode::UPGRADE_REQUIRED, "h2c"), None);
        assert_eq!(offered(StatusCode::OK, "websocket"), None);
    }

    #[test]
    fn a_token_is_found_in_any_line_whatever_its_case() {
        let mut headers = HeaderMap::new();
        headers.append(header::CONNECTION, HeaderValue::from_static("keep-alive ,"));
        headers.append(header::CONNECTION, HeaderValue::from_static("x, uPGRADE"));
        assert!(has_token(&headers, &header::CONNECTION, "upgrade"));
        assert!(!has_token(&headers, &header::CONNECTION, "up"));
        assert!(!has_token(&headers, &header::UPGRADE, "upgrade"));
    }

    #[test]
    fn fields_of_the_connection_are_removed_and_the_others_kept() {
        let mut headers = headers(&[
            ("connection", "close, not a name"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "close"),
            ("te", "trailers"),
            ("trailer", "x-sum"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("accept", "*/*"),
        ]);
        remove_connection_fields(&mut headers);
        let kept: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(kept, ["accept"]);
    }

    #[test]
    fn connection_takes_no_end_to_end_field_away() {
        let end_to_end = [
            "authorization",
            "content-length",
            "content-type",
            "cookie",
            "forwarded",
            "host",
            "origin",
            "x-forwarded-for",
            "x-user",
        ];
        let mut headers = headers(&end_to_end.map(|name| (name, "1")));
        for name in end_to_end {
            headers.append(header::CONNECTION, HeaderValue::from_static(name));
        }
        remove_connection_fields(&mut headers);
        let kept: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(kept, end_to_end);
    }
}
