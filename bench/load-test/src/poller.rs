//! epoll, level-triggered: a socket that is not read empty is reported again.

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::time::Timespec;
use std::io;
use std::time::Duration;

/// Events taken at once. With more clients than this the others have their turn next.
const MAX_EVENTS: usize = 1024;

/// Waits for sockets, each known by its slot.
pub(crate) struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
    found_nothing: bool,
}

/// One socket that is ready.
pub(crate) struct Ready {
    pub(crate) slot: usize,
    pub(crate) flags: EventFlags,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Self { epoll, events: Vec::with_capacity(MAX_EVENTS), found_nothing: false })
    }

    /// Begins to watch a socket. Closing it ends that.
    pub(crate) fn add(&self, socket: impl AsFd, slot: usize, flags: EventFlags) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, socket, EventData::new_u64(slot as u64), flags)?)
    }

    pub(crate) fn modify(
        &self,
        socket: impl AsFd,
        slot: usize,
        flags: EventFlags,
    ) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, socket, EventData::new_u64(slot as u64), flags)?)
    }

    /// Waits for events, at most `timeout`. Returns how many there are.
    pub(crate) fn wait(&mut self, timeout: Duration) -> io::Result<usize> {
        // The first look does not wait, because only an empty one proves that nothing is unread.
        if self.collect(Duration::ZERO)? == 0 {
            self.found_nothing = true;
            self.collect(timeout)?;
        }
        Ok(self.events.len())
    }

    fn collect(&mut self, timeout: Duration) -> io::Result<usize> {
        let timeout = Timespec {
            tv_sec: timeout.as_secs() as i64,
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(count) => Ok(count),
            // A signal, which its handler has noted.
            Err(Errno::INTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// The event with this index of the last wait.
    pub(crate) fn ready(&self, index: usize) -> Ready {
        let event = &self.events[index];
        Ready { slot: event.data.u64() as usize, flags: event.flags }
    }

    /// Whether nothing was unread at some moment since the last call.
    pub(crate) fn take_caught_up(&mut self) -> bool {
        std::mem::take(&mut self.found_nothing)
    }
}
