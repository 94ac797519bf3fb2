//! What reaches a worker through its queue, in the order in which it was decided.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::broadcaster::reports::ReportRequest;
use crate::door::Handoff;
use crate::frame::Frame;
use crate::frame::form::Form;
use crate::ids::{Channel, ChannelId, ClientKey};
use crate::queue::QueueItem;
use crate::worker::client::Pressure;
use crate::worker::client::discards::Discards;

/// One item of a worker's queue. What it holds by itself is little, for a published message goes
/// into many queues, and each processor has to fetch what the other has written.
pub enum Command {
    /// A message to all subscribers of a channel, of whom the worker has so many. The only command
    /// that counts against the queue.
    Publish(Arc<PublishedMessage>, u32),
    /// A client was accepted; its socket follows. Other commands for it may come first.
    Expect(ClientKey, Form, Discards, Arc<Pressure>),
    /// Discard these frames of a client from here on, and no others.
    Discard(ClientKey, Discards),
    /// The socket of an expected client.
    Attach(ClientKey, Box<Handoff>),
    /// The socket of an expected client will not come.
    Abandon(ClientKey),
    /// A client is subscribed to a channel from here on.
    Subscribe(ClientKey, Box<Channel>),
    /// A client is not subscribed to a channel from here on.
    Unsubscribe(ClientKey, ChannelId),
    /// A message to one client.
    Send(ClientKey, Box<Frame>),
    /// A ping or pong to one client.
    Control(ClientKey, Box<Frame>),
    /// The answer to a ping, behind what the application has sent before.
    Pong(ClientKey, Box<Frame>),
    /// Emit an event when a client has taken all that waits for it: `send` has answered that some
    /// does.
    NotifyDrained(ClientKey),
    /// Emit an event that the queue has been taken up to here, for a subscriber of the channel:
    /// `publish` has answered that the queue is saturated, or full.
    NotifyRelieved(ChannelId),
    /// Stop reading from a client, or go on.
    Pause(ClientKey, bool),
    /// Start the closing handshake with a client.
    Close(ClientKey, Box<CloseReason>),
    /// Close a client whose peer is done, as that demands.
    Finish(ClientKey),
    /// End a client's connection, after what its socket takes at once.
    Terminate(ClientKey),
    /// The same for one that more waits for than `backpressureLimit`, where that closes.
    TerminateSlow(ClientKey),
    /// Close every client, evenly over a time.
    CloseAll(Box<CloseAll>),
    /// Emit an event of how clients stand.
    Report(Box<ReportRequest>),
    /// JavaScript has caught up: read from clients again.
    Resume,
}

const _: () = assert!(size_of::<Command>() <= 2 * size_of::<usize>(), "see there");

/// A published message, as all workers share it that have subscribers of its channel.
pub struct PublishedMessage {
    /// The channel.
    pub channel: ChannelId,
    /// The message, encoded.
    pub frame: Frame,
    /// A subscriber that is not to get it.
    pub except: Option<ClientKey>,
    /// When the application published it.
    pub at: Instant,
}

/// The code and the reason of a close frame.
#[derive(Clone)]
pub struct CloseReason {
    /// Close code; 1005 stands for none.
    pub code: u16,
    /// What goes with it.
    pub reason: String,
}

/// Closes all clients, spread over a time.
pub struct CloseAll {
    /// Why.
    pub why: CloseReason,
    /// How long it is to take.
    pub over: Duration,
}

impl QueueItem for Command {
    fn bytes(&self) -> Option<usize> {
        match self {
            Command::Publish(message, _) => Some(message.frame.encoded_len()),
            _ => None,
        }
    }
}

impl Command {
    /// The deliveries expected of it.
    pub(crate) fn deliveries(&self) -> u64 {
        match self {
            Command::Publish(_, subscribers) => u64::from(*subscribers),
            Command::Send(..) => 1,
            _ => 0,
        }
    }
}
