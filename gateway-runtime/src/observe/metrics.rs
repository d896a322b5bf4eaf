//! What `/metrics` says, in the text format of Prometheus (OpenMetrics 1.0).
//!
//! Counters are read when somebody asks, and written through one collector; nothing is registered per request. Labels are
//! names of stages and operations and reasons out of fixed lists, so how many series there can be is known at start:
//! [`Counters::series`](super::Counters::series).

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::counters::{BOUNDS, FAILURES, OperationTotals, SpanTotals, Totals};

/// A number with its labels.
pub(crate) type Sample = (Vec<(&'static str, String)>, f64);

/// A further family of numbers, from another part of the gateway.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Family {
    /// Its name, without `gateway_` and without `_total`.
    pub(crate) name: &'static str,
    /// What it is, a sentence without its full stop.
    pub(crate) help: &'static str,
    /// Whether it only grows.
    pub(crate) counter: bool,
    /// Its numbers.
    pub(crate) samples: Vec<Sample>,
}

/// A family that only grows.
pub(crate) fn counter(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Family {
    Family {
        name,
        help,
        counter: true,
        samples,
    }
}

/// A family that goes up and down.
pub(crate) fn gauge(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Family {
    Family {
        name,
        help,
        counter: false,
        samples,
    }
}

/// The whole text.
pub(crate) fn text(totals: Totals, more: Vec<Family>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("gateway");
    registry.register_collector(Box::new(Snapshot { totals, more }));
    let mut text = String::with_capacity(16 << 10);
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

/// The media type of [`text`].
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug)]
struct Snapshot {
    totals: Totals,
    more: Vec<Family>,
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let rows = &self.totals.operations;
        let labels = |row: &OperationTotals| {
            vec![
                ("stage", row.stage.to_owned()),
                ("operation", row.operation.to_owned()),
            ]
        };
        let per_class = rows.iter().flat_map(|row| {
            let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"];
            classes
                .into_iter()
                .zip(row.classes)
                .filter(|(_, count)| *count > 0)
                .map(move |(class, count)| {
                    let mut labels = labels(row);
                    labels.push(("status", class.to_owned()));
                    (labels, count as f64)
                })
        });
        family(
            &mut encoder,
            &counter(
                "requests",
                "Requests that were answered",
                per_class.collect(),
            ),
        )?;
        histograms(
            &mut encoder,
            "request_duration",
            "Time from the end of a request's head to the end of its answer",
            rows.iter().map(|row| (labels(row), &row.latency)),
        )?;
        histograms(
            &mut encoder,
            "upstream_duration",
            "Time from calling a back end to the end of its answer's head",
            rows.iter().map(|row| (labels(row), &row.upstream)),
        )?;
        type Of = fn(&OperationTotals) -> u64;
        let per_row: [(&'static str, &'static str, Of); 3] = [
            ("throttled", "Requests that a throttle refused", |row| {
                row.throttled
            }),
            ("retries", "Tries of a back end beyond the first", |row| {
                row.retries
            }),
            (
                "retries_over_budget",
                "Tries beyond the first that the budget did not allow",
                |row| row.unfunded,
            ),
        ];
        for (name, help, of) in per_row {
            let samples = rows
                .iter()
                .filter(|row| of(row) > 0)
                .map(|row| (labels(row), of(row) as f64));
            family(&mut encoder, &counter(name, help, samples.collect()))?;
        }
        let failures = rows.iter().flat_map(|row| {
            let counted = FAILURES.iter().zip(row.failures);
            let counted = counted.filter(|(_, count)| *count > 0);
            counted.map(move |((part, mode), count)| {
                let mut labels = labels(row);
                labels.push(("part", (*part).to_owned()));
                labels.push(("mode", mode.word().to_owned()));
                (labels, count as f64)
            })
        });
        family(
            &mut encoder,
            &counter(
                "validation_failures",
                "Messages that were not what the document says, by part and what became of them",
                failures.collect(),
            ),
        )?;
        let cached = rows.iter().flat_map(|row| {
            [
                ("hit", row.hits),
                ("miss", row.misses),
                ("bypass", row.bypasses),
            ]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(move |(result, count)| {
                let mut labels = labels(row);
                labels.push(("result", result.to_owned()));
                (labels, count as f64)
            })
        });
        family(
            &mut encoder,
            &counter(
                "cache_requests",
                "Requests to operations with a cache, by what it did",
                cached.collect(),
            ),
        )?;
        for (name, help, list) in [
            (
                "refusals",
                "Requests that the gateway answered itself, by reason",
                &self.totals.refusals,
            ),
            (
                "answers_cut",
                "Answers that their back ends broke off, by reason",
                &self.totals.cuts,
            ),
            (
                "cache_bypasses",
                "Requests that went past the cache, by reason",
                &self.totals.bypasses,
            ),
            (
                "cache_unkept",
                "Answers that were not kept, by reason",
                &self.totals.unkept,
            ),
        ] {
            let samples = list
                .iter()
                .map(|(reason, count)| (vec![("reason", (*reason).to_owned())], *count as f64))
                .collect();
            family(&mut encoder, &counter(name, help, samples))?;
        }
        self.more
            .iter()
            .try_for_each(|more| family(&mut encoder, more))
    }
}

fn histograms<'t>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    spans: impl Iterator<Item = (Vec<(&'static str, String)>, &'t SpanTotals)>,
) -> fmt::Result {
    let mut metric =
        encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    spans
        .filter(|(_, spans)| spans.count() > 0)
        .try_for_each(|(labels, spans)| Histogram(spans).encode(metric.encode_family(&labels)?))
}

