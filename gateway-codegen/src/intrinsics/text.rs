//! Texts in the making: what is known, and names that are not.

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Known.
    Known(String),
    /// The value of a deployment parameter.
    Open(String),
}

/// A text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) Vec<Piece>);

impl Text {
    /// A text that is known.
    pub(super) fn known(text: impl Into<String>) -> Text {
        Text(vec![Piece::Known(text.into())])
    }

    /// The value of a deployment parameter.
    pub(super) fn open(name: impl Into<String>) -> Text {
        Text(vec![Piece::Open(name.into())])
    }

    /// The first name in it that has no value.
    pub(super) fn first_open(&self) -> Option<&str> {
        self.0.iter().find_map(|piece| match piece {
            Piece::Open(name) => Some(name.as_str()),
            Piece::Known(_) => None,
        })
    }

    /// Bytes of it.
    pub(super) fn len(&self) -> usize {
        let length = |piece: &Piece| match piece {
            Piece::Known(text) | Piece::Open(text) => text.len(),
        };
        self.0.iter().map(length).sum()
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether what is known so far ends so.
    pub(super) fn ends_with(&self, end: &str) -> bool {
        matches!(self.0.last(), Some(Piece::Known(text)) if text.ends_with(end))
    }

    /// Adds another text behind.
    pub(super) fn push(&mut self, text: Text) {
        for piece in text.0 {
            match (self.0.last_mut(), piece) {
                (Some(Piece::Known(before)), Piece::Known(text)) => before.push_str(&text),
                (_, piece) => self.0.push(piece),
            }
        }
    }

    /// As it stands in a document, with what `open` makes of names.
    pub(super) fn written(&self, open: impl Fn(&str) -> String) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Known(text) => text.clone(),
                Piece::Open(name) => open(name),
            })
            .collect()
    }
}

/// What a text with placeholders consists of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// Text that stands for itself.
    Literal(&'t str),
    /// `${NAME}`: the name, as it was written.
    Name(&'t str),
    /// `${!TEXT}`: `${TEXT}` is meant.
    Escaped(&'t str),
    /// `${` without `}`, to the end of the text.
    Unclosed(&'t str),
}

/// Takes a text apart at `${…}`.
pub(super) fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(inside) = rest.strip_prefix("${") else {
            let end = rest.find("${").unwrap_or(rest.len());
            let (literal, after) = rest.split_at(end);
            rest = after;
            return Some(Part::Literal(literal));
        };
        let Some((name, after)) = inside.split_once('}') else {
            return Some(Part::Unclosed(std::mem::take(&mut rest)));
        };
        rest = after;
        Some(match name.strip_prefix('!') {
            Some(text) => Part::Escaped(text),
            None => Part::Name(name),
        })
    })
}

/// Base64 (RFC 4648 §4), as `Fn::Base64` makes it.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or_default();
            out.push(match place <= group.len() {
                true => char::from(LETTERS[letter]),
                false => '=',
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_apart() {
        let all = |text| parts(text).collect::<Vec<_>>();
        assert_eq!(
            all("a${ B }${!c}${d.E}$f"),
            [
                Part::Literal("a"),
                Part::Name(" B "),
                Part::Escaped("c"),
                Part::Name("d.E"),
                Part::Literal("$f"),
            ]
        );
        assert_eq!(all("a${b"), [Part::Literal("a"), Part::Unclosed("${b")]);
        assert_eq!(all(""), []);
    }

    #[test]
    fn base64_of_the_rfc() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), expected, "{text}");
        }
    }
}
