//! Framing: from the payload that the application gives to the frame that the workers share.

use crate::frame::{Frame, Payload};

/// Frames messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Framer {
    /// Messages that are shorter are not compressed, in bytes with the frame's header.
    pub(super) compression_threshold_bytes: usize,
}

impl Framer {
    /// Frames a message. If `compress` is true and it is worth it, the workers that need the frame
    /// in a deflated form make that, each form once.
    pub(super) fn frame(self, payload: Payload<'_>, compress: bool) -> Frame {
        let frame = Frame::message(payload);
        let worth_it = frame.encoded_len() >= self.compression_threshold_bytes;
        if compress && worth_it { frame.compressible() } else { frame }
    }
}
