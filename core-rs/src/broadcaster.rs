//! The core as its embedder sees it: the [`Sequencer`], the door, and the events of both.
//!
//! One thread calls it. The parts, each in a file of its own:
//!
//! - `sequencer`: everything that happens to clients and channels, in one order
//! - `client_registry`: the clients, their places and the limits of the shards
//! - `channel_registry`: the channels (`channels`) and which workers have subscribers (`routes`)
//! - `worker_links`: the workers' queues, and what these have refused
//! - `framing`, `publishing`: from a payload to the workers' queues
//! - `backpressure`: what waits for one client alone
//! - `undecided_upgrades`, `admission`: upgrades until they are decided, clients until their
//!   sockets come
//! - `reports`: what only the workers know of single clients

mod admission;
mod backpressure;
mod channel_registry;
mod channels;
mod client_ids;
mod client_map;
mod client_registry;
mod framing;
pub mod placement;
mod publishing;
mod registration;
pub mod reports;
mod routes;
mod sequencer;
mod shard;
mod subscriptions;
mod undecided_upgrades;
mod worker_link;
mod worker_links;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::door::{Decision, Door, DoorConfig, Headers, RefusedUpgrades, Responder, UpgradeId};
use crate::error::Error;
use crate::event_queue::{Event, EventQueue};
use crate::frame::form::Form;
use crate::options::Options;
use crate::wake_tree::WakeTree;
use crate::worker::client::discards::Discards;
use crate::worker::{WorkerHandle, WorkerParts};

pub use self::admission::{Accepted, Admission, NotAccepted};
pub use self::backpressure::Sent;
pub use self::channel_registry::ChannelActivity;
pub use self::publishing::{Publication, Published};
pub use self::sequencer::Sequencer;
pub use self::shard::ShardFull;
pub use self::worker_link::QueueCounters;
pub use self::worker_links::WorkerSnapshot;

use self::reports::{PendingReports, Query, ReportId};
use self::undecided_upgrades::{UndecidedUpgrades, UpgradeGone};
use self::worker_link::WorkerLink;
use self::worker_links::WorkerLinks;

/// How often [`Broadcaster::outlast_clients`] looks.
const CLIENTS_POLL: Duration = Duration::from_millis(1);

/// A broadcaster with its shards, its workers' threads and its door.
pub struct Broadcaster {
    /// The clients and channels.
    pub sequencer: Sequencer,
    undecided: UndecidedUpgrades,
    reports: PendingReports,
    event_queue: Arc<EventQueue>,
    door: Option<Door>,
}

