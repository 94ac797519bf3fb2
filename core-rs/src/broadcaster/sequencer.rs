//! The sequencer: everything that happens to clients and channels is decided here, in one order.
//!
//! One thread at a time calls it. What it decides goes into the workers' queues in the same order,
//! and each worker carries it out in that order; so a message reaches a client that subscribed
//! before it and none that unsubscribed before it, without a lock.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::broadcaster::placement::Placement;
use crate::error::Error;
use crate::event_queue::Event;
use crate::frame::form::Form;
use crate::frame::{Frame, Payload};
use crate::ids::ClientKey;
use crate::options::Options;
use crate::worker::client::discards::Discards;
use crate::worker::command::{CloseAll, CloseReason, Command};
use crate::worker::delivery_times::DeliveryTimes;

use super::admission::Admission;
use super::backpressure::Sent;
use super::channel_registry::{ChannelActivity, ChannelRegistry};
use super::client_registry::ClientRegistry;
use super::framing::Framer;
use super::publishing::{Publication, Published, Publisher};
use super::registration::ChannelsFull;
use super::reports::{Query, Report, ReportRequest};
use super::shard::ShardFull;
use super::worker_links::{WorkerLinks, WorkerSnapshot};

/// The clients, the channels and the ways to the workers.
pub struct Sequencer {
    placement: Placement,
    limits: ClientShare,
    framer: Framer,
    clients: ClientRegistry,
    channels: ChannelRegistry,
    workers: WorkerLinks,
}

/// What one client may have.
struct ClientShare {
    /// Channels to which it is subscribed.
    channels: usize,
    /// Bytes of direct messages that wait for it before another; past it that is dropped.
    backpressure_bytes: usize,
    /// Whether a client for which more than that waits already is dropped; otherwise the message
    /// is.
    close_on_backpressure: bool,
}

impl Sequencer {
    /// Without clients and channels.
    pub(super) fn new(options: &Options, workers: WorkerLinks) -> Sequencer {
        let compression_threshold_bytes = options.compression_threshold_bytes;
        Sequencer {
            placement: options.placement,
            limits: ClientShare {
                channels: options.max_channels_per_client,
                backpressure_bytes: options.backpressure_limit_bytes,
                close_on_backpressure: options.close_on_backpressure_limit,
            },
            framer: Framer { compression_threshold_bytes },
            clients: ClientRegistry::new(options.placement, options.max_clients),
            channels: ChannelRegistry::new(),
            workers,
        }
    }

