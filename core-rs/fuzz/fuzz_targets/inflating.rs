//! A compressed message: inflated as miniz does, and to its limit.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/input/inflating.rs"]
mod inflating;

fuzz_target!(|compressed: &[u8]| {
    // What becomes larger than the whole buffer of the comparison is left out.
    let compressed = &compressed[..compressed.len().min(4000)];
    for max in [0, 100, 5000, 1 << 20] {
        inflating::is_inflated_as_by_miniz(compressed, max);
    }
});
