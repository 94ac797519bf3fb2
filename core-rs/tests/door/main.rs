//! The door from outside: raw requests on real sockets, and an application that the tests play
//! themselves, byte by byte.

mod alone;
mod application;
mod bodies;
mod closing;
mod dev_sockets;
#[path = "../harness/heads.rs"]
mod head_reader;
mod heads;
mod proxying;
mod reuse;
mod test_server;
mod wire;

/// Upgrades as most come.
#[path = "."]
mod by_the_fast_path {
    pub(crate) const FAST_PATH: bool = true;

    mod upgrades;
}

/// The same by hyper alone: the door works so, too.
#[path = "."]
#[allow(clippy::duplicate_mod, reason = "the tests are the same for both ways")]
mod without_the_fast_path {
    pub(crate) const FAST_PATH: bool = false;

    mod upgrades;
}
