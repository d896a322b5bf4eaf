//! Where the values of a made file were written.
//!
//! What an overlay changes, and what is put together of several files, has a tree that no file holds as it is. Such a
//! [`SourceFile`](super::SourceFile) keeps, for the parts it was made of, the place each was taken from; what lies inside a
//! part lies at the same way inside its place ([decision 10](../../../docs/decisions/0010-made-documents.md)). That place may be
//! one of a made file again, or of one that was evaluated: [`Document::written`] goes all the way.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::findings::Place;

use super::Document;

/// A file and a pointer inside it.
type Origin = (usize, String);

/// The parts of a made tree: pointer of a part → where it was taken from. Empty: the tree is as its file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origins(BTreeMap<String, Origin>);

/// The parts of a value that is on its way to another place, by their pointers inside it.
#[derive(Debug, Clone)]
pub(crate) struct Parts(Vec<(String, Origin)>);

impl Origins {
    /// All of it from one place.
    pub(crate) fn whole(origin: Origin) -> Origins {
        Origins(BTreeMap::from([(String::new(), origin)]))
    }

    /// Where the value at a pointer was taken from: what the innermost part says that holds it.
    pub(crate) fn of(&self, pointer: &str) -> Option<Origin> {
        let mut part = pointer;
        loop {
            if let Some((file, at)) = self.0.get(part) {
                let inside = pointer.get(part.len()..).unwrap_or_default();
                return Some((*file, format!("{at}{inside}")));
            }
            part = part.get(..part.rfind('/')?)?;
        }
    }

    /// Nothing is known of what stands at a pointer any more.
    pub(crate) fn clear(&mut self, pointer: &str) {
        let inside = format!("{pointer}/");
        // The first text that does not begin with `inside`.
        let end = format!("{pointer}0");
        let range = (
            Bound::Included(inside.as_str()),
            Bound::Excluded(end.as_str()),
        );
        let gone: Vec<String> = self
            .0
            .range::<str, _>(range)
            .map(|(part, _)| part.clone())
            .collect();
        for part in gone {
            self.0.remove(&part);
        }
        self.0.remove(pointer);
    }

    /// The parts of the value at a pointer.
    pub(crate) fn parts(&self, pointer: &str) -> Parts {
        let inside = format!("{pointer}/");
        let end = format!("{pointer}0");
        let range = (
            Bound::Included(inside.as_str()),
            Bound::Excluded(end.as_str()),
        );
        let whole = self.of(pointer).map(|origin| (String::new(), origin));
        let parts = self.0.range::<str, _>(range).map(|(part, origin)| {
            let inside = part.get(pointer.len()..).unwrap_or_default();
            (inside.to_owned(), origin.clone())
        });
        Parts(whole.into_iter().chain(parts).collect())
    }

    /// A value with these parts stands at a pointer now.
    pub(crate) fn put(&mut self, pointer: &str, parts: Parts) {
        self.clear(pointer);
        let parts = parts.0.into_iter();
        self.0
            .extend(parts.map(|(inside, origin)| (format!("{pointer}{inside}"), origin)));
    }

    /// Gives files other numbers.
    pub(crate) fn renumber(&mut self, number: impl Fn(usize) -> usize) {
        for (file, _) in self.0.values_mut() {
            *file = number(*file);
        }
    }
}

impl Parts {
    /// All of a value from one place.
    pub(crate) fn whole(origin: Origin) -> Parts {
        Parts(vec![(String::new(), origin)])
    }
}

impl Document {
    /// Where what stands at a place was taken from; `None`: its file was not made.
    pub(super) fn taken_from(&self, place: &Place) -> Option<Place> {
        let origins = &self.files.get(place.file)?.origins;
        let (file, pointer) = origins.of(&place.pointer)?;
        Some(Place {
            file,
            pointer,
            ..place.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(file: usize, pointer: &str) -> Origin {
        (file, pointer.to_owned())
    }

    #[test]
    fn the_innermost_part_says_where() {
        let mut origins = Origins::whole(at(1, ""));
        origins.put("/paths/~1a", Parts::whole(at(2, "/x")));
        origins.put("/paths/~1a/get", Parts::whole(at(3, "")));
        for (pointer, origin) in [
            ("", at(1, "")),
            ("/paths", at(1, "/paths")),
            ("/paths/~1a", at(2, "/x")),
            ("/paths/~1a/put/tags/0", at(2, "/x/put/tags/0")),
            ("/paths/~1a/get/tags", at(3, "/tags")),
            ("/paths/~1ab", at(1, "/paths/~1ab")),
        ] {
            assert_eq!(origins.of(pointer), Some(origin), "{pointer}");
        }
        assert_eq!(Origins::default().of("/a"), None);
    }

    #[test]
    fn what_moves_takes_its_parts_along() {
        let mut origins = Origins::whole(at(1, ""));
        origins.put("/a/1", Parts::whole(at(2, "/x")));
        origins.put("/a/1/b", Parts::whole(at(3, "/y")));
        origins.put("/a/10", Parts::whole(at(4, "")));
        let parts = origins.parts("/a/1");
        origins.put("/a/0", parts);
        origins.clear("/a/1");
        assert_eq!(origins.of("/a/0/c"), Some(at(2, "/x/c")));
        assert_eq!(origins.of("/a/0/b/c"), Some(at(3, "/y/c")));
        assert_eq!(origins.of("/a/1/b"), Some(at(1, "/a/1/b")));
        assert_eq!(origins.of("/a/10"), Some(at(4, "")));
    }
}
