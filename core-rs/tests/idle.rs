//! A client for which nothing is pending keeps no buffer, whatever has passed through it.

#[path = "door/alone.rs"]
mod alone;
mod harness;
#[path = "hostile/memory.rs"]
mod memory;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use bytes::Bytes;
use shardcast_core::broadcaster::Sent;
use shardcast_core::broadcaster::reports::Query;
use shardcast_core::door::{Handoff, Reservation};
use shardcast_core::event_queue::Event;
use shardcast_core::frame::Payload;
use shardcast_core::frame::compression::Deflater;
use shardcast_core::frame::form::Form;
use shardcast_core::ids::ClientKey;

use socket2::SockRef;

use alone::alone;
use harness::{Harness, one_worker};
use memory::live_bytes;

/// Half of them take and send their messages compressed.
const FEW: usize = 128;
const MANY: usize = 512;
const MESSAGES: usize = 50;
/// All that there is to know of a client, and its place in every table; but no page of a buffer.
const MOST_PER_CLIENT: usize = 1024;

/// What the kernel keeps for a client, roughly.
const LITTLE: usize = 16 * 1024;

struct Clients {
    harness: Harness,
    clients: Vec<(ClientKey, TcpStream)>,
}

impl Clients {
    fn connect(count: usize) -> Clients {
        // One worker: of several, the first that needs a compressor is the one that makes it.
        let mut harness = Harness::start(one_worker());
        let forms = [Form::Raw, Form::Deflated].into_iter().cycle();
        let clients = forms.take(count).enumerate().map(|(number, form)| {
            let (server, client) = harness.sockets();
            client.set_nonblocking(true).expect("a socket");
            SockRef::from(&server).set_send_buffer_size(LITTLE).expect("a socket");
            SockRef::from(&client).set_recv_buffer_size(LITTLE).expect("a socket");
            let admission = harness.broadcaster.sequencer.admit(&number.to_string(), form);
            let admission = admission.expect("there is room");
            let key = admission.key();
            Box::new(admission).attach(Handoff::answered(server, Bytes::new()));
            assert_eq!(harness.broadcaster.sequencer.subscribe(key, "ticks"), Ok(true));
            (key, client)
        });
        let clients = clients.collect();
        let mut clients = Clients { harness, clients };
        clients.settle();
        clients
    }

    /// The clients read until nothing is left for them.
    fn read(&self) {
        self.harness.wait_for(|totals| {
            self.clients.iter().for_each(|(_, client)| read_all(client));
            totals.deliveries == totals.deliveries_expected
        });
    }

    /// Returns when the workers have done all that they were told.
    fn settle(&mut self) {
        self.harness.report(Query::Reconciliation);
    }

    fn publish(&mut self) {
        for number in 0..MESSAGES {
            self.harness.publish("ticks", &message(number));
        }
        self.read();
        self.settle();
    }

    /// So much that sockets refuse some of it.
    fn send(&mut self) {
        let text = "x".repeat(16 * LITTLE);
        for (key, _) in &self.clients {
            let sent = self.harness.broadcaster.sequencer.send(*key, Payload::Text(&text), false);
            assert_ne!(sent, Sent::Dropped);
        }
        self.harness.wait_for(|totals| totals.slow_clients == self.clients.len() as u64);
        self.read();
        for _ in 0..self.clients.len() {
            assert!(matches!(self.harness.event(), Event::Drained(_)));
        }
        self.settle();
    }

    /// A message of each client's own, of which one half waits for the other.
    fn hear(&mut self) {
        let plain = message(0);
        let deflated = Deflater::default().deflate(plain.as_bytes(), Form::Deflated);
        let messages =
            [fragments(0x01, plain.as_bytes()), fragments(0x41, &deflated.expect("it is smaller"))];
        for ((_, client), message) in self.clients.iter().zip(messages.iter().cycle()) {
            (&mut &*client).write_all(message).expect("the worker reads");
        }
        for _ in 0..self.clients.len() {
            assert!(matches!(self.harness.event(), Event::Text(_, text) if text == plain));
        }
        self.settle();
    }
}

/// Takes all that is there.
fn read_all(mut client: &TcpStream) {
    let mut piece = [0; 65_536];
    loop {
        match client.read(&mut piece) {
            Ok(bytes) => assert_ne!(bytes, 0, "it stays"),
            Err(error) => return assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
}

fn message(number: usize) -> String {
    format!("{number} {}", "tick ".repeat(1000))
}

/// A message in two masked frames, with keys of zeros so that the payload stands as it is.
fn fragments(first: u8, message: &[u8]) -> Vec<u8> {
    let (start, end) = message.split_at(message.len() / 2);
    let frame = |first: u8, payload: &[u8]| {
        let length = u16::try_from(payload.len()).expect("it is short").to_be_bytes();
        [&[first, 0xfe], &length[..], &[0; 4], payload].concat()
    };
    [frame(first, start), frame(0x80, end)].concat()
}

/// What so many clients keep allocated, with all that serves them, when they have fallen silent.
fn kept_by(count: usize) -> usize {
    let before = live_bytes();
    let mut clients = Clients::connect(count);
    clients.publish();
    clients.send();
    clients.hear();
    live_bytes() - before
}

#[test]
fn an_idle_client_keeps_no_buffer() {
    alone("an_idle_client_keeps_no_buffer", || {
        let (few, many) = (kept_by(FEW), kept_by(MANY));
        let per_client = (many - few) / (MANY - FEW);
        assert!(per_client <= MOST_PER_CLIENT, "{per_client} bytes");
    });
}
