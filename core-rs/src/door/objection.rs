//! What the door answers by itself, and why.

use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

use super::handshake::VERSION;
use super::headers::offer_websocket;
use super::response::{Body, text};

/// Why a request gets neither to the application nor to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objection {
    /// A head that breaks the rules, and which.
    Malformed(&'static str),
    /// A head of more bytes than may be.
    HeadTooLong,
    /// A head of more fields than the application takes.
    TooManyFields,
    /// A target that no URI holds.
    TargetTooLong,
    /// Another version of HTTP than 1.0 and 1.1.
    Version,
    /// A host that is too short for the application to find the path behind it.
    ShortHost,
    /// The door is no forward proxy.
    Connect,
    /// `*` with another method than OPTIONS.
    Target,
    /// No `Host`, or several.
    Host,
    /// A body in another coding than chunks.
    TransferCoding,
    /// A body that ended early, or whose chunks cannot be told apart.
    BrokenBody,
    /// A body that is longer than the application takes.
    BodyTooLong,
    /// A WebSocket request with a body.
    Body,
    /// Another version of the WebSocket protocol than 13.
    WebSocketVersion,
    /// A `Sec-WebSocket-Key` that is missing, doubled, or not 16 bytes in base64.
    Key,
    /// The limit of upgrades that wait for a decision is reached.
    TooManyUndecided,
    /// The application did not decide on the upgrade in time.
    UndecidedInTime,
    /// The application let the upgrade go without a decision.
    Undecided,
    /// The limit of sockets to Bun's development server is reached.
    TooManyDevSockets,
    /// Nothing listens on the application's socket.
    Unreachable,
    /// The application's answer cannot be passed on.
    UnusableAnswer,
    /// The limit of requests that the application answers at once is reached.
    Busy,
}

impl Objection {
    fn status(self) -> StatusCode {
        match self {
            Objection::Connect | Objection::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Objection::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Objection::WebSocketVersion => StatusCode::UPGRADE_REQUIRED,
            Objection::HeadTooLong | Objection::TooManyFields => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Objection::TargetTooLong => StatusCode::URI_TOO_LONG,
            Objection::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Objection::Malformed(_)
            | Objection::ShortHost
            | Objection::Target
            | Objection::Host
            | Objection::BrokenBody
            | Objection::Body
            | Objection::Key => StatusCode::BAD_REQUEST,
            Objection::TooManyUndecided
            | Objection::UndecidedInTime
            | Objection::Undecided
            | Objection::TooManyDevSockets
            | Objection::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Objection::Unreachable | Objection::UnusableAnswer => StatusCode::BAD_GATEWAY,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Objection::Malformed(what) => what,
            Objection::HeadTooLong => "the head of the request is too long\n",
            Objection::TooManyFields => "the request has too many header fields\n",
            Objection::TargetTooLong => "the target of the request is too long\n",
            Objection::Version => "the only supported versions are HTTP/1.1 and HTTP/1.0\n",
            Objection::ShortHost => {
                "the host of the request is too short: the app would read another path\n"
            }
            Objection::Connect => "CONNECT is not supported: this is not a forward proxy\n",
            Objection::Target => "the target * goes with OPTIONS only\n",
            Objection::Host => "a request needs exactly one Host header\n",
            Objection::TransferCoding => "the only supported Transfer-Encoding is chunked\n",
            Objection::BrokenBody => "the body of the request is malformed or incomplete\n",
            Objection::BodyTooLong => "the body of the request is too long\n",
            Objection::Body => "a WebSocket request must not have a body\n",
            Objection::WebSocketVersion => "Sec-WebSocket-Version must be 13\n",
            Objection::Key => "Sec-WebSocket-Key must be 16 bytes in base64\n",
            Objection::TooManyUndecided => "too many WebSocket requests wait for a decision\n",
            Objection::UndecidedInTime => "the application took too long to decide\n",
            Objection::Undecided => "the application did not decide\n",
            Objection::TooManyDevSockets => "too many pages of the development server are open\n",
            Objection::Unreachable => "the application cannot be reached\n",
            Objection::UnusableAnswer => "the answer of the application cannot be passed on\n",
            Objection::Busy => "the application answers too many requests\n",
        }
    }

    /// The response that tells the client.
    pub(super) fn response(self) -> Response<Body> {
        let mut response = text(self.status(), self.words());
        let headers = response.headers_mut();
        match self.status() {
            StatusCode::UPGRADE_REQUIRED => {
                offer_websocket(headers);
                headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
            }
            // What follows a request that is not understood may not be one, and the rest of a body
            // that is too long is not waited for.
            StatusCode::BAD_REQUEST
            | StatusCode::URI_TOO_LONG
            | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            | StatusCode::HTTP_VERSION_NOT_SUPPORTED
            | StatusCode::NOT_IMPLEMENTED
            | StatusCode::PAYLOAD_TOO_LARGE => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
