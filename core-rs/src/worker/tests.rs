//! What cannot be seen from outside of a worker.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Instant;

use bytes::Bytes;

use super::*;
use crate::door::Handoff;
use crate::frame::Frame;
use crate::frame::form::Form;
use crate::ids::{Channel, ChannelId};
use crate::options::{SlowPolicy, UnfinishedLimits};
use crate::queue::QueueLimits;
use crate::worker::client::Client;
use crate::worker::client::discards::Discards;
use crate::worker::client::receiving::PeerDone;
use crate::worker::cohort::log::Lag;
use crate::worker::command::{CloseReason, PublishedMessage};

const TICKS: ChannelId = ChannelId(0);

fn worker() -> Worker {
    worker_that_tolerates(Lag::MAX)
}

fn worker_that_tolerates(lag: Lag) -> Worker {
    let limits = ClientLimits {
        lag,
        slow: SlowPolicy::Disconnect,
        max_payload_bytes: 1000,
        unfinished: UnfinishedLimits { bytes: 1_000_000, timeout: None },
        idle_timeout: None,
        send_pings: true,
    };
    let queue = QueueLimits { messages: 1000, bytes: 1_000_000 };
    let parts = WorkerParts::open(0, queue).expect("a descriptor");
    let event_queue = Arc::new(EventQueue::new(|| {}));
    let wake_tree = Arc::new(WakeTree::new([]));
    Worker::new(parts, limits, event_queue, wake_tree, SharedTelemetry::default())
}

/// Lets in a client whose socket is still to come, and subscribes it to ticks.
fn expect(worker: &mut Worker, client: ClientKey) {
    worker.apply(Command::Expect(client, Form::Raw, Discards::default(), Arc::default()));
    worker.apply(Command::Subscribe(client, Box::new(Channel { id: TICKS, name: "ticks".into() })));
}

/// Gives a client a socket; returns the other end.
fn attach(worker: &mut Worker, client: ClientKey) -> TcpStream {
    let (ours, theirs) = sockets();
    worker.apply(Command::Attach(client, Box::new(Handoff::answered(ours, Bytes::new()))));
    theirs
}

/// A socket for a worker, and the other end.
fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let theirs = TcpStream::connect(address).expect("it listens");
    let (ours, _) = listener.accept().expect("a client has connected");
    ours.set_nonblocking(true).expect("a living socket");
    (ours, theirs)
}

fn publish(worker: &mut Worker, text: &str) {
    worker.apply(Command::Publish(message(text, None), 1));
}

fn message(text: &str, except: Option<ClientKey>) -> Arc<PublishedMessage> {
    Arc::new(PublishedMessage {
        channel: TICKS,
        frame: Frame::text(text),
        except,
        at: Instant::now(),
    })
}

fn keeps_a_log(worker: &mut Worker) -> bool {
    while worker.flushing().send_slice() {}
    let cohort = worker.outbound.cohorts().subscribed(TICKS)[0];
    !worker.outbound.cohorts()[cohort].log().is_empty()
}

#[test]
fn a_log_is_let_go_when_the_last_client_that_was_behind_leaves() {
    let leave = [Command::Terminate(2), Command::Unsubscribe(2, TICKS)];
    for command in leave {
        let mut worker = worker();
        expect(&mut worker, 1);
        let _reader = attach(&mut worker, 1);
        // Without a socket it can take nothing.
        expect(&mut worker, 2);
        publish(&mut worker, "tick");
        assert!(keeps_a_log(&mut worker));
        worker.apply(command);
        assert!(!keeps_a_log(&mut worker));
    }
}

