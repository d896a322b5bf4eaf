//! Where the fields of one message stand: a text, and a row of places for each field.

use crate::spare::{Spare, reuse};

/// Text and rows of one message.
#[derive(Default)]
pub(super) struct Page {
    pub(super) text: Spare<Vec<u8>>,
    pub(super) rows: Spare<Vec<Row>>,
}

// More fields than nearly every message has, with what a gateway adds.
reuse!(Vec<Row>, 24, 128);

/// Places of a field's name and value in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Tells most names apart.
    key: Key,
    name: u32,
    value: u32,
    value_length: u32,
}

/// Length and a few letters of a name, whatever its case and whether it has `_` for `-`: equal names have equal keys, and few others
/// have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u32);

impl Key {
    /// The key of a name.
    pub(super) const fn of(name: &[u8]) -> Key {
        let (Some((first, _)), Some((last, _))) = (name.split_first(), name.split_last()) else {
            return Key(0);
        };
        let middle = name[name.len() / 2];
        let letters = letter(middle) << 8 ^ letter(*first) << 4 ^ letter(*last);
        Key((name.len() as u32 & 0xffff) << 16 | letters)
    }

    fn length(self) -> usize {
        (self.0 >> 16) as usize
    }

    fn length_bit(self) -> u64 {
        1 << self.length().min(63)
    }
}

/// What is neither a letter nor a digit is one letter here, so that names that some back ends take for the same have one key.
const fn letter(byte: u8) -> u32 {
    let alphanumeric = byte.is_ascii_alphanumeric();
    (if alphanumeric { byte | 0x20 } else { b'-' }) as u32
}

