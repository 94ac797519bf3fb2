//! Clients that connect, say some of what a client says, and reset.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::upgrade;

const PER_SECOND: u32 = 10_000;
const ATTEMPTS: u32 = 8 * PER_SECOND;

/// Less than this is not slept for.
const TICK: Duration = Duration::from_millis(1);

/// What came of a storm.
pub(crate) struct Resets {
    pub(crate) connected: u32,
    took: Duration,
}

impl Resets {
    pub(crate) fn per_second(&self) -> u32 {
        (f64::from(self.connected) / self.took.as_secs_f64()) as u32
    }
}

/// Connects as often as is due. Where the machine cannot, it does as often as it can.
pub(crate) fn storm(server: SocketAddr) -> Resets {
    let whole = upgrade("/ticks");
    let began = Instant::now();
    let mut connected = 0;
    for attempt in 0..ATTEMPTS {
        let wait = (Duration::from_secs(1) * attempt / PER_SECOND).saturating_sub(began.elapsed());
        if wait > TICK {
            thread::sleep(wait);
        }
        // From nothing at all to a whole upgrade, cut anywhere.
        let cut = (attempt as usize * 7) % (2 * whole.len());
        let said = &whole.as_bytes()[..cut.min(whole.len())];
        connected += u32::from(connect_and_reset(server, said).is_ok());
    }
    Resets { connected, took: began.elapsed() }
}

/// Never waits: where the server accepts late, the kernel connects on its behalf, and where it
/// has no room, nothing was sent.
fn connect_and_reset(server: SocketAddr, said: &[u8]) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
    socket.set_linger(Some(Duration::ZERO))?;
    socket.set_nonblocking(true)?;
    let _in_progress = socket.connect(&server.into());
    socket.peer_addr()?;
    socket.send(said)?;
    Ok(())
}
