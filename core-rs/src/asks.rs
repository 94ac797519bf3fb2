//! Upgrades that wait for JavaScript's decision.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use rustc_hash::FxHashMap;
use tokio::sync::oneshot::Sender;

use crate::compression::Compression;
use crate::door::Decision;

/// Names an undecided upgrade.
pub type AskId = u32;

/// From this many on, those that the door has given up on are thrown out each time that they may
/// have come to be half of all. The door limits how many it waits for; an application that never
/// answers must not make the rest pile up.
const SWEEP_FROM: usize = 8192;

struct Ask {
    /// What the door has agreed on with the client.
    compression: Compression,
    decide: Sender<Decision>,
}

/// Tells that nobody waits any more. The sender of the decision wakes it.
struct Notice<F> {
    ask: AskId,
    give_up: F,
}

impl<F: Fn(AskId) + Send + Sync + 'static> Wake for Notice<F> {
    fn wake(self: Arc<Self>) {
        (self.give_up)(self.ask);
    }
}

/// The undecided upgrades.
#[derive(Default)]
pub struct Asks {
    waiting: FxHashMap<AskId, Ask>,
    /// How many there are when they are looked through next.
    sweep_at: usize,
    last_id: AskId,
}

/// The upgrade was decided already, or the client has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskGone;

impl Asks {
    /// Keeps an upgrade until it is decided. `give_up` is called, from any thread and at most once,
    /// when nobody waits for the decision any more.
    pub fn keep(
        &mut self,
        compression: Compression,
        mut decide: Sender<Decision>,
        give_up: impl Fn(AskId) + Send + Sync + 'static,
    ) -> AskId {
        if self.waiting.len() >= self.sweep_at {
            self.waiting.retain(|_, ask| !ask.decide.is_closed());
            self.sweep_at = SWEEP_FROM.max(2 * self.waiting.len());
        }
        self.last_id = self.last_id.wrapping_add(1);
        let notice = Arc::new(Notice { ask: self.last_id, give_up });
        let waker = Waker::from(Arc::clone(&notice));
        if decide.poll_closed(&mut Context::from_waker(&waker)).is_ready() {
            notice.wake();
        }
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

    /// Upgrades that somebody still waits for. One that the application never decides is not among
    /// them once the door has given it up or its client has gone.
    pub fn undecided(&self) -> usize {
        self.waiting.values().filter(|ask| !ask.decide.is_closed()).count()
    }

    /// Passes a decision on; returns whether somebody waited for it. Otherwise it is dropped.
    pub fn decide(&mut self, ask: AskId, decision: Decision) -> bool {
        self.waiting.remove(&ask).is_some_and(|ask| ask.decide.send(decision).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::sync::oneshot::channel;

    use super::*;

    fn refusal() -> Decision {
        Decision::Refuse { status: 403, headers: Vec::new(), body: Bytes::new() }
    }

    #[test]
    fn an_upgrade_is_undecided_until_it_is_decided_or_given_up() {
        let mut asks = Asks::default();
        let (decided, _waits) = channel();
        let (given_up, gone) = channel();
        let decided = asks.keep(Compression::Off, decided, |_| {});
        let given_up = asks.keep(Compression::Off, given_up, |_| {});
        assert_eq!(asks.undecided(), 2);
        drop(gone);
        assert_eq!(asks.undecided(), 1);
        assert!(asks.decide(decided, refusal()), "somebody waits");
        assert_eq!(asks.undecided(), 0);
        assert!(!asks.decide(decided, refusal()), "it was decided");
        assert!(!asks.decide(given_up, refusal()), "nobody waits");
    }

    #[test]
    fn upgrades_that_were_given_up_do_not_pile_up() {
        let mut asks = Asks::default();
        let kept: Vec<_> = (0..SWEEP_FROM / 2).map(|_| channel()).collect();
        let (decide, waits): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
        for decide in decide {
            asks.keep(Compression::Off, decide, |_| {});
        }
        for _ in 0..10 * SWEEP_FROM {
            asks.keep(Compression::Off, channel().0, |_| {});
        }
        assert!(asks.waiting.len() <= 2 * SWEEP_FROM, "{} are kept", asks.waiting.len());
        assert_eq!(asks.undecided(), waits.len());
    }

    #[test]
    fn it_is_told_once_that_nobody_waits_and_never_of_what_was_decided() {
        let mut asks = Asks::default();
        let (tell, told) = std::sync::mpsc::channel();
        let mut keep = |decide| {
            let tell = tell.clone();
            asks.keep(Compression::Off, decide, move |ask| tell.send(ask).expect("a listener"))
        };
        let (given_up, gone) = channel();
        let given_up = keep(given_up);
        drop(gone);
        let (too_late, gone) = channel();
        drop(gone);
        let too_late = keep(too_late);
        let (decided, waits) = channel();
        let decided = keep(decided);
        assert!(asks.decide(decided, refusal()), "somebody waits");
        drop((waits, asks));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [given_up, too_late]);
    }
}
