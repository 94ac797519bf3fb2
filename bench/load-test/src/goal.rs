//! `--messages N`: the run ends when every reading client has received as many.

use crate::client::Behaviour;

/// Knows which slots are yet to receive their messages. Without a goal it is never reached.
pub(crate) struct Goal {
    messages: Option<u64>,
    finished: Vec<bool>,
    unfinished: usize,
}

impl Goal {
    pub(crate) fn new(messages: Option<u64>, behaviours: &[Behaviour]) -> Self {
        let finished: Vec<bool> =
            behaviours.iter().map(|behaviour| *behaviour != Behaviour::Reading).collect();
        let unfinished = finished.iter().filter(|finished| !**finished).count();
        Self { messages, finished, unfinished }
    }

    pub(crate) fn is_reached(&self) -> bool {
        self.messages.is_some() && self.unfinished == 0
    }

    /// Notes how many messages the client at `slot` has received by now.
    #[inline]
    pub(crate) fn note_received(&mut self, slot: usize, messages: u64) {
        if self.messages.is_some_and(|goal| messages >= goal) {
            self.finish(slot);
        }
    }

    /// Notes that the client at `slot` will receive no more.
    pub(crate) fn finish(&mut self, slot: usize) {
        if !self.finished[slot] {
            self.finished[slot] = true;
            self.unfinished -= 1;
        }
    }

    /// Notes that another reading client begins anew at `slot`.
    pub(crate) fn restart(&mut self, slot: usize) {
        if self.finished[slot] {
            self.finished[slot] = false;
            self.unfinished += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_goal_is_reached_when_every_reading_client_is_done() {
        let behaviours = [Behaviour::Reading, Behaviour::Stalled, Behaviour::Reading];
        let mut goal = Goal::new(Some(2), &behaviours);
        goal.note_received(0, 1);
        goal.note_received(0, 2);
        goal.note_received(0, 3);
        assert!(!goal.is_reached());
        goal.finish(2);
        assert!(goal.is_reached());
        goal.restart(0);
        assert!(!goal.is_reached());
    }

    #[test]
    fn without_a_number_there_is_no_goal() {
        assert!(!Goal::new(None, &[Behaviour::Stalled]).is_reached());
    }
}
