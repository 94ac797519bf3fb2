//! The body of a response to a client.

use bytes::Bytes;
use http_body_util::{Either, Full};

use super::download::Download;

/// The door's own, or the application's as it comes.
pub(super) type Body = Either<Full<Bytes>, Download>;
