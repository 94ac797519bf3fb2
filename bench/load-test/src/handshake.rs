//! The opening handshake of RFC 6455, from the client's side.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha1::{Digest, Sha1};

use crate::options::Header;
use crate::target::Target;

/// What the server appends to the key before hashing it (RFC 6455, 1.3).
const ACCEPT_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A longer response is refused.
const MAX_RESPONSE_BYTES: usize = 16 * 1024;
const MAX_RESPONSE_HEADERS: usize = 64;

/// A handshake whose request has been written and whose response is awaited.
pub(crate) struct Handshake {
    expected_accept: String,
    offered_compression: bool,
    response: Vec<u8>,
}

/// What is offered: the server may compress each message by itself, and need keep nothing for it.
const COMPRESSION_OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; \
     server_no_context_takeover; client_no_context_takeover\r\n";

/// How far the response has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Response {
    Incomplete,
    /// The upgrade is granted, and frames begin after this many bytes of the given chunk.
    Granted {
        frames_at: usize,
        compression: bool,
    },
}

impl Handshake {
    /// Begins a handshake: the bytes of the request, and what awaits the response.
    pub(crate) fn begin(
        target: &Target,
        client_number: u64,
        headers: &[Header],
        offered_compression: bool,
    ) -> (Vec<u8>, Self) {
        let key = BASE64.encode(fastrand::u128(..).to_ne_bytes());
        let mut request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n",
            target.path_of(client_number),
            target.host,
        )
        .into_bytes();
        if offered_compression {
            request.extend_from_slice(COMPRESSION_OFFER.as_bytes());
        }
        for header in headers {
            request.extend_from_slice(header.name.as_str().as_bytes());
            request.extend_from_slice(b": ");
            request.extend_from_slice(header.value.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        let expected_accept = accept_of(&key);
        (request, Self { expected_accept, offered_compression, response: Vec::new() })
    }

    /// Takes the next bytes of the response.
    ///
    /// # Errors
    /// Why the upgrade failed, such as `HTTP 503`.
    pub(crate) fn receive(&mut self, chunk: &[u8]) -> Result<Response, String> {
        let received_before = self.response.len();
        self.response.extend_from_slice(chunk);
        let mut headers = [httparse::EMPTY_HEADER; MAX_RESPONSE_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(&self.response) {
            Ok(httparse::Status::Complete(head_bytes)) => {
                let compression = self.check(&response)?;
                Ok(Response::Granted { frames_at: head_bytes - received_before, compression })
            }
            Ok(httparse::Status::Partial) if self.response.len() > MAX_RESPONSE_BYTES => {
                Err("handshake response too long".to_owned())
            }
            Ok(httparse::Status::Partial) => Ok(Response::Incomplete),
            Err(error) => Err(format!("malformed handshake response: {error}")),
        }
    }

    /// Checks the response; whether it agrees to compress.
    fn check(&self, response: &httparse::Response<'_, '_>) -> Result<bool, String> {
        let header = |name: &str| {
            let found =
                response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            found.map(|header| header.value)
        };
        if response.code != Some(101) {
            return Err(format!("HTTP {}", response.code.unwrap_or_default()));
        }
        if !header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case(b"websocket")) {
            return Err("101 without Upgrade: websocket".to_owned());
        }
        if header("sec-websocket-accept") != Some(self.expected_accept.as_bytes()) {
            return Err("wrong Sec-WebSocket-Accept".to_owned());
        }
        match header("sec-websocket-extensions").unwrap_or_default() {
            b"" => Ok(false),
            agreed if self.offered_compression && agreed.starts_with(b"permessage-deflate") => {
                Ok(true)
            }
            _ => Err("extension that was not asked for".to_owned()),
        }
    }
}

fn accept_of(key: &str) -> String {
    let digest = Sha1::new().chain_update(key).chain_update(ACCEPT_SUFFIX).finalize();
    BASE64.encode(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRANTED: &str = "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\n\
         connection: upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    fn awaiting() -> Handshake {
        let expected_accept = accept_of("dGhlIHNhbXBsZSBub25jZQ==");
        Handshake { expected_accept, offered_compression: false, response: Vec::new() }
    }

    #[test]
    fn the_example_of_the_rfc_is_granted() {
        let received = awaiting().receive(GRANTED.as_bytes());
        let granted = Response::Granted { frames_at: GRANTED.len(), compression: false };
        assert_eq!(received, Ok(granted));
    }

    #[test]
    fn frames_that_come_with_the_response_are_left_to_the_caller() {
        let mut handshake = awaiting();
        let (first, second) = GRANTED.split_at(50);
        assert_eq!(handshake.receive(first.as_bytes()), Ok(Response::Incomplete));
        let with_frame = [second.as_bytes(), b"\x81\x00"].concat();
        let granted = Response::Granted { frames_at: second.len(), compression: false };
        assert_eq!(handshake.receive(&with_frame), Ok(granted));
    }

    #[test]
    fn compression_is_agreed_on_only_when_it_was_offered() {
        let agreed = "sec-websocket-extensions: permessage-deflate; \
                      server_no_context_takeover\r\n\r\n";
        let response = GRANTED.trim_end().to_owned() + "\r\n" + agreed;
        let offering = &mut Handshake { offered_compression: true, ..awaiting() };
        let granted = Response::Granted { frames_at: response.len(), compression: true };
        assert_eq!(offering.receive(response.as_bytes()), Ok(granted));
        assert!(awaiting().receive(response.as_bytes()).is_err());
    }

    #[test]
    fn a_refusal_is_named_by_its_status() {
        let refused = awaiting().receive(b"HTTP/1.1 503 Service Unavailable\r\n\r\n");
        assert_eq!(refused, Err("HTTP 503".to_owned()));
    }

    #[test]
    fn a_wrong_accept_is_refused() {
        let response = GRANTED.replace("s3pP", "AAAA");
        let refused = awaiting().receive(response.as_bytes());
        assert_eq!(refused, Err("wrong Sec-WebSocket-Accept".to_owned()));
    }

    #[test]
    fn a_response_without_an_end_is_refused() {
        let endless = [b"HTTP/1.1 101 OK\r\nx: ".as_slice(), &[b'x'; MAX_RESPONSE_BYTES]].concat();
        assert!(awaiting().receive(&endless).is_err());
    }
}