#[test]
fn what_is_much_is_written_before_something_of_the_clients_own_copies_it() {
    let own: [fn() -> Command; 4] = [
        || Command::Send(1, Box::new(Frame::text("own"))),
        || Command::Subscribe(1, Box::new(Channel { id: ChannelId(1), name: "more".into() })),
        || Command::Close(1, Box::new(CloseReason { code: 1000, reason: String::new() })),
        || Command::Publish(message("others", Some(1)), 0),
    ];
    for command in own {
        for (messages, writes) in [(10, 0), (100, 1)] {
            let mut worker = worker();
            expect(&mut worker, 1);
            let _reader = attach(&mut worker, 1);
            (0..messages).for_each(|_| publish(&mut worker, &"x".repeat(1000)));
            worker.apply(command());
            assert_eq!(worker.telemetry.counters.writes, writes, "{messages} messages");
        }
    }
}

/// The channels of a client once its worker has taken these commands in one run.
fn channels_after(commands: Vec<Command>, client: ClientKey) -> Vec<u32> {
    let mut worker = worker();
    for client in [1, 2] {
        worker.apply(Command::Expect(client, Form::Raw, Discards::default(), Arc::default()));
    }
    for command in commands {
        let _ = worker.queue().push(command);
    }
    assert!(!worker.take_commands());
    let index = worker.clients.find(client).expect("it is there");
    let cohort = worker.clients[index].cohort;
    worker.outbound.cohorts()[cohort].channels().iter().map(|channel| channel.id.0).collect()
}

#[test]
fn subscriptions_of_one_run_take_effect_in_their_order() {
    let subscribe = |client, id: u32| {
        Command::Subscribe(client, Box::new(Channel { id: ChannelId(id), name: "any".into() }))
    };
    let commands = || {
        vec![
            subscribe(1, 3),
            subscribe(1, 1),
            subscribe(1, 3),
            subscribe(2, 1),
            Command::Unsubscribe(1, ChannelId(3)),
            Command::Unsubscribe(2, ChannelId(1)),
            subscribe(7, 5),
            subscribe(1, 2),
            subscribe(2, 4),
            subscribe(1, 0),
        ]
    };
    assert_eq!(channels_after(commands(), 1), [0, 1, 2]);
    assert_eq!(channels_after(commands(), 2), [4]);
}

#[test]
fn a_client_that_subscribes_in_one_run_goes_through_no_cohort_but_its_last() {
    let mut worker = worker();
    expect(&mut worker, 1);
    let before = worker.clients[0].cohort;
    for id in 1..=100 {
        let channel = Channel { id: ChannelId(id), name: "any".into() };
        let _ = worker.queue().push(Command::Subscribe(1, Box::new(channel)));
    }
    assert!(!worker.take_commands());
    let after = worker.clients[0].cohort;
    assert_eq!(worker.outbound.cohorts()[after].channels().len(), 101);
    // The first place that was free: one cohort after the other would have gone to and fro.
    assert_eq!(after, before + 1);
}

#[test]
fn a_client_at_the_door_may_be_far_behind_but_not_without_limit() {
    let mut worker = worker();
    worker.limits.lag = Lag { messages: 10, bytes: 1000 };
    expect(&mut worker, 1);
    let message = "x".repeat(1 << 20);
    (0..15).for_each(|_| publish(&mut worker, &message));
    assert!(keeps_a_log(&mut worker));
    (0..2).for_each(|_| publish(&mut worker, &message));
    while worker.flushing().send_slice() {}
    assert_eq!(worker.telemetry.counters.closed_slow, 1);
}

#[test]
fn a_log_is_let_go_though_its_last_reader_is_terminated_when_it_catches_up() {
    let mut worker = worker();
    expect(&mut worker, 1);
    publish(&mut worker, "tick");
    assert!(keeps_a_log(&mut worker));
    expect(&mut worker, 2);
    let _reader = attach(&mut worker, 1);
    worker.apply(Command::Terminate(1));
    assert!(!keeps_a_log(&mut worker));
}

#[test]
fn clients_stand_side_by_side() {
    let mut worker = worker();
    (1..=3).for_each(|client| expect(&mut worker, client));
    let address = |index| std::ptr::from_ref::<Client>(&worker.clients[index]).addr();
    assert_eq!(address(1) - address(0), size_of::<Client>());
    assert_eq!(address(2) - address(1), size_of::<Client>());
}

