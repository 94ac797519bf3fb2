//! The server's side of the WebSocket handshake: RFC 6455, section 4.2.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use sha1::{Digest, Sha1};

use crate::frame::form::Form;

use crate::door::http::error::HttpError;
use crate::door::http::headers::{Fields, WEBSOCKET_VERSION, is_free};
use crate::door::http::request::RequestHead;
use crate::door::http::response::whole;
use crate::door::upgrade::decision::Headers;
use crate::door::upgrade::extensions::{self, Agreement};

/// What the key is hashed with, to prove that the server understood the request.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Bytes of a decoded key.
const KEY_BYTES: usize = 16;

/// Takes any base64 of 16 bytes. The spare bits of its last digit are often not zero in keys that
/// were made up by hand; they are no reason to turn a client away.
const KEY_FORMAT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Checks a request that asks for a WebSocket; returns the value of `Sec-WebSocket-Accept`.
///
/// # Errors
///
/// The first thing that is wrong.
fn check<F: Fields + ?Sized>(request: &RequestHead<'_, F>) -> Result<HeaderValue, HttpError> {
    if request.has_body {
        return Err(HttpError::Body);
    }
    if only(request.fields, &header::SEC_WEBSOCKET_VERSION) != Some(WEBSOCKET_VERSION.as_bytes()) {
        return Err(HttpError::WebSocketVersion);
    }
    let key = only(request.fields, &header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
    key.map(accept_key).ok_or(HttpError::Key)
}

/// The value of a field that stands exactly once.
fn only<'f, F: Fields + ?Sized>(fields: &'f F, name: &'f HeaderName) -> Option<&'f [u8]> {
    let mut values = fields.values(name);
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

fn is_key(key: &[u8]) -> bool {
    // Three bytes for four digits, of which a proper key has 24.
    let mut decoded = [0; KEY_BYTES + 2];
    KEY_FORMAT.decode_slice(key, &mut decoded).is_ok_and(|length| length == KEY_BYTES)
}

fn accept_key(key: &[u8]) -> HeaderValue {
    let hash = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut encoded = [0; 28];
    let length = STANDARD.encode_slice(hash, &mut encoded).expect("20 bytes are 28 digits");
    HeaderValue::from_bytes(&encoded[..length]).expect("base64 is ASCII")
}

/// The response to a proper request if it is accepted.
pub(crate) struct HandshakeResponse {
    accept_key: HeaderValue,
    agreement: Option<Agreement>,
}

impl HandshakeResponse {
    /// Checks a request that asks for a WebSocket, and agrees on what it offers.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub(crate) fn to<F: Fields + ?Sized>(
        request: &RequestHead<'_, F>,
        per_message_deflate: bool,
    ) -> Result<HandshakeResponse, HttpError> {
        let accept_key = check(request)?;
        let agreement = per_message_deflate.then(|| extensions::agree(request.fields)).flatten();
        Ok(HandshakeResponse { accept_key, agreement })
    }

    /// How the client gets its messages.
    pub(crate) fn form(&self) -> Form {
        self.agreement.as_ref().map(|agreed| agreed.form).unwrap_or_default()
    }

    /// The fields of the response that switches protocols. Of `headers`, those that the handshake
    /// sets itself are left out.
    pub(crate) fn fields(
        self,
        headers: Headers,
    ) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let own = [
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (header::CONNECTION, HeaderValue::from_static("Upgrade")),
            (header::SEC_WEBSOCKET_ACCEPT, self.accept_key),
        ];
        let extensions = self.agreement.map(|agreed| agreed.response);
        let extensions = extensions.map(|agreed| (header::SEC_WEBSOCKET_EXTENSIONS, agreed));
        own.into_iter().chain(extensions).chain(further(headers))
    }

    /// The whole response, with the same fields.
    pub(crate) fn accept(self, headers: Headers) -> Response<Full<Bytes>> {
        with_fields(StatusCode::SWITCHING_PROTOCOLS, self.fields(headers), Bytes::new())
    }
}

/// The application's refusal. Of `headers`, those that frame a response are left out, the body
/// being whole. A status that cannot end a request is a mistake of the application's, and becomes
/// 500.
pub(crate) fn refuse(status: u16, headers: Headers, body: Bytes) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    with_fields(status, further(headers), body)
}

/// Those fields that the application may add.
pub(crate) fn further(headers: Headers) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    headers.into_iter().filter(|(name, _)| is_free(name))
}

