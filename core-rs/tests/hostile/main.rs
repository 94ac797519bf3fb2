//! Clients that mean harm, on real sockets, and one that wants its service meanwhile.
//!
//! Each test has a process of its own, so that it can measure what the attack cost.

#[path = "../door/alone.rs"]
mod alone;
mod connecting;
mod flooding;
#[path = "../harness/mod.rs"]
mod harness;
mod lying_low;
mod memory;
mod sending;
mod server;
