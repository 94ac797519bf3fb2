use super::*;

const LIMITS: Limits = Limits { max_head_bytes: 1000, min_authority_bytes: 4 };

/// What a head is passed on as, if it is whole.
fn passed(head: &[u8]) -> Result<Option<Vec<u8>>, HttpError> {
    let see = |parsed: ParsedHead<'_>| match parsed.is_verbatim() {
        true => head[..parsed.end].to_vec(),
        false => parsed.rewritten(),
    };
    parse::<8, _>(&mut LineScanner::default(), head, LIMITS, see)
}

/// A head with this request line and these lines behind it.
fn head(line: &str, fields: &str) -> Vec<u8> {
    format!("{line}\r\n{fields}\r\n").into_bytes()
}

/// The request line that a target is passed on with.
fn target(target: &[u8]) -> Result<String, HttpError> {
    let head = [b"GET ", target, b" HTTP/1.1\r\nHost: example.test\r\n\r\n"].concat();
    let passed = passed(&head)?.expect("it is whole");
    let line = passed.split(|&byte| byte == b'\r').next().expect("a line");
    let line = String::from_utf8(line.to_vec()).expect("a URI of ASCII");
    Ok(line.split(' ').nth(1).expect("a target").to_owned())
}

fn refuses(head: &[u8], why: &str) {
    let http_error = passed(head).expect_err("it is refused");
    let words = format!("{http_error:?}");
    assert!(words.contains(why), "{words}: {}", head.escape_ascii());
}

#[test]
fn a_target_has_the_bytes_encoded_that_bun_has_encoded_in_its_url() {
    let cases: [(&[u8], &str); 9] = [
        (b"/a?filter={\"a\":1}", "/a?filter={%22a%22:1}"),
        (b"/a<b>`", "/a%3Cb%3E%60"),
        (b"/a?<b>`", "/a?%3Cb%3E`"),
        (b"/{\"a\"}|^\\[]'", "/{\"a\"}|^\\[]'"),
        (b"/\xc3\xbc?\xc3\xbc", "/%C3%BC?%C3%BC"),
        (b"/\xfc?\xfc", "/%EF%BF%BD?%EF%BF%BD"),
        (b"/\x7f", "/%7F"),
        (b"/a%2?#b<", "/a%2?"),
        (b"//x", "//x"),
    ];
    for (sent, passed) in cases {
        assert_eq!(target(sent).as_deref(), Ok(passed), "{}", sent.escape_ascii());
    }
}

#[test]
fn every_target_that_passes_is_a_uri_and_no_control_character_does() {
    for byte in 0..=u8::MAX {
        for before in [&b"/a"[..], b"/a?b"] {
            let passed = target(&[before, &[byte], b"c"].concat());
            let is_control = byte <= b' ';
            assert_eq!(passed.is_err(), is_control, "{byte}");
            assert!(passed.is_err() || passed.expect("it passes").parse::<hyper::Uri>().is_ok());
        }
    }
}

#[test]
fn the_host_of_a_target_replaces_the_field() {
    for (sent, line) in [
        ("http://me:secret@other.test:81/x?y", "/x?y"),
        ("HTTP://other.test:81", "/"),
        ("https://other.test:81?q", "/?q"),
    ] {
        let line = format!("GET {line} HTTP/1.1");
        let whole = head(&format!("GET {sent} HTTP/1.1"), "X: 1\r\nHost: example.test\r\nY: 2\r\n");
        let expected = head(&line, "host: other.test:81\r\nX: 1\r\nY: 2\r\n");
        assert_eq!(passed(&whole), Ok(Some(expected)), "{sent}");
    }
}

#[test]
fn a_target_that_is_neither_a_path_nor_a_url_is_refused() {
    for sent in
        ["evil.example", "evil.example:80", "ftp://evil.example/", "?x", "a", "ws://a.test/"]
    {
        let line = format!("GET {sent} HTTP/1.1");
        refuses(&head(&line, "Host: example.test\r\n"), "the target of the request must be");
    }
    refuses(&head("GET * HTTP/1.1", "Host: example.test\r\n"), "Target");
    refuses(&head("CONNECT a.test:80 HTTP/1.1", "Host: example.test\r\n"), "Connect");
    refuses(&head("GET http:///x HTTP/1.1", "Host: example.test\r\n"), "the host of the request");
    assert!(passed(&head("OPTIONS * HTTP/1.1", "Host: example.test\r\n")).is_ok());
}

#[test]
fn what_is_left_out_of_a_target_is_checked_as_well() {
    for (sent, why) in [
        ("/a#b HTTP/1.1", "the target of the request has a blank"),
        ("/a#\x01", "the target of the request has a blank"),
        ("/a?b#\r", "the target of the request has a blank"),
        ("http://a b@abcd/", "the target of the request must be"),
        ("http://a\tb@abcd/", "the target of the request must be"),
        ("http://good.test\\@abcd/", "the target of the request must be"),
        ("http://me@good.test@abcd/", "the host of the request"),
    ] {
        refuses(&head(&format!("GET {sent} HTTP/1.1"), "Host: abcd\r\n"), why);
    }
}

