//! Places → lines and columns, only when findings are printed.
//!
//! The text is walked once more by an event parser that keeps byte spans, YAML and JSON alike; what comes out is the shape
//! of the file with the span of every name and value. Aliases and merge keys are followed the way the reader follows
//! them, so a place inside shared text points at the text that is there. Nothing here fails: a place that cannot be
//! found (the file is broken, say) becomes the nearest one above it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, Tag};
use serde_json::Value;

use super::node::unescape;
use super::tree::intrinsic;
use super::{MAX_NODES, MAX_POINTER, SourceFile, follow_pointer};
use crate::findings::Place;

/// Children from which a collection is searched by an index.
const INDEXED_FROM: usize = 32;

/// Where something is, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// Counted from 1.
    pub(crate) line: usize,
    /// Counted from 1, in characters.
    pub(crate) column: usize,
    /// The bytes meant.
    pub(crate) span: Range<usize>,
}

/// The spans of one file.
pub(crate) struct Locator<'t> {
    text: &'t str,
    root: &'t Value,
    /// Bytes at which lines begin.
    lines: Vec<u32>,
    /// Made when a pointer is looked up for the first time: of a file that was refused, only bytes are asked for.
    shape: Option<Shape<'t>>,
    /// Children of large collections: elements by number, members sorted by name.
    indexes: HashMap<usize, Vec<u32>>,
}

impl<'t> Locator<'t> {
    pub(crate) fn new(file: &'t SourceFile) -> Self {
        let text = file.text.as_str();
        let starts = text.match_indices('\n').map(|(newline, _)| newline + 1);
        Locator {
            text,
            root: &file.root,
            lines: std::iter::once(0).chain(starts).map(narrow).collect(),
            shape: None,
            indexes: HashMap::new(),
        }
    }

    /// Line, column and span of a place.
    pub(crate) fn find(&mut self, place: &Place) -> Position {
        let span = match place.offset {
            // Of a whole file the offset is the one in the file.
            Some(offset) if place.pointer.is_empty() => offset..offset + 1,
            offset => self.find_span(&place.pointer, place.key, offset),
        };
        self.position(span)
    }