/// Names that are looked for together.
#[derive(Debug)]
pub(crate) struct Names {
    /// The lengths of all of them, as bits: most others are told apart by theirs. Lengths from 63 on share one.
    lengths: u64,
    keys: Box<[Key]>,
    names: Box<[&'static str]>,
}

impl Names {
    /// These.
    pub(crate) fn new(names: impl IntoIterator<Item = &'static str>) -> Names {
        let names: Box<[&'static str]> = names.into_iter().collect();
        let keys: Box<[Key]> = names.iter().map(|n| Key::of(n.as_bytes())).collect();
        Names {
            lengths: keys.iter().fold(0, |all, key| all | key.length_bit()),
            keys,
            names,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().copied()
    }
}

impl Row {
    /// The places of slices in a text that begins at the address `start`. Texts are far below 4 GiB, names below 64 KiB: the
    /// longest head is bounded by the engine.
    pub(super) fn new(start: usize, name: &[u8], value: &[u8]) -> Row {
        let place = |slice: &[u8]| {
            u32::try_from((slice.as_ptr() as usize).wrapping_sub(start)).unwrap_or(u32::MAX)
        };
        Row {
            key: Key::of(name),
            name: place(name),
            value: if value.is_empty() { 0 } else { place(value) },
            value_length: u32::try_from(value.len()).unwrap_or(0),
        }
    }
}

impl Row {
    /// Tells its name apart from most others.
    pub(super) fn key(&self) -> Key {
        self.key
    }

    /// Whether it may have a name of this key.
    pub(super) fn may_be(&self, key: Key) -> bool {
        self.key == key
    }

    /// Whether it may have one of these names, or what is alike.
    pub(super) fn may_be_of(&self, names: &Names) -> bool {
        names.lengths & self.key.length_bit() != 0 && names.keys.contains(&self.key)
    }

    fn name_in(self, text: &[u8]) -> &[u8] {
        let start = self.name as usize;
        text.get(start..start + self.key.length())
            .unwrap_or_default()
    }

    /// Where it stands as a line, if it does: name, colon, space, value, line end.
    fn line_in(self, text: &[u8]) -> Option<(usize, usize)> {
        let (start, value) = (self.name as usize, self.value as usize);
        let colon = start + self.key.length();
        let end = value + self.value_length as usize;
        let is_line = value == colon + 2
            && text.get(colon..value) == Some(b": ")
            && text.get(end..end + 2) == Some(b"\r\n");
        is_line.then_some((start, end + 2))
    }
}

impl Page {
    /// An empty page with room.
    pub(super) fn taken() -> Page {
        Page {
            text: Spare::taken(),
            rows: Spare::taken(),
        }
    }

    pub(super) fn name(&self, row: &Row) -> &[u8] {
        row.name_in(&self.text)
    }

    pub(super) fn value(&self, row: &Row) -> &[u8] {
        let start = row.value as usize;
        self.text
            .get(start..start + row.value_length as usize)
            .unwrap_or_default()
    }

    /// Whether a row of its key has this name, whatever its case.
    pub(super) fn is(&self, row: &Row, name: &[u8]) -> bool {
        self.name(row).eq_ignore_ascii_case(name)
    }

    /// Whether a row may have one of these names.
    pub(super) fn may_have(&self, names: &Names) -> bool {
        self.rows.iter().any(|row| row.may_be_of(names))
    }

    /// The first row of this name.
    pub(super) fn find(&self, name: &[u8]) -> Option<&Row> {
        let key = Key::of(name);
        let mut rows = self.rows.iter();
        rows.find(|row| row.may_be(key) && self.is(row, name))
    }

    pub(super) fn push(&mut self, name: &[u8], value: &[u8]) {
        if self.rows.capacity() == 0 {
            *self = Page::taken();
        }
        let at = |text: &Vec<u8>| u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.text.reserve(name.len() + value.len() + 4);
        let name_at = at(&self.text);
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(b": ");
        let value_at = at(&self.text);
        self.text.extend_from_slice(value);
        // As a line, so that it can be sent as it stands.
        self.text.extend_from_slice(b"\r\n");
        self.rows.push(Row {
            key: Key::of(name),
            name: name_at,
            value: value_at,
            value_length: u32::try_from(value.len()).unwrap_or(0),
        });
    }

    /// Removes the rows of this name; tells whether there were any. Their text stays until the page goes.
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        // Most names that are removed are not there.
        if self.find(name).is_none() {
            return false;
        }
        let key = Key::of(name);
        let Page { text, rows } = self;
        rows.retain(|row| !(row.may_be(key) && row.name_in(text).eq_ignore_ascii_case(name)));
        true
    }

    /// Removes the rows whose names are not wanted.
    pub(super) fn retain(&mut self, wanted: impl Fn(&[u8]) -> bool) {
        let Page { text, rows } = self;
        rows.retain(|row| wanted(row.name_in(text)));
    }

    /// Writes the fields that `wanted` takes by their names, each a line.
    pub(super) fn write(&self, out: &mut Vec<u8>, wanted: impl Fn(&[u8]) -> bool) {
        // Lines that stand one behind the other are copied at once.
        let (mut start, mut end) = (0, 0);
        let lines = |start, end| self.text.get(start..end).unwrap_or_default();
        for row in self.rows.iter().filter(|row| wanted(self.name(row))) {
            match row.line_in(&self.text) {
                Some((from, to)) if from == end => end = to,
                Some((from, to)) => {
                    out.extend_from_slice(lines(start, end));
                    (start, end) = (from, to);
                }
                None => {
                    out.extend_from_slice(lines(start, end));
                    (start, end) = (0, 0);
                    out.extend_from_slice(self.name(row));
                    out.extend_from_slice(b": ");
                    out.extend_from_slice(self.value(row));
                    out.extend_from_slice(b"\r\n");
                }
            }
        }
        out.extend_from_slice(lines(start, end));
    }

    /// The same fields, without room and without the text of removed ones.
    pub(super) fn compact(&self) -> Page {
        let bytes = self
            .rows
            .iter()
            .map(|row| row.key.length() + row.value_length as usize + 4)
            .sum();
        let mut page = Page {
            text: Spare::of(Vec::with_capacity(bytes)),
            // At least one, since a page without room takes one that has.
            rows: Spare::of(Vec::with_capacity(self.rows.len().max(1))),
        };
        for row in self.rows.iter() {
            page.push(self.name(row), self.value(row));
        }
        page
    }

    pub(super) fn weight(&self) -> usize {
        self.text.capacity() + self.rows.capacity() * size_of::<Row>()
    }
}

impl Clone for Page {
    fn clone(&self) -> Page {
        let mut page = Page::taken();
        page.text.extend_from_slice(&self.text);
        page.rows.extend_from_slice(&self.rows);
        page
    }
}
