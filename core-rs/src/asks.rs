//! Upgrades that wait for JavaScript's decision.

use rustc_hash::FxHashMap;
use tokio::sync::oneshot::Sender;

use crate::compression::Compression;
use crate::door::Decision;

/// Names an undecided upgrade.
pub type AskId = u32;

/// Past this many, those that the door has given up on are thrown out before another is kept. The door
/// limits how many it waits for; an application that never answers must not make the rest pile up.
const SWEEP_ABOVE: usize = 8192;

struct Ask {
    /// What the door has agreed on with the client.
    compression: Compression,
    decide: Sender<Decision>,
}

/// The undecided upgrades.
#[derive(Default)]
pub struct Asks {
    waiting: FxHashMap<AskId, Ask>,
    last_id: AskId,
}

/// The upgrade was decided already, or the client has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskGone;

impl Asks {
    /// Keeps an upgrade until it is decided.
    pub fn keep(&mut self, compression: Compression, decide: Sender<Decision>) -> AskId {
        if self.waiting.len() > SWEEP_ABOVE {
            self.waiting.retain(|_, ask| !ask.decide.is_closed());
        }
        self.last_id = self.last_id.wrapping_add(1);
        self.waiting.insert(self.last_id, Ask { compression, decide });
        self.last_id
    }

    /// Whether someone still waits for this decision; returns how that client takes its messages.
    ///
    /// # Errors
    ///
    /// [`AskGone`] when nobody does.
    pub fn check(&self, ask: AskId) -> Result<Compression, AskGone> {
        let ask = self.waiting.get(&ask).ok_or(AskGone)?;
        if ask.decide.is_closed() { Err(AskGone) } else { Ok(ask.compression) }
    }

    /// Passes a decision on. When nobody waits for it, it is dropped.
    pub fn decide(&mut self, ask: AskId, decision: Decision) {
        if let Some(ask) = self.waiting.remove(&ask) {
            let _ = ask.decide.send(decision);
        }
    }
}
