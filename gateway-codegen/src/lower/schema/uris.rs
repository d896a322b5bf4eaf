//! Addresses of schema resources: how a reference is understood where a base is known (RFC 3986 section 5.2).

/// A reference against a base, without its fragment, and the fragment (percent-decoded; empty if there is none).
pub(super) fn joined(base: &str, reference: &str) -> (String, String) {
    let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let fragment = decoded(fragment);
    if address.is_empty() {
        return (base.to_owned(), fragment);
    }
    (resolved(base, address), fragment)
}

fn resolved(base: &str, address: &str) -> String {
    if scheme(address).is_some() {
        return address.to_owned();
    }
    let scheme = scheme(base).unwrap_or_default();
    let behind = base.get(scheme.len()..).unwrap_or_default();
    if address.starts_with("//") {
        return format!("{scheme}{address}");
    }
    let authority = match behind.strip_prefix("//") {
        Some(rest) => 2 + rest.find(['/', '?']).unwrap_or(rest.len()),
        None => 0,
    };
    let (authority, path) = behind.split_at(authority);
    let path = path.split('?').next().unwrap_or_default();
    if address.starts_with('?') {
        return format!("{scheme}{authority}{path}{address}");
    }
    let (address, query) = match address.find('?') {
        Some(at) => address.split_at(at),
        None => (address, ""),
    };
    let whole = if address.starts_with('/') {
        address.to_owned()
    } else {
        let folder = path
            .rfind('/')
            .map_or("", |end| path.get(..=end).unwrap_or_default());
        let folder = if folder.is_empty() && !authority.is_empty() {
            "/"
        } else {
            folder
        };
        format!("{folder}{address}")
    };
    format!("{scheme}{authority}{}{query}", without_dots(&whole))
}

/// The scheme with its colon.
fn scheme(address: &str) -> Option<&str> {
    let end = address.find([':', '/', '?', '#'])?;
    let scheme = address.get(..=end)?;
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | ':');
    (scheme.ends_with(':')
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(letters))
    .then_some(scheme)
}

fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            "." => {}
            ".." => {
                if kept.len() > 1 {
                    kept.pop();
                }
            }
            part => {
                kept.push(part);
                continue;
            }
        }
        if last {
            kept.push("");
        }
    }
    kept.join("/")
}

fn decoded(text: &str) -> String {
    crate::resolve::split(&format!("#/{text}"))
        .and_then(|(_, pointer)| Some(pointer.strip_prefix('/')?.to_owned()))
        .unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_understood_where_they_stand() {
        let base = "http://a/b/c/d;p?q";
        for (reference, address) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../../g", "http://a/g"),
            ("urn:x:y", "urn:x:y"),
            ("", base),
        ] {
            assert_eq!(joined(base, reference).0, address, "{reference}");
        }
        assert_eq!(joined("http://a", "g").0, "http://a/g");
        assert_eq!(
            joined("urn:x:y", "#z%25"),
            ("urn:x:y".to_owned(), "z%".to_owned())
        );
        assert_eq!(joined("", "b.json#/c").0, "b.json");
        assert_eq!(joined("a/b.json", "c.json").0, "a/c.json");
    }
}
