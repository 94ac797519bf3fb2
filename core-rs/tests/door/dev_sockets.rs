//! Sockets of Bun's development server, which pass through the door.

use crate::test_server::{Client, SECRET, TestServer, admit};

fn upgrade(target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Shardcast-Peer: 6.6.6.6 6\r\n\r\n"
    )
}

const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

fn server() -> TestServer {
    TestServer::open_with(|config| config.has_dev_server = true)
}

#[test]
fn bun_gets_the_request_and_each_side_the_bytes_of_the_other() {
    let server = server();
    let mut client = server.client();
    client.send(upgrade("/_bun/hmr?a") + "sent early");
    let mut bun = server.application.accept();
    let head = bun.head();
    assert_eq!(head.line, "GET /_bun/hmr?a HTTP/1.1");
    let address = client.socket().local_addr().expect("a living socket");
    let peer = format!("{SECRET} {} {}", address.ip(), address.port());
    let expected = [
        "connection: Upgrade",
        "host: example.com",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version: 13",
        "upgrade: websocket",
        &format!("x-shardcast-peer: {peer}"),
    ];
    assert_eq!(head.lines_without(&[]), expected);
    bun.send(ACCEPTED.to_owned() + "welcome");
    let head = client.head();
    assert_eq!(head.status(), 101);
    assert_eq!(head.get("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(client.text(7), "welcome");
    assert_eq!(bun.text(10), "sent early");
    client.send("more");
    assert_eq!(bun.text(4), "more");
    drop(bun);
    assert_eq!(client.rest(), "");
}

#[test]
fn the_socket_to_bun_ends_when_the_client_leaves() {
    let server = server();
    let mut client = server.client();
    client.send(upgrade("/_bun/hmr"));
    let mut bun = server.application.accept();
    bun.head();
    bun.send(ACCEPTED);
    assert_eq!(client.head().status(), 101);
    drop(client);
    assert_eq!(bun.rest(), "");
}

#[test]
fn a_refusal_of_bun_is_the_answer_and_the_connection_goes_on() {
    let server = server();
    let mut client = server.client();
    client.send(upgrade("/_bun/hmr"));
    let mut bun = server.application.accept();
    bun.head();
    bun.send("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    let (head, body) = client.message();
    assert_eq!((head.status(), body.as_str()), (404, "no"));
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut application = server.application.accept();
    application.head();
    application.send("HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(client.head().status(), 204);
}

#[test]
fn any_other_upgrade_is_put_to_the_application() {
    let server = server();
    for target in ["/_bun/hmr/", "/_bun/hm", "/a/_bun/hmr", "/?/_bun/hmr"] {
        let mut client = server.client();
        client.send(upgrade(target));
        admit(server.asked());
    }
    assert!(!server.application.has_connection());
}

#[test]
fn without_a_development_server_so_is_its_own() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(upgrade("/_bun/hmr"));
    assert_eq!(server.asked().uri, "/_bun/hmr");
}

#[test]
fn one_more_than_there_may_be_is_refused() {
    let server = server();
    let open = || {
        let mut client = server.client();
        client.send(upgrade("/_bun/hmr"));
        client
    };
    let accepted = |mut client: Client| {
        let mut bun = server.application.accept();
        bun.head();
        bun.send(ACCEPTED);
        assert_eq!(client.head().status(), 101);
        (client, bun)
    };
    let mut all: Vec<_> = (0..64).map(|_| accepted(open())).collect();
    assert_eq!(open().head().status(), 503);
    let (client, mut bun) = all.pop().expect("there are 64");
    drop(client);
    assert_eq!(bun.rest(), "");
    drop(bun);
    server.is_answering();
    accepted(open());
}

#[test]
fn an_upgrade_with_a_body_is_not_put_to_bun() {
    let server = server();
    for framing in ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
    {
        let mut client = server.client();
        let head = upgrade("/_bun/hmr");
        client.send(head.trim_end().to_owned() + "\r\n" + framing);
        assert_eq!(client.message().1, "a WebSocket request must not have a body\n");
        assert_eq!(client.rest(), "");
    }
    assert!(!server.application.has_connection());
}
