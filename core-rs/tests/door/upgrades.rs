//! WebSocket upgrades: what the door checks, asks, answers and hands over.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use bytes::Bytes;
use shardcast_core::door::{Decision, DoorConfig, Headers, RefusedUpgrades, UpgradeRequest};
use shardcast_core::frame::form::Form;

use crate::head_reader::lines_of;
use crate::test_server::{
    Outcome, TIMEOUT, TestServer, acceptance, acceptance_by_one_that_is_behind, admit, refusal,
};

use super::FAST_PATH;

const UPGRADE: &str = "GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
    Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn open() -> TestServer {
    open_with(|_| {})
}

fn open_with(change: impl FnOnce(&mut DoorConfig)) -> TestServer {
    TestServer::open_with(|config| {
        config.fast_path = FAST_PATH;
        change(config);
    })
}

/// Waits until the door has given an upgrade up.
fn wait_until_given_up(server: &TestServer, request: &UpgradeRequest) {
    assert_eq!(server.given_up(), request.id);
    assert!(!request.responder.is_awaited());
}

fn headers(pairs: &[(&'static str, &'static str)]) -> Headers {
    let parsed = pairs
        .iter()
        .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
    parsed.collect()
}

#[test]
fn an_extension_is_agreed_on_when_it_is_offered() {
    let server = open();
    let mut client = server.client();
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    client
        .send(UPGRADE.replace("Upgrade: websocket\r\n", &format!("Upgrade: websocket\r\n{offer}")));
    let asked = server.asked();
    assert_eq!(asked.form, Form::Deflated);
    let (decision, _fate) = acceptance(headers(&[("sec-websocket-extensions", "x-forged")]));
    assert!(asked.responder.decide(decision));
    let head = client.head();
    let agreed = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";
    assert_eq!(head.get("sec-websocket-extensions"), Some(agreed));
    assert!(!format!("{head:?}").contains("x-forged"));
}

#[test]
fn the_example_of_the_rfc_is_answered_as_in_the_rfc() {
    let server = open();
    let mut client = server.client();
    client.send(UPGRADE);
    let more = [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("connection", "close")];
    let (decision, _fate) = acceptance(headers(&more));
    assert!(server.asked().responder.decide(decision));
    let head = client.head();
    assert_eq!(head.line, "HTTP/1.1 101 Switching Protocols");
    assert_eq!(
        head.lines_without(&["date"]),
        [
            "connection: Upgrade",
            "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            "set-cookie: a=1",
            "set-cookie: b=2",
            "upgrade: websocket",
        ]
    );
}

#[test]
fn the_application_is_asked_with_the_request_as_it_came() {
    let server = open();
    let mut client = server.client();
    let extra = "Cookie: a\r\nX-Shardcast-Peer: 6.6.6.6 6\r\nCookie: b\r\n\r\n";
    client.send(UPGRADE.replace("\r\n\r\n", "\r\n") + extra);
    let request = server.asked();
    assert_eq!(request.uri, "/chat?room=1");
    assert_eq!(Ok(request.peer), client.socket().local_addr().map_err(drop));
    assert_eq!(
        lines_of(&request.headers),
        [
            "host: example.com",
            "upgrade: websocket",
            "connection: keep-alive, Upgrade",
            "sec-websocket-version: 13",
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
            "cookie: a",
            "cookie: b",
        ]
    );
}

#[test]
fn the_socket_is_handed_over_alive() {
    let server = open();
    let mut client = server.client();
    client.send(UPGRADE);
    let (mut socket, read_ahead) = admit(server.asked());
    assert!(read_ahead.is_empty());
    assert_eq!(client.head().status(), 101);
    socket.write_all(b"down").expect("the client reads");
    assert_eq!(client.text(4), "down");
    client.send("up");
    let mut heard = [0; 2];
    socket.read_exact(&mut heard).expect("the client writes");
    assert_eq!(&heard, b"up");
}

