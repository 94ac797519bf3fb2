//! Every message is accounted for, whatever happens to the clients.

mod harness;

use std::collections::HashMap;
use std::net::Shutdown;

use proptest::prelude::*;
use shardcast_core::broadcaster::reports::{Query, Reconciliation, Report};
use shardcast_core::broadcaster::{Publication, Sent};
use shardcast_core::event_queue::Event;
use shardcast_core::frame::Payload;
use shardcast_core::ids::ClientKey;
use shardcast_core::options::SlowPolicy;
use shardcast_core::worker::client::delivery_counts::DeliveryCounts;

use harness::{Harness, TIMEOUT, TestClient, options};

const CHANNELS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    Connect,
    Subscribe(usize, usize),
    Unsubscribe(usize, usize),
    Publish { channel: usize, bytes: usize, times: usize, except: Option<usize> },
    Send(usize),
    Read(usize, usize),
    Close(usize),
    Terminate(usize),
    Reset(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0usize..100;
    let channel = 0usize..CHANNELS.len();
    prop_oneof![
        4 => Just(Step::Connect),
        4 => (client.clone(), channel.clone()).prop_map(|(c, n)| Step::Subscribe(c, n)),
        1 => (client.clone(), channel.clone()).prop_map(|(c, n)| Step::Unsubscribe(c, n)),
        8 => publish(),
        2 => client.clone().prop_map(Step::Send),
        4 => (client.clone(), 1usize..20).prop_map(|(c, times)| Step::Read(c, times)),
        1 => client.clone().prop_map(Step::Close),
        1 => client.clone().prop_map(Step::Terminate),
        1 => client.prop_map(Step::Reset),
    ]
}

fn publish() -> impl Strategy<Value = Step> {
    let channel = 0usize..CHANNELS.len();
    let bytes = prop_oneof![Just(10usize), Just(300_000)];
    let except = prop::option::weighted(0.2, 0usize..100);
    (channel, bytes, 1usize..20, except).prop_map(|(channel, bytes, times, except)| Step::Publish {
        channel,
        bytes,
        times,
        except,
    })
}

struct World {
    harness: Harness,
    clients: Vec<(ClientKey, TestClient)>,
    /// Messages expected to reach each client, by what was done to it.
    expected: HashMap<ClientKey, u64>,
    /// How often each client's close was told.
    closes: HashMap<ClientKey, u32>,
    connected: usize,
}

impl World {
    fn start(slow: SlowPolicy, queue_messages: usize) -> World {
        let mut limits = options();
        limits.queue.messages = queue_messages;
        limits.client.lag.messages = 5;
        limits.client.slow = slow;
        let harness = Harness::start(limits);
        World {
            harness,
            clients: Vec::new(),
            expected: HashMap::new(),
            closes: HashMap::new(),
            connected: 0,
        }
    }

