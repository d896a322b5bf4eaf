//! One token bucket per value of something in the request.
//!
//! A client chooses those values, so their number and size are bounded: a key is a hash of fixed size under a key of this
//! process (so nobody can aim at another's bucket), and a throttle holds [`CAPACITY`] of them. A full shard first drops buckets
//! that are full again, which loses nothing; then those that need least to be full. A client whose bucket was dropped starts
//! with a full one, which is what it could have had under another value anyway.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::net::IpAddr;

use parking_lot::Mutex;

use super::bucket::{FULL, Limit, Standing};
use crate::clock::{Clock, Nanos};

/// Keys a throttle holds at most.
pub(crate) const CAPACITY: usize = 65_536;
/// Locks they are spread over, so that workers rarely meet.
const SHARDS: usize = 64;
const PER_SHARD: usize = CAPACITY / SHARDS;

/// What a bucket is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(u128);

/// Buckets by key.
#[derive(Debug)]
pub(crate) struct Buckets {
    limit: Limit,
    hashers: [RandomState; 2],
    shards: Vec<Mutex<Shard>>,
}

/// Per key the moment at which its bucket is full again.
type Shard = HashMap<Key, u64, BuildHasherDefault<AlreadyHashed>>;

/// Keys are hashes already.
#[derive(Debug, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

/// Makes a key of several parts, whose ends it marks, so that `ab` + `c` is not `a` + `bc`.
#[derive(Debug)]
pub(crate) struct Keyer(
    <RandomState as BuildHasher>::Hasher,
    <RandomState as BuildHasher>::Hasher,
);

impl Keyer {
    /// The next part.
    pub(crate) fn part(&mut self, part: &[u8]) {
        for hasher in [&mut self.0, &mut self.1] {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
    }

    /// The key of all parts; no part at all is a key too.
    pub(crate) fn finish(self) -> Key {
        Key(u128::from(self.0.finish()) << 64 | u128::from(self.1.finish()))
    }
}

impl Buckets {
    /// No bucket yet; each begins full.
    pub(crate) fn new(rate: f64, burst: u32) -> Buckets {
        Buckets {
            limit: Limit::new(rate, burst),
            hashers: [RandomState::new(), RandomState::new()],
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Begins a key.
    pub(crate) fn keyer(&self) -> Keyer {
        let [a, b] = &self.hashers;
        Keyer(a.build_hasher(), b.build_hasher())
    }

    /// The key of a client's address. An IPv6 address counts by its first 64 bits: that much belongs to one subscriber, who
    /// could otherwise have a bucket for each of 2⁶⁴ addresses.
    pub(crate) fn address_key(&self, address: IpAddr) -> Key {
        let mut keyer = self.keyer();
        match address.to_canonical() {
            IpAddr::V4(v4) => keyer.part(&v4.octets()),
            IpAddr::V6(v6) => keyer.part(&v6.octets()[..8]),
        }
        keyer.finish()
    }

    /// Whether there is a token at `now`.
    pub(crate) fn look(&self, key: Key, now: Nanos) -> Result<Standing, Standing> {
        let full_at = self.shard(key).lock().get(&key).copied();
        self.limit.outcome(full_at.unwrap_or(FULL), now)
    }

    /// Takes a token, if there is one at `now`.
    pub(crate) fn take(&self, key: Key, now: Nanos) -> Result<Standing, Standing> {
        let mut shard = self.shard(key).lock();
        if let Some(full_at) = shard.get_mut(&key) {
            let standing = self.limit.outcome(*full_at, now)?;
            *full_at = standing.full_at();
            return Ok(standing);
        }
        let standing = self.limit.outcome(FULL, now)?;
        if shard.len() >= PER_SHARD {
            make_room(&mut shard, now);
        }
        shard.insert(key, standing.full_at());
        Ok(standing)
    }

    /// Gives a token back.
    pub(crate) fn give_back(&self, key: Key, taken: Standing, clock: &Clock) {
        let mut shard = self.shard(key).lock();
        if let Some(full_at) = shard.get_mut(&key) {
            *full_at = self.limit.undo(*full_at, taken.now(), clock.now().get());
        }
    }

    /// Buckets held at the moment.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    fn shard(&self, key: Key) -> &Mutex<Shard> {
        // The upper bits: the map uses the lower ones. There are SHARDS shards, so the index is always one of them.
        &self.shards[(key.0 >> 64) as usize % SHARDS]
    }
}

/// Drops buckets that are full again, and if there are too few of those the eighth that is nearest to it. So a shard is walked
/// once in many insertions, whoever sprays keys.
fn make_room(shard: &mut Shard, now: Nanos) {
    const EIGHTH: usize = PER_SHARD / 8;
    shard.retain(|_, full_at| *full_at > now.get());
    if shard.len() > PER_SHARD - EIGHTH {
        let mut moments: Vec<u64> = shard.values().copied().collect();
        let (_, last, _) = moments.select_nth_unstable(EIGHTH);
        let mut left = EIGHTH;
        shard.retain(|_, full_at| {
            let goes = *full_at <= *last && left > 0;
            left -= usize::from(goes);
            !goes
        });
    }
}
