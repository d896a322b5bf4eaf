//! Throttles: token buckets, exact across workers.
//!
//! A bucket is one number: the moment at which it would be full again (the *theoretical arrival time* of GCRA, the generic
//! cell rate algorithm of ITU-T I.371, which admits exactly what a token bucket admits). Taking a token moves that moment by
//! one interval, in one compare-and-swap; there is no timer, no refill and no lock.
//!
//! Invariants:
//! * in every span of `t` seconds a bucket admits at most `rate × t + burst` requests, whatever the number of workers;
//! * a request takes from all its buckets or from none: all are looked at, then all are taken, and what was taken is given
//!   back if another request was faster ([`Taken`]);
//! * memory is bounded: a keyed throttle ([`keyed::Buckets`]) holds a fixed number of keys, of fixed size.
//!
//! Absent on purpose: quotas (usage plans have them) and state shared between processes.

pub(crate) mod bucket;
pub(crate) mod keyed;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use crate::clock::{Clock, Nanos};
use crate::def::{ThrottleDef, ThrottleKey};
use crate::exchange::Exchange;

pub(crate) use bucket::{Bucket, Standing};
use keyed::{Buckets, Key};

/// The throttles of one operation on one stage.
#[derive(Debug, Default)]
pub(crate) struct Throttles {
    /// One bucket per client address: taken before anyone is asked who the client is, so that a flood of logins is met first.
    per_address: Vec<Buckets>,
    /// One bucket for the operation.
    whole: Vec<Bucket>,
    /// One bucket per value of something in the request.
    keyed: Vec<(ThrottleKey, Buckets)>,
}

/// Where throttles find the values they are keyed by.
pub(crate) trait Keys {
    /// The client's address.
    fn client(&self) -> IpAddr;
    /// Feeds every value that `key` names to `with`, in order.
    fn each_value(&self, key: ThrottleKey, with: &mut dyn FnMut(&[u8]));
}

impl Keys for Exchange {
    fn client(&self) -> IpAddr {
        Exchange::client(self)
    }

    fn each_value(&self, key: ThrottleKey, with: &mut dyn FnMut(&[u8])) {
        match key {
            ThrottleKey::Header(name) => self.header_values(name).for_each(with),
            ThrottleKey::Query(name) => {
                self.query_values(name)
                    .for_each(|value| with(value.as_bytes()));
            }
            ThrottleKey::Path(name) => {
                if let Some(value) = self.param(name) {
                    with(value.as_bytes());
                }
            }
            ThrottleKey::Ip | ThrottleKey::Whole => {}
        }
    }
}

impl Throttles {
    /// Full buckets for these throttles.
    pub(crate) fn new(defs: &[ThrottleDef]) -> Throttles {
        let mut throttles = Throttles::default();
        for def in defs {
            match def.per {
                ThrottleKey::Whole => throttles.whole.push(Bucket::new(def.rate, def.burst)),
                ThrottleKey::Ip => throttles
                    .per_address
                    .push(Buckets::new(def.rate, def.burst)),
                key @ (ThrottleKey::Header(_) | ThrottleKey::Query(_) | ThrottleKey::Path(_)) => {
                    throttles
                        .keyed
                        .push((key, Buckets::new(def.rate, def.burst)));
                }
            }
        }
        throttles
    }

    /// Takes from the buckets of the client's address. What it took goes to [`Throttles::take`].
    pub(crate) fn take_per_address<'t>(
        &'t self,
        taken: &mut Taken<'t>,
        keys: &impl Keys,
        clock: &Clock,
        now: Nanos,
    ) -> Result<(), Standing> {
        if self.per_address.is_empty() {
            return Ok(());
        }
        let address = keys.client();
        let buckets = self
            .per_address
            .iter()
            .map(|buckets| Source::Keyed(buckets, buckets.address_key(address)));
        taken.take_all(buckets, clock, now)
    }

    /// Takes from all other buckets: the stage's, the operation's, the keyed ones. If one refuses, all that was taken for
    /// this request before is given back.
    pub(crate) fn take<'t>(
        &'t self,
        taken: &mut Taken<'t>,
        stage: Option<&'t Bucket>,
        keys: &impl Keys,
        clock: &Clock,
        now: Nanos,
    ) -> Result<(), Standing> {
        let keyed = self.keyed.iter().flat_map(|(key, buckets)| {
            let found = distinct(*key, buckets, keys);
            found.map(|key| Source::Keyed(buckets, key))
        });
        let buckets = stage
            .into_iter()
            .chain(&self.whole)
            .map(Source::One)
            .chain(keyed);
        taken.take_all(buckets, clock, now)
    }
}

