//! Storms against the door.

use std::io::{Error, ErrorKind, Read, Write};
use std::iter::repeat;
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::alone::alone;
use crate::memory::most_during;
use crate::server::{ANY, NEVER, Server, descriptors, door, wait_until};

const MIB: usize = 1 << 20;

fn upgrade(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// Ends a connection with a reset.
pub(crate) fn reset(socket: &TcpStream) {
    SockRef::from(socket).set_linger(Some(Duration::ZERO)).expect("it is a socket");
}

/// All bytes that still come until the door ends the connection.
fn rest(mut socket: &TcpStream) -> String {
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    String::from_utf8_lossy(&rest).into_owned()
}

/// Returns once the door has answered a request of its own accord, after all that came before.
fn probe(mut socket: &TcpStream) {
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("the door reads");
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).expect("the door answers");
    assert_eq!(&answer, b"HTTP/1.1 400");
    let mut left = [0; 1024];
    let _ = socket.read(&mut left).expect("the rest of the answer");
}

/// Sends a byte; false once the door has ended the connection.
fn trickle(mut socket: &TcpStream, byte: u8) -> bool {
    socket.set_nonblocking(true).expect("it is a socket");
    let waits = |error: Error| error.kind() == ErrorKind::WouldBlock;
    socket.write_all(&[byte]).is_ok() && socket.read(&mut [0]).is_err_and(waits)
}

#[test]
fn ten_thousand_connects_and_resets_or_ends() {
    alone("connecting::ten_thousand_connects_and_resets_or_ends", || {
        let server = Server::start();
        let before = descriptors();
        let whole = upgrade(ANY);
        let attack = || {
            for number in 0..10_000 {
                let mut socket = server.connect();
                if number % 2 == 0 {
                    reset(&socket);
                }
                // From nothing at all to a whole upgrade, cut anywhere.
                let cut = (number * 7) % (2 * whole.len());
                let _ = socket.write_all(&whole.as_bytes()[..cut.min(whole.len())]);
            }
        };
        let most = most_during(|| server.serves_during(attack));
        assert!(most < 64 * MIB, "{most} bytes");
        wait_until(|| descriptors() <= before);
    });
}

#[test]
fn heads_that_trickle_in_and_connections_that_send_nothing() {
    alone("connecting::heads_that_trickle_in_and_connections_that_send_nothing", || {
        let mut config = door();
        config.head_timeout = Duration::from_millis(500);
        let server = Server::start_with(crate::harness::options(), config);
        let before = descriptors();
        let attack = || {
            let silent: Vec<_> = (0..300).map(|_| server.connect()).collect();
            let mut trickling: Vec<_> = (0..300).map(|_| server.connect()).collect();
            let mut head = b"GET / HTTP/1.1\r\nHost: a\r\nX: ".iter().chain(repeat(&b'x'));
            while !trickling.is_empty() {
                let byte = *head.next().expect("it never ends");
                trickling.retain(|socket| trickle(socket, byte));
            }
            for socket in &silent {
                assert_eq!(rest(socket), "");
            }
        };
        let most = most_during(|| server.serves_during(attack));
        assert!(most < 64 * MIB, "{most} bytes");
        wait_until(|| descriptors() <= before);
    });
}

#[test]
fn heads_that_never_end() {
    alone("connecting::heads_that_never_end", || {
        let server = Server::start();
        let before = descriptors();
        let attack = || {
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        let mut socket = server.connect();
                        socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX: ").expect("it reads");
                        for _ in 0..256 {
                            socket.write_all(&[b'x'; 16_384]).expect("it lets the client finish");
                        }
                        let status = socket.read(&mut [0; 12]);
                        assert!(status.is_ok_and(|bytes| bytes == 12), "it gets an answer");
                    });
                }
            });
        };
        let most = most_during(|| server.serves_during(attack));
        assert!(most < 8 * MIB, "{most} bytes");
        wait_until(|| descriptors() <= before);
    });
}

#[test]
fn upgrades_without_a_decision() {
    alone("connecting::upgrades_without_a_decision", || {
        let mut config = door();
        config.upgrade_timeout = Duration::from_millis(300);
        let server = Server::start_with(crate::harness::options(), config);
        let before = descriptors();
        let attack = || {
            let clients: Vec<_> = (0..300)
                .map(|_| {
                    let mut socket = server.connect();
                    socket.write_all(upgrade(NEVER).as_bytes()).expect("the door reads");
                    socket
                })
                .collect();
            for mut socket in &clients {
                let mut status = [0; 12];
                socket.read_exact(&mut status).expect("the door answers");
                assert_eq!(&status, b"HTTP/1.1 503");
            }
        };
        let most = most_during(|| server.serves_during(attack));
        assert!(most < 32 * MIB, "{most} bytes");
        wait_until(|| descriptors() <= before);
    });
}

#[test]
fn upgrades_that_are_given_up_while_javascript_is_behind() {
    alone("connecting::upgrades_that_are_given_up_while_javascript_is_behind", || {
        let server = Server::start();
        let before = descriptors();
        let heavy =
            upgrade(ANY).replace("Host: a", &format!("X: {}\r\nHost: a", "x".repeat(15_000)));
        let held = server.hold();
        let most = most_during(|| {
            for number in 0..1500 {
                let mut socket = server.connect();
                socket.write_all(heavy.as_bytes()).expect("the door reads");
                probe(&server.connect());
                if number % 2 == 0 {
                    reset(&socket);
                }
            }
        });
        drop(held);
        // 64 of them may wait.
        assert!(most < 8 * MIB, "{most} bytes");
        // Until the application has looked, others wait in its place.
        wait_until(|| server.try_client().is_some());
        server.serves_during(|| {});
        let asked = server.heard.asked.load(Ordering::Relaxed);
        assert!(asked <= 2 + 64, "{asked} were sent");
        wait_until(|| descriptors() <= before);
    });
}
