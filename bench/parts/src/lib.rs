//! The small parts of the core, for mitata to time. A call from JavaScript costs more than most of
//! them do, so each is repeated `times` times in a call.
#![allow(
    unreachable_pub,
    missing_docs,
    reason = "JavaScript reaches it, and bench/small.ts says what it is"
)]

use std::hint::black_box;
use std::thread;

use mio::{Events, Poll, Token, Waker};
use napi::bindgen_prelude::Buffer;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Error, Result, Status};
use napi_derive::napi;
use shardcast_core::event_queue::{Event, EventQueue};
use shardcast_core::frame::{Decoder, Frame, Rules, WorkBudget};
use shardcast_core::queue::{MustWake, Queue, QueueLimits};
use shardcast_core::worker::command::Command;

const MAX_PAYLOAD: usize = 16 * 1024 * 1024;

/// Encodes `payload` as a binary message.
#[napi]
pub fn encode(payload: Buffer, times: u32) {
    for _ in 0..times {
        black_box(Frame::binary(black_box(&payload)));
    }
}

/// Decodes `frames`, as they came out of one read. They are unmasked in place: a masking key of
/// zero leaves them as they are, for the next time, and takes as long as any other.
///
/// # Errors
///
/// What is wrong with the frames.
#[napi]
pub fn decode(mut frames: Buffer, times: u32) -> Result<u32> {
    let mut decoder = Decoder::default();
    let mut events = 0;
    for _ in 0..times {
        let work = &mut WorkBudget::unlimited();
        let rules = Rules { max_payload: MAX_PAYLOAD, inflater: None, leaving: false, work };
        decoder
            .feed(&mut frames, rules, &mut |event| {
                black_box(event);
                events += 1;
            })
            .map_err(|violation| Error::from_reason(violation.reason))?;
    }
    Ok(events)
}

/// A worker's queue, and the epoll that the worker sleeps at.
#[napi]
pub struct WorkerBell {
    queue: Queue<Command>,
    poll: Poll,
    waker: Waker,
    events: Events,
}

#[napi]
impl WorkerBell {
    /// # Errors
    ///
    /// What the system says when there is no descriptor to be had.
    #[napi(constructor)]
    pub fn new() -> Result<WorkerBell> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), Token(0))?;
        let queue = Queue::new(QueueLimits { messages: 1024, bytes: 1024 });
        Ok(WorkerBell { queue, poll, waker, events: Events::with_capacity(1) })
    }

    /// Gives a worker that is awake a command, and takes it as the worker does.
    #[napi]
    pub fn push_to_awake(&self, times: u32) {
        for _ in 0..times {
            let must = self.queue.push(black_box(Command::Resume));
            debug_assert!(!must.0, "no worker sleeps");
            black_box(self.queue.pop());
        }
    }

    /// Gives a worker that sleeps a command and rings its bell; then the worker comes past its
    /// epoll, takes the command, and is ready to sleep again.
    ///
    /// # Errors
    ///
    /// What the system says of its epoll.
    #[napi]
    pub fn push_to_asleep(&mut self, times: u32) -> Result<()> {
        for _ in 0..times {
            assert!(self.queue.may_sleep(), "all is taken");
            if self.queue.push(black_box(Command::Resume)) == MustWake(true) {
                self.waker.wake()?;
            }
            self.poll.poll(&mut self.events, None)?;
            self.queue.awake();
            black_box(self.queue.pop());
        }
        Ok(())
    }
}

/// A thread that does nothing but sleep at an epoll: what waking costs at least.
#[napi]
pub struct Sleeper {
    waker: Waker,
}

#[napi]
impl Sleeper {
    /// Starts the thread, which sleeps until the process ends.
    ///
    /// # Errors
    ///
    /// What the system says when there is no descriptor or thread to be had.
    #[napi(constructor)]
    pub fn new() -> Result<Sleeper> {
        let mut poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), Token(0))?;
        thread::Builder::new().name("sleeper".into()).spawn(move || {
            let mut events = Events::with_capacity(1);
            while poll.poll(&mut events, None).is_ok() {}
        })?;
        Ok(Sleeper { waker })
    }

    /// # Errors
    ///
    /// What the system says.
    #[napi]
    pub fn wake(&self) -> Result<()> {
        Ok(self.waker.wake()?)
    }
}

/// Calls JavaScript without arguments, does not keep the process alive, and never waits.
type WakeCallback = ThreadsafeFunction<(), (), (), Status, false, true>;

/// The way from the core to JavaScript.
#[napi]
pub struct JavaScriptEvents {
    event_queue: EventQueue,
}

#[napi]
impl JavaScriptEvents {
    /// `wake` is called when events wait and the last `drain` has taken all.
    #[napi(constructor)]
    pub fn new(#[napi(ts_arg_type = "() => void")] wake: WakeCallback) -> JavaScriptEvents {
        JavaScriptEvents {
            event_queue: EventQueue::new(move || {
                let _ = wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
            }),
        }
    }

    /// Emits `times` events, and wakes JavaScript if it rests.
    #[napi]
    pub fn emit(&self, times: u32) {
        for _ in 0..times {
            self.event_queue.emit(Event::AcceptFailed(String::new()));
        }
    }

    /// Takes all events, and lets JavaScript rest.
    #[napi]
    pub fn drain(&self) -> u32 {
        let mut taken = 0;
        loop {
            while self.event_queue.pop().is_some() {
                taken += 1;
            }
            if self.event_queue.may_rest() {
                return taken;
            }
        }
    }
}
