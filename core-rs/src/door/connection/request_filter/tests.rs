use std::collections::VecDeque;
use std::error::Error;

use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { max_head_bytes: 300, min_authority_bytes: 1 };

/// A client that has sent these pieces, and ends its side behind them.
struct Pieces(VecDeque<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut piece) = self.0.pop_front() else { return Poll::Ready(Ok(())) };
        let rest = piece.split_off(piece.len().min(buffer.remaining()));
        buffer.put_slice(&piece);
        if !rest.is_empty() {
            self.0.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

/// What hyper reads of bytes that come in pieces of so many, into buffers of so many.
fn read(bytes: &[u8], piece: usize, room: usize) -> (Vec<Vec<u8>>, Rc<FilterState>) {
    let shared = Rc::new(FilterState::default());
    let pieces = Pieces(bytes.chunks(piece).map(<[u8]>::to_vec).collect());
    let mut filter = RequestFilter::new(pieces, LIMITS, Rc::clone(&shared));
    let mut reads = Vec::new();
    loop {
        let mut buffer = vec![0; room];
        let mut buffer = ReadBuf::new(&mut buffer);
        let mut context = Context::from_waker(Waker::noop());
        let read = Pin::new(&mut filter).poll_read(&mut context, &mut buffer);
        match read {
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                reads.push(buffer.filled().to_vec());
            }
            _ended => return (reads, shared),
        }
    }
}

#[test]
fn who_waits_for_a_request_keeps_no_memory_for_those_before() {
    let pieces: [&[u8]; 3] = [b"GET / HTTP/1.1\r\n", b"Host: a\r\n", b"\r\n"];
    let pieces = Pieces(pieces.map(<[u8]>::to_vec).into());
    let mut filter = RequestFilter::new(pieces, LIMITS, Rc::default());
    let mut context = Context::from_waker(Waker::noop());
    for is_idle in [false, true] {
        let mut buffer = vec![0; 100];
        let mut buffer = ReadBuf::new(&mut buffer);
        assert!(Pin::new(&mut filter).poll_read(&mut context, &mut buffer).is_ready());
        assert_eq!(buffer.filled().is_empty(), is_idle);
    }
    assert_eq!(filter.unjudged.capacity(), 0);
}

/// A request, and what is passed on of it.
fn request() -> impl Strategy<Value = (&'static str, &'static str)> {
    let verbatim = [
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nGET / HTT",
        "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         A;x\r\nGET / HTTP\r\n0\r\nX: y\r\n\r\n",
    ];
    prop_oneof![
        3 => prop::sample::select(verbatim.to_vec()).prop_map(|same| (same, same)),
        1 => Just((
            "\r\nGET /<a> HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /%3Ca%3E HTTP/1.1\r\nHost: a\r\n\r\n",
        )),
        1 => Just((
            "PUT http://b/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
            "PUT / HTTP/1.1\r\nhost: b\r\nContent-Length: 2\r\n\r\nhi",
        )),
    ]
}

proptest! {
    #[test]
    fn requests_are_passed_on_one_by_one_however_they_come(
        requests in prop::collection::vec(request(), 1..6),
        piece in 1usize..200,
        room in 1usize..200,
    ) {
        let sent: String = requests.iter().map(|(sent, _)| *sent).collect();
        let passed: String = requests.iter().map(|(_, passed)| *passed).collect();
        let (reads, shared) = read(sent.as_bytes(), piece, room);
        prop_assert_eq!(String::from_utf8(reads.concat()).expect("it is text"), passed);
        prop_assert_eq!(shared.take_rejection(), None);
        let is_of_two = |read: &Vec<u8>| {
            let read = String::from_utf8_lossy(read);
            read.match_indices("\r\nHost: a").count() > 1
        };
        prop_assert!(!reads.iter().any(is_of_two));
    }

    #[test]
    fn nothing_behind_a_refused_head_or_an_upgrade_is_passed_on(
        piece in 1usize..200,
        room in 1usize..200,
    ) {
        let whole = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let refused = ["GET / HTTP/1.1\r\nHost: a\n\r\n", whole].concat();
        let (reads, shared) = read(refused.as_bytes(), piece, room);
        prop_assert_eq!(reads.concat(), b"GET / HTTP/1.1\r\n\r\n");
        prop_assert!(shared.take_rejection().is_some());

        let fields = "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        let upgrade = ["GET / HTTP/1.1\r\n", fields].concat();
        let (reads, _) = read([&*upgrade, whole].concat().as_bytes(), piece, room);
        prop_assert_eq!(reads.concat(), upgrade.as_bytes());
    }
}

