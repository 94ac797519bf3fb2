//! The opening handshake, for clients that send all of it at once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha1::{Digest, Sha1};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const ACCEPT_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TIMEOUT: Duration = Duration::from_secs(1);

/// Reads the request and grants the upgrade.
///
/// # Errors
/// The client went away, took too long, or does not speak WebSocket.
pub(crate) fn answer(socket: &mut TcpStream) -> io::Result<()> {
    socket.set_nonblocking(false)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    let mut request = [0; 4096];
    let mut length = 0;
    loop {
        let read = socket.read(&mut request[length..])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        length += read;
        if let Some(key) = key_of(&request[..length]) {
            let digest = Sha1::new().chain_update(key).chain_update(ACCEPT_SUFFIX).finalize();
            let response = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
                BASE64.encode(digest)
            );
            return socket.write_all(response.as_bytes());
        }
    }
}

/// The key of a request that is complete.
fn key_of(request: &[u8]) -> Option<Vec<u8>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(request).ok()?.is_complete().then_some(())?;
    let named =
        |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("sec-websocket-key");
    parsed.headers.iter().find(named).map(|header| header.value.to_vec())
}
