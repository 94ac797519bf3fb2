//! The core without JavaScript: it lets everybody in and subscribes them all to one channel, in
//! which none comes. What it takes beside the whole server is what JavaScript takes.
//!
//! Prints `listening <port>` once it does.

use std::io;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use shardcast_core::broadcaster::Broadcaster;
use shardcast_core::broadcaster::placement::Placement;
use shardcast_core::door::{DoorConfig, Headers, ListenOptions, UpgradeRequest};
use shardcast_core::event_queue::Event;
use shardcast_core::options::{ClientLimits, Options, SlowPolicy, UnfinishedLimits};
use shardcast_core::queue::QueueLimits;
use shardcast_core::worker::cohort::log::Lag;

const CHANNEL: &str = "ticks";
const MAX_CLIENTS: usize = 100_000;

fn main() -> io::Result<()> {
    // One call of the wake callback stands for all events since the last.
    let (wake, woken) = sync_channel(1);
    let mut broadcaster = Broadcaster::start(options(), move || {
        let _ = wake.try_send(());
    })?;
    println!("listening {}", broadcaster.listen(door())?.port());
    loop {
        while let Some(event) = broadcaster.next_event() {
            match event {
                Event::Upgrade(request) => accept(&mut broadcaster, request),
                Event::PeerDone(client) => broadcaster.sequencer.finish(client),
                _ => {}
            }
        }
        if broadcaster.may_rest() {
            woken.recv().expect("the broadcaster holds the callback");
        }
    }
}

fn accept(broadcaster: &mut Broadcaster, request: UpgradeRequest) {
    let id = request.id;
    broadcaster.keep_upgrade(id, request.form, request.responder);
    if let Ok(accepted) = broadcaster.accept(id, Some(&id.to_string()), Headers::new()) {
        broadcaster.sequencer.subscribe(accepted.client, CHANNEL).expect("one channel is no limit");
    }
}

fn options() -> Options {
    Options {
        placement: Placement {
            shards: NonZeroU32::MIN,
            workers_per_shard: NonZeroU32::MIN,
            key: None,
        },
        max_clients: MAX_CLIENTS,
        max_channels_per_client: 1,
        backpressure_limit_bytes: 1 << 24,
        close_on_backpressure_limit: false,
        queue: QueueLimits { messages: 16_384, bytes: 1 << 26 },
        saturation_percent: 50,
        compression_threshold_bytes: 256,
        worker_niceness: 10,
        client: ClientLimits {
            lag: Lag { messages: 100_000, bytes: 1 << 28 },
            slow: SlowPolicy::Disconnect,
            unfinished: UnfinishedLimits { bytes: 64 << 20, timeout: None },
            max_payload_bytes: 1 << 24,
            idle_timeout: None,
            send_pings: true,
        },
    }
}

/// Plain HTTP finds no app behind it.
fn door() -> DoorConfig {
    let long = Duration::from_secs(60);
    DoorConfig {
        listen: ListenOptions::on(Ipv4Addr::LOCALHOST.into(), 0),
        upstream: "/nowhere".into(),
        upstream_secret: String::new(),
        head_timeout: long,
        idle_timeout: Some(long),
        write_timeout: long,
        max_head_bytes: 32 * 1024,
        min_authority_bytes: 1,
        max_requests: 1000,
        max_body_bytes: 0,
        upgrade_timeout: long,
        max_pending_upgrades: MAX_CLIENTS,
        per_message_deflate: false,
        fast_path: true,
        has_dev_server: false,
    }
}
