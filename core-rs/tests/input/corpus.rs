//! The committed inputs: hand-picked ones, and those that a fuzzer has found worth keeping.

use std::fs;
use std::path::Path;

use crate::{frames, handshake, inflating};

/// The files of a directory of the corpus.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name);
    let entries = fs::read_dir(directory).expect("the corpus is there");
    let inputs: Vec<Vec<u8>> = entries
        .map(|entry| fs::read(entry.expect("a file").path()).expect("it can be read"))
        .collect();
    assert!(!inputs.is_empty(), "{name} has inputs");
    inputs
}

#[test]
fn handshakes_of_the_corpus_are_answered_alike_in_any_pieces() {
    for stream in corpus("handshake") {
        for piece in [2, 7, 64, 1000] {
            handshake::is_answered_alike_in_any_pieces(&stream, piece);
        }
    }
}

#[test]
fn handshakes_of_the_corpus_are_taken_as_by_tungstenite() {
    for head in corpus("handshake") {
        handshake::is_taken_as_by_tungstenite(&head);
    }
}

#[test]
fn frames_of_the_corpus_are_heard_in_any_pieces() {
    for stream in corpus("frames") {
        for piece in 2..stream.len().min(40) {
            frames::is_heard_in_any_pieces(&stream, piece, false);
            frames::is_heard_in_any_pieces(&stream, piece, true);
        }
    }
}

#[test]
fn frames_of_the_corpus_are_heard_as_by_tungstenite() {
    for stream in corpus("frames") {
        for end in 0..=stream.len() {
            frames::is_heard_as_by_tungstenite(&stream[..end]);
        }
    }
}

#[test]
fn messages_of_the_corpus_are_inflated_as_by_miniz() {
    for compressed in corpus("inflate") {
        for max in [0, 1, 5, 1000, 1 << 20, usize::MAX] {
            inflating::is_inflated_as_by_miniz(&compressed, max);
        }
    }
}

#[test]
fn messages_of_the_corpus_that_are_cut_short_are_inflated_as_by_miniz() {
    for compressed in corpus("inflate").into_iter().filter(|message| message.len() < 100) {
        for end in 0..compressed.len() {
            inflating::is_inflated_as_by_miniz(&compressed[..end], 1000);
        }
    }
}
