//! One connection to the server, from the first packet to the last.

use rustix::event::epoll::EventFlags;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{SendFlags, send, sockopt};
use std::io;

use crate::dial::dial;
use crate::fields::FieldFinder;
use crate::frames::{
    FrameEvents, FrameReader, NO_STATUS, ProtocolError, push_close, push_pong, push_text,
};
use crate::handshake::{Handshake, Response};
use crate::latency::{LatencySampler, unix_time_ns};
use crate::meter::Meter;
use crate::options::{Options, Verify};
use crate::sequence::Sequence;
use crate::target::Target;

/// Pongs that the server does not take are dropped beyond this; RFC 6455 asks only for the latest.
const MAX_OUTGOING_BYTES: usize = 64 * 1024;

/// The code with which a client leaves, and answers a close frame that carries no code.
const NORMAL_CLOSURE: u16 = 1000;

/// How a client treats what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Reads everything at once. The headline figures are about these clients.
    Reading,
    /// Reads a little now and then.
    Slow,
    /// Reads nothing after the handshake. At the end of the run the rest is read without being
    /// counted, for the close code.
    Stalled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Waits for its turn to connect.
    Queued,
    /// The TCP connection is under way.
    Connecting,
    /// The request has been written.
    Handshaking,
    Open,
    /// Has sent a close frame, to be replaced, and awaits the answer.
    Leaving,
    /// Failed, or closed by the server.
    Over,
}

/// Why a client was disconnected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Disconnect {
    /// The server sent a close frame with this code.
    Closed(u16),
    /// End of stream or reset without a close frame, named as the system names it.
    Lost(String),
    /// The server broke the protocol.
    Violation(ProtocolError),
    /// The connection could not be made.
    Failed(String),
}

/// What is shared by all clients while they read.
pub(crate) struct Instruments {
    pub(crate) verify: Verify,
    pub(crate) fields: FieldFinder,
    pub(crate) meter: Meter,
    /// Messages that reading clients have received since the run began.
    pub(crate) received: u64,
}

pub(crate) struct Client {
    /// Unique in this run; fills `{i}` in the URL.
    pub(crate) number: u64,
    pub(crate) behaviour: Behaviour,
    pub(crate) phase: Phase,
    pub(crate) sequence: Sequence,
    /// Messages received since the handshake.
    pub(crate) messages: u64,
    /// Whether the upgrade was ever granted.
    pub(crate) was_open: bool,
    /// What epoll watches for.
    pub(crate) watched: EventFlags,
    socket: Option<OwnedFd>,
    handshake: Option<Handshake>,
    frames: FrameReader,
    outgoing: Vec<u8>,
}

impl Client {
    pub(crate) fn new(number: u64, behaviour: Behaviour) -> Self {
        Self {
            number,
            behaviour,
            phase: Phase::Queued,
            sequence: Sequence::default(),
            messages: 0,
            was_open: false,
            watched: EventFlags::empty(),
            socket: None,
            handshake: None,
            frames: FrameReader::new(),
            outgoing: Vec::new(),
        }
    }

    /// Begins to connect; the socket becomes writable when that is settled.
    ///
    /// # Errors
    /// As the system gives them, such as a refused connection.
    pub(crate) fn connect(&mut self, slot: u64, target: &Target) -> io::Result<()> {
        self.socket = Some(dial(target.address, target.source_of(slot))?);
        self.phase = Phase::Connecting;
        Ok(())
    }

