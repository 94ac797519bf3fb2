//! What JavaScript calls for every message, and for every client that comes.
//!
//! Around a method, `#[napi]` guards what asynchronous code could keep of its arguments: a lock, a
//! map and some allocations for each call, which is more than a publish takes. Nothing here is
//! asynchronous, so these are closures, which are called without that; and at once, as long as
//! they have four arguments at most.

use std::cell::RefCell;
use std::rc::Rc;

use napi::bindgen_prelude::{Function, FunctionCallContext, ToNapiValue, Uint8ArraySlice};
use napi::{Env, Error, Status};
use napi_derive::napi;

use crate::broadcaster::{Accepted, Broadcaster, NotAccepted, Publication, Published, Sent};
use crate::frame::Payload;
use crate::worker::client::discards::Discards;

use super::batch::Batch;
use super::constants::{
    ACCEPT_CLIENT_BITS, NO_CLIENT, PUBLISH_SATURATED_BITS, PUBLISH_SHARD_BITS, SEND_DROPPED,
    SEND_WAITS, SHARD_FULL, UPGRADE_GONE,
};

use super::headers::parse_headers;
use super::text::with_text;

/// Where the upper count of the answer to a publish begins.
const UPPER: u32 = PUBLISH_SHARD_BITS + PUBLISH_SATURATED_BITS;
/// The most subscribers that it has room for: JavaScript's numbers have 53 bits.
const MAX_PACKED_SUBSCRIBERS: u32 = (1 << (f64::MANTISSA_DIGITS - UPPER)) - 1;

/// Functions of the core, to be got once and called without it.
#[napi(object, object_from_js = false)]
pub struct HotFunctions<'env> {
    /// Publishes text to a channel, but not to the client `except` (0 for none). The answer
    /// holds, from the lowest bits up: the number of shards that took it in 11 bits, of workers
    /// that took it though saturated in 13, and of subscribers above. Where workers dropped it,
    /// it is negative: their number stands in the place of the subscribers'.
    #[napi(
        ts_type = "(channel: string, text: string, except: number, compress: boolean) => number"
    )]
    pub publish_text: Function<'env, (), i64>,
    /// Publishes bytes; answers as `publishText`.
    #[napi(
        ts_type = "(channel: string, bytes: Uint8Array, except: number, compress: boolean) => number"
    )]
    pub publish_binary: Function<'env, (), i64>,
    /// Sends text to one client: bytes of payload, 0 when dropped, −1 when it waits because
    /// the socket is full.
    #[napi(ts_type = "(client: number, text: string, compress: boolean) => number")]
    pub send_text: Function<'env, (), i64>,
    /// Sends bytes to one client; answers as `sendText`.
    #[napi(ts_type = "(client: number, bytes: Uint8Array, compress: boolean) => number")]
    pub send_binary: Function<'env, (), i64>,
    /// Accepts an upgrade: a client (above 0) in the lower 32 bits and its worker, counted over all
    /// shards, above them; −1 when its shard is full (the upgrade is still to be refused), −2 when
    /// its client has gone. Without a `clientId` the client has that of `givenId`. `headers` are
    /// name, value, name, value, … `discards` are the kinds of its frames that JavaScript does not
    /// receive: the sum of 1 for messages, 2 for pings and 4 for pongs.
    #[napi(
        ts_type = "(upgrade: number, clientId: string | undefined, headers: Array<string> | undefined, discards?: number) => number"
    )]
    pub accept: Function<'env, (), i64>,
    /// Subscribes a client; false when it was already, or is gone.
    #[napi(ts_type = "(client: number, channel: string) => boolean")]
    pub subscribe: Function<'env, (), bool>,
    /// The oldest events, `max` at most, each upgrade counted. A batch that is not full means that
    /// the core will call `wake` for the next.
    #[napi(ts_type = "(max: number) => Batch")]
    pub drain: Function<'env, (), Batch>,
}

