//! Plain requests and their responses: what passes, what is the door's own, and what goes wrong.

use std::net::Shutdown;
use std::os::unix::net::UnixListener;

use shardcast_core::door::Door;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::application::{Application, SocketPath};
use crate::house::{House, SECRET, config, connect};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_request_passes_without_what_was_meant_for_the_door() {
    let house = House::open();
    let mut client = house.client();
    client.send(
        "GET /a?b=c HTTP/1.1\r\nHost: example.com:8080\r\nAccept: */*\r\n\
         X-Shardcast-Peer: forged\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\n\
         Keep-Alive: timeout=5\r\n\
         Proxy-Connection: close\r\nTE: gzip\r\nUpgrade: h2c\r\nCookie: a\r\nCookie: b\r\n\r\n",
    );
    let request = house.application.accept().head();
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
    let house = House::open();
    let mut client = house.client();
    client.send(GET);
    let mut application = house.application.accept();
    application.head();
    application.send(
        "HTTP/1.1 404 Not Found\r\nDate: today\r\nConnection: close, X-Private\r\nX-Private: 1\r\n\
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
    house.application.accept().head();
}

#[test]
fn every_form_of_target_arrives_as_path_or_star() {
    let house = House::open();
    let mut client = house.client();
    let cases = [
        ("GET http://b:81/x?y HTTP/1.1", "GET /x?y HTTP/1.1", "b:81"),
        ("GET http://me:secret@b HTTP/1.1", "GET / HTTP/1.1", "b"),
        ("OPTIONS * HTTP/1.1", "OPTIONS * HTTP/1.1", "a"),
        ("DELETE //x HTTP/1.1", "DELETE //x HTTP/1.1", "a"),
    ];
    let mut application = None;
    for (sent, received, host) in cases {
        client.send(format!("{sent}\r\nHost: a\r\n\r\n"));
        let application = application.get_or_insert_with(|| house.application.accept());
        let request = application.head();
        assert_eq!((request.line.as_str(), request.get("host")), (received, Some(host)));
        application.send("HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(client.message().0.status(), 204);
    }
}

#[test]
fn http_1_0_is_spoken_with_a_client_that_speaks_it() {
    let house = House::open();
    let mut client = house.client();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let mut application = house.application.accept();
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
fn a_response_to_head_says_how_long_it_would_be() {
    let house = House::open();
    let mut client = house.client();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut application = house.application.accept();
    assert_eq!(application.head().line, "HEAD / HTTP/1.1");
    application.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
    assert_eq!(client.head().get("content-length"), Some("1234"));
    client.send(GET);
    application.head();
    application.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(client.message().1, "hi");
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
        let house = House::open();
        let mut client = house.client();
        client.send(GET);
        let mut application = house.application.accept();
        application.head();
        application.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        client.message();

        application.socket().shutdown(Shutdown::Read).expect("a living socket");
        client.send(request);
        let line = house.application.accept().head().line;
        assert!(request.starts_with(&line), "{line}");
    }
}

#[test]
fn a_request_that_the_application_has_read_is_not_sent_again() {
    for request in [GET, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"] {
        let house = House::open();
        let mut client = house.client();
        client.send(request);
        let mut application = house.application.accept();
        application.message();
        drop(application);
        assert_eq!(client.rest(), "", "the client's connection ends as the application's");
        assert!(!house.application.has_connection());
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
