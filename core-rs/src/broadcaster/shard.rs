//! A shard: a share of the clients, with a limit of its own.

/// The sequencer's view of a shard. Its workers stand in the broadcaster's list, side by side.
#[derive(Debug)]
pub(super) struct Shard {
    clients: usize,
    max_clients: usize,
}

/// The shard holds as many clients as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardFull;

impl Shard {
    /// A shard without clients.
    pub(super) fn new(max_clients: usize) -> Shard {
        Shard { clients: 0, max_clients }
    }

    /// Takes one more client in.
    ///
    /// # Errors
    ///
    /// [`ShardFull`] when it may not.
    pub(super) fn admit(&mut self) -> Result<(), ShardFull> {
        if self.clients >= self.max_clients {
            return Err(ShardFull);
        }
        self.clients += 1;
        Ok(())
    }

    /// A client has left.
    pub(super) fn release(&mut self) {
        self.clients -= 1;
    }
}
