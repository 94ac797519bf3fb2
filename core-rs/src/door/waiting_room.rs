//! Looks after the guests that wait: whether they are still there, and whether they wait too long.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep_until};

use super::arrival::Opening;
use super::decider::{Asked, Tell};
use super::guest::{Chair, Guest};
use super::objection::Objection;
use super::{AskId, DoorEvent};

/// How often it looks after them, at least.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// See the module's description.
pub(super) struct WaitingRoom {
    /// In the order in which they were taken. One that has been left goes at the next look.
    chairs: RefCell<VecDeque<Taken>>,
    first_is_taken: Notify,
    /// To which guests go back that are not let in.
    door: UnboundedSender<Opening>,
    tell: Tell,
}

/// A chair that was taken.
struct Taken {
    chair: Arc<Chair>,
    ask: AskId,
    until: Instant,
}

impl WaitingRoom {
    pub(super) fn new(door: UnboundedSender<Opening>, tell: Tell) -> WaitingRoom {
        let (chairs, first_is_taken) = Default::default();
        WaitingRoom { chairs, first_is_taken, door, tell }
    }

    /// A chair for a guest, which is not looked after yet.
    pub(super) fn seat(&self, guest: Guest) -> Arc<Chair> {
        Chair::new(guest, self.door.clone())
    }

    /// Looks after the guest that the application was asked about.
    pub(super) fn look_after(&self, chair: Arc<Chair>, Asked { ask, until }: Asked) {
        let mut chairs = self.chairs.borrow_mut();
        if chairs.is_empty() {
            self.first_is_taken.notify_one();
        }
        chairs.push_back(Taken { chair, ask, until });
    }

    /// Looks after all, for ever, and tells how many have left at each look.
    pub(super) async fn keep(&self, left: impl Fn(usize)) {
        loop {
            self.first_is_taken.notified().await;
            while let Some(next) = self.next_look() {
                sleep_until(next).await;
                left(self.look());
            }
        }
    }

    /// When it is looked after them next; none while there are none.
    fn next_look(&self) -> Option<Instant> {
        let regular = Instant::now() + LOOK_EVERY;
        self.chairs.borrow().front().map(|first| first.until.min(regular))
    }

    fn look(&self) -> usize {
        let now = Instant::now();
        let mut chairs = self.chairs.borrow_mut();
        let before = chairs.len();
        chairs.retain(|taken| self.still_waits(taken, now));
        before - chairs.len()
    }

    /// Sends away a guest that has left or waits too long.
    fn still_waits(&self, Taken { chair, ask, until }: &Taken, now: Instant) -> bool {
        let has_left = match &*chair.look() {
            None => return false,
            Some(guest) => guest.opening.has_ended(),
        };
        if !has_left && now < *until {
            return true;
        }
        // Unless the application has decided since.
        let is_given_up = match has_left {
            true => chair.free().is_some(),
            false => chair.decide(Err(Objection::UndecidedInTime)),
        };
        if is_given_up {
            (self.tell)(DoorEvent::GivenUp(*ask));
        }
        false
    }
}

/// The door is closed: all have to go.
impl Drop for WaitingRoom {
    fn drop(&mut self) {
        for Taken { chair, ask, .. } in self.chairs.get_mut().drain(..) {
            if chair.free().is_some() {
                (self.tell)(DoorEvent::GivenUp(ask));
            }
        }
    }
}
