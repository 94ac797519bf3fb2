//! How the door's tasks learn that it is closing.

use tokio::sync::watch;

/// The door's phases, in the only order they are taken in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Open,
    /// Connections end with the request they are at.
    Draining,
    /// Connections end at once, but for those of clients that were accepted and are on their way.
    Ending,
    Closed,
}

/// The side that closes.
pub(crate) struct Latch(watch::Sender<Phase>);

/// The side that is told. Every task has its own.
#[derive(Clone)]
pub(crate) struct Closing(watch::Receiver<Phase>);

/// An open latch, and the first of those who watch it.
pub(crate) fn latch() -> (Latch, Closing) {
    let (sender, receiver) = watch::channel(Phase::Open);
    (Latch(sender), Closing(receiver))
}

impl Latch {
    pub(crate) fn drain(&self) {
        self.advance(Phase::Draining);
    }

    pub(crate) fn end(&self) {
        self.advance(Phase::Ending);
    }

    pub(crate) fn close(&self) {
        self.advance(Phase::Closed);
    }

    fn advance(&self, to: Phase) {
        self.0.send_if_modified(|phase| {
            let later = *phase < to;
            *phase = to.max(*phase);
            later
        });
    }
}

impl Closing {
    /// Returns once the door has begun to close.
    pub(crate) async fn draining(&mut self) {
        self.reached(Phase::Draining).await;
    }

    /// Returns once no request is to be answered any more.
    pub(crate) async fn ending(&mut self) {
        self.reached(Phase::Ending).await;
    }

    /// Returns once nothing is to be served any more.
    pub(crate) async fn closed(&mut self) {
        self.reached(Phase::Closed).await;
    }

    async fn reached(&mut self, wanted: Phase) {
        // An error says that the latch is gone, and so is the door.
        let _ = self.0.wait_for(|phase| *phase >= wanted).await;
    }
}
