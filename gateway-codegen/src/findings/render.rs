//! Prints findings: for people, for editors, for programs.
//!
//! Whatever comes out of a document is printed with its control characters and its bidirectional controls escaped, so
//! that a document can neither drive a terminal nor show itself as something it is not.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Level, Origin, Snippet};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Finding, Findings, MOST, Place, Severity, sarif};
use crate::load::locate::{Locator, Position};
use crate::load::{Document, SourceFile};
use crate::resolve;

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
    /// A log of SARIF 2.1.0, which code scanning services read.
    Sarif,
    /// Commands that GitHub's workflows turn into annotations of a change.
    Github,
}

/// Writes findings about one document.
#[derive(Debug)]
pub struct Renderer<'d> {
    document: &'d Document,
    style: Style,
    color: bool,
}

/// Findings about several documents, in one style: made by [`Renderer::add_to`], read by [`Report::finish`].
#[derive(Debug, Default)]
pub struct Report {
    style: Style,
    text: String,
    rows: Vec<Row>,
}

impl Report {
    /// An empty one.
    pub fn new(style: Style) -> Self {
        Report {
            style,
            ..Report::default()
        }
    }

    /// All of it as one text, which ends with a newline unless it is empty.
    pub fn finish(self) -> String {
        match self.style {
            Style::Human | Style::Short | Style::Github => self.text,
            Style::Json => {
                let list = serde_json::to_string_pretty(&self.rows).unwrap_or_default();
                escape_json(&list) + "\n"
            }
            Style::Sarif => escape_json(&format!("{:#}", sarif::log(&self.rows))) + "\n",
        }
    }
}

/// A finding as programs read it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Finding")]
pub(super) struct Row {
    /// Rule that found it; `explain` says more.
    pub(super) code: &'static str,
    /// How bad it is.
    #[schemars(extend("enum" = ["error", "warning", "note"]))]
    pub(super) severity: &'static str,
    /// Where.
    #[serde(flatten)]
    pub(super) at: Spot,
    /// What is wrong.
    pub(super) message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) help: String,
    /// The `$ref` that leads there, the one that leads to that, and so on; absent where the place needs none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) used_at: Vec<Spot>,
}

/// A place as programs read it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Spot {
    /// File of the document, relative to the working folder where that is possible.
    pub(super) file: String,
    /// Line, from 1.
    pub(super) line: usize,
    /// Column in characters, from 1.
    pub(super) column: usize,
    /// JSON pointer (RFC 6901) inside the file; empty: the whole file.
    pub(super) pointer: String,
}

/// The JSON Schema of what [`Style::Json`] prints.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Vec<Row>);
    schema.insert("title".to_owned(), "Findings".into());
    schema.to_value()
}

/// Looks places up; each file is read once.
struct Places<'d> {
    document: &'d Document,
    nothing: &'d SourceFile,
    files: HashMap<usize, Locator<'d>>,
}

/// A finding, where its value was written, and the references that lead there.
struct Shown<'f> {
    finding: &'f Finding,
    place: Place,
    used_at: Vec<Place>,
}

