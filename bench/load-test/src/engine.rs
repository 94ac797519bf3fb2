//! The one loop that drives all clients: connect, read, measure, finish.

use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::io;
use std::mem::replace;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::behaviours::spread_behaviours;
use crate::churn::Churn;
use crate::client::{Behaviour, Client, Disconnect, Instruments, Phase, describe};
use crate::connector::Connector;
use crate::fields::FieldFinder;
use crate::goal::Goal;
use crate::meter::Meter;
use crate::options::Options;
use crate::poller::{Poller, Ready};
use crate::progress::Progress;
use crate::tally::{Tally, failure_reason};
use crate::target::Target;
use crate::timeline::{Stage, Timeline};

/// One buffer serves all clients. It fits the L2 cache, so that parsing finds the bytes there.
const READ_BUFFER_BYTES: usize = 256 * 1024;

/// Slow clients read this much at each tick.
const SLOW_READ_BYTES: usize = 1024;
const TICK: Duration = Duration::from_millis(100);

/// How long to wait for events while connections or churn are due by pace.
const PACED_WAIT: Duration = Duration::from_millis(1);

/// After the run, stalled clients read what is left for them this long, or until there is nothing.
const AFTERMATH: Duration = Duration::from_secs(1);

/// All clients, and what they share.
pub(crate) struct Engine<'a> {
    options: &'a Options,
    target: &'a Target,
    /// Set by a signal handler to end the run early.
    stop: &'a AtomicBool,
    timeline: Timeline,
    poller: Poller,
    buffer: Vec<u8>,
    pub(crate) clients: Vec<Client>,
    slow_slots: Vec<usize>,
    pub(crate) instruments: Instruments,
    pub(crate) tally: Tally,
    connector: Connector,
    churn: Option<Churn>,
    goal: Goal,
    next_number: u64,
    /// Connections that are open or leaving.
    alive: u64,
    started_at: Instant,
    /// How long it took until every connect had worked or failed.
    pub(crate) connected_after: Duration,
}

impl<'a> Engine<'a> {
    pub(crate) fn new(
        options: &'a Options,
        target: &'a Target,
        stop: &'a AtomicBool,
    ) -> io::Result<Self> {
        let now = Instant::now();
        let behaviours = spread_behaviours(options);
        let is_slow = |slot: &usize| behaviours[*slot] == Behaviour::Slow;
        let numbered = (0..options.clients).zip(&behaviours);
        Ok(Self {
            options,
            target,
            stop,
            timeline: Timeline::new(options, now),
            poller: Poller::new()?,
            buffer: vec![0; READ_BUFFER_BYTES],
            clients: numbered.map(|(number, is)| Client::new(number, *is)).collect(),
            slow_slots: (0..behaviours.len()).filter(is_slow).collect(),
            instruments: Instruments {
                verify: options.verify,
                fields: FieldFinder::default(),
                meter: Meter::new(),
                received: 0,
            },
            tally: Tally::default(),
            connector: Connector::new(options, now),
            churn: options.churn.map(|rate| Churn::new(rate, now)),
            goal: Goal::new(options.messages, &behaviours),
            next_number: options.clients,
            alive: 0,
            started_at: now,
            connected_after: Duration::ZERO,
        })
    }

    /// Runs from the first connect to the end of the measured window.
    ///
    /// # Errors
    /// Only if epoll itself fails; what happens to connections is in the tally.
    pub(crate) fn run(&mut self, progress: &mut Progress) -> io::Result<()> {
        let mut now = Instant::now();
        let mut ticked_at = now;
        while self.timeline.stage() != Stage::Over {
            self.begin_connects(now);
            self.begin_leaves(now);
            self.serve_ready(self.poll_timeout(now, ticked_at + TICK))?;
            now = Instant::now();
            if now >= ticked_at + TICK {
                self.tick(now);
                self.show(progress, now, now - ticked_at);
                ticked_at = now;
            }
            self.advance(now);
        }
        self.instruments.meter.stop();
        self.announce("measured");
        progress.clear();
        Ok(())
    }

    /// How long the loop may sleep.
    fn poll_timeout(&self, now: Instant, next_tick: Instant) -> Duration {
        let churning = self.churn.is_some() && self.timeline.stage() != Stage::Connecting;
        let paced = churning || self.connector.waits_for_its_pace();
        let longest = if paced { PACED_WAIT } else { TICK };
        let until_tick = next_tick.saturating_duration_since(now);
        let until_next_stage = self.timeline.remaining(now).unwrap_or(longest);
        longest.min(until_tick).min(until_next_stage)
    }

