//! Header fields of a message, and the only place where the rest of the runtime learns their types.
//!
//! All fields of a message stand in one text with a row of places for each: reading a head costs one copy of it, and a clone
//! two. Both are taken from a store of the worker and go back there, so that a message costs no allocation.
//!
//! Invariant: a name is a token and a value holds no CR, LF or NUL, because only what the parser found, [`FieldName`] and
//! [`FieldValue`] get in. Names are compared without regard to case; the case in which one was sent is kept for whoever reads
//! the message next.

mod page;

use std::borrow::Borrow;

pub(crate) use http::header::{HeaderName as FieldName, HeaderValue as FieldValue};

use page::{Key, Page, Row};

/// Names that the runtime itself reads or writes.
pub(crate) mod field {
    pub(crate) use http::header::{
        ACCEPT, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ALLOW,
        CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST, LOCATION,
        MAX_FORWARDS, ORIGIN, RETRY_AFTER, SERVER, SET_COOKIE, TRANSFER_ENCODING, VARY, VIA,
        WARNING,
    };

    #[cfg(test)]
    pub(crate) use http::header::TRAILER;

    use super::FieldName;

    /// Addresses a request came through, each proxy adding the one it saw.
    pub(crate) const X_FORWARDED_FOR: FieldName = FieldName::from_static("x-forwarded-for");
    /// The scheme the client used.
    pub(crate) const X_FORWARDED_PROTO: FieldName = FieldName::from_static("x-forwarded-proto");
    /// The authority the client asked for.
    pub(crate) const X_FORWARDED_HOST: FieldName = FieldName::from_static("x-forwarded-host");
    /// The request's id, towards the back end and the client.
    pub(crate) const X_REQUEST_ID: FieldName = FieldName::from_static("x-request-id");
}

/// The header fields of a message, in order.
#[derive(Default, Clone)]
pub(crate) struct Headers {
    page: Page,
}

impl Headers {
    /// No field at all.
    pub(crate) fn new() -> Headers {
        Headers::default()
    }

    /// Fields of a head that was read; `fields` are names and values with their places in `head`.
    pub(crate) fn parsed<'h>(
        head: &'h [u8],
        fields: impl Iterator<Item = (&'h [u8], &'h [u8])>,
    ) -> Headers {
        let mut page = Page::taken();
        page.text.extend_from_slice(head);
        let start = head.as_ptr() as usize;
        page.rows
            .extend(fields.map(|(name, value)| Row::new(start, name, value)));
        Headers { page }
    }

    /// Fields as the engine for HTTP/2 has them.
    pub(crate) fn from_map(map: &http::HeaderMap) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in map {
            headers.append(name, value);
        }
        headers
    }

    /// Fields as the engine for HTTP/2 wants them.
    pub(crate) fn to_map(&self) -> http::HeaderMap {
        let mut map = http::HeaderMap::with_capacity(self.len());
        for (name, value) in self.iter() {
            if let (Ok(name), Ok(value)) =
                (FieldName::from_bytes(name), FieldValue::from_bytes(value))
            {
                map.append(name, value);
            }
        }
        map
    }

    /// The same fields, in no more memory than they need: for what is kept.
    pub(crate) fn compact(&self) -> Headers {
        Headers {
            page: self.page.compact(),
        }
    }

    /// Bytes of memory they take.
    pub(crate) fn weight(&self) -> usize {
        self.page.weight()
    }

    /// The first value of a field.
    pub(crate) fn get(&self, name: impl AsRef<str>) -> Option<&[u8]> {
        let row = self.page.find(name.as_ref().as_bytes())?;
        Some(self.page.value(row))
    }

    /// The first value of a field, if it is visible ASCII.
    pub(crate) fn get_str(&self, name: impl AsRef<str>) -> Option<&str> {
        // No other control characters get in.
        let value = self.get(name)?;
        let text = std::str::from_utf8(value).ok()?;
        text.is_ascii().then_some(text)
    }

    /// The first value of a field, as it can be put into another message.
    pub(crate) fn value(&self, name: impl AsRef<str>) -> Option<FieldValue> {
        FieldValue::from_bytes(self.get(name)?).ok()
    }

    /// All values of a field, in order.
    pub(crate) fn all(&self, name: impl AsRef<str>) -> impl Iterator<Item = &[u8]> {
        let key = Key::of(name.as_ref().as_bytes());
        self.page
            .rows
            .iter()
            .filter(move |row| row.may_be(key) && self.page.is(row, name.as_ref().as_bytes()))
            .map(|row| self.page.value(row))
    }

    /// Whether the field is there.
    pub(crate) fn contains(&self, name: impl AsRef<str>) -> bool {
        self.get(name).is_some()
    }

    /// Replaces a field.
    pub(crate) fn set(&mut self, name: impl Borrow<FieldName>, value: impl Borrow<FieldValue>) {
        self.put(name.borrow(), value.borrow().as_bytes());
    }

    /// Replaces a field. What may not stand in a value is left out of it.
    pub(crate) fn set_text(&mut self, name: impl Borrow<FieldName>, value: &str) {
        let fine = |byte: u8| matches!(byte, b' '..=b'~');
        // Not `all`: without a way out in the middle it looks at many bytes at once.
        if value.bytes().fold(true, |all, byte| all & fine(byte)) {
            self.put(name.borrow(), value.as_bytes());
        } else {
            let value: Vec<u8> = value.bytes().filter(|byte| fine(*byte)).collect();
            self.put(name.borrow(), &value);
        }
    }

    /// Replaces a field by a number.
    pub(crate) fn set_number(&mut self, name: impl Borrow<FieldName>, value: u64) {
        self.put(name.borrow(), itoa::Buffer::new().format(value).as_bytes());
    }

    /// Adds a value to a field.
    pub(crate) fn append(&mut self, name: impl Borrow<FieldName>, value: impl Borrow<FieldValue>) {
        let name = name.borrow().as_str().as_bytes();
        self.page.push(name, value.borrow().as_bytes());
    }

    /// Removes a field with all its values; tells whether it was there.
    pub(crate) fn remove(&mut self, name: impl AsRef<str>) -> bool {
        self.page.remove(name.as_ref().as_bytes())
    }

    fn put(&mut self, name: &FieldName, value: &[u8]) {
        let name = name.as_str().as_bytes();
        self.page.remove(name);
        self.page.push(name, value);
    }

    /// Writes the fields that `wanted` takes by their names, each a line with its end.
    pub(crate) fn write(&self, out: &mut Vec<u8>, wanted: impl Fn(&[u8]) -> bool) {
        self.page.write(out, wanted);
    }

    /// Every name, as it was sent, with each of its values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let page = &self.page;
        page.rows
            .iter()
            .map(|row| (page.name(row), page.value(row)))
    }

    /// How many values there are, over all names.
    pub(crate) fn len(&self) -> usize {
        self.page.rows.len()
    }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = String::from_utf8_lossy;
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (text(name), text(value))))
            .finish()
    }
}