/// Behind each request, to see whether hyper has read it to its end and no further.
const MARK: &[u8] = b"GET /mark HTTP/1.1\r\nHost: a\r\n\r\n";

/// What the filter takes for one request each, as it passes them on.
fn requests_of(bytes: &[u8], piece: usize, room: usize) -> Vec<Vec<u8>> {
    let shared = Rc::new(FilterState::default());
    let pieces = Pieces(bytes.chunks(piece).map(<[u8]>::to_vec).collect());
    let mut filter = RequestFilter::new(pieces, LIMITS, Rc::clone(&shared));
    let (mut requests, mut request) = (Vec::new(), Vec::new());
    loop {
        let mut buffer = vec![0; room];
        let mut buffer = ReadBuf::new(&mut buffer);
        let mut context = Context::from_waker(Waker::noop());
        let read = Pin::new(&mut filter).poll_read(&mut context, &mut buffer);
        if !matches!(read, Poll::Ready(Ok(()))) || buffer.filled().is_empty() {
            return requests;
        }
        request.extend_from_slice(buffer.filled());
        let is_over = match &filter.phase {
            FilterPhase::Body(body) => body.is_over(),
            FilterPhase::Rejected => true,
            FilterPhase::Head(_) => false,
        };
        if is_over && filter.head.is_empty() {
            requests.push(mem::take(&mut request));
            shared.resume();
        }
    }
}

/// What has become of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyRead {
    Whole,
    /// More of it was to come.
    CutShort,
    /// hyper does not take it.
    Refused,
}

/// Targets of what hyper reads, each with what has become of its body.
fn read_by_hyper(bytes: Vec<u8>) -> Vec<(String, BodyRead)> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let seen = Rc::new(RefCell::new(Vec::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let seen = Rc::clone(&seen);
        async move {
            let target = request.uri().to_string();
            let body = match request.into_body().collect().await {
                Ok(_) => BodyRead::Whole,
                Err(error) if is_of_the_end(&error) => BodyRead::CutShort,
                Err(_) => BodyRead::Refused,
            };
            seen.borrow_mut().push((target, body));
            Ok::<_, io::Error>(Response::new(Empty::<Bytes>::new()))
        }
    });
    let client = tokio::io::join(Pieces(VecDeque::from([bytes])), tokio::io::sink());
    let mut http = http1::Builder::new();
    http.header_read_timeout(None).max_headers(MAX_FIELDS + 1).half_close(true);
    // How it ends is seen by what it has read.
    let _ = runtime.block_on(http.serve_connection(TokioIo::new(client), service));
    seen.take()
}

fn is_of_the_end(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == ErrorKind::UnexpectedEof)
}

/// Fields of which most say where a request ends, rightly or not.
const FIELDS: [&[u8]; 21] = [
    b"Content-Length: 5\r\n",
    b"Content-Length: 05\r\n",
    b"Content-Length: +5\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Content-Length: \t5 \r\n",
    b"content-length: 0\r\n",
    b"Content-Length: \r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"transfer-encoding:CHUNKED\t\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding\r\n : chunked\r\n",
    b"X:\r\n Content-Length: 5\r\n",
    b"X: y\nContent-Length: 5\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: close\r\n",
    b"Connection: keep-alive, Upgrade\r\n",
    b"Upgrade: websocket\r\n",
    b"Upgrade: h2c\r\n",
    b"Trailer: X-Sum\r\n",
];

