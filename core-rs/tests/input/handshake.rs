//! What holds for the door, whatever a client says before it is let in.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use bytes::Bytes;
use shardcast_core::door::{
    Decision, Door, DoorConfig, DoorEvent, Handoff, Headers, Reservation, UpgradeRequest,
};
use shardcast_core::frame::form::Form;
use socket2::SockRef;
use tungstenite::handshake::server::{Request, Response};

#[path = "../harness/door.rs"]
mod door;
#[path = "../harness/heads.rs"]
mod heads;

use door::local_door;
use heads::lines_of;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Longer heads are refused.
const MAX_HEAD_BYTES: usize = 16_384;

/// More are refused, too.
const MAX_HEADERS: usize = 197;

/// Sent behind every stream: it ends a head that has no end, and is a request of its own where
/// there was none.
const END: &[u8] = b"\r\n\r\nGET / HTTP/1.0\r\n\r\n";

/// How HTTP/2 begins. hyper says 400 to a part of it, and nothing to the whole.
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What becomes of the first request of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is a client now.
    Taken(Taken),
    /// It is told something else, whose head this is; or nothing, and the connection ends.
    Answered(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The head of the answer.
    answer: String,
    uri: String,
    headers: Vec<String>,
    form: Form,
    /// What came behind the head, and is for the worker.
    behind: Vec<u8>,
}

/// A client that the application, which accepts every upgrade, has accepted.
struct Entry {
    peer: SocketAddr,
    uri: String,
    headers: Vec<String>,
    form: Form,
    socket: TcpStream,
    read_ahead: Bytes,
}

/// A place for the client that has asked for it.
struct Place {
    request: (SocketAddr, String, Vec<String>, Form),
    entries: Sender<Entry>,
}

impl Reservation for Place {
    fn is_behind(&self) -> bool {
        false
    }

    fn attach(self: Box<Self>, handoff: Handoff) {
        let (peer, uri, headers, form) = self.request;
        let Handoff { mut socket, response, read_ahead } = handoff;
        socket.write_all(&response).expect("room in a new socket");
        let _ = self.entries.send(Entry { peer, uri, headers, form, socket, read_ahead });
    }
}

/// A door. Nothing listens behind it, so that what is no upgrade gets 502.
struct TestServer {
    door: Door,
    entries: Receiver<Entry>,
}

thread_local! {
    static SERVER: TestServer = TestServer::open();
}

impl TestServer {
    fn open() -> TestServer {
        let (sender, entries) = channel();
        let decide = move |event: DoorEvent| {
            let DoorEvent::UpgradeRequested(request) = event else { return };
            let UpgradeRequest { uri, headers, peer, form, responder, .. } = request;
            let mut headers = lines_of(&headers);
            // hyper puts lines of the same name together, which changes nothing.
            headers.sort_by(|a, b| a.split(':').next().cmp(&b.split(':').next()));
            let request = (peer, uri, headers, form);
            let reservation = Box::new(Place { request, entries: sender.clone() });
            responder.decide(Decision::Accept { headers: Headers::new(), reservation });
        };
        let config = DoorConfig { max_head_bytes: MAX_HEAD_BYTES, ..local_door(TIMEOUT) };
        TestServer { door: Door::open(config, decide).expect("a free port"), entries }
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.door.local_addr()).expect("the door listens");
        client.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
        client.set_nodelay(true).expect("a socket");
        // Ends with a reset, which leaves no port behind: fuzzers need many.
        SockRef::from(&client).set_linger(Some(Duration::ZERO)).expect("a socket");
        client
    }

    /// The entry of this client. Others have sent a second request behind one that was refused.
    fn entry(&self, client: SocketAddr) -> Entry {
        loop {
            let entry = self.entries.recv_timeout(TIMEOUT).expect("the door hands it over");
            if entry.peer == client {
                return entry;
            }
        }
    }

    fn outcome<'a>(&self, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
        let mut client = self.connect();
        for piece in pieces {
            // It may have been told that it is wrong, and is not heard out.
            if client.write_all(piece).is_err() {
                break;
            }
        }
        let answer = head(&mut client);
        if !answer.starts_with("HTTP/1.1 101 ") {
            return Outcome::Answered(answer);
        }
        let entry = self.entry(client.local_addr().expect("a socket"));
        client.shutdown(Shutdown::Write).expect("it is connected");
        let Entry { uri, headers, form, mut socket, read_ahead, .. } = entry;
        socket.set_nonblocking(false).expect("a socket");
        let mut behind = read_ahead.to_vec();
        socket.read_to_end(&mut behind).expect("the client ends its side");
        Outcome::Taken(Taken { answer, uri, headers, form, behind })
    }
}

