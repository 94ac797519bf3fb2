//! Messages on their way into the workers' queues.

use std::sync::Arc;
use std::time::Instant;

use crate::broadcaster::placement::Placement;
use crate::frame::Payload;
use crate::ids::{ChannelId, ClientKey};
use crate::worker::command::{Command, PublishedMessage};

use super::channel_registry::ChannelRegistry;
use super::client_registry::ClientRegistry;
use super::framing::Framer;
use super::worker_link::Offered;
use super::worker_links::WorkerLinks;

/// What became of a published message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Clients that are subscribed, but for the one that is left out.
    pub subscribers: u32,
    /// Shards of which every worker with subscribers took it.
    pub shards: u32,
    /// Workers with subscribers whose queue was full.
    pub dropped: u32,
    /// Workers that took it with their queue past its soft limit.
    pub saturated: u32,
}

/// How a message is published.
#[derive(Clone, Copy, Debug)]
pub struct Publication {
    /// A client that does not get it.
    pub except: Option<ClientKey>,
    /// Whether clients that take compressed messages get it so, if it is worth it.
    pub compress: bool,
}

impl Default for Publication {
    fn default() -> Publication {
        Publication { except: None, compress: true }
    }
}

/// The parts of the sequencer that a publish takes.
pub(super) struct Publisher<'a> {
    pub(super) placement: Placement,
    pub(super) framer: Framer,
    pub(super) channels: &'a mut ChannelRegistry,
    pub(super) clients: &'a mut ClientRegistry,
    pub(super) workers: &'a mut WorkerLinks,
}

/// A subscriber that does not get the message, and its worker.
#[derive(Clone, Copy)]
struct Except {
    client: ClientKey,
    worker: usize,
}

impl Publisher<'_> {
    /// See [`Sequencer::publish`](super::Sequencer::publish).
    pub(super) fn publish(
        &mut self,
        channel: &str,
        payload: Payload<'_>,
        Publication { except, compress }: Publication,
    ) -> Published {
        let mut published = Published::default();
        let Some(channel) = self.channels.count_published(channel) else { return published };
        let at = Instant::now();
        let except = except.and_then(|client| self.subscriber(client, channel));
        let except_on = except.map(|except| except.worker);
        let frame = self.framer.frame(payload, compress && self.clients.any_deflated());
        let except_key = except.map(|except| except.client);
        let message = Arc::new(PublishedMessage { channel, frame, except: except_key, at });
        let mut shard = ShardOutcome::default();
        for route in self.channels.routes_mut(channel) {
            let subscribers = route.subscribers_but_one_on(except_on);
            if subscribers == 0 {
                continue;
            }
            published.subscribers += subscribers;
            shard.enter(self.placement.shard_of(route.worker), &mut published);
            let link = self.workers.link_mut(route.worker);
            match link.offer(Command::Publish(Arc::clone(&message), subscribers)) {
                Offered::Taken { saturated: false } => {}
                Offered::Taken { saturated: true } => {
                    published.saturated += 1;
                    link.request_relief(channel);
                }
                Offered::Refused => {
                    published.dropped += 1;
                    link.request_relief(channel);
                    shard.took_all = false;
                    route.refused += 1;
                    if let Some(except) = except.filter(|except| except.worker == route.worker)
                        && let Some(registration) = self.clients.get_mut(except.client)
                    {
                        registration.except_refused(channel);
                    }
                }
            }
        }
        shard.leave(&mut published);
        // After all have it: a waking thread may take this one's processor at once.
        let routes = self.channels.routes(channel).iter();
        let offered = routes.filter(|route| route.subscribers_but_one_on(except_on) > 0);
        self.workers.wake(offered.map(|route| route.worker));
        published
    }

    fn subscriber(&self, client: ClientKey, channel: ChannelId) -> Option<Except> {
        let registration = self.clients.get(client)?;
        let worker = registration.place.worker;
        registration.is_subscribed(channel).then_some(Except { client, worker })
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
