//! Storms of frames: more of them, or smaller ones, than anybody needs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::thread;

use shardcast_core::options::{ClientLimits, Options, SlowPolicy, UnfinishedLimits};
use shardcast_core::worker::cohort::log::Lag;

use crate::alone::alone;
use crate::harness::{TestClient, one_worker, options};
use crate::memory::most_during;
use crate::server::{Server, descriptors, door, wait_until};

const MIB: usize = 1 << 20;

/// One worker, so that attackers and the control client share it.
/// A masked frame, with a key of zeros so that the payload stands as it is.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("short");
    assert!(length < 126);
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

fn write(client: &TestClient, bytes: &[u8]) {
    client.get_ref().write_all(bytes).expect("the server reads");
}

/// Reads on until the server ends the connection.
fn read_to_the_end(mut socket: &TcpStream) {
    let mut piece = [0; 4096];
    while socket.read(&mut piece).is_ok_and(|bytes| bytes > 0) {}
}

/// Attacks one server with so many clients at once, and returns them.
fn with_clients(
    server: &Server,
    clients: usize,
    attack: impl Fn(&TestClient) + Sync,
) -> Vec<TestClient> {
    thread::scope(|scope| {
        let attack = || {
            let client = server.client();
            attack(&client);
            client
        };
        let attackers: Vec<_> = (0..clients).map(|_| scope.spawn(attack)).collect();
        let attackers = attackers.into_iter();
        attackers.map(|attacker| attacker.join().expect("it does not panic")).collect()
    })
}

/// Waits until the application has heard so many messages. Their senders have to stay meanwhile:
/// what is left unread would make their end a reset, which drops what is on its way.
fn wait_for_messages(server: &Server, messages: usize) {
    wait_until(|| server.heard.messages.load(Ordering::Relaxed) == messages);
}

#[test]
fn pings_whose_pongs_the_client_does_not_read() {
    alone("flooding::pings_whose_pongs_the_client_does_not_read", || {
        let server = Server::start_with(one_worker(), door());
        let pings = masked(0x89, b"").repeat(100_000);
        let attack = || drop(with_clients(&server, 4, |client| write(client, &pings)));
        let most = most_during(|| server.serves_during(attack));
        assert!(most < 16 * MIB, "{most} bytes");
    });
}

#[test]
fn pings_behind_a_message() {
    alone("flooding::pings_behind_a_message", || {
        let server = Server::start_with(one_worker(), door());
        let pings = [masked(0x82, b"hello"), masked(0x89, b"").repeat(100_000)].concat();
        let attack = || drop(with_clients(&server, 4, |client| write(client, &pings)));
        let most = most_during(|| server.serves_during(attack));
        assert!(most < 16 * MIB, "{most} bytes");
    });
}

#[test]
fn messages_that_are_never_complete() {
    alone("flooding::messages_that_are_never_complete", || {
        let limits = UnfinishedLimits { bytes: 4 * MIB, timeout: None };
        let client =
            ClientLimits { max_payload_bytes: MIB, unfinished: limits, ..options().client };
        let server = Server::start_with(Options { client, ..one_worker() }, door());
        let head = [&[0x82, 0xff][..], &(MIB as u64).to_be_bytes(), &[0; 4]].concat();
        let start = [head, vec![7; MIB - 1000]].concat();
        let attack = || {
            let clients = with_clients(&server, 32, |client| {
                // The server may end the connection meanwhile.
                let _ = client.get_ref().write_all(&start);
            });
            // Four have room.
            wait_until(|| server.heard.closed.load(Ordering::Relaxed) >= 28);
            drop(clients);
        };
        let most = most_during(|| server.serves_during(attack));
        // What is kept, twice while one of them grows, and the attackers' own.
        assert!(most < 12 * MIB, "{most} bytes");
    });
}

