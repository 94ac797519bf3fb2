//! The sequencer: everything that happens to clients and channels is decided here, in one order.
//!
//! One thread calls it. What it decides goes into the workers' queues in the same order, and each worker
//! carries it out in that order; so a subscribe before a publish hears it and one after does not, and
//! nobody needs a lock to know who hears what.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxHashMap;
use tokio::sync::oneshot::Sender;

use crate::admission::Admission;
use crate::asks::{AskGone, AskId, Asks};
use crate::bridge::{Bridge, Event};
use crate::channel::ChannelId;
use crate::client::{ClientKey, Pressure};
use crate::command::Command;
use crate::door::{Decision, Door, DoorConfig, Headers};
use crate::error::Error;
use crate::frame::Frame;
use crate::lane::{Answer, Lane, Offer, Refused, Saturation};
use crate::options::Options;
use crate::placement::Place;
use crate::reports::{Question, ReportId, Reports};
use crate::routes::Routes;
use crate::shard::{Shard, ShardFull};
use crate::stats::Tally;
use crate::worker::WorkerHandle;

/// A broadcaster with its shards, its workers' threads and its door.
pub struct Broadcaster {
    options: Options,
    shards: Vec<Shard>,
    lanes: Vec<Lane>,
    routes: Routes,
    clients: FxHashMap<ClientKey, Registration>,
    last_key: ClientKey,
    bridge: Arc<Bridge>,
    door: Option<Door>,
    asks: Asks,
    reports: Reports,
    /// Nobody is let in any more.
    closing: bool,
    /// The lanes to wake at the end of a publish; kept for its buffer.
    to_wake: Vec<usize>,
}

/// What the sequencer knows of a client.
struct Registration {
    place: Place,
    /// Sorted.
    channels: Vec<ChannelId>,
    pressure: Arc<Pressure>,
    /// The application has closed it; the worker's word that it is gone is still to come.
    closing: bool,
}

/// What became of a published message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Shards of which every worker with subscribers took it.
    pub shards: u32,
    /// Workers with subscribers whose queue was full.
    pub dropped: u32,
    /// Workers that took it with their queue past its soft mark.
    pub saturated: u32,
}

/// Why an upgrade was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAccepted {
    /// The client's shard holds as many as it may, or the server closes.
    ShardFull,
    /// Nobody waits for the decision any more.
    AskGone,
}

/// What became of a direct message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way.
    Queued,
    /// It waits, because the client's socket refuses bytes.
    Behind,
    /// It was dropped: the client is gone, or lets too much wait.
    Dropped,
}

/// One worker's counters, gauges and place, for whoever watches.
#[derive(Clone, Copy, Debug)]
pub struct WorkerSnapshot {
    /// The shard to which it belongs.
    pub shard: usize,
    /// Its number within the shard.
    pub worker: usize,
    /// What it has counted itself.
    pub tally: Tally,
    /// What its queue refused.
    pub refused: Refused,
    /// How its queue stands with its soft mark.
    pub saturation: Saturation,
    /// Published messages in its queue.
    pub queue_messages: usize,
    /// Their bytes.
    pub queue_bytes: usize,
}

