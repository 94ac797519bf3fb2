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
mod upgrades;
mod wire;
