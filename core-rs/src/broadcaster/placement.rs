//! Where a client lives: a hash of its id chooses the shard, and the rest of the hash the worker.
//!
//! The hash is FNV-1a, which anyone can compute: a client that chooses its id chooses its worker.
//! With a key it is SipHash-2-4, and only who knows the key can.

use std::fmt;
use std::hash::Hasher;
use std::num::NonZeroU32;

use siphasher::sip::SipHasher24;

const OFFSET_BASIS: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

/// 32-bit FNV-1a of `bytes`, as published by Fowler, Noll and Vo.
///
/// ```
/// assert_eq!(shardcast_core::broadcaster::placement::fnv1a32(b"foobar"), 0xbf9c_f968);
/// ```
pub fn fnv1a32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(OFFSET_BASIS, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(PRIME))
}

/// A secret of 128 bits.
#[derive(Clone, Copy)]
pub struct PlacementKey([u8; 16]);

impl PlacementKey {
    /// Reads 32 hexadecimal digits.
    pub fn from_hex(digits: &str) -> Option<PlacementKey> {
        let is_hex = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = is_hex.then(|| u128::from_str_radix(digits, 16).ok())??;
        Some(PlacementKey(number.to_be_bytes()))
    }

    /// SipHash-2-4 of `bytes`, as published by Aumasson and Bernstein.
    fn hash(&self, bytes: &[u8]) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(bytes);
        hasher.finish()
    }
}

// No message may repeat it.
impl fmt::Debug for PlacementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlacementKey")
    }
}

/// The most shards.
pub const MAX_SHARDS: u32 = 1024;
/// The most workers of all shards.
pub const MAX_WORKERS: u32 = 4096;

/// The shape of a broadcaster: how many shards, and how many workers each of them has.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    /// Number of shards.
    pub shards: NonZeroU32,
    /// Number of workers of every shard.
    pub workers_per_shard: NonZeroU32,
    /// Keeps clients from choosing their place, where they choose their ids.
    pub key: Option<PlacementKey>,
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
        let id = client_id.as_bytes();
        // Half of a SipHash is as good as all of it for so few places.
        let hash = self.key.map_or_else(|| fnv1a32(id), |key| key.hash(id) as u32);
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

    /// The shard of a worker that is counted over all shards, and its number within the shard.
    pub fn within_shard(self, worker: usize) -> (usize, usize) {
        (self.shard_of(worker), worker % self.workers_per_shard.get() as usize)
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
            key: None,
        }
    }

    fn with_key(placement: Placement, digits: &str) -> Placement {
        let key = PlacementKey::from_hex(digits).expect("32 digits");
        Placement { key: Some(key), ..placement }
    }

    const KEY: &str = "000102030405060708090a0b0c0d0e0f";

    #[test]
    fn the_keyed_hash_gives_the_published_vectors() {
        let key = PlacementKey::from_hex(KEY).expect("32 digits");
        let message: Vec<u8> = (0..15).collect();
        assert_eq!(key.hash(&[]), 0x726f_db47_dd0e_0e31);
        assert_eq!(key.hash(&message), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn a_key_is_32_hexadecimal_digits_and_is_not_printed() {
        for wrong in ["", "00", "+0102030405060708090a0b0c0d0e0f0", &format!("{KEY}0")] {
            assert!(PlacementKey::from_hex(wrong).is_none(), "{wrong}");
        }
        assert_eq!(format!("{:?}", PlacementKey::from_hex(KEY)), "Some(PlacementKey)");
    }

    #[test]
    fn ids_that_are_chosen_for_one_worker_are_spread_by_a_key() {
        let open = placement(4, 4);
        let chosen = (0..).map(|number| number.to_string()).filter(|id| open.place(id).worker == 0);
        let mut by_worker = vec![0; open.workers()];
        let keyed = with_key(open, KEY);
        chosen.take(10_000).for_each(|id| by_worker[keyed.place(&id).worker] += 1);
        assert_even(&by_worker, "ids of one worker, with a key");
        // Those that fall together with one key do not with another.
        let other = with_key(open, "0f0e0d0c0b0a09080706050403020100");
        let ids: Vec<_> = (0..1000).map(|number| number.to_string()).collect();
        let moved = ids.iter().filter(|id| keyed.place(id) != other.place(id)).count();
        assert!(moved > 800, "{moved}");
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
            let open = placement(shards, workers);
            for ((naming, id), placement) in
                ids.into_iter().flat_map(|id| [(id, open), (id, with_key(open, KEY))])
            {
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
