//! The face that JavaScript sees. Nothing outside of this module knows Node-API.
//!
//! Every method runs on the JavaScript thread. Nothing here decides anything: it turns JavaScript
//! values into calls of the [`Broadcaster`], and what happened into JavaScript values.

mod batch;
mod constants;
mod counters;
mod errors;
mod events;
mod headers;
mod hot_functions;
mod options;
mod teardown;
mod text;
mod upgrades;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use napi::bindgen_prelude::Uint8Array;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;

use crate::broadcaster::Broadcaster;
use crate::broadcaster::placement;
use crate::broadcaster::reports::Query;
use crate::frame::{Frame, MAX_CONTROL_PAYLOAD};
use crate::worker::client::discards::Discards;

use self::counters::{
    ChannelCounts, ChannelTotals, JsDeliveryTimes, RefusedAtDoor, WorkerCounters,
};
use self::errors::{invalid, io_error};
use self::headers::parse_headers;
use self::hot_functions::{HotFunctions, sent_status};
use self::options::{CoreOptions, DoorAddress, DoorOptions};

/// Calls JavaScript without arguments, does not keep the process alive, and never waits.
type WakeCallback = ThreadsafeFunction<(), (), (), Status, false, true>;

/// The native core of one server.
#[napi]
pub struct Core {
    // JavaScript is one thread, and the wake callback comes after the end of a call. A call within
    // another panics instead of seeing this half changed.
    broadcaster: Rc<RefCell<Broadcaster>>,
}

