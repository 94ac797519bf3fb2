//! A worker: one thread with one queue, one epoll, and the clients that were given to it.
//!
//! No other thread touches a worker's clients, cohorts or logs, so nothing here is locked. A turn
//! of the loop takes commands, writes a slice of what is due, reads a slice of what has arrived,
//! and looks at epoll; it sleeps only when none of them left anything to do.
//!
//! What the worker owns are parts, each in a file of its own:
//!
//! - `parts`: its queue and its epoll, which exist before its thread
//! - `clients`: the clients, by key and by place
//! - `outbound`: the cohorts with their logs (`cohorts`), the passes that are due (`passes`), and
//!   the clients to write to outside of any pass
//! - `inbound`: the clients to read from, and what is kept of what was read
//! - `telemetry`: counters, delivery times, and the delivery counts of the clients that are gone
//! - `staggered_close`: the closing of all clients over a time
//! - `clock`: the time of the turn, and when the next `sweep` is due
//!
//! These parts are lent, in three layers, to what happens to a client:
//!
//! - `lifecycle`: how it comes, and how it leaves
//! - `flushing`: what is written to it, after which it may have to leave
//! - `reading`: what it sends (`decoding`), which may be answered
//!
//! The other threads see a worker through its `handle`; `failure` is what becomes of one that
//! panics, and `reporting` how single clients stand.

pub mod client;
mod clients;
mod clock;
mod close_handshake;
pub mod cohort;
mod cohorts;
pub mod command;
pub mod counters;
mod decoding;
pub mod delivery_times;
pub mod departure;
mod failure;
mod flushing;
mod handle;
mod inbound;
mod lifecycle;
mod outbound;
mod parts;
mod passes;
mod reading;
mod reporting;
mod staggered_close;
mod subscribing;
mod sweep;
mod telemetry;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::Events;

use crate::broadcaster::reports::ReportRequest;
use crate::event_queue::{Event, EventQueue};
use crate::frame::{Frame, close_code};
use crate::ids::{ChannelId, ClientIndex, ClientKey};
use crate::options::ClientLimits;
use crate::queue::Queue;
use crate::wake_tree::WakeTree;
use crate::worker::client::backlog::Kind;
use crate::worker::command::Command;
use crate::worker::departure::{Cause, Departure};

pub use self::handle::WorkerHandle;
pub use self::parts::{Mailbox, WorkerParts};

use self::clients::Clients;
use self::clock::Clock;
use self::close_handshake::CloseHandshake;
use self::flushing::{Flushing, WRITE_COST};
use self::inbound::Inbound;
use self::lifecycle::Lifecycle;
use self::outbound::Outbound;
use self::parts::WAKER;
use self::reading::{ReadBuffers, Reading};
use self::staggered_close::{CLOSE_STEP, StaggeredClose};
use self::subscribing::Subscribing;
use self::sweep::Duty;
use self::telemetry::{SharedTelemetry, Telemetry};

/// What the commands of one turn may cost, before clients are served again.
const COMMANDS_BUDGET: usize = 1024;
const COMMAND_COST: usize = 1;
/// That of a new client's socket, which is registered and written to: two system calls.
const ATTACH_COST: usize = 2 * WRITE_COST;
/// Bytes of a direct message that cost as much as a command: they are copied, and written.
const BYTES_PER_COST: usize = 8 * 1024;
/// Readiness events taken from epoll in one turn.
const EVENTS_PER_TURN: usize = 1024;

struct Worker {
    parts: WorkerParts,
    limits: ClientLimits,
    event_queue: Arc<EventQueue>,
    wake_tree: Arc<WakeTree<Mailbox>>,
    telemetry: Telemetry,
    clients: Clients,
    outbound: Outbound,
    inbound: Inbound,
    buffers: ReadBuffers,
    staggered_close: Option<StaggeredClose>,
    clock: Clock,
}

impl Worker {
    fn new(
        parts: WorkerParts,
        limits: ClientLimits,
        event_queue: Arc<EventQueue>,
        wake_tree: Arc<WakeTree<Mailbox>>,
        shared: SharedTelemetry,
    ) -> Worker {
        Worker {
            parts,
            limits,
            event_queue,
            wake_tree,
            telemetry: Telemetry::new(shared),
            clients: Clients::default(),
            outbound: Outbound::new(),
            inbound: Inbound::default(),
            buffers: ReadBuffers::new(),
            staggered_close: None,
            clock: Clock::new(),
        }
    }

