//! Patterns against texts, and against another engine of ECMA 262.

#![expect(clippy::unwrap_used, reason = "a test that cannot begin should stop")]

use proptest::prelude::*;

use super::*;

#[test]
fn patterns_match_as_in_ecma_262() {
    for (pattern, yes, no) in [
        ("abc", &["xabcx", "abc"][..], &["ab"][..]),
        ("^abc$", &["abc"], &["abc\n", "xabc"]),
        ("", &["", "a"], &[]),
        ("^$", &[""], &["a"]),
        (r"^\d+$", &["09"], &["\u{664}", "a"]),
        (r"^\w+$", &["aZ_9"], &["é", "-"]),
        (r"^\s+$", &[" \t\u{feff}\u{a0}\u{2028}"], &["\u{85}", "a"]),
        (r"^\S\D\W$", &["ab-"], &[" b-", "a1-", "abc"]),
        ("^.$", &["a", "😀"], &["\n", "\u{2028}", "\r"]),
        ("^[^]$", &["\n", "😀"], &[""]),
        ("[]", &[], &["", "a"]),
        (r"^[\w.-]+$", &["a.b-c"], &["a b"]),
        (r"^[\w-.]+$", &["a.b-c"], &["a b"]),
        (r"^[\-\.\/]$", &["-", ".", "/"], &["\\"]),
        (r"^\cA\x41\u0042\u{43}\t$", &["\u{1}ABC\t"], &["ABC"]),
        (r"^\ud83d\ude00$", &["😀"], &["a"]),
        (r"^[\ud83d\ude00-\ud83d\ude02]$", &["😁"], &["😃"]),
        (
            r"^[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF]*$",
            &["a😀é"],
            &["\n"],
        ),
        (
            r"^\p{Letter}\p{Lu}\P{L}\p{Script=Greek}$",
            &["éA1α"],
            &["éa1α"],
        ),
        (r"^(?<name>a)(?:b)$", &["ab"], &["b"]),
        (r"^a{2}b{1,}c{0,2}$", &["aabcc"], &["abc", "aabccc"]),
        (r"^a{,2}$", &["a{,2}"], &["aa"]),
        ("^{a}$", &["{a}"], &["a"]),
        ("^a+?b*?c??$", &["aab"], &["b"]),
        (r"\bcat\b", &["a cat!"], &["cats", "concat"]),
        ("^(a|b|)$", &["a", "b", ""], &["c"]),
        ("^[é-ü]{3}$", &["éíü"], &["aaa"]),
        ("^.{2,3}$", &["éé", "😀😀😀"], &["é", "aaaa", "a\nb"]),
        ("[a-c]{2,}", &["xabx"], &["axb"]),
        // Passwords.
        (
            r"^(?=.*[a-z])(?=.*\d)(?!.*\s).{8,}$",
            &["abcdefg1"],
            &["abcdefgh", "12345678", "abc def1", "abc1"],
        ),
        (r"^(?!-)[a-z-]+(?<!-)$", &["a-b"], &["-ab", "ab-"]),
        (r"^(?!\d+$)\w+$", &["a1"], &["11"]),
    ] {
        let parsed = Pattern::parse(pattern).unwrap_or_else(|fault| panic!("{pattern}: {fault:?}"));
        assert_eq!(parsed.text(), pattern);
        for text in yes {
            assert!(
                parsed.matches(text.as_bytes()),
                "{pattern} should match {text:?}"
            );
        }
        for text in no {
            assert!(
                !parsed.matches(text.as_bytes()),
                "{pattern} should not match {text:?}"
            );
        }
    }
}

#[test]
fn what_is_no_pattern_or_not_portable_is_told() {
    let deep = "(".repeat(100_000);
    for (pattern, offset) in [
        ("(", 0),
        (")", 0),
        ("a**", 2),
        ("*a", 0),
        ("a{2}{3}", 4),
        ("^*", 1),
        ("[b-a]", 2),
        ("[a", 0),
        (r"\", 1),
        (r"\a", 0),
        (r"\Aabc", 0),
        (r"\u12", 0),
        (r"\p{}", 0),
        ("a{3,2}", 1),
        ("a{99999999999}", 1),
        ("(?i)a", 1),
        ("(?P<a>b)", 1),
        ("(?<1>a)", 3),
        (r"(a)\1", 3),
        (r"(?<a>b)\k<a>", 7),
        (r"x\Bx", 1),
        ("a(?=b)", 1),
        ("(?=.*a).*", 0),
        ("^((?!a).)*$", 1),
        (deep.as_str(), 51),
    ] {
        let fault = Pattern::parse(pattern).unwrap_err();
        assert_eq!(fault.offset, offset, "{pattern}: {}", fault.message);
        assert!(!fault.message.contains('\n'));
    }
    for large in [
        "(?:a{1000}){1000}",
        "((((((a{99}){99}){99}){99}){99}){99}){99}",
    ] {
        assert!(Pattern::parse(large).is_err(), "{large}");
    }
}

/// Pieces of which patterns are made.
fn pattern() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(vec![
        "a", "b", "c", "é", "😀", ".", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", "[ab]", "[^a]",
        "[a-c]", r"[\d-]", r"[^\w]", r"\x61", r"\u0062", r"\.", r"\b", r"\B", "^", "$", r"\p{L}",
        "-", " ",
    ])
    .prop_map(str::to_owned);
    atom.prop_recursive(4, 24, 4, |inner| {
        let quantifier =
            prop::sample::select(vec!["", "*", "+", "?", "{2}", "{1,2}", "{2,}", "*?"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..3)
                .prop_map(|parts| format!("(?:{})", parts.join("|"))),
            (inner, quantifier).prop_map(|(inner, quantifier)| format!("({inner}){quantifier}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// What both can run, both answer alike.
    #[test]
    fn another_engine_agrees(pattern in pattern(), texts in prop::collection::vec("[abc1 é😀\\-.\n]{0,6}", 1..8)) {
        let Ok(ours) = Pattern::parse(&pattern) else {
            return Ok(());
        };
        let theirs = regress::Regex::with_flags(&pattern, "u");
        let Ok(theirs) = theirs else {
            return Ok(());
        };
        for text in texts {
            let found = theirs.find(&text).is_some();
            prop_assert_eq!(ours.matches(text.as_bytes()), found, "{} on {:?}", pattern, text);
        }
    }

    #[test]
    fn no_text_breaks_the_translation(text in "[\\\\()\\[\\]{}?*+|^$.,:=!<>a-c0-9uxpkcdDwWsSbB\u{e9}\u{1f600}-]{0,40}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            pattern.matches("abc\u{e9}".as_bytes());
        }
    }
}
