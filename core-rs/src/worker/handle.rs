//! A worker as the other threads see it: how they reach it, how it starts and how it ends.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::event_queue::EventQueue;
use crate::options::Options;
use crate::wake_tree::WakeTree;
use crate::worker::counters::Counters;
use crate::worker::delivery_times::DeliveryTimes;

use super::parts::{Mailbox, WorkerParts};
use super::telemetry::SharedTelemetry;
use super::{Worker, failure};

/// A worker as the other threads see it.
pub struct WorkerHandle {
    mailbox: Mailbox,
    telemetry: SharedTelemetry,
    thread: Option<JoinHandle<()>>,
}

impl WorkerHandle {
    /// Starts a worker's thread, named `shardcast-<number>`. Once it runs, it wakes others as the
    /// tree says.
    ///
    /// # Errors
    ///
    /// What the system says when there is no thread to be had.
    pub fn start(
        parts: WorkerParts,
        options: &Options,
        event_queue: Arc<EventQueue>,
        wake_tree: Arc<WakeTree<Mailbox>>,
    ) -> io::Result<WorkerHandle> {
        let (name, mailbox) = (format!("shardcast-{}", parts.number), parts.mailbox().clone());
        let telemetry = SharedTelemetry::default();
        let worker = Worker::new(parts, options.client, event_queue, wake_tree, telemetry.clone());
        let niceness = options.worker_niceness;
        let thread = thread::Builder::new().name(name).spawn(move || {
            make_way(niceness);
            failure::run(worker);
        })?;
        Ok(WorkerHandle { mailbox, telemetry, thread: Some(thread) })
    }

    /// The way into its queue.
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// What it has counted.
    pub fn counters(&self) -> Counters {
        self.telemetry.counters()
    }

    /// How long its messages have taken.
    pub fn delivery_times(&self) -> DeliveryTimes {
        self.telemetry.delivery_times()
    }

    /// Ends the thread, at once: what waits in its queue is not looked at any more.
    pub fn stop(&self) {
        self.mailbox.stop();
    }

    /// Waits until the thread has ended.
    pub fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // It catches its own panics; see `failure`.
            let _ = thread.join();
        }
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.stop();
        self.join();
    }
}

/// Lets the threads that answer requests run first. Workers are always many, and on a busy machine
/// JavaScript and the door would each wait for its turn among all of them; a delivery that is a
/// little later, on the other hand, makes the next write carry more.
fn make_way(niceness: i32) {
    // Elsewhere this would be the niceness of the whole process.
    if cfg!(target_os = "linux") {
        // Refused, the thread stays as it is.
        let _ = rustix::process::nice(niceness);
    }
}