#[test]
fn fragments_of_nothing() {
    alone("flooding::fragments_of_nothing", || {
        let server = Server::start_with(one_worker(), door());
        let start = masked(0x01, b"a");
        let fragments = masked(0x00, b"").repeat(100_000);
        let end = masked(0x80, b"z");
        let attack = || {
            let _clients = with_clients(&server, 4, |client| {
                write(client, &start);
                write(client, &fragments);
                write(client, &end);
            });
            wait_for_messages(&server, 4);
        };
        let most = most_during(|| server.serves_during(attack));
        assert!(most < 8 * MIB, "{most} bytes");
    });
}

#[test]
fn a_byte_at_a_time() {
    alone("flooding::a_byte_at_a_time", || {
        let server = Server::start_with(one_worker(), door());
        let messages = masked(0x82, &[7; 125]).repeat(20);
        let attack = || {
            let _clients = with_clients(&server, 8, |client| {
                messages.iter().for_each(|byte| write(client, &[*byte]));
            });
            wait_for_messages(&server, 8 * 20);
        };
        server.serves_during(attack);
    });
}

#[test]
fn messages_while_javascript_is_behind() {
    alone("flooding::messages_while_javascript_is_behind", || {
        let server = Server::start();
        let messages = masked(0x82, &[7; 100]).repeat(20_000);
        let attack = || {
            server.slow_down(256);
            let _clients = with_clients(&server, 8, |client| write(client, &messages));
            wait_for_messages(&server, 8 * 20_000);
        };
        let most = most_during(|| server.serves_during(attack));
        // What the event queue takes, and what each of four workers may pass it by.
        assert!(most < 16 * MIB, "{most} bytes");
    });
}

#[test]
fn clients_that_never_read() {
    alone("flooding::clients_that_never_read", || {
        let client = ClientLimits {
            lag: Lag { messages: 50, bytes: 1 << 20 },
            slow: SlowPolicy::Disconnect,
            ..options().client
        };
        let server = Server::start_with(Options { client, ..one_worker() }, door());
        let mut control = server.client();
        let deaf: Vec<_> = (0..8).map(|_| server.client()).collect();
        let large = "x".repeat(65_536);
        let most = most_during(|| {
            while server.heard.closed.load(Ordering::Relaxed) < deaf.len() {
                server.publish(&large);
                assert_eq!(crate::harness::text(&mut control), large);
            }
        });
        // The log of what the slowest may lag, and what one of them holds of its own.
        assert!(most < 64 * MIB, "{most} bytes");
        server.serves_during(|| {});
    });
}

#[test]
fn garbage_masked_and_unmasked() {
    alone("flooding::garbage_masked_and_unmasked", || {
        let server = Server::start_with(one_worker(), door());
        let before = descriptors();
        let attack = || {
            let mut state = 1u32;
            for number in 0..500u32 {
                let garbage = std::iter::repeat_with(|| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                });
                let mut garbage: Vec<u8> = garbage.take(2000).collect();
                if number % 2 == 0 {
                    // What looks like a beginning, with or without a mask.
                    garbage[..2]
                        .copy_from_slice(&[0x82, if number % 4 == 0 { 0xfd } else { 0x7d }]);
                }
                let client = server.client();
                write(&client, &garbage);
                let _ = client.get_ref().shutdown(std::net::Shutdown::Write);
                read_to_the_end(client.get_ref());
            }
        };
        let most = most_during(|| server.serves_during(attack));
        assert!(most < 8 * MIB, "{most} bytes");
        wait_until(|| server.heard.closed.load(Ordering::Relaxed) == 500 + 1);
        wait_until(|| descriptors() <= before);
    });
}

#[test]
fn close_frames_without_end() {
    alone("flooding::close_frames_without_end", || {
        let server = Server::start_with(one_worker(), door());
        let before = descriptors();
        let closes = masked(0x88, b"\x03\xe8bye").repeat(2000);
        let attack = || {
            let _clients = with_clients(&server, 8, |client| {
                // The server ends the connection at the first, so that the rest may find it closed.
                let _ = client.get_ref().write_all(&closes);
                read_to_the_end(client.get_ref());
            });
        };
        server.serves_during(attack);
        wait_until(|| server.heard.closed.load(Ordering::Relaxed) == 8 + 1);
        wait_until(|| descriptors() <= before);
    });
}