    /// The parts that hold something of a client.
    fn lifecycle(&mut self) -> Lifecycle<'_> {
        self.flushing().lifecycle
    }

    /// The same, with what writing takes.
    fn flushing(&mut self) -> Flushing<'_> {
        self.reading().flushing
    }

    /// The same, with what reading takes.
    fn reading(&mut self) -> Reading<'_> {
        let lifecycle = Lifecycle {
            clients: &mut self.clients,
            outbound: &mut self.outbound,
            inbound: &mut self.inbound,
            telemetry: &mut self.telemetry,
            event_queue: &self.event_queue,
            registry: self.parts.poll.registry(),
            now_secs: self.clock.secs(),
        };
        let flushing = Flushing { lifecycle, limits: &self.limits };
        Reading { flushing, buffers: &mut self.buffers }
    }

    fn run(&mut self) {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        while !self.is_stopping() {
            let more_commands = self.take_commands();
            let more_to_send = self.flushing().send_slice();
            let more_to_read = self.reading().read_slice();
            self.keep_time();
            // Last, since all of the above may list clients.
            let more_to_flush = self.flushing().flush_listed();
            self.telemetry.counters.clients = self.clients.len() as u64;
            // All time since the last look was spent awake.
            self.telemetry.counters.busy_ns += self.clock.tick().as_nanos() as u64;
            self.telemetry.publish();
            let busy = more_commands || more_to_send || more_to_read || more_to_flush;
            self.wait(busy, &mut events);
        }
        // It may have been woken just now, after it was stopped.
        self.wake_tree.pass_on();
        self.wind_up();
        self.telemetry.publish();
    }

    /// What still waits, in the queue or for a client, is dropped, and counted so. Sockets close,
    /// those that were still to be attached too.
    fn wind_up(&mut self) {
        while let Some(command) = self.queue().pop() {
            self.telemetry.counters.deliveries_expected += command.deliveries();
        }
        self.clients = Clients::default();
        self.telemetry.close_totals();
    }

    /// A worker without clients in the place of this one: with its queue, its epoll, which the
    /// waker of the queue belongs to, and what it has counted.
    fn begin_anew(mut self, reason: &str) -> Worker {
        self.telemetry.counters.failures += 1;
        let worker = self.parts.number;
        self.event_queue.emit(Event::WorkerFailed { worker, reason: reason.to_owned() });
        for client in self.clients.open() {
            let departure = Departure { cause: Cause::Failed, waiting: None };
            self.telemetry.count_closed(departure.cause);
            let (client, code, reason) = (client.key, close_code::ABNORMAL, String::new());
            self.event_queue.emit(Event::Closed { client, code, reason, departure });
        }
        let Worker { parts, limits, event_queue, wake_tree, mut telemetry, clients, .. } = self;
        // Closes their sockets, which takes them out of epoll.
        drop(clients);
        telemetry.close_totals();
        telemetry.publish();
        let anew = Worker::new(parts, limits, event_queue, wake_tree, SharedTelemetry::default());
        Worker { telemetry, ..anew }
    }

    fn queue(&self) -> &Queue<Command> {
        self.parts.mailbox().queue()
    }

    fn is_stopping(&self) -> bool {
        self.parts.mailbox().is_stopping()
    }

    /// Takes a run of commands; true when it left some. A log that is far ahead of its readers
    /// grows no further: the queue fills instead, and the publisher gets to know.
    fn take_commands(&mut self) -> bool {
        let mut subscribing = Subscribing::default();
        let more = self.take_run(&mut subscribing);
        self.subscribe(&mut subscribing);
        more
    }

    fn take_run(&mut self, subscribing: &mut Subscribing) -> bool {
        let mut spent = 0;
        while spent < COMMANDS_BUDGET {
            if self.outbound.is_far_behind() || self.is_stopping() {
                return true;
            }
            let Some(command) = self.queue().pop() else { return false };
            spent += match command {
                Command::Attach(..) => ATTACH_COST,
                Command::Send(_, ref frame) => COMMAND_COST + frame.encoded_len() / BYTES_PER_COST,
                _ => COMMAND_COST,
            };
            match command {
                Command::Subscribe(key, channel) => {
                    if subscribing.is_for_another(key) {
                        self.subscribe(subscribing);
                    }
                    subscribing.add(key, *channel);
                }
                command => {
                    self.subscribe(subscribing);
                    self.apply(command);
                }
            }
        }
        true
    }

    fn subscribe(&mut self, subscribing: &mut Subscribing) {
        let Worker { outbound, clients, telemetry, .. } = self;
        subscribing.apply(outbound, clients, &mut telemetry.counters);
    }

    fn apply(&mut self, command: Command) {
        match command {
            Command::Publish(message, _) => {
                let Worker { outbound, clients, telemetry, .. } = self;
                outbound.publish(clients, &mut telemetry.counters, &message);
            }
            Command::Expect(key, form, discards, pressure) => {
                self.lifecycle().expect(key, form, discards, pressure);
            }
            Command::Discard(key, discards) => self.with(key, |worker, client| {
                worker.clients[client].receiving.discards = discards;
            }),
            Command::Attach(key, handoff) => {
                self.with(key, |worker, client| worker.lifecycle().attach(client, *handoff));
            }
            Command::Abandon(key) => self.with(key, |worker, client| {
                worker.lifecycle().disconnect(client, Cause::Broken);
            }),
            Command::Subscribe(key, channel) => {
                let mut subscribing = Subscribing::default();
                subscribing.add(key, *channel);
                self.subscribe(&mut subscribing);
            }
            Command::Unsubscribe(key, channel) => self.unsubscribe(key, channel),
            Command::Send(key, frame) => self.send(key, Kind::Direct, &frame),
            Command::Control(key, frame) => self.send(key, Kind::DirectControl, &frame),
            Command::Pong(key, frame) => self.with(key, |worker, client| {
                worker.reading().send_pong_of_application(client, *frame);
            }),
            Command::NotifyDrained(key) => self.with(key, |worker, index| {
                let client = &mut worker.clients[index];
                client.notify_drained = true;
                worker.outbound.flush_soon(index, client);
            }),
            Command::NotifyRelieved(channel) => self.emit_relieved(channel),
            Command::Pause(key, paused) => self.with(key, |worker, index| {
                let (client, now_secs) = (&mut worker.clients[index], worker.clock.secs());
                worker.inbound.pause(index, client, paused, now_secs);
            }),
            Command::Close(key, why) => self.with(key, |worker, client| {
                worker.lifecycle().start_close(client, CloseHandshake::by_application(*why));
            }),
            Command::Finish(key) => {
                self.with(key, |worker, client| worker.flushing().finish(client));
            }
            Command::Terminate(key) => {
                self.with(key, |worker, client| worker.lifecycle().terminate(client, Cause::App));
            }
            Command::TerminateSlow(key) => {
                self.with(key, |worker, client| worker.lifecycle().terminate(client, Cause::Slow));
            }
            Command::CloseAll(close) => {
                let open = self.clients.open().map(|client| client.key).collect();
                self.staggered_close = Some(StaggeredClose::new(*close, self.clock.now(), open));
            }
            Command::Report(request) => {
                let ReportRequest { id, query } = *request;
                let report =
                    reporting::report(query, &self.clients, &self.outbound, &self.telemetry);
                // The application has asked, so that answers are few.
                self.event_queue.emit(Event::Report(id, report));
            }
            Command::Resume => {}
        }
    }

    /// Does something with a client, unless it is gone already: commands may cross its departure.
    fn with(&mut self, key: ClientKey, act: impl FnOnce(&mut Worker, ClientIndex)) {
        if let Some(client) = self.clients.find(key) {
            act(self, client);
        }
    }

    fn unsubscribe(&mut self, key: ClientKey, channel: ChannelId) {
        self.with(key, |worker, index| {
            let Worker { outbound, clients, telemetry, .. } = worker;
            outbound.change_channels(clients, &mut telemetry.counters, index, |channels| {
                channels.retain(|other| other.id != channel);
            });
        });
    }

    fn send(&mut self, key: ClientKey, kind: Kind, frame: &Frame) {
        self.with(key, |worker, index| {
            let Worker { outbound, clients, telemetry, .. } = worker;
            let counters = &mut telemetry.counters;
            outbound.send(index, &mut clients[index], counters, kind, frame);
        });
    }

    /// Reports that the queue has been taken, as a drain of one client: a subscriber of the channel
    /// that takes messages or, if there is none, any open client.
    fn emit_relieved(&self, channel: ChannelId) {
        let subscriber = self.outbound.subscriber_with_room(&self.clients, channel);
        let client = subscriber.or_else(|| self.clients.open().next()).map(|client| client.key);
        self.event_queue.emit(Event::Relieved { worker: self.parts.number, channel, client });
    }

    /// Does what is due by the clock.
    fn keep_time(&mut self) {
        if let Some(mut close) = self.staggered_close.take() {
            while let Some((key, why)) = close.next_due(self.clock.now()) {
                self.with(key, |worker, client| {
                    worker.lifecycle().start_close(client, CloseHandshake::by_application(why));
                });
            }
            self.staggered_close = (!close.is_over()).then_some(close);
        }
        if self.clock.take_sweep() {
            self.sweep();
        }
    }

    /// Pings silent clients, gives up dead ones, and ends handshakes that do not end by themselves.
    fn sweep(&mut self) {
        let due = sweep::duties(&mut self.clients, &self.limits, self.clock.secs());
        for (index, duty) in due {
            match duty {
                Duty::GiveUp(cause) => self.lifecycle().disconnect(index, cause),
                Duty::EndUnfinished => self.reading().end_unfinished(index),
                Duty::Ping => self.outbound.ping(index, &mut self.clients[index]),
                Duty::EmitSkipped => self.lifecycle().emit_skipped(index),
            }
        }
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
            self.clock.tick();
        }
        match polled {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
            Err(error) => panic!("epoll refuses this worker's own descriptor: {error}"),
        }
        let mut reading = self.reading();
        for event in events.iter().filter(|event| event.token() != WAKER) {
            reading.ready(event);
        }
    }

    /// Time until something is to be done that no event announces; `None` when there is no such
    /// thing.
    fn time_to_next_duty(&self) -> Option<Duration> {
        let sweep = (!self.clients.is_empty()).then_some(self.clock.next_sweep());
        let close = self.staggered_close.is_some().then(|| self.clock.now() + CLOSE_STEP);
        let duty = [sweep, close].into_iter().flatten().min()?;
        Some(duty.saturating_duration_since(self.clock.now()))
    }
}

#[cfg(all(test, not(shardcast_loom)))]
mod tests;
