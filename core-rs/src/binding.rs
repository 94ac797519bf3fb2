//! The face that JavaScript sees, and the only file that knows Node-API.
//!
//! Every method runs on the JavaScript thread. Nothing here decides anything: it turns JavaScript values
//! into calls of the [`Broadcaster`], and what happened into JavaScript values.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use napi::bindgen_prelude::{BufferSlice, ToNapiValue, Uint8Array};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, sys};
use napi_derive::napi;

use crate::bridge::Event;
use crate::broadcaster::{Broadcaster, NotAccepted, Published, Sent, WorkerSnapshot};
use crate::door::{DoorConfig, Headers};
use crate::frame::Frame;
use crate::log::Lag;
use crate::options::{ClientLimits, Options, SlowPolicy};
use crate::placement::{self, Placement};
use crate::queue::QueueLimits;

/// Calls JavaScript without arguments, does not keep the process alive, and never waits.
type Doorbell = ThreadsafeFunction<(), (), (), Status, false, true>;

/// Limits and sizes of the core. Counts, unless the name carries a unit.
#[napi(object)]
pub struct CoreOptions {
    pub num_shards: u32,
    pub workers_per_shard: u32,
    /// Clients per shard.
    pub max_clients: u32,
    /// Messages a client may fall behind before it is slow.
    pub buffer_size: u32,
    /// Bytes a client may fall behind before it is slow.
    pub buffer_bytes: f64,
    /// Disconnect slow clients; otherwise they skip what they missed.
    pub drop_slow_clients: bool,
    /// Largest inbound message, in bytes.
    pub max_payload_length: f64,
    /// Bytes of direct messages that may wait for one client.
    pub backpressure_limit: f64,
    /// Seconds of silence after which a client is given up; 0 is never.
    pub idle_timeout_seconds: u32,
    /// Ping a client after half of that silence.
    pub send_pings: bool,
    /// Published messages that may wait in one worker's queue.
    pub queue_messages: u32,
    /// Bytes of published messages that may wait in one worker's queue.
    pub queue_bytes: f64,
    /// Channels one client may be subscribed to.
    pub max_channels_per_client: u32,
}

/// Where the door listens, and what it tolerates.
#[napi(object)]
pub struct DoorOptions {
    /// An IP address.
    pub host: String,
    /// 0 is any free port.
    pub port: u16,
    /// Path of the unix socket on which plain HTTP is answered.
    pub upstream: String,
    pub head_timeout_ms: u32,
    pub max_head_bytes: u32,
    pub upgrade_timeout_ms: u32,
    pub max_pending_upgrades: u32,
}

/// Something that happened.
#[napi(discriminant = "type", object_from_js = false)]
pub enum CoreEvent {
    /// A client asks for a WebSocket. Answer with `accept` or `refuse`.
    Upgrade {
        ask: u32,
        /// Path and query, as in the request line.
        url: String,
        /// Name, value, name, value, …
        headers: Vec<String>,
        address: String,
        port: u16,
    },
    /// A client sent a text message.
    Text { client: u32, data: String },
    /// A client sent a binary message.
    Binary {
        client: u32,
        #[napi(ts_type = "Buffer")]
        data: CopiedBuffer,
    },
    /// A client is gone.
    Closed { client: u32, code: u16, reason: String },
    /// A slow client missed messages.
    Skipped { client: u32, messages: f64 },
}

/// Bytes that become a `Buffer` of JavaScript's own: the collector does not feel the weight of memory
/// that is not.
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

/// Counters of one worker since start, and its gauges now.
#[napi(object)]
pub struct WorkerCounters {
    pub shard: u32,
    pub worker: u32,
    /// Clients it holds, those that leave and those whose socket is still to come too.
    pub clients: f64,
    /// Published messages taken from the queue.
    pub messages: f64,
    /// Messages meant for clients, each counted once a client, those that the queue refused too.
    pub deliveries_meant: f64,
    /// Messages that a client's socket has accepted whole.
    pub deliveries: f64,
    pub dropped_slow: f64,
    pub dropped_skipped: f64,
    pub dropped_closed: f64,
    pub dropped_queue_full: f64,
    /// Published messages that the queue refused.
    pub messages_queue_full: f64,
    /// Clients disconnected for being slow.
    pub slow_closed: f64,
    pub bytes_written: f64,
    pub writes: f64,
    pub messages_received: f64,
    pub bytes_received: f64,
    /// Published messages in the queue now, and their bytes.
    pub queue_messages: f64,
    pub queue_bytes: f64,
}

