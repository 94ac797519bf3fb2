//! A storm against a server under test: clients that connect and reset, and clients that are slow.
//!
//! `storm PORT` goes on for some seconds, says how fast it was, and prints as JSON what came of it.
//! It expects of the server that `/ticks` and `/echo` are WebSockets, of which the second echoes,
//! and that `/body` takes a POST.

mod resets;
mod slow;

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use serde_json::json;
use slow::Slow;

/// The head of an upgrade.
fn upgrade(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

fn main() {
    let port = env::args().nth(1).and_then(|port| port.parse().ok()).expect("usage: storm PORT");
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let slow = Slow::connect(server);
    let (resets, served) = thread::scope(|scope| {
        let resets = scope.spawn(|| resets::storm(server));
        let served = slow.trickle();
        (resets.join().expect("it does not panic"), served)
    });
    eprintln!("storm: {} connected and reset a second", resets.per_second());
    let report = json!({
        "connected": resets.connected,
        "headsCutOff": served.heads_cut_off,
        "framesEchoed": served.frames_echoed,
        "bodiesAnswered": served.bodies_answered,
    });
    println!("{report}");
}
