//! The members of a cohort, and how far the current pass over them has come.
//!
//! A pass visits every member once. The members that still wait are a window of the list that may
//! wrap around its end, so that passes follow each other around the ring. Members come and go in
//! the middle of a pass at a constant cost.

use crate::worker::client::ClientIndex;

/// See the module's description.
#[derive(Default)]
pub struct Roster {
    members: Vec<ClientIndex>,
    /// Where the window starts: the seat of the next member to visit.
    next: usize,
    /// Length of the window: how many members the pass has still to visit.
    waiting: usize,
}

/// The member that took the seat of one that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reseated {
    /// Who was moved; its seat is now the one that became free.
    pub client: ClientIndex,
    /// The pass would have visited it in its old seat, and will not in the new one.
    pub passed_over: bool,
}

impl Roster {
    /// Number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// All members, by seat.
    pub fn members(&self) -> &[ClientIndex] {
        &self.members
    }

    /// True without members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Starts a pass over all members where the last one ended.
    pub fn begin_pass(&mut self) {
        self.waiting = self.members.len();
    }

    /// Takes the next member of the pass; `None` when the pass is over.
    pub fn next_in_pass(&mut self) -> Option<ClientIndex> {
        self.waiting = self.waiting.checked_sub(1)?;
        let member = self.members[self.next];
        self.step();
        Some(member)
    }

    /// The member that is visited next, if the pass goes on that long.
    pub fn upcoming(&self) -> Option<ClientIndex> {
        self.members.get(self.next).copied()
    }

    /// True while a pass has members to visit.
    pub fn in_pass(&self) -> bool {
        self.waiting > 0
    }

    /// Lets the next pass start one seat further on. Passes that follow each other without a pause
    /// go round the ring by themselves; single ones would all start at the same member.
    pub fn rotate(&mut self) {
        if !self.members.is_empty() {
            self.step();
        }
    }

    fn step(&mut self) {
        self.next += 1;
        if self.next == self.members.len() {
            self.next = 0;
        }
    }

    /// Adds a member and returns its seat. The pass under way need not visit it.
    pub fn join(&mut self, client: ClientIndex) -> usize {
        let seat = self.members.len();
        if self.next + self.waiting > seat {
            // The window wraps around the end, so the new seat lies inside it.
            self.waiting += 1;
        }
        self.members.push(client);
        seat
    }

    /// Removes the member in `seat`. The last member, if another, moves there and is returned.
    pub fn leave(&mut self, seat: usize) -> Option<Reseated> {
        let last = self.members.len() - 1;
        let (left_waits, last_waits) = (self.waits(seat), self.waits(last));
        self.members.swap_remove(seat);
        // The last seat is gone, and with it a place in the window if it had one.
        self.waiting -= usize::from(last_waits);
        if self.next >= last {
            self.next = 0;
        }
        (seat < last).then(|| Reseated {
            client: self.members[seat],
            passed_over: last_waits && !left_waits,
        })
    }

    fn waits(&self, seat: usize) -> bool {
        let len = self.members.len();
        (seat + len - self.next) % len < self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Join,
        Leave(usize),
        Visit(usize),
        Begin,
        Rotate,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Join),
            2 => any::<usize>().prop_map(Step::Leave),
            4 => (1usize..6).prop_map(Step::Visit),
            1 => Just(Step::Begin),
            1 => Just(Step::Rotate),
        ]
    }

    proptest! {
        #[test]
        fn a_pass_visits_or_reports_every_member_it_began_with(
            steps in prop::collection::vec(step(), 0..200)
        ) {
            let mut roster = Roster::default();
            let mut seats: Vec<ClientIndex> = Vec::new();
            let mut due: HashSet<ClientIndex> = HashSet::new();
            let mut number = 0;
            for step in steps {
                match step {
                    Step::Join => {
                        prop_assert_eq!(roster.join(number), seats.len());
                        seats.push(number);
                        number += 1;
                    }
                    Step::Leave(seat) if !seats.is_empty() => {
                        let seat = seat % seats.len();
                        let reseated = roster.leave(seat);
                        due.remove(&seats.swap_remove(seat));
                        let moved = reseated.map(|moved| moved.client);
                        prop_assert_eq!(moved, seats.get(seat).copied());
                        if let Some(moved) = reseated.filter(|moved| moved.passed_over) {
                            due.remove(&moved.client);
                        }
                    }
                    Step::Visit(times) => {
                        for _ in 0..times {
                            let Some(client) = roster.next_in_pass() else { break };
                            due.remove(&client);
                        }
                    }
                    Step::Begin if !roster.in_pass() => {
                        prop_assert!(due.is_empty(), "the last pass left out {:?}", due);
                        due = seats.iter().copied().collect();
                        roster.begin_pass();
                    }
                    Step::Rotate if !roster.in_pass() => roster.rotate(),
                    _ => {}
                }
                prop_assert!(roster.waiting <= roster.len());
            }
            while let Some(client) = roster.next_in_pass() {
                due.remove(&client);
            }
            prop_assert!(due.is_empty(), "the last pass left out {:?}", due);
        }
    }
}
