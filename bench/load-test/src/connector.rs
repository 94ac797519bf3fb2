//! Whose turn it is to connect, and who has taken too long.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::pace::Pace;

/// From the first packet to the granted upgrade.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a leaving client waits for the server's answer to its close frame.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// A client at a certain slot; a replacement at the same slot has another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) slot: usize,
    pub(crate) number: u64,
}

/// Admits slots to connecting, at a limited rate and with limited concurrency.
pub(crate) struct Connector {
    queue: VecDeque<usize>,
    pace: Pace,
    in_the_making: u64,
    concurrency: u64,
    connecting_until: VecDeque<(Instant, Ticket)>,
    leaving_until: VecDeque<(Instant, Ticket)>,
}

impl Connector {
    pub(crate) fn new(options: &Options, now: Instant) -> Self {
        Self {
            queue: (0..options.clients as usize).collect(),
            pace: Pace::new(options.connect_rate, now),
            in_the_making: 0,
            concurrency: options.connect_concurrency,
            connecting_until: VecDeque::new(),
            leaving_until: VecDeque::new(),
        }
    }

    /// The next slot that may begin to connect now.
    pub(crate) fn admit(&mut self, now: Instant) -> Option<usize> {
        let may_begin = !self.queue.is_empty()
            && self.in_the_making < self.concurrency
            && self.pace.try_take(now);
        if may_begin { self.queue.pop_front() } else { None }
    }

    pub(crate) fn enqueue(&mut self, slot: usize) {
        self.queue.push_back(slot);
    }

    /// Notes that a client has begun to connect.
    pub(crate) fn begun(&mut self, slot: usize, number: u64, now: Instant) {
        self.in_the_making += 1;
        let ticket = Ticket { slot, number };
        self.connecting_until.push_back((now + CONNECT_TIMEOUT, ticket));
    }

    /// Notes that a connection has been made, or has failed.
    pub(crate) fn settled(&mut self) {
        self.in_the_making -= 1;
    }

    /// Notes that a client has sent its close frame.
    pub(crate) fn leaving(&mut self, slot: usize, number: u64, now: Instant) {
        let ticket = Ticket { slot, number };
        self.leaving_until.push_back((now + LEAVE_TIMEOUT, ticket));
    }

    /// Whether a client waits for a turn that only time can bring.
    pub(crate) fn waits_for_its_pace(&self) -> bool {
        !self.queue.is_empty() && self.in_the_making < self.concurrency
    }

    /// Whether every connection asked for has been made or has failed.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.in_the_making == 0
    }

    /// A client whose time to connect is over. It may have made it, or have been replaced, since.
    pub(crate) fn pop_late_connect(&mut self, now: Instant) -> Option<Ticket> {
        pop_expired(&mut self.connecting_until, now)
    }

    /// A client whose time to leave is over, likewise.
    pub(crate) fn pop_late_leave(&mut self, now: Instant) -> Option<Ticket> {
        pop_expired(&mut self.leaving_until, now)
    }
}

/// All entries of a queue have the same time limit, so the first one expires first.
fn pop_expired(queue: &mut VecDeque<(Instant, Ticket)>, now: Instant) -> Option<Ticket> {
    let expired = queue.front().is_some_and(|(until, _)| *until <= now);
    if expired { queue.pop_front().map(|(_, ticket)| ticket) } else { None }
}