/// The native core of one server.
#[napi]
pub struct Core {
    // JavaScript is one thread, but a doorbell that it answers inside a call must find an error.
    broadcaster: RefCell<Broadcaster>,
}

#[napi]
impl Core {
    /// Starts the workers. `doorbell` is called when events wait and the last `drain` has taken all.
    #[napi(constructor)]
    pub fn new(
        options: CoreOptions,
        #[napi(ts_arg_type = "() => void")] doorbell: Doorbell,
    ) -> napi::Result<Core, &'static str> {
        let ring = move || {
            // Full or closing: then JavaScript is about to look, or will never look again.
            let _ = doorbell.call((), ThreadsafeFunctionCallMode::NonBlocking);
        };
        let broadcaster = Broadcaster::start(options.checked()?, ring).map_err(io_error)?;
        Ok(Core { broadcaster: RefCell::new(broadcaster) })
    }

    /// Opens the door; returns the port. The error has the system's name for it as its `code`, such as
    /// `EADDRINUSE`.
    #[napi]
    pub fn listen(&self, options: DoorOptions) -> napi::Result<u16, &'static str> {
        let config = options.checked()?;
        self.broadcaster.borrow_mut().listen(config).map_err(io_error)
    }

    /// Lets nobody in any more. Requests under way are finished.
    #[napi]
    pub fn stop_listening(&self) {
        self.broadcaster.borrow_mut().stop_listening();
    }

    /// Accepts an upgrade: a client (above 0), −1 when its shard is full (the upgrade is still to be
    /// refused), −2 when nobody waits for the answer. `headers` are name, value, name, value, …
    #[napi]
    pub fn accept(
        &self,
        ask: u32,
        client_id: String,
        headers: Vec<String>,
    ) -> napi::Result<i64, &'static str> {
        let headers = parse_headers(&headers)?;
        let accepted = self.broadcaster.borrow_mut().accept(ask, &client_id, headers);
        Ok(match accepted {
            Ok(client) => i64::from(client),
            Err(NotAccepted::ShardFull) => -1,
            Err(NotAccepted::AskGone) => -2,
        })
    }

    /// Refuses an upgrade with a response. `headers` are name, value, name, value, …
    #[napi]
    pub fn refuse(
        &self,
        ask: u32,
        status: u16,
        headers: Vec<String>,
        body: Uint8Array,
    ) -> napi::Result<(), &'static str> {
        let headers = parse_headers(&headers)?;
        let body = Bytes::copy_from_slice(&body);
        self.broadcaster.borrow_mut().refuse(ask, status, headers, body);
        Ok(())
    }

    /// Subscribes a client; false when it was already, or is gone.
    #[napi]
    pub fn subscribe(&self, client: u32, channel: String) -> napi::Result<bool> {
        let subscribed = self.broadcaster.borrow_mut().subscribe(client, &channel);
        subscribed.map_err(|error| napi::Error::from_reason(error.to_string()))
    }

    /// Unsubscribes a client; false when it was not subscribed.
    #[napi]
    pub fn unsubscribe(&self, client: u32, channel: String) -> bool {
        self.broadcaster.borrow_mut().unsubscribe(client, &channel)
    }

    /// Whether a client is subscribed.
    #[napi]
    pub fn is_subscribed(&self, client: u32, channel: String) -> bool {
        self.broadcaster.borrow().is_subscribed(client, &channel)
    }

    /// What a client is subscribed to.
    #[napi]
    pub fn subscriptions(&self, client: u32) -> Vec<String> {
        self.broadcaster.borrow().subscriptions(client).map(str::to_owned).collect()
    }

    /// Sends text to one client: bytes of payload, 0 when dropped, −1 when it waits because
    /// the socket is full.
    #[napi]
    pub fn send_text(&self, client: u32, text: String) -> i64 {
        self.send(client, Frame::text(&text), text.len())
    }

    /// Sends bytes to one client; answers as `sendText`.
    #[napi]
    pub fn send_binary(&self, client: u32, bytes: &[u8]) -> i64 {
        self.send(client, Frame::binary(bytes), bytes.len())
    }

    fn send(&self, client: u32, frame: Frame, payload_len: usize) -> i64 {
        match self.broadcaster.borrow_mut().send(client, frame) {
            Sent::Queued => payload_len as i64,
            Sent::Behind => -1,
            Sent::Dropped => 0,
        }
    }

    /// Bytes of direct messages that wait for a client.
    #[napi]
    pub fn buffered_amount(&self, client: u32) -> f64 {
        self.broadcaster.borrow().buffered(client) as f64
    }

    /// Starts the closing handshake with a client. Code 1005 stands for none.
    #[napi]
    pub fn close(&self, client: u32, code: u16, reason: String) {
        self.broadcaster.borrow_mut().close(client, code, reason);
    }

    /// Ends a client's connection at once.
    #[napi]
    pub fn terminate(&self, client: u32) {
        self.broadcaster.borrow_mut().terminate(client);
    }

    /// Publishes text to a channel, but not to the client `except` (0 for nobody). The answer holds the
    /// number of shards that took it in its lower 16 bits, and above them the number of workers that
    /// dropped it.
    #[napi]
    pub fn publish_text(&self, channel: String, text: String, except: u32) -> u32 {
        self.publish(&channel, &Frame::text(&text), except)
    }

    /// Publishes bytes; answers as `publishText`.
    #[napi]
    pub fn publish_binary(&self, channel: String, bytes: &[u8], except: u32) -> u32 {
        self.publish(&channel, &Frame::binary(bytes), except)
    }

    fn publish(&self, channel: &str, frame: &Frame, except: u32) -> u32 {
        let except = (except != 0).then_some(except);
        let Published { shards, dropped } =
            self.broadcaster.borrow_mut().publish(channel, frame, except);
        shards | dropped << 16
    }

    /// Number of clients that are subscribed to a channel.
    #[napi]
    pub fn subscriber_count(&self, channel: String) -> f64 {
        self.broadcaster.borrow().subscriber_count(&channel) as f64
    }

    /// How full the fullest queue is, from 0 to 1.
    #[napi]
    pub fn queue_load(&self) -> f64 {
        self.broadcaster.borrow().queue_load()
    }

    /// The oldest events, `max` at most. Fewer mean that the doorbell will ring for the next.
    #[napi]
    pub fn drain(&self, max: u32) -> Vec<CoreEvent> {
        let mut broadcaster = self.broadcaster.borrow_mut();
        let mut events = Vec::new();
        while events.len() < max as usize {
            match broadcaster.next_event() {
                Some(event) => events.push(to_javascript(event, &mut broadcaster)),
                None if broadcaster.may_rest() => break,
                None => {}
            }
        }
        events
    }

    /// Clients that are not gone yet, those in the closing handshake included.
    #[napi]
    pub fn client_count(&self) -> f64 {
        self.broadcaster.borrow().client_count() as f64
    }

    /// Closes every client after what is queued for it, evenly over `spreadMs`.
    #[napi]
    pub fn close_all(&self, code: u16, reason: String, spread_ms: u32) {
        let over = Duration::from_millis(u64::from(spread_ms));
        self.broadcaster.borrow_mut().close_all(code, &reason, over);
    }

    /// Counters and gauges of every worker, shard by shard.
    #[napi]
    pub fn workers(&self) -> Vec<WorkerCounters> {
        self.broadcaster.borrow().snapshots().map(WorkerCounters::from).collect()
    }

    /// Ends all threads and waits for them.
    #[napi]
    pub fn stop(&self) {
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
    // Refused, the limit stays as it is, which is what the caller is told.
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.map_or(f64::INFINITY, |limit| limit as f64)
}

