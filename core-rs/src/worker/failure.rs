//! What becomes of a worker that panics, which is a fault of ours: its clients are closed,
//! JavaScript is told, and it begins anew. The other workers do not notice.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::Duration;

use crate::event_queue::Event;
use crate::frame::close_code;
use crate::worker::client::Client;
use crate::worker::departure::{Cause, Departure};

use super::Worker;

/// Wait before it begins anew, so that a fault that is there at once again takes no processor.
const PAUSE: Duration = Duration::from_millis(100);

impl Worker {
    /// Runs until it is stopped, however often it fails.
    pub(super) fn run_on(mut self) {
        // Nothing of what a panic left half done is looked at again, but for counters.
        while let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| self.run())) {
            self = self.begin_anew(&describe(&*panic));
            if !self.is_stopping() {
                thread::sleep(PAUSE);
            }
        }
    }

    /// A worker without clients in the place of this one: with its queue, its epoll, which the
    /// waker of the queue belongs to, and what it has counted.
    fn begin_anew(mut self, reason: &str) -> Worker {
        self.counters.failures += 1;
        self.bridge
            .tell(Event::WorkerFailed { worker: self.parts.number, reason: reason.to_owned() });
        let clients = std::mem::take(&mut self.clients);
        for (_, client) in clients.iter().filter(|(_, client)| client.is_open()) {
            self.emit_failed(client);
        }
        // Closes their sockets, which takes them out of epoll.
        drop(clients);
        self.close_totals();
        self.shared_counters.publish(&self.counters);
        let Worker { counters, departed, delivery_times, .. } = self;
        let anew = Worker::new(
            self.parts,
            self.limits,
            self.bridge,
            self.wake_tree,
            self.shared_counters,
            self.shared_delivery_times,
        );
        Worker { counters, departed, delivery_times, ..anew }
    }

    fn emit_failed(&mut self, client: &Client) {
        let departure = Departure { cause: Cause::Failed, waiting: None };
        self.count_closed(departure.cause);
        let (client, code, reason) = (client.key, close_code::ABNORMAL, String::new());
        self.bridge.tell(Event::Closed { client, code, reason, departure });
    }

    /// All that waited is dropped. The message at which it failed may be in one of the totals and
    /// not in the other, so that the clients' go on from the worker's.
    pub(super) fn close_totals(&mut self) {
        self.departed = self.worker_totals().closed();
        self.counters.dropped_closed = self.departed.dropped.closed;
        self.counters.clients = 0;
        self.counters.slow_clients = 0;
    }
}

/// What a panic says. Where it was stands on stderr, by the panic hook.
fn describe(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without words").to_owned()
}