fn with_fields(
    status: StatusCode,
    fields: impl Iterator<Item = (HeaderName, HeaderValue)>,
    body: Bytes,
) -> Response<Full<Bytes>> {
    let mut response = whole(status, body);
    for (name, value) in fields {
        response.headers_mut().append(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::Empty;
    use hyper::{Method, Request, Version};
    use proptest::prelude::*;
    use tungstenite::handshake::derive_accept_key;

    use super::*;

    /// The request of RFC 6455, section 1.3.
    fn request() -> Request<Empty<Bytes>> {
        Request::builder()
            .uri("/chat")
            .header("host", "server.example.com")
            .header("upgrade", "websocket")
            .header("connection", "Upgrade")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-version", "13")
            .body(Empty::new())
            .expect("a proper request")
    }

    fn request_with(name: &'static str, value: &'static str) -> Request<Empty<Bytes>> {
        let mut request = request();
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(HeaderName::from_static(name), value);
        request
    }

    #[test]
    fn the_example_of_the_rfc_gets_its_answer() {
        let accept_key = check(&RequestHead::of(&request())).expect("it is proper");
        assert_eq!(accept_key, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn only_an_announced_websocket_is_asked_for() {
        assert!(RequestHead::of(&request()).asks_for_websocket());
        assert!(RequestHead::of(&request_with("upgrade", "h2c, WebSocket")).asks_for_websocket());
        assert!(
            RequestHead::of(&request_with("connection", "keep-alive, upgrade"))
                .asks_for_websocket()
        );
        assert!(!RequestHead::of(&request_with("upgrade", "h2c")).asks_for_websocket());
        assert!(!RequestHead::of(&request_with("connection", "keep-alive")).asks_for_websocket());
        let mut post = request();
        *post.method_mut() = Method::POST;
        assert!(!RequestHead::of(&post).asks_for_websocket());
        let mut old = request();
        *old.version_mut() = Version::HTTP_10;
        assert!(!RequestHead::of(&old).asks_for_websocket());
    }

    #[test]
    fn a_body_is_refused() {
        let with_body = request().map(|_| Full::new(Bytes::from_static(b"frames?")));
        assert_eq!(check(&RequestHead::of(&with_body)), Err(HttpError::Body));
    }

    #[test]
    fn the_protocol_version_must_be_13() {
        for version in ["", "8", "12", "13, 8", "013"] {
            let request = request_with("sec-websocket-version", version);
            assert_eq!(
                check(&RequestHead::of(&request)),
                Err(HttpError::WebSocketVersion),
                "{version:?}"
            );
        }
        let mut without = request();
        without.headers_mut().remove(header::SEC_WEBSOCKET_VERSION);
        assert_eq!(check(&RequestHead::of(&without)), Err(HttpError::WebSocketVersion));
    }

    #[test]
    fn a_key_is_16_bytes_in_base64() {
        let cut = "AAAAAAAAAAAAAAAAAAAAAA";
        for key in ["", cut, "AAAAAAAAAAAAAAAAAAAA", "!AAAAAAAAAAAAAAAAAAAAA=="] {
            let request = request_with("sec-websocket-key", key);
            assert_eq!(check(&RequestHead::of(&request)), Err(HttpError::Key), "{key:?}");
        }
        assert!(
            check(&RequestHead::of(&request_with("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAB==")))
                .is_ok()
        );
        let mut doubled = request();
        let second = HeaderValue::from_static("AAAAAAAAAAAAAAAAAAAAAA==");
        doubled.headers_mut().append(header::SEC_WEBSOCKET_KEY, second);
        assert_eq!(check(&RequestHead::of(&doubled)), Err(HttpError::Key));
    }

    #[test]
    fn further_headers_cannot_change_the_handshake() {
        let pairs = [
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("upgrade", "h2c"),
            ("connection", "close"),
            ("sec-websocket-accept", "forged"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("content-length", "9"),
            ("transfer-encoding", "chunked"),
        ];
        let further = pairs
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let handshake =
            HandshakeResponse { accept_key: HeaderValue::from_static("key"), agreement: None };
        let response = handshake.accept(further.to_vec());
        let pairs = response.headers().iter();
        let mut lines: Vec<_> =
            pairs.map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        lines.sort();
        let expected: [(&str, &[u8]); 5] = [
            ("connection", b"Upgrade"),
            ("sec-websocket-accept", b"key"),
            ("set-cookie", b"a=1"),
            ("set-cookie", b"b=2"),
            ("upgrade", b"websocket"),
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_refusal_with_a_status_that_refuses_nothing_is_an_error() {
        for status in [0, 101, 199, 600, u16::MAX] {
            let response = refuse(status, Headers::new(), Bytes::new());
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{status}");
        }
        assert_eq!(refuse(401, Headers::new(), Bytes::new()).status(), StatusCode::UNAUTHORIZED);
    }

    proptest! {
        #[test]
        fn every_proper_key_gets_the_answer_that_a_client_expects(key in any::<[u8; 16]>()) {
            let key = STANDARD.encode(key);
            let mut request = request();
            let value = HeaderValue::try_from(&key).expect("base64 is ASCII");
            request.headers_mut().insert(header::SEC_WEBSOCKET_KEY, value);
            let accept_key = check(&RequestHead::of(&request)).expect("it is proper");
            let expected = derive_accept_key(key.as_bytes());
            prop_assert_eq!(accept_key.as_bytes(), expected.as_bytes());
        }

        #[test]
        fn any_key_is_answered_properly_or_refused(key in "[A-Za-z0-9+/=!_ -]{0,30}") {
            let mut request = request();
            let value = HeaderValue::try_from(&key).expect("it is printable");
            request.headers_mut().insert(header::SEC_WEBSOCKET_KEY, value);
            match check(&RequestHead::of(&request)) {
                Ok(accept_key) => {
                    let expected = derive_accept_key(key.as_bytes());
                    prop_assert_eq!(accept_key.as_bytes(), expected.as_bytes());
                    prop_assert_eq!(key.trim_end_matches('=').len(), 22, "16 bytes");
                }
                Err(http_error) => prop_assert_eq!(http_error, HttpError::Key),
            }
        }
    }
}