#[test]
fn a_host_is_a_name_or_an_address_with_a_port_or_none() {
    for host in [
        "abcd",
        "a_b-c.d",
        "127.0.0.1",
        "127.0.0.1.",
        "4.ab",
        "1a.2b",
        "[::ffff:1.2.3.4]",
        "[::1]",
        "[::1]:80",
        "a:10",
        "ab:1",
        "abcd:",
        "A!$&'()*+,;=~",
    ] {
        let head = head("GET / HTTP/1.1", &format!("Host: {host}\r\n"));
        assert_eq!(passed(&head), Ok(Some(head.clone())), "{host}");
    }
    for host in [
        "",
        "a b.c",
        "a/b.c",
        "me@abcd",
        "[::1",
        "::1]",
        "[abcx]",
        "[:::]",
        "[::1%eth0]",
        "1.2.3.4.5",
        "1.2.3.256",
        "abc.1",
        "abc.0x1",
        "12345",
        "abcd:65536",
        "abcd:x",
        "ab%63d",
        "abcd:+1",
        "a\"bcd",
        "a<bcd",
        "a\\bcd",
        "abcd\u{fc}",
        "a:b:c",
    ] {
        refuses(&head("GET / HTTP/1.1", &format!("Host: {host}\r\n")), "the host of the request");
    }
    refuses(&head("GET / HTTP/1.1", ""), "Host");
    refuses(&head("GET / HTTP/1.1", "Host: abcd\r\nHost: abcd\r\n"), "Host");
    assert!(passed(&head("GET / HTTP/1.0", "")).is_ok());
}

#[test]
fn a_host_that_is_shorter_in_a_url_than_may_be_is_refused() {
    for host in ["a", "abc", "a.b", "a.b:80", "a.b:080", "a.b:", "a:1", "a:080"] {
        refuses(&head("GET / HTTP/1.1", &format!("Host: {host}\r\n")), "ShortHost");
        refuses(&head(&format!("GET http://{host}/ HTTP/1.1"), "Host: abcd\r\n"), "ShortHost");
    }
    assert!(passed(&head("GET http://abcd/ HTTP/1.1", "Host: a\r\n")).is_ok());
}

#[test]
fn what_other_servers_could_read_in_another_way_is_refused() {
    let host = "Host: example.test\r\n";
    for (fields, why) in [
        ("X: y\nContent-Length: 23\r\n", "LF alone"),
        ("X: y\rContent-Length: 23\r\n", "a header field"),
        ("X: y\r\n folded\r\n", "a header field"),
        ("X : y\r\n", "a header field"),
        (": y\r\n", "a header field"),
        ("X\r\n", "a header field"),
        ("X: \0\r\n", "a header field"),
        ("X: \u{7f}\r\n", "a header field"),
        ("Content-Length: 1\r\nContent-Length: 2\r\n", "Content-Length must be"),
        ("Content-Length: 1, 1\r\n", "Content-Length must be"),
        ("Content-Length: +1\r\n", "Content-Length must be"),
        ("Content-Length: -1\r\n", "Content-Length must be"),
        ("Content-Length: 0x1\r\n", "Content-Length must be"),
        ("Content-Length: 1 1\r\n", "Content-Length must be"),
        ("Content-Length: \r\n", "Content-Length must be"),
        ("Content-Length: 9223372036854775808\r\n", "Content-Length must be"),
        ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "not both"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "not several"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "not several"),
        ("Transfer-Encoding: chunked, identity\r\n", "must be chunked"),
        ("Transfer-Encoding: chunked, chunked\r\n", "must be chunked"),
        ("Transfer-Encoding: chunked,\r\n", "must be chunked"),
        ("Transfer-Encoding: xchunked\r\n", "must be chunked"),
        ("Transfer-Encoding: \"chunked\"\r\n", "must be chunked"),
        ("Transfer-Encoding: identity\r\n", "must be chunked"),
        ("Transfer-Encoding: \r\n", "must be chunked"),
        ("Transfer-Encoding: \u{b}chunked\r\n", "a header field"),
        ("Transfer-Encoding: gzip, chunked\r\n", "TransferCoding"),
    ] {
        refuses(&head("POST / HTTP/1.1", &format!("{host}{fields}")), why);
    }
    refuses(&head("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n"), "needs HTTP/1.1");
}

#[test]
fn a_request_line_has_three_parts_and_one_blank_between_them() {
    let fields = "Host: example.test\r\n";
    for line in [
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET /",
        "GET",
        "GET / http/1.1",
        "GET / HTTP/1",
        "GET / HTTP/1.10",
        "G(T / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET  HTTP/1.1",
    ] {
        let http_error = passed(&head(line, fields)).expect_err(line);
        assert!(matches!(http_error, HttpError::Malformed(_)), "{line}: {http_error:?}");
    }
    for line in ["GET / HTTP/1.2", "GET / HTTP/2.0", "GET / HTTP/0.9"] {
        refuses(&head(line, fields), "Version");
    }
}

#[test]
fn what_is_wrong_with_a_request_line_is_told_before_the_head_is_whole() {
    for begun in ["\u{16}\u{3}", "GET /\r\n", "GET / HTTP/1.1\n"] {
        assert!(passed(begun.as_bytes()).is_err(), "{begun:?}");
    }
    assert_eq!(passed(b"GET / HTTP/1.1\r\nHost"), Ok(None));
}

#[test]
fn an_empty_line_before_the_head_is_left_out() {
    let whole = head("GET / HTTP/1.1", "Host: example.test\r\n");
    let rewritten = passed(&[b"\r\n", &whole[..]].concat());
    assert_eq!(rewritten, Ok(Some(whole)));
}

#[test]
fn a_head_that_is_too_long_as_it_is_passed_on_is_refused() {
    let path = |sign: &str| format!("GET /?{} HTTP/1.1", sign.repeat(400));
    assert!(passed(&head(&path("a"), "Host: example.test\r\n")).is_ok());
    refuses(&head(&path("\""), "Host: example.test\r\n"), "HeadTooLong");
    refuses(&[b'x'; 1000], "HeadTooLong");
    refuses(&head("GET / HTTP/1.1", &"Host: example.test\r\n".repeat(9)), "TooManyFields");
}
