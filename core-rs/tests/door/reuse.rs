//! Which connection to the application is used again: one client's answer is never another's.

use crate::test_server::{Client, TestServer};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
const OWN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown";
const FOREIGN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nforeign";

/// Another client's request goes over a connection of its own, and its answer is its own.
fn is_not_used_again(server: &TestServer) {
    let mut other = server.client();
    other.send(GET);
    let mut connection = server.application.accept();
    connection.head();
    connection.send(OWN);
    assert_eq!(other.message().1, "own");
}

fn asking(server: &TestServer, request: &str) -> Client {
    let mut client = server.client();
    client.send(request);
    client
}

#[test]
fn a_connection_whose_exchange_has_ended_is_used_again() {
    let answers = [
        OWN,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nown\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown",
    ];
    let requests = [
        GET,
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    ];
    let server = TestServer::open();
    let mut first = asking(&server, GET);
    let mut connection = server.application.accept();
    connection.head();
    connection.send(OWN);
    first.message();
    for answer in answers {
        for request in requests {
            let mut client = asking(&server, request);
            let (head, _) = connection.message();
            if head.get("transfer-encoding").is_some() {
                assert_eq!(connection.line(), "", "no trailers");
            }
            connection.send(answer);
            client.message();
        }
    }
    assert!(!server.application.has_connection());
}

#[test]
fn bytes_behind_an_answer_go_to_no_client() {
    let bodies_where_none_may_be = [
        (GET, format!("{OWN}{FOREIGN}")),
        (GET, format!("HTTP/1.1 204 No Content\r\n\r\n{FOREIGN}")),
        (GET, format!("HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nown{FOREIGN}")),
        (GET, "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into()),
        (HEAD, format!("{OWN}{FOREIGN}")),
        (HEAD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into()),
        (
            GET,
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n".into(),
        ),
    ];
    for (request, answer) in bodies_where_none_may_be {
        let server = TestServer::open();
        let mut client = asking(&server, request);
        let mut connection = server.application.accept();
        connection.head();
        connection.send(answer);
        client.head();
        is_not_used_again(&server);
    }
}

#[test]
fn an_answer_that_no_request_waits_for_goes_to_no_client() {
    let server = TestServer::open();
    let mut client = asking(&server, GET);
    let mut connection = server.application.accept();
    connection.head();
    connection.send(OWN);
    client.message();
    connection.send(FOREIGN);
    is_not_used_again(&server);
}

#[test]
fn an_answer_before_the_end_of_the_request_ends_the_connection() {
    let uploads = [
        ("Content-Length: 10", "12345", "67890"),
        ("Transfer-Encoding: chunked", "5\r\n12345\r\n", "5\r\n67890\r\n0\r\n\r\n"),
    ];
    for (length, first, second) in uploads {
        let server = TestServer::open();
        let mut client =
            asking(&server, &format!("POST / HTTP/1.1\r\nHost: a\r\n{length}\r\n\r\n{first}"));
        let mut connection = server.application.accept();
        connection.head();
        assert_eq!(connection.text(first.len()), first);
        connection.send(OWN);
        assert_eq!(client.message().1, "own");
        client.send(second);
        assert_eq!(connection.text(second.len()), second);
        is_not_used_again(&server);
        assert_eq!(connection.rest(), "", "{length}");
    }
}

#[test]
fn an_answer_to_an_upload_that_lies_unread_ends_the_connection() {
    // The system holds a part of it; of the shorter one the door holds all the rest.
    for length in [1 << 20, 400_000] {
        let server = TestServer::open();
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        let mut client = asking(&server, &(head + &"x".repeat(length)));
        let mut connection = server.application.accept();
        connection.head();
        server.is_answering();
        connection.send(OWN);
        assert_eq!(client.message().1, "own");
        is_not_used_again(&server);
        assert_eq!(connection.rest().len(), length);
    }
}

#[test]
fn a_client_that_leaves_takes_its_answer_with_it() {
    let starts = ["", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\no"];
    for start in starts {
        let server = TestServer::open();
        let mut client = asking(&server, GET);
        let mut connection = server.application.accept();
        connection.head();
        connection.send(start);
        if !start.is_empty() {
            client.head();
        }
        drop(client);
        is_not_used_again(&server);
        assert_eq!(connection.rest(), "");
    }
}

#[test]
fn a_request_has_the_length_of_its_body_once() {
    let lengths = [
        ("Content-Length: 2\r\nContent-Length: 2", "hi", Some("2")),
        ("Transfer-Encoding: chunked", "2\r\nhi\r\n0\r\n\r\n", None),
    ];
    for (fields, body, length) in lengths {
        let server = TestServer::open();
        let mut client =
            asking(&server, &format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}"));
        let mut connection = server.application.accept();
        let (head, body) = connection.message();
        assert_eq!((head.get("content-length"), body.as_str()), (length, "hi"), "{fields}");
        let named = |name| head.headers.iter().filter(|(field, _)| field == name).count();
        assert_eq!(named("content-length") + named("transfer-encoding"), 1, "{fields}");
        connection.send(OWN);
        client.message();
    }
}