    /// The source text of the scalar at a place, as written.
    pub(crate) fn source(&mut self, place: &Place) -> &'t str {
        let span = self.find(place).span;
        self.text.get(span).unwrap_or_default()
    }

    fn find_span(&mut self, pointer: &str, key: bool, offset: Option<usize>) -> Range<usize> {
        if self.shape.is_none() {
            self.shape = Some(Shape::of(self.text));
        }
        let mut spot = 0;
        let mut name: Option<Range<usize>> = None;
        let mut wrapped = false;
        for token in pointer.split('/').skip(1) {
            let token = unescape(token);
            if !wrapped && self.wrapped(spot) == Some(token.as_str()) {
                wrapped = true;
                continue;
            }
            wrapped = false;
            match self.step(spot, &token, 0) {
                Some(next) => {
                    name = self.spot(next).and_then(Spot::name);
                    spot = next;
                }
                // Not in the file: what holds it is the best there is.
                None => return name.unwrap_or_else(|| self.spot(spot).map_or(0..0, Spot::span)),
            }
        }
        let Some(found) = self.spot(spot) else {
            return 0..0;
        };
        let span = found.span();
        match (found.content, name) {
            (_, Some(name)) if key => name,
            (Content::Scalar(style), _) => {
                let source = self.text.get(span.clone()).unwrap_or_default();
                match offset {
                    Some(offset) => {
                        let value = follow_pointer(self.root, pointer).and_then(Value::as_str);
                        let at =
                            span.start + inside(source, value.unwrap_or(source), style, offset);
                        at..at + 1
                    }
                    None => span,
                }
            }
            // A block collection begins at its first member, which is not what is meant: its name is.
            (Content::Sequence | Content::Mapping, Some(name)) if span.is_empty() => name,
            _ => span,
        }
    }

    fn spot(&self, spot: usize) -> Option<&Spot> {
        self.shape.as_ref()?.spots.get(spot)
    }

    fn wrapped(&self, spot: usize) -> Option<&str> {
        self.shape.as_ref()?.wrapped.get(&spot).map(String::as_str)
    }

    /// From a node to the one that a reference token names.
    fn step(&mut self, spot: usize, token: &str, depth: usize) -> Option<usize> {
        if depth > super::MAX_DEPTH {
            return None;
        }
        let shape = self.shape.as_ref()?;
        match shape.spots.get(spot)?.content {
            Content::Scalar(_) => None,
            Content::Alias => {
                let target = *shape.targets.get(&spot)?;
                self.step(target, token, depth + 1)
            }
            Content::Sequence => self.child(spot, token),
            Content::Mapping => {
                if let Some(member) = self.child(spot, token) {
                    return Some(member);
                }
                let shape = self.shape.as_ref()?;
                let sources: Vec<usize> = shape
                    .children(spot)
                    .filter(|&child| shape.name(child) == "<<")
                    .collect();
                sources
                    .into_iter()
                    .find_map(|source| self.step_merged(source, token, depth + 1))
            }
        }
    }

    /// The member or element that a token names. Of a name that stands twice the last one counts, as for the reader.
    fn child(&mut self, spot: usize, token: &str) -> Option<usize> {
        let shape = self.shape.as_ref()?;
        let numbered = shape.spots.get(spot)?.content == Content::Sequence;
        let number = || token.parse::<usize>().ok();
        if let Some(index) = self.indexes.get(&spot) {
            let at = match numbered {
                true => number()?,
                false => index
                    .partition_point(|&child| shape.name(wide(child)) <= token)
                    .checked_sub(1)?,
            };
            let child = wide(*index.get(at)?);
            return (numbered || shape.name(child) == token).then_some(child);
        }
        let count = shape.children(spot).take(INDEXED_FROM).count();
        if count == INDEXED_FROM {
            let mut index: Vec<u32> = shape.children(spot).map(narrow).collect();
            if !numbered {
                index.sort_by_key(|&child| shape.name(wide(child)));
            }
            self.indexes.insert(spot, index);
            return self.child(spot, token);
        }
        let mut children = shape.children(spot);
        match numbered {
            true => children.nth(number()?),
            false => children.filter(|&child| shape.name(child) == token).last(),
        }
    }

    fn step_merged(&mut self, source: usize, token: &str, depth: usize) -> Option<usize> {
        let shape = self.shape.as_ref()?;
        if shape.spots.get(source)?.content != Content::Sequence {
            return self.step(source, token, depth);
        }
        let items: Vec<usize> = shape.children(source).collect();
        items
            .into_iter()
            .find_map(|item| self.step(item, token, depth))
    }

    fn position(&self, span: Range<usize>) -> Position {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.ceil_char_boundary(span.end).max(start);
        let line = self.lines.partition_point(|&line| wide(line) <= start);
        let before = self.text.get(self.line_start(line)..start);
        Position {
            line: line.max(1),
            column: before.map_or(0, |before| before.chars().count()) + 1,
            span: start..end,
        }
    }

    /// The byte at which a line begins.
    fn line_start(&self, line: usize) -> usize {
        let start = line.checked_sub(1).and_then(|n| self.lines.get(n));
        start.copied().map_or(0, wide)
    }

    /// The text of a line and the byte offset of its start.
    pub(crate) fn line(&self, line: usize) -> (usize, &'t str) {
        let start = self.line_start(line);
        let end = self.lines.get(line).copied();
        let text = self.text.get(start..end.map_or(self.text.len(), wide));
        (
            start,
            text.unwrap_or_default().trim_end_matches(['\n', '\r']),
        )
    }
}

/// Files are far smaller than 4 GiB; half the bytes are a lot where there is one number per value.
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

fn wide(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Where the values of a file stand: one spot each, a collection before what is in it.
struct Shape<'t> {
    text: &'t str,
    spots: Vec<Spot>,
    /// Names that are not written as they are: with escapes, say.
    names: HashMap<usize, Cow<'t, str>>,
    /// Aliases, and the spots they stand for.
    targets: HashMap<usize, usize>,
    /// Values behind a CloudFormation tag, and the member it stands for.
    wrapped: HashMap<usize, String>,
}

/// One value of the file. There may be millions, so that this is kept small.
struct Spot {
    start: u32,
    end: u32,
    /// The span of its name; both 0 where it has none.
    name_start: u32,
    name_end: u32,
    /// The next spot that is not inside this one.
    after: u32,
    content: Content,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Scalar(ScalarStyle),
    Sequence,
    Mapping,
    Alias,
}

impl Spot {
    fn span(&self) -> Range<usize> {
        wide(self.start)..wide(self.end)
    }

    fn name(&self) -> Option<Range<usize>> {
        let name = wide(self.name_start)..wide(self.name_end);
        (name != (0..0)).then_some(name)
    }
}

