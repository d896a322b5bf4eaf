//! Names of members, found without comparing each.

/// A set of names that numbers them in the order they were added.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Vec<&'static str>,
    /// Open addressing; its length is a power of two, or 0 as long as there is no name. At most half of it is taken.
    slots: Vec<Option<Slot>>,
}

/// Where a name is found.
#[derive(Debug, Clone, Copy)]
struct Slot {
    end: u64,
    length: usize,
    number: usize,
}

/// So long a name is known by [`end`] and its length.
const SHORT: usize = 8;

impl Names {
    /// The number of a name, which is added if it is new.
    pub(super) fn add(&mut self, name: &'static str) -> usize {
        if let Some(number) = self.find(name.as_bytes()) {
            return number;
        }
        self.names.push(name);
        if self.slots.len() < self.names.len() * 2 {
            self.slots = vec![None; (self.names.len() * 4).next_power_of_two()];
            for number in 0..self.names.len() {
                self.place(number);
            }
        } else {
            self.place(self.names.len() - 1);
        }
        self.names.len() - 1
    }

    fn place(&mut self, number: usize) {
        let name = self.names[number].as_bytes();
        let end = end(name);
        let mut at = self.slot(name, end);
        while self.slots[at].is_some() {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = Some(Slot {
            end,
            length: name.len(),
            number,
        });
    }

    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        let end = end(name);
        let mut at = self.slot(name, end);
        loop {
            let slot = self.slots.get(at)?.as_ref()?;
            if slot.end == end
                && slot.length == name.len()
                && (name.len() <= SHORT || self.names.get(slot.number)?.as_bytes() == name)
            {
                return Some(slot.number);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// All names in the order of their numbers.
    pub(super) fn all(&self) -> &[&'static str] {
        &self.names
    }

    #[inline]
    fn slot(&self, name: &[u8], end: u64) -> usize {
        // The names are the document's, so nobody can choose them to collide.
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut hash = (end ^ name.len() as u64).wrapping_mul(ODD);
        if name.len() > SHORT {
            for word in name.chunks_exact(8) {
                let word = <[u8; 8]>::try_from(word).unwrap_or_default();
                hash = (hash ^ hash >> 32 ^ u64::from_le_bytes(word)).wrapping_mul(ODD);
            }
        }
        (hash >> 32) as usize & self.slots.len().wrapping_sub(1)
    }
}

/// The last eight bytes of a name, or all of a shorter one: names of one length up to eight differ here if they differ.
#[inline]
fn end(name: &[u8]) -> u64 {
    if let Some(last) = name.last_chunk() {
        return u64::from_le_bytes(*last);
    }
    // Two reads that may overlap.
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last));
    }
    let byte = |at| u64::from(name.get(at).copied().unwrap_or_default());
    byte(0) | byte(1) << 8 | byte(2) << 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_their_numbers() {
        let all: Vec<&'static str> = (0..500)
            .map(|n| &*Box::leak(format!("a_rather_long_name_{n}_with_an_end").into_boxed_str()))
            .chain([
                "",
                "a",
                "ab",
                "aba",
                "abab",
                "abba",
                "ababa",
                "abbba",
                "abcdefg",
                "abcxefg",
                "abcdefgh",
                "xbcdefgh",
                "xabcdefgh",
                "yabcdefgh",
                "\0",
                "\0\0",
            ])
            .collect();
        let mut names = Names::default();
        for (number, name) in all.iter().enumerate() {
            assert_eq!(names.find(name.as_bytes()), None);
            assert_eq!(names.add(name), number);
            assert_eq!(names.add(name), number);
        }
        for (number, name) in all.iter().enumerate() {
            assert_eq!(names.find(name.as_bytes()), Some(number));
        }
        for other in [
            "a_rather_long_name_500_with_an_end",
            "b",
            "\0\0\0",
            "zabcdefgh",
            "abcdexgh",
        ] {
            assert_eq!(names.find(other.as_bytes()), None, "{other:?}");
        }
        assert_eq!(names.all(), all);
    }
}
