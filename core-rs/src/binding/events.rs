//! What happened, as JavaScript values.

use napi::bindgen_prelude::{BufferSlice, Either, ToNapiValue};
use napi::{Env, sys};
use napi_derive::napi;

use crate::broadcaster::Broadcaster;
use crate::broadcaster::reports::{ClientReport, Report};
use crate::door::RequestFailure;
use crate::event_queue::Event;
use crate::worker::client::delivery_counts::DeliveryCounts;
use crate::worker::client::missed::Missed;
use crate::worker::departure::{Cause, Departure};

/// A number or a text of an upgrade.
pub type Part = Either<u32, Option<String>>;

/// Something that happened.
#[napi(discriminant = "type", object_from_js = false)]
pub enum CoreEvent {
    /// Clients ask for a WebSocket each. Answer each with `accept` or `refuse`.
    Upgrades {
        /// What heads of these requests have in common: a line for each header, `name: value`; of
        /// those that are each client's own, `name`.
        templates: Vec<String>,
        /// Of each the id of the upgrade; path and query, as in the request line; the index of its
        /// template; the values of its own headers, in a line each and in the order of their names;
        /// the client's address, null for that of the one before; its port.
        #[napi(ts_type = "Array<number | string | null>")]
        parts: Vec<Part>,
    },
    /// An upgrade no longer waits for its decision.
    UpgradeGivenUp { upgrade: u32 },
    /// A client sent a text message.
    Text { client: u32, data: String },
    /// A client sent a binary message.
    Binary {
        client: u32,
        #[napi(ts_type = "Buffer")]
        data: CopiedBuffer,
    },
    /// A client sent a ping. Unless it was answered, `answerPing` is to be called, behind the
    /// handlers of what the client sent before.
    Ping {
        client: u32,
        #[napi(ts_type = "Buffer")]
        data: CopiedBuffer,
        answered: bool,
    },
    /// A client sent a pong.
    Pong {
        client: u32,
        #[napi(ts_type = "Buffer")]
        data: CopiedBuffer,
    },
    /// A client has taken all that waited for it.
    Drained { client: u32 },
    /// A client has closed, has ended its side, or broke the protocol. Answer with `finish`.
    PeerDone { client: u32 },
    /// A client is gone.
    Closed {
        client: u32,
        code: u16,
        reason: String,
        /// Only where the server has disconnected it by itself.
        disconnect: Option<Disconnect>,
    },
    /// The system has no descriptor or memory for a connection that waits to be accepted. It is
    /// tried again.
    AcceptFailed { reason: String },
    /// So many requests more have got no answer of the app's.
    RequestsFailed {
        kind: FailureKind,
        failures: u32,
        /// Why the last one has not.
        reason: String,
    },
    /// A worker has panicked, and begun anew without its clients. Their `Closed` events follow.
    WorkerFailed {
        shard: u32,
        /// Counted within the shard.
        worker: u32,
        /// What the panic says.
        reason: String,
    },
    /// A slow client missed messages.
    Skipped { client: u32, missed: Vec<MissedMessages> },
    /// A report on clients.
    Report {
        /// What the request returned.
        id: u32,
        clients: Vec<ClientStanding>,
        /// The delivery counts of all clients, of those that are gone too, in one sum.
        #[napi(ts_type = "DeliveryCounts")]
        client_totals: JsDeliveryCounts,
        /// What the workers have counted of the same.
        #[napi(ts_type = "DeliveryCounts")]
        worker_totals: JsDeliveryCounts,
    },
}

/// How a request of plain HTTP was left without an answer of the app's.
#[napi(string_enum = "lowercase")]
pub enum FailureKind {
    /// As many were under way as may be: 503.
    Busy,
    /// The app did not take a connection: 502.
    Unreachable,
    /// The app's answer could not be passed on: 502.
    Unusable,
    /// The app ended its connection before the end of the answer.
    Broken,
}

impl From<RequestFailure> for FailureKind {
    fn from(failure: RequestFailure) -> FailureKind {
        match failure {
            RequestFailure::Busy => FailureKind::Busy,
            RequestFailure::Unreachable => FailureKind::Unreachable,
            RequestFailure::Unusable => FailureKind::Unusable,
            RequestFailure::BrokenOff => FailureKind::Broken,
        }
    }
}

/// Why the server disconnects a client by itself: it was too slow, or silent for too long, it broke
/// the protocol or one of its limits, it did not complete a message, or its worker has failed.
#[napi(string_enum = "lowercase")]
pub enum DisconnectCause {
    Slow,
    Idle,
    Violation,
    Unfinished,
    Failed,
}

impl DisconnectCause {
    /// None where the application, the client or the network has decided: there is nothing to tell
    /// that was not known already, or that is not ordinary.
    fn of(cause: Cause) -> Option<DisconnectCause> {
        match cause {
            Cause::Slow => Some(DisconnectCause::Slow),
            Cause::Idle => Some(DisconnectCause::Idle),
            Cause::Violation => Some(DisconnectCause::Violation),
            Cause::Unfinished => Some(DisconnectCause::Unfinished),
            Cause::Failed => Some(DisconnectCause::Failed),
            Cause::App | Cause::Client | Cause::Broken => None,
        }
    }
}

/// Why the server has disconnected a client, and what waited for it then.
#[napi(object, object_from_js = false)]
pub struct Disconnect {
    pub cause: DisconnectCause,
    /// Messages, and their bytes. Unknown when its worker has failed.
    pub lag_messages: Option<f64>,
    pub lag_bytes: Option<f64>,
}

