//! A door on this machine, without an application behind it.

use std::net::Ipv4Addr;
use std::time::Duration;

use shardcast_core::door::{DoorConfig, ListenOptions};

/// On any free port. Nothing may take longer than `timeout`.
pub(crate) fn local_door(timeout: Duration) -> DoorConfig {
    DoorConfig {
        listen: ListenOptions::on(Ipv4Addr::LOCALHOST.into(), 0),
        upstream: "/nowhere/shardcast.sock".into(),
        upstream_secret: String::new(),
        head_timeout: timeout,
        idle_timeout: Some(timeout),
        write_timeout: timeout,
        max_head_bytes: 16_384,
        min_authority_bytes: 1,
        max_body_bytes: 1 << 20,
        max_requests: 1000,
        upgrade_timeout: timeout,
        max_pending_upgrades: 8,
        per_message_deflate: true,
        fast_path: true,
        has_dev_server: false,
    }
}
