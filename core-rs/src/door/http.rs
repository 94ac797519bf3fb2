//! HTTP/1.1 as the door reads and writes it by itself, without hyper's connections.

pub(super) mod error;
pub(super) mod headers;
pub(super) mod parser;
pub(super) mod request;
pub(super) mod response;
