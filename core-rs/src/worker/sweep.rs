//! What is due to clients by the clock: pings for the silent, an end for the dead, and late news.

use std::time::Duration;

use crate::ids::ClientIndex;
use crate::options::ClientLimits;
use crate::worker::client::{Client, ClientState};
use crate::worker::departure::Cause;

use super::clients::Clients;
use super::clock::SWEEP_INTERVAL;

/// How long the socket of an accepted client may stay at the door. Its cohort's log is kept for it
/// all that time, and a client that does not read what it was sent before would never let the 101
/// go out.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(10);

/// What a sweep has to do for a client.
pub(super) enum Duty {
    GiveUp(Cause),
    EndUnfinished,
    Ping,
    EmitSkipped,
}

/// Looks at every client once, and finds the silent, the dead, and handshakes that do not end by
/// themselves.
pub(super) fn duties(
    clients: &mut Clients,
    limits: &ClientLimits,
    now_secs: u32,
) -> Vec<(ClientIndex, Duty)> {
    let duty = |(index, client): (ClientIndex, &mut Client)| {
        if std::mem::take(&mut client.took) {
            // As with Bun, a client that takes what it is sent is not silent.
            client.note_life(now_secs);
        }
        Some((index, duty_to(client, limits, now_secs)?))
    };
    clients.iter_mut().filter_map(duty).collect()
}

fn duty_to(client: &mut Client, limits: &ClientLimits, now_secs: u32) -> Option<Duty> {
    if let ClientState::Leaving { deadline_secs, .. } = client.state {
        return (now_secs >= deadline_secs).then_some(Duty::GiveUp(Cause::Idle));
    }
    let silence = Duration::from_secs(u64::from(now_secs - client.active_at_secs));
    if !client.has_socket() {
        return (silence >= ATTACH_TIMEOUT).then_some(Duty::GiveUp(Cause::Broken));
    }
    if !client.is_read_from() {
        // What it sends is not read, so that its silence says nothing. See `Inbound::pause`.
        return client.missed.is_some().then_some(Duty::EmitSkipped);
    }
    // Pings between its frames keep a client, and not what it does not finish.
    let waited = Duration::from_secs(u64::from(client.receiving.decoder.wait_a_second()));
    if limits.unfinished.timeout.is_some_and(|timeout| waited >= timeout.max(SWEEP_INTERVAL)) {
        return Some(Duty::EndUnfinished);
    }
    match limits.idle_timeout {
        Some(idle) if silence >= idle => Some(Duty::GiveUp(Cause::Idle)),
        Some(idle) if silence >= idle / 2 && limits.send_pings && !client.pinged => {
            Some(Duty::Ping)
        }
        _ => client.missed.is_some().then_some(Duty::EmitSkipped),
    }
}
