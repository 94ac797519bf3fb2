use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::*;

/// Stands for what a worker sleeps on: an eventfd that stays readable until it was read.
#[derive(Default)]
struct Eventfd {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Wakeable for Eventfd {
    fn wake(&self) {
        *self.rung.lock().expect("lock") = true;
        self.changed.notify_one();
    }
}

impl Eventfd {
    fn wait(&self) {
        let mut rung = self.rung.lock().expect("lock");
        while !*rung {
            rung = self.changed.wait(rung).expect("lock");
        }
        *rung = false;
    }
}

type Tree = WakeTree<Arc<Eventfd>>;

impl Wakeable for Arc<Eventfd> {
    fn wake(&self) {
        self.as_ref().wake();
    }
}

fn tree(workers: usize) -> (Arc<Tree>, Vec<Arc<Eventfd>>) {
    let eventfds: Vec<_> = (0..workers).map(|_| Arc::new(Eventfd::default())).collect();
    (Arc::new(WakeTree::new(eventfds.iter().map(Arc::clone))), eventfds)
}

fn sleep_once(tree: &Arc<Tree>, eventfd: &Arc<Eventfd>) -> thread::JoinHandle<()> {
    let (tree, eventfd) = (Arc::clone(tree), Arc::clone(eventfd));
    thread::spawn(move || {
        eventfd.wait();
        tree.pass_on();
    })
}

/// Explores every interleaving with up to three preemptions. Were a sleeper forgotten, loom would
/// report the deadlock.
fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn loom_every_noted_worker_wakes() {
    explore(|| {
        let (tree, eventfds) = tree(3);
        let sleepers: Vec<_> = eventfds.iter().map(|eventfd| sleep_once(&tree, eventfd)).collect();
        (0..3).for_each(|worker| tree.note(worker));
        tree.wake_one();
        for sleeper in sleepers {
            sleeper.join().expect("no sleeper panics");
        }
    });
}

#[test]
fn loom_a_worker_that_is_woken_for_something_else_takes_no_wake_along() {
    explore(|| {
        let (tree, eventfds) = tree(2);
        let sleepers: Vec<_> = eventfds.iter().map(|eventfd| sleep_once(&tree, eventfd)).collect();
        // A command for the first one alone, while the second is noted.
        let other = Arc::clone(&eventfds[0]);
        let commander = thread::spawn(move || other.wake());
        tree.note(1);
        tree.wake_one();
        commander.join().expect("no commander panics");
        for sleeper in sleepers {
            sleeper.join().expect("no sleeper panics");
        }
    });
}
