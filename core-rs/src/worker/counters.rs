//! What each worker counts. One thread writes a counter, any thread reads it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Declares the counters once: the worker's own `Counters`, and the `SharedCounters` it publishes
/// them to.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A worker's counters since start, in plain memory of its own.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// A worker's counters as others see them, at most one turn of the worker old.
        #[derive(Debug, Default)]
        pub struct SharedCounters {
            $($name: AtomicU64,)*
        }

        impl SharedCounters {
            /// For the worker alone: shows what it has counted.
            pub fn publish(&self, counters: &Counters) {
                $(self.$name.store(counters.$name, Ordering::Relaxed);)*
            }

            /// The counters. When the worker is idle they agree with each other.
            pub fn read(&self) -> Counters {
                Counters { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Clients it holds now, those that leave and those whose socket is still to come too.
    clients,
    /// Published messages taken from the queue.
    messages,
    /// Deliveries expected: each published message once a subscriber, and direct messages.
    deliveries_expected,
    /// Messages that a client's socket has accepted whole.
    deliveries,
    /// Messages dropped because their client was slow and was disconnected.
    dropped_slow,
    /// Messages that slow clients skipped.
    dropped_skipped,
    /// Messages dropped because their client had closed or its connection had broken.
    dropped_closed,
    /// Clients now whose socket refuses bytes.
    slow_clients,
    /// Clients that the application closed, or a shutdown.
    closed_by_app,
    /// Clients that closed by themselves, with a handshake.
    closed_by_client,
    /// Clients disconnected for being slow.
    closed_slow,
    /// Clients given up for their silence.
    closed_idle,
    /// Clients whose connection ended or broke without a closing handshake.
    closed_broken,
    /// Clients closed because they broke the protocol.
    closed_violation,
    /// Clients closed because the worker has panicked.
    closed_failed,
    /// Clients closed for a message that they did not finish.
    closed_unfinished,
    /// Bytes that sockets have accepted, frame headers and control frames included.
    bytes_written,
    /// Writes to sockets.
    writes,
    /// Messages received from clients.
    messages_received,
    /// Bytes of payload of the messages received.
    bytes_received,
    /// Time it was awake, in nanoseconds.
    busy_ns,
    /// How often it has panicked, closed its clients and begun anew.
    failures,
}

impl Counters {
    /// Clients that have left, for whatever reason.
    pub fn closed(&self) -> u64 {
        self.closed_by_app
            + self.closed_by_client
            + self.closed_slow
            + self.closed_idle
            + self.closed_broken
            + self.closed_violation
            + self.closed_failed
            + self.closed_unfinished
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_read() {
        let shared = SharedCounters::default();
        let counters = Counters { deliveries: 3, clients: 2, ..Counters::default() };
        shared.publish(&counters);
        assert_eq!(shared.read(), counters);
    }
}
