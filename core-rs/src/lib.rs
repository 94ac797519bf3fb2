//! The native core of shardcast.
//!
//! It owns the client sockets and fans messages out to them. Everything enters through the
//! [`Broadcaster`](broadcaster::Broadcaster), which one thread calls:
//!
//! - A **client** is a socket and a cursor. Its id places it on a **shard** and, there, on a
//!   **worker** ([`placement`]).
//! - A worker is one thread with one **queue** ([`queue`]), one epoll, and its clients
//!   ([`worker`]).
//! - Clients of a worker that hear the same **channels** form a **cohort** ([`cohort`]) and read
//!   one **log** ([`log`]), each from its own cursor. What is meant for one client alone is in its
//!   **backlog** ([`backlog`]).
//! - The **door** ([`door`]) accepts connections, and the **bridge** ([`bridge`]) tells JavaScript
//!   what happened.
//!
//! A *message* is published; a *delivery* is one message to one client, accepted whole by its
//! socket.

pub mod admission;
pub mod asks;
pub mod backlog;
#[cfg(all(feature = "napi", not(test)))]
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
mod binding;
pub mod bridge;
pub mod broadcaster;
pub mod channel;
pub mod client;
pub mod client_id;
pub mod cohort;
pub mod command;
pub mod compression;
pub mod delivery_times;
pub mod departure;
pub mod discards;
pub mod door;
pub mod error;
pub mod frame;
pub mod lane;
pub mod ledger;
pub mod log;
pub mod missed;
pub mod options;
pub mod placement;
mod prefetch;
pub mod queue;
pub mod reports;
pub mod roster;
pub mod routes;
pub mod shard;
pub mod stats;
pub mod wake_tree;
pub mod worker;
