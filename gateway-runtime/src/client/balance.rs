//! Which of several targets gets a request: pure choices over weights.
//!
//! Whatever the way, the share of a target is its weight among the weights of those that are eligible, so that the load of one
//! that is out goes to all others and not to its neighbour.
//!
//! Absent on purpose: who is eligible, which [`Upstream`](super::Upstream) decides, chance and counters, which are arguments.

/// Most targets of one back end.
pub(crate) const MOST: usize = 64;

/// Some of the targets, by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Targets(u64);

impl Targets {
    /// None of them.
    pub(super) const NONE: Targets = Targets(0);

    /// Those of the first `count` that a test takes.
    pub(super) fn which(count: usize, test: impl Fn(usize) -> bool) -> Targets {
        (0..count.min(MOST))
            .filter(|at| test(*at))
            .fold(Targets::NONE, Targets::with)
    }

    /// These and one more.
    pub(super) fn with(self, at: usize) -> Targets {
        Targets(self.0 | 1 << (at % MOST))
    }

    /// These without those.
    pub(super) fn without(self, those: Targets) -> Targets {
        Targets(self.0 & !those.0)
    }

    /// These; if they are none, those.
    pub(super) fn or(self, those: Targets) -> Targets {
        if self == Targets::NONE { those } else { self }
    }

    fn has(self, at: usize) -> bool {
        at < MOST && self.0 >> at & 1 == 1
    }
}

/// What is fixed about the targets of a back end.
#[derive(Debug)]
pub(super) struct Shares {
    weights: Box<[u32]>,
    /// Made of their addresses, so that every gateway of a document hashes alike.
    seeds: Box<[u64]>,
}

/// How to choose, with what this choice needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In turn; the number of this one.
    InTurn(u64),
    /// The fewest requests under way for its weight; of several, in turn.
    Least(u64),
    /// By a random number.
    Random(u64),
    /// By the hash of a value: always the same target as long as it is eligible.
    Hash(u64),
}

impl Shares {
    /// Weights and addresses, in the order of the targets.
    pub(super) fn new<'a>(targets: impl IntoIterator<Item = (u32, &'a str)>) -> Shares {
        let (weights, seeds): (Vec<u32>, Vec<u64>) = targets
            .into_iter()
            .map(|(weight, address)| (weight.max(1), hash(address.as_bytes())))
            .unzip();
        Shares {
            weights: weights.into(),
            seeds: seeds.into(),
        }
    }

    /// Chooses one of those that are eligible; `None`: there is none. `load` tells the requests under way.
    pub(super) fn pick(
        &self,
        way: Way,
        eligible: Targets,
        load: impl Fn(usize) -> u32,
    ) -> Option<usize> {
        match way {
            Way::InTurn(turn) => self.in_turn(turn, eligible),
            Way::Least(turn) => self.in_turn(turn, self.least(eligible, load)),
            Way::Random(number) => {
                let total = self.total(eligible);
                self.at(number.checked_rem(total)?, eligible)
            }
            Way::Hash(key) => self.rendezvous(key, eligible),
        }
    }

    fn each(&self, among: Targets) -> impl Iterator<Item = (usize, u64)> {
        let weights = self.weights.iter().map(|weight| u64::from(*weight));
        weights.enumerate().filter(move |(at, _)| among.has(*at))
    }

    fn total(&self, among: Targets) -> u64 {
        self.each(among).map(|(_, weight)| weight).sum()
    }

    /// The target whose share this point of the total weight lies in.
    fn at(&self, mut point: u64, among: Targets) -> Option<usize> {
        self.each(among).find_map(|(at, weight)| {
            let beyond = point.checked_sub(weight);
            point = beyond.unwrap_or_default();
            beyond.is_none().then_some(at)
        })
    }

    /// Of as many turns in a row as the weights come to, each target gets exactly its weight. The points are taken in steps that
    /// have no divisor in common with the total, near the golden ratio of it: so a heavy target's turns are spread out.
    fn in_turn(&self, turn: u64, among: Targets) -> Option<usize> {
        let total = self.total(among);
        let turn = turn.checked_rem(total)?;
        let golden = (total as f64 * 0.618_033_988_75) as u64;
        let step = (golden.max(1)..).find(|step| divisor(*step, total) == 1)?;
        self.at(turn * step % total, among)
    }

    fn least(&self, among: Targets, load: impl Fn(usize) -> u32) -> Targets {
        let mut best = (Targets::NONE, 0, 1);
        for (at, weight) in self.each(among) {
            let load = u64::from(load(at));
            // load / weight against the least so far, without dividing.
            let (here, least) = (load * best.2, best.1 * weight);
            if best.0 == Targets::NONE || here < least {
                best = (Targets::NONE.with(at), load, weight);
            } else if here == least {
                best.0 = best.0.with(at);
            }
        }
        best.0
    }

    /// Weighted rendezvous hashing: each target draws a number by the key, and the best one wins. When a target goes, only its own
    /// keys move.
    fn rendezvous(&self, key: u64, among: Targets) -> Option<usize> {
        let score = |(at, weight): (usize, u64)| {
            let drawn = mix(key ^ self.seeds.get(at).copied().unwrap_or_default());
            // In (0, 1): 53 bits are what a float holds.
            let chance = ((drawn >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
            (at, -chance.ln() / weight as f64)
        };
        self.each(among)
            .map(score)
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(at, _)| at)
    }
}

