//! What a slow client has missed, as its application gets to know.

use std::sync::Arc;

/// Published messages that were skipped, by channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// Each channel once. There are few: those of one client.
    by_channel: Vec<(Arc<str>, u64)>,
}

impl Missed {
    /// One more message of a channel.
    pub fn add(&mut self, channel: &Arc<str>) {
        match self.by_channel.iter_mut().find(|(name, _)| name == channel) {
            Some((_, messages)) => *messages += 1,
            None => self.by_channel.push((Arc::clone(channel), 1)),
        }
    }

    /// Messages of all channels.
    pub fn total(&self) -> u64 {
        self.by_channel.iter().map(|(_, messages)| messages).sum()
    }

    /// The channels, each with its number of messages.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.by_channel.iter().map(|(name, messages)| (&**name, *messages))
    }
}
