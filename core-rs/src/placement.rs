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

    /// Past this, chance alone explains a chi-squared sum once in a thousand times (Wilson and
    /// Hilferty's approximation).
    fn chi_squared_limit(degrees_of_freedom: usize) -> f64 {
        const Z_OF_ONE_IN_A_THOUSAND: f64 = 3.09;
        let k = degrees_of_freedom as f64;
        let spread = 2.0 / (9.0 * k);
        k * (1.0 - spread + Z_OF_ONE_IN_A_THOUSAND * spread.sqrt()).powi(3)
    }

    fn assert_even(clients: &[u32], what: &str) {
        let total: u32 = clients.iter().sum();
        let expected = f64::from(total) / clients.len() as f64;
        let squares = clients.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected);
        let (sum, limit) = (squares.sum::<f64>(), chi_squared_limit(clients.len() - 1));
        assert!(sum <= limit, "{what}: {sum:.1} is past {limit:.1}: {clients:?}");
    }

    /// Numbers that look random, the same in every run (splitmix64).
    fn scrambled(number: u64) -> u64 {
        let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn uuid(number: u64) -> String {
        let (a, b) = (scrambled(2 * number), scrambled(2 * number + 1));
        let (head, tail) = (a >> 32, b & 0xffff_ffff_ffff);
        format!(
            "{head:08x}-{:04x}-4{:03x}-a{:03x}-{tail:012x}",
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 52
        )
    }

    /// A way to name clients.
    type Naming = (&'static str, fn(u64) -> String);

    #[test]
    fn clients_are_spread_evenly_however_they_are_named() {
        let ids: [Naming; 4] = [
            ("sequential", |number| number.to_string()),
            ("prefixed", |number| format!("client-{number}")),
            ("random", |number| format!("{:x}", scrambled(number))),
            ("UUID", uuid),
        ];
        for (shards, workers) in [(2, 4), (4, 4), (4, 6), (8, 8), (12, 8)] {
            let placement = placement(shards, workers);
            for (naming, id) in ids {
                let mut by_shard = vec![0; shards as usize];
                let mut by_worker = vec![0; placement.workers()];
                for number in 0..20_000 {
                    let place = placement.place(&id(number));
                    by_shard[place.shard] += 1;
                    by_worker[place.worker] += 1;
                }
                assert_even(&by_shard, &format!("{naming} ids on {shards} shards"));
                let what = format!("{naming} ids on {shards} shards of {workers} workers");
                assert_even(&by_worker, &what);
            }
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