impl<'env> HotFunctions<'env> {
    pub(super) fn new(
        env: &'env Env,
        broadcaster: &Rc<RefCell<Broadcaster>>,
    ) -> napi::Result<HotFunctions<'env>> {
        let call = Maker { env, broadcaster };
        Ok(HotFunctions {
            publish_text: call.make("publishText", |core, arguments| {
                with_text(arguments, 0, |channel| {
                    with_text(arguments, 1, |text| {
                        publish(core, arguments, channel, Payload::Text(text))
                    })
                })
            })?,
            publish_binary: call.make("publishBinary", |core, arguments| {
                with_text(arguments, 0, |channel| {
                    let bytes = arguments.get::<Uint8ArraySlice>(1)?;
                    publish(core, arguments, channel, Payload::Binary(&bytes))
                })
            })?,
            send_text: call.make("sendText", |core, arguments| {
                with_text(arguments, 1, |text| {
                    send(core, arguments, Payload::Text(text), text.len())
                })
            })?,
            send_binary: call.make("sendBinary", |core, arguments| {
                let bytes = arguments.get::<Uint8ArraySlice>(1)?;
                send(core, arguments, Payload::Binary(&bytes), bytes.len())
            })?,
            accept: call.make("accept", accept)?,
            subscribe: call.make("subscribe", |core, arguments| {
                let client = arguments.get(0)?;
                with_text(arguments, 1, |channel| {
                    let subscribed = core.borrow_mut().sequencer.subscribe(client, channel);
                    subscribed.map_err(|error| Error::from_reason(error.to_string()))
                })
            })?,
            drain: call.make("drain", |core, arguments| {
                let max = arguments.get(0)?;
                Ok(Batch::take(&mut core.borrow_mut(), max))
            })?,
        })
    }
}

/// Makes functions that share a broadcaster.
struct Maker<'env, 'a> {
    env: &'env Env,
    broadcaster: &'a Rc<RefCell<Broadcaster>>,
}

impl<'env> Maker<'env, '_> {
    fn make<R: ToNapiValue>(
        &self,
        name: &str,
        work: impl Fn(&RefCell<Broadcaster>, &FunctionCallContext) -> napi::Result<R> + 'static,
    ) -> napi::Result<Function<'env, (), R>> {
        let broadcaster = Rc::clone(self.broadcaster);
        self.env.create_function_from_closure(name, move |arguments| {
            let _no_panic = NoPanic;
            work(&broadcaster, &arguments)
        })
    }
}

/// A panic ends the process, as it does in a method: no code goes on with what it left behind.
struct NoPanic;

impl Drop for NoPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// The arguments are those of `publishText`.
fn publish(
    core: &RefCell<Broadcaster>,
    arguments: &FunctionCallContext,
    channel: &str,
    payload: Payload<'_>,
) -> napi::Result<i64> {
    let except = arguments.get::<u32>(2)?;
    let how = Publication {
        except: (except != NO_CLIENT).then_some(except),
        compress: arguments.get(3)?,
    };
    Ok(packed(core.borrow_mut().sequencer.publish(channel, payload, how)))
}

/// As [`HotFunctions::publish_text`] says.
fn packed(Published { subscribers, shards, dropped, saturated }: Published) -> i64 {
    let low = i64::from(shards) | i64::from(saturated) << PUBLISH_SHARD_BITS;
    match dropped {
        0 => low | i64::from(subscribers.min(MAX_PACKED_SUBSCRIBERS)) << UPPER,
        _ => -(low | i64::from(dropped) << UPPER),
    }
}

/// What became of a direct message, in Bun's terms.
pub(super) fn sent_status(sent: Sent, payload_len: usize) -> i64 {
    match sent {
        Sent::Queued => payload_len as i64,
        Sent::Backpressure => SEND_WAITS.into(),
        Sent::Dropped => SEND_DROPPED.into(),
    }
}

/// The arguments are those of `sendText`.
fn send(
    core: &RefCell<Broadcaster>,
    arguments: &FunctionCallContext,
    payload: Payload<'_>,
    payload_len: usize,
) -> napi::Result<i64> {
    let (client, compress) = (arguments.get(0)?, arguments.get(2)?);
    let sent = core.borrow_mut().sequencer.send(client, payload, compress);
    Ok(sent_status(sent, payload_len))
}

fn accept(core: &RefCell<Broadcaster>, arguments: &FunctionCallContext) -> napi::Result<i64> {
    let upgrade = arguments.get(0)?;
    let client_id = arguments.get::<Option<String>>(1)?;
    let headers = arguments.get::<Option<Vec<String>>>(2)?;
    let headers = match parse_headers(&headers.unwrap_or_default()) {
        Ok(headers) => headers,
        Err(wrong) => {
            arguments.env.throw_error(&wrong, Some("EINVAL"))?;
            return Err(Error::new(Status::PendingException, wrong));
        }
    };
    let discards = if arguments.length() > 3 { arguments.get::<u32>(3)? } else { 0 };
    let discards = Discards::from_bits(discards as u8);
    let accepted =
        core.borrow_mut().accept_without(upgrade, client_id.as_deref(), headers, discards);
    Ok(match accepted {
        Ok(Accepted { client, worker }) => {
            i64::from(client) | (worker as i64) << ACCEPT_CLIENT_BITS
        }
        Err(NotAccepted::ShardFull) => SHARD_FULL.into(),
        Err(NotAccepted::UpgradeGone) => UPGRADE_GONE.into(),
    })
}