/// Lets in a client whose socket is full, and to which a response is owed. Returns the other end,
/// and how much it has to read before the response.
fn attach_full(worker: &mut Worker, client: ClientKey, response: &str) -> (TcpStream, usize) {
    let (mut ours, theirs) = sockets();
    let mut filled = 0;
    while let Ok(bytes) = ours.write(&[0; 64 * 1024]) {
        filled += bytes;
    }
    let handoff = Handoff { socket: ours, response: response.into(), read_ahead: Bytes::new() };
    worker.apply(Command::Attach(client, Box::new(handoff)));
    (theirs, filled)
}

/// What arrives behind the first `skipped` bytes, up to the length of what is expected.
fn arrives(worker: &mut Worker, mut reader: TcpStream, skipped: usize, expected: &[u8]) {
    let whole = skipped + expected.len();
    let read = std::thread::spawn(move || {
        let mut bytes = vec![0; whole];
        reader.read_exact(&mut bytes).expect("all arrives");
        bytes.split_off(skipped)
    });
    let mut events = Events::with_capacity(EVENTS_PER_TURN);
    while !read.is_finished() {
        worker.wait(true, &mut events);
        while worker.flushing().send_slice() {}
        worker.flushing().flush_listed();
    }
    assert_eq!(read.join().expect("a reader"), expected);
}

#[test]
fn an_answer_that_a_full_socket_has_no_room_for_comes_before_all_else() {
    let mut worker = worker();
    expect(&mut worker, 1);
    let (reader, filled) = attach_full(&mut worker, 1, "the answer");
    publish(&mut worker, "tick");
    arrives(&mut worker, reader, filled, b"the answer\x81\x04tick");
}

#[test]
fn an_answer_that_was_begun_is_finished_for_a_client_that_is_too_slow() {
    let mut worker = worker_that_tolerates(Lag::default());
    expect(&mut worker, 1);
    let (reader, filled) = attach_full(&mut worker, 1, "the answer");
    // The socket is known to be full from here on.
    worker.flushing().flush_listed();
    for _ in 0..2 {
        publish(&mut worker, "tick");
        while worker.flushing().send_slice() {}
    }
    assert!(!worker.clients[0].is_open());
    arrives(&mut worker, reader, filled, b"the answer\x88\x0f\x03\xf5slow consumer");
}

/// A masked frame, with a key of zeros so that the payload stands as it is.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

/// Has the worker read what has arrived, until `what` holds.
fn read_until(worker: &mut Worker, what: impl Fn(&Worker) -> bool) {
    let mut events = Events::with_capacity(EVENTS_PER_TURN);
    while !what(worker) {
        worker.wait(true, &mut events);
        worker.reading().read_slice();
    }
}

#[test]
fn a_message_has_its_time_to_be_finished_and_pings_do_not_make_it_longer() {
    let mut worker = worker();
    worker.limits.unfinished.timeout = Some(Duration::from_secs(3));
    for client in [1, 2] {
        expect(&mut worker, client);
    }
    let (mut slow, mut busy) = (attach(&mut worker, 1), attach(&mut worker, 2));
    slow.write_all(&masked(0x02, b"half")).expect("it is open");
    read_until(&mut worker, |worker| worker.clients[0].receiving.decoder.unfinished_bytes() > 0);
    for second in 1..=6 {
        // The other finishes a message in each second, and begins one behind it.
        let received = second - 1;
        let end = if received > 0 { masked(0x80, b"") } else { Vec::new() };
        busy.write_all(&[end, masked(0x02, b"half")].concat()).expect("it is open");
        read_until(&mut worker, |worker| {
            worker.telemetry.counters.messages_received == received
                && worker.clients[1].receiving.decoder.unfinished_bytes() > 0
        });
        slow.write_all(&masked(0x89, b"")).expect("it is open");
        worker.sweep();
        let peer_done = worker.clients[0].receiving.peer_done.as_deref();
        assert_eq!(matches!(peer_done, Some(PeerDone::Unfinished(_))), second >= 3);
    }
    assert!(worker.clients[1].is_open());
}
