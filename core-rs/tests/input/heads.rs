//! Generated handshakes: proper ones, ones that are nearly so, and noise.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use crate::handshake::{self, Outcome};

/// The lines of a proper head, in any order and any case.
fn proper_lines() -> impl Strategy<Value = Vec<String>> {
    let lines = any::<[u8; 16]>().prop_map(|key| {
        vec![
            "Host: a".to_owned(),
            "Upgrade: websocket".to_owned(),
            "Connection: keep-alive, Upgrade".to_owned(),
            "Sec-WebSocket-Version: 13".to_owned(),
            format!("Sec-WebSocket-Key: {}", STANDARD.encode(key)),
        ]
    });
    let changes_nothing = prop_oneof![
        Just("Content-Length: 0"),
        Just("Sec-WebSocket-Protocol: a, b"),
        Just("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"),
        Just("Sec-WebSocket-Extensions: x-unknown; a=\"permessage-deflate, b\""),
        Just("Cookie: a=1"),
        Just("X-Empty:"),
    ];
    let further = prop::collection::hash_set(changes_nothing, 0..4);
    let lines = (lines, further).prop_map(|(mut lines, further)| {
        lines.extend(further.into_iter().map(str::to_owned));
        lines
    });
    (lines.prop_shuffle(), any::<bool>()).prop_map(|(lines, lower)| {
        let name_in_case = |line: String| match line.split_once(':') {
            Some((name, value)) if lower => format!("{}:{value}", name.to_lowercase()),
            _ => line,
        };
        lines.into_iter().map(name_in_case).collect()
    })
}

/// A line that does not belong there, or belongs there once.
fn odd_line() -> impl Strategy<Value = Vec<u8>> {
    let known = prop_oneof![
        Just("Host: b"),
        Just("Upgrade: h2c, WebSocket"),
        Just("Upgrade: h2c"),
        Just("Connection: close"),
        Just("Connection: a Upgrade"),
        Just("Sec-WebSocket-Version: 8"),
        Just("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAB=="),
        Just("Sec-WebSocket-Key: short"),
        Just("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8"),
        Just("Content-Length: 3"),
        Just("Transfer-Encoding: chunked"),
        Just("Expect: 100-continue"),
        Just(" folded"),
        Just("no colon"),
        Just("blank : before"),
        Just(""),
    ];
    prop_oneof![
        4 => known.prop_map(|line| line.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

/// A head to which something was done.
fn odd_head() -> impl Strategy<Value = Vec<u8>> {
    let request = prop_oneof![
        8 => Just("GET /chat?room=1 HTTP/1.1"), 1 => Just("GET * HTTP/1.1"),
        1 => Just("GET http://b/c HTTP/1.1"), 1 => Just("POST / HTTP/1.1"),
        1 => Just("GET / HTTP/1.0"), 1 => Just("get / HTTP/1.1"), 1 => Just("GET /ü HTTP/1.1"),
        1 => Just("HEAD / HTTP/1.1"), 1 => Just("CONNECT a:1 HTTP/1.1"), 1 => Just("GET  /"),
    ];
    let odd = prop::collection::vec((any::<prop::sample::Index>(), odd_line()), 0..3);
    let newline = prop_oneof![9 => Just("\r\n"), 1 => Just("\n")];
    let behind = prop::collection::vec(any::<u8>(), 0..20);
    let dropped = prop::option::of(any::<prop::sample::Index>());
    (request, proper_lines(), dropped, odd, newline, prop_oneof![3 => Just(vec![]), 1 => behind])
        .prop_map(|(request, lines, dropped, odd, newline, behind)| {
            let mut lines: Vec<_> = lines.into_iter().map(String::into_bytes).collect();
            if let Some(dropped) = dropped {
                lines.remove(dropped.index(lines.len()));
            }
            for (at, line) in odd {
                lines.insert(at.index(lines.len() + 1), line);
            }
            let mut head = request.as_bytes().to_vec();
            for line in lines {
                head.extend([newline.as_bytes(), &line].concat());
            }
            [&head, newline.as_bytes(), newline.as_bytes(), &behind].concat()
        })
}

proptest! {
    #[test]
    fn any_proper_head_is_taken(lines in proper_lines()) {
        let head = format!("GET / HTTP/1.1\r\n{}\r\n\r\n", lines.join("\r\n"));
        let outcome = handshake::outcome(head.as_bytes(), usize::MAX);
        prop_assert!(matches!(outcome, Outcome::Taken(_)), "{outcome:?}: {head}");
        prop_assert!(handshake::by_tungstenite(head.as_bytes()).is_some(), "{head}");
        handshake::is_taken_as_by_tungstenite(head.as_bytes());
    }

    #[test]
    fn any_head_is_answered_alike_in_any_pieces(head in odd_head(), piece in 2usize..100) {
        handshake::is_answered_alike_in_any_pieces(&head, piece);
    }

    #[test]
    fn any_head_is_taken_as_by_tungstenite(head in odd_head()) {
        handshake::is_taken_as_by_tungstenite(&head);
    }

    #[test]
    fn noise_is_answered_alike_in_any_pieces(noise in prop::collection::vec(any::<u8>(), 0..100)) {
        handshake::is_answered_alike_in_any_pieces(&noise, 3);
    }
}
