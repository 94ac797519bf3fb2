//! The sequencer's side of one worker: what goes into its queue, and what the queue did not take.

use crate::counter_list::counter_list;
use crate::ids::ChannelId;
use crate::queue::{Queue, QueueLimits};
use crate::worker::WorkerHandle;
use crate::worker::command::Command;

/// A worker's handle, and what became of what was offered to its queue.
pub(super) struct WorkerLink {
    pub(super) handle: WorkerHandle,
    /// The gauges among them stay 0: they are read from the queue.
    counters: QueueCounters,
    /// The queue is past its soft limit, or was and is not yet well below it. Messages still go in,
    /// in order.
    saturated: bool,
    limits: SoftLimits,
    /// The worker will emit a `Relieved`, which has not come yet.
    awaits_relief: bool,
}

macro_rules! derive {
    (
        worker { $($worker:tt)* }
        queue { $($(#[$doc:meta])* $name:ident,)* }
        door { $($door:tt)* }
    ) => {
        /// How a worker's queue has served, and how it stands now.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct QueueCounters {
            $($(#[$doc])* pub $name: u64,)*
        }
    };
}

counter_list!(derive);

/// Where saturation begins and where it ends. Apart, so that one long spell does not count as many.
#[derive(Clone, Copy, Debug)]
struct SoftLimits {
    soft: QueueLimits,
    /// Half of the soft limit.
    relief: QueueLimits,
}

/// What the queue made of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offered {
    /// It is in.
    Taken {
        /// The queue is past its soft limit.
        saturated: bool,
    },
    /// The queue was full.
    Refused,
}

impl WorkerLink {
    /// A link to a worker whose queue has these limits and, in percent of them, this soft limit.
    pub(super) fn new(
        handle: WorkerHandle,
        limits: QueueLimits,
        soft_limit_percent: u32,
    ) -> WorkerLink {
        let percent = soft_limit_percent as usize;
        let soft = limits.percent(percent);
        let limits = SoftLimits { soft, relief: soft.percent(50) };
        WorkerLink {
            handle,
            counters: QueueCounters::default(),
            saturated: false,
            limits,
            awaits_relief: false,
        }
    }

    /// Offers a message. The caller wakes the worker.
    pub(super) fn offer(&mut self, publish: Command) -> Offered {
        if let Err(refused) = self.queue().try_push(publish) {
            self.counters.messages_queue_full += 1;
            self.counters.dropped_queue_full += refused.deliveries();
            return Offered::Refused;
        }
        let saturated = self.is_saturated();
        self.counters.saturations += u64::from(saturated && !self.saturated);
        self.counters.messages_saturated += u64::from(saturated);
        self.saturated = saturated;
        Offered::Taken { saturated }
    }

    /// Has the worker emit a `Relieved` once it has taken what is in its queue now: the application
    /// has seen that a message waits there, or had no room. Once until that event.
    pub(super) fn request_relief(&mut self, channel: ChannelId) {
        if !std::mem::replace(&mut self.awaits_relief, true) {
            self.handle.mailbox().push(Command::NotifyRelieved(channel));
        }
    }

    /// The worker has caught up.
    pub(super) fn relieved(&mut self) {
        self.awaits_relief = false;
    }

    /// The worker's queue.
    pub(super) fn queue(&self) -> &Queue<Command> {
        self.handle.mailbox().queue()
    }

    /// Deliveries that the queue refused.
    pub(super) fn refused(&self) -> u64 {
        self.counters.dropped_queue_full
    }

    /// The counters, and the gauges as they are now.
    pub(super) fn counters(&self) -> QueueCounters {
        QueueCounters {
            saturated: u64::from(self.is_saturated()),
            queue_messages: self.queue().messages() as u64,
            queue_bytes: self.queue().bytes() as u64,
            ..self.counters
        }
    }

    /// Whether the queue is past its soft limit, or has been and is not yet well below it.
    pub(super) fn is_saturated(&self) -> bool {
        let limit = if self.saturated { self.limits.relief } else { self.limits.soft };
        self.queue().is_past(limit)
    }
}
