//! What can be seen of a gateway from outside: counters ([`counters`]), their text for Prometheus ([`metrics`]), access logs
//! ([`log`]) and who writes them ([`sink`]).
//!
//! Invariants: nothing here makes a request wait; the number of time series is known when the gateway starts; no value that a
//! client chose is ever a label, and none gets into a log line unescaped. Absent on purpose: traces.

pub(crate) mod counters;
mod log;
pub(crate) mod metrics;
mod sink;

pub(crate) use counters::{CacheResult, Counters, Finished};
pub(crate) use log::AccessLog;
pub(crate) use sink::Sinks;
