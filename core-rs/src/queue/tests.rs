use std::sync::Arc;
use std::thread;

use super::*;

const LIMITS: QueueLimits = QueueLimits { messages: 2, bytes: 100 };

/// A number by which a test knows it.
#[derive(Debug, PartialEq, Eq)]
enum Item {
    Command(u32),
    Message { number: u32, bytes: usize },
}

impl QueueItem for Item {
    fn bytes(&self) -> Option<usize> {
        match *self {
            Item::Command(_) => None,
            Item::Message { bytes, .. } => Some(bytes),
        }
    }
}

/// The how manieth of which producer.
impl QueueItem for (usize, u64) {
    fn bytes(&self) -> Option<usize> {
        None
    }
}

fn message(number: u32, bytes: usize) -> Item {
    Item::Message { number, bytes }
}

#[test]
fn a_full_queue_hands_the_message_back_and_takes_commands() {
    let queue = Queue::new(LIMITS);
    assert!(queue.try_push(message(1, 10)).is_ok());
    assert!(queue.try_push(message(2, 10)).is_ok());
    assert_eq!(queue.try_push(message(3, 10)), Err(message(3, 10)));
    let _ = queue.push(Item::Command(4));
    assert_eq!((queue.messages(), queue.bytes()), (2, 20));
    let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
    assert_eq!(popped, [message(1, 10), message(2, 10), Item::Command(4)]);
    assert_eq!((queue.messages(), queue.bytes()), (0, 0));
    assert!(queue.try_push(message(5, 10)).is_ok(), "there is room again");
}

#[test]
fn bytes_are_limited_too_but_never_refuse_the_first_message() {
    let queue = Queue::new(LIMITS);
    assert!(queue.try_push(message(1, 1_000)).is_ok());
    assert_eq!(queue.try_push(message(2, 1)), Err(message(2, 1)));
    assert!(queue.load() >= 1.0);
}

#[test]
fn the_highest_limits_of_the_configuration_can_be_counted() {
    let limits = QueueLimits { messages: 10_000_000, bytes: 1 << 32 };
    let queue = Queue::new(limits);
    let largest = 1 << 31;
    for number in 0..3 {
        let _ = queue.push(message(number, largest));
    }
    assert_eq!((queue.messages(), queue.bytes()), (3, 3 * largest));
    assert!(queue.is_past(limits));
    queue.pop();
    queue.pop();
    assert_eq!((queue.messages(), queue.bytes()), (1, largest));
    assert!(!queue.is_past(limits));
}

#[test]
fn only_a_sleeper_is_woken_and_only_once() {
    let queue = Queue::new(LIMITS);
    assert_eq!(queue.push(Item::Command(1)), MustWake(false), "the consumer is awake");
    assert!(!queue.may_sleep(), "something waits");
    queue.pop();
    assert!(queue.may_sleep());
    assert_eq!(queue.push(Item::Command(2)), MustWake(true));
    assert_eq!(queue.push(Item::Command(3)), MustWake(false), "it was woken already");
}

#[test]
fn of_many_queues_the_sleepers_are_told() {
    let queues = [0, 1, 2].map(|_| Queue::new(LIMITS));
    assert!(queues[1].may_sleep());
    for queue in &queues {
        assert!(queue.try_push(message(1, 10)).is_ok());
    }
    let sleepers = |queues: &[Queue<Item>]| ring_all(queues.iter().enumerate()).collect::<Vec<_>>();
    assert_eq!(sleepers(&queues), [1]);
    assert_eq!(sleepers(&queues), [], "it was woken already");
}

#[test]
fn items_of_two_producers_keep_the_order_of_each() {
    let queue = Arc::new(Queue::new(LIMITS));
    let producers = [0, 1].map(|producer| {
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
            assert_eq!(number, next[producer]);
            next[producer] += 1;
        }
    }
    for producer in producers {
        producer.join().expect("the producer does not panic");
    }
}