fn family(encoder: &mut DescriptorEncoder<'_>, family: &Family) -> fmt::Result {
    let kind = if family.counter {
        MetricType::Counter
    } else {
        MetricType::Gauge
    };
    let mut metric = encoder.encode_descriptor(family.name, family.help, None, kind)?;
    let number = |value| Number {
        value,
        counter: family.counter,
    };
    match family.samples.as_slice() {
        [(labels, value)] if labels.is_empty() => number(*value).encode(metric),
        samples => samples
            .iter()
            .try_for_each(|(labels, value)| number(*value).encode(metric.encode_family(labels)?)),
    }
}

struct Number {
    value: f64,
    counter: bool,
}

impl EncodeMetric for Number {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        if self.counter {
            encoder.encode_counter::<NoLabelSet, _, f64>(&(self.value as u64), None)
        } else {
            encoder.encode_gauge(&self.value)
        }
    }

    fn metric_type(&self) -> MetricType {
        if self.counter {
            MetricType::Counter
        } else {
            MetricType::Gauge
        }
    }
}

struct Histogram<'a>(&'a SpanTotals);

impl EncodeMetric for Histogram<'_> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS
            .iter()
            .map(|micros| *micros as f64 / 1e6)
            .chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(self.0.buckets).collect();
        encoder.encode_histogram::<NoLabelSet>(self.0.seconds, self.0.count(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::*;
    use crate::cache::Why;
    use crate::observe::counters::{CacheResult, Counters, Finished};

    #[test]
    fn what_prometheus_reads() {
        let counters = Counters::new(vec!["prod"], vec!["getBook", "never\"called"], 2);
        for worker in 0..2 {
            counters.count(
                worker,
                &Finished {
                    stage: Some(0),
                    operation: Some(0),
                    status: 200,
                    latency: Duration::from_millis(3),
                    cache: Some(CacheResult::Bypass(Why::Range)),
                    ..Finished::default()
                },
            );
        }
        let more = vec![
            gauge(
                "cache_bytes",
                "Bytes held",
                vec![(vec![("stage", "prod".to_owned())], 17.0)],
            ),
            counter("connections", "Connections accepted", vec![(vec![], 3.0)]),
        ];
        let text = text(counters.read(), more).unwrap();
        for line in [
            "# TYPE gateway_requests counter",
            "gateway_requests_total{stage=\"prod\",operation=\"getBook\",status=\"2xx\"} 2",
            "# TYPE gateway_request_duration_seconds histogram",
            "# UNIT gateway_request_duration_seconds seconds",
            "gateway_request_duration_seconds_bucket{le=\"0.0025\",stage=\"prod\",operation=\"getBook\"} 0",
            "gateway_request_duration_seconds_bucket{le=\"0.005\",stage=\"prod\",operation=\"getBook\"} 2",
            "gateway_request_duration_seconds_bucket{le=\"+Inf\",stage=\"prod\",operation=\"getBook\"} 2",
            "gateway_request_duration_seconds_sum{stage=\"prod\",operation=\"getBook\"} 0.006",
            "gateway_cache_requests_total{stage=\"prod\",operation=\"getBook\",result=\"bypass\"} 2",
            "gateway_cache_bypasses_total{reason=\"range\"} 2",
            "gateway_refusals_total{reason=\"not_found\"} 0",
            "gateway_cache_bytes{stage=\"prod\"} 17.0",
            "gateway_connections_total 3",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("never"), "only what was called has series");
        let series = text.lines().filter(|l| !l.starts_with('#')).count();
        assert!(series <= counters.series() + 2);
    }
}
