//! Where a client lives: FNV-1a of its id chooses the shard, and the rest of the hash the worker.

use std::num::NonZeroU32;

const OFFSET_BASIS: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

/// 32-bit FNV-1a of `bytes`, as published by Fowler, Noll and Vo.
///
/// ```
/// assert_eq!(shardcast_core::placement::fnv1a32(b"foobar"), 0xbf9c_f968);
/// ```
pub fn fnv1a32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(OFFSET_BASIS, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(PRIME))
}

/// The shape of a broadcaster: how many shards, and how many workers each of them has.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    /// Number of shards.
    pub shards: NonZeroU32,
    /// Number of workers of every shard.
    pub workers_per_shard: NonZeroU32,
}

/// A client's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The shard, `0..shards`.
    pub shard: usize,
    /// The worker among all workers of all shards, `0..shards * workers_per_shard`.
    pub worker: usize,
}

impl Placement {
    /// The place of the client with this id.
    ///
    /// The worker is taken from what the shard left of the hash. With the same remainder for both,
    /// four shards of four workers would use one worker each.
    pub fn place(self, client_id: &str) -> Place {
        let hash = fnv1a32(client_id.as_bytes());
        let shard = hash % self.shards;
        let worker = (hash / self.shards) % self.workers_per_shard;
        Place {
            shard: shard as usize,
            worker: (shard * self.workers_per_shard.get() + worker) as usize,
        }
    }

    /// The number of workers of all shards.
    pub fn workers(self) -> usize {
        self.shards.get() as usize * self.workers_per_shard.get() as usize
    }

    /// The shard to which a worker, counted over all shards, belongs.
    pub fn shard_of(self, worker: usize) -> usize {
        worker / self.workers_per_shard.get() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn placement(shards: u32, workers_per_shard: u32) -> Placement {
        Placement {
            shards: NonZeroU32::new(shards).expect("shards"),
            workers_per_shard: NonZeroU32::new(workers_per_shard).expect("workers"),
        }
    }

    #[test]
    fn the_hash_gives_the_published_vectors() {
        let vectors: [(&[u8], u32); 6] = [
            (b"", 0x811c_9dc5),
            (b"a", 0xe40c_292c),
            (b"b", 0xe70c_2de5),
            (b"foobar", 0xbf9c_f968),
            (b"chongo was here!\n", 0xd499_30d5),
            (b"foob", 0x3f50_76ef),
        ];
        for (input, expected) in vectors {
            assert_eq!(fnv1a32(input), expected, "{input:?}");
        }
    }

    #[test]
    fn every_worker_of_every_shard_is_used() {
        for (shards, workers) in [(1, 1), (2, 4), (4, 4), (4, 6), (8, 8), (12, 8)] {
            let placement = placement(shards, workers);
            let mut clients = vec![0; placement.workers()];
            let count = placement.workers() * 200;
            for number in 0..count {
                clients[placement.place(&format!("client-{number}")).worker] += 1;
            }
            let least = clients.iter().min().expect("there are workers");
            assert!(*least > 120, "{shards} shards of {workers}: {clients:?}");
        }
    }

    proptest! {
        #[test]
        fn a_place_exists_and_its_worker_belongs_to_its_shard(
            id in ".*", shards in 1u32..64, workers in 1u32..16
        ) {
            let placement = placement(shards, workers);
            let place = placement.place(&id);
            prop_assert!(place.worker < placement.workers());
            prop_assert_eq!(placement.shard_of(place.worker), place.shard);
        }
    }
}