impl Broadcaster {
    /// Starts the workers. They and the door call `wake`, each from its thread, for the first event
    /// after [`Broadcaster::may_rest`] has returned true.
    ///
    /// # Errors
    ///
    /// What the system says when a thread or a descriptor is not to be had.
    pub fn start(
        options: Options,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Broadcaster> {
        let event_queue = Arc::new(EventQueue::new(wake));
        let all_parts: Vec<_> = (0..options.placement.workers())
            .map(|number| WorkerParts::open(number, options.queue))
            .collect::<io::Result<_>>()?;
        let mailboxes = all_parts.iter().map(|parts| parts.mailbox().clone());
        let wake_tree = Arc::new(WakeTree::new(mailboxes));
        let links = all_parts
            .into_iter()
            .map(|parts| {
                let (event_queue, wake_tree) = (Arc::clone(&event_queue), Arc::clone(&wake_tree));
                let handle = WorkerHandle::start(parts, &options, event_queue, wake_tree)?;
                Ok(WorkerLink::new(handle, options.queue, options.saturation_percent))
            })
            .collect::<io::Result<_>>()?;
        Ok(Broadcaster {
            sequencer: Sequencer::new(&options, WorkerLinks::new(links, wake_tree)),
            undecided: UndecidedUpgrades::default(),
            reports: PendingReports::default(),
            event_queue,
            door: None,
        })
    }

    /// Opens the door; returns its address, with the actual port.
    ///
    /// # Errors
    ///
    /// What the system says when the address is not to be had.
    pub fn listen(&mut self, config: DoorConfig) -> io::Result<SocketAddr> {
        if self.door.is_some() {
            return Err(io::Error::other(Error::AlreadyListening));
        }
        let door = Door::open(config, Arc::clone(&self.event_queue))?;
        let address = door.local_addr();
        self.door = Some(door);
        Ok(address)
    }

    /// Admits no more clients. Requests under way are finished.
    pub fn stop_listening(&mut self) {
        self.sequencer.close_admission();
        if let Some(door) = &self.door {
            door.stop_accepting();
        }
    }

    /// Admits no more clients, and ends requests under way at once, without an answer.
    pub fn end_requests(&mut self) {
        self.stop_listening();
        if let Some(door) = &self.door {
            door.end_requests();
        }
    }

    /// Upgrades that the door has refused by itself; none before it has opened.
    pub fn refused_upgrades(&self) -> RefusedUpgrades {
        self.door.as_ref().map(Door::refused_upgrades).unwrap_or_default()
    }

    /// Takes the oldest event. An upgrade whose client has gone meanwhile is left out.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            let event = self.event_queue.pop()?;
            if let Some(event) = self.receive(event) {
                return Some(event);
            }
        }
    }

    /// Notes what an event changes here; returns the event for the application.
    fn receive(&mut self, event: Event) -> Option<Event> {
        match event {
            // Its client has gone, or got a 503, while JavaScript was busy.
            Event::Upgrade(request) if !request.responder.is_awaited() => None,
            Event::UpgradeGivenUp(id) if !self.undecided.give_up(id) => None,
            Event::Report(id, part) => {
                let (query, mut whole) = self.reports.add(id, part)?;
                self.sequencer.add_refused(query, &mut whole);
                Some(Event::Report(id, whole))
            }
            event => self.sequencer.receive(event),
        }
    }

    /// For a caller for whom [`Broadcaster::next_event`] has nothing more. After true, the next
    /// event calls `wake`; false means that there is one already.
    pub fn may_rest(&mut self) -> bool {
        self.let_workers_read();
        self.event_queue.may_rest()
    }

    /// For a caller between two batches of events: workers that hold back go on once there is room
    /// again, and not only when nothing is left to do.
    pub fn let_workers_read(&self) {
        if self.event_queue.catch_up() {
            self.sequencer.let_workers_read();
        }
    }

    /// Keeps an upgrade that [`Broadcaster::next_event`] has brought until it is decided.
    pub fn keep_upgrade(&mut self, id: UpgradeId, form: Form, responder: Responder) {
        self.undecided.keep(id, form, responder);
    }

    /// Upgrades that were kept and whose decision the door still waits for.
    pub fn undecided_upgrades(&self) -> usize {
        self.undecided.undecided()
    }

    /// Accepts an upgrade whose frames JavaScript receives all.
    ///
    /// # Errors
    ///
    /// As [`Broadcaster::accept_without`].
    pub fn accept(
        &mut self,
        id: UpgradeId,
        client_id: Option<&str>,
        headers: Headers,
    ) -> Result<Accepted, NotAccepted> {
        self.accept_without(id, client_id, headers, Discards::default())
    }

    /// Accepts an upgrade. Without a `client_id` of the application's, the client gets one.
    /// `headers` are added to the 101 response, and JavaScript does not receive its `discards`.
    ///
    /// # Errors
    ///
    /// [`NotAccepted::ShardFull`] leaves the upgrade undecided, so that it can be refused.
    pub fn accept_without(
        &mut self,
        id: UpgradeId,
        client_id: Option<&str>,
        headers: Headers,
        discards: Discards,
    ) -> Result<Accepted, NotAccepted> {
        let form = self.undecided.check(id).map_err(|UpgradeGone| NotAccepted::UpgradeGone)?;
        let admission = self.sequencer.admit_as(client_id, form, discards);
        let (admission, worker) = admission.map_err(|ShardFull| NotAccepted::ShardFull)?;
        let client = admission.key();
        // If the client goes right now, the admission is dropped, and its worker closes the client.
        self.undecided.decide(id, Decision::Accept { headers, reservation: Box::new(admission) });
        Ok(Accepted { client, worker })
    }

    /// Refuses an upgrade with a response; returns whether its client still waited.
    pub fn refuse(&mut self, id: UpgradeId, status: u16, headers: Headers, body: Bytes) -> bool {
        self.undecided.decide(id, Decision::Refuse { status, headers, body })
    }

    /// Waits until all clients have gone, at most until the deadline, for an application that
    /// receives no more events. [`Sequencer::close_all`] comes first.
    pub fn outlast_clients(&mut self, deadline: Instant) {
        while self.sequencer.client_count() > 0 && Instant::now() < deadline {
            while let Some(event) = self.next_event() {
                if let Event::PeerDone(client) = event {
                    self.sequencer.finish(client);
                }
            }
            self.let_workers_read();
            thread::sleep(CLIENTS_POLL);
        }
    }

    /// Ends all threads and waits for them. Sockets are closed as they are. Events that were not
    /// taken are dropped; the counters can still be read.
    pub fn stop(&mut self) {
        self.stop_listening();
        if let Some(door) = &mut self.door {
            door.close();
        }
        self.sequencer.stop();
        // JavaScript may keep this for as long as it likes, with what waited there.
        while self.event_queue.pop().is_some() {}
    }

    /// Requests a report on clients. It comes as an [`Event::Report`] with the id that this
    /// returns.
    pub fn request_report(&mut self, query: Query) -> ReportId {
        let reporters = self.sequencer.reporters(query);
        let request = self.reports.request(query, reporters.len());
        reporters.for_each(|worker| self.sequencer.request_report(worker, request));
        request.id
    }
}

impl Drop for Broadcaster {
    fn drop(&mut self) {
        self.stop();
    }
}
