//! The sequencer's side of one worker: what goes into its queue, and what the queue did not take.

use crate::ids::ChannelId;
use crate::queue::{Queue, QueueLimits};
use crate::worker::WorkerHandle;
use crate::worker::command::Command;

/// A worker, and how its queue has served.
pub(super) struct Lane {
    /// The worker.
    pub worker: WorkerHandle,
    refused: Refused,
    saturation: Saturation,
    marks: Marks,
    /// The worker was asked to tell when it has caught up, and that was not told yet.
    awaits_relief: bool,
}

/// What never entered a worker's queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Published messages.
    pub messages: u64,
    /// What they would have become: each counted once for every subscriber.
    pub deliveries: u64,
}

/// How often and how much a queue was past its soft mark. Messages still go in, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saturation {
    /// It is past the mark now, or has been and is not yet well below it.
    pub now: bool,
    /// How often it got there.
    pub times: u64,
    /// Messages that went in meanwhile.
    pub messages: u64,
}

/// Where saturation begins and where it ends. Apart, so that one long spell is not told as many.
#[derive(Clone, Copy, Debug)]
struct Marks {
    soft: QueueLimits,
    /// Half of the soft mark.
    relief: QueueLimits,
}

/// What the queue made of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is in.
    Taken {
        /// The queue is past its soft mark.
        saturated: bool,
    },
    /// The queue was full.
    Refused,
}

impl Lane {
    /// The lane to a worker whose queue has these limits and, in percent of them, this soft mark.
    pub(super) fn new(worker: WorkerHandle, limits: QueueLimits, soft_mark_percent: u32) -> Lane {
        let percent = soft_mark_percent as usize;
        let soft = limits.percent(percent);
        let marks = Marks { soft, relief: soft.percent(50) };
        Lane {
            worker,
            refused: Refused::default(),
            saturation: Saturation::default(),
            marks,
            awaits_relief: false,
        }
    }

    /// Offers a message. The bell is left to the caller.
    pub(super) fn offer(&mut self, publish: Command) -> Answer {
        if let Err(refused) = self.queue().try_push(publish) {
            self.refused.messages += 1;
            self.refused.deliveries += refused.deliveries();
            return Answer::Refused;
        }
        let saturated = self.is_saturated();
        self.saturation.times += u64::from(saturated && !self.saturation.now);
        self.saturation.messages += u64::from(saturated);
        self.saturation.now = saturated;
        Answer::Taken { saturated }
    }

    /// Has a subscriber of the channel told once the worker has taken what is in its queue now: the
    /// application was told that a message waits there, or had no room. Once until that is told.
    pub(super) fn ask_for_relief(&mut self, channel: ChannelId) {
        if !std::mem::replace(&mut self.awaits_relief, true) {
            self.worker.mailbox().push(Command::NotifyRelieved(channel));
        }
    }

    /// The worker has caught up, and the application is about to be told.
    pub(super) fn relieved(&mut self) {
        self.awaits_relief = false;
    }

    /// The worker's queue.
    pub(super) fn queue(&self) -> &Queue<Command> {
        self.worker.mailbox().queue()
    }

    /// What the queue refused.
    pub(super) fn refused(&self) -> Refused {
        self.refused
    }

    /// How it stands with the soft mark.
    pub(super) fn saturation(&self) -> Saturation {
        Saturation { now: self.is_saturated(), ..self.saturation }
    }

    fn is_saturated(&self) -> bool {
        let mark = if self.saturation.now { self.marks.relief } else { self.marks.soft };
        self.queue().is_past(mark)
    }
}
