//! From publish to the clients' sockets.

mod harness;

use std::collections::HashMap;
use std::net::Shutdown;

use shardcast_core::broadcaster::reports::Query;
use shardcast_core::broadcaster::{Publication, Sent};
use shardcast_core::error::Error;
use shardcast_core::event_queue::Event;
use shardcast_core::frame::Payload;
use shardcast_core::frame::form::Form;
use shardcast_core::ids::ClientKey;
use shardcast_core::options::{Options, SlowPolicy};
use shardcast_core::queue::QueueLimits;
use shardcast_core::worker::departure::{Cause, Departure};

use harness::{Harness, TestClient, options, text, texts_until_close};

/// Larger than what the kernel buffers for a client that does not read.
const MORE_THAN_THE_KERNEL_TAKES: usize = 15 << 20;

fn but_not(client: ClientKey) -> Publication {
    Publication { except: Some(client), ..Publication::default() }
}

#[test]
fn every_client_gets_every_message_in_order() {
    let mut harness = Harness::start(options());
    let mut clients: Vec<TestClient> =
        (0..100).map(|n| harness.subscriber(&format!("client-{n}"), "ticks").1).collect();
    for number in 0..500 {
        harness.publish("ticks", &number.to_string());
    }
    for client in &mut clients {
        for number in 0..500 {
            assert_eq!(text(client), number.to_string());
        }
    }
    let totals = harness.wait_for(|totals| totals.deliveries == 100 * 500);
    assert_eq!(totals.deliveries_expected, totals.deliveries);
}

#[test]
fn a_client_hears_what_is_published_while_it_is_subscribed_and_nothing_else() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.connect("a");
    harness.publish("news", "before");
    assert_eq!(harness.broadcaster.sequencer.subscribe(key, "news"), Ok(true));
    harness.publish("news", "during");
    assert_eq!(harness.broadcaster.sequencer.subscribe(key, "sport"), Ok(true));
    harness.publish("sport", "other");
    assert!(harness.broadcaster.sequencer.unsubscribe(key, "news"));
    harness.publish("news", "after");
    harness.publish("sport", "last");
    assert_eq!(
        [text(&mut client), text(&mut client), text(&mut client)],
        ["during", "other", "last"]
    );
}

#[test]
fn a_publisher_among_the_subscribers_can_be_left_out() {
    let mut harness = Harness::start(options());
    let (alice, mut alice_socket) = harness.subscriber("alice", "chat");
    let (_, mut bob_socket) = harness.subscriber("bob", "chat");
    harness.publish("chat", "one");
    harness.broadcaster.sequencer.publish("chat", Payload::Text("from alice"), but_not(alice));
    harness.publish("chat", "two");
    assert_eq!([text(&mut alice_socket), text(&mut alice_socket)], ["one", "two"]);
    let bobs = [text(&mut bob_socket), text(&mut bob_socket), text(&mut bob_socket)];
    assert_eq!(bobs, ["one", "from alice", "two"]);
}

#[test]
fn direct_messages_keep_their_place_among_the_published_ones() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.subscriber("a", "ticks");
    for number in 0..200 {
        harness.publish("ticks", &format!("published {number}"));
        let text = format!("direct {number}");
        assert_ne!(
            harness.broadcaster.sequencer.send(key, Payload::Text(&text), false),
            Sent::Dropped
        );
    }
    for number in 0..200 {
        assert_eq!(text(&mut client), format!("published {number}"));
        assert_eq!(text(&mut client), format!("direct {number}"));
    }
}

#[test]
fn a_channel_is_counted_whether_anybody_hears_it_or_not() {
    let mut harness = Harness::start(options());
    harness.publish("ticks", "no subscriber yet");
    assert_eq!(harness.broadcaster.sequencer.busiest_channels(10, ""), []);
    let (key, mut client) = harness.subscriber("a", "ticks");
    harness.publish("ticks", "heard");
    assert_eq!(text(&mut client), "heard");
    harness.broadcaster.sequencer.unsubscribe(key, "ticks");
    harness.publish("ticks", "no subscriber yet");
    assert_eq!(harness.broadcaster.sequencer.subscribe(key, "ticks"), Ok(true));
    let [counts] = &harness.broadcaster.sequencer.busiest_channels(10, "")[..] else {
        panic!("one channel")
    };
    assert_eq!((&*counts.name, counts.subscribers, counts.published), ("ticks", 1, 3));
}