/// The first head that comes, without its date; less when the connection ends before.
fn head(client: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        // Goes on where a signal interrupts it, such as a fuzzer's clock.
        match client.read_exact(&mut byte) {
            Ok(()) => bytes.extend(byte),
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("it hangs"),
            Err(_ended) => break,
        }
    }
    let text = String::from_utf8(bytes).expect("the door speaks ASCII");
    text.lines().filter(|line| !line.starts_with("date: ")).collect::<Vec<_>>().join("\n")
}

/// What becomes of a stream that comes in pieces of so many bytes.
pub(crate) fn outcome(stream: &[u8], piece: usize) -> Outcome {
    let stream = [stream, END].concat();
    SERVER.with(|server| server.outcome(stream.chunks(piece.max(1))))
}

/// The same becomes of a stream however the network cuts it.
pub(crate) fn is_answered_alike_in_any_pieces(stream: &[u8], piece: usize) {
    let all = [stream, END].concat();
    if all.starts_with(HTTP_2) {
        return;
    }
    let whole = outcome(stream, usize::MAX);
    assert_eq!(outcome(stream, 1), whole, "byte by byte: {}", stream.escape_ascii());
    assert_eq!(outcome(stream, piece), whole, "by {piece} bytes: {}", stream.escape_ascii());
    if let Outcome::Taken(Taken { behind, .. }) = whole {
        assert!(all.ends_with(&behind), "the rest is handed over: {}", stream.escape_ascii());
    }
}

/// A client that has sent this, and takes all answers.
struct Client<'a>(&'a [u8]);

impl Read for Client<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Client<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The request and the answer, where tungstenite lets the client in.
pub(crate) fn by_tungstenite(head: &[u8]) -> Option<(Request, Response)> {
    let mut seen = None;
    #[expect(clippy::result_large_err, reason = "it is tungstenite's")]
    let callback = |request: &Request, response: Response| {
        seen = Some((request.clone(), response.clone()));
        Ok(response)
    };
    tungstenite::accept_hdr(Client(head), callback).ok().and(seen)
}

/// Whom tungstenite lets in is let in, with the same proof. But on purpose these are not:
///
/// - A request that has not exactly one `Host`, or has a second key or version, a body, or the
///   target `*`. tungstenite takes the first of each, and leaves the rest to its caller.
/// - One that separates the words of `Connection` by blanks, which is no list.
/// - One of more headers, or bytes, than there is room for.
/// - One that has a line which ends in LF alone.
///
/// Bytes past ASCII are percent-encoded in the target, for which tungstenite has no rule.
///
/// That others are let in (the words of `Upgrade` are a list, its lines are several, the spare bits
/// of the key are not zero) is not compared.
pub(crate) fn is_taken_as_by_tungstenite(head: &[u8]) {
    let Some((request, response)) = by_tungstenite(head) else { return };
    match outcome(head, usize::MAX) {
        Outcome::Taken(Taken { answer, uri, .. }) => {
            let proof = response.headers()["sec-websocket-accept"].to_str().expect("base64");
            assert!(answer.contains(&format!("sec-websocket-accept: {proof}")), "{answer}");
            let target = request.uri().path_and_query().map_or("/", |it| it.as_str());
            assert_eq!(encoded(target), uri);
        }
        Outcome::Answered(answer) => {
            let refused = is_refused_on_purpose(&request, head) || head.len() > MAX_HEAD_BYTES;
            assert!(refused, "{answer}\n{}", head.escape_ascii());
        }
    }
}

/// A target with what is past ASCII percent-encoded.
fn encoded(target: &str) -> String {
    let encode = |byte: u8| match byte {
        0..0x80 => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    target.bytes().map(encode).collect()
}

/// Whether a request is one of those.
fn is_refused_on_purpose(request: &Request, head: &[u8]) -> bool {
    let mut lines = head.split_inclusive(|&byte| byte == b'\n');
    let headers = request.headers();
    let count = |name: &str| headers.get_all(name).iter().count();
    let connection = headers.get("connection").and_then(|value| value.to_str().ok());
    let mut words = connection.unwrap_or_default().split(',').map(str::trim);
    count("host") != 1
        || count("sec-websocket-key") > 1
        || count("sec-websocket-version") > 1
        || count("transfer-encoding") > 0
        || headers.get_all("content-length").iter().any(|length| length != "0")
        || request.uri().path() == "*"
        || !words.any(|word| word.eq_ignore_ascii_case("upgrade"))
        || headers.len() > MAX_HEADERS
        || lines.any(|line| line.ends_with(b"\n") && !line.ends_with(b"\r\n"))
}
