//! Names of clients, cohorts and channels, as files share them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Names a client to the sequencer, its worker and JavaScript. The sequencer gives it out, and it
/// is never 0.
pub type ClientKey = u32;

/// Where a worker keeps a client. Free again when the client is gone.
pub type ClientIndex = usize;

/// Where a worker keeps a cohort. Free again when its last client has left.
pub type CohortIndex = usize;

/// The cohort of the clients without a channel. It always exists, and its log stays empty.
pub const SILENT: CohortIndex = 0;

/// Where a client stands among the members of its cohort.
pub type MemberPosition = usize;

/// Names a channel between the sequencer and the workers while it has subscribers. Later it may
/// name another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u32);

/// A channel with its name, which is good for ever. Channels compare by their id.
#[derive(Clone, Debug)]
pub struct Channel {
    /// What it is called inside.
    pub id: ChannelId,
    /// What the application calls it.
    pub name: Arc<str>,
}

impl PartialEq for Channel {
    fn eq(&self, other: &Channel) -> bool {
        self.id == other.id
    }
}

impl Eq for Channel {}

impl PartialOrd for Channel {
    fn partial_cmp(&self, other: &Channel) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Channel {
    fn cmp(&self, other: &Channel) -> std::cmp::Ordering {
        self.id.cmp(&other.id)
    }
}

impl Hash for Channel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}
