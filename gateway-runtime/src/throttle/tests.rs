#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;

use super::keyed::CAPACITY;
use super::*;
use crate::def::throttle;

/// A token bucket as one draws it: a level that fills with time. Counted in nanoseconds of refill.
struct Model {
    interval: u64,
    span: u64,
    level: u64,
    last: u64,
}

impl Model {
    fn new(rate: f64, burst: u32) -> Model {
        let interval = (1e9 / rate).ceil() as u64;
        let span = interval * u64::from(burst);
        Model {
            interval,
            span,
            level: span,
            last: 0,
        }
    }

    fn take(&mut self, now: u64) -> bool {
        self.level = self.span.min(self.level.saturating_add(now - self.last));
        self.last = now;
        let admitted = self.level >= self.interval;
        if admitted {
            self.level -= self.interval;
        }
        admitted
    }
}

/// A request as throttles see it.
struct Request {
    client: IpAddr,
    values: HashMap<&'static str, Vec<&'static str>>,
}

impl Request {
    fn from(client: &str) -> Request {
        Request {
            client: client.parse().unwrap(),
            values: HashMap::new(),
        }
    }

    fn with(mut self, name: &'static str, values: &[&'static str]) -> Request {
        self.values.insert(name, values.to_vec());
        self
    }
}

impl Keys for Request {
    fn client(&self) -> IpAddr {
        self.client
    }

    fn each_value(&self, key: ThrottleKey, with: &mut dyn FnMut(&[u8])) {
        let name = match key {
            ThrottleKey::Header(name) | ThrottleKey::Query(name) | ThrottleKey::Path(name) => name,
            ThrottleKey::Whole | ThrottleKey::Ip => panic!("{key:?} has no values"),
        };
        for value in self.values.get(name).into_iter().flatten() {
            with(value.as_bytes());
        }
    }
}

fn rates() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(1.0),
        Just(5.0),
        Just(10_000.0),
        0.01..20.0f64,
        20.0..1e6f64
    ]
}

/// Pauses between requests, in multiples of the interval: bursts, the rate itself, and idling.
fn pauses() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(
        prop_oneof![Just(0.0), Just(1.0), 0.0..1.5f64, 0.0..30.0f64],
        1..200,
    )
}

proptest! {
    #[test]
    fn admits_what_a_token_bucket_admits(rate in rates(), burst in 1u32..50, pauses in pauses()) {
        let bucket = Bucket::new(rate, burst);
        let mut model = Model::new(rate, burst);
        let mut now = 0;
        for pause in pauses {
            now += (pause * 1e9 / rate) as u64;
            let admitted = bucket.take(Nanos::new(now));
            prop_assert_eq!(admitted.is_ok(), model.take(now), "at {}", now);
            let standing = admitted.unwrap_or_else(|refused| refused);
            prop_assert_eq!(u64::from(standing.remaining()), model.level / model.interval);
        }
    }

    #[test]
    fn never_more_than_rate_and_burst_in_any_span(rate in rates(), burst in 1u32..50, pauses in pauses()) {
        let bucket = Bucket::new(rate, burst);
        let mut now = 0;
        let mut admitted = Vec::new();
        for pause in pauses {
            now += (pause * 1e9 / rate) as u64;
            if bucket.take(Nanos::new(now)).is_ok() {
                admitted.push(now);
            }
        }
        for (n, from) in admitted.iter().enumerate() {
            for (m, to) in admitted.iter().enumerate().skip(n) {
                let allowed = rate * (to - from) as f64 / 1e9 + f64::from(burst);
                prop_assert!((m - n + 1) as f64 <= allowed + 1e-6, "{} in {} ns", m - n + 1, to - from);
            }
        }
    }

    #[test]
    fn a_refusal_says_when_to_come_back(rate in rates(), burst in 1u32..50) {
        let bucket = Bucket::new(rate, burst);
        let refused = loop {
            if let Err(refused) = bucket.take(Nanos::ZERO) { break refused }
        };
        prop_assert!(refused.retry_after() >= 1);
        prop_assert!(bucket.look(Nanos::new(refused.wait() - 1)).is_err());
        prop_assert!(bucket.look(Nanos::new(refused.wait())).is_ok());
    }

    /// Takes and returns in any order, checked against the same requests without those that were returned.
    #[test]
    fn giving_back_never_makes_tokens(burst in 1u32..8, steps in prop::collection::vec((0u64..8, any::<bool>(), any::<bool>()), 1..60)) {
        let interval = 1_000_000_000;
        let (bucket, mut kept_only) = (Bucket::new(1.0, burst), Model::new(1.0, burst));
        let clock = Clock::manual();
        let mut held = Vec::new();
        let mut kept = Vec::new();
        for (pause, keep, give_one_back) in steps {
            clock.advance(Duration::from_nanos(pause * interval / 4));
            if give_one_back && let Some(standing) = held.pop() {
                bucket.give_back(standing, &clock);
            }
            if let Ok(standing) = bucket.take(clock.now()) {
                if keep { kept.push(clock.now().get()) } else { held.push(standing) }
            }
        }
        for at in kept {
            prop_assert!(kept_only.take(at), "the request at {} was one too many", at);
        }
    }
}