#[test]
fn a_client_that_lets_too_much_wait_is_sent_nothing_more() {
    let limit = 100_000;
    let mut harness = Harness::start(Options { backpressure_limit_bytes: limit, ..options() });
    let (key, mut client) = harness.connect("a");
    let bytes = [0; 10_000];
    // One message beyond the limit, what the worker has not tried to write yet, and one more that
    // warns of a socket that has turned out to be full.
    let most = limit + 2 * (bytes.len() + 4) + (4 << 20);
    let mut accepted = 0;
    while harness.broadcaster.sequencer.send(key, Payload::Binary(&bytes), false) != Sent::Dropped {
        accepted += 1;
        assert!(harness.broadcaster.sequencer.buffered(key) <= most);
    }
    for _ in 0..accepted {
        assert_eq!(client.read().expect("a message comes").len(), 10_000);
    }
    harness.wait_for(|totals| totals.deliveries == accepted);
    assert_eq!(harness.broadcaster.sequencer.buffered(key), 0);
}

#[test]
fn a_full_queue_drops_the_message_and_says_so() {
    let queue = QueueLimits { messages: 1, bytes: 1 << 20 };
    let mut harness = Harness::start(Options { queue, ..options() });
    let (_, mut client) = harness.subscriber("a", "ticks");
    let mut taken = Vec::new();
    let mut dropped = 0;
    while dropped < 10 {
        let number = taken.len() as u64 + dropped;
        let text = number.to_string();
        let published = harness.broadcaster.sequencer.publish(
            "ticks",
            Payload::Text(&text),
            Publication::default(),
        );
        assert_eq!(published.shards + published.dropped, 1, "one worker has subscribers");
        match published.shards {
            0 => dropped += 1,
            _ => taken.push(number.to_string()),
        }
    }
    for number in &taken {
        assert_eq!(&text(&mut client), number);
    }
    let refused: u64 =
        harness.broadcaster.sequencer.snapshots().map(|s| s.queue.dropped_queue_full).sum();
    assert_eq!(refused, dropped);
}

#[test]
fn past_its_soft_limit_a_worker_is_saturated_and_loses_nothing() {
    let queue = QueueLimits { messages: 100_000, bytes: 64 << 20 };
    let mut harness = Harness::start(Options { queue, saturation_percent: 1, ..options() });
    let (_, mut client) = harness.subscriber("a", "ticks");
    let is_saturated = |harness: &Harness| {
        harness.broadcaster.sequencer.snapshots().any(|s| s.queue.saturated == 1)
    };
    assert!(!is_saturated(&harness));
    // A worker that must copy a message falls behind a publisher that passes on a reference.
    let filler = "x".repeat(1 << 16);
    let mut published = 0;
    let mut queued_while_saturated = 0;
    while queued_while_saturated < 5 {
        let text = format!("{published} {filler}");
        for _ in 0..20 {
            let result = harness.broadcaster.sequencer.publish(
                "ticks",
                Payload::Text(&text),
                Publication::default(),
            );
            assert_eq!((result.shards, result.dropped), (1, 0));
            queued_while_saturated += u64::from(result.saturated);
        }
        published += 1;
    }
    for number in 0..published {
        for _ in 0..20 {
            assert!(text(&mut client).starts_with(&format!("{number} ")));
        }
    }
    assert!(!is_saturated(&harness), "the queue is empty");
    let queues = harness.broadcaster.sequencer.snapshots().map(|s| s.queue);
    let (times, messages) =
        queues.fold((0, 0), |sum, q| (sum.0 + q.saturations, sum.1 + q.messages_saturated));
    assert!(times >= 1);
    assert_eq!(messages, queued_while_saturated);
}

#[test]
fn which_clients_are_slow_can_be_asked() {
    let mut harness = Harness::start(options());
    let (_, mut reader) = harness.subscriber("reader", "ticks");
    let (slow, _socket) = harness.subscriber("slow", "ticks");
    let count = overwhelm(&mut harness, &mut reader) as u64;

    let report = harness.report(Query::Slowest(10));
    let [client] = report.clients[..] else { panic!("only one is slow: {report:?}") };
    assert_eq!((client.client, client.slow), (slow, true));
    assert_eq!(client.delivery_counts.expected, count);
    assert_eq!(client.delivery_counts.pending, client.lag.messages);
    assert_eq!(client.delivery_counts.delivered + client.delivery_counts.pending, count);
    assert!(client.lag.messages > 0 && client.lag.bytes > 0);
    assert_eq!(harness.wait_for(|totals| totals.slow_clients > 0).slow_clients, 1);

    harness.broadcaster.sequencer.terminate(slow);
    harness.closed();
    assert_eq!(harness.report(Query::Slowest(10)).clients, []);
    harness.wait_for(|totals| totals.slow_clients == 0);
}

