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

pub(crate) use page::Names;
use page::{Key, Page, Row};

/// Names that the runtime itself reads or writes.
pub(crate) mod field {
    pub(crate) use http::header::{
        ACCEPT, ACCEPT_ENCODING, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
        ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE,
        EXPECT, HOST, LOCATION, MAX_FORWARDS, ORIGIN, RETRY_AFTER, SERVER, SET_COOKIE, VARY, VIA,
        WARNING,
    };

    #[cfg(test)]
    pub(crate) use http::header::{TRAILER, TRANSFER_ENCODING};

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

    /// The same fields as the trailers of a message: without those that nobody may send there, however the message came. `None`
    /// if none is left.
    pub(crate) fn into_trailers(mut self) -> Option<Headers> {
        for name in NEVER_TRAILERS.iter().chain(&OWN) {
            self.remove(name);
        }
        Survey::of(&self).strip(&mut self);
        (self.len() > 0).then_some(self)
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

    /// Whether one of these fields may be there; `false` is certain. One pass, however many names there are.
    pub(crate) fn may_have(&self, names: &Names) -> bool {
        self.page.may_have(names)
    }

    /// Whether the field is there.
    pub(crate) fn contains(&self, name: impl AsRef<str>) -> bool {
        self.get(name).is_some()
    }

    /// Whether the field is there, or what could be taken for it: `X_User` is `X-User` to programs that are given fields as
    /// variables.
    pub(crate) fn has_alike(&self, name: &str) -> bool {
        let key = Key::of(name.as_bytes());
        let mut rows = self.page.rows.iter();
        rows.any(|row| row.may_be(key) && is_alike(self.page.name(row), name.as_bytes()))
    }

    /// Whether a field could be taken for one of these without being it.
    pub(crate) fn imitate(&self, names: &Names) -> bool {
        let mut rows = self.page.rows.iter();
        rows.any(|row| row.may_be_of(names) && imitates(self.page.name(row), names.iter()))
    }

    /// Replaces a field.
    pub(crate) fn set(&mut self, name: impl Borrow<FieldName>, value: impl Borrow<FieldValue>) {
        self.put(name.borrow(), value.borrow().as_bytes());
    }

    /// Replaces a field. What is not visible ASCII is left out of its value.
    pub(crate) fn set_text(&mut self, name: impl Borrow<FieldName>, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        let fine = |byte: &u8| matches!(byte, b' '..=b'~');
        // Not `all`: without a way out in the middle it looks at many bytes at once.
        if value.iter().fold(true, |all, byte| all & fine(byte)) {
            self.put(name.borrow(), value);
        } else {
            let value: Vec<u8> = value.iter().copied().filter(fine).collect();
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

    /// Removes a field, and what could be taken for it.
    pub(crate) fn remove_alike(&mut self, name: impl AsRef<str>) {
        let name = name.as_ref().as_bytes();
        self.page.retain(|other| !is_alike(other, name));
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

/// What one pass over the fields of a message tells. Every message needs it, and one pass is cheaper than a look-up per name.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Survey {
    /// Bytes of names, values and separators, as HTTP/1.1 would send them.
    pub(crate) bytes: usize,
    /// What `Content-Length` says.
    pub(crate) length: Length,
    /// What `Transfer-Encoding` says.
    pub(crate) coding: Coding,
    /// Whether `Connection` has `close`.
    pub(crate) close: bool,
    /// Whether `Connection` has `keep-alive`.
    pub(crate) keep_alive: bool,
    /// Whether `Connection` has `upgrade`.
    upgrade: bool,
    /// Whether `Upgrade` is `websocket` and nothing else.
    websocket: bool,
    /// Whether `Expect` is there.
    pub(crate) expect: bool,
    /// Whether `Max-Forwards` is there.
    pub(crate) max_forwards: bool,
    /// Which fields are there that go no further: bits of [`HOP_BY_HOP`], and [`IMITATED`].
    hop_by_hop: u16,
}

/// What `Content-Length` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Length {
    /// Nothing.
    #[default]
    Absent,
    /// A number.
    Bytes(u64),
    /// Something else, or something twice.
    Unclear,
}

/// What `Transfer-Encoding` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Coding {
    /// Nothing.
    #[default]
    Absent,
    /// `chunked`, once.
    Chunked,
    /// Something else, or something twice.
    Unclear,
}

/// Fields that belong to one connection and are never passed on (RFC 9110 §7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "te",
    "upgrade",
    "transfer-encoding",
    "proxy-authenticate",
    "proxy-authorization",
    "keep-alive",
    "http2-settings",
    "proxy-connection",
];

/// Fields that the gateway writes itself and others rely on.
const OWN: [&str; 6] = [
    "content-length",
    "transfer-encoding",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

/// Fields that change how a message is framed, routed or understood, and that nobody may send when it is too late to look at them
/// (RFC 9110 §6.5.1), besides [`HOP_BY_HOP`] and [`OWN`].
const NEVER_TRAILERS: [&str; 13] = [
    "authorization",
    "cache-control",
    "content-encoding",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "max-forwards",
    "range",
    "set-cookie",
    "trailer",
    "via",
];

/// The bit for a field that imitates one of [`OWN`].
const IMITATED: u16 = 1 << 15;

/// The lengths of all names of [`OWN`].
const OWN_LENGTHS: u32 = {
    let mut lengths = 0;
    let mut at = 0;
    while at < OWN.len() {
        lengths |= 1 << OWN[at].len();
        at += 1;
    }
    lengths
};

/// Whether a name of one of their lengths is one of [`OWN`] but for `_` or another sign where that has `-`. Programs that are given
/// fields as variables (CGI and what followed it) read both as the same: nearly all have `_` for `-`, some for every sign.
fn imitates_own(name: &[u8]) -> bool {
    imitates(name, OWN.into_iter())
}

/// Whether a name is one of `others` but for other signs where that has `-`.
fn imitates<'n>(name: &[u8], mut others: impl Iterator<Item = &'n str>) -> bool {
    let odd = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'-';
    name.iter().any(odd)
        && others.any(|other| {
            is_alike(name, other.as_bytes()) && !name.eq_ignore_ascii_case(other.as_bytes())
        })
}

/// Whether two names are the same where all signs are one.
fn is_alike(name: &[u8], other: &[u8]) -> bool {
    let letter = |byte: &u8| match byte.is_ascii_alphanumeric() {
        true => byte.to_ascii_lowercase(),
        false => b'-',
    };
    name.len() == other.len() && name.iter().map(letter).eq(other.iter().map(letter))
}

/// The keys of the names that a survey looks for.
mod key {
    use super::Key;

