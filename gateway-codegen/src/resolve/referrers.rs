//! Who refers to what: the way from a shared component back to what uses it.

use std::collections::HashMap;

use super::walk;
use crate::findings::Place;
use crate::load::{Document, Node};

/// Longest way shown; nobody reads more.
const MOST_HOPS: usize = 8;

/// For every value that a `$ref` leads to, the first one that does, in the order of the files.
#[derive(Debug)]
pub(crate) struct Referrers<'d> {
    document: &'d Document,
    /// Target → text of the reference.
    first: HashMap<usize, Node<'d>>,
}

/// Looks through all files of a document whose references were resolved.
pub(crate) fn referrers(document: &Document) -> Referrers<'_> {
    let mut first = HashMap::new();
    for file in 0..document.files.len() {
        let Some(root) = document.file_root(file) else {
            continue;
        };
        walk::references(root.value(), "", false, |written| {
            let target = written.target.and_then(|target| root.target(target));
            if let (Some(target), Some(referrer)) = (target, root.at(written.pointer)) {
                first.entry(target.id()).or_insert(referrer);
            }
        });
    }
    Referrers { document, first }
}

impl Referrers<'_> {
    /// The reference through which a place is used, the one through which that is used, and so on to one that nothing
    /// refers to. Empty: the place stands where it is used.
    pub(crate) fn chain(&self, place: &Place) -> Vec<Place> {
        let mut chain: Vec<Place> = Vec::new();
        let mut at = place.clone();
        while chain.len() < MOST_HOPS
            && let Some(referrer) = self.of(&at)
            && !chain.contains(&referrer)
        {
            chain.push(referrer.clone());
            at = referrer;
        }
        chain
    }

    /// The reference to a value, or to the nearest one around it.
    fn of(&self, place: &Place) -> Option<Place> {
        if self.first.is_empty() {
            return None;
        }
        let mut node = self.document.file_root(place.file)?;
        let mut nearest = self.first.get(&node.id());
        let mut rest = place.pointer.as_str();
        while let Some(behind) = rest.strip_prefix('/') {
            let end = behind.find('/').map_or(rest.len(), |at| at + 1);
            let (step, others) = rest.split_at(end);
            match node.at(step) {
                Some(next) => node = next,
                // Where nothing stands, such as a member that is missing, what it would stand in is meant.
                None => break,
            }
            nearest = self.first.get(&node.id()).or(nearest);
            rest = others;
        }
        nearest.map(Node::place)
    }
}