impl<'t> Shape<'t> {
    fn of(text: &'t str) -> Shape<'t> {
        // YAML's own limit for the length of a member's name is too small for JSON. The parser holds back what may still
        // turn out to be a name, so a limit there must be.
        let options = granit_parser::options! { simple_key_max_lookahead: 8 * MAX_POINTER };
        let mut tracing = Tracing {
            shape: Shape {
                text,
                spots: Vec::new(),
                names: HashMap::new(),
                targets: HashMap::new(),
                wrapped: HashMap::new(),
            },
            open: Vec::new(),
            anchors: HashMap::new(),
        };
        for event in Parser::new_from_str_with_options(text, options) {
            let Ok((event, span)) = event else { break };
            let start = span.start.byte_offset().unwrap_or_default();
            let end = span.end.byte_offset().unwrap_or(start).max(start);
            if !tracing.take(event, start..end) || tracing.shape.spots.len() > MAX_NODES {
                break;
            }
        }
        // What a broken file leaves open ends with it.
        while tracing.close().is_some() {}
        tracing.shape
    }

    /// What is in a collection.
    fn children(&self, spot: usize) -> impl Iterator<Item = usize> + use<'_, 't> {
        let end = self.spots.get(spot).map_or(0, |spot| wide(spot.after));
        std::iter::successors(Some(spot + 1), |&child| {
            Some(wide(self.spots.get(child)?.after))
        })
        .take_while(move |&child| child < end)
    }

    /// The name of a member.
    fn name(&self, member: usize) -> &str {
        if let Some(name) = self.names.get(&member) {
            return name;
        }
        let span = self.spots.get(member).and_then(Spot::name);
        unquoted(
            span.and_then(|span| self.text.get(span))
                .unwrap_or_default(),
        )
    }
}

/// A name without the quotes around it.
fn unquoted(name: &str) -> &str {
    let mut inner = name.chars();
    match (inner.next(), inner.next_back()) {
        (Some('"'), Some('"')) | (Some('\''), Some('\'')) => inner.as_str(),
        _ => name,
    }
}

/// Collects the shape of a file from its events.
struct Tracing<'t> {
    shape: Shape<'t>,
    open: Vec<Frame<'t>>,
    anchors: HashMap<usize, Anchored<'t>>,
}

/// A collection being read.
struct Frame<'t> {
    spot: usize,
    /// The name of the member whose value comes next.
    pending: Option<(Cow<'t, str>, Range<usize>)>,
    /// Whether the collection itself stands where a name should.
    is_name: bool,
}

/// What an alias can stand for.
enum Anchored<'t> {
    /// A value.
    Spot(usize),
    /// A scalar, which may stand for a name.
    Scalar(usize, Cow<'t, str>),
}

impl<'t> Tracing<'t> {
    /// Takes one event; false: the first document is over.
    fn take(&mut self, event: Event<'t>, span: Range<usize>) -> bool {
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                if let Some(frame) = self.wants_name() {
                    frame.pending = Some((value, span));
                } else {
                    let spot = self.add(Content::Scalar(style), span, tag.as_deref());
                    if anchor != 0 {
                        self.anchors.insert(anchor, Anchored::Scalar(spot, value));
                    }
                }
            }
            Event::Alias(anchor) => {
                let (target, name) = match self.anchors.get(&anchor) {
                    Some(Anchored::Scalar(spot, value)) => (Some(*spot), value.clone()),
                    Some(Anchored::Spot(spot)) => (Some(*spot), Cow::Borrowed("")),
                    None => (None, Cow::Borrowed("")),
                };
                if let Some(frame) = self.wants_name() {
                    frame.pending = Some((name, span));
                } else {
                    let spot = self.add(Content::Alias, span, None);
                    if let Some(target) = target {
                        self.shape.targets.insert(spot, target);
                    }
                }
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.enter(Content::Sequence, style, span, anchor, tag.as_deref());
            }
            Event::MappingStart(style, anchor, tag) => {
                self.enter(Content::Mapping, style, span, anchor, tag.as_deref());
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if self.close().is_some_and(|frame| frame.is_name)
                    && let Some(parent) = self.open.last_mut()
                {
                    parent.pending = Some((Cow::Borrowed(""), span));
                }
            }
            Event::DocumentEnd => return false,
            _ => {}
        }
        true
    }

    /// The innermost collection is over.
    fn close(&mut self) -> Option<Frame<'t>> {
        let frame = self.open.pop()?;
        let after = narrow(self.shape.spots.len());
        if let Some(spot) = self.shape.spots.get_mut(frame.spot) {
            spot.after = after;
        }
        Some(frame)
    }

    fn enter(
        &mut self,
        content: Content,
        style: StructureStyle,
        span: Range<usize>,
        anchor: usize,
        tag: Option<&Tag>,
    ) {
        let is_name = self.wants_name().is_some();
        let span = match style {
            StructureStyle::Flow => span,
            StructureStyle::Block => span.start..span.start,
        };
        let spot = self.add(content, span, tag);
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored::Spot(spot));
        }
        self.open.push(Frame {
            spot,
            pending: None,
            is_name,
        });
    }

    /// The mapping being read, if a name comes next.
    fn wants_name(&mut self) -> Option<&mut Frame<'t>> {
        let frame = self.open.last_mut()?;
        let mapping = self.shape.spots.get(frame.spot)?.content == Content::Mapping;
        (mapping && frame.pending.is_none()).then_some(frame)
    }

    fn add(&mut self, content: Content, span: Range<usize>, tag: Option<&Tag>) -> usize {
        let spot = self.shape.spots.len();
        let pending = self.open.last_mut().and_then(|frame| frame.pending.take());
        let (name, name_span) = pending.unwrap_or((Cow::Borrowed(""), 0..0));
        let written = self.shape.text.get(name_span.clone()).unwrap_or_default();
        if unquoted(written) != name {
            self.shape.names.insert(spot, name);
        }
        let wrapped = tag
            .filter(|tag| tag.handle() == "!")
            .and_then(|tag| intrinsic(tag.suffix()));
        if let Some(member) = wrapped {
            self.shape.wrapped.insert(spot, member);
        }
        self.shape.spots.push(Spot {
            start: narrow(span.start),
            end: narrow(span.end),
            name_start: narrow(name_span.start),
            name_end: narrow(name_span.end),
            after: narrow(spot + 1),
            content,
        });
        spot
    }
}