    pub(super) const CONTENT_LENGTH: Key = Key::of(b"content-length");
    pub(super) const EXPECT: Key = Key::of(b"expect");
    pub(super) const MAX_FORWARDS: Key = Key::of(b"max-forwards");
    pub(super) const HOP_BY_HOP: [Key; 9] = {
        let mut keys = [Key::of(b""); 9];
        let mut at = 0;
        while at < keys.len() {
            keys[at] = Key::of(super::HOP_BY_HOP[at].as_bytes());
            at += 1;
        }
        keys
    };
    /// The lengths of all these names: most others are told apart by theirs.
    pub(super) const LENGTHS: u32 = {
        let mut lengths = 1 << 14 | 1 << 6 | 1 << 12;
        let mut at = 0;
        while at < super::HOP_BY_HOP.len() {
            lengths |= 1 << super::HOP_BY_HOP[at].len();
            at += 1;
        }
        lengths
    };
}

impl Survey {
    pub(crate) fn of(headers: &Headers) -> Survey {
        let mut survey = Survey::default();
        let page = &headers.page;
        for row in page.rows.iter() {
            let (name, value) = (page.name(row), page.value(row));
            // ": " and CR LF.
            survey.bytes += name.len() + value.len() + 4;
            if name.len() < 32 && (key::LENGTHS | OWN_LENGTHS) & 1 << name.len() != 0 {
                survey.note(row.key(), name, value);
            }
        }
        survey
    }

    fn note(&mut self, key: Key, name: &[u8], value: &[u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if key == key::CONTENT_LENGTH && is("content-length") {
            self.length = match (self.length, number(value)) {
                (Length::Absent, Some(bytes)) => Length::Bytes(bytes),
                _ => Length::Unclear,
            };
        } else if key == key::EXPECT && is("expect") {
            self.expect = true;
        } else if key == key::MAX_FORWARDS && is("max-forwards") {
            self.max_forwards = true;
        } else if let Some(bit) = key::HOP_BY_HOP.iter().position(|known| *known == key)
            && HOP_BY_HOP.get(bit).is_some_and(|known| is(known))
        {
            let again = self.hop_by_hop & (1 << bit) != 0;
            self.hop_by_hop |= 1 << bit;
            match bit {
                0 => self.connection(value),
                2 => self.websocket = !again && value.eq_ignore_ascii_case(b"websocket"),
                3 => {
                    let chunked = value.eq_ignore_ascii_case(b"chunked");
                    self.coding = match self.coding {
                        Coding::Absent if chunked => Coding::Chunked,
                        _ => Coding::Unclear,
                    };
                }
                _ => {}
            }
        } else if imitates_own(name) {
            self.hop_by_hop |= IMITATED;
        }
    }

    fn connection(&mut self, value: &[u8]) {
        for token in value.split(|byte| *byte == b',') {
            let token = token.trim_ascii();
            self.close |= token.eq_ignore_ascii_case(b"close");
            self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
            self.upgrade |= token.eq_ignore_ascii_case(b"upgrade");
        }
    }

    /// Whether the connection may take another message after this one (RFC 9112 §9.3).
    pub(crate) fn keeps_alive(&self, version: http::Version) -> bool {
        !self.close && (self.keep_alive || version == http::Version::HTTP_11)
    }

    /// Whether the connection is to become, or becomes, one of WebSocket (RFC 6455 §4). Other protocols are not upgraded to.
    pub(crate) fn is_websocket(&self) -> bool {
        self.upgrade && self.websocket
    }

    /// Removes the fields of one connection, the well-known ones and those that `Connection` names, and with them what could be
    /// taken for a field of the gateway's own: `X_Forwarded_For`.
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
        if self.hop_by_hop & IMITATED != 0 {
            headers.page.retain(|name| !imitates_own(name));
        }
    }
}

/// A number of decimal digits alone: no sign, no space, no list (RFC 9110 §8.6).
fn number(digits: &[u8]) -> Option<u64> {
    let mut number: u64 = 0;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    (!digits.is_empty()).then_some(number)
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
