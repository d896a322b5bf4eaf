//! Categories of characters, from the tables that `regex` brings along.

use std::sync::LazyLock;

use regex::Regex;

/// A class of characters. One that could not be built has no character; a test builds them all.
struct Class(LazyLock<Option<Regex>>);

impl Class {
    fn has(&self, character: char) -> bool {
        let mut room = [0; 4];
        let text = character.encode_utf8(&mut room);
        self.0.as_ref().is_some_and(|class| class.is_match(text))
    }
}

macro_rules! classes {
    ($($(#[doc = $doc:literal])+ $function:ident = $name:ident $class:literal;)*) => {
        $(
            static $name: Class = Class(LazyLock::new(|| Regex::new($class).ok()));

            $(#[doc = $doc])+
            pub(super) fn $function(character: char) -> bool {
                $name.has(character)
            }
        )*

        #[cfg(test)]
        #[test]
        fn all_classes_can_be_built() {
            $(assert!($name.0.is_some(), "{}", $class);)*
        }
    };
}

classes! {
    /// What stands on another character.
    is_mark = MARK r"^\p{M}$";
    /// Letters, digits and marks that labels of host names may have (RFC 5892 section 2.1), capitals left out.
    is_letter_or_digit = LETTER_OR_DIGIT r"^[\p{Ll}\p{Lo}\p{Lm}\p{Mn}\p{Mc}\p{Nd}]$";
    /// Letters of Greek.
    is_greek = GREEK r"^\p{Greek}$";
    /// Letters of Hebrew.
    is_hebrew = HEBREW r"^\p{Hebrew}$";
    /// Hiragana, Katakana and Han.
    is_japanese = JAPANESE r"^[\p{Hiragana}\p{Katakana}\p{Han}]$";
}

/// Signs that silence a vowel (combining class 9).
pub(super) fn is_virama(character: char) -> bool {
    matches!(
        u32::from(character),
        0x94d
            | 0x9cd
            | 0xa4d
            | 0xacd
            | 0xb4d
            | 0xbcd
            | 0xc4d
            | 0xccd
            | 0xd3b
            | 0xd3c
            | 0xd4d
            | 0xdca
            | 0xe3a
            | 0xeba
            | 0xf84
            | 0x1039
            | 0x103a
            | 0x1714
            | 0x1734
            | 0x17d2
            | 0x1a60
            | 0x1b44
            | 0x1baa
            | 0x1bab
            | 0x1bf2
            | 0x1bf3
            | 0x2d7f
            | 0xa806
            | 0xa8c4
            | 0xa953
            | 0xa9c0
            | 0xaaf6
            | 0xabed
            | 0x10a3f
            | 0x11046
    )
}
