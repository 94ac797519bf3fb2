//! Bodies: they stream, both ways, and end when a side breaks them off.

use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::time::Duration;
use std::{fs, thread};

use crate::alone::alone;
use crate::test_server::{TIMEOUT, TestServer};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const CHUNKED_POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNKED_RESPONSE: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const EMPTY_RESPONSE: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// The head of an upload.
fn put(length: usize) -> String {
    format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

#[test]
fn an_event_arrives_before_the_next_is_sent() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(GET);
    let mut application = server.application.accept();
    application.head();
    application.send(CHUNKED_RESPONSE);
    assert_eq!(client.head().get("transfer-encoding"), Some("chunked"));
    for event in ["data: 1\n\n", "data: 2\n\n"] {
        application.send_chunk(event);
        assert_eq!(client.chunk().as_deref(), Some(event));
    }
    application.send("0\r\n\r\n");
    assert_eq!(client.chunk(), None);
}

#[test]
fn a_part_of_an_upload_arrives_before_the_next_is_sent() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(CHUNKED_POST);
    let mut application = server.application.accept();
    assert_eq!(application.head().get("transfer-encoding"), Some("chunked"));
    for part in ["one", "two"] {
        client.send_chunk(part);
        assert_eq!(application.chunk().as_deref(), Some(part));
    }
    client.send("0\r\n\r\n");
    assert_eq!(application.chunk(), None);
}

#[test]
fn a_body_of_known_length_keeps_its_length() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nwhole");
    let mut application = server.application.accept();
    let (head, body) = application.message();
    assert_eq!((head.get("content-length"), head.get("transfer-encoding")), (Some("5"), None));
    assert_eq!(body, "whole");
    application.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nback");
    let (head, body) = client.message();
    assert_eq!((head.get("content-length"), head.get("transfer-encoding")), (Some("4"), None));
    assert_eq!(body, "back");
}

#[test]
fn a_get_may_have_a_body() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(CHUNKED_POST.replace("POST", "GET"));
    client.send_chunk("query");
    client.send("0\r\n\r\n");
    assert_eq!(server.application.accept().message().1, "query");
}

#[test]
fn a_client_that_expects_100_continue_gets_it() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.head().status(), 100);
    client.send("body");
    let mut application = server.application.accept();
    let (head, body) = application.message();
    assert_eq!(head.get("expect"), None);
    assert_eq!(body, "body");
    application.send(EMPTY_RESPONSE);
    assert_eq!(client.head().status(), 204);
}

#[test]
fn trailers_end_at_the_door() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(CHUNKED_POST.replace("\r\n\r\n", "\r\nTE: trailers\r\nTrailer: X-Sum\r\n\r\n"));
    client.send_chunk("up");
    client.send("0\r\nX-Sum: 1\r\n\r\n");
    let mut application = server.application.accept();
    let head = application.head();
    assert_eq!((head.get("te"), head.get("trailer")), (None, None));
    assert_eq!(application.chunk().as_deref(), Some("up"));
    assert_eq!(application.chunk(), None);
    assert_eq!(application.line(), "");

    application.send(CHUNKED_RESPONSE.replace("\r\n\r\n", "\r\nTrailer: X-Sum\r\n\r\n"));
    application.send_chunk("down");
    application.send("0\r\nX-Sum: 2\r\n\r\n");
    assert_eq!(client.head().get("trailer"), None);
    assert_eq!(client.chunk().as_deref(), Some("down"));
    assert_eq!(client.chunk(), None);
    assert_eq!(client.line(), "");
}

/// The highest resident memory of this process so far, in bytes.
fn peak_memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    let kilobytes = line.split_whitespace().nth(1).expect("a number");
    kilobytes.parse::<usize>().expect("a number") * 1024
}

