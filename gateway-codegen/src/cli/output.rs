//! Text on its way out: colours, tables.

use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

/// Writes to standard error. That it is closed is nothing anyone could be told.
pub(crate) fn to_stderr(text: &str) {
    let mut err = anstream::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// A document as YAML or as JSON, members in their order.
pub(crate) fn document(root: &Value, json: bool) -> Result<String, String> {
    if json {
        let text = serde_json::to_string_pretty(root);
        return text
            .map(|text| text + "\n")
            .map_err(|error| error.to_string());
    }
    serde_yaml::to_string(root).map_err(|error| error.to_string())
}

/// How a severity looks.
pub(crate) fn severity(name: &str) -> Style {
    let color = match name {
        "error" => AnsiColor::BrightRed,
        "warning" => AnsiColor::BrightYellow,
        _ => AnsiColor::BrightCyan,
    };
    color.on_default().bold()
}

/// A unified diff in colours.
pub(crate) fn diff(text: &str) -> String {
    let mut colored = String::with_capacity(text.len() + 64);
    for line in text.split_inclusive('\n') {
        let style = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Style::new().bold(),
            [b'@', ..] => AnsiColor::Cyan.on_default(),
            [b'+', ..] => AnsiColor::Green.on_default(),
            [b'-', ..] => AnsiColor::Red.on_default(),
            _ => Style::new(),
        };
        let bare = line.trim_end_matches('\n');
        colored.push_str(&format!("{style}{bare}{style:#}\n"));
    }
    colored
}

/// Columns that line up, with a head. No trailing blanks, so that tables can be compared.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (cell, width) in cells.zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        line.truncate(line.trim_end().len());
        line
    };
    let bold = Style::new().bold();
    let mut text = format!("{bold}{}{bold:#}\n", line(&mut head.iter().copied()));
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
        text.push('\n');
    }
    text
}

/// A text of a document as it may stand on a terminal: control characters, which could steer it, are shown as escapes.
pub(crate) fn plain(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [
            vec!["a".into(), "b".into()],
            vec!["äöü".into(), String::new()],
        ];
        let text = anstream::adapter::strip_str(&table(&["x", "long"], &rows)).to_string();
        assert_eq!(text, "x    long\na    b\näöü\n");
    }

    #[test]
    fn documents_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(plain("Bücher"), "Bücher");
    }
}