/// The key of a value: FNV-1a, mixed. The same in every process and release, so that gateways beside each other agree.
pub(crate) fn hash(value: &[u8]) -> u64 {
    let hashed = value.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    mix(hashed)
}

/// The finaliser of SplitMix64: every bit of the input moves every bit of the output.
fn mix(mut x: u64) -> u64 {
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// Greatest common divisor.
fn divisor(a: u64, b: u64) -> u64 {
    match b {
        0 => a,
        b => divisor(b, a % b),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn shares(weights: &[u32]) -> Shares {
        const ADDRESSES: [&str; 4] = ["http://a", "http://b", "http://c", "http://d"];
        Shares::new(weights.iter().copied().zip(ADDRESSES))
    }

    fn all(weights: &[u32]) -> Targets {
        Targets::which(weights.len(), |_| true)
    }

    /// How often each target is chosen in `rounds` choices.
    fn counts(weights: &[u32], among: Targets, rounds: u64, way: impl Fn(u64) -> Way) -> Vec<u32> {
        let shares = shares(weights);
        let mut counts = vec![0; weights.len()];
        for n in 0..rounds {
            counts[shares.pick(way(n), among, |_| 0).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn turns_are_by_weight_exactly_and_spread_out() {
        for (weights, out, rounds, expected) in [
            (&[1, 1][..], &[][..], 4, &[2, 2][..]),
            (&[1, 2], &[], 6, &[2, 4]),
            (&[5, 3, 2], &[], 10, &[5, 3, 2]),
            (&[5, 3, 2], &[0], 10, &[0, 6, 4]),
            (&[5, 3, 2], &[0, 2], 7, &[0, 7, 0]),
            (&[1, 1000], &[], 1001, &[1, 1000]),
            (&[1], &[], 3, &[3]),
        ] {
            let out = Targets::which(weights.len(), |at| out.contains(&at));
            let among = all(weights).without(out);
            for way in [Way::InTurn, Way::Least] {
                assert_eq!(counts(weights, among, rounds, way), expected, "{weights:?}");
            }
        }
        let order: Vec<usize> = (0..8)
            .filter_map(|turn| shares(&[4, 4]).pick(Way::InTurn(turn), all(&[4, 4]), |_| 0))
            .collect();
        assert!(
            !order.windows(3).any(|w| w == [0, 0, 0] || w == [1, 1, 1]),
            "{order:?}"
        );
    }

    #[test]
    fn the_least_loaded_for_its_weight() {
        for (weights, loads, expected) in [
            (&[1, 1, 1][..], &[2, 1, 3][..], &[1][..]),
            (&[1, 2], &[1, 1], &[1]),
            (&[1, 2], &[1, 2], &[0, 1]),
            (&[1, 2], &[0, 1], &[0]),
            (&[3, 1], &[2, 1], &[0]),
        ] {
            let shares = shares(weights);
            let mut chosen: Vec<usize> = (0..12)
                .filter_map(|turn| shares.pick(Way::Least(turn), all(weights), |at| loads[at]))
                .collect();
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen, expected, "{weights:?} {loads:?}");
        }
    }

    #[test]
    fn chance_and_hashes_are_by_weight_roughly() {
        for way in [
            Way::Hash as fn(u64) -> Way,
            |n| Way::Random(mix(n)),
            |n| Way::Hash(hash(format!("user-{n}").as_bytes())),
        ] {
            let counts = counts(&[1, 3], all(&[1, 3]), 40_000, |n| way(mix(n)));
            assert!((9_000..11_000).contains(&counts[0]), "{counts:?}");
        }
    }

    #[test]
    fn nobody_is_nobody() {
        for way in [Way::InTurn(3), Way::Least(3), Way::Random(3), Way::Hash(3)] {
            assert_eq!(shares(&[1, 2]).pick(way, Targets::NONE, |_| 0), None);
        }
        let one = Targets::NONE.with(1);
        assert_eq!(Targets::NONE.or(one), one);
        assert_eq!(one.or(Targets::NONE.with(0)), one);
    }

    #[test]
    fn hashes_do_not_change_between_releases() {
        assert_eq!(hash(b"user-7"), 0x9e12_4c98_a398_664e);
        let shares = shares(&[1, 1, 1]);
        let among = all(&[1, 1, 1]);
        let picks: Vec<_> = (0..12)
            .map(|n| {
                let key = hash(format!("user-{n}").as_bytes());
                shares.pick(Way::Hash(key), among, |_| 0).unwrap()
            })
            .collect();
        assert_eq!(picks, [2, 1, 0, 2, 1, 2, 2, 1, 2, 1, 1, 0]);
    }

    proptest! {
        #[test]
        fn when_a_target_goes_only_its_keys_move(
            weights in prop::collection::vec(1_u32..100, 2..5),
            key: u64,
            gone in 0_usize..5,
        ) {
            let shares = shares(&weights);
            let gone = gone % weights.len();
            let before = shares.pick(Way::Hash(key), all(&weights), |_| 0).unwrap();
            let among = all(&weights).without(Targets::NONE.with(gone));
            let after = shares.pick(Way::Hash(key), among, |_| 0).unwrap();
            prop_assert!(after != gone);
            prop_assert!(before == gone || before == after);
        }

        #[test]
        fn every_choice_is_eligible(
            weights in prop::collection::vec(1_u32..1000, 1..5),
            mask: u64,
            number: u64,
        ) {
            let shares = shares(&weights);
            let among = Targets::which(weights.len(), |at| mask >> at & 1 == 1);
            for way in [Way::InTurn(number), Way::Least(number), Way::Random(number), Way::Hash(number)] {
                match shares.pick(way, among, |at| (mask >> (8 * at)) as u32 & 0xff) {
                    Some(at) => prop_assert!(among.has(at)),
                    None => prop_assert_eq!(among, Targets::NONE),
                }
            }
        }

        #[test]
        fn a_round_of_turns_is_the_weights(
            weights in prop::collection::vec(1_u32..40, 1..5),
            from in 0_u64..1_000_000,
        ) {
            let total = weights.iter().map(|w| u64::from(*w)).sum();
            let counts = counts(&weights, all(&weights), total, |n| Way::InTurn(from + n));
            prop_assert_eq!(counts, weights);
        }
    }
}