#[test]
fn the_socket_is_handed_over_non_blocking() {
    let server = open();
    let mut client = server.client();
    client.send(UPGRADE);
    let (decision, outcome) = acceptance(Headers::new());
    assert!(server.asked().responder.decide(decision));
    let Ok(Outcome::Attached(mut socket, _)) = outcome.recv_timeout(TIMEOUT) else {
        panic!("the door hands over");
    };
    let error = socket.read(&mut [0]).expect_err("the client has sent nothing");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn bytes_behind_the_request_are_handed_over_with_the_socket() {
    let server = open();
    let mut client = server.client();
    client.send(format!("{UPGRADE}a frame"));
    let (_socket, read_ahead) = admit(server.asked());
    assert_eq!(read_ahead, "a frame");
}

#[test]
fn a_client_keeps_no_buffer_of_the_door() {
    let server = open();
    for behind in ["", "a frame"] {
        let mut client = server.client();
        client.send(format!("{UPGRADE}{behind}"));
        let (_socket, read_ahead) = admit(server.asked());
        // Bytes that nothing else holds give their buffer away.
        let capacity = read_ahead.try_into_mut().map_or(0, |buffer| buffer.capacity());
        assert!(capacity <= 64, "{capacity} bytes for {behind:?}");
    }
}

#[test]
fn a_refusal_is_a_response_and_the_connection_can_be_upgraded_later() {
    let server = open();
    let mut client = server.client();
    client.send(UPGRADE);
    let decision = Decision::Refuse {
        status: 401,
        headers: headers(&[("www-authenticate", "Bearer"), ("content-length", "99")]),
        body: Bytes::from_static(b"who are you?"),
    };
    assert!(server.asked().responder.decide(decision));
    let (head, body) = client.message();
    assert_eq!(head.status(), 401);
    assert_eq!(head.get("www-authenticate"), Some("Bearer"));
    assert_eq!(body, "who are you?");

    client.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut application = server.application.accept();
    application.head();
    application.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(client.message().1, "hi");

    client.send(UPGRADE);
    let (_socket, _) = admit(server.asked());
    assert_eq!(client.head().status(), 101);
}

#[test]
fn an_improper_request_gets_the_reason() {
    let server = open();
    let cases = [
        ("Version: 13", "Version: 8", 426, "Sec-WebSocket-Version must be 13\n"),
        ("Sec-WebSocket-Version: 13\r\n", "", 426, "Sec-WebSocket-Version must be 13\n"),
        ("dGhl", "dGhldGhl", 400, "Sec-WebSocket-Key must be 16 bytes in base64\n"),
        ("Host: example.com\r\n", "", 400, "a request needs exactly one Host header\n"),
        (
            "Host: example.com",
            "Content-Length: 3\r\nHost: a",
            400,
            "a WebSocket request must not have a body\n",
        ),
    ];
    for (proper, improper, status, message) in cases {
        let mut client = server.client();
        client.send(UPGRADE.replace(proper, improper));
        let (head, body) = client.message();
        assert_eq!((head.status(), body.as_str()), (status, message), "{improper}");
        assert_eq!(head.get("content-type"), Some("text/plain; charset=utf-8"));
        if status == 426 {
            assert_eq!(head.get("sec-websocket-version"), Some("13"));
            assert_eq!(head.get("upgrade"), Some("websocket"));
            assert_eq!(head.get("connection"), Some("Upgrade"));
        }
    }
    // Without a host it is no request at all, and no upgrade.
    let refused = RefusedUpgrades { malformed: 4, ..RefusedUpgrades::default() };
    assert_eq!(server.door.refused_upgrades(), refused);
}

#[test]
fn an_upgrade_in_another_method_than_get_or_in_http_1_0_is_plain_http() {
    let server = open();
    for (proper, other, line) in [("GET", "DELETE", "DELETE /"), ("HTTP/1.1", "HTTP/1.0", "GET /")]
    {
        let mut client = server.client();
        client.send(UPGRADE.replace(proper, other));
        let mut application = server.application.accept();
        let head = application.head();
        assert!(head.line.starts_with(line), "{}", head.line);
        assert_eq!(head.get("upgrade"), None);
        application.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(client.head().status(), 404);
    }
}

#[test]
fn one_undecided_upgrade_too_many_gets_503_and_retry_after() {
    let server = open_with(|config| config.max_pending_upgrades = 1);
    let mut first = server.client();
    first.send(UPGRADE);
    let first_asked = server.asked();
    let mut second = server.client();
    second.send(UPGRADE);
    let (head, _) = second.message();
    assert_eq!(head.status(), 503);
    assert_eq!(head.get("retry-after"), Some("1"));
    let refused = RefusedUpgrades { busy: 1, ..RefusedUpgrades::default() };
    assert_eq!(server.door.refused_upgrades(), refused);

    assert!(first_asked.responder.decide(refusal(403, "no")));
    assert_eq!(first.message().1, "no");
    second.send(UPGRADE);
    admit(server.asked());
    assert_eq!(second.head().status(), 101);
}

#[test]
fn an_upgrade_counts_until_it_is_taken_even_if_its_client_has_gone() {
    let server = open_with(|config| config.max_pending_upgrades = 1);
    let mut client = server.client();
    client.send(UPGRADE);
    let taken_late = server.asked();
    drop(client);
    wait_until_given_up(&server, &taken_late);
    let mut second = server.client();
    second.send(UPGRADE);
    assert_eq!(second.message().0.status(), 503);
    drop(taken_late);
    second.send(UPGRADE);
    admit(server.asked());
}

#[test]
fn an_upgrade_without_a_decision_ends_with_503() {
    let server = open_with(|config| config.upgrade_timeout = Duration::from_millis(50));
    let mut client = server.client();
    client.send(UPGRADE);
    let request = server.asked();
    let (head, body) = client.message();
    assert_eq!((head.status(), body.as_str()), (503, "the application took too long to decide\n"));
    wait_until_given_up(&server, &request);

    client.send(UPGRADE);
    drop(server.asked());
    let (head, body) = client.message();
    assert_eq!((head.status(), body.as_str()), (503, "the application did not decide\n"));
    let refused = RefusedUpgrades { undecided: 2, ..RefusedUpgrades::default() };
    assert_eq!(server.door.refused_upgrades(), refused);
}

#[test]
fn a_client_that_goes_while_undecided_is_given_up() {
    let server = open();
    let mut client = server.client();
    client.send(UPGRADE);
    let request = server.asked();
    drop(client);
    wait_until_given_up(&server, &request);
    let (decision, outcome) = acceptance(Headers::new());
    assert!(!request.responder.decide(decision), "no client waits for the decision");
    assert!(matches!(outcome.recv_timeout(TIMEOUT), Ok(Outcome::GivenUp)));
}

#[test]
fn an_upgrade_that_was_given_up_keeps_its_place_until_it_is_taken() {
    let server = open_with(|config| config.max_pending_upgrades = 1);
    let mut first = server.client();
    first.send(UPGRADE);
    let request = server.asked();
    drop(first);
    wait_until_given_up(&server, &request);
    let mut second = server.client();
    second.send(UPGRADE);
    assert_eq!(second.message().0.status(), 503);

    drop(request);
    second.send(UPGRADE);
    admit(server.asked());
    assert_eq!(second.head().status(), 101);
}

/// More than a socket has room for.
const LONG_COOKIE: usize = 16 << 20;

fn acceptance_with_long_cookie() -> (Decision, Receiver<Outcome>) {
    let cookie = "a".repeat(LONG_COOKIE).try_into().expect("a value");
    acceptance(vec![("set-cookie".parse().expect("a name"), cookie)])
}

#[test]
fn an_answer_that_is_longer_than_its_socket_has_room_for_comes_whole() {
    let server = open();
    let mut client = server.client();
    client.send(UPGRADE);
    let (decision, outcome) = acceptance_with_long_cookie();
    assert!(server.asked().responder.decide(decision));
    assert_eq!(client.head().get("set-cookie").map(str::len), Some(LONG_COOKIE));
    assert!(matches!(outcome.recv_timeout(TIMEOUT), Ok(Outcome::Attached(..))));
}

#[test]
fn a_client_does_not_wait_for_its_answer_until_a_worker_has_caught_up() {
    let server = open();
    let mut client = server.client();
    client.send([UPGRADE, "behind"].concat());
    let (decision, outcome) = acceptance_by_one_that_is_behind();
    assert!(server.asked().responder.decide(decision));
    assert_eq!(client.head().status(), 101);
    let attached = outcome.recv_timeout(TIMEOUT);
    assert!(matches!(attached, Ok(Outcome::Attached(_, read_ahead)) if read_ahead == "behind"));
}

#[test]
fn a_client_that_does_not_take_its_answer_is_given_up() {
    let server = open_with(|config| config.write_timeout = Duration::from_millis(50));
    let mut client = server.client();
    client.send(UPGRADE);
    let (decision, outcome) = acceptance_with_long_cookie();
    assert!(server.asked().responder.decide(decision));
    assert!(matches!(outcome.recv_timeout(TIMEOUT), Ok(Outcome::GivenUp)));
}

#[test]
fn a_client_that_sends_its_upgrade_late_is_accepted_with_the_bytes_behind() {
    let server = open();
    for pause in [0, 20] {
        let mut client = server.client();
        let (first, rest) = UPGRADE.split_at(pause);
        // By the answer to another client the door has come to wait for each part.
        client.send(first);
        server.is_answering();
        client.send([rest, "behind"].concat());
        let (mut socket, read_ahead) = admit(server.asked());
        assert_eq!(client.head().status(), 101);
        client.socket().shutdown(Shutdown::Write).expect("a living socket");
        let mut behind = read_ahead.to_vec();
        socket.read_to_end(&mut behind).expect("the client ends its side");
        assert_eq!(behind, b"behind");
    }
}

#[test]
fn a_client_that_closes_its_side_while_undecided_is_given_up() {
    let server = open();
    // Bytes behind the request do not hide that on the fast path. The filter before hyper keeps
    // them, and reads no further before the decision.
    for behind in if FAST_PATH { &["", "and more"][..] } else { &[""] } {
        let mut client = server.client();
        client.send([UPGRADE, behind].concat());
        let request = server.asked();
        client.socket().shutdown(Shutdown::Write).expect("a living socket");
        wait_until_given_up(&server, &request);
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn what_follows_an_upgrade_is_read_as_http_once_it_is_refused_and_as_frames_otherwise() {
    let server = open();
    // These do not take the fast path.
    let upgrade = UPGRADE.replace("keep-alive, ", "close, ");
    let behind = "\u{1}\n\n no head at all";
    let mut client = server.client();
    client.send([&upgrade, behind].concat());
    let (_, read_ahead) = admit(server.asked());
    assert_eq!(read_ahead, behind);

    let kept_alive = UPGRADE.replace("GET /", "GET http://a/");
    let mut client = server.client();
    client.send([&*kept_alive, &kept_alive].concat());
    for _ in 0..2 {
        assert!(server.asked().responder.decide(refusal(403, "no")));
        assert_eq!(client.message().0.status(), 403);
    }
}

#[test]
fn the_host_of_the_target_wins_at_an_upgrade_too() {
    let server = open();
    let mut client = server.client();
    client.send(UPGRADE.replace("GET /", "GET http://other.test:81/"));
    let asked = server.asked();
    assert_eq!(asked.uri, "/chat?room=1");
    assert!(lines_of(&asked.headers).contains(&"host: other.test:81".to_owned()));
}

#[test]
fn a_target_is_the_same_by_both_ways() {
    let server = open();
    for target in ["/a?{\"b\":<1>}`", "/a<b`#c", "/\u{fc}"] {
        let request = UPGRADE.replace("/chat?room=1", target);
        let mut fast = server.client();
        fast.send(&request);
        let asked = server.asked().uri;
        let mut slow = server.client();
        slow.send(request.replace("keep-alive, ", "close, "));
        assert_eq!(server.asked().uri, asked);
        assert!(asked.is_ascii() && !asked.contains(['<', '#']), "{asked}");
    }
}