impl CoreOptions {
    fn checked(self) -> napi::Result<Options, &'static str> {
        let nonzero = |name, value| {
            NonZeroU32::new(value).ok_or_else(|| invalid(format!("{name} must be at least 1")))
        };
        let idle_timeout = Duration::from_secs(u64::from(self.idle_timeout_seconds));
        Ok(Options {
            placement: Placement {
                shards: nonzero("numShards", self.num_shards)?,
                workers_per_shard: nonzero("workersPerShard", self.workers_per_shard)?,
            },
            max_clients: self.max_clients as usize,
            max_channels_per_client: self.max_channels_per_client as usize,
            backpressure_limit_bytes: self.backpressure_limit as usize,
            queue: QueueLimits {
                messages: nonzero("queueMessages", self.queue_messages)?.get() as usize,
                bytes: (self.queue_bytes as usize).max(1),
            },
            client: ClientLimits {
                lag: Lag { messages: u64::from(self.buffer_size), bytes: self.buffer_bytes as u64 },
                slow: if self.drop_slow_clients {
                    SlowPolicy::Disconnect
                } else {
                    SlowPolicy::Skip
                },
                max_payload_bytes: self.max_payload_length as usize,
                idle_timeout: (!idle_timeout.is_zero()).then_some(idle_timeout),
                send_pings: self.send_pings,
            },
        })
    }
}

