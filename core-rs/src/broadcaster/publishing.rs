//! Messages on their way into the workers' queues.

use std::sync::Arc;
use std::time::Instant;

use crate::broadcaster::routes::Listeners;
use crate::broadcaster::worker_link::Answer;
use crate::frame::{Frame, Payload};
use crate::ids::{ChannelId, ClientKey};
use crate::queue::ring_all;
use crate::worker::command::{Command, PublishedMessage};

use super::Broadcaster;

/// What became of a published message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Clients that are subscribed, but for the one that is left out.
    pub subscribers: u32,
    /// Shards of which every worker with subscribers took it.
    pub shards: u32,
    /// Workers with subscribers whose queue was full.
    pub dropped: u32,
    /// Workers that took it with their queue past its soft mark.
    pub saturated: u32,
}

/// How a message is published.
#[derive(Clone, Copy, Debug)]
pub struct Publication {
    /// A client that is not to get it.
    pub except: Option<ClientKey>,
    /// Whether clients that take compressed messages get it so, if it is worth it.
    pub compress: bool,
}

impl Default for Publication {
    fn default() -> Publication {
        Publication { except: None, compress: true }
    }
}

impl Broadcaster {
    /// Publishes a message to the subscribers of a channel. It costs one push for
    /// every worker that has subscribers, whatever their number.
    ///
    /// A message that nobody hears is counted and nothing more. A worker whose queue is full does
    /// not get it; that is counted, and told.
    pub fn publish(
        &mut self,
        channel: &str,
        payload: Payload<'_>,
        Publication { except, compress }: Publication,
    ) -> Published {
        let mut published = Published::default();
        let Some(channel) = self.channels.count_published(channel) else { return published };
        let at = Instant::now();
        let except = except.filter(|&client| self.hears(client, channel));
        let except_on = except.and_then(|client| self.clients.get(client));
        let except_on = except_on.map(|client| client.place.worker);
        let frame = self.framed(payload, compress);
        let message = Arc::new(PublishedMessage { channel, frame, except, at });
        let mut shard = ShardOutcome::default();
        for listeners in self.routes.listeners_mut(channel) {
            let subscribers = listeners.clients_but_one_on(except_on);
            if subscribers == 0 {
                continue;
            }
            published.subscribers += subscribers;
            shard.enter(self.options.placement.shard_of(listeners.worker), &mut published);
            let command = Command::Publish(Arc::clone(&message), subscribers);
            match self.lanes[listeners.worker].offer(command) {
                Answer::Taken { saturated: false } => {}
                Answer::Taken { saturated: true } => {
                    published.saturated += 1;
                    self.lanes[listeners.worker].ask_for_relief(channel);
                }
                Answer::Refused => {
                    published.dropped += 1;
                    self.lanes[listeners.worker].ask_for_relief(channel);
                    shard.took_all = false;
                    listeners.refused += 1;
                    if let Some(except) = except.filter(|_| except_on == Some(listeners.worker))
                        && let Some(registration) = self.clients.get_mut(except)
                    {
                        registration.except_refused(channel);
                    }
                }
            }
        }
        shard.leave(&mut published);
        // After all have it: a waking thread may take this one's processor at once.
        self.wake_listeners(channel, except_on);
        published
    }

    /// Wakes those that sleep of the workers which have just been offered a message.
    fn wake_listeners(&self, channel: ChannelId, except_on: Option<usize>) {
        let listeners = self.routes.listeners(channel).iter();
        let listeners = listeners.filter(|listeners| listeners.clients_but_one_on(except_on) > 0);
        let queues =
            listeners.map(|&Listeners { worker, .. }| (worker, self.lanes[worker].queue()));
        let mut sleepers = false;
        for worker in ring_all(queues) {
            self.wake_tree.note(worker);
            sleepers = true;
        }
        if sleepers {
            self.wake_tree.wake_one();
        }
    }

    /// The client to whom it is told that a worker has caught up; none when there is nobody left.
    pub(super) fn relieved(
        &mut self,
        worker: usize,
        channel: ChannelId,
        client: Option<ClientKey>,
    ) -> Option<ClientKey> {
        let lane = &mut self.lanes[worker];
        lane.relieved();
        let client = client?;
        let open = self.clients.get(client).is_some_and(|client| !client.closing);
        if !open {
            // The application has closed it meanwhile, and the worker names another.
            lane.ask_for_relief(channel);
        }
        open.then_some(client)
    }

    /// The message as the workers get it: if it is compressed, then there and once.
    pub(super) fn framed(&self, payload: Payload<'_>, compress: bool) -> Frame {
        let frame = Frame::message(payload);
        let worth_it = frame.encoded_len() >= self.options.compression_threshold_bytes;
        if compress && worth_it && self.compressing > 0 { frame.compressible() } else { frame }
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
