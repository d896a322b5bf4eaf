#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn refusing(path: &str) -> String {
    shown(normalise(path, EncodedSlash::Refuse))
}

fn keeping(path: &str) -> String {
    shown(normalise(path, EncodedSlash::Keep))
}

fn shown(normal: Result<Cow<'_, str>, PathFault>) -> String {
    match normal {
        Ok(path) => path.into_owned(),
        Err(fault) => format!("{fault:?}"),
    }
}

#[test]
fn normal_forms() {
    for (path, expected) in [
        ("/", "/"),
        ("/a/b.json", "/a/b.json"),
        ("//a//", "//a//"),
        ("/.well-known/x", "/.well-known/x"),
        ("/a/...", "/a/..."),
        ("/a;v=1/b", "/a;v=1/b"),
        ("/%41%7e%2d%5F", "/A~-_"),
        ("/%c3%a4", "/%C3%A4"),
        ("/a%20b%3f%23", "/a%20b%3F%23"),
        ("/a\"{b}|c^d", "/a%22%7Bb%7D%7Cc%5Ed"),
        ("/ä", "/%C3%A4"),
        // Latin-1, which nobody decodes to ASCII.
        ("/%e9", "/%E9"),
        ("/%c0", "/%C0"),
        // A per cent sign may be meant.
        ("/100%25", "/100%25"),
        ("/%2525", "/%2525"),
        ("/%2541", "/%2541"),
        // Dots, whichever way they are written.
        ("/.", "DotSegment"),
        ("/..", "DotSegment"),
        ("/a/./b", "DotSegment"),
        ("/a/../b", "DotSegment"),
        ("/%2e", "DotSegment"),
        ("/%2E./a", "DotSegment"),
        ("/.%2e/a", "DotSegment"),
        ("/a/..;/b", "DotSegment"),
        ("/a/..;x=1/b", "DotSegment"),
        ("/a/..%3bx/b", "DotSegment"),
        // Slashes of another kind.
        ("/a%2fb", "EncodedSlash"),
        ("/a%2Fb", "EncodedSlash"),
        ("/a\\b", "Backslash"),
        ("/a%5cb", "Backslash"),
        ("/..%5c..", "Backslash"),
        // Control characters.
        ("/a%00", "Control"),
        ("/a%0d%0ab", "Control"),
        ("/%7f", "Control"),
        // Escapes that are none, and escapes of escapes.
        ("/%", "Escape"),
        ("/%4", "Escape"),
        ("/%zz", "Escape"),
        ("/%+1", "Escape"),
        ("/%c0%ae", "Escape"),
        ("/%c1%9c", "Escape"),
        ("/%252e", "DoubleEncoding"),
        ("/%252E%252e/", "DoubleEncoding"),
        ("/%252f", "DoubleEncoding"),
        ("/%255c", "DoubleEncoding"),
        ("/%2500", "DoubleEncoding"),
        ("/%250a", "DoubleEncoding"),
        ("/%25252e", "DoubleEncoding"),
        ("/%25%32%65", "DoubleEncoding"),
        ("/%25%32e", "DoubleEncoding"),
    ] {
        assert_eq!(refusing(path), expected, "{path}");
    }
}

#[test]
fn a_kept_slash_hides_no_dots() {
    for (path, expected) in [
        ("/a%2fb", "/a%2Fb"),
        ("/%2f", "/%2F"),
        ("/a%2f..", "DotSegment"),
        ("/..%2fa", "DotSegment"),
        ("/a%2f%2e%2e%2fb", "DotSegment"),
        ("/a%2f.b", "/a%2F.b"),
    ] {
        assert_eq!(keeping(path), expected, "{path}");
    }
}

#[test]
fn normal_paths_are_not_copied() {
    for path in ["/", "/v1/res1/42/items/x", "/a.b/c~d;e=f"] {
        assert!(matches!(
            normalise(path, EncodedSlash::Refuse),
            Ok(Cow::Borrowed(_))
        ));
    }
}

/// Paths out of the pieces that matter.
fn paths() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/", ".", "..", "%", "2", "5", "e", "E", "f", "c", "0", "a", ";", "\\", "%2e", "%2F",
        "%25", "%5c", "%00", "%c0", "%ae", "%32", "ä", "\"", "{", "~", "%7E", "%3b",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

/// Decodes escapes once, as a careless back end does.
fn decoded(path: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match (byte, escaped(rest)) {
            (b'%', Some((decoded, behind))) => {
                out.push(decoded);
                rest = behind;
            }
            _ => out.push(byte),
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn normalising_is_idempotent(path in paths()) {
        for slash in [EncodedSlash::Refuse, EncodedSlash::Keep] {
            if let Ok(normal) = normalise(&path, slash) {
                let again = normalise(&normal, slash);
                prop_assert!(matches!(&again, Ok(Cow::Borrowed(same)) if *same == normal)
                    || again.as_deref() == Ok(&*normal), "{path} → {normal} → {again:?}");
            }
        }
    }

    #[test]
    fn no_decoder_finds_structure_in_a_normal_path(path in paths()) {
        if let Ok(normal) = normalise(&path, EncodedSlash::Refuse) {
            prop_assert!(normal.is_ascii());
            let slashes = normal.matches('/').count();
            let mut text = normal.clone().into_owned().into_bytes();
            for _ in 0..4 {
                prop_assert!(!text.contains(&b'\\') && !text.iter().any(|byte| byte.is_ascii_control()), "{path} → {normal}");
                prop_assert_eq!(text.iter().filter(|byte| **byte == b'/').count(), slashes);
                for segment in text.split(|byte| *byte == b'/') {
                    prop_assert!(segment != b"." && segment != b"..", "{path} → {normal}");
                }
                text = decoded(&String::from_utf8_lossy(&text));
            }
        }
    }

    #[test]
    fn any_text_is_judged(path in "/\\PC{0,20}") {
        let _ = normalise(&path, EncodedSlash::Keep);
    }

    #[test]
    fn queries_decode_as_forms_do(text in "[a-z%+0-9]{0,10}") {
        let decoded = decode_query(&text);
        if !text.contains('%') {
            prop_assert_eq!(decoded, text.replace('+', " "));
        }
    }
}
