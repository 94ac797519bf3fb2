//! Plain requests and their responses: what passes, what is the door's own, and what goes wrong.

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixListener;

use shardcast_core::door::{Door, RequestFailure};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::application::{Application, SocketPath};
use crate::test_server::{SECRET, TestServer, config, connect};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_request_passes_without_what_was_meant_for_the_door() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(
        "GET /a?b=c HTTP/1.1\r\nHost: example.com:8080\r\nAccept: */*\r\n\
         X-Shardcast-Peer: forged\r\nConnection: keep-alive, Cookie\r\n\
         Keep-Alive: timeout=5\r\n\
         Proxy-Connection: close\r\nTE: gzip\r\nUpgrade: h2c\r\nCookie: a\r\nCookie: b\r\n\r\n",
    );
    let request = server.application.accept().head();
    let peer = client.socket().local_addr().expect("a living socket");
    assert_eq!(request.line, "GET /a?b=c HTTP/1.1");
    assert_eq!(
        request.lines_without(&[]),
        [
            "accept: */*".to_owned(),
            "cookie: a".to_owned(),
            "cookie: b".to_owned(),
            "host: example.com:8080".to_owned(),
            format!("x-shardcast-peer: {SECRET} {} {}", peer.ip(), peer.port()),
        ]
    );
}

#[test]
fn a_response_passes_without_what_was_meant_for_the_door() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(GET);
    let mut application = server.application.accept();
    application.head();
    application.send(
        "HTTP/1.1 404 Not Found\r\nDate: today\r\nConnection: close, Set-Cookie\r\n\
         Keep-Alive: timeout=5\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 4\r\n\r\ngone",
    );
    let (head, body) = client.message();
    assert_eq!(head.line, "HTTP/1.1 404 Not Found");
    assert_eq!(body, "gone");
    assert_eq!(
        head.lines_without(&[]),
        ["content-length: 4", "date: today", "set-cookie: a", "set-cookie: b"]
    );
    // The application closed its connection; the client keeps its own.
    client.send(GET);
    server.application.accept().head();
}

#[test]
fn every_form_of_target_arrives_as_path_or_star() {
    let server = TestServer::open();
    let mut client = server.client();
    let cases = [
        ("GET http://b:81/x?y HTTP/1.1", "GET /x?y HTTP/1.1", "b:81"),
        ("GET http://me:secret@b HTTP/1.1", "GET / HTTP/1.1", "b"),
        ("OPTIONS * HTTP/1.1", "OPTIONS * HTTP/1.1", "a"),
        ("DELETE //x HTTP/1.1", "DELETE //x HTTP/1.1", "a"),
    ];
    let mut application = None;
    for (sent, received, host) in cases {
        client.send(format!("{sent}\r\nHost: a\r\n\r\n"));
        let application = application.get_or_insert_with(|| server.application.accept());
        let request = application.head();
        assert_eq!((request.line.as_str(), request.get("host")), (received, Some(host)));
        application.send("HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(client.message().0.status(), 204);
    }
}

#[test]
fn http_1_0_is_spoken_with_a_client_that_speaks_it() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let mut application = server.application.accept();
    let request = application.head();
    assert_eq!(request.line, "GET / HTTP/1.1");
    assert_eq!(request.get("host"), Some("localhost"));
    application.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    application.send_chunk("a body");
    application.send("0\r\n\r\n");
    let head = client.head();
    assert_eq!(head.line, "HTTP/1.0 200 OK");
    assert_eq!(head.get("transfer-encoding"), None);
    assert_eq!(client.rest(), "a body");
}

#[test]
fn a_response_to_head_has_the_length_of_its_body() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut application = server.application.accept();
    assert_eq!(application.head().line, "HEAD / HTTP/1.1");
    application.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
    assert_eq!(client.head().get("content-length"), Some("1234"));
    client.send(GET);
    application.head();
    application.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(client.message().1, "hi");
}

#[test]
fn an_answer_with_a_thousand_fields_passes() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(GET);
    let mut application = server.application.accept();
    application.head();
    let fields: String = (1..1000).map(|n| format!("X-Field-{n}: v\r\n")).collect();
    application.send(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 2\r\n\r\nhi"));
    let (head, body) = client.message();
    assert_eq!((head.get("x-field-999"), body.as_str()), (Some("v"), "hi"));
}

#[test]
fn an_answer_with_a_long_head_passes() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(GET);
    let mut application = server.application.accept();
    application.head();
    let long = "v".repeat(250_000);
    application.send(format!("HTTP/1.1 200 OK\r\nX-Long: {long}\r\nContent-Length: 2\r\n\r\nhi"));
    let (head, body) = client.message();
    assert_eq!((head.get("x-long"), body.as_str()), (Some(long.as_str()), "hi"));
}