impl DoorOptions {
    fn checked(self) -> napi::Result<DoorConfig, &'static str> {
        let address: IpAddr = self
            .host
            .parse()
            .map_err(|_| invalid(format!("host must be an IP address, not {:?}", self.host)))?;
        Ok(DoorConfig {
            address: SocketAddr::new(address, self.port),
            upstream: PathBuf::from(self.upstream),
            head_timeout: Duration::from_millis(u64::from(self.head_timeout_ms)),
            max_head_bytes: self.max_head_bytes as usize,
            upgrade_timeout: Duration::from_millis(u64::from(self.upgrade_timeout_ms)),
            max_pending_upgrades: self.max_pending_upgrades as usize,
        })
    }
}

impl From<WorkerSnapshot> for WorkerCounters {
    fn from(snapshot: WorkerSnapshot) -> WorkerCounters {
        let WorkerSnapshot { shard, worker, tally, refused, queue_messages, queue_bytes } =
            snapshot;
        WorkerCounters {
            shard: shard as u32,
            worker: worker as u32,
            clients: tally.clients as f64,
            messages: tally.messages as f64,
            deliveries_meant: (tally.deliveries_meant + refused.deliveries) as f64,
            deliveries: tally.deliveries as f64,
            dropped_slow: tally.dropped_slow as f64,
            dropped_skipped: tally.dropped_skipped as f64,
            dropped_closed: tally.dropped_closed as f64,
            dropped_queue_full: refused.deliveries as f64,
            messages_queue_full: refused.messages as f64,
            slow_closed: tally.slow_closed as f64,
            bytes_written: tally.bytes_written as f64,
            writes: tally.writes as f64,
            messages_received: tally.messages_received as f64,
            bytes_received: tally.bytes_received as f64,
            queue_messages: queue_messages as f64,
            queue_bytes: queue_bytes as f64,
        }
    }
}

fn to_javascript(event: Event, broadcaster: &mut Broadcaster) -> CoreEvent {
    match event {
        Event::Upgrade(request) => CoreEvent::Upgrade {
            ask: broadcaster.keep_ask(request.decide),
            url: request.uri,
            headers: print_headers(&request.headers),
            address: request.peer.ip().to_canonical().to_string(),
            port: request.peer.port(),
        },
        Event::Text(client, data) => CoreEvent::Text { client, data },
        Event::Binary(client, data) => CoreEvent::Binary { client, data: CopiedBuffer(data) },
        Event::Closed { client, code, reason } => CoreEvent::Closed { client, code, reason },
        Event::Skipped(client, messages) => {
            CoreEvent::Skipped { client, messages: messages as f64 }
        }
    }
}

fn print_headers(headers: &Headers) -> Vec<String> {
    let texts = headers.iter().flat_map(|(name, value)| {
        // A byte is a character of the same number, as everywhere in JavaScript's own HTTP.
        let value = value.as_bytes().iter().copied().map(char::from).collect();
        [name.as_str().to_owned(), value]
    });
    texts.collect()
}

fn parse_headers(flat: &[String]) -> napi::Result<Headers, &'static str> {
    let pairs = flat.chunks_exact(2).map(|pair| {
        let name = HeaderName::from_bytes(pair[0].as_bytes());
        let name = name.map_err(|_| invalid(format!("{:?} is not a header name", pair[0])))?;
        let value = pair[1].chars().map(|char| u8::try_from(u32::from(char)));
        let value = value.collect::<Result<Vec<u8>, _>>().ok();
        let value = value.and_then(|value| HeaderValue::from_bytes(&value).ok());
        let value =
            value.ok_or_else(|| invalid(format!("{:?} is not a value for {name}", pair[1])))?;
        Ok((name, value))
    });
    pairs.collect()
}

fn invalid(message: String) -> napi::Error<&'static str> {
    napi::Error::new("EINVAL", message)
}

/// An error with the system's name for it as its `code`.
fn io_error(error: io::Error) -> napi::Error<&'static str> {
    let code = match error.kind() {
        io::ErrorKind::AddrInUse => "EADDRINUSE",
        io::ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
        io::ErrorKind::PermissionDenied => "EACCES",
        _ if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => "EMFILE",
        _ => "EIO",
    };
    napi::Error::new(code, error.to_string())
}
