//! Request heads: their limits, and the fields that they need.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::test_server::{MAX_HEAD_BYTES, TIMEOUT, TestServer};
use crate::wire::Wire;

/// A GET whose head has this many bytes.
fn head_of(bytes: usize) -> String {
    let frame = "GET / HTTP/1.1\r\nHost: a\r\nX-Pad: \r\n\r\n".len();
    format!("GET / HTTP/1.1\r\nHost: a\r\nX-Pad: {}\r\n\r\n", "x".repeat(bytes - frame))
}

fn serve_one(application: &mut Wire<std::os::unix::net::UnixStream>, body: &str) {
    application.head();
    application.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
}

#[test]
fn a_malformed_head_is_answered_with_400() {
    let server = TestServer::open();
    for malformed in ["GE\u{1}T / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nno header\r\n\r\n"] {
        let mut client = server.client();
        client.send(malformed);
        assert_eq!(client.message().0.status(), 400, "{malformed:?}");
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn the_longest_head_passes_and_one_byte_more_is_answered_with_431() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(head_of(MAX_HEAD_BYTES));
    serve_one(&mut server.application.accept(), "long");
    assert_eq!(client.message().1, "long");
    client.send(head_of(MAX_HEAD_BYTES + 1));
    assert_eq!(client.message().0.status(), 431);
    assert_eq!(client.rest(), "");
}

#[test]
fn the_answer_431_outlives_all_that_the_client_still_sends() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Pad: {}", "x".repeat(1_000_000)));
    assert_eq!(client.message().0.status(), 431);
}

#[test]
fn as_many_fields_pass_as_bun_takes_with_the_door_s_own_and_one_more_is_answered_with_431() {
    let server = TestServer::open_with(|config| config.max_head_bytes = 1 << 15);
    let head = |fields: usize| {
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a:b\r\n".repeat(fields - 1))
    };
    let mut client = server.client();
    client.send(head(197));
    let passed = server.application.accept().head();
    assert_eq!(passed.headers.iter().filter(|(name, _)| name == "a").count(), 196);
    let mut client = server.client();
    client.send(head(198));
    assert_eq!(client.message().0.status(), 431);
}

/// Sends a byte at a time until the door closes.
fn trickle_until_closed(mut client: TcpStream) {
    let pause = Duration::from_millis(10);
    client.set_read_timeout(Some(pause)).expect("a timeout");
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < TIMEOUT, "the door does not close");
        let _ = std::io::Write::write(&mut client, b"x");
        match client.read(&mut [0]) {
            Ok(0) => return,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
            unexpected => panic!("neither a wait nor an end: {unexpected:?}"),
        }
    }
}

#[test]
fn a_head_that_trickles_in_is_cut_off() {
    let server = TestServer::open_with(|config| config.head_timeout = Duration::from_millis(100));
    trickle_until_closed(TcpStream::connect(server.door.local_addr()).expect("the door listens"));
}

#[test]
fn an_idle_connection_is_closed_after_a_time_of_its_own() {
    let idle_timeout = Some(Duration::from_millis(100));
    let server = TestServer::open_with(|config| config.idle_timeout = idle_timeout);
    let mut client = server.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    serve_one(&mut server.application.accept(), "hi");
    assert_eq!(client.message().1, "hi");
    assert_eq!(client.rest(), "");
}

#[test]
fn a_request_without_a_clear_host_or_end_is_refused() {
    let server = TestServer::open();
    let cases = [
        ("GET / HTTP/1.1\r\n\r\n", 400, "a request needs exactly one Host header\n"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            400,
            "a request needs exactly one Host header\n",
        ),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "the target * goes with OPTIONS only\n"),
        (
            "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
            501,
            "CONNECT is not supported: this is not a forward proxy\n",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            501,
            "the only supported Transfer-Encoding is chunked\n",
        ),
    ];
    for (request, status, message) in cases {
        let mut client = server.client();
        client.send(request);
        let (head, body) = client.message();
        assert_eq!((head.status(), body.as_str()), (status, message), "{request:?}");
    }
    assert!(!server.application.has_connection());
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let server = TestServer::open();
    let mut client = server.client();
    let requests = ["/1", "/2", "/3"].map(|path| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    client.send(requests.concat());
    let mut application = server.application.accept();
    for path in ["/1", "/2", "/3"] {
        let request = application.head();
        assert_eq!(request.line, format!("GET {path} HTTP/1.1"));
        application.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{path}"));
    }
    for path in ["/1", "/2", "/3"] {
        assert_eq!(client.message().1, path);
    }
}

#[test]
fn a_refused_head_is_answered_in_its_turn_with_a_reason() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET evil.example HTTP/1.1\r\nHost: a\r\n\r\n");
    serve_one(&mut server.application.accept(), "first");
    assert_eq!(client.message().1, "first");
    let (head, message) = client.message();
    assert_eq!((head.status(), head.get("connection")), (400, Some("close")));
    assert!(message.starts_with("the target of the request must be a path"), "{message}");
    assert_eq!(client.rest(), "");
}

#[test]
fn the_refusal_of_a_request_for_a_head_has_no_body() {
    let server = TestServer::open();
    for empty_line in ["", "\r\n"] {
        let mut client = server.client();
        client.send(format!("{empty_line}HEAD evil.example HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.head().status(), 400);
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn what_follows_a_refused_head_is_no_request() {
    let server = TestServer::open();
    let mut client = server.client();
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let length = smuggled.len();
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nX: y\nContent-Length: {length}\r\n\r\n{smuggled}"
    ));
    let (head, message) = client.message();
    assert_eq!(head.status(), 400);
    assert_eq!(message, "a line of the request's head ends in LF alone, not in CRLF\n");
    assert_eq!(client.rest(), "");
    assert!(!server.application.has_connection());
}

#[test]
fn a_target_arrives_in_a_form_that_any_parser_takes() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send("GET /a?filter={\"b\":<1>} HTTP/1.1\r\nHost: a\r\n\r\n");
    let request = server.application.accept().head();
    assert_eq!(request.line, "GET /a?filter={%22b%22:%3C1%3E} HTTP/1.1");
}

#[test]
fn a_host_that_is_shorter_than_the_application_can_take_is_refused() {
    let server = TestServer::open_with(|config| config.min_authority_bytes = 4);
    for host in ["a.b", "a.b:80"] {
        let mut client = server.client();
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(client.message().0.status(), 400, "{host}");
    }
    server.client().send("GET / HTTP/1.1\r\nHost: a.b:81\r\n\r\n");
    assert_eq!(server.application.accept().head().get("host"), Some("a.b:81"));
}