#[test]
fn a_token_that_is_returned_at_once_is_there_again() {
    let clock = Clock::manual();
    let bucket = Bucket::new(1.0, 3);
    for _ in 0..100 {
        let taken = bucket.take(clock.now()).unwrap();
        assert_eq!(taken.remaining(), 2);
        bucket.give_back(taken, &clock);
    }
}

#[test]
fn a_rate_or_burst_of_nothing_refuses_everything() {
    for (rate, burst) in [(0.0, 5), (5.0, 0), (0.0, 0), (-1.0, 5), (f64::NAN, 5)] {
        let bucket = Bucket::new(rate, burst);
        for now in [0, 1, u64::MAX] {
            let refused = bucket.take(Nanos::new(now)).unwrap_err();
            assert_eq!(refused.remaining(), 0);
            assert!(refused.retry_after() >= 1);
        }
    }
}

#[test]
fn what_a_client_is_told() {
    let bucket = Bucket::new(5.0, 20);
    let first = bucket.take(Nanos::ZERO).unwrap();
    assert_eq!(
        (first.limit(), first.window(), first.remaining()),
        (20, 4, 19)
    );
    for _ in 1..20 {
        bucket.take(Nanos::ZERO).unwrap();
    }
    let refused = bucket.take(Nanos::ZERO).unwrap_err();
    assert_eq!((refused.remaining(), refused.retry_after()), (0, 1));
    let slow = Bucket::new(0.1, 1);
    slow.take(Nanos::ZERO).unwrap();
    assert_eq!(slow.take(Nanos::ZERO).unwrap_err().retry_after(), 10);
    assert_eq!(
        slow.take(Nanos::new(8_500_000_000))
            .unwrap_err()
            .retry_after(),
        2
    );
}