/// Messages of one channel that a client missed.
#[napi(object, object_from_js = false)]
pub struct MissedMessages {
    pub channel: String,
    pub messages: f64,
}

/// How a client stands.
#[napi(object, object_from_js = false)]
pub struct ClientStanding {
    pub client: u32,
    /// Its socket refuses bytes.
    pub slow: bool,
    /// Published messages that it lags, and their bytes.
    pub lag_messages: f64,
    pub lag_bytes: f64,
    #[napi(ts_type = "DeliveryCounts")]
    pub delivery_counts: JsDeliveryCounts,
}

/// Messages, published and direct: expected = delivered + dropped + pending.
#[napi(object, object_from_js = false, js_name = "DeliveryCounts")]
pub struct JsDeliveryCounts {
    pub expected: f64,
    pub delivered: f64,
    pub dropped: DroppedMessages,
    pub pending: f64,
}

/// Messages that a client will not get, by reason.
#[napi(object, object_from_js = false)]
pub struct DroppedMessages {
    /// It was too slow, and was disconnected.
    pub slow: f64,
    /// It was too slow, and skipped them.
    pub skipped: f64,
    /// It had closed, or its connection had broken.
    pub closed: f64,
    /// Its worker's queue was full.
    pub queue_full: f64,
}

/// Bytes that become a `Buffer` of JavaScript's own: the collector does not feel the weight of
/// memory that is not.
pub struct CopiedBuffer(Vec<u8>);

impl ToNapiValue for CopiedBuffer {
    unsafe fn to_napi_value(
        raw: sys::napi_env,
        bytes: CopiedBuffer,
    ) -> napi::Result<sys::napi_value> {
        let env = Env::from_raw(raw);
        let buffer = BufferSlice::copy_from(&env, bytes.0)?;
        // SAFETY: `raw` is the environment of this call, as the caller promises.
        unsafe { BufferSlice::to_napi_value(raw, buffer) }
    }
}

/// An event as JavaScript gets it; none of an upgrade, which is one of a run.
pub(super) fn core_event(event: Event, broadcaster: &Broadcaster) -> Option<CoreEvent> {
    Some(match event {
        Event::Upgrade(_) => return None,
        Event::UpgradeGivenUp(upgrade) => CoreEvent::UpgradeGivenUp { upgrade },
        Event::Text(client, data) => CoreEvent::Text { client, data },
        Event::Binary(client, data) => CoreEvent::Binary { client, data: CopiedBuffer(data) },
        Event::Ping { client, payload, answered } => {
            CoreEvent::Ping { client, data: CopiedBuffer(payload), answered }
        }
        Event::Pong(client, data) => CoreEvent::Pong { client, data: CopiedBuffer(data) },
        // A `Relieved` has become a `Drained`, or nothing, in `Broadcaster::next_event`.
        Event::Relieved { .. } => return None,
        Event::Drained(client) => CoreEvent::Drained { client },
        Event::PeerDone(client) => CoreEvent::PeerDone { client },
        Event::Closed { client, code, reason, departure } => {
            CoreEvent::Closed { client, code, reason, disconnect: disconnect(departure) }
        }
        Event::AcceptFailed(reason) => CoreEvent::AcceptFailed { reason },
        Event::RequestsFailed(kind, failures, reason) => {
            CoreEvent::RequestsFailed { kind: kind.into(), failures, reason }
        }
        Event::WorkerFailed { worker, reason } => {
            let (shard, worker) = broadcaster.sequencer.place_of(worker);
            CoreEvent::WorkerFailed { shard: shard as u32, worker: worker as u32, reason }
        }
        Event::Skipped(client, missed) => CoreEvent::Skipped { client, missed: print(&missed) },
        Event::Report(id, Report { clients, reconciliation }) => CoreEvent::Report {
            id,
            clients: clients.into_iter().map(ClientStanding::from).collect(),
            client_totals: reconciliation.clients.into(),
            worker_totals: reconciliation.workers.into(),
        },
    })
}

fn disconnect(Departure { cause, waiting }: Departure) -> Option<Disconnect> {
    Some(Disconnect {
        cause: DisconnectCause::of(cause)?,
        lag_messages: waiting.map(|lag| lag.messages as f64),
        lag_bytes: waiting.map(|lag| lag.bytes as f64),
    })
}

fn print(missed: &Missed) -> Vec<MissedMessages> {
    let channels = missed.iter().map(|(channel, messages)| MissedMessages {
        channel: channel.to_owned(),
        messages: messages as f64,
    });
    channels.collect()
}

impl From<ClientReport> for ClientStanding {
    fn from(report: ClientReport) -> ClientStanding {
        ClientStanding {
            client: report.client,
            slow: report.slow,
            lag_messages: report.lag.messages as f64,
            lag_bytes: report.lag.bytes as f64,
            delivery_counts: report.delivery_counts.into(),
        }
    }
}

impl From<DeliveryCounts> for JsDeliveryCounts {
    fn from(counts: DeliveryCounts) -> JsDeliveryCounts {
        JsDeliveryCounts {
            expected: counts.expected as f64,
            delivered: counts.delivered as f64,
            dropped: DroppedMessages {
                slow: counts.dropped.slow as f64,
                skipped: counts.dropped.skipped as f64,
                closed: counts.dropped.closed as f64,
                queue_full: counts.dropped.queue_full as f64,
            },
            pending: counts.pending as f64,
        }
    }
}
