//! Prints findings: for people, for editors, for programs.
//!
//! Whatever comes out of a document is printed with its control characters and its bidirectional controls escaped, so
//! that a document can neither drive a terminal nor show itself as something it is not.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Level, Origin, Snippet};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Finding, Findings, MOST, Severity};
use crate::load::locate::{Locator, Position};
use crate::load::{Document, SourceFile};

/// Columns that a source line may take; the renderer cuts what is longer around the place.
const WIDTH: usize = 140;

/// Bytes from which a line is cut before the renderer sees it: a whole document may stand on one line.
const LONG: usize = 4096;

/// Characters shown before, in and after a place in such a line.
const AROUND: usize = 50;

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// As a compiler does, with the source line.
    #[default]
    Human,
    /// One line each, which editors and grep understand; the help on a second one.
    Short,
    /// A list of objects.
    Json,
}

/// Writes findings about one document.
#[derive(Debug)]
pub struct Renderer<'d> {
    document: &'d Document,
    style: Style,
    color: bool,
}

/// A finding as programs read it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Finding")]
struct Row<'f> {
    /// Rule that found it; `explain` says more.
    code: &'static str,
    /// How bad it is.
    #[schemars(extend("enum" = ["error", "warning", "note"]))]
    severity: &'static str,
    /// File of the document, relative to the working folder where that is possible.
    file: &'f str,
    /// Line, from 1.
    line: usize,
    /// Column in characters, from 1.
    column: usize,
    /// JSON pointer (RFC 6901) inside the file; empty: the whole file.
    pointer: &'f str,
    /// What is wrong.
    message: &'f str,
    /// What to do about it.
    #[serde(skip_serializing_if = "str::is_empty")]
    help: &'f str,
}

/// The JSON Schema of what [`Style::Json`] prints.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Vec<Row<'static>>);
    schema.insert("title".to_owned(), "Findings".into());
    schema.to_value()
}

impl<'d> Renderer<'d> {
    /// A renderer without colours.
    pub fn new(document: &'d Document, style: Style) -> Self {
        Renderer {
            document,
            style,
            color: false,
        }
    }

    /// Whether people get colours (ANSI escapes).
    pub fn color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// All findings, file by file in the order of their lines, and, but for JSON, how many there are. Ends with a newline
    /// unless empty.
    pub fn render(&self, findings: &Findings) -> String {
        let list = self.as_written(findings);
        let nothing = SourceFile::unread(String::new(), PathBuf::new());
        let mut out = String::new();
        let mut rows = Vec::new();
        for in_file in list.chunk_by(|a, b| a.place.file == b.place.file) {
            let file = in_file.first().map_or(0, |finding| finding.place.file);
            let source = self.document.files.get(file);
            let name = source.map_or("", |source| source.name.as_str());
            let mut lines = Locator::new(source.unwrap_or(&nothing));
            let positions = in_file
                .iter()
                .map(|finding| (lines.find(&finding.place), finding));
            let mut positions: Vec<(Position, &Finding)> = positions.collect();
            // The order of pointers is not that of lines.
            positions.sort_by_key(|(position, _)| (position.line, position.column));
            for (position, finding) in positions {
                match self.style {
                    Style::Human => self.human(finding, name, &position, &lines, &mut out),
                    Style::Short => short(finding, name, &position, &mut out),
                    Style::Json => rows.push(Row {
                        code: finding.code,
                        severity: finding.severity.name(),
                        file: name,
                        line: position.line,
                        column: position.column,
                        pointer: &finding.place.pointer,
                        message: &finding.message,
                        help: &finding.help,
                    }),
                }
            }
        }
        if self.style == Style::Json {
            let list = serde_json::to_string_pretty(&rows).unwrap_or_default();
            return escape_json(&list) + "\n";
        }
        if !findings.is_empty() {
            out.push_str(&summary(findings));
            out.push('\n');
        }
        out
    }

    /// The findings in the order of the files, each where its value was written.
    fn as_written(&self, findings: &Findings) -> Vec<Finding> {
        let moved = |finding: &Finding| Finding {
            place: self.document.written(&finding.place),
            ..finding.clone()
        };
        let mut list: Vec<Finding> = findings.sorted().into_iter().map(moved).collect();
        list.sort_by_key(|finding| finding.place.file);
        list
    }

