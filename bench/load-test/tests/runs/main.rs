//! Whole runs of the load tester against a small real server.

// A test that unwraps what it did not expect fails, which is what it should do.
#![allow(clippy::unwrap_used)]
#![allow(missing_docs, unreachable_pub)]

mod load_test;
mod server;

use serde_json::json;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use tungstenite::Message;

use load_test::{output, run, start};
use server::{await_end, close, send_numbered, serve, serve_response};

/// Holds all connections back until the test opens it.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        drop(self.opened.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

#[test]
fn every_message_to_every_client_is_counted_and_measured() {
    let gate = Arc::new(Gate::default());
    let at_gate = Arc::clone(&gate);
    let address = serve(move |connection| {
        at_gate.pass();
        send_numbered(connection, 0..50, 0);
        await_end(connection);
    });
    let mut running = start(address, &["--clients", "20", "--messages", "50"]);
    assert_eq!(running.await_ready(), "ready: 20 clients connected");
    gate.open();
    let report = running.report();
    assert_eq!(report["connected"], 20);
    assert_eq!(report["messages_total"], 1000);
    assert_eq!(report["missing"], 0);
    assert_eq!(report["out_of_order"], 0);
    assert_eq!((&report["min_last_n"], &report["max_last_n"]), (&json!(49), &json!(49)));
    assert_eq!((&report["min_messages"], &report["max_messages"]), (&json!(50), &json!(50)));
    assert_eq!(report["closed"], json!({}));
    assert!(report["latency_p50_us"].is_u64());
}

#[test]
fn loss_and_disorder_are_found() {
    let address = serve(|connection| {
        send_numbered(connection, [5, 6, 9, 8, 10, 10], 0);
        connection.send(Message::binary(b"no number".as_slice())).unwrap();
        await_end(connection);
    });
    let report = run(address, &["--clients", "3", "--messages", "7"]);
    assert_eq!(report["missing"], 3 * 2);
    assert_eq!(report["out_of_order"], 3 * 2);
    assert_eq!(report["unnumbered"], 3);
    assert_eq!(report["max_last_n"], 10);
}

#[test]
fn sampling_finds_loss_between_reads_and_none_finds_nothing() {
    let address = serve(|connection| {
        send_numbered(connection, [0], 0);
        // The answer to the ping shows that the first read is over.
        connection.send(Message::Ping(b"read?".as_slice().into())).unwrap();
        assert_eq!(connection.read().unwrap(), Message::Pong(b"read?".as_slice().into()));
        send_numbered(connection, [3], 0);
        await_end(connection);
    });
    let sampled = run(address, &["--verify", "sample", "--messages", "2"]);
    assert_eq!(sampled["missing"], 2);
    let unverified = run(address, &["--verify", "none", "--messages", "2"]);
    assert_eq!((&unverified["missing"], &unverified["messages_total"]), (&json!(0), &json!(2)));
}

#[test]
fn messages_of_any_size_are_followed() {
    let address = serve(|connection| {
        for (n, size_bytes) in [0, 125, 126, 65_500, 65_536, 1_000_000, 1].into_iter().enumerate() {
            send_numbered(connection, [n as u64], size_bytes);
        }
        await_end(connection);
    });
    let report = run(address, &["--clients", "2", "--messages", "7"]);
    assert_eq!(report["messages_total"], 14);
    assert_eq!(report["unnumbered"], 0);
    assert_eq!(report["missing"], 0);
    assert_eq!(report["min_last_n"], 6);
}

#[test]
fn close_codes_are_reported() {
    let address = serve(|connection| {
        send_numbered(connection, 0..3, 0);
        close(connection, 1013);
        await_end(connection);
    });
    let report = run(address, &["--clients", "4"]);
    assert_eq!(report["closed"], json!({ "1013": 4 }));
    assert_eq!(report["reading_closed"], 4);
    assert_eq!(report["live_clients"], 0);
    assert_eq!(report["min_messages"], 3);
}

#[test]
fn an_end_without_a_close_frame_is_1006() {
    let address = serve(|connection| send_numbered(connection, 0..3, 0));
    let report = run(address, &["--clients", "4", "--messages", "5"]);
    assert_eq!(report["closed"], json!({ "1006": 4 }));
    assert_eq!(report["messages_total"], 12);
}

