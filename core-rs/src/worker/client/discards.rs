//! What of a client's frames JavaScript does not want to have.

/// The kinds of frames that the application has no handler for. The worker still checks, counts and
/// answers them, but emits no event: a client can send very many of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Discards(u8);

impl Discards {
    /// Text and binary messages.
    pub const MESSAGES: Discards = Discards(1);
    /// Pings, which are answered all the same.
    pub const PINGS: Discards = Discards(1 << 1);
    /// Pongs.
    pub const PONGS: Discards = Discards(1 << 2);

    /// The bits of the set.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set with these bits; others mean nothing.
    pub fn from_bits(bits: u8) -> Discards {
        Discards(bits)
    }

    /// Whether frames of one kind are discarded.
    pub fn contains(self, kind: Discards) -> bool {
        self.0 & kind.0 != 0
    }
}
