//! The native core of shardcast.
//!
//! It owns the client sockets and fans messages out to them. Everything enters through the
//! [`Broadcaster`](broadcaster::Broadcaster), which one thread calls:
//!
//! - A **client** is a socket and a cursor. Its id places it on a **shard** and, there, on a
//!   **worker** ([`broadcaster::placement`]).
//! - A worker is one thread with one **queue** ([`queue`]), one epoll, and its clients
//!   ([`worker`]).
//! - Clients of a worker that are subscribed to the same **channels** form a **cohort**
//!   ([`worker::cohort`]) and read one **log** ([`worker::cohort::log`]), each from its own cursor.
//!   The messages to one client alone are in its **backlog** ([`worker::client::backlog`]).
//! - The **door** ([`door`]) accepts connections, and the **event queue** ([`event_queue`]) takes
//!   to JavaScript what happened.
//!
//! A *message* is published; a *delivery* is one message to one client, accepted whole by its
//! socket.

#[cfg(all(feature = "napi", not(test)))]
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
mod binding;
pub mod broadcaster;
mod counter_list;
pub mod door;
pub mod error;
pub mod event_queue;
pub mod frame;
pub mod ids;
pub mod options;
pub mod queue;
pub mod wake_tree;
pub mod worker;