/// The buckets of all values that a request has of what a throttle is keyed by: which of them its back end takes is not known,
/// so each counts, once. What has no value has a bucket of its own.
fn distinct(
    key: ThrottleKey,
    buckets: &Buckets,
    keys: &dyn Keys,
) -> impl Iterator<Item = Key> + Clone + use<> {
    let mut first = None;
    let mut more = Vec::new();
    keys.each_value(key, &mut |value| {
        let mut hash = buckets.keyer();
        hash.part(value);
        let found = hash.finish();
        match first {
            None => first = Some(found),
            Some(first) if first == found || more.contains(&found) => {}
            Some(_) => more.push(found),
        }
    });
    let first = first.unwrap_or_else(|| buckets.keyer().finish());
    std::iter::once(first).chain(more)
}

/// One bucket of a request.
#[derive(Debug, Clone, Copy)]
enum Source<'t> {
    One(&'t Bucket),
    Keyed(&'t Buckets, Key),
}

impl Source<'_> {
    fn look(&self, now: Nanos) -> Result<Standing, Standing> {
        match self {
            Source::One(bucket) => bucket.look(now),
            Source::Keyed(buckets, key) => buckets.look(*key, now),
        }
    }

    fn take(&self, now: Nanos) -> Result<Standing, Standing> {
        match self {
            Source::One(bucket) => bucket.take(now),
            Source::Keyed(buckets, key) => buckets.take(*key, now),
        }
    }
}

/// What a request has taken so far.
#[derive(Debug, Default)]
pub(crate) struct Taken<'t> {
    /// Most requests meet at most this many buckets; they cost no allocation.
    few: [Option<Held<'t>>; 4],
    more: Vec<Held<'t>>,
}

/// One token, and where it came from.
#[derive(Debug, Clone, Copy)]
struct Held<'t> {
    source: Source<'t>,
    standing: Standing,
}

impl<'t> Taken<'t> {
    /// Looks at every bucket, then takes one token of each; gives everything back, also what was held before, if one refuses.
    fn take_all(
        &mut self,
        buckets: impl Iterator<Item = Source<'t>> + Clone,
        clock: &Clock,
        now: Nanos,
    ) -> Result<(), Standing> {
        let mut refusal: Option<Standing> = None;
        for source in buckets.clone() {
            if let Err(standing) = source.look(now) {
                // The client is told about the bucket that it must wait for the longest.
                refusal = Some(match refusal {
                    Some(other) if other.wait() >= standing.wait() => other,
                    _ => standing,
                });
            }
        }
        if refusal.is_none() {
            for source in buckets {
                match source.take(now) {
                    Ok(standing) => self.hold(Held { source, standing }),
                    Err(standing) => {
                        refusal = Some(standing);
                        break;
                    }
                }
            }
        }
        match refusal {
            None => Ok(()),
            Some(standing) => {
                self.give_back(clock);
                Err(standing)
            }
        }
    }

    fn hold(&mut self, held: Held<'t>) {
        match self.few.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(held),
            None => self.more.push(held),
        }
    }

    fn held(&self) -> impl Iterator<Item = &Held<'t>> {
        self.few.iter().flatten().chain(&self.more)
    }

    /// Puts every token back: the request was refused after all.
    pub(crate) fn give_back(&mut self, clock: &Clock) {
        for held in self.held() {
            match held.source {
                Source::One(bucket) => bucket.give_back(held.standing, clock),
                Source::Keyed(buckets, key) => buckets.give_back(key, held.standing, clock),
            }
        }
        self.few = [None; 4];
        self.more.clear();
    }

    /// The bucket with the fewest tokens left.
    #[cfg(test)]
    fn tightest(&self) -> Option<Standing> {
        self.held()
            .map(|held| held.standing)
            .min_by_key(Standing::remaining)
    }
}
