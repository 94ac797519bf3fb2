//! Upgrades that wait for JavaScript's decision.

use rustc_hash::FxHashMap;

use crate::door::{Decision, Responder, UpgradeId};
use crate::frame::form::Form;

struct Undecided {
    /// What the door has agreed on with the client.
    form: Form,
    responder: Responder,
}

/// The undecided upgrades. The door limits how many there may be.
#[derive(Default)]
pub(super) struct UndecidedUpgrades {
    waiting: FxHashMap<UpgradeId, Undecided>,
}

/// The upgrade was decided already, or the client has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UpgradeGone;

impl UndecidedUpgrades {
    /// Keeps an upgrade until it is decided or given up.
    pub(super) fn keep(&mut self, id: UpgradeId, form: Form, responder: Responder) {
        self.waiting.insert(id, Undecided { form, responder });
    }

    /// The form in which the client of an undecided upgrade takes its messages.
    ///
    /// # Errors
    ///
    /// [`UpgradeGone`] when it was decided already, or its client has gone.
    pub(super) fn check(&self, id: UpgradeId) -> Result<Form, UpgradeGone> {
        let upgrade = self.waiting.get(&id).filter(|upgrade| upgrade.responder.is_awaited());
        upgrade.map(|upgrade| upgrade.form).ok_or(UpgradeGone)
    }

    /// Upgrades whose clients still wait.
    pub(super) fn undecided(&self) -> usize {
        self.waiting.values().filter(|upgrade| upgrade.responder.is_awaited()).count()
    }

    /// Passes a decision on; returns whether the client still waited. Otherwise it is
    /// dropped.
    pub(super) fn decide(&mut self, id: UpgradeId, decision: Decision) -> bool {
        self.waiting.remove(&id).is_some_and(|upgrade| upgrade.responder.decide(decision))
    }

    /// The door has given an upgrade up; returns whether it was undecided until now.
    pub(super) fn give_up(&mut self, id: UpgradeId) -> bool {
        self.waiting.remove(&id).is_some()
    }
}
