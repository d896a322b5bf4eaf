//! Making things live as long as the process.

use std::collections::BTreeSet;

/// Strings that were leaked, each once.
#[derive(Default)]
pub(super) struct Strings(BTreeSet<&'static str>);

impl Strings {
    pub(super) fn keep(&mut self, text: &str) -> &'static str {
        if let Some(kept) = self.0.get(text) {
            return kept;
        }
        let kept: &'static str = Box::leak(text.into());
        self.0.insert(kept);
        kept
    }

    pub(super) fn list(&mut self, texts: &[String]) -> &'static [&'static str] {
        list(texts.iter().map(|text| self.keep(text)).collect())
    }
}

pub(super) fn keep<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// An empty list is leaked as well, at no cost: it allocates nothing.
pub(super) fn list<T>(values: Vec<T>) -> &'static [T] {
    Box::leak(values.into_boxed_slice())
}
