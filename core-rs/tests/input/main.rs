//! Whatever bytes come: what the door, the frame decoder and the inflater make of them.
//!
//! The properties stand in `handshake`, `frames` and `inflating`, which the fuzz targets of
//! `core-rs/fuzz` share. Here they are checked on the committed corpus and on generated input.

#[path = "../door/alone.rs"]
mod alone;
mod bounded;
mod corpus;
mod frames;
mod generated;
mod handshake;
mod heads;
mod inflating;
#[path = "../hostile/memory.rs"]
mod memory;