/// Byte offset in the source of a scalar of what stands `offset` bytes into its value.
///
/// Quotes, escapes, folding and indentation change white space and add characters, but every other character of the value
/// has its own place in the source, in the same order: so those are counted.
fn inside(source: &str, value: &str, style: ScalarStyle, offset: usize) -> usize {
    let offset = value.floor_char_boundary(offset.min(value.len()));
    let quote = usize::from(matches!(
        style,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted
    ));
    if source
        .get(quote..)
        .is_some_and(|rest| rest.starts_with(value))
    {
        return quote + offset;
    }
    let before = value.get(..offset).unwrap_or(value);
    let next_is_space = value
        .get(offset..)
        .and_then(|rest| rest.chars().next())
        .is_none_or(char::is_whitespace);
    let written = before.chars().filter(|c| !c.is_whitespace()).count();
    let spaces = before.chars().rev().take_while(|c| c.is_whitespace());
    let spaces = spaces.count();

    let mut places = Marks::new(source, style);
    if next_is_space {
        // White space is not told apart in the source: it follows the last character before it.
        let end = written.checked_sub(1).and_then(|last| places.nth(last));
        end.map_or(quote, |mark| {
            let line = source.get(mark.end..).unwrap_or_default();
            let line = line.split('\n').next().map_or(0, str::len);
            mark.end + spaces.min(line)
        })
    } else {
        places.nth(written).map_or(quote, |mark| mark.start)
    }
}

/// The source spans of the characters of a scalar that are not white space.
struct Marks<'s> {
    source: &'s str,
    style: ScalarStyle,
    at: usize,
}

impl<'s> Marks<'s> {
    fn new(source: &'s str, style: ScalarStyle) -> Self {
        let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
        Marks {
            source,
            style,
            at: usize::from(quoted),
        }
    }
}

impl Iterator for Marks<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            let start = self.at;
            let rest = self.source.get(start..)?;
            let mut chars = rest.chars();
            let c = chars.next()?;
            let mut end = start + c.len_utf8();
            let mut blank = c.is_whitespace();
            match (self.style, c) {
                (ScalarStyle::SingleQuoted, '\'') => end += 1,
                (ScalarStyle::DoubleQuoted, '\\') => {
                    let escape = chars.next()?;
                    let digits = match escape {
                        'x' => 2,
                        'u' => 4,
                        'U' => 8,
                        _ => 0,
                    };
                    end += escape.len_utf8() + digits;
                    blank = matches!(
                        escape,
                        'n' | 't' | 'r' | ' ' | 'v' | 'f' | '\n' | '\r' | 'N' | '_' | 'L' | 'P'
                    );
                    // JSON writes one character beyond U+FFFF as two escapes.
                    let code = rest
                        .get(2..6)
                        .and_then(|hex| u16::from_str_radix(hex, 16).ok());
                    if escape == 'u' {
                        match code {
                            Some(0xD800..=0xDBFF) => end += 6,
                            Some(code) => {
                                blank =
                                    char::from_u32(code.into()).is_some_and(char::is_whitespace);
                            }
                            None => {}
                        }
                    }
                }
                _ => {}
            }
            self.at = end.min(self.source.len());
            if !blank {
                return Some(start..self.at);
            }
        }
    }
}