/// One client that never reads, one that does, and more than the kernel buffers for the first.
fn overwhelm(harness: &mut Harness, reader: &mut TestClient) -> usize {
    let message = "x".repeat(50_000);
    let count = MORE_THAN_THE_KERNEL_TAKES / message.len();
    for _ in 0..count {
        harness.publish("ticks", &message);
        assert_eq!(text(reader).len(), message.len());
    }
    count
}

#[test]
fn a_slow_client_is_disconnected_and_harms_no_other() {
    let mut limits = options();
    limits.client.lag.messages = 10;
    let mut harness = Harness::start(limits);
    let (_, mut reader) = harness.subscriber("reader", "ticks");
    let (slow, mut slow_socket) = harness.subscriber("slow", "ticks");
    let count = overwhelm(&mut harness, &mut reader) as u64;

    assert_eq!(harness.closed(), (slow, 1013, "slow consumer".to_owned()));
    let (texts, code, reason) = texts_until_close(&mut slow_socket);
    assert_eq!((code, reason.as_str()), (1013, "slow consumer"));
    let totals = harness.wait_for(|totals| totals.deliveries == count + texts.len() as u64);
    assert_eq!(totals.closed_slow, 1);
    assert_eq!(totals.deliveries_expected, totals.deliveries + totals.dropped_slow);
}

#[test]
fn a_slow_client_is_told_to_be_so_with_what_waited_for_it() {
    let mut limits = options();
    limits.client.lag.messages = 10;
    let mut harness = Harness::start(limits);
    let (_, mut reader) = harness.subscriber("reader", "ticks");
    let (slow, _socket) = harness.subscriber("slow", "ticks");
    overwhelm(&mut harness, &mut reader);
    let (client, Departure { cause, waiting }) = harness.departure();
    assert_eq!((client, cause), (slow, Cause::Slow));
    let lag = waiting.expect("its worker knows");
    assert!(lag.messages > 10, "{lag:?}");
    let totals = harness.wait_for(|totals| totals.closed_slow == 1);
    // One that was begun is finished.
    assert!(totals.dropped_slow <= lag.messages && lag.messages <= totals.dropped_slow + 1);
    assert!(lag.bytes > 0);
}

#[test]
fn a_message_larger_than_a_client_may_lag_is_delivered_all_the_same() {
    let mut limits = options();
    limits.client.lag.bytes = 1000;
    let mut harness = Harness::start(limits);
    let (_, mut client) = harness.subscriber("a", "ticks");
    // More than a socket accepts in one write.
    let length = 8 << 20;
    harness.publish("ticks", &"x".repeat(length));
    assert_eq!(text(&mut client).len(), length);
}

#[test]
fn a_slow_client_may_skip_ahead_instead() {
    let mut limits = options();
    limits.client.lag.messages = 10;
    limits.client.slow = SlowPolicy::Skip;
    let mut harness = Harness::start(limits);
    let (_, mut reader) = harness.subscriber("reader", "ticks");
    let (slow, mut slow_socket) = harness.subscriber("slow", "ticks");
    assert_eq!(harness.broadcaster.sequencer.subscribe(slow, "news"), Ok(true));
    let news = 30;
    let mut count = overwhelm(&mut harness, &mut reader) as u64;
    // What the worker had saved up when the socket refused bytes does not count against the client.
    while harness.totals().dropped_skipped == 0 {
        count += overwhelm(&mut harness, &mut reader) as u64;
    }
    (0..news).for_each(|_| harness.publish("news", "extra"));
    count += overwhelm(&mut harness, &mut reader) as u64;
    harness.broadcaster.sequencer.close(slow, 1000, "enough".to_owned());

    let (texts, code, _) = texts_until_close(&mut slow_socket);
    assert_eq!(code, 1000);
    let mut skipped = HashMap::from([("ticks".to_owned(), 0), ("news".to_owned(), 0)]);
    loop {
        match harness.event() {
            Event::Skipped(client, missed) if client == slow => {
                for (channel, messages) in missed.iter() {
                    *skipped.get_mut(channel).expect("it hears this channel") += messages;
                }
            }
            Event::Closed { client, .. } if client == slow => break,
            _ => panic!("nothing else happens"),
        }
    }
    let extra = texts.iter().filter(|text| *text == "extra").count() as u64;
    let ticks = texts.len() as u64 - extra;
    assert!(skipped["ticks"] > 0);
    assert_eq!(ticks + skipped["ticks"], count, "each was delivered whole or skipped");
    assert_eq!(extra + skipped["news"], news, "each was delivered whole or skipped");
    let expected = 2 * count + news;
    let totals = harness.wait_for(|totals| totals.deliveries + totals.dropped_skipped == expected);
    assert_eq!(totals.dropped_skipped, skipped.values().sum::<u64>());
}

