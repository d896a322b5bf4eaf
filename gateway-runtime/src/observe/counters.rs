//! Counters.
//!
//! Each worker has its own and adds to them without waiting for anyone; they are merged when somebody looks. What is counted
//! per operation lies in a row that is made when its operation is first called on that worker, so that a thousand operations
//! cost nothing until they are used.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::cache::{Unkept, Why};
use crate::client::Tries;
use crate::def::{Mode, ValidateDef};
use crate::exchange::Cut;
use crate::refusal::Refusal;

/// Upper bounds of the latency buckets, in microseconds. From a cache hit to the default timeout of 29 s.
pub(crate) const BOUNDS: [u64; 15] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000, 30_000_000,
];

/// How a request ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Finished {
    /// Place of its stage among the gateway's stages, if it came that far.
    pub(crate) stage: Option<usize>,
    /// Place of its operation among the gateway's operations, if it came that far.
    pub(crate) operation: Option<usize>,
    /// Status of its answer.
    pub(crate) status: u16,
    /// From its head to the end of its answer.
    pub(crate) latency: Duration,
    /// From the call to the head of the back end's answer; `None`: no back end was called.
    pub(crate) upstream: Option<Duration>,
    /// What the cache did; `None`: the operation has none.
    pub(crate) cache: Option<CacheResult>,
    /// Place of the refusal in [`Refusal::REASONS`], if it was one.
    pub(crate) refusal: Option<usize>,
    /// How its back end broke off the answer, if it did.
    pub(crate) cut: Option<Cut>,
    /// How often its back end was asked again.
    pub(crate) tries: Tries,
    /// What was not what the document says, each with what became of it.
    pub(crate) invalid: ValidateDef,
}

/// Parts of messages that can be other than the document says, and what becomes of them: labels of failures.
pub(crate) const FAILURES: [(&str, Mode); 6] = [
    ("params", Mode::Report),
    ("params", Mode::Enforce),
    ("body", Mode::Report),
    ("body", Mode::Enforce),
    ("response", Mode::Report),
    ("response", Mode::Enforce),
];

/// The places among [`FAILURES`] of what was not what the document says.
fn failures(invalid: ValidateDef) -> impl Iterator<Item = usize> {
    let parts = [
        ("params", invalid.params),
        ("body", invalid.body),
        ("response", invalid.response),
    ];
    let parts = parts.into_iter().filter(|(_, mode)| *mode != Mode::Off);
    parts.filter_map(|part| FAILURES.iter().position(|known| *known == part))
}

/// What the cache did for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheResult {
    /// It answered, also when the request had to wait for another's call.
    Hit,
    /// It did not, but keeps the answer.
    Miss,
    /// It did not, and does not keep the answer.
    Unkept(Unkept),
    /// The request went past it.
    Bypass(Why),
}

impl CacheResult {
    /// `hit`, `miss` or `bypass`, as `${context.cache.status}` has it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            CacheResult::Hit => "hit",
            CacheResult::Miss | CacheResult::Unkept(_) => "miss",
            CacheResult::Bypass(_) => "bypass",
        }
    }
}

/// A number that one worker adds to and anyone may read.
#[derive(Debug, Default)]
struct Count(AtomicU64);

impl Count {
    fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A distribution of spans.
#[derive(Debug, Default)]
struct Spans {
    /// By bucket, each without those below; the last holds what is beyond all bounds.
    buckets: [Count; BOUNDS.len() + 1],
    nanos: Count,
}

impl Spans {
    fn add(&self, span: Duration) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        if let Some(count) = self.buckets.get(bucket) {
            count.add(1);
        }
        self.nanos.add(crate::clock::nanos(span));
    }
}

/// What is counted per operation.
#[derive(Debug, Default)]
struct Row {
    /// By hundreds of the status, from 1xx.
    classes: [Count; 5],
    latency: Spans,
    upstream: Spans,
    throttled: Count,
    retries: Count,
    unfunded: Count,
    hits: Count,
    misses: Count,
    bypasses: Count,
    /// By place in [`FAILURES`].
    failures: [Count; FAILURES.len()],
}

/// The counters of one worker.
#[derive(Debug)]
struct Worker {
    rows: Vec<OnceLock<Box<Row>>>,
    /// By place in [`Refusal::REASONS`].
    refusals: Vec<Count>,
    /// By place in [`Cut::LABELS`].
    cuts: Vec<Count>,
    /// By place in [`Why::LABELS`].
    bypasses: Vec<Count>,
    /// By place in [`Unkept::LABELS`].
    unkept: Vec<Count>,
}

