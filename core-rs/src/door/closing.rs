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

/// The side that closes. JavaScript's thread writes the phase, and the door's tasks read it. The
/// channel of tokio's orders what was written before.
pub(crate) struct Latch(watch::Sender<Phase>);

/// The side that learns of it. Every task has its own.
#[derive(Clone)]
pub(crate) struct Closing(watch::Receiver<Phase>);

/// An open latch, and the first of the sides that watch it.
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

    /// Returns once the door answers no request any more.
    pub(crate) async fn ending(&mut self) {
        self.reached(Phase::Ending).await;
    }

    /// Returns once the door serves nothing any more.
    pub(crate) async fn closed(&mut self) {
        self.reached(Phase::Closed).await;
    }

    async fn reached(&mut self, wanted: Phase) {
        // An error means that the latch is gone, and so is the door.
        let _ = self.0.wait_for(|phase| *phase >= wanted).await;
    }
}
