//! What becomes of a worker that panics, which is a fault of ours: its clients are closed,
//! JavaScript gets an event, and it begins anew. The other workers do not notice.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::Duration;

use super::Worker;

/// Wait before it begins anew, so that a fault that is there at once again takes no processor.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs a worker until it is stopped, however often it fails.
pub(super) fn run(mut worker: Worker) {
    // Nothing of what a panic left half done is looked at again, but for counters.
    while let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| worker.run())) {
        worker = worker.begin_anew(&describe(&*panic));
        if !worker.is_stopping() {
            thread::sleep(PAUSE);
        }
    }
}

/// The text of a panic. Where it was stands on stderr, by the panic hook.
fn describe(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a text").to_owned()
}
