//! Clients that send a byte a second, and clients that never read.

use std::io::{ErrorKind, Read, Write};
use std::iter::repeat_with;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::upgrade;

const HEADS: usize = 200;
const FRAMES: usize = 50;
const BODIES: usize = 50;
const DEAF: usize = 20;

/// Between two bytes of a client.
const PAUSE: Duration = Duration::from_secs(1);
/// A masked text frame.
const FRAME: &[u8] = b"\x81\x81\0\0\0\0s";
const BODY: &[u8] = b"slowly";
/// Bytes that each sends: all of what ends, and some of the heads, which do not.
const BYTES: usize = 8;
/// How long a server may take to answer a frame or a body that is whole, or to cut off a head.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What the server did for slow clients.
pub(crate) struct Served {
    pub(crate) heads_cut_off: usize,
    pub(crate) frames_echoed: usize,
    pub(crate) bodies_answered: usize,
}

/// Slow clients of every kind.
pub(crate) struct Slow {
    heads: Vec<TcpStream>,
    frames: Vec<TcpStream>,
    bodies: Vec<TcpStream>,
    /// They are let in, and hear all messages.
    _deaf: Vec<TcpStream>,
}

impl Slow {
    pub(crate) fn connect(server: SocketAddr) -> Slow {
        let post = format!(
            "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
            BODY.len()
        );
        let head = "GET / HTTP/1.1\r\nHost: localhost\r\nX: ";
        let saying = |count, first: &str| repeat_with(|| say(server, first)).take(count).collect();
        let frames: Vec<TcpStream> = saying(FRAMES, &upgrade("/echo"));
        frames.iter().for_each(|client| assert_eq!(status(client), "101"));
        Slow {
            heads: saying(HEADS, head),
            frames,
            bodies: saying(BODIES, &post),
            _deaf: saying(DEAF, &upgrade("/ticks")),
        }
    }

    /// Sends a byte a second, and returns when the server has answered everybody.
    pub(crate) fn trickle(self) -> Served {
        for at in 0..BYTES {
            send(&self.heads, b"x");
            send(&self.frames, FRAME.get(at..=at).unwrap_or_default());
            send(&self.bodies, BODY.get(at..=at).unwrap_or_default());
            thread::sleep(PAUSE);
        }
        let count = |clients: &[TcpStream], what: fn(&TcpStream) -> bool| {
            clients.iter().filter(|client| what(client)).count()
        };
        Served {
            heads_cut_off: count(&self.heads, is_cut_off),
            frames_echoed: count(&self.frames, |client| first(client, [0; 3]) == *b"\x81\x01s"),
            bodies_answered: count(&self.bodies, |client| status(client) == "200"),
        }
    }
}

/// A client with little room for what it does not read, and what it says first.
fn say(server: SocketAddr, first: &str) -> TcpStream {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a socket");
    socket.connect(&server.into()).expect("the server listens");
    let mut client = TcpStream::from(socket);
    client.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
    client.write_all(first.as_bytes()).expect("the server reads");
    client
}

/// Those that are cut off meanwhile are counted in the end.
fn send(clients: &[TcpStream], bytes: &[u8]) {
    for mut client in clients {
        let _ = client.write(bytes);
    }
}

/// The first bytes that come; zeros where none do.
fn first<const N: usize>(mut client: &TcpStream, mut bytes: [u8; N]) -> [u8; N] {
    let _ = client.read_exact(&mut bytes);
    bytes
}

/// The status of an answer, whose head is read.
fn status(mut client: &TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|bytes| bytes > 0) {
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head);
    head.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn is_cut_off(mut client: &TcpStream) -> bool {
    match client.read(&mut [0]) {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}
