//! References as texts: their parts, and what a relative one means (RFC 3986).

/// File part, as written, and fragment of a reference, percent-decoded. `None`: the fragment is not UTF-8.
pub(crate) fn split(reference: &str) -> Option<(&str, String)> {
    let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    Some((file, decode(fragment)?))
}

/// Whether a fragment is a JSON pointer, and not the name of an anchor.
pub(crate) fn is_pointer(fragment: &str) -> bool {
    fragment.is_empty() || fragment.starts_with('/')
}

/// Undoes percent-encoding; `None`: what comes out is not UTF-8. A lone `%` stays what it is.
pub(crate) fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match code {
            Some((high, low)) => {
                bytes.push(high * 16 + low);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Whether a reference begins with a scheme (`https:`, `file:`) or names another host (`//host`).
pub(super) fn has_scheme(reference: &str) -> bool {
    if reference.starts_with("//") {
        return true;
    }
    let end = reference.find([':', '/', '#', '?']);
    let Some((scheme, rest)) = end.and_then(|end| reference.split_at_checked(end)) else {
        return false;
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    rest.starts_with(':')
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(letters)
}

/// What a reference means beside a base, both without fragments (RFC 3986, section 5.2).
pub(super) fn join(base: &str, reference: &str) -> String {
    if reference.is_empty() {
        return base.to_owned();
    }
    let (base_scheme, base_rest) = match base.split_once(':') {
        Some((scheme, rest)) if has_scheme(base) => (format!("{scheme}:"), rest),
        _ => (String::new(), base),
    };
    if has_scheme(reference) {
        let whole = match reference.strip_prefix("//") {
            Some(_) => format!("{base_scheme}{reference}"),
            None => reference.to_owned(),
        };
        let Some((scheme, rest)) = whole.split_once("://") else {
            return whole;
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
        return format!("{scheme}://{authority}{}{query}", without_dots(path));
    }
    let (authority, base_path) = match base_rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            (format!("//{authority}"), path)
        }
        None => (String::new(), base_rest),
    };
    let base_path = base_path.split('?').next().unwrap_or_default();
    let (path, query) = match reference.find('?') {
        Some(at) => reference.split_at(at),
        None => (reference, ""),
    };
    let whole = if path.is_empty() {
        return format!("{base_scheme}{authority}{base_path}{query}");
    } else if path.starts_with('/') {
        path.to_owned()
    } else {
        let folder = base_path.rfind('/').map_or("", |end| &base_path[..=end]);
        let folder = match folder {
            "" if !authority.is_empty() => "/",
            folder => folder,
        };
        format!("{folder}{path}")
    };
    format!("{base_scheme}{authority}{}{query}", without_dots(&whole))
}

/// A path without `.` and `..` (RFC 3986, section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            "." if last => kept.push(""),
            "." => {}
            ".." => {
                // the empty part before the first slash stays
                if kept.len() > 1 || kept.first().is_some_and(|first| !first.is_empty()) {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            part => kept.push(part),
        }
    }
    kept.join("/")
}

#[cfg(test)]
mod tests {
    use super::{join, split};

    #[test]
    fn references_are_joined_as_the_rfc_says() {
        // RFC 3986, section 5.4
        for (reference, whole) in [
            ("g:h", "g:h"),
            ("http://g/h/./i/../j?k/../l", "http://g/h/j?k/../l"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g/./h", "http://a/b/c/g/h"),
            ("g/../h", "http://a/b/c/h"),
        ] {
            assert_eq!(join("http://a/b/c/d;p?q", reference), whole, "{reference}");
        }
        assert_eq!(join("http://a", "g"), "http://a/g");
        assert_eq!(join("urn:a:b", ""), "urn:a:b");
        assert_eq!(join("dir/a.yaml", "b.yaml"), "dir/b.yaml");
        assert_eq!(join("", "b.yaml"), "b.yaml");
    }

    #[test]
    fn parts_of_a_reference() {
        let parts = |text| split(text).map(|(file, fragment)| format!("{file} {fragment}"));
        assert_eq!(
            parts("a%20b.yaml#/x%20y"),
            Some("a%20b.yaml /x y".to_owned())
        );
        assert_eq!(parts("#%2Fa~1b"), Some(" /a~1b".to_owned()));
        assert_eq!(parts("a#50%"), Some("a 50%".to_owned()));
        assert_eq!(parts("#%ff"), None);
    }
}