#[test]
fn a_large_upload_takes_little_memory() {
    const PART: usize = 1 << 20;
    const PARTS: usize = 200;
    alone("bodies::a_large_upload_takes_little_memory", || {
        let server = TestServer::open();
        let mut client = server.client();
        let before = peak_memory();
        let upload = thread::spawn(move || {
            client.send(put(PART * PARTS));
            let part = vec![b'x'; PART];
            (0..PARTS).for_each(|_| client.send(&part));
            client.head().status()
        });
        let mut application = server.application.accept();
        application.head();
        (0..PARTS).for_each(|_| drop(application.text(PART)));
        application.send(EMPTY_RESPONSE);
        assert_eq!(upload.join().expect("the upload ends"), 204);
        let grown = peak_memory() - before;
        assert!(grown < 16 * PART, "{grown} bytes for an upload of {PARTS} MiB");
    });
}

#[test]
fn a_client_that_ends_its_side_gets_an_answer_that_is_at_hand() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    client.socket().shutdown(Shutdown::Write).expect("a living socket");
    let mut application = server.application.accept();
    assert_eq!(application.message().1, "hi");
    application.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nho");
    assert_eq!(client.message().1, "ho");
    assert_eq!(client.rest(), "", "it is not waited for after that");
}

#[test]
fn a_client_that_ends_its_side_is_not_waited_for_long() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.socket().shutdown(Shutdown::Write).expect("a living socket");
    let mut application = server.application.accept();
    application.head();
    assert_eq!(application.rest(), "", "the request is cancelled");
}

#[test]
fn a_client_that_ends_its_side_within_its_upload_is_answered() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhi");
    client.socket().shutdown(Shutdown::Write).expect("a living socket");
    let (head, body) = client.message();
    assert_eq!(
        (head.status(), body.as_str()),
        (400, "the body of the request is malformed or incomplete\n")
    );
    assert_eq!(client.rest(), "");
}

#[test]
fn an_application_that_reads_nothing_halts_the_upload() {
    const LENGTH: usize = 200 << 20;
    let server = TestServer::open();
    let mut client = server.client();
    client.send(put(LENGTH));
    let mut application = server.application.accept();
    application.head();
    let mut socket = client.socket();
    socket.set_write_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    let part = vec![b'x'; 1 << 20];
    let mut written = 0;
    while let Ok(bytes) = socket.write(&part) {
        written += bytes;
        // The system's own buffers take some 10 MiB.
        assert!(written < LENGTH / 2, "the door takes what the application does not read");
    }
}

#[test]
fn a_client_that_takes_nothing_of_its_response_is_given_up() {
    let server = TestServer::open_with(|config| config.write_timeout = Duration::from_millis(50));
    let mut client = server.client();
    client.send(GET);
    let mut application = server.application.accept();
    application.head();
    application.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    let mut socket = application.socket();
    socket.set_write_timeout(Some(TIMEOUT)).expect("a timeout");
    let part = vec![b'x'; 1 << 20];
    let error = loop {
        if let Err(error) = socket.write(&part) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[test]
fn a_response_that_breaks_off_does_not_look_complete() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(GET);
    let mut application = server.application.accept();
    application.head();
    application.send(CHUNKED_RESPONSE);
    application.send_chunk("half");
    client.head();
    assert_eq!(client.chunk().as_deref(), Some("half"));
    drop(application);
    assert_eq!(client.rest(), "");
}

#[test]
fn a_client_that_leaves_ends_its_request_to_the_application() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(GET);
    let mut application = server.application.accept();
    application.head();
    drop(client);
    assert_eq!(application.rest(), "");
}

#[test]
fn a_client_that_leaves_ends_its_stream_of_events() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(GET);
    let mut application = server.application.accept();
    application.head();
    application.send(CHUNKED_RESPONSE);
    application.send_chunk("data: 1\n\n");
    client.head();
    client.chunk();
    drop(client);
    assert_eq!(application.rest(), "");
}

#[test]
fn a_client_that_breaks_off_its_upload_breaks_it_off_for_the_application() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send(CHUNKED_POST);
    client.send_chunk("half");
    let mut application = server.application.accept();
    application.head();
    assert_eq!(application.chunk().as_deref(), Some("half"));
    drop(client);
    assert_eq!(application.rest(), "");
}

