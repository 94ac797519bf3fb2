//! What all HTTP connections have in common.

use hyper::server::conn::http1;

use crate::door::config::{DoorConfig, STREAM_BUFFER_BYTES};
use crate::door::connection::request_filter::MAX_FIELDS;
use crate::door::connection::timer::{HalfCloseLimit, Timeouts};
use crate::door::http::parser::Limits;

/// See the module's description.
pub(crate) struct ConnectionSettings {
    pub(crate) http: http1::Builder,
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) half_close_limit: HalfCloseLimit,
}

impl ConnectionSettings {
    pub(crate) fn new(config: &DoorConfig) -> ConnectionSettings {
        let mut http = http1::Builder::new();
        // The `RequestFilter` limits heads, and may add the field `Host`. The `ConnectionTimer`
        // limits how long a head takes.
        http.header_read_timeout(None)
            .max_headers(MAX_FIELDS + 1)
            .max_buf_size(STREAM_BUFFER_BYTES.max(config.max_head_bytes));
        let timeouts = Timeouts {
            head: config.head_timeout,
            idle: config.idle_timeout,
            write: config.write_timeout,
        };
        let (limits, half_close_limit) = (Limits::of(config), HalfCloseLimit::new());
        ConnectionSettings { http, limits, timeouts, half_close_limit }
    }
}