#[test]
fn a_client_whose_connection_breaks_is_gone_and_no_other() {
    let mut harness = Harness::start(options());
    let (_, mut reader) = harness.subscriber("reader", "ticks");
    let mut victims: Vec<_> =
        (0..20).map(|n| harness.subscriber(&format!("victim-{n}"), "ticks")).collect();
    harness.publish("ticks", "before");
    for (number, (_, victim)) in victims.iter_mut().enumerate() {
        if number % 2 == 0 {
            victim.get_ref().shutdown(Shutdown::Both).expect("it is connected");
        }
    }
    let survivors: Vec<_> = victims.iter().skip(1).step_by(2).map(|(key, _)| *key).collect();
    victims.retain(|(key, _)| survivors.contains(key));
    for _ in 0..10 {
        let (key, code, _) = harness.closed();
        assert!(!survivors.contains(&key));
        assert_eq!(code, 1006);
    }
    assert_eq!(harness.broadcaster.sequencer.subscriber_count("ticks"), 11);
    harness.publish("ticks", "after");
    for client in victims.iter_mut().map(|(_, socket)| socket).chain([&mut reader]) {
        assert_eq!([text(client), text(client)], ["before", "after"]);
    }
}

#[test]
fn a_client_may_hear_only_so_many_channels() {
    let mut harness = Harness::start(options());
    let (key, _socket) = harness.connect("a");
    for channel in ["1", "2", "3", "4"] {
        assert_eq!(harness.broadcaster.sequencer.subscribe(key, channel), Ok(true));
    }
    assert_eq!(
        harness.broadcaster.sequencer.subscribe(key, "1"),
        Ok(false),
        "it is subscribed already"
    );
    let error = Error::TooManyChannels { client: key, limit: 4 };
    assert_eq!(harness.broadcaster.sequencer.subscribe(key, "5"), Err(error));
}

#[test]
fn what_is_queued_is_delivered_before_everyone_is_closed() {
    let mut harness = Harness::start(options());
    let mut clients: Vec<TestClient> =
        (0..50).map(|n| harness.subscriber(&format!("client-{n}"), "ticks").1).collect();
    for number in 0..100 {
        harness.publish("ticks", &number.to_string());
    }
    harness.broadcaster.sequencer.close_all(
        1001,
        "going away",
        std::time::Duration::from_millis(50),
    );
    let expected: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    for client in &mut clients {
        assert_eq!(texts_until_close(client), (expected.clone(), 1001, "going away".to_owned()));
    }
    for _ in 0..50 {
        assert_eq!(harness.closed().1, 1001);
    }
    drop(clients);
    harness.wait_for(|totals| totals.clients == 0);
    assert_eq!(harness.broadcaster.sequencer.client_count(), 0);
    assert!(harness.broadcaster.sequencer.admit("late", Form::Raw).is_err());
}

#[test]
fn nothing_is_told_as_missed_when_nothing_was() {
    let mut limits = options();
    limits.client.slow = SlowPolicy::Skip;
    limits.client.lag.bytes = 1 << 20;
    let mut harness = Harness::start(limits);
    let (slow, mut client) = harness.subscriber("a", "ticks");
    // More than the kernel takes, and alone more than a client may lag.
    harness.publish("ticks", &"x".repeat(15 << 20));
    harness.wait_for(|totals| totals.slow_clients == 1);
    harness.publish("ticks", &"y".repeat(2 << 20));
    match harness.event() {
        Event::Skipped(client, missed) => assert_eq!((client, missed.total()), (slow, 1)),
        _ => panic!("the second message is skipped"),
    }
    // The rest of the first goes out bit by bit, and each time the client is looked at.
    assert_eq!(text(&mut client).len(), 15 << 20);
    harness.publish("ticks", "three");
    assert_eq!(text(&mut client), "three");
    assert!(harness.broadcaster.next_event().is_none(), "nothing more was missed");
}
