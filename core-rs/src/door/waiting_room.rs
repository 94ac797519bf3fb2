//! Looks after the guests that wait: whether they are still there, and whether they wait too long.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep_until};

use super::arrival::Opening;
use super::decider::Asked;
use super::guest::{Chair, Guest};
use super::objection::Objection;
use super::tell::Tell;
use super::{AskId, DoorEvent};

/// How often it is looked whether they are still there.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// See the module's description.
pub(super) struct WaitingRoom {
    /// In the order in which they were taken. One that has been left goes at the next look.
    chairs: RefCell<VecDeque<Taken>>,
    first_is_taken: Notify,
    /// When it is looked whether they are still there.
    next_look: Cell<Instant>,
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
        WaitingRoom { chairs, first_is_taken, next_look: Cell::new(Instant::now()), door, tell }
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
            self.next_look.set(Instant::now() + LOOK_EVERY);
            while let Some(next) = self.next_duty() {
                sleep_until(next).await;
                left(self.do_duty(Instant::now()));
            }
        }
    }

    /// When something is to be done for them; none while there are none.
    fn next_duty(&self) -> Option<Instant> {
        self.chairs.borrow().front().map(|first| first.until.min(self.next_look.get()))
    }

    fn do_duty(&self, now: Instant) -> usize {
        let mut chairs = self.chairs.borrow_mut();
        let before = chairs.len();
        // All wait equally long. Of thousands, most are not looked at for the sake of one.
        while chairs.front().is_some_and(|first| first.until <= now) {
            chairs.pop_front().iter().for_each(|taken| self.send_away(taken));
        }
        if self.next_look.get() <= now {
            self.next_look.set(now + LOOK_EVERY);
            chairs.retain(|taken| self.is_there(taken));
        }
        before - chairs.len()
    }

    /// Ends the connections of all, without an answer.
    pub(super) fn clear(&self) {
        for Taken { chair, ask, .. } in self.chairs.borrow_mut().drain(..) {
            if chair.free().is_some() {
                self.tell.tell(DoorEvent::GivenUp(ask));
            }
        }
    }

    /// Tells a guest that it has waited too long. Unless the application has decided since.
    fn send_away(&self, Taken { chair, ask, .. }: &Taken) {
        if chair.decide(Err(Objection::UndecidedInTime)) {
            self.tell.tell(DoorEvent::GivenUp(*ask));
        }
    }

    /// Whether a guest waits and has not left. Nobody need decide on one that has.
    fn is_there(&self, Taken { chair, ask, .. }: &Taken) -> bool {
        match &*chair.look() {
            None => return false,
            Some(guest) if !guest.opening.has_ended() => return true,
            Some(_) => {}
        }
        if chair.free().is_some() {
            self.tell.tell(DoorEvent::GivenUp(*ask));
        }
        false
    }
}

/// The door is closed: all have to go.
impl Drop for WaitingRoom {
    fn drop(&mut self) {
        self.clear();
    }
}
