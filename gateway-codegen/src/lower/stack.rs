//! Which layers speak for an operation, in which order, and whether its answers are kept.
//!
//! Caching needs a decision before the merge, because where it is written decides what it means: on the stage it is for
//! GET operations; in a wide layer (`defaults`, a path item, a tag or glob) likewise; on the operation itself it is for that
//! operation whatever its method. What Amazon's members say about keys holds only where something else switches it on.

use super::draft::{Draft, Layers};
use super::layers::over;
use super::selectors::Selector;
use super::tree::Tree;
use crate::findings::Place;

/// Layers that speak for every operation.
#[derive(Debug, Default)]
pub(crate) struct Wide {
    /// `cors` of the root, as a layer.
    pub(crate) cors: Option<Tree>,
    /// `defaults`.
    pub(crate) defaults: Option<Tree>,
}

/// What a stage adds for one operation.
#[derive(Debug)]
pub(crate) struct StageLayers<'s> {
    /// Whether the stage keeps answers of GET operations: the place where it says so.
    pub(crate) caches: Option<Place>,
    /// The stage's own time to live.
    pub(crate) ttl: Option<&'s Tree>,
    /// Selectors that match, the least specific first.
    pub(crate) selectors: Vec<&'s Selector<'s>>,
}

/// The merged layers of an operation, and the places that speak of it alone.
pub(crate) fn merged(
    wide: &Wide,
    draft: &Draft<'_>,
    stage: Option<&StageLayers<'_>>,
) -> (Tree, Vec<Place>) {
    let Layers {
        aws,
        aws_cache,
        path_item,
        operation,
    } = &draft.layers;
    let selectors = stage
        .map(|stage| stage.selectors.as_slice())
        .unwrap_or_default();

    let mut owners = vec![draft.place.clone()];
    let narrow = selectors.iter().filter(|selector| selector.is_narrow());
    owners.extend(narrow.map(|selector| selector.layer.place.clone()));

    // the wide layers with their `cache`, then the narrow ones
    let mut caching = Caching::default();
    caching.stage(stage.and_then(|stage| stage.caches.as_ref()));
    for layer in [&wide.defaults, path_item].into_iter().flatten() {
        caching.layer(layer, false);
    }
    if let Some(operation) = operation {
        caching.layer(operation, true);
    }
    for selector in selectors {
        caching.layer(selector.layer, selector.is_narrow());
    }
    let kept = caching.holds_for(&draft.method);

    let mut tree = Some(Tree::object(draft.place.clone()));
    let mut add = |layer: Option<&Tree>| tree = over(tree.take(), layer);
    add(wide.cors.as_ref());
    if let Some(switch) = kept.as_ref() {
        let mut cache = Tree::object(switch.clone());
        if let Some(ttl) = stage.and_then(|stage| stage.ttl) {
            cache.set("ttl", ttl.clone());
        }
        add(Some(&cached(cache)));
    }
    add(wide.defaults.as_ref());
    add(aws.as_ref());
    if kept.is_some()
        && let Some(cache) = aws_cache
    {
        add(Some(&cached(cache.clone())));
    }
    add(path_item.as_ref());
    add(operation.as_ref());
    for selector in selectors {
        add(Some(selector.layer));
    }
    let mut tree = tree.unwrap_or_else(|| Tree::object(draft.place.clone()));
    if kept.is_none()
        && let Some(members) = tree.members_mut()
    {
        members.shift_remove("cache");
    }
    (tree, owners)
}

/// A layer that says `cache` alone.
fn cached(cache: Tree) -> Tree {
    let mut layer = Tree::object(cache.place.clone());
    layer.set("cache", cache);
    layer
}

/// What has been said about caching so far.
#[derive(Default)]
struct Caching {
    /// Said where it is for GET operations.
    wide: Option<Place>,
    /// Said where it is for this operation.
    narrow: Option<Place>,
}

impl Caching {
    fn stage(&mut self, switch: Option<&Place>) {
        self.wide = switch.cloned();
    }

    fn layer(&mut self, layer: &Tree, narrow: bool) {
        match layer.get("cache") {
            None => {}
            Some(cache) if cache.is_false() => *self = Caching::default(),
            Some(cache) if narrow => self.narrow = Some(cache.place.clone()),
            Some(cache) => self.wide = Some(cache.place.clone()),
        }
    }

    /// Where caching was switched on for an operation with this method, if it was.
    fn holds_for(self, method: &str) -> Option<Place> {
        self.narrow
            .or_else(|| self.wide.filter(|_| method == "GET"))
    }
}