#[test]
fn an_answer_that_cannot_be_passed_on_is_a_bad_gateway_and_reported() {
    let fields: String = (0..2000).map(|n| format!("X-Field-{n}: v\r\n")).collect();
    let answers = [
        format!("HTTP/1.1 200 OK\r\n{fields}\r\n"),
        format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n", "v".repeat(300_000)),
        "HTTP/1.1 200 OK\r\nno field\r\n\r\n".to_owned(),
        "no HTTP at all\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n".to_owned(),
        "HTTP/1.1 101 Switching Protocols\r\n\r\n".to_owned(),
    ];
    for answer in answers {
        let server = TestServer::open();
        let mut client = server.client();
        client.send(GET);
        let mut application = server.application.accept();
        application.head();
        // The door may leave before it has read all.
        let _ = application.socket().write_all(answer.as_bytes());
        let start = &answer[..answer.len().min(40)];
        let head = client.head();
        assert_eq!(head.status(), 502, "{start}");
        client.text(head.get("content-length").and_then(|it| it.parse().ok()).expect("a length"));
        let (kind, failures, reason) = server.failures();
        assert_eq!((kind, failures), (RequestFailure::Unusable, 1), "{start}");
        assert!(!reason.is_empty());
        client.send(GET);
        server.application.accept().head();
    }
}

#[test]
fn an_answer_that_breaks_off_is_reported() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal"] {
        let server = TestServer::open();
        let mut client = server.client();
        client.send(GET);
        let mut application = server.application.accept();
        application.head();
        application.send(answer);
        drop(application);
        client.rest();
        let (kind, failures, _) = server.failures();
        assert_eq!((kind, failures), (RequestFailure::BrokenOff, 1), "{answer}");
    }
}

#[test]
fn many_failures_are_reported_at_once_and_then_in_one_event() {
    const FAILURES: u32 = 50;
    let server = TestServer::open();
    for _ in 0..FAILURES {
        let mut client = server.client();
        client.send(GET);
        let mut application = server.application.accept();
        application.head();
        drop(application);
        client.rest();
    }
    assert_eq!(server.failures().1, 1);
    assert_eq!(server.failures().1, FAILURES - 1);
}

#[test]
fn no_more_requests_than_the_limit_go_to_the_application_at_once() {
    let server = TestServer::open_with(|config| config.max_requests = 2);
    let mut served: Vec<_> = (0..2).map(|_| server.client()).collect();
    served.iter_mut().for_each(|client| client.send(GET));
    let mut connections: Vec<_> = (0..2).map(|_| server.application.accept()).collect();
    connections.iter_mut().for_each(|connection| drop(connection.head()));

    let mut refused = server.client();
    refused.send(GET);
    let (head, _) = refused.message();
    assert_eq!((head.status(), head.get("retry-after")), (503, Some("1")));
    assert_eq!(server.failures().0, RequestFailure::Busy);

    connections[0].send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    connections[1].send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    served.iter_mut().for_each(|client| assert_eq!(client.message().1, "hi"));
    refused.send(GET);
    connections[1].head();
    connections[1].send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nho");
    assert_eq!(refused.message().1, "ho");
}

#[test]
fn an_application_that_does_not_listen_is_a_bad_gateway() {
    let nowhere = SocketPath::new();
    let door = Door::open(config(&nowhere), |_| {}).expect("a free port");
    let mut client = connect(&door);
    client.send(GET);
    let (head, body) = client.message();
    assert_eq!((head.status(), body.as_str()), (502, "the application cannot be reached\n"));
    client.send(GET);
    assert_eq!(client.message().0.status(), 502);
}

#[test]
fn a_request_that_the_application_did_not_read_is_sent_again_on_another_connection() {
    for request in [GET, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"] {
        let server = TestServer::open();
        let mut client = server.client();
        client.send(GET);
        let mut application = server.application.accept();
        application.head();
        application.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        client.message();

        application.socket().shutdown(Shutdown::Read).expect("a living socket");
        client.send(request);
        let line = server.application.accept().head().line;
        assert!(request.starts_with(&line), "{line}");
    }
}

#[test]
fn a_request_that_the_application_has_read_is_not_sent_again() {
    for request in [GET, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"] {
        let server = TestServer::open();
        let mut client = server.client();
        client.send(request);
        let mut application = server.application.accept();
        application.message();
        drop(application);
        assert_eq!(client.rest(), "", "the client's connection ends as the application's");
        assert!(!server.application.has_connection());
    }
}

#[test]
fn an_application_with_a_full_backlog_is_waited_for() {
    let path = SocketPath::new();
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    socket.bind(&SockAddr::unix(path.as_path()).expect("a path")).expect("a free path");
    socket.listen(0).expect("a backlog of one");
    let door = Door::open(config(&path), |_| {}).expect("a free port");
    let mut clients: Vec<_> = (0..8).map(|_| connect(&door)).collect();
    clients.iter_mut().for_each(|client| client.send(GET));
    // The door refuses this by itself, and has by then tried to pass on what came before.
    let mut last = connect(&door);
    last.send("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(last.message().0.status(), 400);
    let application = Application::accepting(UnixListener::from(socket), path);
    for _ in &clients {
        let mut connection = application.accept();
        connection.head();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
    }
    for client in &mut clients {
        assert_eq!(client.message().1, "hi");
    }
}
