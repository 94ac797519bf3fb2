//! The way to the application, which answers all plain HTTP.

pub(super) mod connections;
pub(super) mod dev_sockets;
pub(super) mod download;
pub(super) mod failures;
pub(super) mod peer_header;
pub(super) mod proxy;
mod socket;
pub(super) mod upload;
pub(super) mod upstream;