impl<'d> Places<'d> {
    fn name(&self, file: usize) -> &'d str {
        let source = self.document.files.get(file);
        source.map_or("", |source| source.name.as_str())
    }

    fn lines(&mut self, file: usize) -> &mut Locator<'d> {
        let source = self.document.files.get(file).unwrap_or(self.nothing);
        self.files
            .entry(file)
            .or_insert_with(|| Locator::new(source))
    }

    fn find(&mut self, place: &Place) -> Position {
        self.lines(place.file).find(place)
    }

    fn spot(&mut self, place: &Place) -> Spot {
        let Position { line, column, .. } = self.find(place);
        Spot {
            file: self.name(place.file).to_owned(),
            line,
            column,
            pointer: place.pointer.clone(),
        }
    }

    /// References that lead to one another, as `a.yaml:1:2, itself used at b.yaml:3:4`; `None`: there are none.
    fn list(&mut self, chain: &[Place]) -> Option<String> {
        let spots = chain.iter().map(|place| {
            let spot = self.spot(place);
            format!("{}:{}:{}", visible(&spot.file), spot.line, spot.column)
        });
        let spots: Vec<String> = spots.collect();
        (!spots.is_empty()).then(|| spots.join(", itself used at "))
    }
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

    /// All findings, file by file in the order of their lines, and, for people, how many there are. Ends with a newline
    /// unless empty.
    pub fn render(&self, findings: &Findings) -> String {
        let mut report = Report::new(self.style);
        self.add_to(&mut report, findings);
        report.finish()
    }

    /// The same as part of a report about several documents, whose style is this renderer's.
    pub fn add_to(&self, report: &mut Report, findings: &Findings) {
        if findings.is_empty() {
            return;
        }
        let nothing = SourceFile::unread(String::new(), PathBuf::new());
        let mut places = Places {
            document: self.document,
            nothing: &nothing,
            files: HashMap::new(),
        };
        let list = self.as_written(findings);
        for in_file in list.chunk_by(|a, b| a.place.file == b.place.file) {
            let positions = in_file
                .iter()
                .map(|shown| (places.find(&shown.place), shown));
            let mut positions: Vec<(Position, &Shown<'_>)> = positions.collect();
            // The order of pointers is not that of lines.
            positions.sort_by_key(|(position, _)| (position.line, position.column));
            for (position, shown) in positions {
                let out = &mut report.text;
                match self.style {
                    Style::Human => self.human(shown, &position, &mut places, out),
                    Style::Short => short(shown, &position, &mut places, out),
                    Style::Github => github(shown, &position, &places, out),
                    Style::Json | Style::Sarif => report.rows.push(Row {
                        code: shown.finding.code,
                        severity: shown.finding.severity.name(),
                        at: places.spot(&shown.place),
                        message: shown.finding.message.clone(),
                        help: shown.finding.help.clone(),
                        used_at: shown.used_at.iter().map(|at| places.spot(at)).collect(),
                    }),
                }
            }
        }
        if matches!(self.style, Style::Human | Style::Short) {
            report.text.push_str(&summary(findings));
            report.text.push('\n');
        }
    }

    /// The findings in the order of the files, each where its value was written.
    fn as_written<'f>(&self, findings: &'f Findings) -> Vec<Shown<'f>> {
        let referrers = resolve::referrers(self.document);
        let written = |place: &Place| self.document.written(place);
        let shown = |finding: &'f Finding| Shown {
            finding,
            place: written(&finding.place),
            used_at: (referrers.chain(&finding.place).iter())
                .map(written)
                .collect(),
        };
        let mut list: Vec<Shown<'f>> = findings.sorted().into_iter().map(shown).collect();
        list.sort_by_key(|shown| shown.place.file);
        list
    }

    fn human(
        &self,
        shown: &Shown<'_>,
        position: &Position,
        places: &mut Places<'_>,
        out: &mut String,
    ) {
        let Shown { finding, place, .. } = shown;
        let level = match finding.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let title = level
            .primary_title(visible(&finding.message))
            .id(finding.code);
        let name = visible(places.name(place.file));
        let (line_start, line) = places.lines(place.file).line(position.line);
        let mut group = if line.len() > LONG {
            let origin = Origin::path(name).line(position.line);
            let (excerpt, span) = excerpt(line_start, line, position);
            let snippet = Snippet::source(excerpt)
                .line_start(position.line)
                .annotation(AnnotationKind::Primary.span(span));
            title
                .element(origin.char_column(position.column))
                .element(snippet)
        } else {
            let (whole, span) = whole(line_start, line, position);
            let snippet = Snippet::source(whole)
                .path(name)
                .line_start(position.line)
                .annotation(AnnotationKind::Primary.span(span));
            title.element(snippet)
        };
        if !place.pointer.is_empty() {
            let at = format!("at {}", visible(&place.pointer));
            group = group.element(Level::NOTE.message(at));
        }
        if let Some(used_at) = places.list(&shown.used_at) {
            group = group.element(Level::NOTE.message(format!("used at {used_at}")));
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

fn short(shown: &Shown<'_>, position: &Position, places: &mut Places<'_>, out: &mut String) {
    let Shown { finding, place, .. } = shown;
    let Position { line, column, .. } = position;
    let severity = finding.severity.name();
    let name = visible(places.name(place.file));
    let message = visible(&finding.message);
    let code = finding.code;
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{name}:{line}:{column}: {severity}[{code}]: {message}");
    let mut second = Vec::new();
    if !place.pointer.is_empty() {
        second.push(format!("at {}", visible(&place.pointer)));
    }
    if let Some(used_at) = places.list(&shown.used_at) {
        second.push(format!("used at {used_at}"));
    }
    if !finding.help.is_empty() {
        second.push(format!("help: {}", visible(&finding.help)));
    }
    if !second.is_empty() {
        let _ = writeln!(out, "  {}", second.join("; "));
    }
}

/// One workflow command. What has a meaning in commands is escaped as GitHub's own toolkit does it.
fn github(shown: &Shown<'_>, position: &Position, places: &Places<'_>, out: &mut String) {
    let finding = shown.finding;
    let Position { line, column, .. } = position;
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let file = command_text(&visible(places.name(shown.place.file)));
    let file = file.replace(':', "%3A").replace(',', "%2C");
    let mut message = command_text(&visible(&finding.message));
    if !finding.help.is_empty() {
        message += "%0Ahelp: ";
        message += &command_text(&visible(&finding.help));
    }
    let code = finding.code;
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "::{command} file={file},line={line},col={column},title={code}::{message}"
    );
}

/// A text inside a workflow command; line breaks were made visible before.
fn command_text(text: &str) -> String {
    text.replace('%', "%25")
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
