//! Header fields of a message, and the only place where the rest of the runtime learns their types.
//!
//! Invariant: a name is a lower-case token and a value holds no CR, LF or NUL, because only [`FieldName`] and
//! [`FieldValue`] get in and neither can be made from anything else. Absent on purpose: the case in which a name was
//! sent, and the order between fields of different names, neither of which means anything.

pub(crate) use http::header::{AsHeaderName, HeaderName as FieldName, HeaderValue as FieldValue};

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
    /// Of one connection, from before HTTP/1.1; never forwarded.
    pub(crate) const KEEP_ALIVE: FieldName = FieldName::from_static("keep-alive");
    /// A mistaken `Connection`, still sent; never forwarded.
    pub(crate) const PROXY_CONNECTION: FieldName = FieldName::from_static("proxy-connection");
    /// Part of the old upgrade to HTTP/2; never forwarded.
    pub(crate) const HTTP2_SETTINGS: FieldName = FieldName::from_static("http2-settings");
}

/// The header fields of a message.
#[derive(Debug, Clone, Default)]
pub(crate) struct Headers {
    map: http::HeaderMap,
}

impl Headers {
    /// No field at all.
    pub(crate) fn new() -> Headers {
        Headers::default()
    }

    /// Room for so many fields.
    pub(crate) fn with_capacity(fields: usize) -> Headers {
        Headers {
            map: http::HeaderMap::with_capacity(fields),
        }
    }

    /// The first value of a field. A name given as text must be lower case.
    pub(crate) fn get(&self, name: impl AsHeaderName) -> Option<&[u8]> {
        self.map.get(name).map(FieldValue::as_bytes)
    }

    /// The first value of a field, if it is visible ASCII.
    pub(crate) fn get_str(&self, name: impl AsHeaderName) -> Option<&str> {
        self.map.get(name).and_then(|value| value.to_str().ok())
    }

    /// The first value of a field, as it can be put into another message.
    pub(crate) fn value(&self, name: impl AsHeaderName) -> Option<&FieldValue> {
        self.map.get(name)
    }

    /// All values of a field, in order.
    pub(crate) fn all(&self, name: impl AsHeaderName) -> impl Iterator<Item = &[u8]> {
        self.map.get_all(name).into_iter().map(FieldValue::as_bytes)
    }

    /// Whether the field is there.
    pub(crate) fn contains(&self, name: impl AsHeaderName) -> bool {
        self.map.contains_key(name)
    }

    /// Replaces a field.
    pub(crate) fn set(&mut self, name: FieldName, value: FieldValue) {
        self.map.insert(name, value);
    }

    /// Adds a value to a field.
    pub(crate) fn append(&mut self, name: FieldName, value: FieldValue) {
        self.map.append(name, value);
    }

    /// Removes a field with all its values; tells whether it was there.
    pub(crate) fn remove(&mut self, name: impl AsHeaderName) -> bool {
        self.map.remove(name).is_some()
    }

    /// Every name with each of its values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&FieldName, &FieldValue)> {
        self.map.iter()
    }

    /// How many values there are, over all names.
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    pub(crate) fn from_map(map: http::HeaderMap) -> Headers {
        Headers { map }
    }

    pub(crate) fn into_map(self) -> http::HeaderMap {
        self.map
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
const HOP_BY_HOP: [FieldName; 9] = [
    http::header::CONNECTION,
    http::header::TE,
    http::header::UPGRADE,
    http::header::TRANSFER_ENCODING,
    http::header::PROXY_AUTHENTICATE,
    http::header::PROXY_AUTHORIZATION,
    field::KEEP_ALIVE,
    field::HTTP2_SETTINGS,
    field::PROXY_CONNECTION,
];

impl Survey {
    pub(crate) fn of(headers: &Headers) -> Survey {
        let mut survey = Survey::default();
        for (name, value) in headers.map.iter() {
            let name = name.as_str();
            // ": " and CR LF.
            survey.bytes += name.len() + value.len() + 4;
            survey.hop_by_hop |= match name {
                "connection" => 1,
                "te" => 1 << 1,
                "upgrade" => 1 << 2,
                "transfer-encoding" => {
                    survey.transfer_encoding = true;
                    1 << 3
                }
                "proxy-authenticate" => 1 << 4,
                "proxy-authorization" => 1 << 5,
                "keep-alive" => 1 << 6,
                "http2-settings" => 1 << 7,
                "proxy-connection" => 1 << 8,
                "expect" => {
                    survey.expect = true;
                    0
                }
                "max-forwards" => {
                    survey.max_forwards = true;
                    0
                }
                _ => 0,
            };
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
            strip_nominated(&mut headers.map);
        }
        for (bit, name) in HOP_BY_HOP.iter().enumerate() {
            if self.hop_by_hop & (1 << bit) != 0 {
                headers.map.remove(name);
            }
        }
    }
}

fn strip_nominated(map: &mut http::HeaderMap) {
    // Nearly always `close` or `keep-alive`, which name nothing.
    let mut nominated: Vec<FieldName> = Vec::new();
    for value in map.get_all(http::header::CONNECTION) {
        for token in value.as_bytes().split(|byte| *byte == b',') {
            let token = token.trim_ascii();
            if token.eq_ignore_ascii_case(b"close") || token.eq_ignore_ascii_case(b"keep-alive") {
                continue;
            }
            if let Ok(name) = FieldName::from_bytes(token)
                && name != http::header::HOST
                && name != http::header::CONTENT_LENGTH
            {
                nominated.push(name);
            }
        }
    }
    for name in nominated {
        map.remove(name);
    }
}

#[cfg(test)]
mod tests;
