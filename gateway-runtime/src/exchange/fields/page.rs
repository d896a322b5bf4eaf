//! Where the fields of one message stand: a text, and a row of places for each field.
//!
//! Pages that are given up are kept for the next message of the same thread, as far as they are small and few.

use std::cell::RefCell;

/// Text and rows of one message.
#[derive(Default)]
pub(super) struct Page {
    pub(super) text: Vec<u8>,
    pub(super) rows: Vec<Row>,
}

/// Places of a field's name and value in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    name: u32,
    value: u32,
    value_length: u32,
    name_length: u16,
}

/// Pages that a thread keeps.
const KEPT: usize = 64;
/// Largest text that is kept.
const KEPT_TEXT: usize = 8 * 1024;
/// Most rows that are kept.
const KEPT_ROWS: usize = 128;
/// Room of a new page: the head of nearly every message, with what a gateway adds.
const TEXT: usize = 1024;
/// The same, in fields.
const ROWS: usize = 24;

thread_local! {
    static FREE: RefCell<Vec<(Vec<u8>, Vec<Row>)>> = const { RefCell::new(Vec::new()) };
}

impl Row {
    /// The places of slices in a text that begins at the address `start`. Texts are far below 4 GiB, names below 64 KiB: the
    /// longest head is bounded by the engine.
    pub(super) fn new(start: usize, name: &[u8], value: &[u8]) -> Row {
        let place = |slice: &[u8]| {
            u32::try_from((slice.as_ptr() as usize).wrapping_sub(start)).unwrap_or(u32::MAX)
        };
        Row {
            name: place(name),
            value: if value.is_empty() { 0 } else { place(value) },
            value_length: u32::try_from(value.len()).unwrap_or(0),
            name_length: u16::try_from(name.len()).unwrap_or(0),
        }
    }
}

impl Row {
    /// Whether its name is so long: tells most names apart.
    pub(super) fn has(&self, name_length: usize) -> bool {
        usize::from(self.name_length) == name_length
    }
}

/// Whether two names of one length are the same. Their last letters differ more often than their first.
fn same(name: &[u8], other: &[u8]) -> bool {
    match (name.last(), other.last()) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b) && name.eq_ignore_ascii_case(other),
        _ => false,
    }
}

impl Page {
    /// An empty page with room.
    pub(super) fn taken() -> Page {
        let kept = FREE.try_with(|free| free.borrow_mut().pop()).ok().flatten();
        let (text, rows) =
            kept.unwrap_or_else(|| (Vec::with_capacity(TEXT), Vec::with_capacity(ROWS)));
        Page { text, rows }
    }

    pub(super) fn name(&self, row: &Row) -> &[u8] {
        let start = row.name as usize;
        self.text
            .get(start..start + usize::from(row.name_length))
            .unwrap_or_default()
    }

    pub(super) fn value(&self, row: &Row) -> &[u8] {
        let start = row.value as usize;
        self.text
            .get(start..start + row.value_length as usize)
            .unwrap_or_default()
    }

    /// Whether a row has this name, whatever its case.
    pub(super) fn is(&self, row: &Row, name: &[u8]) -> bool {
        row.has(name.len()) && same(self.name(row), name)
    }

    /// The first row of this name.
    pub(super) fn find(&self, name: &[u8]) -> Option<&Row> {
        self.rows.iter().find(|row| self.is(row, name))
    }

    pub(super) fn push(&mut self, name: &[u8], value: &[u8]) {
        if self.rows.capacity() == 0 {
            *self = Page::taken();
        }
        let at = |text: &Vec<u8>| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let name_at = at(&self.text);
        self.text.extend_from_slice(name);
        let value_at = at(&self.text);
        self.text.extend_from_slice(value);
        self.rows.push(Row {
            name: name_at,
            value: value_at,
            value_length: u32::try_from(value.len()).unwrap_or(0),
            name_length: u16::try_from(name.len()).unwrap_or(0),
        });
    }

    /// Removes the rows of this name; tells whether there were any. Their text stays until the page goes.
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        // Most names that are removed are not there.
        if self.find(name).is_none() {
            return false;
        }
        let Page { text, rows } = self;
        rows.retain(|row| {
            let start = row.name as usize;
            let own = text
                .get(start..start + usize::from(row.name_length))
                .unwrap_or_default();
            !(row.has(name.len()) && same(own, name))
        });
        true
    }

    /// The same fields, without room and without the text of removed ones.
    pub(super) fn compact(&self) -> Page {
        let bytes = self
            .rows
            .iter()
            .map(|row| usize::from(row.name_length) + row.value_length as usize)
            .sum();
        let mut page = Page {
            text: Vec::with_capacity(bytes),
            // At least one, since a page without room takes one that has.
            rows: Vec::with_capacity(self.rows.len().max(1)),
        };
        for row in &self.rows {
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

impl Drop for Page {
    fn drop(&mut self) {
        let fits = |capacity: usize, least, most| (least..=most).contains(&capacity);
        if !fits(self.text.capacity(), TEXT, KEPT_TEXT)
            || !fits(self.rows.capacity(), ROWS, KEPT_ROWS)
        {
            return;
        }
        let (mut text, mut rows) = (
            std::mem::take(&mut self.text),
            std::mem::take(&mut self.rows),
        );
        // A thread that ends keeps nothing.
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            if free.len() < KEPT {
                text.clear();
                rows.clear();
                free.push((text, rows));
            }
        });
    }
}