#[test]
fn workers_together_never_take_more_than_there_is() {
    const WORKERS: usize = 4;
    const BURST: u32 = 1000;
    let bucket = Bucket::new(1000.0, BURST);
    let (time, admitted) = (AtomicU64::new(0), AtomicU64::new(0));
    let start = Barrier::new(WORKERS);
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                start.wait();
                for _ in 0..20_000 {
                    let now = time.fetch_add(10_000, Ordering::SeqCst);
                    if bucket.take(Nanos::new(now)).is_ok() {
                        admitted.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    // 80,000 requests, one every 10 µs: 0.8 seconds. Readings of several workers may be out of order, which can only refuse more.
    let admitted = admitted.load(Ordering::SeqCst);
    assert!(
        (1..=1800).contains(&admitted),
        "{admitted} admitted where 1800 are allowed"
    );
    assert!(admitted >= 1000);
}

#[test]
fn a_refused_request_consumes_nothing_whoever_races() {
    let clock = Clock::manual();
    const WORKERS: usize = 4;
    // The narrow bucket lets 100 pass; nobody else's attempt may cost a token of the wide one.
    let narrow = Throttles::new(&[
        throttle(1.0, 100_000, ThrottleKey::Whole),
        throttle(1.0, 100, ThrottleKey::Header("x-user")),
    ]);
    let stage = Bucket::new(1.0, 100_000);
    let admitted = AtomicU64::new(0);
    let start = Barrier::new(WORKERS);
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let request = Request::from("192.0.2.1").with("x-user", &["ada"]);
                start.wait();
                for _ in 0..5000 {
                    if narrow
                        .take(
                            &mut Taken::default(),
                            Some(&stage),
                            &request,
                            &clock,
                            Nanos::ZERO,
                        )
                        .is_ok()
                    {
                        admitted.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    // The clock stands still, so every token that a lost race gave back came back whole.
    let admitted = u32::try_from(admitted.load(Ordering::SeqCst)).unwrap();
    assert_eq!(admitted, 100);
    assert_eq!(
        stage.look(Nanos::ZERO).unwrap().remaining(),
        100_000 - admitted - 1
    );
    assert_eq!(
        narrow.whole[0].look(Nanos::ZERO).unwrap().remaining(),
        100_000 - admitted - 1
    );
}

#[test]
fn what_was_taken_for_the_address_comes_back_too() {
    let clock = Clock::manual();
    let throttles = Throttles::new(&[
        throttle(1.0, 10, ThrottleKey::Ip),
        throttle(1.0, 1, ThrottleKey::Whole),
    ]);
    let request = Request::from("192.0.2.1");
    let attempt = || {
        let mut taken = Taken::default();
        throttles.take_per_address(&mut taken, &request, &clock, Nanos::ZERO)?;
        throttles.take(&mut taken, None, &request, &clock, Nanos::ZERO)
    };
    assert!(attempt().is_ok());
    for _ in 0..50 {
        assert_eq!(attempt().unwrap_err().limit(), 1);
    }
    let mut taken = Taken::default();
    throttles
        .take_per_address(&mut taken, &request, &clock, Nanos::ZERO)
        .unwrap();
    assert_eq!(taken.tightest().unwrap().remaining(), 8);
}

#[test]
fn the_refusal_is_the_bucket_with_the_longest_wait() {
    let clock = Clock::manual();
    let throttles = Throttles::new(&[
        throttle(100.0, 1, ThrottleKey::Whole),
        throttle(0.1, 1, ThrottleKey::Query("q")),
        throttle(1.0, 1, ThrottleKey::Path("id")),
    ]);
    let request = Request::from("192.0.2.1");
    let take = || throttles.take(&mut Taken::default(), None, &request, &clock, Nanos::ZERO);
    assert!(take().is_ok());
    assert_eq!(take().unwrap_err().retry_after(), 10);
}

#[test]
fn more_buckets_than_fit_inline() {
    let clock = Clock::manual();
    let defs: Vec<ThrottleDef> = (0..7)
        .map(|n| throttle(1.0, 10 + n, ThrottleKey::Whole))
        .collect();
    let throttles = Throttles::new(&defs);
    let request = Request::from("192.0.2.1");
    let mut taken = Taken::default();
    throttles
        .take(&mut taken, None, &request, &clock, Nanos::ZERO)
        .unwrap();
    assert_eq!(taken.tightest().unwrap().limit(), 10);
    taken.give_back(&clock);
    for (bucket, def) in throttles.whole.iter().zip(&defs) {
        assert_eq!(
            bucket.look(Nanos::ZERO).unwrap().remaining(),
            def.burst - 1,
            "looking counts the token it would take"
        );
    }
}

#[test]
fn who_shares_a_bucket() {
    let clock = Clock::manual();
    let by_address = |a: &str, b: &str| {
        let throttles = Throttles::new(&[throttle(1.0, 1, ThrottleKey::Ip)]);
        let take = |client| {
            let request = Request::from(client);
            throttles
                .take_per_address(&mut Taken::default(), &request, &clock, Nanos::ZERO)
                .is_ok()
        };
        assert!(take(a));
        !take(b)
    };
    for (a, b, shared) in [
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("2001:db8::1", "2001:db8::2", true),
        ("2001:db8::1", "2001:db8:0:1::1", false),
    ] {
        assert_eq!(by_address(a, b), shared, "{a} {b}");
    }

    let by_value = |a: &[&'static str], b: &[&'static str]| {
        let throttles = Throttles::new(&[throttle(1.0, 1, ThrottleKey::Header("x"))]);
        let take = |values| {
            let request = Request::from("192.0.2.1").with("x", values);
            throttles
                .take(&mut Taken::default(), None, &request, &clock, Nanos::ZERO)
                .is_ok()
        };
        assert!(take(a));
        !take(b)
    };
    for (a, b, shared) in [
        (&["ada"][..], &["ada"][..], true),
        (&["ada"], &["Ada"], false),
        (&[], &[], true),
        (&[], &[""], false),
        (&["ab", "c"], &["a", "bc"], false),
        (&["ab"], &["a", "b"], false),
        // Whichever of several values the back end takes, it has been counted.
        (&["ada"], &["ada", "other"], true),
        (&["ada"], &["other", "ada"], true),
        (&["ada", "one"], &["two", "ada"], true),
        (&["ada", "ada"], &["bob"], false),
    ] {
        assert_eq!(by_value(a, b), shared, "{a:?} {b:?}");
    }
}

#[test]
fn keys_are_bounded_and_full_buckets_go_first() {
    let buckets = Buckets::new(1.0, 2);
    let key = |n: usize| {
        let mut keyer = buckets.keyer();
        keyer.part(&n.to_le_bytes());
        keyer.finish()
    };
    let second = 1_000_000_000;
    // Somebody who has used up everything until the third second …
    let greedy = key(usize::MAX);
    buckets.take(greedy, Nanos::new(second)).unwrap();
    buckets.take(greedy, Nanos::new(second)).unwrap();
    assert!(buckets.take(greedy, Nanos::new(second)).is_err());
    // … is not helped by a flood of other keys, whose buckets are nearer to being full.
    for n in 0..3 * CAPACITY {
        buckets.take(key(n), Nanos::new(second)).unwrap();
        assert!(n % 4096 != 0 || buckets.len() <= CAPACITY);
    }
    assert!(buckets.len() <= CAPACITY);
    assert!(buckets.take(greedy, Nanos::new(second)).is_err());
    // Once all are full again a new key empties its shard.
    let before = buckets.len();
    for n in 0..CAPACITY {
        buckets.take(key(n), Nanos::new(60 * second)).unwrap();
    }
    assert!(buckets.len() <= CAPACITY && before > CAPACITY / 2);
}
