//! A small real WebSocket server that plays the same script on every connection.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket};

pub type Connection = WebSocket<TcpStream>;

/// Serves each connection on a thread of its own. The threads end with the test process.
pub fn serve(script: impl Fn(&mut Connection) + Send + Sync + 'static) -> SocketAddr {
    let script = Arc::new(script);
    listen(move |stream| {
        let script = Arc::clone(&script);
        thread::spawn(move || {
            let mut connection = tungstenite::accept(stream).expect("a proper handshake");
            script(&mut connection);
        });
    })
}

/// A server that answers every handshake with this response.
pub fn serve_response(response: &'static str) -> SocketAddr {
    listen(move |mut stream| {
        stream.write_all(response.as_bytes()).expect("the client listens");
    })
}

fn listen(serve_one: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    thread::spawn(move || listener.incoming().flatten().for_each(serve_one));
    address
}

/// Sends messages with these numbers, each padded to at least `size_bytes`. Gives up when the
/// client has gone.
pub fn send_numbered(
    connection: &mut Connection,
    numbers: impl IntoIterator<Item = u64>,
    size_bytes: usize,
) {
    for n in numbers {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let payload = "x".repeat(size_bytes);
        let text = format!("{{\"t\":{},\"n\":{n},\"p\":\"{payload}\"}}", since_1970.as_nanos());
        if connection.send(Message::text(text)).is_err() {
            return;
        }
    }
}

/// Sends a close frame with this code.
pub fn close(connection: &mut Connection, code: u16) {
    let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
    connection.close(Some(frame)).expect("the client is there");
    connection.flush().expect("the client reads");
}

/// Keeps the connection open until the client ends it.
pub fn await_end(connection: &mut Connection) {
    while connection.read().is_ok() {}
}
