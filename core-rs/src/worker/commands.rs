//! What the queue brings, command by command.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use mio::net::TcpStream;
use mio::{Interest, Token};

use crate::door::Handoff;
use crate::frame::Frame;
use crate::frame::compression::Compression;
use crate::ids::{Channel, ClientIndex, ClientKey, CohortIndex, SILENT};
use crate::worker::client::backlog::Kind;
use crate::worker::client::discards::Discards;
use crate::worker::client::{Client, Pressure};
use crate::worker::command::Command;
use crate::worker::departure::Cause;

use super::Worker;
use super::disconnect::CloseHandshake;

/// Channels that one client hears from here on. An application may name hundreds in a row, and each
/// set of channels is a cohort: all but the last would have a single member, for a moment.
#[derive(Default)]
pub(super) struct Subscribing {
    client: ClientKey,
    channels: Vec<Channel>,
}

impl Worker {
    pub(super) fn apply(&mut self, command: Command) {
        match command {
            Command::Publish(message, _) => self.publish(&message),
            Command::Expect(key, compression, discards, pressure) => {
                self.expect(key, compression, discards, pressure);
            }
            Command::Discard(key, discards) => self.with(key, |worker, client| {
                worker.clients[client].discards = discards;
            }),
            Command::Attach(key, handoff) => self.attach(key, *handoff),
            Command::Abandon(key) => {
                self.with(key, |worker, client| worker.disconnect(client, Cause::Broken));
            }
            Command::Subscribe(client, channel) => {
                self.subscribe(&mut Subscribing { client, channels: vec![*channel] });
            }
            Command::Unsubscribe(key, channel) => self.with(key, |worker, client| {
                worker.change_channels(client, |channels| {
                    channels.retain(|other| other.id != channel)
                });
            }),
            Command::Send(key, frame) => {
                self.with(key, |worker, client| worker.send(client, Kind::Direct, &frame))
            }
            Command::Control(key, frame) => {
                self.with(key, |worker, client| worker.send(client, Kind::DirectControl, &frame))
            }
            Command::Pong(key, frame) => {
                self.with(key, |worker, client| worker.send_pong_of_application(client, *frame));
            }
            Command::NotifyDrained(key) => self.with(key, |worker, client| {
                worker.clients[client].notify_drained = true;
                worker.flush_soon(client);
            }),
            Command::NotifyRelieved(channel) => self.emit_relieved(channel),
            Command::Pause(key, paused) => {
                self.with(key, |worker, client| worker.pause(client, paused));
            }
            Command::Close(key, why) => self.with(key, |worker, client| {
                worker.start_close(client, CloseHandshake::by_application(*why));
            }),
            Command::Finish(key) => self.with(key, Worker::finish),
            Command::Terminate(key) => {
                self.with(key, |worker, client| worker.terminate(client, Cause::App));
            }
            Command::TerminateSlow(key) => {
                self.with(key, |worker, client| worker.terminate(client, Cause::Slow));
            }
            Command::CloseAll(staggered_close) => self.start_staggered_close(*staggered_close),
            Command::Report(request) => self.report(*request),
            Command::Resume => {}
        }
    }

    /// Adds a channel to those that a client is about to hear.
    pub(super) fn gather(
        &mut self,
        subscribing: &mut Subscribing,
        client: ClientKey,
        channel: Channel,
    ) {
        if subscribing.client != client {
            self.subscribe(subscribing);
            subscribing.client = client;
        }
        subscribing.channels.push(channel);
    }

    /// Has a client hear what was gathered for it, with one move to another cohort.
    pub(super) fn subscribe(&mut self, Subscribing { client, channels: added }: &mut Subscribing) {
        if added.is_empty() {
            return;
        }
        self.with(*client, |worker, client| {
            worker.change_channels(client, |channels| {
                channels.append(added);
                channels.sort_unstable();
                channels.dedup();
            });
        });
        // Of a client that is gone nothing was taken.
        added.clear();
    }

    /// Does something with a client, unless it is gone already: commands may cross its departure.
    fn with(&mut self, key: ClientKey, act: impl FnOnce(&mut Worker, ClientIndex)) {
        if let Some(&client) = self.by_key.get(&key) {
            act(self, client);
        }
    }

