//! What reaches a worker through its queue, in the order in which it was decided.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::channel::{Channel, ChannelId};
use crate::client::{ClientKey, Pressure};
use crate::compression::Compression;
use crate::door::Entrant;
use crate::frame::Frame;
use crate::reports::ReportRequest;

/// One item of a worker's queue.
pub enum Command {
    /// A message to all subscribers of a channel. The only command that counts against the queue.
    Publish {
        /// The channel.
        channel: ChannelId,
        /// The message, shared with the other workers.
        frame: Frame,
        /// A subscriber that is not to get it.
        except: Option<ClientKey>,
        /// When the application published it.
        at: Instant,
        /// The worker's clients that are to get it.
        subscribers: u32,
    },
    /// A client was accepted; its socket follows. Other commands for it may come first.
    Expect(ClientKey, Compression, Arc<Pressure>),
    /// The socket of an expected client.
    Attach(ClientKey, Box<Entrant>),
    /// The socket of an expected client will not come.
    Abandon(ClientKey),
    /// A client hears a channel from here on.
    Subscribe(ClientKey, Channel),
    /// A client does not hear a channel from here on.
    Unsubscribe(ClientKey, ChannelId),
    /// A message to one client.
    Send(ClientKey, Frame),
    /// A ping or pong to one client.
    Control(ClientKey, Frame),
    /// Tell when a client has taken all that waits for it: the application was told that some does.
    TellDrained(ClientKey),
    /// Stop reading from a client, or go on.
    Pause(ClientKey, bool),
    /// Start the closing handshake with a client.
    Close(ClientKey, u16, String),
    /// Close a client that has said its last word, as that demands.
    Finish(ClientKey),
    /// End a client's connection, after what its socket takes at once.
    Terminate(ClientKey),
    /// Close every client, evenly over a time.
    CloseAll {
        /// Close code.
        code: u16,
        /// Close reason.
        reason: String,
        /// How long it is to take.
        over: Duration,
    },
    /// Tell the bridge how clients stand.
    Report(ReportRequest),
    /// JavaScript has caught up: read from clients again.
    Resume,
}

impl Command {
    /// The deliveries that it is meant to become.
    pub(crate) fn deliveries(&self) -> u64 {
        match self {
            Command::Publish { subscribers, .. } => u64::from(*subscribers),
            Command::Send(..) => 1,
            _ => 0,
        }
    }
}