/// All counters of a gateway.
#[derive(Debug)]
pub(crate) struct Counters {
    stages: Vec<&'static str>,
    operations: Vec<&'static str>,
    workers: Vec<Worker>,
}

/// Place of the reason `throttled`.
fn is_throttled(refusal: usize) -> bool {
    Refusal::REASONS.get(refusal) == Some(&"throttled")
}

impl Counters {
    /// All at zero.
    pub(crate) fn new(
        stages: Vec<&'static str>,
        operations: Vec<&'static str>,
        workers: usize,
    ) -> Counters {
        // Each stage has a row for what belongs to no operation, and so has the gateway for what belongs to no stage.
        let rows = stages.len() * (operations.len() + 1) + 1;
        let counts = |labels: &[&str]| labels.iter().map(|_| Count::default()).collect();
        Counters {
            workers: (0..workers.max(1))
                .map(|_| Worker {
                    rows: (0..rows).map(|_| OnceLock::new()).collect(),
                    refusals: counts(Refusal::REASONS),
                    cuts: counts(&Cut::LABELS),
                    bypasses: counts(Why::LABELS),
                    unkept: counts(Unkept::LABELS),
                })
                .collect(),
            stages,
            operations,
        }
    }

    /// Counts a request that `worker` has finished.
    pub(crate) fn count(&self, worker: usize, finished: &Finished) {
        let Some(worker) = self.workers.get(worker % self.workers.len()) else {
            return;
        };
        if let Some(row) = worker
            .rows
            .get(self.row(finished.stage, finished.operation))
        {
            row.get_or_init(Box::default).count(finished);
        }
        let in_list = |list: &[Count], at: usize| {
            if let Some(count) = list.get(at) {
                count.add(1);
            }
        };
        if let Some(refusal) = finished.refusal {
            in_list(&worker.refusals, refusal);
        }
        if let Some(cut) = finished.cut {
            in_list(&worker.cuts, cut.index());
        }
        match finished.cache {
            Some(CacheResult::Bypass(why)) => in_list(&worker.bypasses, why.index()),
            Some(CacheResult::Unkept(why)) => in_list(&worker.unkept, why.index()),
            Some(CacheResult::Hit | CacheResult::Miss) | None => {}
        }
    }

    fn row(&self, stage: Option<usize>, operation: Option<usize>) -> usize {
        let per_stage = self.operations.len() + 1;
        match stage.filter(|stage| *stage < self.stages.len()) {
            None => self.stages.len() * per_stage,
            Some(stage) => {
                stage * per_stage + operation.unwrap_or(usize::MAX).min(self.operations.len())
            }
        }
    }

    /// How many time series there can be at most.
    pub(crate) fn series(&self) -> usize {
        // Two distributions with a sum and a count each, the classes, `throttled`, two of retries, what the cache did,
        // and what was not what the document says.
        const PER_ROW: usize = 2 * (BOUNDS.len() + 1 + 2) + 5 + 1 + 2 + 3 + FAILURES.len();
        let rows = self.stages.len() * (self.operations.len() + 1) + 1;
        let reasons = [Refusal::REASONS.len(), Cut::LABELS.len(), Why::LABELS.len()];
        rows * PER_ROW + reasons.iter().sum::<usize>() + Unkept::LABELS.len()
    }

    /// Everything, summed over the workers; operations that were never called are left out.
    pub(crate) fn read(&self) -> Totals {
        let mut operations = Vec::new();
        let per_stage = self.operations.len() + 1;
        for at in 0..=self.stages.len() * per_stage {
            let mut total: Option<OperationTotals> = None;
            for worker in &self.workers {
                if let Some(row) = worker.rows.get(at).and_then(OnceLock::get) {
                    let total = total.get_or_insert_with(|| {
                        OperationTotals::named(
                            self.stages.get(at / per_stage).copied().unwrap_or_default(),
                            self.operations
                                .get(at % per_stage)
                                .filter(|_| at / per_stage < self.stages.len())
                                .copied()
                                .unwrap_or_default(),
                        )
                    });
                    total.add(row);
                }
            }
            operations.extend(total);
        }
        let sums = |labels: &'static [&'static str], list: fn(&Worker) -> &[Count]| {
            labels
                .iter()
                .enumerate()
                .map(|(at, label)| {
                    let counts = self.workers.iter().filter_map(|w| list(w).get(at));
                    (*label, counts.map(Count::get).sum())
                })
                .collect()
        };
        Totals {
            operations,
            refusals: sums(Refusal::REASONS, |worker| &worker.refusals),
            cuts: sums(&Cut::LABELS, |worker| &worker.cuts),
            bypasses: sums(Why::LABELS, |worker| &worker.bypasses),
            unkept: sums(Unkept::LABELS, |worker| &worker.unkept),
        }
    }
}

