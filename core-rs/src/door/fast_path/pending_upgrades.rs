//! Watches the pending upgrades of the fast path: for clients that leave, and for the deadline.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep_until};

use crate::door::accepted_connection::AcceptedConnection;
use crate::door::events::{DoorEvent, Emitter};
use crate::door::fast_path::pending_upgrade::{PendingUpgrade, Slot};
use crate::door::http::error::HttpError;
use crate::door::upgrade::decision::UpgradeId;
use crate::door::upgrade::gate::SentUpgrade;

/// How often the door looks for clients that have left.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// See the module's description.
pub(crate) struct PendingUpgrades {
    /// In the order in which they were sent. The next look removes slots that are empty.
    slots: RefCell<VecDeque<WatchedSlot>>,
    /// The first slot has come.
    added: Notify,
    /// When the door next looks for clients that have left.
    next_look: Cell<Instant>,
    /// Takes back the connections that no worker gets.
    door: UnboundedSender<AcceptedConnection>,
    emitter: Emitter,
}

struct WatchedSlot {
    slot: Arc<Slot>,
    id: UpgradeId,
    deadline: Instant,
}

impl PendingUpgrades {
    pub(crate) fn new(
        door: UnboundedSender<AcceptedConnection>,
        emitter: Emitter,
    ) -> PendingUpgrades {
        let (slots, added) = Default::default();
        PendingUpgrades { slots, added, next_look: Cell::new(Instant::now()), door, emitter }
    }

    /// A slot with an upgrade that is not watched yet.
    pub(crate) fn slot(&self, upgrade: PendingUpgrade) -> Arc<Slot> {
        Slot::new(upgrade, self.door.clone())
    }

    /// Watches an upgrade that was sent to the application.
    pub(crate) fn watch(&self, slot: Arc<Slot>, SentUpgrade { id, deadline }: SentUpgrade) {
        let mut slots = self.slots.borrow_mut();
        if slots.is_empty() {
            self.added.notify_one();
        }
        slots.push_back(WatchedSlot { slot, id, deadline });
    }

    /// Watches all, for ever. Each look reports how many slots it has removed.
    pub(crate) async fn run(&self, removed: impl Fn(usize)) {
        loop {
            self.added.notified().await;
            self.next_look.set(Instant::now() + LOOK_EVERY);
            while let Some(next) = self.next_work() {
                sleep_until(next).await;
                removed(self.work(Instant::now()));
            }
        }
    }

    /// When the next deadline or look is; none while there are no slots.
    fn next_work(&self) -> Option<Instant> {
        self.slots.borrow().front().map(|first| first.deadline.min(self.next_look.get()))
    }

    fn work(&self, now: Instant) -> usize {
        let mut slots = self.slots.borrow_mut();
        let before = slots.len();
        // All wait equally long, so that one deadline does not make the door look at thousands.
        while slots.front().is_some_and(|first| first.deadline <= now) {
            slots.pop_front().iter().for_each(|watched| self.time_out(watched));
        }
        if self.next_look.get() <= now {
            self.next_look.set(now + LOOK_EVERY);
            slots.retain(|watched| self.still_waits(watched));
        }
        before - slots.len()
    }

    /// Ends the connections of all, without a response.
    pub(crate) fn clear(&self) {
        for WatchedSlot { slot, id, .. } in self.slots.borrow_mut().drain(..) {
            if slot.take().is_some() {
                self.emitter.emit(DoorEvent::UpgradeGivenUp(id));
            }
        }
    }

    /// Answers with 503, unless the application has decided since.
    fn time_out(&self, WatchedSlot { slot, id, .. }: &WatchedSlot) {
        if slot.decide(Err(HttpError::UndecidedInTime)) {
            self.emitter.emit(DoorEvent::UpgradeGivenUp(*id));
        }
    }

    /// Whether a client waits and has not left. The door gives the upgrade of one that has left up.
    fn still_waits(&self, WatchedSlot { slot, id, .. }: &WatchedSlot) -> bool {
        match &*slot.lock() {
            None => return false,
            Some(upgrade) if !upgrade.connection.has_ended() => return true,
            Some(_) => {}
        }
        if slot.take().is_some() {
            self.emitter.emit(DoorEvent::UpgradeGivenUp(*id));
        }
        false
    }
}

/// The door is closed, and all its connections with it.
impl Drop for PendingUpgrades {
    fn drop(&mut self) {
        self.clear();
    }
}
