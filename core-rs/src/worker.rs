//! A worker: one thread with one queue, one epoll, and the clients that were given to it.
//!
//! No other thread touches a worker's clients, cohorts or logs, so nothing here is locked. A turn
//! of the loop takes commands, writes a slice of what is due, reads a slice of what has arrived,
//! and looks at epoll; it sleeps only when none of them left anything to do. The rooms:
//!
//! - `handle`: the worker as the other threads see it, its start and its end
//! - `commands`: what the queue brings
//! - `fan_out`: from a published message to the sockets
//! - `inbound`: from the sockets to JavaScript
//! - `unfinished`: what is kept of messages that are not whole yet
//! - `disconnect`: how clients leave, by whoever's will
//! - `sweep`: what is due to them by the clock
//! - `failure`: what becomes of a worker that panics
//! - `reporting`: how single clients stand, for whoever asks
//! - `cohorts`, `passes`: which cohorts there are, and which have something to send

pub mod client;
pub mod cohort;
mod cohorts;
pub mod command;
mod commands;
pub mod counters;
pub mod delivery_times;
pub mod departure;
mod disconnect;
mod failure;
mod fan_out;
mod handle;
mod inbound;
mod passes;
mod reporting;
mod sweep;
mod unfinished;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::Events;
use rustc_hash::FxHashMap;
use slab::Slab;

use crate::event_queue::Bridge;
use crate::frame::compression::{Deflater, Inflater};
use crate::ids::{ClientIndex, ClientKey};
use crate::options::ClientLimits;
use crate::queue::Queue;
use crate::wake_tree::WakeTree;
use crate::worker::client::Client;
use crate::worker::client::delivery_counts::DeliveryCounts;
use crate::worker::command::Command;
use crate::worker::counters::{Counters, SharedCounters};
use crate::worker::delivery_times::{DeliveryTimes, SharedDeliveryTimes};

pub use self::handle::{Mailbox, WorkerHandle, WorkerParts};

use self::cohorts::Cohorts;
use self::commands::Subscribing;
use self::disconnect::{CLOSE_STEP, StaggeredClose};
use self::fan_out::WRITE_COST;
use self::handle::WAKER;
use self::inbound::Inbound;
use self::passes::Passes;

/// What the commands of one turn may cost, before clients are served again.
const COMMANDS_BUDGET: usize = 1024;
const COMMAND_COST: usize = 1;
/// That of a new client's socket, which is registered and written to: two system calls.
const ATTACH_COST: usize = 2 * WRITE_COST;
/// Bytes of a direct message that cost as much as a command: they are copied, and written.
const BYTES_PER_COST: usize = 8 * 1024;
/// Readiness events taken from epoll in one turn.
const EVENTS_PER_TURN: usize = 1024;
/// How often clients are checked for silence and for deadlines.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

struct Worker {
    parts: WorkerParts,
    limits: ClientLimits,
    bridge: Arc<Bridge>,
    wake_tree: Arc<WakeTree<Mailbox>>,
    shared_counters: Arc<SharedCounters>,
    counters: Counters,
    shared_delivery_times: Arc<SharedDeliveryTimes>,
    delivery_times: DeliveryTimes,
    /// The delivery counts of the clients that are gone, in one sum.
    departed: DeliveryCounts,
    clients: Slab<Client>,
    by_key: FxHashMap<ClientKey, ClientIndex>,
    cohorts: Cohorts,
    passes: Passes,
    /// Clients to write to outside of any pass. A client stands here once; see `Client::to_flush`.
    to_flush: VecDeque<ClientIndex>,
    inbound: Inbound,
    deflater: Deflater,
    inflater: Inflater,
    staggered_close: Option<StaggeredClose>,
    started_at: Instant,
    now: Instant,
    next_sweep: Instant,
}

impl Worker {
    fn new(
        parts: WorkerParts,
        limits: ClientLimits,
        bridge: Arc<Bridge>,
        wake_tree: Arc<WakeTree<Mailbox>>,
        shared_counters: Arc<SharedCounters>,
        shared_delivery_times: Arc<SharedDeliveryTimes>,
    ) -> Worker {
        let now = Instant::now();
        Worker {
            parts,
            limits,
            bridge,
            wake_tree,
            shared_counters,
            counters: Counters::default(),
            shared_delivery_times,
            delivery_times: DeliveryTimes::default(),
            departed: DeliveryCounts::default(),
            clients: Slab::new(),
            by_key: FxHashMap::default(),
            cohorts: Cohorts::new(),
            passes: Passes::default(),
            to_flush: VecDeque::new(),
            inbound: Inbound::new(),
            deflater: Deflater::default(),
            inflater: Inflater::default(),
            staggered_close: None,
            started_at: now,
            now,
            next_sweep: now + SWEEP_INTERVAL,
        }
    }