impl Broadcaster {
    /// Starts the workers. `doorbell` is called from any thread when [`Broadcaster::next_event`] has
    /// something for a caller who was told [`Broadcaster::may_rest`].
    ///
    /// # Errors
    ///
    /// What the system says when a thread or a descriptor is not to be had.
    pub fn start(
        options: Options,
        doorbell: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Broadcaster> {
        let bridge = Arc::new(Bridge::new(doorbell));
        let lanes = (0..options.placement.workers())
            .map(|number| {
                let bridge = Arc::clone(&bridge);
                let worker = WorkerHandle::start(number, options.queue, options.client, bridge)?;
                Ok(Lane::new(worker, options.queue, options.saturation_percent))
            })
            .collect::<io::Result<_>>()?;
        let shards = 0..options.placement.shards.get();
        Ok(Broadcaster {
            shards: shards.map(|_| Shard::new(options.max_clients)).collect(),
            lanes,
            routes: Routes::default(),
            clients: FxHashMap::default(),
            last_key: 0,
            bridge,
            door: None,
            asks: Asks::default(),
            reports: Reports::default(),
            closing: false,
            to_wake: Vec::new(),
            options,
        })
    }

    /// Opens the door; returns the port.
    ///
    /// # Errors
    ///
    /// What the system says when the address is not to be had.
    pub fn listen(&mut self, config: DoorConfig) -> io::Result<u16> {
        if self.door.is_some() {
            return Err(io::Error::other(Error::AlreadyListening));
        }
        let bridge = Arc::clone(&self.bridge);
        let door = Door::open(config, move |request| bridge.tell(Event::Upgrade(request)))?;
        let port = door.local_addr().port();
        self.door = Some(door);
        Ok(port)
    }

    /// Lets nobody in any more. Requests under way are finished.
    pub fn stop_listening(&mut self) {
        self.closing = true;
        if let Some(door) = &self.door {
            door.stop_accepting();
        }
    }

    /// Keeps an upgrade that [`Broadcaster::next_event`] has brought until it is decided.
    pub fn keep_ask(&mut self, decide: Sender<Decision>) -> AskId {
        self.asks.keep(decide)
    }

    /// Accepts an upgrade; returns the new client. `headers` are added to the 101 response.
    ///
    /// # Errors
    ///
    /// [`NotAccepted::ShardFull`] leaves the upgrade undecided, so that it can be refused.
    pub fn accept(
        &mut self,
        ask: AskId,
        client_id: &str,
        headers: Headers,
    ) -> Result<ClientKey, NotAccepted> {
        self.asks.check(ask).map_err(|AskGone| NotAccepted::AskGone)?;
        let admission = self.admit(client_id).map_err(|ShardFull| NotAccepted::ShardFull)?;
        let key = admission.key();
        // Should the asker go right now, the admission is dropped, and the client's close is told.
        self.asks.decide(ask, Decision::Accept { headers, reservation: Box::new(admission) });
        Ok(key)
    }

    /// Refuses an upgrade with a response.
    pub fn refuse(&mut self, ask: AskId, status: u16, headers: Headers, body: Bytes) {
        self.asks.decide(ask, Decision::Refuse { status, headers, body });
    }

    /// Takes a client in: the worker may have commands for it from here on, and expects its socket.
    ///
    /// # Errors
    ///
    /// [`ShardFull`] when its shard takes no more, or nobody is let in any more.
    pub fn admit(&mut self, client_id: &str) -> Result<Admission, ShardFull> {
        if self.closing {
            return Err(ShardFull);
        }
        let place = self.options.placement.place(client_id);
        self.shards[place.shard].admit()?;
        let key = self.new_key();
        let pressure = Arc::new(Pressure::default());
        let mailbox = self.lanes[place.worker].worker.mailbox();
        mailbox.push(Command::Expect(key, Arc::clone(&pressure)));
        let admission = Admission::new(key, mailbox.clone());
        self.clients
            .insert(key, Registration { place, channels: Vec::new(), pressure, closing: false });
        Ok(admission)
    }

    /// A key that no client has.
    fn new_key(&mut self) -> ClientKey {
        loop {
            self.last_key = self.last_key.wrapping_add(1);
            if self.last_key != 0 && !self.clients.contains_key(&self.last_key) {
                return self.last_key;
            }
        }
    }

    /// Subscribes a client; false when it was already, or is gone.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyChannels`] when it has as many as it may.
    pub fn subscribe(&mut self, client: ClientKey, channel: &str) -> Result<bool, Error> {
        let known = self.routes.find(channel);
        let Some(registration) = self.clients.get_mut(&client).filter(|client| !client.closing)
        else {
            return Ok(false);
        };
        if known.is_some_and(|channel| registration.channels.binary_search(&channel).is_ok()) {
            return Ok(false);
        }
        let limit = self.options.max_channels_per_client;
        if registration.channels.len() >= limit {
            return Err(Error::TooManyChannels { client, limit });
        }
        let channel = self.routes.add(channel, registration.place.worker);
        let at = registration.channels.partition_point(|&other| other < channel.id);
        registration.channels.insert(at, channel.id);
        let worker = registration.place.worker;
        self.command(worker, Command::Subscribe(client, channel));
        Ok(true)
    }

    /// Unsubscribes a client; false when it was not subscribed.
    pub fn unsubscribe(&mut self, client: ClientKey, channel: &str) -> bool {
        let Some(channel) = self.routes.find(channel) else { return false };
        let Some(registration) = self.clients.get_mut(&client) else { return false };
        let Ok(at) = registration.channels.binary_search(&channel) else { return false };
        registration.channels.remove(at);
        let worker = registration.place.worker;
        self.routes.remove(channel, worker);
        self.command(worker, Command::Unsubscribe(client, channel));
        true
    }

    /// Whether a client is subscribed.
    pub fn is_subscribed(&self, client: ClientKey, channel: &str) -> bool {
        self.routes.find(channel).is_some_and(|channel| self.hears(client, channel))
    }

    /// What a client is subscribed to.
    pub fn subscriptions(&self, client: ClientKey) -> impl Iterator<Item = &str> {
        let channels = self.clients.get(&client).map_or(&[][..], |client| &client.channels);
        channels.iter().map(|&channel| self.routes.name(channel))
    }

    /// Number of clients that are subscribed to a channel.
    pub fn subscriber_count(&self, channel: &str) -> usize {
        self.routes.find(channel).map_or(0, |channel| self.routes.subscribers(channel))
    }

    /// Publishes a message to the subscribers of a channel, but not to `except`. It costs one push for
    /// every worker that has subscribers, whatever their number.
    ///
    /// A worker whose queue is full does not get it; that is counted, and told.
    pub fn publish(
        &mut self,
        channel: &str,
        frame: &Frame,
        except: Option<ClientKey>,
    ) -> Published {
        let mut published = Published::default();
        let Some(channel) = self.routes.find(channel) else { return published };
        let except = except.filter(|&client| self.hears(client, channel));
        let except_on = except.map(|client| self.clients[&client].place.worker);
        let mut shard = ShardOutcome::default();
        for listeners in self.routes.listeners(channel) {
            shard.enter(self.options.placement.shard_of(listeners.worker), &mut published);
            let excluded = u64::from(except_on == Some(listeners.worker));
            let answer = self.lanes[listeners.worker].offer(Offer {
                command: Command::Publish { channel, frame: frame.clone(), except },
                bytes: frame.encoded_len(),
                subscribers: u64::from(listeners.clients) - excluded,
            });
            match answer {
                Answer::Taken { must_wake, saturated } => {
                    published.saturated += u32::from(saturated);
                    if must_wake.0 {
                        self.to_wake.push(listeners.worker);
                    }
                }
                Answer::Refused => {
                    published.dropped += 1;
                    shard.took_all = false;
                }
            }
        }
        shard.leave(&mut published);
        // Woken after all have it: a waking thread may take this one's processor at once.
        for worker in self.to_wake.drain(..) {
            self.lanes[worker].worker.mailbox().wake();
        }
        published
    }

    /// Sends a message to one client, after all that was published or sent to it before.
    pub fn send(&mut self, client: ClientKey, frame: Frame) -> Sent {
        let Some(registration) = self.clients.get(&client).filter(|client| !client.closing) else {
            return Sent::Dropped;
        };
        let length = frame.encoded_len();
        let pressure = &registration.pressure;
        let before = pressure.direct_bytes.load(Ordering::Relaxed);
        if before + length > self.options.backpressure_limit_bytes {
            return Sent::Dropped;
        }
        pressure.direct_bytes.fetch_add(length, Ordering::Relaxed);
        let refused = pressure.refused.load(Ordering::Relaxed);
        self.command(registration.place.worker, Command::Send(client, frame));
        if refused { Sent::Behind } else { Sent::Queued }
    }

    /// Bytes of direct messages that wait for a client.
    pub fn buffered(&self, client: ClientKey) -> usize {
        self.clients
            .get(&client)
            .map_or(0, |client| client.pressure.direct_bytes.load(Ordering::Relaxed))
    }

    /// Starts the closing handshake with a client; it hears nothing more.
    pub fn close(&mut self, client: ClientKey, code: u16, reason: String) {
        self.end(client, Command::Close(client, code, reason));
    }

    /// Ends a client's connection at once.
    pub fn terminate(&mut self, client: ClientKey) {
        self.end(client, Command::Terminate(client));
    }

    fn end(&mut self, client: ClientKey, command: Command) {
        let Some(registration) = self.clients.get_mut(&client).filter(|client| !client.closing)
        else {
            return;
        };
        registration.closing = true;
        let worker = registration.place.worker;
        for channel in std::mem::take(&mut registration.channels) {
            self.routes.remove(channel, worker);
        }
        self.command(worker, command);
    }

    /// Closes every client after what is queued for it, evenly over `over`, and lets nobody in any more.
    pub fn close_all(&mut self, code: u16, reason: &str, over: Duration) {
        self.closing = true;
        for worker in 0..self.lanes.len() {
            self.command(worker, Command::CloseAll { code, reason: reason.to_owned(), over });
        }
    }

    /// The oldest thing that happened and was not told yet.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            match self.bridge.pop()? {
                Event::Closed { client, code, reason } => {
                    self.forget(client);
                    return Some(Event::Closed { client, code, reason });
                }
                Event::Report(id, part) => {
                    if let Some(whole) = self.reports.answer(id, part) {
                        return Some(Event::Report(id, whole));
                    }
                }
                event => return Some(event),
            }
        }
    }

    /// Asks how clients stand. The answer is an [`Event::Report`] with the id that this returns.
    pub fn ask(&mut self, question: Question) -> ReportId {
        let workers = match question {
            Question::Slowest(_) | Question::Books => 0..self.lanes.len(),
            Question::Client(client) => match self.clients.get(&client) {
                Some(registration) => registration.place.worker..registration.place.worker + 1,
                // Any worker knows that there is no such client.
                None => 0..1,
            },
        };
        let request = self.reports.ask(question, workers.len());
        workers.for_each(|worker| self.command(worker, Command::Report(request)));
        request.id
    }

    /// To be asked when [`Broadcaster::next_event`] has nothing more. After true, the doorbell rings for
    /// the next event; false means that there is one already.
    pub fn may_rest(&mut self) -> bool {
        if self.bridge.catch_up() {
            for worker in 0..self.lanes.len() {
                self.command(worker, Command::Resume);
            }
        }
        self.bridge.may_rest()
    }

    fn forget(&mut self, client: ClientKey) {
        let Some(registration) = self.clients.remove(&client) else { return };
        for channel in registration.channels {
            self.routes.remove(channel, registration.place.worker);
        }
        self.shards[registration.place.shard].release();
    }

    /// Clients that are not gone yet, those in the closing handshake included.
    pub fn client_count(&self) -> usize {
        let held: u64 = self.lanes.iter().map(|lane| lane.worker.stats().clients).sum();
        self.clients.len().max(held as usize)
    }

    /// How full the fullest queue is, from 0 to 1.
    pub fn queue_load(&self) -> f64 {
        let loads = self.lanes.iter().map(|lane| lane.worker.mailbox().queue().load());
        loads.fold(0.0, f64::max)
    }

    /// Whether any queue is past its soft mark, or has been and is not yet well below it.
    pub fn is_saturated(&self) -> bool {
        self.lanes.iter().any(|lane| lane.saturation().now)
    }

    /// The shard of a client, and its worker within the shard.
    pub fn place(&self, client_id: &str) -> (usize, usize) {
        let Place { shard, worker } = self.options.placement.place(client_id);
        (shard, worker % self.options.placement.workers_per_shard.get() as usize)
    }

    /// What every worker has counted.
    pub fn snapshots(&self) -> impl Iterator<Item = WorkerSnapshot> {
        let per_shard = self.options.placement.workers_per_shard.get() as usize;
        self.lanes.iter().enumerate().map(move |(number, lane)| WorkerSnapshot {
            shard: self.options.placement.shard_of(number),
            worker: number % per_shard,
            tally: lane.worker.stats(),
            refused: lane.refused(),
            saturation: lane.saturation(),
            queue_messages: lane.worker.mailbox().queue().messages(),
            queue_bytes: lane.worker.mailbox().queue().bytes(),
        })
    }

    /// Ends all threads and waits for them. Sockets are closed as they are.
    pub fn stop(&mut self) {
        self.stop_listening();
        if let Some(mut door) = self.door.take() {
            door.close();
        }
        // All are told before the first is waited for.
        self.lanes.iter().for_each(|lane| lane.worker.stop());
        self.lanes.iter_mut().for_each(|lane| lane.worker.join());
    }

    fn hears(&self, client: ClientKey, channel: ChannelId) -> bool {
        let registration = self.clients.get(&client);
        registration.is_some_and(|client| client.channels.binary_search(&channel).is_ok())
    }

    fn command(&self, worker: usize, command: Command) {
        self.lanes[worker].worker.mailbox().push(command);
    }
}

impl Drop for Broadcaster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Counts the shards that took a message, while its workers are gone through shard by shard.
#[derive(Default)]
struct ShardOutcome {
    shard: Option<usize>,
    took_all: bool,
}

impl ShardOutcome {
    fn enter(&mut self, shard: usize, published: &mut Published) {
        if self.shard != Some(shard) {
            self.leave(published);
            *self = ShardOutcome { shard: Some(shard), took_all: true };
        }
    }

    fn leave(&mut self, published: &mut Published) {
        published.shards += u32::from(self.took_all);
    }
}
