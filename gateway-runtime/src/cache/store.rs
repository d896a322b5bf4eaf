//! Answers in memory, within a bound of bytes.
//!
//! Every byte an entry costs is counted: key, fields, body and what holds them together. Entries that are not used are evicted
//! first. An entry knows when it is too old; one that is stays until it is replaced or evicted, and is never served.

use std::sync::Arc;

use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use super::LARGEST_ENTRY;
use super::key::Key;
use crate::clock::Nanos;
use crate::exchange::{Body, Headers, Reply, field};

/// An answer that is kept.
#[derive(Debug)]
pub(crate) struct Entry {
    status: u16,
    headers: Headers,
    body: Bytes,
    until: Nanos,
}

impl Entry {
    /// An answer that serves until `until`.
    pub(crate) fn new(status: u16, mut headers: Headers, body: Bytes, until: Nanos) -> Entry {
        // The engine writes the length of what it sends.
        headers.remove(field::CONTENT_LENGTH);
        Entry {
            status,
            headers: headers.compact(),
            body,
            until,
        }
    }

    /// The answer, once more.
    pub(crate) fn reply(&self) -> Reply {
        Reply {
            status: self.status,
            headers: self.headers.clone(),
            body: Body::full(self.body.clone()),
        }
    }
}

/// What is known about a key.
#[derive(Debug, Clone)]
pub(crate) enum Stored {
    /// An answer.
    Answer(Arc<Entry>),
    /// That its answers are not kept: equal requests need not wait for each other.
    Parallel,
}

#[derive(Debug, Clone)]
enum Value {
    Answer(Arc<Entry>),
    Parallel { until: Nanos },
}

/// What the map, the list of eviction and the counters cost per entry.
const OVERHEAD: usize = 256;

/// Bytes of an entry without its body.
pub(crate) fn head_weight(key: &Key, headers: &Headers) -> usize {
    OVERHEAD + key.weight() + headers.weight()
}

#[derive(Debug, Clone)]
struct Bytewise;

impl Weighter<Key, Value> for Bytewise {
    fn weight(&self, key: &Key, value: &Value) -> u64 {
        let weight = match value {
            Value::Answer(entry) => head_weight(key, &entry.headers) + entry.body.len(),
            Value::Parallel { .. } => OVERHEAD + key.weight(),
        };
        weight as u64
    }
}

/// Answers by key.
#[derive(Debug)]
pub(crate) struct Store {
    entries: Cache<Key, Value, Bytewise>,
}

impl Store {
    /// An empty store of at most `size` bytes.
    pub(crate) fn new(size: u64) -> Store {
        // Each shard has its share of the bytes, and the largest entry must fit into one.
        const SHARD: u64 = 8 * LARGEST_ENTRY as u64;
        let shards = (size / SHARD).clamp(1, 64) as usize;
        let typical = usize::try_from(size / 4096)
            .unwrap_or(usize::MAX)
            .clamp(16, 1 << 20);
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(typical)
            .weight_capacity(size)
            .build();
        let hasher = DefaultHashBuilder::default();
        let entries = match options {
            Ok(options) => {
                Cache::with_options(options, Bytewise, hasher, DefaultLifecycle::default())
            }
            // Both capacities are given, which is all that can be missing.
            Err(_) => Cache::with(typical, size, Bytewise, hasher, DefaultLifecycle::default()),
        };
        Store { entries }
    }

    /// What is known about `key` at `now`.
    pub(crate) fn get(&self, key: &Key, now: Nanos) -> Option<Stored> {
        match self.entries.get(key)? {
            Value::Answer(entry) if now < entry.until => Some(Stored::Answer(entry)),
            Value::Parallel { until } if now < until => Some(Stored::Parallel),
            Value::Answer(_) | Value::Parallel { .. } => None,
        }
    }

    /// Keeps an answer, in place of what was kept before.
    pub(crate) fn put(&self, key: Key, entry: Arc<Entry>) {
        self.entries.insert(key, Value::Answer(entry));
    }

    /// Notes that answers to `key` are not kept. An answer that is still good stays: it may have come from another request.
    pub(crate) fn put_apart(&self, key: Key, now: Nanos, until: Nanos) {
        if !matches!(self.get(&key, now), Some(Stored::Answer(_))) {
            self.entries.insert(key, Value::Parallel { until });
        }
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.entries.weight()
    }

    /// Entries held.
    pub(crate) fn entries(&self) -> usize {
        self.entries.len()
    }
}
