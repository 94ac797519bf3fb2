//! One client of a worker: its socket, its backlog, and a small state.

pub mod backlog;
pub mod delivery_counts;
pub mod discards;
pub mod missed;
pub mod receiving;

use std::io::{self, Read, Write};
#[cfg(not(debug_assertions))]
use std::mem::offset_of;
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mio::net::TcpStream;

use crate::frame::Frame;
use crate::frame::form::Form;
use crate::ids::{ClientKey, CohortIndex, SILENT};
use crate::worker::client::backlog::Backlog;
use crate::worker::client::missed::Missed;
use crate::worker::client::receiving::Receiving;
use crate::worker::cohort::log::{Lag, Log};
use crate::worker::counters::Counters;

/// How far a client may lag beyond its limits while its socket is still at the door. One that takes
/// no answer there would otherwise have its cohort keep all that is published meanwhile.
const AT_THE_DOOR: Lag = Lag { messages: u64::MAX, bytes: 16 * 1024 * 1024 };

/// What the sequencer may know of a client's backlog without asking its worker.
#[derive(Debug, Default)]
pub struct Pressure {
    /// Bytes of direct messages that wait. The sequencer adds, the client's worker subtracts.
    pub direct_bytes: AtomicUsize,
    /// The socket refuses bytes. Written by the client's worker, read by the sequencer.
    pub refused: AtomicBool,
}

/// A client. Only its worker touches it.
///
/// A pass looks at thousands of them, and the system calls between two looks leave nothing of them
/// in the caches. So all that a look takes is in the first cache line, and the order of the fields
/// is this one, not the compiler's.
#[repr(C, align(64))]
pub struct Client {
    /// Its cohort.
    pub cohort: CohortIndex,
    /// Whether it still takes part.
    pub state: ClientState,
    /// `None` until the door hands it over.
    socket: Option<TcpStream>,
    /// When it last sent something, or took messages, in seconds of the worker's clock.
    pub active_at_secs: u32,
    /// The socket refused bytes; epoll reports when it takes more.
    pub blocked: bool,
    /// The application wants to know when all is written.
    pub notify_drained: bool,
    /// It stands on the worker's list of clients to flush.
    pub to_flush: bool,
    /// Its socket has taken messages since the last sweep.
    pub took: bool,
    /// What it has still to be sent.
    pub backlog: Backlog,
    /// Its position in the members of its cohort.
    pub position: usize,
    /// Its name.
    pub key: ClientKey,
    /// How it takes its messages, and may send its own.
    pub form: Form,
    /// A ping was sent since it last sent something, or took messages.
    pub pinged: bool,
    /// What it sends, and whether it is read from.
    pub receiving: Receiving,
    /// How far it may lag beyond its limits: as far as it did when its socket refused bytes, since
    /// the worker itself had saved that up. Until it has a socket, [`AT_THE_DOOR`].
    pub lag_allowance: Lag,
    /// The answer to its last ping, until its socket takes bytes again. One that does not read its
    /// pongs gets no others, so that they cannot pile up (RFC 6455, section 5.5.3).
    pub late_pong: Option<Box<Frame>>,
    /// What it missed and JavaScript got no event of yet.
    pub missed: Option<Box<Missed>>,
    pressure: Arc<Pressure>,
}

// In a debug build the socket has a field more.
#[cfg(not(debug_assertions))]
const _: () = {
    let looked_at = offset_of!(Client, backlog) + Backlog::LOOKED_AT_BYTES;
    assert!(looked_at <= align_of::<Client>(), "a look takes one cache line");
    assert!(size_of::<Client>() <= 3 * align_of::<Client>(), "servers hold very many of them");
};

/// Whether a client takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// It gets the messages of its channels, and JavaScript knows it.
    Open,
    /// JavaScript got the event of its close; its last bytes, a close frame, are on their way.
    Leaving {
        /// When to give up on it, in seconds of the worker's clock.
        deadline_secs: u32,
        /// It sent a close frame, after which nothing more is expected of it.
        peer_closed: bool,
    },
}

/// How far a flush came.
#[derive(Debug)]
pub enum Flushed {
    /// All is written.
    All,
    /// The socket takes no more for now.
    Blocked,
    /// The socket is broken.
    Broken(io::Error),
}

impl Client {
    /// A client whose socket is still at the door.
    pub fn expected(key: ClientKey, form: Form, pressure: Arc<Pressure>, now_secs: u32) -> Client {
        Client {
            cohort: SILENT,
            state: ClientState::Open,
            socket: None,
            active_at_secs: now_secs,
            blocked: true,
            notify_drained: false,
            to_flush: false,
            took: false,
            backlog: Backlog::default(),
            position: 0,
            key,
            form,
            pinged: false,
            receiving: Receiving::default(),
            lag_allowance: AT_THE_DOOR,
            late_pong: None,
            missed: None,
            pressure,
        }
    }

