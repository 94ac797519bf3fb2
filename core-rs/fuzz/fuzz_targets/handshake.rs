//! Handshakes: answered alike in any pieces, and accepted as by tungstenite.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/input/handshake.rs"]
mod handshake;

fuzz_target!(|stream: &[u8]| {
    handshake::is_answered_alike_in_any_pieces(stream, stream.len() / 3);
    handshake::is_taken_as_by_tungstenite(stream);
});
