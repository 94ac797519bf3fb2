//! What one client may make its worker do before the others have their turn.

/// Work that is left to a client in its turn. Small frames, empty blocks and messages that inflate
/// cost far more than their bytes, so that bytes are not what is counted, but the unit: what the
/// byte of a large message costs.
#[derive(Debug)]
pub struct WorkBudget {
    limit: usize,
    spent: usize,
}

impl WorkBudget {
    /// A budget of so many bytes. The last step may pass it.
    pub fn new(limit: usize) -> WorkBudget {
        WorkBudget { limit, spent: 0 }
    }

    /// No budget at all.
    pub fn unlimited() -> WorkBudget {
        WorkBudget::new(usize::MAX)
    }

    /// Notes that so much was done.
    pub fn spend(&mut self, work: usize) {
        self.spent = self.spent.saturating_add(work);
    }

    /// How much was done.
    pub fn spent(&self) -> usize {
        self.spent
    }

    /// Whether no more is to be done in this turn.
    pub fn is_spent(&self) -> bool {
        self.spent >= self.limit
    }
}