    fn run(&mut self) {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        while !self.is_stopping() {
            let more_commands = self.take_commands();
            let more_to_send = self.send_slice();
            let more_to_read = self.read_slice();
            self.keep_time();
            // Last, since all of the above may list clients.
            let more_to_flush = self.flush_listed();
            self.counters.clients = self.clients.len() as u64;
            self.look_at_the_clock();
            self.show_counts();
            let busy = more_commands || more_to_send || more_to_read || more_to_flush;
            self.wait(busy, &mut events);
        }
        // It may have been woken just now, after it had been told to stop.
        self.wake_tree.pass_on();
        self.wind_up();
        self.show_counts();
    }

    /// What still waits, in the queue or for a client, is dropped, and counted so. Sockets close,
    /// those that were still to be attached too.
    fn wind_up(&mut self) {
        while let Some(command) = self.queue().pop() {
            self.counters.deliveries_expected += command.deliveries();
        }
        self.clients.clear();
        self.close_totals();
    }

    fn queue(&self) -> &Queue<Command> {
        self.parts.mailbox().queue()
    }

    fn is_stopping(&self) -> bool {
        self.parts.mailbox().is_stopping()
    }

    fn show_counts(&self) {
        self.shared_counters.publish(&self.counters);
        self.shared_delivery_times.publish(&self.delivery_times);
    }

    /// Takes a run of commands; true when it left some. A log that is far ahead of its readers
    /// grows no further: the queue fills instead, and the publisher is told.
    fn take_commands(&mut self) -> bool {
        let mut subscribing = Subscribing::default();
        let more = self.take_run(&mut subscribing);
        self.subscribe(&mut subscribing);
        more
    }

    fn take_run(&mut self, subscribing: &mut Subscribing) -> bool {
        let mut spent = 0;
        while spent < COMMANDS_BUDGET {
            if self.passes.are_far_behind() || self.is_stopping() {
                return true;
            }
            let Some(command) = self.queue().pop() else { return false };
            spent += match command {
                Command::Attach(..) => ATTACH_COST,
                Command::Send(_, ref frame) => COMMAND_COST + frame.encoded_len() / BYTES_PER_COST,
                _ => COMMAND_COST,
            };
            match command {
                Command::Subscribe(key, channel) => self.gather(subscribing, key, *channel),
                command => {
                    self.subscribe(subscribing);
                    self.apply(command);
                }
            }
        }
        true
    }

    /// Looks at epoll; sleeps there when nothing else is to be done.
    fn wait(&mut self, busy: bool, events: &mut Events) {
        let may_sleep = !busy && !self.is_stopping() && self.queue().may_sleep();
        let timeout = if may_sleep { self.time_to_next_duty() } else { Some(Duration::ZERO) };
        let polled = self.parts.poll.poll(events, timeout);
        // Before anything else, whatever it was woken for: others may still sleep beside a message.
        self.wake_tree.pass_on();
        if may_sleep {
            self.queue().awake();
            self.now = Instant::now();
        }
        match polled {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
            Err(error) => panic!("epoll refuses this worker's own descriptor: {error}"),
        }
        for event in events.iter().filter(|event| event.token() != WAKER) {
            self.ready(event);
        }
    }

    /// Time until something is to be done that no event announces; `None` when there is no such
    /// thing.
    fn time_to_next_duty(&self) -> Option<Duration> {
        let sweep = (!self.clients.is_empty()).then_some(self.next_sweep);
        let staggered_close = self.staggered_close.is_some().then(|| self.now + CLOSE_STEP);
        let duty = [sweep, staggered_close].into_iter().flatten().min()?;
        Some(duty.saturating_duration_since(self.now))
    }

    /// All time since the last look was spent awake.
    fn look_at_the_clock(&mut self) {
        let now = Instant::now();
        self.counters.busy_ns += (now - self.now).as_nanos() as u64;
        self.now = now;
    }

    fn keep_time(&mut self) {
        self.continue_staggered_close();
        if self.now >= self.next_sweep {
            self.next_sweep = self.now + SWEEP_INTERVAL;
            self.sweep();
        }
    }

    /// The worker's clock: whole seconds since it started.
    fn now_secs(&self) -> u32 {
        (self.now - self.started_at).as_secs() as u32
    }
}

#[cfg(all(test, not(shardcast_loom)))]
mod tests;
