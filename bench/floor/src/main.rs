//! The floor: what one thread can deliver that does nothing but write.
//!
//! It has no channels, no slow-client policy, no statistics, no HTTP beyond the handshake, and
//! reads nothing that a client says. It encodes each message once and sends to each socket in turn
//! what that one lacks, in one call. No broadcaster on these system calls can do with less work, so
//! the others are compared with it.
//!
//! Prints `listening <port>` once it does.

mod handshake;
mod log;
mod schedule;

use clap::Parser;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{self, ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::log::Log;
use crate::schedule::Schedule;

/// A client that lacks more than this is closed, so that the log has a limit.
const MAX_LAG_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Parser)]
#[command(name = "floor", version, about = "Writes numbered messages to every WebSocket client.")]
struct Options {
    /// Messages a second.
    #[arg(long)]
    rate: f64,
    /// Bytes of each message.
    #[arg(long, value_parser = clap::value_parser!(u32).range(64..))]
    size: u32,
    /// 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

struct Client {
    socket: TcpStream,
    /// The position in the log up to which everything has been written.
    cursor: u64,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    let listener = TcpListener::bind(("127.0.0.1", options.port))?;
    // The backlog of std is 128, too few for a connect storm.
    rustix::net::listen(&listener, 4096)?;
    listener.set_nonblocking(true)?;
    println!("listening {}", listener.local_addr()?.port());
    serve(&listener, &options)
}

fn serve(listener: &TcpListener, options: &Options) -> io::Result<()> {
    let mut schedule = Schedule::new(options.rate, Instant::now());
    let mut log = Log::new(options.size as usize);
    let mut clients: Vec<Client> = Vec::new();
    loop {
        accept(listener, &mut clients, log.head());
        for n in schedule.due(Instant::now()) {
            log.append(n);
        }
        clients.retain_mut(|client| client.lacks(&log) <= MAX_LAG_BYTES && client.write(&log));
        log.release(clients.iter().map(|client| client.cursor).min());
        wait(listener, schedule.until_next(Instant::now()))?;
    }
}

fn accept(listener: &TcpListener, clients: &mut Vec<Client>, cursor: u64) {
    while let Ok((mut socket, _)) = listener.accept() {
        if handshake::answer(&mut socket).and_then(|()| socket.set_nonblocking(true)).is_ok() {
            clients.push(Client { socket, cursor });
        }
    }
}

/// Sleeps until the next message is due or a client wants to connect.
fn wait(listener: &TcpListener, at_most: Duration) -> io::Result<()> {
    let limit = Timespec { tv_sec: 0, tv_nsec: at_most.subsec_nanos().into() };
    match poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&limit)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Client {
    fn lacks(&self, log: &Log) -> u64 {
        log.head() - self.cursor
    }

    /// Writes what the client lacks, as far as its socket takes it. False when it has gone.
    fn write(&mut self, log: &Log) -> bool {
        let bytes = log.since(self.cursor);
        if bytes.is_empty() {
            return true;
        }
        match self.socket.write(bytes) {
            Ok(sent) => {
                self.cursor += sent as u64;
                true
            }
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        }
    }
}
