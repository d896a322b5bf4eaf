//! A request's head, as an engine read it.

use super::{FieldValue, Headers, Survey, Target, field};

/// A request's head, as an engine read it: well-formed, and not yet known to mean anything.
#[derive(Debug)]
pub(crate) struct Head {
    /// The method.
    pub(crate) method: http::Method,
    /// The version.
    pub(crate) version: http::Version,
    /// Path and query, or `*`.
    pub(crate) target: Target,
    /// The authority of the target, where it has one.
    pub(crate) authority: Option<Box<str>>,
    /// Whether the target has a scheme.
    pub(crate) absolute: bool,
    /// The fields.
    pub(crate) headers: Headers,
    /// What the fields say about the message.
    pub(crate) survey: Survey,
}

impl Head {
    /// Stands for a head that could not be read.
    pub(crate) fn unread() -> Head {
        Head {
            method: http::Method::GET,
            version: http::Version::HTTP_11,
            target: Target::default(),
            authority: None,
            absolute: false,
            headers: Headers::new(),
            survey: Survey::default(),
        }
    }

    /// What the engine for HTTP/2 read.
    pub(crate) fn from_parts(parts: &http::request::Parts) -> Head {
        let uri = &parts.uri;
        let mut headers = Headers::from_map(&parts.headers);
        join_cookies(&mut headers);
        Head {
            method: parts.method.clone(),
            version: parts.version,
            target: Target::as_sent(uri.path_and_query().map_or("/", |target| target.as_str())),
            authority: uri.authority().map(|authority| authority.as_str().into()),
            absolute: uri.scheme().is_some(),
            survey: Survey::of(&headers),
            headers,
        }
    }

    /// Reads the target of a request line: a path with its query, `*`, or a URI of the web. `None`: it is none of these.
    pub(crate) fn set_target(&mut self, sent: &str) -> Option<()> {
        if sent.contains('#') {
            return None;
        }
        if sent.starts_with('/') || sent == "*" {
            self.target = Target::as_sent(sent);
            return Some(());
        }
        let uri: http::Uri = sent.parse().ok()?;
        // Nothing else is served here (RFC 9110 §7.4).
        if !matches!(uri.scheme_str(), None | Some("http" | "https")) {
            return None;
        }
        self.target = Target::as_sent(uri.path_and_query().map_or("/", |target| target.as_str()));
        self.authority = uri.authority().map(|authority| authority.as_str().into());
        self.absolute = uri.scheme().is_some();
        Some(())
    }
}

/// HTTP/2 lets a client send its cookies apart, and what is passed on has them as one field (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut Headers) {
    if headers.all(field::COOKIE).nth(1).is_none() {
        return;
    }
    let lines: Vec<&[u8]> = headers.all(field::COOKIE).collect();
    if let Ok(joined) = FieldValue::from_bytes(&lines.join(&b"; "[..])) {
        headers.set(field::COOKIE, joined);
    }
}
