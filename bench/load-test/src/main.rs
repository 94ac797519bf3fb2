//! A load tester for WebSocket broadcast servers.
fn main() {}
