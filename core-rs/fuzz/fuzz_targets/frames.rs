//! A client's stream of frames: the same in any pieces, and to tungstenite.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/input/frames.rs"]
mod frames;

fuzz_target!(|stream: &[u8]| {
    let piece = stream.len() / 3;
    frames::is_heard_in_any_pieces(stream, piece, false);
    frames::is_heard_in_any_pieces(stream, piece, true);
    frames::is_heard_as_by_tungstenite(stream);
});