    fn expect(
        &mut self,
        key: ClientKey,
        compression: Compression,
        discards: Discards,
        pressure: Arc<Pressure>,
    ) {
        let mut client = Client::expected(key, compression, pressure, self.now_secs());
        client.discards = discards;
        let entry = self.clients.vacant_entry();
        client.position = self.cohorts[SILENT].join(entry.key());
        self.by_key.insert(key, entry.key());
        entry.insert(client);
    }

    fn attach(&mut self, key: ClientKey, Handoff { socket, response, read_ahead }: Handoff) {
        let Some(&index) = self.by_key.get(&key) else { return };
        let mut socket = TcpStream::from_std(socket);
        let Ok(rest) = send_response(&socket, &response) else {
            return self.disconnect(index, Cause::Broken);
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        if self.parts.poll.registry().register(&mut socket, Token(index), interest).is_err() {
            return self.disconnect(index, Cause::Broken);
        }
        let client = &mut self.clients[index];
        self.inbound.read_ahead_bytes += read_ahead.len();
        client.attach(socket, read_ahead);
        if !rest.is_empty() {
            client.backlog.begin_with(rest);
        }
        if client.read_ahead_bytes() > 0 {
            self.read_soon(index);
        }
        self.flush_soon(index);
    }

    fn send(&mut self, index: ClientIndex, kind: Kind, frame: &Frame) {
        if !self.clients[index].is_open() {
            return;
        }
        self.write_rather_than_copy(index);
        let client = &mut self.clients[index];
        let bytes = frame.in_form(client.compression, &mut self.deflater);
        client.note_form(frame.encoded_len(), bytes.len());
        self.counters.deliveries_expected += u64::from(kind == Kind::Direct);
        client.backlog.push(kind, bytes, self.cohorts[client.cohort].log());
        self.flush_soon(index);
    }

    fn change_channels(&mut self, index: ClientIndex, change: impl FnOnce(&mut Vec<Channel>)) {
        let client = &self.clients[index];
        if !client.is_open() {
            return;
        }
        let mut channels = self.cohorts[client.cohort].channels().to_vec();
        change(&mut channels);
        let cohort = self.cohorts.find_or_create(client.compression, &channels);
        self.move_to_cohort(index, cohort);
    }

    /// Lets a client go on in another cohort's log. What it had not read of the old one it keeps.
    pub(super) fn move_to_cohort(&mut self, index: ClientIndex, to: CohortIndex) {
        let from = self.clients[index].cohort;
        if from == to {
            return;
        }
        self.write_rather_than_copy(index);
        let client = &mut self.clients[index];
        let log = self.cohorts[from].log();
        let was_behind = client.backlog.cursor() != log.head();
        client.backlog.detach(log);
        client.backlog.follow(self.cohorts[to].log());
        client.cohort = to;
        let position = std::mem::replace(&mut client.position, self.cohorts[to].join(index));
        self.leave_cohort(from, position, was_behind);
        // No pass of the old cohort will come by for what it kept.
        self.flush_soon(index);
    }

    /// Frees a position. Whoever is moved there by it still gets what the pass under way owes. With
    /// `was_behind`, the one who leaves had not read all of the log.
    pub(super) fn leave_cohort(&mut self, cohort: CohortIndex, position: usize, was_behind: bool) {
        if let Some(moved) = self.cohorts[cohort].leave(position) {
            let client = &mut self.clients[moved.client];
            client.position = position;
            if moved.passed_over {
                let cursor = client.backlog.cursor();
                self.cohorts[cohort].visited(cursor);
                self.flush_soon(moved.client);
            }
        }
        if cohort != SILENT && self.cohorts[cohort].is_empty() {
            self.cohorts.remove(cohort);
            self.passes.forget(cohort);
        } else if was_behind {
            // It may have been the last to hold the log: a pass finds out.
            self.passes.schedule(cohort, &mut self.cohorts, 0);
        }
    }
}

/// Sends a new client its 101 response; returns what its socket has no room for: nothing, unless
/// the system is short of memory.
fn send_response<'r>(mut socket: &TcpStream, response: &'r [u8]) -> io::Result<&'r [u8]> {
    if response.is_empty() {
        return Ok(response);
    }
    match socket.write(response) {
        Ok(bytes) => Ok(&response[bytes..]),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(response)
        }
        Err(error) => Err(error),
    }
}
