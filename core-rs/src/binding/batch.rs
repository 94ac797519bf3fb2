//! Events in batches, as JavaScript drains them.

use napi_derive::napi;

use crate::broadcaster::Broadcaster;
use crate::event_queue::Event;
use crate::queue::QueueItem;

use super::events::{CoreEvent, core_event};
use super::upgrades::UpgradeRun;

/// What happened since the last batch, and whether more may wait.
#[napi(object, object_from_js = false)]
pub struct Batch {
    pub events: Vec<CoreEvent>,
    pub is_full: bool,
}

/// Bytes of clients' messages and heads that go over in one batch, beside the last: to make
/// JavaScript's own of a mebibyte takes a millisecond.
const BATCH_BYTES: usize = 1024 * 1024;

impl Batch {
    /// The oldest events, `max` at most, each upgrade counted, and no more than [`BATCH_BYTES`].
    pub(super) fn take(broadcaster: &mut Broadcaster, max: u32) -> Batch {
        let mut events = Vec::new();
        let mut upgrades = UpgradeRun::default();
        let mut taken = 0;
        let mut bytes = 0;
        while taken < max && bytes < BATCH_BYTES {
            match broadcaster.next_event() {
                Some(Event::Upgrade(request)) => {
                    bytes += upgrades.add(request, broadcaster);
                    taken += 1;
                    if upgrades.is_full() {
                        events.extend(upgrades.end());
                    }
                }
                Some(event) => {
                    bytes += event.bytes().unwrap_or(0);
                    events.extend(upgrades.end());
                    events.extend(core_event(event, broadcaster));
                    taken += 1;
                }
                None if broadcaster.may_rest() => break,
                None => {}
            }
        }
        events.extend(upgrades.end());
        // While JavaScript handles this batch, the workers read for the next ones.
        broadcaster.let_workers_read();
        Batch { events, is_full: taken == max || bytes >= BATCH_BYTES }
    }
}
