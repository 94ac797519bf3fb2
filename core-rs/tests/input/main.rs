//! Whatever bytes come: what the frame decoder and the inflater make of them.
//!
//! The properties stand in `frames` and `inflating`, which the fuzz targets of `core-rs/fuzz` share.
//! Here they are checked on the committed corpus and on generated input.

#[path = "../door/alone.rs"]
mod alone;
mod bounded;
mod corpus;
mod frames;
mod generated;
mod inflating;
#[path = "../hostile/memory.rs"]
mod memory;