/// What else a request is made of.
const PARTS: [&[u8]; 22] = [
    b"GET /a HTTP/1.1\r\n",
    b"POST /b HTTP/1.1\r\n",
    b"GET /c HTTP/1.0\r\n",
    b"HEAD /d HTTP/1.1\r\n",
    b"OPTIONS * HTTP/1.1\r\n",
    b"PUT http://b/<e> HTTP/1.1\r\n",
    b"Host: a\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"5\r\nhello\r\n",
    b"5;a=\"\r\n",
    b"hello\r\n",
    b"0\r\n\r\n",
    b"0\r\nX-Sum: 1\r\n\r\n",
    b"0\r\nX Sum\r\n\r\n",
    b"00;x\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\0",
    b"0",
    b"hello",
];

fn field() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(&FIELDS[..]).prop_map(<[u8]>::to_vec)
}

/// A piece of a request, in its place or out of it.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        10 => field(),
        20 => prop::sample::select(&PARTS[..]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ]
}

/// A request that is proper, or nearly so.
fn near_request() -> impl Strategy<Value = Vec<u8>> {
    let begin = prop::sample::select(vec![
        "GET /a HTTP/1.1\r\nHost: a\r\n",
        "POST /b HTTP/1.1\r\nHost: a\r\n",
        "GET /c HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n",
    ]);
    let framed = prop::sample::select(vec![
        ("", ""),
        ("Content-Length: 5\r\n", "hello"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nTrailer: X\r\n", "1;a\r\n0\r\n0\r\nX: y\r\n\r\n"),
    ]);
    let odd_field = prop::option::weighted(0.4, prop_oneof![4 => field(), 1 => fragment()]);
    let odd_part = prop::option::weighted(0.2, fragment());
    (begin, odd_field, framed, odd_part).prop_map(|(begin, head, (fields, body), within)| {
        let (head, within) = (head.unwrap_or_default(), within.unwrap_or_default());
        let parts = [begin.as_bytes(), &head, fields.as_bytes(), b"\r\n"];
        [&parts.concat(), &*within, body.as_bytes()].concat()
    })
}

/// Bytes of which some are changed.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![2 => near_request(), 1 => fragment()];
    let change = (any::<prop::sample::Index>(), any::<Option<u8>>());
    let changes = prop::collection::vec(change, 0..3);
    (prop::collection::vec(part, 1..6), changes).prop_map(|(parts, changes)| {
        let mut bytes = parts.concat();
        for (at, change) in changes {
            let at = at.index(bytes.len().max(1));
            match change {
                Some(byte) if at < bytes.len() => bytes[at] = byte,
                None if at < bytes.len() => drop(bytes.remove(at)),
                _ => {}
            }
        }
        bytes
    })
}

proptest! {
    // Little of what is made up is read in two ways by anything.
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn hyper_reads_each_request_that_is_passed_on_as_one_to_its_end(
        bytes in stream(),
        piece in 1usize..200,
        room in 1usize..200,
    ) {
        for request in requests_of(&bytes, piece, room) {
            let said = request.escape_ascii();
            let alone = read_by_hyper(request.clone());
            let [(_, body)] = &alone[..] else {
                return Err(TestCaseError::fail(format!("{alone:?} is in {said}")));
            };
            prop_assert_ne!(*body, BodyRead::CutShort, "{}", said);
            let marked = read_by_hyper([&*request, MARK].concat());
            let mark = ("/mark".to_owned(), BodyRead::Whole);
            // hyper closes behind the last one, and reads nothing more.
            let is_end = *body == BodyRead::Refused || is_last(&request);
            prop_assert!(marked[1..] == [mark] || marked.len() == 1 && is_end, "{}", said);
        }
    }
}

/// Whether a request may be the last of its connection.
fn is_last(request: &[u8]) -> bool {
    let head = String::from_utf8_lossy(request).to_ascii_lowercase();
    head.contains("http/1.0\r\n") || head.contains("connection:")
}