    fn begin_connects(&mut self, now: Instant) {
        while let Some(slot) = self.connector.admit(now) {
            let client = &mut self.clients[slot];
            self.connector.begun(slot, client.number, now);
            let begun = client.connect(slot as u64, self.target).and_then(|()| {
                client.watched = client.interest();
                match client.socket() {
                    Some(socket) => self.poller.add(socket, slot, client.watched),
                    None => Ok(()),
                }
            });
            if let Err(error) = begun {
                self.disconnect(slot, Disconnect::Failed(error.kind().to_string()));
            }
        }
    }

    fn begin_leaves(&mut self, now: Instant) {
        if self.timeline.stage() == Stage::Connecting {
            return;
        }
        while let Some(slot) = self.pick_leaver(now) {
            let client = &mut self.clients[slot];
            client.leave();
            self.connector.leaving(slot, client.number, now);
            self.watch(slot);
        }
    }

    fn pick_leaver(&mut self, now: Instant) -> Option<usize> {
        self.churn.as_mut()?.pick(&self.clients, now)
    }

    /// Waits for events and serves them. Returns how many there were.
    fn serve_ready(&mut self, timeout: Duration) -> io::Result<usize> {
        let count = self.poller.wait(timeout)?;
        for index in 0..count {
            self.serve(self.poller.ready(index));
        }
        Ok(count)
    }

    fn serve(&mut self, Ready { slot, flags }: Ready) {
        let client = &mut self.clients[slot];
        let mut served = Ok(());
        if client.phase == Phase::Connecting || flags.contains(EventFlags::OUT) {
            served = client.write(self.target, self.options);
        }
        if served.is_ok() && flags.intersects(!EventFlags::OUT) {
            let limit_bytes = read_limit_bytes(client);
            served = self.read(slot, limit_bytes);
        }
        self.settle(slot, served);
    }

    /// Reads once, at most `limit_bytes`.
    fn read(&mut self, slot: usize, limit_bytes: usize) -> Result<(), Disconnect> {
        let client = &mut self.clients[slot];
        let Some(socket) = client.socket() else {
            return Ok(());
        };
        let length = match recv(socket, &mut self.buffer[..limit_bytes], RecvFlags::empty()) {
            Ok((_, 0)) => return Err(Disconnect::Lost("connection closed".to_owned())),
            Ok((_, length)) => length,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
            Err(error) => return Err(Disconnect::Lost(describe(error))),
        };
        let was_in_the_making = client.is_in_the_making();
        let received = client.receive(&self.buffer[..length], &mut self.instruments);
        self.goal.note_received(slot, client.messages);
        if was_in_the_making && client.is_open() {
            self.alive += 1;
            self.connector.settled();
            self.tally.count_connected(client, self.options.clients);
            if let Some(hello) = &self.options.hello {
                client.say(hello);
            }
        }
        received
    }

    fn settle(&mut self, slot: usize, served: Result<(), Disconnect>) {
        match served {
            Ok(()) => self.watch(slot),
            Err(disconnect) => self.disconnect(slot, disconnect),
        }
    }

    /// Has epoll watch for what the client waits for, if that has changed.
    fn watch(&mut self, slot: usize) {
        let client = &mut self.clients[slot];
        let wanted = client.interest();
        if wanted == client.watched {
            return;
        }
        client.watched = wanted;
        let modified = match client.socket() {
            Some(socket) => self.poller.modify(socket, slot, wanted),
            None => Ok(()),
        };
        if let Err(error) = modified {
            self.disconnect(slot, Disconnect::Lost(error.kind().to_string()));
        }
    }

    fn disconnect(&mut self, slot: usize, disconnect: Disconnect) {
        let client = &mut self.clients[slot];
        match client.phase {
            Phase::Over => return,
            Phase::Leaving => {
                self.alive -= 1;
                return self.replace(slot);
            }
            Phase::Open => {
                self.alive -= 1;
                self.tally.count_disconnected(client.behaviour, &disconnect);
            }
            Phase::Queued | Phase::Connecting | Phase::Handshaking => {
                self.connector.settled();
                self.tally.count_failed(failure_reason(disconnect));
            }
        }
        client.end();
        self.goal.finish(slot);
    }

