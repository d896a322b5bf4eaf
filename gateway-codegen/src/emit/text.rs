//! A document's words in comments, Markdown and TOML: the only places where they stand outside a Rust literal.

use std::fmt::Write as _;

/// Whether a character shows nothing of itself: controls, and what changes the direction or the look of what stands
/// around it. Such a character in source text makes it read otherwise than it is compiled (Unicode TR 36, "Trojan source").
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// One line of visible text: invisible characters are gone, white space is single spaces.
pub fn visible(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            if !line.ends_with(' ') {
                line.push(' ');
            }
        } else if !is_invisible(c) {
            line.push(c);
        }
    }
    line.trim().to_owned()
}

/// One line of Markdown that shows the text as it is: no link, no code, no HTML (rustdoc would serve it to a browser).
pub fn markdown(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in visible(text).chars() {
        if matches!(c, '\\' | '`' | '<' | '[' | ']' | '*' | '|') {
            line.push('\\');
        }
        line.push(c);
    }
    line
}

/// A code span of Markdown. A backtick would end it and is shown as an apostrophe.
pub fn code(text: &str) -> String {
    format!("`{}`", visible(text).replace('`', "'"))
}

/// A basic string of TOML (toml.io, "String"), quotes included. The only way for a value into a manifest.
pub fn toml_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if is_invisible(c) => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The filter of the same name in templates.
#[expect(
    unreachable_pub,
    reason = "the attribute makes public functions of filters"
)]
pub(crate) mod filters {
    use std::fmt::Display;

    /// A value as a string of TOML.
    #[askama::filter_fn]
    pub(crate) fn toml_string(
        value: impl Display,
        _: &dyn askama::Values,
    ) -> askama::Result<String> {
        Ok(super::toml_string(&value.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_shown_is_one_visible_line() {
        assert_eq!(visible(" a\r\n\tb\u{202e}c\0d "), "a bc d");
        assert_eq!(markdown("<b>[x](y)`"), "\\<b>\\[x\\](y)\\`");
        assert_eq!(code("/a`b"), "`/a'b`");
    }

    proptest! {
        #[test]
        fn toml_gives_back_what_was_quoted(text: String) {
            let parsed: toml::Table = toml::from_str(&format!("k = {}", toml_string(&text)))?;
            prop_assert_eq!(parsed.get("k").and_then(toml::Value::as_str), Some(text.as_str()));
            prop_assert!(!toml_string(&text).contains('\n'));
        }
    }
}