impl Row {
    fn count(&self, finished: &Finished) {
        let class = usize::from(finished.status / 100).clamp(1, 5) - 1;
        if let Some(count) = self.classes.get(class) {
            count.add(1);
        }
        self.latency.add(finished.latency);
        if let Some(upstream) = finished.upstream {
            self.upstream.add(upstream);
        }
        if finished.refusal.is_some_and(is_throttled) {
            self.throttled.add(1);
        }
        if finished.tries != Tries::default() {
            self.retries.add(finished.tries.again.into());
            self.unfunded.add(finished.tries.unfunded.into());
        }
        if finished.invalid != ValidateDef::OFF {
            for at in failures(finished.invalid) {
                if let Some(count) = self.failures.get(at) {
                    count.add(1);
                }
            }
        }
        match finished.cache {
            Some(CacheResult::Hit) => self.hits.add(1),
            Some(CacheResult::Miss | CacheResult::Unkept(_)) => self.misses.add(1),
            Some(CacheResult::Bypass(_)) => self.bypasses.add(1),
            None => {}
        }
    }
}

/// What all workers have counted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Totals {
    /// Per stage and operation.
    pub(crate) operations: Vec<OperationTotals>,
    /// Refusals by reason.
    pub(crate) refusals: Vec<(&'static str, u64)>,
    /// Answers that broke off, by reason.
    pub(crate) cuts: Vec<(&'static str, u64)>,
    /// Requests that went past the cache, by reason.
    pub(crate) bypasses: Vec<(&'static str, u64)>,
    /// Answers that were not kept, by reason.
    pub(crate) unkept: Vec<(&'static str, u64)>,
}

/// What all workers have counted for one operation on one stage.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OperationTotals {
    /// Name of the stage; empty: none.
    pub(crate) stage: &'static str,
    /// Id of the operation; empty: none.
    pub(crate) operation: &'static str,
    /// Requests by hundreds of the status, from 1xx.
    pub(crate) classes: [u64; 5],
    /// Time from head to end.
    pub(crate) latency: SpanTotals,
    /// Time until the back end's head.
    pub(crate) upstream: SpanTotals,
    /// Requests that a throttle refused.
    pub(crate) throttled: u64,
    /// Tries beyond the first.
    pub(crate) retries: u64,
    /// Tries that the budget did not allow.
    pub(crate) unfunded: u64,
    /// Requests the cache answered.
    pub(crate) hits: u64,
    /// Requests it did not.
    pub(crate) misses: u64,
    /// Requests that went past it.
    pub(crate) bypasses: u64,
    /// Messages that were not what the document says, by place in [`FAILURES`].
    pub(crate) failures: [u64; FAILURES.len()],
}

/// A distribution of spans.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SpanTotals {
    /// By bucket of [`BOUNDS`], each without those below; the last holds what is beyond all bounds.
    pub(crate) buckets: [u64; BOUNDS.len() + 1],
    /// Their sum in seconds.
    pub(crate) seconds: f64,
}

impl SpanTotals {
    fn add(&mut self, spans: &Spans) {
        for (total, count) in self.buckets.iter_mut().zip(&spans.buckets) {
            *total += count.get();
        }
        self.seconds += spans.nanos.get() as f64 / 1e9;
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

impl OperationTotals {
    fn named(stage: &'static str, operation: &'static str) -> OperationTotals {
        OperationTotals {
            stage,
            operation,
            classes: [0; 5],
            latency: SpanTotals::default(),
            upstream: SpanTotals::default(),
            throttled: 0,
            retries: 0,
            unfunded: 0,
            hits: 0,
            misses: 0,
            bypasses: 0,
            failures: [0; FAILURES.len()],
        }
    }

    fn add(&mut self, row: &Row) {
        for (total, count) in self.classes.iter_mut().zip(&row.classes) {
            *total += count.get();
        }
        self.latency.add(&row.latency);
        self.upstream.add(&row.upstream);
        self.throttled += row.throttled.get();
        self.retries += row.retries.get();
        self.unfunded += row.unfunded.get();
        self.hits += row.hits.get();
        self.misses += row.misses.get();
        self.bypasses += row.bypasses.get();
        for (total, count) in self.failures.iter_mut().zip(&row.failures) {
            *total += count.get();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(stage: Option<usize>, operation: Option<usize>, status: u16) -> Finished {
        Finished {
            stage,
            operation,
            status,
            latency: Duration::from_micros(700),
            ..Finished::default()
        }
    }

    /// `stage/operation classes` of every row that was touched.
    fn rows(counters: &Counters) -> Vec<String> {
        counters
            .read()
            .operations
            .iter()
            .map(|row| format!("{}/{} {:?}", row.stage, row.operation, row.classes))
            .collect()
    }

    #[test]
    fn workers_are_summed_and_rows_that_nobody_touched_are_absent() {
        let counters = Counters::new(vec!["dev", "prod"], vec!["getBook", "listBooks"], 2);
        assert!(rows(&counters).is_empty());
        counters.count(0, &ended(Some(0), Some(1), 200));
        counters.count(1, &ended(Some(0), Some(1), 204));
        counters.count(1, &ended(Some(1), Some(0), 503));
        counters.count(0, &ended(Some(1), None, 404));
        counters.count(0, &ended(None, None, 400));
        assert_eq!(
            rows(&counters),
            [
                "dev/listBooks [0, 2, 0, 0, 0]",
                "prod/getBook [0, 0, 0, 0, 1]",
                "prod/ [0, 0, 0, 1, 0]",
                "/ [0, 0, 0, 1, 0]",
            ]
        );
    }

    #[test]
    fn numbers_beyond_the_tables_are_counted_somewhere() {
        let counters = Counters::new(vec!["dev"], vec!["getBook"], 1);
        counters.count(7, &ended(Some(3), Some(0), 200));
        counters.count(7, &ended(Some(0), Some(9), 200));
        counters.count(7, &ended(Some(0), Some(0), 999));
        assert_eq!(
            rows(&counters),
            [
                "dev/getBook [0, 0, 0, 0, 1]",
                "dev/ [0, 1, 0, 0, 0]",
                "/ [0, 1, 0, 0, 0]",
            ]
        );
    }

    #[test]
    fn spans_fall_into_the_bucket_whose_bound_they_do_not_pass() {
        let spans = Spans::default();
        for micros in [0, 250, 251, 29_000_000, 30_000_000, 30_000_001] {
            spans.add(Duration::from_micros(micros));
        }
        let mut total = SpanTotals::default();
        total.add(&spans);
        assert_eq!(total.buckets[..2], [2, 1]);
        assert_eq!(total.buckets[BOUNDS.len() - 1..], [2, 1]);
        assert_eq!(total.count(), 6);
        assert!((total.seconds - 89.000_502).abs() < 1e-9);
    }

    #[test]
    fn reasons_are_counted_by_name() {
        let counters = Counters::new(vec!["dev"], vec!["getBook"], 1);
        let refusal = Refusal::REASONS.iter().position(|r| *r == "throttled");
        let with = |cache| Finished {
            cache: Some(cache),
            ..ended(Some(0), Some(0), 200)
        };
        counters.count(
            0,
            &Finished {
                refusal,
                ..ended(Some(0), Some(0), 429)
            },
        );
        for cache in [
            CacheResult::Hit,
            CacheResult::Hit,
            CacheResult::Miss,
            CacheResult::Unkept(Unkept::SetCookie),
            CacheResult::Bypass(Why::UndeclaredQuery),
        ] {
            counters.count(0, &with(cache));
        }
        let totals = counters.read();
        let nonzero = |list: &[(&'static str, u64)]| -> Vec<(&'static str, u64)> {
            list.iter().copied().filter(|(_, n)| *n > 0).collect()
        };
        assert_eq!(nonzero(&totals.refusals), [("throttled", 1)]);
        assert_eq!(nonzero(&totals.bypasses), [("undeclared_query", 1)]);
        assert_eq!(nonzero(&totals.unkept), [("set_cookie", 1)]);
        let row = &totals.operations[0];
        assert_eq!(
            (row.throttled, row.hits, row.misses, row.bypasses),
            (1, 2, 2, 1)
        );
    }
}
