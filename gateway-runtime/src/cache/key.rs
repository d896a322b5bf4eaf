//! Cache keys: tuples of bytes whose parts cannot run into each other.
//!
//! Every part is written with its length, an absent part differs from an empty one, and a list says where it ends; so two
//! different tuples are never the same bytes. The whole key is kept and compared: a hash only finds the place.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use crate::spare::Spare;

/// The key of an answer. One that is only looked for stands in a buffer of its thread; a clone, for what is kept, takes no more
/// memory than it needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key {
    hash: u64,
    bytes: Spare<Vec<u8>>,
}

impl Clone for Key {
    fn clone(&self) -> Key {
        Key {
            hash: self.hash,
            bytes: Spare::of(self.bytes.to_vec()),
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Key {
    /// Bytes of memory it takes.
    pub(crate) fn weight(&self) -> usize {
        self.bytes.len() + size_of::<Key>()
    }

    /// Its hash, under a secret of this process, so that nobody can aim at one place.
    pub(crate) fn hash_value(&self) -> u64 {
        self.hash
    }
}

/// A key in the making.
#[derive(Debug)]
pub(crate) struct KeyBuilder {
    bytes: Spare<Vec<u8>>,
}

const ABSENT: u8 = 0;
const PRESENT: u8 = 1;
const END: u8 = 2;

impl KeyBuilder {
    /// No part yet.
    pub(crate) fn new() -> KeyBuilder {
        KeyBuilder {
            bytes: Spare::taken(),
        }
    }

    /// A part that is always there.
    pub(crate) fn part(&mut self, part: impl AsRef<[u8]>) {
        let part = part.as_ref();
        self.bytes.push(PRESENT);
        self.bytes
            .extend_from_slice(&(part.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(part);
    }

    /// A part that may be absent.
    pub(crate) fn optional(&mut self, part: Option<impl AsRef<[u8]>>) {
        match part {
            Some(part) => self.part(part),
            None => self.bytes.push(ABSENT),
        }
    }

    /// A part that is a list.
    pub(crate) fn list(&mut self, parts: impl Iterator<Item = impl AsRef<[u8]>>) {
        for part in parts {
            self.part(part);
        }
        self.bytes.push(END);
    }

    /// The key.
    pub(crate) fn finish(self) -> Key {
        static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Key {
            hash: SECRET.hash_one(self.bytes.as_slice()),
            bytes: self.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    enum Part {
        Plain(Vec<u8>),
        Optional(Option<Vec<u8>>),
        List(Vec<Vec<u8>>),
    }

    fn key(parts: &[Part]) -> Key {
        let mut key = KeyBuilder::new();
        for part in parts {
            match part {
                Part::Plain(bytes) => key.part(bytes),
                Part::Optional(bytes) => key.optional(bytes.as_ref()),
                Part::List(list) => key.list(list.iter()),
            }
        }
        key.finish()
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        // Few letters and the marks themselves: collisions should be as likely as can be.
        prop::collection::vec(prop_oneof![Just(b'a'), Just(0), Just(1), Just(2)], 0..4)
    }

    /// Keys of one operation have parts of the same kinds in the same order; only what is in them differs.
    fn two_of_a_kind() -> impl Strategy<Value = (Vec<Part>, Vec<Part>)> {
        let pair = prop_oneof![
            (bytes(), bytes()).prop_map(|(a, b)| (Part::Plain(a), Part::Plain(b))),
            (prop::option::of(bytes()), prop::option::of(bytes()))
                .prop_map(|(a, b)| (Part::Optional(a), Part::Optional(b))),
            (
                prop::collection::vec(bytes(), 0..3),
                prop::collection::vec(bytes(), 0..3)
            )
                .prop_map(|(a, b)| (Part::List(a), Part::List(b))),
        ];
        prop::collection::vec(pair, 1..5).prop_map(|pairs| pairs.into_iter().unzip())
    }

    proptest! {
        #[test]
        fn different_tuples_have_different_keys((a, b) in two_of_a_kind()) {
            prop_assert_eq!(key(&a) == key(&b), a == b);
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let plain = |parts: &[&str]| {
            let parts: Vec<Part> = parts
                .iter()
                .map(|p| Part::Plain(p.as_bytes().to_vec()))
                .collect();
            key(&parts)
        };
        assert_ne!(plain(&["ab", "c"]), plain(&["a", "bc"]));
        assert_ne!(plain(&["a", ""]), plain(&["", "a"]));
        assert_ne!(
            key(&[Part::Optional(None)]),
            key(&[Part::Optional(Some(vec![]))])
        );
        assert_eq!(plain(&["a", "b"]), plain(&["a", "b"]));
    }
}