#[napi]
impl Core {
    /// Starts the workers. `wake` is called when events wait and the last `drain` has taken
    /// all.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        options: CoreOptions,
        #[napi(ts_arg_type = "() => void")] wake: WakeCallback,
    ) -> napi::Result<Core, &'static str> {
        let wake = move || {
            // Full or closing: then JavaScript is about to look, or will never look again.
            let _ = wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        };
        let broadcaster = Broadcaster::start(options.checked()?, wake).map_err(io_error)?;
        let broadcaster = Rc::new(RefCell::new(broadcaster));
        teardown::watch(env, &broadcaster).map_err(|error| invalid(error.to_string()))?;
        Ok(Core { broadcaster })
    }

    /// What is called for every message, and for every client that comes. To be got once.
    #[napi]
    pub fn hot_functions<'env>(&self, env: &'env Env) -> napi::Result<HotFunctions<'env>> {
        HotFunctions::new(env, &self.broadcaster)
    }

    /// Opens the door; returns where. The error has the system's name for it as its `code`, such as
    /// `EADDRINUSE`.
    #[napi]
    pub fn listen(&self, options: DoorOptions) -> napi::Result<DoorAddress, &'static str> {
        let config = options.checked()?;
        let address = self.broadcaster.borrow_mut().listen(config).map_err(io_error)?;
        Ok(DoorAddress { host: address.ip().to_string(), port: address.port() })
    }

    /// Admits no more clients. Requests under way are finished.
    #[napi]
    pub fn stop_listening(&self) {
        self.broadcaster.borrow_mut().stop_listening();
    }

    /// The same, but requests under way are ended at once, without an answer.
    #[napi]
    pub fn end_requests(&self) {
        self.broadcaster.borrow_mut().end_requests();
    }

    /// The id of a client that was accepted without one, also once it is gone.
    #[napi]
    pub fn given_id(&self, client: u32) -> String {
        self.broadcaster.borrow().sequencer.given_id(client)
    }

    /// Refuses an upgrade with a response; false when its client has gone. `headers` are
    /// name, value, name, value, …
    #[napi]
    pub fn refuse(
        &self,
        upgrade: u32,
        status: u16,
        headers: Vec<String>,
        body: Uint8Array,
    ) -> napi::Result<bool, &'static str> {
        let headers = parse_headers(&headers).map_err(invalid)?;
        let body = Bytes::copy_from_slice(&body);
        Ok(self.broadcaster.borrow_mut().refuse(upgrade, status, headers, body))
    }

    /// Upgrades that `drain` has brought and whose decision the door still waits for.
    #[napi]
    pub fn undecided_upgrades(&self) -> u32 {
        self.broadcaster.borrow().undecided_upgrades() as u32
    }

    /// Upgrades that the door has refused without asking, or without getting an answer, by reason.
    #[napi]
    pub fn refused_at_door(&self) -> RefusedAtDoor {
        self.broadcaster.borrow().refused_upgrades().into()
    }

    /// Unsubscribes a client; false when it was not subscribed.
    #[napi]
    pub fn unsubscribe(&self, client: u32, channel: String) -> bool {
        self.broadcaster.borrow_mut().sequencer.unsubscribe(client, &channel)
    }

    /// Whether a client is subscribed.
    #[napi]
    pub fn is_subscribed(&self, client: u32, channel: String) -> bool {
        self.broadcaster.borrow().sequencer.is_subscribed(client, &channel)
    }

    /// What a client is subscribed to.
    #[napi]
    pub fn subscriptions(&self, client: u32) -> Vec<String> {
        self.broadcaster.borrow().sequencer.subscriptions(client).map(str::to_owned).collect()
    }

    /// Sends a ping with at most 125 bytes; answers as `HotFunctions.sendText`.
    #[napi]
    pub fn ping(&self, client: u32, payload: &[u8]) -> napi::Result<i64, &'static str> {
        self.control(client, payload, Frame::ping)
    }

    /// Sends a pong with at most 125 bytes; answers as `HotFunctions.sendText`.
    #[napi]
    pub fn pong(&self, client: u32, payload: &[u8]) -> napi::Result<i64, &'static str> {
        self.control(client, payload, Frame::pong)
    }

    /// Answers a ping that its worker has left to the application, with its at most 125 bytes.
    #[napi]
    pub fn answer_ping(&self, client: u32, payload: &[u8]) {
        self.broadcaster.borrow().sequencer.answer_ping(client, payload);
    }

    fn control(
        &self,
        client: u32,
        payload: &[u8],
        frame: impl FnOnce(&[u8]) -> Frame,
    ) -> napi::Result<i64, &'static str> {
        if payload.len() > MAX_CONTROL_PAYLOAD {
            let length = payload.len();
            return Err(invalid(format!("at most {MAX_CONTROL_PAYLOAD} bytes, not {length}")));
        }
        let sent = self.broadcaster.borrow_mut().sequencer.control(client, frame(payload));
        Ok(sent_status(sent, payload.len()))
    }

    /// Stops reading from a client, or goes on.
    #[napi]
    pub fn pause(&self, client: u32, paused: bool) {
        self.broadcaster.borrow_mut().sequencer.pause(client, paused);
    }

    /// Discards these kinds of a client's frames from here on, and no others. The bits are those of
    /// `HotFunctions.accept`.
    #[napi]
    pub fn discard(&self, client: u32, kinds: u8) {
        self.broadcaster.borrow_mut().sequencer.discard(client, Discards::from_bits(kinds));
    }

    /// Bytes of direct messages that wait for a client. After some, a `Drained` follows when none
    /// do.
    #[napi]
    pub fn buffered_amount(&self, client: u32) -> f64 {
        self.broadcaster.borrow_mut().sequencer.buffered(client) as f64
    }

    /// Starts the closing handshake with a client. Code 1005 stands for none.
    #[napi]
    pub fn close(&self, client: u32, code: u16, reason: String) {
        self.broadcaster.borrow_mut().sequencer.close(client, code, reason);
    }

    /// Closes a client after its `PeerDone` event.
    #[napi]
    pub fn finish(&self, client: u32) {
        self.broadcaster.borrow_mut().sequencer.finish(client);
    }

    /// Ends a client's connection, after what its socket takes at once.
    #[napi]
    pub fn terminate(&self, client: u32) {
        self.broadcaster.borrow_mut().sequencer.terminate(client);
    }

    /// Number of clients that are subscribed to a channel.
    #[napi]
    pub fn subscriber_count(&self, channel: String) -> f64 {
        self.broadcaster.borrow().sequencer.subscriber_count(&channel) as f64
    }

    /// How full the fullest queue is, from 0 to 1.
    #[napi]
    pub fn queue_load(&self) -> f64 {
        self.broadcaster.borrow().sequencer.queue_load()
    }

    /// Whether any queue is past its soft limit, or has been and is not yet well below it.
    #[napi]
    pub fn is_saturated(&self) -> bool {
        self.broadcaster.borrow().sequencer.is_saturated()
    }

    /// Clients that are not gone yet, those in the closing handshake included.
    #[napi]
    pub fn client_count(&self) -> f64 {
        self.broadcaster.borrow().sequencer.client_count() as f64
    }

    /// Closes every client after what is queued for it, evenly over `spreadMs`.
    #[napi]
    pub fn close_all(&self, code: u16, reason: String, spread_ms: u32) {
        let over = Duration::from_millis(u64::from(spread_ms));
        self.broadcaster.borrow_mut().sequencer.close_all(code, &reason, over);
    }

    /// Counters and gauges of every worker, shard by shard.
    #[napi]
    pub fn workers(&self) -> Vec<WorkerCounters> {
        self.broadcaster.borrow().sequencer.snapshots().map(WorkerCounters::from).collect()
    }

    /// How long messages take from their publish to the end of the pass that carried them.
    #[napi(ts_return_type = "DeliveryTimes")]
    pub fn delivery_times(&self) -> JsDeliveryTimes {
        self.broadcaster.borrow().sequencer.delivery_times().into()
    }

    /// The channels with the most messages of those whose name has `search` in it, most first,
    /// `limit` at most.
    #[napi]
    pub fn busiest_channels(&self, limit: u32, search: String) -> Vec<ChannelCounts> {
        let busiest = self.broadcaster.borrow().sequencer.busiest_channels(limit as usize, &search);
        busiest.into_iter().map(ChannelCounts::from).collect()
    }

    /// How many channels have subscribers, and how many subscriptions these are.
    #[napi]
    pub fn channel_totals(&self) -> ChannelTotals {
        self.broadcaster.borrow().sequencer.channel_totals().into()
    }

    /// Requests a report on the clients that lag most of those whose socket refuses bytes, `limit`
    /// at most. It comes as a `Report` event with the id that this returns.
    #[napi]
    pub fn request_slowest_clients(&self, limit: u32) -> u32 {
        self.broadcaster.borrow_mut().request_report(Query::Slowest(limit as usize))
    }

    /// Requests a report on one client, as `requestSlowestClients` does.
    #[napi]
    pub fn request_client_report(&self, client: u32) -> u32 {
        self.broadcaster.borrow_mut().request_report(Query::Client(client))
    }

    /// Requests the delivery counts of all clients and the counters of all workers, as
    /// `requestSlowestClients` does.
    #[napi]
    pub fn request_reconciliation(&self) -> u32 {
        self.broadcaster.borrow_mut().request_report(Query::Reconciliation)
    }

    /// Ends all threads and waits for them.
    #[napi]
    pub fn stop(&self) {
        teardown::forget(&self.broadcaster);
        self.broadcaster.borrow_mut().stop();
    }
}

/// 32-bit FNV-1a of a text's UTF-8 bytes.
#[napi(js_name = "fnv1a")]
pub fn fnv1a(text: String) -> u32 {
    placement::fnv1a32(text.as_bytes())
}

/// Raises the soft limit of open files to the hard one; returns the limit now in force.
#[napi]
pub fn raise_file_limit() -> f64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Refused, the limit stays as it is, which is what this returns.
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.map_or(f64::INFINITY, |limit| limit as f64)
}