    /// Takes its socket, which is registered with the worker's poll.
    pub fn attach(&mut self, socket: TcpStream) {
        self.socket = Some(socket);
        self.blocked = false;
    }

    /// Gives up the socket, to be deregistered and closed.
    pub fn take_socket(&mut self, counters: &mut Counters) -> Option<TcpStream> {
        let socket = self.socket.take()?;
        self.set_blocked(false, counters);
        Some(socket)
    }

    /// True when it has a socket, which refuses bytes.
    pub fn is_slow(&self) -> bool {
        self.blocked && self.socket.is_some()
    }

    /// True from when the door has handed it over.
    pub fn has_socket(&self) -> bool {
        self.socket.is_some()
    }

    /// False while something that it may have sent is left unread: by the will of the application,
    /// because its peer is done, or because JavaScript is behind.
    pub fn is_read_from(&self) -> bool {
        !self.receiving.to_read && self.is_to_be_read()
    }

    /// True while it gets the messages of its channels.
    pub fn is_open(&self) -> bool {
        self.state == ClientState::Open
    }

    /// Whether what arrives from it is of interest, if only as the end of the stream. It is not
    /// while the application has still to answer what it sent last, or many of its pings.
    pub fn is_to_be_read(&self) -> bool {
        match self.state {
            ClientState::Open => self.receiving.is_wanted(),
            ClientState::Leaving { peer_closed, .. } => !peer_closed,
        }
    }

    /// Begins its silence anew.
    pub fn note_life(&mut self, now_secs: u32) {
        self.active_at_secs = now_secs;
        self.pinged = false;
    }

    /// Writes what waits, in as few writes as the backlog allows: two at most when nothing refuses.
    pub fn flush(&mut self, log: &Log, counters: &mut Counters) -> Flushed {
        loop {
            let Some(socket) = &mut self.socket else { return Flushed::Blocked };
            let unwritten = self.backlog.unwritten(log);
            if unwritten.is_empty() {
                self.set_blocked(false, counters);
                return Flushed::All;
            }
            let wanted = unwritten.len();
            match socket.write(unwritten) {
                Ok(written) => {
                    self.note_written(written, log, counters);
                    // A short write means a full socket: epoll reports when it has room again.
                    if written < wanted {
                        self.took = true;
                        return self.refused(log, counters);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.refused(log, counters);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Flushed::Broken(error),
            }
        }
    }

    fn note_written(&mut self, bytes: usize, log: &Log, counters: &mut Counters) {
        let completed = self.backlog.wrote(bytes, log);
        counters.writes += 1;
        counters.bytes_written += bytes as u64;
        counters.deliveries += completed.messages;
        // Not by a ping of the core's own, which finds out whether the client is there.
        self.took |= completed.messages > 0 || completed.direct_bytes > 0;
        if completed.direct_bytes > 0 {
            self.pressure.direct_bytes.fetch_sub(completed.direct_bytes, Ordering::Relaxed);
        }
    }

    /// A direct message that the sequencer has counted with some bytes goes out with others.
    pub fn note_form(&self, counted: usize, bytes: usize) {
        if bytes != counted {
            // Wraps round when there are fewer, and so does the sum.
            self.pressure.direct_bytes.fetch_add(bytes.wrapping_sub(counted), Ordering::Relaxed);
        }
    }

    fn refused(&mut self, log: &Log, counters: &mut Counters) -> Flushed {
        let lag = self.backlog.lag(log);
        self.lag_allowance = if self.blocked { self.lag_allowance.least(lag) } else { lag };
        // The application may wait for what it has sent, though `send` did not ask it to: that the
        // socket is full was not known then.
        self.notify_drained |= self.pressure.direct_bytes.load(Ordering::Relaxed) > 0;
        self.set_blocked(true, counters);
        Flushed::Blocked
    }

    fn set_blocked(&mut self, blocked: bool, counters: &mut Counters) {
        if self.blocked == blocked {
            return;
        }
        self.blocked = blocked;
        self.pressure.refused.store(blocked, Ordering::Relaxed);
        if blocked {
            counters.slow_clients += 1;
        } else {
            counters.slow_clients -= 1;
        }
    }

    /// Reads what has arrived, as far as `buffer` goes. Nothing at all means the end of the stream.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.socket {
            Some(socket) => socket.read(buffer),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Ends this side of the connection. Where the peer is gone already, nothing follows.
    pub fn shut_down_writing(&self) {
        if let Some(socket) = &self.socket {
            let _ = socket.shutdown(Shutdown::Write);
        }
    }
}
