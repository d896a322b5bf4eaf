//! Names of members, found without comparing each.

/// A set of names that numbers them in the order they were added.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Vec<&'static str>,
    /// Open addressing: number of a name plus one; its length is a power of two, or 0 while a walk is as fast.
    slots: Vec<u32>,
}

/// Up to here all names are compared.
const FEW: usize = 4;

impl Names {
    /// The number of a name, which is added if it is new.
    pub(super) fn add(&mut self, name: &'static str) -> usize {
        if let Some(number) = self.find(name.as_bytes()) {
            return number;
        }
        self.names.push(name);
        if self.names.len() > FEW {
            if self.slots.len() < self.names.len() * 2 {
                self.slots = vec![0; (self.names.len() * 4).next_power_of_two()];
                for number in 0..self.names.len() {
                    self.place(number);
                }
            } else {
                self.place(self.names.len() - 1);
            }
        }
        self.names.len() - 1
    }

    fn place(&mut self, number: usize) {
        let mut slot = self.slot(self.names[number].as_bytes());
        while self.slots[slot] != 0 {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = u32::try_from(number + 1).unwrap_or(u32::MAX);
    }

    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        if self.slots.is_empty() {
            return self.names.iter().position(|known| known.as_bytes() == name);
        }
        let mut slot = self.slot(name);
        loop {
            let number = usize::try_from(self.slots[slot]).ok()?.checked_sub(1)?;
            if self.names.get(number)?.as_bytes() == name {
                return Some(number);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    /// All names in the order of their numbers.
    pub(super) fn all(&self) -> &[&'static str] {
        &self.names
    }

    #[inline]
    fn slot(&self, name: &[u8]) -> usize {
        // The names are the document's, so nobody can choose them to collide.
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut hash = name.len() as u64;
        let mut words = name.chunks_exact(8);
        for word in words.by_ref() {
            let word = <[u8; 8]>::try_from(word).unwrap_or_default();
            hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(ODD);
            hash ^= hash >> 32;
        }
        for byte in words.remainder() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(ODD);
        }
        (hash ^ hash >> 29) as usize & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_their_numbers() {
        let all: Vec<&'static str> = (0..500)
            .map(|n| &*Box::leak(format!("a_rather_long_name_{n}_with_an_end").into_boxed_str()))
            .chain(["", "a", "ab"])
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
        assert_eq!(names.find(b"a_rather_long_name_500_with_an_end"), None);
        assert_eq!(names.all(), all);
    }
}