    /// Puts a new client in the place of one that has left.
    fn replace(&mut self, slot: usize) {
        let behaviour = self.clients[slot].behaviour;
        let left = replace(&mut self.clients[slot], Client::new(self.next_number, behaviour));
        self.tally.count_churned(&left);
        self.next_number += 1;
        self.goal.restart(slot);
        self.connector.enqueue(slot);
    }

    /// Slow reads, time limits and the counts of the interval, every 100 ms.
    fn tick(&mut self, now: Instant) {
        for index in 0..self.slow_slots.len() {
            let slot = self.slow_slots[index];
            if self.clients[slot].is_open() {
                let read = self.read(slot, SLOW_READ_BYTES);
                self.settle(slot, read);
            }
        }
        self.disconnect_late(now);
        let caught_up = self.poller.take_caught_up();
        self.instruments.meter.count_interval(caught_up);
    }

    /// Disconnects those that have taken too long to be made, or to be left.
    fn disconnect_late(&mut self, now: Instant) {
        while let Some(late) = self.connector.pop_late_connect(now) {
            let client = &self.clients[late.slot];
            if client.number == late.number && client.is_in_the_making() {
                self.disconnect(late.slot, Disconnect::Failed("timed out".to_owned()));
            }
        }
        while let Some(late) = self.connector.pop_late_leave(now) {
            let client = &self.clients[late.slot];
            if client.number == late.number && client.phase == Phase::Leaving {
                self.disconnect(late.slot, Disconnect::Lost("timed out".to_owned()));
            }
        }
    }

    fn show(&self, progress: &mut Progress, now: Instant, since_last: Duration) {
        let measuring = self.timeline.stage() == Stage::Measuring;
        let name = if measuring { "measuring" } else { "warming up" };
        match self.timeline.elapsed_of(now) {
            Some((elapsed, length)) => {
                progress.show_stage(name, elapsed, length);
                progress.show_rate(self.instruments.received, since_last);
            }
            None => progress.show_connecting(self.tally.connected, self.options.clients),
        }
    }

    /// Moves on to the next stage when its time has come.
    fn advance(&mut self, now: Instant) {
        let settled = self.connector.is_idle();
        let stage = self.timeline.stage();
        let time_is_over = self.timeline.remaining(now).is_some_and(|left| left.is_zero());
        let all_gone = settled && self.alive == 0;
        let goal_reached = settled && self.goal.is_reached();
        if self.stop.load(Ordering::Relaxed) || all_gone {
            self.timeline.enter(Stage::Over, now);
        } else if stage == Stage::Connecting && settled {
            self.announce(&format!("ready: {} clients connected", self.tally.connected));
            self.connected_after = now - self.started_at;
            self.timeline.enter(Stage::WarmingUp, now);
        } else if stage == Stage::WarmingUp && time_is_over {
            self.announce("measuring");
            self.instruments.meter.start();
            self.timeline.enter(Stage::Measuring, now);
        } else if stage != Stage::Connecting && (time_is_over || goal_reached) {
            self.timeline.enter(Stage::Over, now);
        }
    }

    /// Prints for a caller how far the run has come.
    fn announce(&self, what: &str) {
        if self.options.json {
            eprintln!("{what}");
        }
    }

    /// Closes every connection. Stalled clients first read what is left for them, which alone shows
    /// whether and how the server has closed them.
    ///
    /// # Errors
    /// Only if epoll itself fails.
    pub(crate) fn wind_up(&mut self) -> io::Result<()> {
        for (slot, client) in self.clients.iter_mut().enumerate() {
            match (client.is_open(), client.behaviour, client.socket()) {
                (true, Behaviour::Stalled, Some(socket)) => {
                    self.poller.modify(socket, slot, EventFlags::IN)?;
                }
                (true, ..) => {
                    client.leave();
                    client.end();
                }
                _ => client.end(),
            }
        }
        let until = Instant::now() + AFTERMATH;
        while self.clients.iter().any(Client::is_open) && Instant::now() < until {
            if self.serve_ready(TICK)? == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// What a client may read when its socket has something. The response to the handshake may have
/// frames behind it, of which a client that is to be slow or stalled should swallow few.
fn read_limit_bytes(client: &Client) -> usize {
    if client.is_in_the_making() && client.behaviour != Behaviour::Reading {
        SLOW_READ_BYTES
    } else {
        READ_BUFFER_BYTES
    }
}
