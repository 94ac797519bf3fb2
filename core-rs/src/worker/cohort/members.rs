//! The members of a cohort, and how far the current pass over them has come.
//!
//! A pass visits every member once. The members that still wait are a window of the list that may
//! wrap around its end, so that passes follow each other around the ring. Members come and go in
//! the middle of a pass at a constant cost.

use crate::ids::{ClientIndex, MemberPosition};

/// See the module's description.
#[derive(Default)]
pub struct Members {
    clients: Vec<ClientIndex>,
    /// Where the window starts: the position of the next member to visit.
    next: usize,
    /// Length of the window: how many members the pass has still to visit.
    waiting: usize,
}

/// The member that took the position of one that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Who was moved; its position is now the one that became free.
    pub client: ClientIndex,
    /// The pass would have visited it in its old position, and will not in the new one.
    pub passed_over: bool,
}

impl Members {
    /// Number of members.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// All members, by position.
    pub fn as_slice(&self) -> &[ClientIndex] {
        &self.clients
    }

    /// True without members.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Starts a pass over all members where the last one ended.
    pub fn begin_pass(&mut self) {
        self.waiting = self.clients.len();
    }

    /// Takes the next member of the pass; `None` when the pass is over.
    pub fn next_in_pass(&mut self) -> Option<ClientIndex> {
        self.waiting = self.waiting.checked_sub(1)?;
        let member = self.clients[self.next];
        self.step();
        Some(member)
    }

    /// The member that is visited next, if the pass goes on that long.
    pub fn upcoming(&self) -> Option<ClientIndex> {
        self.clients.get(self.next).copied()
    }

    /// True while a pass has members to visit.
    pub fn in_pass(&self) -> bool {
        self.waiting > 0
    }

    /// Lets the next pass start one position further on. Passes that follow each other without a
    /// pause go round the ring by themselves; single ones would all start at the same member.
    pub fn rotate(&mut self) {
        if !self.clients.is_empty() {
            self.step();
        }
    }

    fn step(&mut self) {
        self.next += 1;
        if self.next == self.clients.len() {
            self.next = 0;
        }
    }

    /// Adds a member and returns its position. The pass under way need not visit it.
    pub fn join(&mut self, client: ClientIndex) -> MemberPosition {
        let position = self.clients.len();
        if self.next + self.waiting > position {
            // The window wraps around the end, so the new position lies inside it.
            self.waiting += 1;
        }
        self.clients.push(client);
        position
    }

    /// Removes the member in `position`. The last member, if another, moves there and is returned.
    pub fn leave(&mut self, position: MemberPosition) -> Option<Moved> {
        let last = self.clients.len() - 1;
        let (left_waits, last_waits) = (self.waits(position), self.waits(last));
        self.clients.swap_remove(position);
        // The last position is gone, and with it a place in the window if it had one.
        self.waiting -= usize::from(last_waits);
        if self.next >= last {
            self.next = 0;
        }
        (position < last).then(|| Moved {
            client: self.clients[position],
            passed_over: last_waits && !left_waits,
        })
    }

    fn waits(&self, position: MemberPosition) -> bool {
        let len = self.clients.len();
        (position + len - self.next) % len < self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum MembersStep {
        Join,
        Leave(usize),
        Visit(usize),
        Begin,
        Rotate,
    }

    fn step() -> impl Strategy<Value = MembersStep> {
        prop_oneof![
            3 => Just(MembersStep::Join),
            2 => any::<usize>().prop_map(MembersStep::Leave),
            4 => (1usize..6).prop_map(MembersStep::Visit),
            1 => Just(MembersStep::Begin),
            1 => Just(MembersStep::Rotate),
        ]
    }

    proptest! {
        #[test]
        fn a_pass_visits_or_reports_every_member_it_began_with(
            steps in prop::collection::vec(step(), 0..200)
        ) {
            let mut members = Members::default();
            let mut positions: Vec<ClientIndex> = Vec::new();
            let mut due: HashSet<ClientIndex> = HashSet::new();
            let mut number = 0;
            for step in steps {
                match step {
                    MembersStep::Join => {
                        prop_assert_eq!(members.join(number), positions.len());
                        positions.push(number);
                        number += 1;
                    }
                    MembersStep::Leave(position) if !positions.is_empty() => {
                        let position = position % positions.len();
                        let moved = members.leave(position);
                        due.remove(&positions.swap_remove(position));
                        let client = moved.map(|moved| moved.client);
                        prop_assert_eq!(client, positions.get(position).copied());
                        if let Some(moved) = moved.filter(|moved| moved.passed_over) {
                            due.remove(&moved.client);
                        }
                    }
                    MembersStep::Visit(times) => {
                        for _ in 0..times {
                            let Some(client) = members.next_in_pass() else { break };
                            due.remove(&client);
                        }
                    }
                    MembersStep::Begin if !members.in_pass() => {
                        prop_assert!(due.is_empty(), "the last pass left out {:?}", due);
                        due = positions.iter().copied().collect();
                        members.begin_pass();
                    }
                    MembersStep::Rotate if !members.in_pass() => members.rotate(),
                    _ => {}
                }
                prop_assert!(members.waiting <= members.len());
            }
            while let Some(client) = members.next_in_pass() {
                due.remove(&client);
            }
            prop_assert!(due.is_empty(), "the last pass left out {:?}", due);
        }
    }
}
