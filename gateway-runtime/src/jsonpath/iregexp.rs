//! I-Regexp (RFC 9485) → the `regex` crate.
//!
//! What the RFC does not allow is no expression: back references, look-around, `\d`. A class is written anew, for
//! `regex` reads `&&`, `--` and `[` in one as something else.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// Most bytes of a compiled expression.
const MAX_COMPILED: usize = 1 << 20;

/// The expression; `None`: the text is none. `whole`: it takes the whole of a text rather than a part.
pub(super) fn compile(text: &str, whole: bool) -> Option<Regex> {
    let body = translate(text)?;
    let pattern = if whole {
        format!(r"\A(?:{body})\z")
    } else {
        body
    };
    RegexBuilder::new(&pattern)
        .size_limit(MAX_COMPILED)
        .build()
        .ok()
}

fn translate(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    let mut open = 0_usize;
    // Whether a quantifier may follow.
    let mut atom = false;
    while let Some(c) = chars.next() {
        match c {
            '.' => out.push_str(r"[^\n\r]"),
            '[' => class(&mut chars, &mut out)?,
            '\\' => escape(&mut chars, &mut out)?,
            '(' => {
                open += 1;
                out.push_str("(?:");
                atom = false;
                continue;
            }
            ')' => {
                open = open.checked_sub(1)?;
                out.push(')');
            }
            '|' => {
                out.push('|');
                atom = false;
                continue;
            }
            '*' | '+' | '?' | '{' => {
                if !atom {
                    return None;
                }
                out.push(c);
                if c == '{' {
                    quantity(&mut chars, &mut out)?;
                }
                atom = false;
                continue;
            }
            ']' | '}' => return None,
            // Anchors, as in the compliance suite of JSONPath.
            '^' | '$' => {
                out.push(c);
                atom = false;
                continue;
            }
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
        atom = true;
    }
    (open == 0).then_some(out)
}

/// `{2}`, `{2,}`, `{2,3}`, behind the brace.
fn quantity(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    let mut digits = 0;
    let mut comma = false;
    loop {
        let c = chars.next()?;
        match c {
            '0'..='9' => digits += 1,
            ',' if digits > 0 && !comma => comma = true,
            '}' if digits > 0 => {
                out.push(c);
                return Some(());
            }
            _ => return None,
        }
        out.push(c);
    }
}

/// What may follow a backslash, in classes too.
fn escape(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    let c = chars.next()?;
    match c {
        'n' | 'r' | 't' => {
            out.push('\\');
            out.push(c);
        }
        '(' | ')' | '*' | '+' | '-' | '.' | '?' | '[' | '\\' | ']' | '^' | '{' | '|' | '}' => {
            out.push('\\');
            out.push(c);
        }
        // A dollar needs no backslash, but people write one.
        '$' => out.push_str(r"\$"),
        'p' | 'P' => {
            out.push('\\');
            out.push(c);
            if chars.next()? != '{' {
                return None;
            }
            out.push('{');
            let mut length = 0;
            loop {
                let c = chars.next()?;
                match c {
                    'A'..='Z' | 'a'..='z' if length < 2 => length += 1,
                    '}' if length > 0 => {
                        out.push('}');
                        return Some(());
                    }
                    _ => return None,
                }
                out.push(c);
            }
        }
        _ => return None,
    }
    Some(())
}

/// A class, behind its bracket.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut empty = true;
    loop {
        let c = chars.next()?;
        match c {
            ']' if !empty => {
                out.push(']');
                return Some(());
            }
            '\\' => escape(chars, out)?,
            // First or last it stands for itself, and between two characters for all from one to the other.
            '-' => {
                let lone = empty || chars.peek() == Some(&']');
                out.push_str(if lone { r"\-" } else { "-" });
            }
            '[' | ']' => return None,
            c @ ('&' | '~' | '^' | ' ' | '#') => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        empty = false;
    }
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn what_the_rfc_allows_is_compiled() {
        for (pattern, text, whole, part) in [
            ("a.c", "abc", true, true),
            ("a.c", "a\nc", false, false),
            ("a.c", "xabcx", false, true),
            ("a|b", "ab", false, true),
            ("[^a-c]+", "xyz", true, true),
            ("[a-]", "-", true, true),
            ("[-a]", "-", true, true),
            ("[a&&b]", "&", true, true),
            (r"\p{Lu}\P{L}", "A1", true, true),
            ("x{2,3}", "xxx", true, true),
            ("x{2}", "xxx", false, true),
            ("^ab$", "ab", true, true),
            ("^b", "ab", false, false),
            ("", "x", false, true),
        ] {
            let matches = |whole| compile(pattern, whole).is_some_and(|regex| regex.is_match(text));
            assert_eq!(matches(true), whole, "{pattern} {text}");
            assert_eq!(matches(false), part, "{pattern} {text}");
        }
    }

    #[test]
    fn what_it_does_not_allow_is_none() {
        for pattern in [
            "(",
            ")",
            "[",
            "[]",
            "a**",
            "*",
            "|*",
            r"\d",
            r"\1",
            "(?=a)",
            "(?i)a",
            "x{",
            "x{,2}",
            "x{2",
            "x{a}",
            r"\p",
            r"\p{}",
            r"\p{Latin}",
            r"a\",
            "]",
            "}",
            "[a",
            "[[:alpha:]]",
        ] {
            assert!(compile(pattern, true).is_none(), "{pattern}");
        }
    }
}
