//! Why the door answers a request by itself.

use hyper::StatusCode;

/// Why a request gets neither to the application nor to a worker. Each has a status and a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpError {
    /// A head that breaks a rule, with a message that names it.
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
    /// A body that ended early, or whose chunks cannot be separated.
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

impl HttpError {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            HttpError::Connect | HttpError::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            HttpError::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            HttpError::WebSocketVersion => StatusCode::UPGRADE_REQUIRED,
            HttpError::HeadTooLong | HttpError::TooManyFields => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            HttpError::TargetTooLong => StatusCode::URI_TOO_LONG,
            HttpError::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            HttpError::Malformed(_)
            | HttpError::ShortHost
            | HttpError::Target
            | HttpError::Host
            | HttpError::BrokenBody
            | HttpError::Body
            | HttpError::Key => StatusCode::BAD_REQUEST,
            HttpError::TooManyUndecided
            | HttpError::UndecidedInTime
            | HttpError::Undecided
            | HttpError::TooManyDevSockets
            | HttpError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            HttpError::Unreachable | HttpError::UnusableAnswer => StatusCode::BAD_GATEWAY,
        }
    }

    /// The body of the response.
    pub(crate) fn message(self) -> &'static str {
        match self {
            HttpError::Malformed(rule) => rule,
            HttpError::HeadTooLong => "the head of the request is too long\n",
            HttpError::TooManyFields => "the request has too many header fields\n",
            HttpError::TargetTooLong => "the target of the request is too long\n",
            HttpError::Version => "the only supported versions are HTTP/1.1 and HTTP/1.0\n",
            HttpError::ShortHost => {
                "the host of the request is too short: the app would read another path\n"
            }
            HttpError::Connect => "CONNECT is not supported: this is not a forward proxy\n",
            HttpError::Target => "the target * goes with OPTIONS only\n",
            HttpError::Host => "a request needs exactly one Host header\n",
            HttpError::TransferCoding => "the only supported Transfer-Encoding is chunked\n",
            HttpError::BrokenBody => "the body of the request is malformed or incomplete\n",
            HttpError::BodyTooLong => "the body of the request is too long\n",
            HttpError::Body => "a WebSocket request must not have a body\n",
            HttpError::WebSocketVersion => "Sec-WebSocket-Version must be 13\n",
            HttpError::Key => "Sec-WebSocket-Key must be 16 bytes in base64\n",
            HttpError::TooManyUndecided => "too many WebSocket requests wait for a decision\n",
            HttpError::UndecidedInTime => "the application took too long to decide\n",
            HttpError::Undecided => "the application did not decide\n",
            HttpError::TooManyDevSockets => "too many pages of the development server are open\n",
            HttpError::Unreachable => "the application cannot be reached\n",
            HttpError::UnusableAnswer => "the answer of the application cannot be passed on\n",
            HttpError::Busy => "the application answers too many requests\n",
        }
    }
}
