//! Upgrades that wait for JavaScript's decision.

use rustc_hash::FxHashMap;

use crate::door::{AskId, Decision, PendingUpgrade};
use crate::frame::compression::Compression;

struct Ask {
    /// What the door has agreed on with the client.
    compression: Compression,
    pending: PendingUpgrade,
}

/// The undecided upgrades. The door limits how many there may be.
#[derive(Default)]
pub(super) struct Asks {
    waiting: FxHashMap<AskId, Ask>,
}

/// The upgrade was decided already, or the client has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AskGone;

impl Asks {
    /// Keeps an upgrade until it is decided or given up.
    pub(super) fn keep(&mut self, id: AskId, compression: Compression, pending: PendingUpgrade) {
        self.waiting.insert(id, Ask { compression, pending });
    }

    /// Whether someone still waits for this decision; returns how that client takes its messages.
    ///
    /// # Errors
    ///
    /// [`AskGone`] when nobody does.
    pub(super) fn check(&self, id: AskId) -> Result<Compression, AskGone> {
        let ask = self.waiting.get(&id).filter(|ask| ask.pending.is_awaited());
        ask.map(|ask| ask.compression).ok_or(AskGone)
    }

    /// Upgrades that somebody still waits for.
    pub(super) fn undecided(&self) -> usize {
        self.waiting.values().filter(|ask| ask.pending.is_awaited()).count()
    }

    /// Passes a decision on; returns whether somebody waited for it. Otherwise it is dropped.
    pub(super) fn decide(&mut self, id: AskId, decision: Decision) -> bool {
        self.waiting.remove(&id).is_some_and(|ask| ask.pending.decide(decision))
    }

    /// The door has given an upgrade up; returns whether it was undecided until now.
    pub(super) fn give_up(&mut self, id: AskId) -> bool {
        self.waiting.remove(&id).is_some()
    }
}
