//! Ids of clients to which the application gives none.
//!
//! Every client has one, which decides where it lives, and hardly any is ever looked at. So none is
//! kept: each is computed from the client's key.

use std::hash::{BuildHasher, RandomState};

use sha1::{Digest, Sha1};

use crate::ids::ClientKey;

/// See the module's description.
pub(super) struct ClientIds {
    secret: [u64; 2],
}

impl ClientIds {
    /// Ids that are no other's.
    pub(super) fn new() -> ClientIds {
        // The standard library has the system choose the keys of its hashers.
        ClientIds { secret: [0, 1].map(|half: u64| RandomState::new().hash_one(half)) }
    }

    /// The id of the client with this key: a UUID that looks random without the
    /// secret. Only a key that is used again, four billion clients later, brings it back.
    pub(super) fn of(&self, key: ClientKey) -> String {
        let [first, second] = self.secret.map(u64::to_ne_bytes);
        let hash = Sha1::new().chain_update(first).chain_update(second);
        let hash = hash.chain_update(key.to_ne_bytes()).finalize();
        uuid(hash[..16].try_into().expect("a hash has 20 bytes"))
    }
}

impl Default for ClientIds {
    fn default() -> ClientIds {
        ClientIds::new()
    }
}

/// The text of a UUID of version 4, which has six bits less than these.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let digits = [byte >> 4, byte & 0x0f].map(|digit| b"0123456789abcdef"[usize::from(digit)]);
        text.extend(digits.map(char::from));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_uuid_is_of_version_4() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let bytes = std::array::from_fn(|at| at as u8 * 0x11);
        assert_eq!(uuid(bytes), "00112233-4455-4677-8899-aabbccddeeff");
    }

    #[test]
    fn a_client_has_one_id_and_no_other_has_it() {
        let (ids, others) = (ClientIds::new(), ClientIds::new());
        assert_eq!(ids.of(7), ids.of(7));
        let all: HashSet<_> = (1..=1000).flat_map(|key| [ids.of(key), others.of(key)]).collect();
        assert_eq!(all.len(), 2000);
    }
}