/// What one pass over the fields of a message tells. Both directions need it, and one pass is cheaper than a look-up per name.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Survey {
    /// Bytes of names, values and separators, as HTTP/1.1 would send them.
    pub(crate) bytes: usize,
    /// Which fields of one connection are there: bits of [`HOP_BY_HOP`].
    hop_by_hop: u16,
    /// Whether `Expect` is there.
    pub(crate) expect: bool,
    /// Whether `Transfer-Encoding` is there.
    pub(crate) transfer_encoding: bool,
    /// Whether `Max-Forwards` is there.
    pub(crate) max_forwards: bool,
}

/// Fields that belong to one connection and are never passed on (RFC 9110 §7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "te",
    "upgrade",
    TRANSFER_ENCODING,
    "proxy-authenticate",
    "proxy-authorization",
    "keep-alive",
    "http2-settings",
    "proxy-connection",
];
const TRANSFER_ENCODING: &str = "transfer-encoding";

impl Survey {
    pub(crate) fn of(headers: &Headers) -> Survey {
        let mut survey = Survey::default();
        for (name, value) in headers.iter() {
            // ": " and CR LF.
            survey.bytes += name.len() + value.len() + 4;
            // Most names are told apart by their length.
            if !matches!(name.len(), 2 | 6 | 7 | 10 | 12 | 14 | 16..=19) {
                continue;
            }
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            if let Some(bit) = HOP_BY_HOP.iter().position(|known| is(known)) {
                survey.hop_by_hop |= 1 << bit;
                survey.transfer_encoding |= is(TRANSFER_ENCODING);
            } else {
                survey.expect |= is("expect");
                survey.max_forwards |= is("max-forwards");
            }
        }
        survey
    }

    /// Removes the fields of one connection: the well-known ones and those that `Connection` names.
    ///
    /// `Host` and `Content-Length` stay even when named: they carry the meaning and the framing of the message, and the
    /// engine has already decided both.
    pub(crate) fn strip(&self, headers: &mut Headers) {
        if self.hop_by_hop == 0 {
            return;
        }
        if self.hop_by_hop & 1 != 0 {
            strip_nominated(headers);
        }
        for (bit, name) in HOP_BY_HOP.iter().enumerate() {
            if self.hop_by_hop & (1 << bit) != 0 {
                headers.remove(name);
            }
        }
    }
}

fn strip_nominated(headers: &mut Headers) {
    // Nearly always `close` or `keep-alive`, which name nothing.
    let mut nominated: Vec<FieldName> = Vec::new();
    for value in headers.all(field::CONNECTION) {
        for token in value.split(|byte| *byte == b',') {
            let token = token.trim_ascii();
            if token.eq_ignore_ascii_case(b"close") || token.eq_ignore_ascii_case(b"keep-alive") {
                continue;
            }
            if let Ok(name) = FieldName::from_bytes(token)
                && name != field::HOST
                && name != field::CONTENT_LENGTH
            {
                nominated.push(name);
            }
        }
    }
    for name in nominated {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests;
