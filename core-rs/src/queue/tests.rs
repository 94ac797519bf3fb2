use std::sync::Arc;
use std::thread;

use super::*;

const LIMITS: QueueLimits = QueueLimits { messages: 2, bytes: 100 };

#[test]
fn a_full_queue_hands_the_message_back_and_takes_commands() {
    let queue = Queue::new(LIMITS);
    assert!(queue.try_push("one", 10).is_ok());
    assert!(queue.try_push("two", 10).is_ok());
    assert_eq!(queue.try_push("three", 10), Err("three"));
    let _ = queue.push("command");
    let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
    assert_eq!(popped, ["one", "two", "command"]);
    assert!(queue.try_push("four", 10).is_ok(), "there is room again");
}

#[test]
fn bytes_are_limited_too_but_never_refuse_the_first_message() {
    let queue = Queue::new(LIMITS);
    assert!(queue.try_push("large", 1_000).is_ok());
    assert_eq!(queue.try_push("small", 1), Err("small"));
    assert!(queue.load() >= 1.0);
}

#[test]
fn only_a_sleeper_is_woken_and_only_once() {
    let queue = Queue::new(LIMITS);
    assert_eq!(queue.push(1), MustWake(false), "the consumer is awake");
    assert!(!queue.may_sleep(), "something waits");
    queue.pop();
    assert!(queue.may_sleep());
    assert_eq!(queue.push(2), MustWake(true));
    assert_eq!(queue.push(3), MustWake(false), "it was woken already");
}

#[test]
fn items_of_two_producers_keep_the_order_of_each() {
    let queue = Arc::new(Queue::new(LIMITS));
    let producers = [0u64, 1].map(|producer| {
        let queue = Arc::clone(&queue);
        thread::spawn(move || {
            for number in 0..10_000 {
                let _ = queue.push((producer, number));
            }
        })
    });
    let mut next = [0, 0];
    while next != [10_000, 10_000] {
        if let Some((producer, number)) = queue.pop() {
            assert_eq!(number, next[producer as usize]);
            next[producer as usize] += 1;
        }
    }
    for producer in producers {
        producer.join().expect("the producer does not panic");
    }
}
