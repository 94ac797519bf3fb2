//! The end of an environment whose JavaScript has not stopped its cores: a `Worker` that is
//! terminated. (A process that exits runs nothing here.)

use std::cell::RefCell;
use std::mem;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

use napi::Env;

use crate::broadcaster::Broadcaster;
use crate::frame::close_code;

use super::constants::{CUT_OFF_TIMEOUT_MS, SERVER_CLOSED};

thread_local! {
    /// The broadcasters of this thread's environment that were not stopped. Nothing before the
    /// first: an environment has one thread, and a hook of ours.
    static RUNNING: RefCell<Option<Vec<Weak<RefCell<Broadcaster>>>>> = const { RefCell::new(None) };
}

/// Has a broadcaster ended in order when its environment ends.
pub(super) fn watch(env: &Env, broadcaster: &Rc<RefCell<Broadcaster>>) -> napi::Result<()> {
    RUNNING.with_borrow_mut(|running| {
        if running.is_none() {
            env.add_env_cleanup_hook((), |()| end_all())?;
        }
        running.get_or_insert_default().push(Rc::downgrade(broadcaster));
        Ok(())
    })
}

/// A broadcaster was stopped, or is gone.
pub(super) fn forget(broadcaster: &Rc<RefCell<Broadcaster>>) {
    RUNNING.with_borrow_mut(|running| {
        let others =
            |kept: &Weak<_>| kept.strong_count() > 0 && kept.as_ptr() != Rc::as_ptr(broadcaster);
        running.iter_mut().for_each(|running| running.retain(others));
    });
}

fn end_all() {
    let running = RUNNING.with_borrow_mut(mem::take).unwrap_or_default();
    let running: Vec<_> = running.iter().filter_map(Weak::upgrade).collect();
    // None is in use: JavaScript runs no more.
    let each = |work: &dyn Fn(&mut Broadcaster)| {
        running
            .iter()
            .filter_map(|kept| kept.try_borrow_mut().ok())
            .for_each(|mut it| work(&mut it));
    };
    each(&|broadcaster| {
        broadcaster.end_requests();
        broadcaster.sequencer.close_all(close_code::GOING_AWAY, SERVER_CLOSED, Duration::ZERO);
    });
    let deadline = Instant::now() + Duration::from_millis(CUT_OFF_TIMEOUT_MS.into());
    each(&|broadcaster| {
        broadcaster.outlast_clients(deadline);
        broadcaster.stop();
    });
}