#[test]
fn stalled_clients_read_nothing_and_the_others_everything() {
    let address = serve(|connection| {
        // Far more than the kernel buffers for a client that does not read.
        send_numbered(connection, 0..1000, 32_000);
        await_end(connection);
    });
    let report = run(address, &["--clients", "4", "--stall", "50%", "--messages", "1000"]);
    assert_eq!(report["connected"], 4);
    assert_eq!(report["live_clients"], 4);
    assert_eq!(report["messages_total"], 2000);
    assert_eq!(report["missing"], 0);
}

#[test]
fn the_close_code_of_a_stalled_client_is_read_after_the_run() {
    let gate = Arc::new(Gate::default());
    let at_gate = Arc::clone(&gate);
    let address = serve(move |connection| {
        at_gate.pass();
        close(connection, 1013);
        await_end(connection);
    });
    let arguments = ["--clients", "4", "--stall", "2", "--duration", "300ms"];
    let mut running = start(address, &arguments);
    running.await_ready();
    gate.open();
    let report = running.report();
    assert_eq!(report["closed"], json!({ "1013": 4 }));
    assert_eq!(report["reading_closed"], 2);
    assert_eq!(report["stalled_closed"], 2);
    assert_eq!(report["live_clients"], 2);
}

#[test]
fn slow_clients_lag_behind_and_are_counted_apart() {
    let address = serve(|connection| {
        send_numbered(connection, 0..100, 1000);
        await_end(connection);
    });
    let report = run(address, &["--clients", "4", "--slow", "2", "--duration", "500ms"]);
    assert_eq!(report["messages_total"], 200);
    let slow = report["slow_messages"].as_u64().unwrap();
    assert!((1..40).contains(&slow), "{slow} messages");
    assert_eq!(report["slow_missing"], 0);
}

#[test]
fn churned_clients_are_replaced_and_do_not_count_as_failed() {
    let address = serve(|connection| {
        send_numbered(connection, 0..10, 0);
        await_end(connection);
    });
    let report = run(address, &["--clients", "10", "--churn", "50/s", "--duration", "600ms"]);
    assert_eq!(report["connected"], 10);
    assert!(report["churned"].as_u64().unwrap() >= 10);
    assert!(report["replacements_connected"].as_u64().unwrap() >= 10);
    assert_eq!(report["failed"], 0);
    assert_eq!(report["closed"], json!({}));
    assert_eq!(report["missing"], 0);
}

#[test]
fn sigterm_ends_the_run_with_a_report() {
    let address = serve(await_end);
    let mut running = start(address, &["--clients", "2", "--duration", "60s"]);
    running.await_ready();
    let killed = Command::new("kill").args(["-TERM", &running.id().to_string()]).status();
    assert!(killed.unwrap().success());
    assert_eq!(running.report()["live_clients"], 2);
}

#[test]
fn without_a_connection_the_exit_code_is_1_and_the_reason_is_printed() {
    let address = serve_response("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
    let refused = output(&format!("ws://{address}/"), &["--clients", "3"]);
    assert_eq!(refused.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(report["failures"], json!({ "HTTP 503": 3 }));
}

#[test]
fn bad_arguments_give_exit_code_2() {
    for (url, arguments) in [
        ("ws://192.0.2.1/", [].as_slice()),
        ("wss://127.0.0.1/", &[]),
        ("ws://127.0.0.1/", &["--clients", "0"]),
        ("ws://127.0.0.1/", &["--stall", "200%"]),
    ] {
        let refused = output(url, arguments);
        assert_eq!(refused.status.code(), Some(2), "{url} {arguments:?}");
        assert!(refused.stdout.is_empty());
    }
}

#[test]
fn a_hello_is_sent_once_the_connection_stands() {
    let address = serve(|connection| {
        let hello = connection.read().unwrap();
        connection.send(hello).unwrap();
        await_end(connection);
    });
    let report = run(address, &["--clients", "2", "--messages", "1", "--hello", r#"{"n":7}"#]);
    assert_eq!(report["messages_total"], 2);
    assert_eq!(report["max_last_n"], 7);
}