    fn client(&self, number: usize) -> Option<ClientKey> {
        let index = number.checked_rem(self.clients.len())?;
        Some(self.clients[index].0)
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Connect => self.connect(),
            Step::Subscribe(client, channel) => {
                if let Some(key) = self.client(client) {
                    let _ = self.harness.broadcaster.sequencer.subscribe(key, CHANNELS[channel]);
                }
            }
            Step::Unsubscribe(client, channel) => {
                if let Some(key) = self.client(client) {
                    self.harness.broadcaster.sequencer.unsubscribe(key, CHANNELS[channel]);
                }
            }
            Step::Publish { channel, bytes, times, except } => {
                let except = except.and_then(|number| self.client(number));
                self.publish(CHANNELS[channel], bytes, times, except);
            }
            Step::Send(client) => {
                if let Some(key) = self.client(client)
                    && self.harness.broadcaster.sequencer.send(key, Payload::Text("direct"), false)
                        != Sent::Dropped
                {
                    *self.expected.entry(key).or_default() += 1;
                }
            }
            Step::Read(client, times) => {
                if let Some(index) = client.checked_rem(self.clients.len()) {
                    let socket = &mut self.clients[index].1;
                    for _ in 0..times {
                        if socket.read().is_err() {
                            break;
                        }
                    }
                }
            }
            Step::Close(client) => {
                if let Some(key) = self.client(client) {
                    self.harness.broadcaster.sequencer.close(key, 1000, String::new());
                }
            }
            Step::Terminate(client) => {
                if let Some(key) = self.client(client) {
                    self.harness.broadcaster.sequencer.terminate(key);
                }
            }
            Step::Reset(client) => {
                if let Some(index) = client.checked_rem(self.clients.len()) {
                    let _ = self.clients.swap_remove(index).1.get_ref().shutdown(Shutdown::Both);
                }
            }
        }
        while let Some(event) = self.harness.broadcaster.next_event() {
            self.note(&event);
        }
    }

    fn connect(&mut self) {
        self.connected += 1;
        let client = self.harness.connect(&format!("client-{}", self.connected));
        client.1.get_ref().set_nonblocking(true).expect("a socket can be non-blocking");
        self.clients.push(client);
    }

    fn publish(&mut self, channel: &str, bytes: usize, times: usize, except: Option<ClientKey>) {
        let broadcaster = &mut self.harness.broadcaster;
        for (client, _) in &self.clients {
            if broadcaster.sequencer.is_subscribed(*client, channel) && except != Some(*client) {
                *self.expected.entry(*client).or_default() += times as u64;
            }
        }
        let bytes = vec![1; bytes];
        for _ in 0..times {
            let publication = Publication { except, ..Publication::default() };
            broadcaster.sequencer.publish(channel, Payload::Binary(&bytes), publication);
        }
    }

    fn note(&mut self, event: &Event) {
        if let Event::Closed { client, .. } = event {
            *self.closes.entry(*client).or_default() += 1;
        }
    }

    /// The answer to a question. Whatever happened at a worker before it answered is noted.
    fn report(&mut self, query: Query) -> Report {
        let asked = self.harness.broadcaster.request_report(query);
        loop {
            match self.harness.event() {
                Event::Report(id, report) if id == asked => return report,
                event => self.note(&event),
            }
        }
    }

    /// Ends every connection and waits until all closes were told.
    fn end(&mut self) {
        self.clients.clear();
        while self.closes.len() < self.connected {
            let event = self.harness.event();
            self.note(&event);
        }
    }
}

/// The total over all clients is the total over all workers, at any moment.
fn check_totals(world: &mut World) -> Result<(), TestCaseError> {
    let Reconciliation { clients, workers } = world.report(Query::Reconciliation).reconciliation;
    prop_assert_eq!(clients, workers);
    Ok(())
}

/// The delivery counts of each open client add up, over just the messages expected to reach it.
fn check_open_clients(world: &mut World) -> Result<(), TestCaseError> {
    let keys: Vec<ClientKey> = world.clients.iter().map(|(key, _)| *key).collect();
    for key in keys {
        let report = world.report(Query::Client(key));
        let Some(client) = report.clients.first() else { continue };
        let DeliveryCounts { expected, delivered, dropped, pending } = client.delivery_counts;
        prop_assert_eq!(expected, delivered + dropped.total() + pending);
        if !world.closes.contains_key(&key) {
            prop_assert_eq!(expected, world.expected.get(&key).copied().unwrap_or(0));
        }
    }
    Ok(())
}

fn balances(steps: &[Step], slow: SlowPolicy, queue: usize) -> Result<(), TestCaseError> {
    let mut world = World::start(slow, queue);
    steps.iter().for_each(|step| world.take(step));
    check_totals(&mut world)?;
    check_open_clients(&mut world)?;
    world.end();
    check_totals(&mut world)?;
    let totals = world.harness.wait_for(|totals| totals.clients == 0);
    let dropped = totals.dropped_slow + totals.dropped_skipped + totals.dropped_closed;
    prop_assert_eq!(
        totals.deliveries_expected,
        totals.deliveries + dropped,
        "within {:?}",
        TIMEOUT
    );
    prop_assert!(world.closes.values().all(|&times| times == 1), "{:?}", world.closes);
    prop_assert_eq!(world.closes.len(), world.connected);
    for channel in CHANNELS {
        prop_assert_eq!(world.harness.broadcaster.sequencer.subscriber_count(channel), 0);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..Default::default() })]

    #[test]
    fn what_was_expected_was_delivered_or_dropped_for_a_reason(
        steps in prop::collection::vec(step(), 1..120),
        disconnect in any::<bool>(),
        // The smaller one refuses most of what is published at once.
        queue in prop_oneof![Just(3usize), Just(100_000)],
    ) {
        let slow = if disconnect { SlowPolicy::Disconnect } else { SlowPolicy::Skip };
        balances(&steps, slow, queue)?;
    }
}