    fn human(
        &self,
        finding: &Finding,
        name: &str,
        position: &Position,
        lines: &Locator<'_>,
        out: &mut String,
    ) {
        let level = match finding.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let title = level
            .primary_title(visible(&finding.message))
            .id(finding.code);
        let (line_start, line) = lines.line(position.line);
        let mut group = if line.len() > LONG {
            let origin = Origin::path(visible(name)).line(position.line);
            let (shown, span) = excerpt(line_start, line, position);
            let snippet = Snippet::source(shown)
                .line_start(position.line)
                .annotation(AnnotationKind::Primary.span(span));
            title
                .element(origin.char_column(position.column))
                .element(snippet)
        } else {
            let (shown, span) = whole(line_start, line, position);
            let snippet = Snippet::source(shown)
                .path(visible(name))
                .line_start(position.line)
                .annotation(AnnotationKind::Primary.span(span));
            title.element(snippet)
        };
        if !finding.place.pointer.is_empty() {
            let at = format!("at {}", visible(&finding.place.pointer));
            group = group.element(Level::NOTE.message(at));
        }
        if !finding.help.is_empty() {
            group = group.element(Level::HELP.message(visible(&finding.help)));
        }
        let renderer = if self.color {
            annotate_snippets::Renderer::styled()
        } else {
            annotate_snippets::Renderer::plain()
        };
        out.push_str(&renderer.term_width(WIDTH).render(&[group]));
        out.push_str("\n\n");
    }
}

/// How many findings there are: `2 errors, 1 warning`.
pub fn summary(findings: &Findings) -> String {
    let list = findings.sorted();
    let counts = [Severity::Error, Severity::Warning, Severity::Note].map(|severity| {
        let count = list.iter().filter(|f| f.severity == severity).count();
        let plural = if count == 1 { "" } else { "s" };
        (count, format!("{count} {}{plural}", severity.name()))
    });
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(_, text)| text).collect();
    match list.len() {
        0 => "no findings".to_owned(),
        MOST.. => format!("{} and more: the first {MOST} are shown", counts.join(", ")),
        _ => counts.join(", "),
    }
}

fn short(finding: &Finding, name: &str, position: &Position, out: &mut String) {
    let Position { line, column, .. } = position;
    let severity = finding.severity.name();
    let (name, message) = (visible(name), visible(&finding.message));
    let code = finding.code;
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{name}:{line}:{column}: {severity}[{code}]: {message}");
    let mut second = Vec::new();
    if !finding.place.pointer.is_empty() {
        second.push(format!("at {}", visible(&finding.place.pointer)));
    }
    if !finding.help.is_empty() {
        second.push(format!("help: {}", visible(&finding.help)));
    }
    if !second.is_empty() {
        let _ = writeln!(out, "  {}", second.join("; "));
    }
}

/// The place within its line.
fn within(line_start: usize, line: &str, position: &Position) -> Range<usize> {
    let start = position.span.start.saturating_sub(line_start);
    let end = position.span.end.saturating_sub(line_start);
    let start = line.floor_char_boundary(start.min(line.len()));
    let end = line.floor_char_boundary(end.clamp(start, line.len()));
    start..end
}

/// A line with its hidden characters replaced one by one, so that columns stay what they are, and the span of the place.
fn whole(line_start: usize, line: &str, position: &Position) -> (String, Range<usize>) {
    let Range { start, end } = within(line_start, line, position);
    let plain = |text: Option<&str>| -> String {
        let chars = text.unwrap_or_default().chars();
        let chars = chars.map(|c| {
            if c != '\t' && hidden(c) {
                '\u{fffd}'
            } else {
                c
            }
        });
        chars.collect()
    };
    let mut shown = plain(line.get(..start));
    let from = shown.len();
    shown += &plain(line.get(start..end));
    let to = shown.len();
    shown += &plain(line.get(end..));
    (shown, from..to)
}

/// The part of a long line around a place, made visible, and the span of the place in it.
fn excerpt(line_start: usize, line: &str, position: &Position) -> (String, Range<usize>) {
    let Range { start, end } = within(line_start, line, position);
    let before = line.get(..start).unwrap_or_default();
    let mut shown = String::new();
    match before.char_indices().nth_back(AROUND) {
        Some((cut, _)) => {
            shown.push('…');
            shown.push_str(&visible(before.get(cut..).unwrap_or_default()));
        }
        None => shown.push_str(&visible(before)),
    }
    let from = shown.len();
    shown.push_str(&clipped(line.get(start..end).unwrap_or_default(), AROUND));
    let to = shown.len();
    shown.push_str(&clipped(line.get(end..).unwrap_or_default(), AROUND));
    (shown, from..to)
}

fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((cut, _)) => visible(text.get(..cut).unwrap_or_default()) + "…",
        None => visible(text),
    }
}

/// The text with control characters and bidirectional controls written as escapes; tabs become spaces.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            c if hidden(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// The same for finished JSON, whose own escapes leave bidirectional controls and DEL as they are.
fn escape_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Characters that steer what shows them, or that show nothing.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