    /// Notes what a worker's event changes; returns the event for the application.
    pub(super) fn receive(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Closed { client, .. } => self.clients.remove(client, &mut self.channels),
            Event::Drained(client) => {
                if let Some(registration) = self.clients.get_mut(client) {
                    registration.backpressure.drained();
                }
            }
            Event::PeerDone(client) => {
                if let Some(registration) = self.clients.get_mut(client) {
                    registration.peer_done = true;
                }
            }
            Event::Relieved { worker, channel, client } => {
                let link = self.workers.link_mut(worker);
                link.relieved();
                let client = client?;
                if self.clients.open_mut(client).is_none() {
                    // The application has closed it meanwhile, and the worker names another.
                    link.request_relief(channel);
                    return None;
                }
                return Some(Event::Drained(client));
            }
            _ => {}
        }
        Some(event)
    }

    /// Lets workers that hold back read from their clients again.
    pub(super) fn let_workers_read(&self) {
        self.workers.command_all(|| Command::Resume);
    }

    /// Admits no client from here on.
    pub(super) fn close_admission(&mut self) {
        self.clients.close();
    }

    /// Admits a client: its worker may have commands for it from here on, and expects its socket.
    ///
    /// # Errors
    ///
    /// `ShardFull` when its shard takes no more, or the server admits no more clients.
    pub fn admit(&mut self, client_id: &str, form: Form) -> Result<Admission, ShardFull> {
        self.admit_as(Some(client_id), form, Discards::default()).map(|(admission, _)| admission)
    }

    /// The same with an id of the application's or none; returns its worker, too.
    ///
    /// # Errors
    ///
    /// As [`Sequencer::admit`].
    pub(super) fn admit_as(
        &mut self,
        client_id: Option<&str>,
        form: Form,
        discards: Discards,
    ) -> Result<(Admission, usize), ShardFull> {
        let pressure = Arc::default();
        let (key, place) = self.clients.admit(client_id, form, Arc::clone(&pressure))?;
        self.workers.command(place.worker, Command::Expect(key, form, discards, pressure));
        let mailbox = self.workers.mailbox(place.worker);
        Ok((Admission::new(key, mailbox.clone()), place.worker))
    }

    /// The id of a client that was accepted without one of the application's.
    pub fn given_id(&self, client: ClientKey) -> String {
        self.clients.given_id(client)
    }

    /// Subscribes a client; false when it was already, or is gone.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyChannels`] when it has as many as it may.
    pub fn subscribe(&mut self, client: ClientKey, channel: &str) -> Result<bool, Error> {
        let Some(registration) = self.clients.open_mut(client) else { return Ok(false) };
        let limit = self.limits.channels;
        let channel = registration
            .subscribe(channel, limit, &mut self.channels)
            .map_err(|ChannelsFull| Error::TooManyChannels { client, limit })?;
        let Some(channel) = channel else { return Ok(false) };
        let worker = registration.place.worker;
        self.workers.command(worker, Command::Subscribe(client, Box::new(channel)));
        Ok(true)
    }

    /// Unsubscribes a client; false when it was not subscribed.
    pub fn unsubscribe(&mut self, client: ClientKey, channel: &str) -> bool {
        let Some(channel) = self.channels.find(channel) else { return false };
        let Some(registration) = self.clients.get_mut(client) else { return false };
        let was_subscribed = registration.unsubscribe(channel, &mut self.channels);
        if was_subscribed {
            let worker = registration.place.worker;
            self.workers.command(worker, Command::Unsubscribe(client, channel));
        }
        was_subscribed
    }

    /// Whether a client is subscribed.
    pub fn is_subscribed(&self, client: ClientKey, channel: &str) -> bool {
        let channel = self.channels.find(channel);
        let client = self.clients.get(client);
        channel.zip(client).is_some_and(|(channel, client)| client.is_subscribed(channel))
    }

    /// What a client is subscribed to.
    pub fn subscriptions(&self, client: ClientKey) -> impl Iterator<Item = &str> {
        let channels = self.clients.get(client).into_iter().flat_map(|client| client.channels());
        channels.map(|channel| self.channels.name(channel))
    }

    /// Number of clients that are subscribed to a channel.
    pub fn subscriber_count(&self, channel: &str) -> usize {
        self.channels.subscribers(channel)
    }

    /// Publishes a message to the subscribers of a channel. It costs one push for every worker that
    /// has subscribers, whatever their number.
    ///
    /// A message without subscribers is counted and nothing more. A worker whose queue is full does
    /// not get it; that is counted, and returned.
    pub fn publish(
        &mut self,
        channel: &str,
        payload: Payload<'_>,
        publication: Publication,
    ) -> Published {
        let mut publisher = Publisher {
            placement: self.placement,
            framer: self.framer,
            channels: &mut self.channels,
            clients: &mut self.clients,
            workers: &mut self.workers,
        };
        publisher.publish(channel, payload, publication)
    }

    /// Sends a message to one client, after all that was published or sent to it before.
    pub fn send(&mut self, client: ClientKey, payload: Payload<'_>, compress: bool) -> Sent {
        let frame = self.framer.frame(payload, compress && self.clients.any_deflated());
        self.send_frame(client, frame, Command::Send)
    }

    /// Sends a ping or pong to one client, as [`Sequencer::send`] sends a message.
    pub fn control(&mut self, client: ClientKey, frame: Frame) -> Sent {
        self.send_frame(client, frame, Command::Control)
    }

    fn send_frame(
        &mut self,
        client: ClientKey,
        frame: Frame,
        command: impl FnOnce(ClientKey, Box<Frame>) -> Command,
    ) -> Sent {
        let Some(registration) = self.clients.open_mut(client) else { return Sent::Dropped };
        let limit = self.limits.backpressure_bytes;
        let sent = registration.backpressure.count(frame.encoded_len(), limit);
        let worker = registration.place.worker;
        if sent != Sent::Dropped {
            self.workers.command(worker, command(client, Box::new(frame)));
        } else if self.limits.close_on_backpressure {
            self.end(client, Command::TerminateSlow(client));
            return sent;
        }
        if sent != Sent::Queued {
            self.request_drain(client);
        }
        sent
    }

    /// Answers a ping of which [`Event::Ping`] says that its worker has not. One at a time waits
    /// for a client whose socket is full.
    pub fn answer_ping(&self, client: ClientKey, payload: &[u8]) {
        self.command(client, |client| Command::Pong(client, Box::new(Frame::pong(payload))));
    }

    /// Bytes of direct messages that wait for a client. An application that sees some may wait for
    /// the drain.
    pub fn buffered(&mut self, client: ClientKey) -> usize {
        let registration = self.clients.get(client);
        let bytes = registration.map_or(0, |client| client.backpressure.waiting_bytes());
        if bytes > 0 {
            self.request_drain(client);
        }
        bytes
    }

    /// Has the worker emit a `Drained` once the client has taken all that waits.
    fn request_drain(&mut self, client: ClientKey) {
        let Some(registration) = self.clients.get_mut(client) else { return };
        if registration.backpressure.await_drain() {
            self.workers.command(registration.place.worker, Command::NotifyDrained(client));
        }
    }

    /// Stops reading from a client, or goes on.
    pub fn pause(&self, client: ClientKey, paused: bool) {
        self.command(client, |client| Command::Pause(client, paused));
    }

    /// Discards these frames of a client from here on, and no others.
    pub fn discard(&self, client: ClientKey, discards: Discards) {
        self.command(client, |client| Command::Discard(client, discards));
    }

    /// Queues a command for the worker of a client that is not gone.
    fn command(&self, client: ClientKey, command: impl FnOnce(ClientKey) -> Command) {
        if let Some(registration) = self.clients.get(client) {
            self.workers.command(registration.place.worker, command(client));
        }
    }

    /// Starts the closing handshake with a client, which receives nothing more.
    pub fn close(&mut self, client: ClientKey, code: u16, reason: String) {
        self.end(client, Command::Close(client, Box::new(CloseReason { code, reason })));
    }

    /// Closes a client after its [`Event::PeerDone`]. Any other stays.
    pub fn finish(&mut self, client: ClientKey) {
        if self.clients.get(client).is_some_and(|client| client.peer_done) {
            self.end(client, Command::Finish(client));
        }
    }

    /// Ends a client's connection, after what its socket takes at once.
    pub fn terminate(&mut self, client: ClientKey) {
        self.end(client, Command::Terminate(client));
    }

    fn end(&mut self, client: ClientKey, command: Command) {
        if let Some(worker) = self.clients.close_client(client, &mut self.channels) {
            self.workers.command(worker, command);
        }
    }

    /// Closes every client after what is queued for it, evenly over `over`, and admits no more.
    pub fn close_all(&mut self, code: u16, reason: &str, over: Duration) {
        self.close_admission();
        self.workers.command_all(|| {
            let why = CloseReason { code, reason: reason.to_owned() };
            Command::CloseAll(Box::new(CloseAll { why, over }))
        });
    }

    /// The workers that have something for a report.
    pub(super) fn reporters(&self, query: Query) -> Range<usize> {
        match query {
            Query::Slowest(_) | Query::Reconciliation => 0..self.workers.len(),
            // Any worker knows that there is no such client.
            Query::Client(client) => {
                let worker = self.clients.get(client).map_or(0, |client| client.place.worker);
                worker..worker + 1
            }
        }
    }

    /// Requests its part of a report from a worker.
    pub(super) fn request_report(&self, worker: usize, request: ReportRequest) {
        self.workers.command(worker, Command::Report(Box::new(request)));
    }

    /// Adds to the workers' report what they cannot know: the messages that never reached them.
    pub(super) fn add_refused(&self, query: Query, report: &mut Report) {
        for client in &mut report.clients {
            let registration = self.clients.get(client.client);
            let refused = registration.map_or(0, |client| client.refused(&self.channels));
            client.delivery_counts.add_refused(refused);
        }
        if matches!(query, Query::Reconciliation) {
            report.reconciliation.clients.add_refused(self.clients.refused(&self.channels));
            report.reconciliation.workers.add_refused(self.workers.refused_deliveries());
        }
    }

    /// Clients that are not gone yet, those in the closing handshake included.
    pub fn client_count(&self) -> usize {
        self.clients.len().max(self.workers.client_count())
    }

    /// How full the fullest queue is, from 0 to 1.
    pub fn queue_load(&self) -> f64 {
        self.workers.queue_load()
    }

    /// Whether any queue is past its soft limit, or has been and is not yet well below it.
    pub fn is_saturated(&self) -> bool {
        self.workers.any_saturated()
    }

    /// Of the channels that have subscribers, and `search` in their names, those with the most
    /// messages, most first, `limit` at most. Looks at all of them.
    pub fn busiest_channels(&self, limit: usize, search: &str) -> Vec<ChannelActivity> {
        self.channels.busiest(limit, search)
    }

    /// How many channels have subscribers, and how many subscriptions these are.
    pub fn channel_totals(&self) -> (usize, u64) {
        self.channels.totals()
    }

    /// How long the messages of all workers have taken.
    pub fn delivery_times(&self) -> DeliveryTimes {
        self.workers.delivery_times()
    }

    /// The shard of a client, and its worker within the shard.
    pub fn place(&self, client_id: &str) -> (usize, usize) {
        self.place_of(self.placement.place(client_id).worker)
    }

    /// The shard of a worker that is counted over all shards, and its number within the shard.
    pub fn place_of(&self, worker: usize) -> (usize, usize) {
        self.placement.within_shard(worker)
    }

    /// What every worker has counted.
    pub fn snapshots(&self) -> impl Iterator<Item = WorkerSnapshot> {
        self.workers.snapshots(self.placement)
    }

    /// Ends the workers' threads and waits for them.
    pub(super) fn stop(&mut self) {
        self.workers.stop();
    }
}
