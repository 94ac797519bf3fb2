use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::*;

const LIMITS: QueueLimits = QueueLimits { messages: 8, bytes: 1_000 };

/// What counts is even.
impl QueueItem for u32 {
    fn bytes(&self) -> Option<usize> {
        self.is_multiple_of(2).then_some(10)
    }
}

/// Explores every interleaving with up to three preemptions.
fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Stands for what a worker sleeps on: an eventfd that stays readable until it was read.
struct Waker {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Waker {
    fn new() -> Waker {
        Waker { rung: Mutex::new(false), changed: Condvar::new() }
    }

    fn wake(&self, must: MustWake) {
        if must.0 {
            *self.rung.lock().expect("lock") = true;
            self.changed.notify_one();
        }
    }

    fn wait(&self) {
        let mut rung = self.rung.lock().expect("lock");
        while !*rung {
            rung = self.changed.wait(rung).expect("lock");
        }
        *rung = false;
    }
}

fn ring(queue: &Queue<u32>, waker: &Waker) {
    ring_all([(waker, queue)].into_iter()).for_each(|waker| waker.wake(MustWake(true)));
}

/// Pops until `count` items came, and sleeps whenever the queue allows it. Were a wake-up lost,
/// loom would report the deadlock.
fn consume(queue: &Queue<u32>, waker: &Waker, count: usize) -> Vec<u32> {
    let mut popped = Vec::new();
    while popped.len() < count {
        match queue.pop() {
            Some(item) => popped.push(item),
            None if queue.may_sleep() => {
                waker.wait();
                queue.awake();
            }
            None => {}
        }
    }
    popped
}

#[test]
fn loom_no_push_is_left_beside_a_sleeper() {
    explore(|| {
        let queue = Arc::new(Queue::new(LIMITS));
        let waker = Arc::new(Waker::new());
        let producer = {
            let (queue, waker) = (Arc::clone(&queue), Arc::clone(&waker));
            thread::spawn(move || {
                queue.try_push(2).expect("there is room");
                ring(&queue, &waker);
                waker.wake(queue.push(3));
            })
        };
        assert_eq!(consume(&queue, &waker, 2), [2, 3]);
        producer.join().expect("the producer does not panic");
        assert_eq!(queue.messages(), 0);
    });
}

#[test]
fn loom_two_sleepers_hear_of_one_fence() {
    explore(|| {
        let sleepers = [0, 1].map(|_| Arc::new((Queue::new(LIMITS), Waker::new())));
        let consumers = sleepers.clone().map(|sleeper| {
            thread::spawn(move || assert_eq!(consume(&sleeper.0, &sleeper.1, 1), [2]))
        });
        for sleeper in &sleepers {
            sleeper.0.try_push(2).expect("there is room");
        }
        let queues = sleepers.iter().map(|sleeper| (&sleeper.1, &sleeper.0));
        ring_all(queues).for_each(|waker| waker.wake(MustWake(true)));
        for consumer in consumers {
            consumer.join().expect("the consumer does not panic");
        }
    });
}

#[test]
fn loom_two_producers_wake_one_sleeper() {
    explore(|| {
        let queue = Arc::new(Queue::new(LIMITS));
        let waker = Arc::new(Waker::new());
        let producers = [1, 2].map(|item| {
            let (queue, waker) = (Arc::clone(&queue), Arc::clone(&waker));
            thread::spawn(move || waker.wake(queue.push(item)))
        });
        let mut popped = consume(&queue, &waker, 2);
        popped.sort_unstable();
        assert_eq!(popped, [1, 2]);
        for producer in producers {
            producer.join().expect("the producer does not panic");
        }
    });
}