#[test]
fn a_malformed_chunk_is_the_clients_mistake() {
    let server = TestServer::open();
    for chunk in ["no size\r\n", "2 \r\nhi\r\n", "FFFFFFFFFFFFFFFF\r\n", "2;a\nhi\r\n"] {
        let mut client = server.client();
        client.send(CHUNKED_POST);
        client.send(chunk);
        let (head, body) = client.message();
        assert_eq!(
            (head.status(), body.as_str()),
            (400, "the body of the request is malformed or incomplete\n"),
            "{chunk:?}"
        );
    }
}

#[test]
fn an_upload_that_is_refused_early_hears_of_it() {
    const LENGTH: usize = 10 << 20;
    let server = TestServer::open();
    let mut client = server.client();
    client.send(put(LENGTH));
    let mut application = server.application.accept();
    application.head();
    application.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo much");
    drop(application);
    client.send(vec![b'x'; LENGTH]);
    let (head, body) = client.message();
    assert_eq!((head.status(), body.as_str()), (413, "too much"));
}

#[test]
fn a_body_that_is_announced_too_long_is_refused_at_once() {
    let server = TestServer::open_with(|config| config.max_body_bytes = 4);
    let mut client = server.client();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    let (head, body) = client.message();
    assert_eq!((head.status(), body.as_str()), (413, "the body of the request is too long\n"));
    assert_eq!(head.get("connection"), Some("close"));
    assert_eq!(client.rest(), "");
    assert!(!server.application.has_connection());
}

#[test]
fn a_body_that_turns_out_too_long_is_refused() {
    let server = TestServer::open_with(|config| config.max_body_bytes = 4);
    let mut client = server.client();
    client.send(CHUNKED_POST);
    client.send_chunk("1234");
    let mut application = server.application.accept();
    application.head();
    assert_eq!(application.chunk().as_deref(), Some("1234"));
    client.send_chunk("5");
    let (head, body) = client.message();
    assert_eq!((head.status(), body.as_str()), (413, "the body of the request is too long\n"));
    assert_eq!(head.get("connection"), Some("close"));
    assert_eq!(application.rest(), "");
    assert_eq!(client.rest(), "");
}

#[test]
fn a_body_of_the_greatest_length_passes() {
    let server = TestServer::open_with(|config| config.max_body_bytes = 4);
    let mut client = server.client();
    client.send(put(4) + "1234");
    assert_eq!(server.application.accept().message().1, "1234");
    let mut client = server.client();
    client.send(CHUNKED_POST);
    client.send_chunk("12");
    client.send_chunk("34");
    client.send("0\r\n\r\n");
    assert_eq!(server.application.accept().message().1, "1234");
}

#[test]
fn an_answer_in_the_midst_of_the_upload_is_passed_on() {
    const LENGTH: usize = 4 << 20;
    let server = TestServer::open();
    for _ in 0..100 {
        let mut client = server.client();
        client.send(put(LENGTH));
        let mut application = server.application.accept();
        application.head();
        let refusal = thread::spawn(move || {
            application.text(LENGTH / 2);
            application.send("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
        });
        client.send(vec![b'x'; LENGTH]);
        assert_eq!(client.message().0.status(), 403);
        refusal.join().expect("the refusal");
    }
}

#[test]
fn a_client_that_does_not_stop_sending_is_cut_off() {
    let server = TestServer::open_with(|config| config.max_body_bytes = 0);
    let mut client = server.client();
    client.send(put(usize::MAX >> 1));
    assert_eq!(client.message().0.status(), 413);
    let part = vec![b'x'; 1 << 20];
    let sent = (0..1024).take_while(|_| client.socket().write_all(&part).is_ok()).count();
    assert!(sent < 1024, "the door reads {sent} MiB that the application does not want");
}
