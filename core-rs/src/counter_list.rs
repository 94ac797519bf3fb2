//! Every counter and gauge, declared once.
//!
//! Each part of the core that counts derives its fields from this list, and so does what JavaScript
//! gets. There, `src/stats/counters.ts` gives each its public name: the compiler says which it
//! lacks.

/// Hands the list to the macro of a part, which takes the section that it needs.
macro_rules! counter_list {
    ($derive:ident) => {
        $derive! {
            worker {
                /// Clients it holds now, those that leave and those whose socket is still to come
                /// too.
                clients,
                /// Published messages taken from the queue.
                messages,
                /// Deliveries expected: each published message once a subscriber, and direct
                /// messages.
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
            queue {
                /// Published messages that the full queue refused.
                messages_queue_full,
                /// What they would have become: each counted once for every subscriber.
                dropped_queue_full,
                /// How often the queue got past its soft limit.
                saturations,
                /// Messages that went in while it was.
                messages_saturated,
                /// 1 while it is past the soft limit, or has been and is not yet well below it.
                saturated,
                /// Published messages in the queue now.
                queue_messages,
                /// Their bytes.
                queue_bytes,
            }
            door {
                /// Upgrades that were no proper RFC 6455 request.
                malformed,
                /// Upgrades that came while too many waited for their decision.
                busy,
                /// Upgrades that the application did not decide on, or not in time.
                undecided,
            }
        }
    };
}

pub(crate) use counter_list;