    pub(crate) fn socket(&self) -> Option<&OwnedFd> {
        self.socket.as_ref()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether the connection has begun, but the upgrade is not granted yet.
    pub(crate) fn is_in_the_making(&self) -> bool {
        matches!(self.phase, Phase::Connecting | Phase::Handshaking)
    }

    /// What the client waits for. Errors and resets are reported whatever is asked for.
    pub(crate) fn interest(&self) -> EventFlags {
        let reading = match (self.phase, self.behaviour) {
            (Phase::Connecting, _) => return EventFlags::OUT,
            (Phase::Open, Behaviour::Slow) => EventFlags::empty(),
            (Phase::Open, Behaviour::Stalled) => EventFlags::RDHUP,
            _ => EventFlags::IN,
        };
        if self.outgoing.is_empty() { reading } else { reading | EventFlags::OUT }
    }

    /// Makes use of a writable socket: sends the request once the connection stands, or what is
    /// left.
    ///
    /// # Errors
    /// How the connection ended, if it did.
    pub(crate) fn write(&mut self, target: &Target, options: &Options) -> Result<(), Disconnect> {
        if self.phase == Phase::Connecting {
            self.check_connected()?;
            let (request, handshake) =
                Handshake::begin(target, self.number, &options.headers, options.compress);
            self.outgoing = request;
            self.handshake = Some(handshake);
            self.phase = Phase::Handshaking;
        }
        self.flush()
    }

    fn check_connected(&self) -> Result<(), Disconnect> {
        let Some(socket) = &self.socket else {
            return Ok(());
        };
        match sockopt::socket_error(socket) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) | Err(error) => Err(Disconnect::Failed(describe(error))),
        }
    }

    fn flush(&mut self) -> Result<(), Disconnect> {
        let Some(socket) = &self.socket else {
            return Ok(());
        };
        while !self.outgoing.is_empty() {
            match send(socket.as_fd(), &self.outgoing, SendFlags::NOSIGNAL) {
                Ok(sent) => drop(self.outgoing.drain(..sent)),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(Disconnect::Lost(describe(error))),
            }
        }
        Ok(())
    }

    /// Takes bytes that were just read.
    ///
    /// # Errors
    /// How the connection ended, if it did. The bytes before the end have been counted.
    #[inline]
    pub(crate) fn receive(
        &mut self,
        bytes: &[u8],
        with: &mut Instruments,
    ) -> Result<(), Disconnect> {
        let bytes = match &mut self.handshake {
            Some(handshake) => match handshake.receive(bytes).map_err(Disconnect::Failed)? {
                Response::Incomplete => return Ok(()),
                Response::Granted { frames_at, compression } => {
                    if compression {
                        self.frames.allow_compression();
                    }
                    self.handshake = None;
                    self.phase = Phase::Open;
                    self.was_open = true;
                    &bytes[frames_at..]
                }
            },
            None => bytes,
        };
        let closed = if self.counts() { self.take(bytes, with) } else { self.discard(bytes) };
        match closed {
            Ok(None) => self.flush(),
            Ok(Some(code)) => {
                self.answer_close(code);
                Err(Disconnect::Closed(code))
            }
            Err(violation) => Err(Disconnect::Violation(violation)),
        }
    }

    /// Sends a short text message. Whether it arrived shows in what the server does.
    pub(crate) fn say(&mut self, text: &str) {
        push_text(&mut self.outgoing, text);
        // A lost connection is found out by the next read.
        let _ = self.flush();
    }

    fn counts(&self) -> bool {
        self.phase == Phase::Open && self.behaviour != Behaviour::Stalled
    }

    fn take(&mut self, bytes: &[u8], with: &mut Instruments) -> Result<Option<u16>, ProtocolError> {
        let reading = self.behaviour == Behaviour::Reading;
        let measured = reading && with.meter.is_running();
        let mut intake = Intake {
            sequence: &mut self.sequence,
            fields: &mut with.fields,
            latency: measured.then_some(&mut with.meter.latency),
            verify: with.verify,
            messages: 0,
            outgoing: &mut self.outgoing,
        };
        if let Some(latency) = &mut intake.latency {
            latency.begin_read(unix_time_ns());
        }
        let closed = self.frames.feed(bytes, &mut intake);
        if let Some(latency) = &mut intake.latency {
            latency.end_read();
        }
        let messages = intake.messages;
        self.messages += messages;
        with.received += if reading { messages } else { 0 };
        if measured {
            with.meter.messages += messages;
            with.meter.bytes += bytes.len() as u64;
            with.meter.reads += 1;
        }
        closed
    }

    /// Follows the frames only to find the end.
    fn discard(&mut self, bytes: &[u8]) -> Result<Option<u16>, ProtocolError> {
        self.frames.feed(bytes, &mut Discard)
    }

    /// Sends a close frame. The client stays until the server has answered.
    pub(crate) fn leave(&mut self) {
        push_close(&mut self.outgoing, NORMAL_CLOSURE);
        // The server may be gone already, which the next read finds out.
        let _ = self.flush();
        self.phase = Phase::Leaving;
    }

    /// Answers a close frame with its code, as the protocol asks, if the socket takes it at once.
    fn answer_close(&mut self, code: u16) {
        push_close(&mut self.outgoing, if code == NO_STATUS { NORMAL_CLOSURE } else { code });
        // The connection ends in either case.
        let _ = self.flush();
    }

    /// Closes the socket. What was received remains for the report.
    pub(crate) fn end(&mut self) {
        self.socket = None;
        self.handshake = None;
        self.outgoing = Vec::new();
        self.phase = Phase::Over;
    }
}

/// An error by its kind, so that equal reasons are counted together.
pub(crate) fn describe(error: Errno) -> String {
    io::Error::from(error).kind().to_string()
}

/// Counts and verifies the messages of one read.
struct Intake<'a> {
    sequence: &'a mut Sequence,
    fields: &'a mut FieldFinder,
    latency: Option<&'a mut LatencySampler>,
    verify: Verify,
    messages: u64,
    outgoing: &'a mut Vec<u8>,
}

impl FrameEvents for Intake<'_> {
    #[inline]
    fn message(&mut self, head: &[u8]) {
        match self.verify {
            Verify::Sample if self.messages > 0 => self.sequence.assume_next(),
            Verify::All | Verify::Sample => self.sequence.observe(self.fields.n(head)),
            Verify::None => {}
        }
        self.messages += 1;
        if let Some(latency) = &mut self.latency {
            latency.message(head, self.fields);
        }
    }

    fn ping(&mut self, payload: &[u8]) {
        if self.outgoing.len() < MAX_OUTGOING_BYTES {
            push_pong(self.outgoing, payload);
        }
    }
}

/// Looks for a close frame only. Pings stay unanswered: a stalled client plays dead.
struct Discard;

impl FrameEvents for Discard {
    fn message(&mut self, _head: &[u8]) {}
    fn ping(&mut self, _payload: &[u8]) {}
}
