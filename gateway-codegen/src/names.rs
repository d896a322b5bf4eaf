//! Every identifier and file name of an emitted crate.
//!
//! Invariants: a name holds only `[a-z0-9_]` (statics: `[A-Z0-9_]`; packages also `-`), never begins with a digit, is at
//! most [`LONGEST`] bytes and a counter long, is no keyword, no name of ours and no device of Windows, and no two claims
//! of one [`Names`] differ only by case. Claims are made in sorted order of the document, so the same document gives the
//! same names whatever the order of its lines.
//!
//! Absent on purpose: any other way to make an identifier out of a document's text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use heck::{ToKebabCase, ToSnakeCase, ToUpperCamelCase};
use sha2::{Digest, Sha256};

/// Most bytes of a name before a counter is added. File systems end at 255; a reader much earlier.
pub const LONGEST: usize = 64;

/// Keywords of every edition so far, reserved and weak ones included.
const KEYWORDS: &[&str] = &[
    "abstract",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "macro_rules",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "pub",
    "raw",
    "ref",
    "return",
    "safe",
    "self",
    "static",
    "struct",
    "super",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "union",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// Crates and primitive types, which a module of the same name would hide.
const PRELUDE: &[&str] = &[
    "alloc",
    "bool",
    "char",
    "clippy",
    "core",
    "f128",
    "f16",
    "f32",
    "f64",
    "i128",
    "i16",
    "i32",
    "i64",
    "i8",
    "isize",
    "proc_macro",
    "rustdoc",
    "rustfmt",
    "std",
    "str",
    "test",
    "u128",
    "u16",
    "u32",
    "u64",
    "u8",
    "usize",
];

/// Modules of an emitted crate and what it links. `operations/operations.rs` would besides be an inception to clippy.
const OURS: &[&str] = &[
    "api",
    "cors",
    "gateway",
    "gateway_codegen",
    "gateway_runtime",
    "lib",
    "main",
    "operations",
    "responses",
    "routes",
    "schemas",
    "stages",
    "upstreams",
];

/// Files that Windows takes for devices, whatever their extension.
const DEVICES: &[&str] = &[
    "aux", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "con",
    "conin", "conout", "lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8",
    "lpt9", "nul", "prn",
];

/// Names of binaries that cargo keeps for folders of its own.
const CARGO: &[&str] = &["build", "deps", "examples", "incremental"];

/// Names that are taken in one scope: a module, a folder.
#[derive(Debug)]
pub struct Names {
    case: Case,
    taken: BTreeSet<String>,
    /// Next counter of a base that was claimed before, so that a thousand equal claims are not a million look-ups.
    next: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Snake,
    Screaming,
    Camel,
}

impl Default for Names {
    fn default() -> Names {
        Names::new()
    }
}

impl Names {
    /// A scope of modules and files: `snake_case`, no keyword, no module of ours.
    pub fn new() -> Names {
        Names {
            case: Case::Snake,
            taken: BTreeSet::new(),
            next: BTreeMap::new(),
        }
    }

    /// A scope of statics: `SCREAMING_SNAKE_CASE`. Keywords are no trouble there.
    pub fn statics() -> Names {
        Names {
            case: Case::Screaming,
            // What the door of the runtime exports in capitals.
            taken: BTreeSet::from(["LAYOUT".to_owned()]),
            next: BTreeMap::new(),
        }
    }

    /// A scope of an enumeration's variants: `UpperCamelCase`.
    pub fn variants() -> Names {
        Names {
            case: Case::Camel,
            // The one keyword that begins with a capital.
            taken: BTreeSet::from(["Self".to_owned()]),
            next: BTreeMap::new(),
        }
    }

    /// The name for this text; never given twice.
    pub fn claim(&mut self, raw: &str) -> String {
        let base = match self.case {
            Case::Snake => unreserved(snake(raw)),
            Case::Screaming => snake(raw).to_ascii_uppercase(),
            Case::Camel => camel(&snake(raw)),
        };
        if self.taken.insert(base.clone()) {
            return base;
        }
        let stem = base.trim_end_matches('_').to_owned();
        let counter = self.next.entry(stem.clone()).or_insert(2);
        loop {
            let gap = if self.case == Case::Camel { "" } else { "_" };
            let name = format!("{stem}{gap}{counter}");
            *counter += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// Name of the package and the binary for a title: `[a-z][a-z0-9_-]{0,63}`, and accepted by cargo on every system.
pub fn package(title: &str) -> String {
    let (text, lossy) = ascii(title);
    let mut slug = text.to_kebab_case();
    if slug.is_empty() {
        slug.push_str("gateway");
    } else if !slug.starts_with(|c: char| c.is_ascii_lowercase()) {
        slug.insert_str(0, "api-");
    }
    let mut slug = fitted(slug, '-', lossy, title);
    if !is_package(&slug) {
        slug.push_str("-gateway");
    }
    slug
}

/// Whether a written name can be a package's: `[a-z][a-z0-9_-]{0,63}`, no keyword, no crate of the compiler or of ours,
/// no device of Windows, no folder of cargo.
pub fn is_package(name: &str) -> bool {
    let folded = name.replace('-', "_");
    name.len() <= LONGEST
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
        && !KEYWORDS.contains(&folded.as_str())
        && !DEVICES.contains(&folded.as_str())
        && !CARGO.contains(&folded.as_str())
        && !PRELUDE.contains(&folded.as_str())
        && !["gateway_runtime", "gateway_codegen"].contains(&folded.as_str())
}

/// Name of the library that a package of this name builds.
pub fn library(package: &str) -> String {
    package.replace('-', "_")
}

/// A variant begins with a letter.
fn camel(snake: &str) -> String {
    let name = snake.to_upper_camel_case();
    if name.starts_with(|c: char| c.is_ascii_uppercase()) {
        name
    } else {
        format!("N{name}")
    }
}

fn unreserved(name: String) -> String {
    let reserved = [KEYWORDS, PRELUDE, OURS, DEVICES]
        .iter()
        .any(|list| list.contains(&name.as_str()));
    if reserved { name + "_" } else { name }
}

fn snake(raw: &str) -> String {
    let (text, lossy) = ascii(raw);
    let mut name = text.to_snake_case();
    if name.is_empty() {
        name.push_str("unnamed");
    } else if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    fitted(name, '_', lossy, raw)
}

/// Cuts what is too long, and tells apart by a digest what the mapping to ASCII or the cut could have made equal. A digest
/// rather than a counter: a name must not depend on which other names the document has.
fn fitted(mut name: String, separator: char, lossy: bool, raw: &str) -> String {
    const DIGEST: usize = 8;
    if name.len() <= LONGEST && !lossy {
        return name;
    }
    name.truncate(LONGEST - DIGEST - 1);
    name.truncate(name.trim_end_matches(separator).len());
    name.push(separator);
    for byte in Sha256::digest(raw.as_bytes()).iter().take(DIGEST / 2) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// Letters and digits of ASCII as they are, Latin letters with marks by the letter below, all else a space. The flag says
/// that a letter or digit was lost.
fn ascii(raw: &str) -> (String, bool) {
    let mut text = String::with_capacity(raw.len());
    let mut lossy = false;
    for c in raw.chars() {
        if c.is_ascii_alphanumeric() {
            text.push(c);
        } else if let Some(letters) = latin(c) {
            text.push_str(letters);
        } else {
            lossy |= c.is_alphanumeric();
            text.push(' ');
        }
    }
    (text, lossy)
}

fn latin(c: char) -> Option<&'static str> {
    Some(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => "A",
        'æ' => "ae",
        'Æ' => "AE",
        'ç' | 'ć' | 'č' => "c",
        'Ç' | 'Ć' | 'Č' => "C",
        'ď' | 'đ' | 'ð' => "d",
        'Ď' | 'Đ' | 'Ð' => "D",
        'è'..='ë' | 'ē' | 'ę' | 'ě' => "e",
        'È'..='Ë' | 'Ē' | 'Ę' | 'Ě' => "E",
        'ğ' => "g",
        'Ğ' => "G",
        'ì'..='ï' | 'ī' | 'ı' => "i",
        'Ì'..='Ï' | 'Ī' | 'İ' => "I",
        'ł' => "l",
        'Ł' => "L",
        'ñ' | 'ń' | 'ň' => "n",
        'Ñ' | 'Ń' | 'Ň' => "N",
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => "o",
        'Ò'..='Ö' | 'Ø' | 'Ō' | 'Ő' => "O",
        'œ' => "oe",
        'Œ' => "OE",
        'ř' => "r",
        'Ř' => "R",
        'ś' | 'š' | 'ş' => "s",
        'Ś' | 'Š' | 'Ş' => "S",
        'ß' => "ss",
        'ť' => "t",
        'Ť' => "T",
        'þ' => "th",
        'Þ' => "Th",
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => "u",
        'Ù'..='Ü' | 'Ū' | 'Ů' | 'Ű' => "U",
        'ý' | 'ÿ' => "y",
        'Ý' => "Y",
        'ź' | 'ż' | 'ž' => "z",
        'Ź' | 'Ż' | 'Ž' => "Z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(mut names: Names, claims: &[(&str, &str)]) {
        for (raw, expected) in claims {
            assert_eq!(names.claim(raw), *expected, "for {raw:?}");
        }
    }

    #[test]
    fn claims_of_the_worst_api_one_can_write() {
        check(
            Names::new(),
            &[
                ("list-pets", "list_pets"),
                ("list_pets", "list_pets_2"),
                ("LIST PETS", "list_pets_3"),
                ("list_pets_2", "list_pets_2_2"),
                ("type", "type_"),
                ("Type", "type_2"),
                ("self", "self_"),
                ("Self", "self_2"),
                ("crate", "crate_"),
                ("super", "super_"),
                ("gen", "gen_"),
                ("operations", "operations_"),
                ("std", "std_"),
                ("u8", "u8_"),
                ("CON", "con_"),
                ("", "unnamed"),
                ("_", "unnamed_2"),
                ("../../etc/passwd", "etc_passwd"),
                ("\"; fn evil() {} //", "fn_evil"),
                ("r#type", "r_type"),
                ("3d-model", "_3d_model"),
                ("getHTTPStatus", "get_http_status"),
                ("größe", "grosse"),
                ("Ünïcødé", "unicode"),
                ("店舗一覧", "unnamed_abec9a8b"),
                ("店舗", "unnamed_8b5390fd"),
                ("list\u{202e}pets\0\r\n", "list_pets_4"),
            ],
        );
    }

    #[test]
    fn statics_are_in_capitals() {
        check(
            Names::statics(),
            &[
                ("showPet", "SHOW_PET"),
                ("show_pet", "SHOW_PET_2"),
                ("type", "TYPE"),
                ("layout", "LAYOUT_2"),
                ("9 lives", "_9_LIVES"),
            ],
        );
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let (a, b) = ("x".repeat(500), "x".repeat(501));
        let (one, two) = (Names::new().claim(&a), Names::new().claim(&b));
        assert_eq!(one.len(), LONGEST);
        assert!(one.starts_with("xxxxxxxx"));
        assert_ne!(one, two);
        assert_eq!(one, Names::new().claim(&a));
    }

    #[test]
    fn packages() {
        for (title, expected) in [
            ("Book Store API", "book-store-api"),
            ("", "gateway"),
            ("test", "test-gateway"),
            ("Proc Macro", "proc-macro-gateway"),
            ("Con", "con-gateway"),
            ("build", "build-gateway"),
            ("Gateway Runtime", "gateway-runtime-gateway"),
            ("3scale", "api-3scale"),
            ("a\"\n[dependencies]\nevil = \"1", "a-dependencies-evil-1"),
            ("Größe", "grosse"),
        ] {
            assert_eq!(package(title), expected);
            assert!(is_package(&package(title)), "{title:?}");
        }
        for name in [
            "",
            "A",
            "1a",
            "a b",
            "a\n",
            "crate",
            "std",
            "nul",
            "gateway_runtime",
            "ä",
        ] {
            assert!(!is_package(name), "{name:?}");
        }
        assert!(!is_package(&"a".repeat(65)));
        assert_eq!(library("book-store"), "book_store");
    }

    proptest! {
        #[test]
        fn every_claim_is_an_identifier_and_unique(raw in proptest::collection::vec(any::<String>(), 1..12)) {
            let mut modules = Names::new();
            let mut statics = Names::statics();
            let (mut seen, mut seen_statics) = (BTreeSet::new(), BTreeSet::new());
            for text in &raw {
                let (module, item) = (modules.claim(text), statics.claim(text));
                prop_assert!(syn::parse_str::<syn::Ident>(&module).is_ok(), "{module}");
                prop_assert!(syn::parse_str::<syn::Ident>(&item).is_ok(), "{item}");
                prop_assert!(module.is_ascii() && module.len() <= LONGEST + 4 && !module.contains("__"));
                prop_assert!(seen.insert(module));
                prop_assert!(seen_statics.insert(item));
                prop_assert!(is_package(&package(text)), "{}", package(text));
            }
        }
    }
}
