//! Backlogs over one log, against a model that gives every client a queue of its own.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::ids::{Channel, ChannelId};

const CHANNELS: [&str; 2] = ["a", "b"];

fn log() -> Log {
    let channels = CHANNELS.iter().zip(0..);
    Log::new(channels.map(|(&name, id)| Channel { id: ChannelId(id), name: name.into() }).collect())
}

#[derive(Clone, Debug)]
enum BacklogStep {
    /// Append a message of this many bytes for all clients but this one.
    Publish(usize, Option<usize>),
    /// Queue a frame for one client.
    Push(usize, bool),
    /// The socket of a client takes this many bytes of what it is offered.
    Write(usize, usize),
    Skip(usize),
    Clear(usize),
    /// The client leaves the log for another and comes back.
    Detach(usize),
    /// Forget what all have read.
    Release,
}

fn step() -> impl Strategy<Value = BacklogStep> {
    let client = 0usize..CLIENTS;
    prop_oneof![
        6 => (1usize..200, prop::option::weighted(0.2, client.clone()))
            .prop_map(|(length, except)| BacklogStep::Publish(length, except)),
        2 => (client.clone(), any::<bool>())
            .prop_map(|(client, direct)| BacklogStep::Push(client, direct)),
        8 => (client.clone(), prop_oneof![1usize..40, Just(usize::MAX)])
            .prop_map(|(client, bytes)| BacklogStep::Write(client, bytes)),
        1 => client.clone().prop_map(BacklogStep::Skip),
        1 => client.clone().prop_map(BacklogStep::Clear),
        1 => client.prop_map(BacklogStep::Detach),
        2 => Just(BacklogStep::Release),
    ]
}

const CLIENTS: usize = 3;

/// A frame as the model keeps it.
#[derive(Clone)]
struct QueuedFrame {
    kind: Kind,
    bytes: Vec<u8>,
    begun: bool,
}

#[derive(Default)]
struct Model {
    waiting: VecDeque<QueuedFrame>,
    /// Messages expected to reach the client.
    expected: u64,
}

impl Model {
    fn push(&mut self, kind: Kind, bytes: Vec<u8>) {
        self.expected += u64::from(kind.is_message());
        self.waiting.push_back(QueuedFrame { kind, bytes, begun: false });
    }

    fn write(&mut self, mut bytes: usize) -> (Vec<u8>, Completed) {
        let mut written = Vec::new();
        let mut completed = Completed::default();
        while bytes > 0 {
            let Some(frame) = self.waiting.front_mut() else { break };
            let taken = bytes.min(frame.bytes.len());
            written.extend(frame.bytes.drain(..taken));
            frame.begun = true;
            bytes -= taken;
            completed.direct_bytes += if frame.kind == Kind::Direct { taken } else { 0 };
            if frame.bytes.is_empty() {
                completed.messages += u64::from(frame.kind.is_message());
                self.waiting.pop_front();
            }
        }
        (written, completed)
    }

    /// Drops what `keep` does not name, and returns the kinds of the messages that were dropped.
    fn retain(&mut self, keep: impl Fn(&Kind) -> bool) -> Vec<Kind> {
        let (kept, dropped): (VecDeque<_>, VecDeque<_>) =
            self.waiting.drain(..).partition(|frame| frame.begun || keep(&frame.kind));
        self.waiting = kept;
        let kinds = dropped.into_iter().map(|frame| frame.kind);
        kinds.filter(Kind::is_message).collect()
    }

    fn messages(&self) -> u64 {
        self.waiting.iter().filter(|frame| frame.kind.is_message()).count() as u64
    }

    fn published(&self) -> u64 {
        self.waiting.iter().filter(|frame| frame.kind.is_published()).count() as u64
    }
}

fn bytes_of(number: u8, length: usize) -> Vec<u8> {
    (0..length).map(|at| number.wrapping_add(at as u8)).collect()
}

struct Pair {
    backlog: Backlog,
    model: Model,
}

fn write(pair: &mut Pair, log: &Log, limit: usize) -> Result<(), TestCaseError> {
    let offered = pair.backlog.unwritten(log);
    let bytes = offered.len().min(limit);
    let (expected, completed) = pair.model.write(bytes);
    prop_assert_eq!(&offered[..bytes], &expected[..]);
    prop_assert_eq!(pair.backlog.wrote(bytes, log), completed);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_client_gets_what_a_queue_of_its_own_would_give_it(
        steps in prop::collection::vec(step(), 0..150)
    ) {
        let mut log = log();
        let mut pairs: Vec<Pair> = (0..CLIENTS)
            .map(|_| Pair { backlog: Backlog::default(), model: Model::default() })
            .collect();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                BacklogStep::Publish(length, except) => {
                    let message = bytes_of(number as u8, length);
                    if let Some(client) = except {
                        pairs[client].backlog.detach(&log);
                    }
                    let channel = number % CHANNELS.len();
                    log.append(&message, ChannelId(channel as u32));
                    for (client, pair) in pairs.iter_mut().enumerate() {
                        if except == Some(client) {
                            pair.backlog.follow(&log);
                        } else {
                            let kind = Kind::Published(CHANNELS[channel].into());
                            pair.model.push(kind, message.clone());
                        }
                    }
                }
                BacklogStep::Push(client, direct) => {
                    let kind = if direct { Kind::Direct } else { Kind::Control };
                    let frame = bytes_of(number as u8, 17);
                    pairs[client].backlog.push(kind.clone(), &frame, &log);
                    pairs[client].model.push(kind, frame);
                }
                BacklogStep::Write(client, limit) => write(&mut pairs[client], &log, limit)?,
                BacklogStep::Skip(client) => {
                    let pair = &mut pairs[client];
                    let mut missed = None;
                    let skipped = pair.backlog.skip(&log, &mut missed);
                    let expected = pair.model.retain(|kind| !kind.is_published());
                    prop_assert_eq!(skipped, expected.len() as u64);
                    let missed: Missed = missed.map(|missed| *missed).unwrap_or_default();
                    prop_assert_eq!(missed.total(), skipped);
                    for (channel, messages) in missed.iter() {
                        let of_channel = expected.iter().filter_map(Kind::channel);
                        let count = of_channel.filter(|name| &***name == channel).count();
                        prop_assert_eq!(messages, count as u64);
                    }
                }
                BacklogStep::Clear(client) => {
                    let pair = &mut pairs[client];
                    let dropped = pair.model.retain(|_| false);
                    prop_assert_eq!(pair.backlog.clear(&log), dropped.len() as u64);
                }
                BacklogStep::Detach(client) => pairs[client].backlog.detach(&log),
                BacklogStep::Release => {
                    let oldest = pairs.iter().map(|pair| pair.backlog.cursor()).min();
                    log.release(oldest.expect("there are clients"), pairs.len());
                }
            }
            for pair in &pairs {
                prop_assert_eq!(pair.backlog.messages(&log), pair.model.messages());
                let counts = pair.backlog.delivery_counts(&log);
                let DeliveryCounts { expected, delivered, dropped, pending } = counts;
                prop_assert_eq!(expected, pair.model.expected);
                prop_assert_eq!(expected, delivered + dropped.total() + pending);
                prop_assert_eq!(pair.backlog.lag(&log).messages, pair.model.published());
            }
        }
        for pair in &mut pairs {
            while !pair.backlog.is_empty(&log) {
                write(pair, &log, usize::MAX)?;
            }
            prop_assert!(pair.model.waiting.is_empty());
            prop_assert_eq!(pair.backlog.lag(&log), Lag::default());
        }
    }
}
