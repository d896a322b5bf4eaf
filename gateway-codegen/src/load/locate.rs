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

use super::node::unescape;
use super::tree::intrinsic;
use super::{MAX_NODES, MAX_POINTER};
use crate::findings::Place;

/// Members from which a map is searched by an index.
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
    lines: Vec<usize>,
    /// Made when a pointer is looked up for the first time: of a file that was refused, only bytes are asked for.
    spots: Option<Vec<Spot<'t>>>,
    /// Members of large maps by name.
    indexes: HashMap<usize, HashMap<String, usize>>,
}

/// One node of the file.
struct Spot<'t> {
    span: Range<usize>,
    content: Content<'t>,
    /// The member that a CloudFormation tag stands for.
    wrapped: Option<String>,
}

enum Content<'t> {
    Scalar(Cow<'t, str>, ScalarStyle),
    Sequence(Vec<usize>),
    Mapping(Vec<Member<'t>>),
    Alias(Option<usize>),
}

struct Member<'t> {
    name: Cow<'t, str>,
    span: Range<usize>,
    value: usize,
}

impl<'t> Locator<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let starts = text.match_indices('\n').map(|(newline, _)| newline + 1);
        Locator {
            text,
            lines: std::iter::once(0).chain(starts).collect(),
            spots: None,
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
        if self.spots.is_none() {
            self.spots = Some(Shape::of(self.text));
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
                Some((named, next)) => {
                    name = named;
                    spot = next;
                }
                // Not in the file: what holds it is the best there is.
                None => {
                    return name
                        .unwrap_or_else(|| self.spot(spot).map_or(0..0, |s| s.span.clone()));
                }
            }
        }
        let Some(found) = self.spot(spot) else {
            return 0..0;
        };
        match (&found.content, name) {
            (_, Some(name)) if key => name,
            (Content::Scalar(value, style), _) => {
                let source = self.text.get(found.span.clone()).unwrap_or_default();
                match offset {
                    Some(offset) => {
                        let at = found.span.start + inside(source, value, *style, offset);
                        at..at + 1
                    }
                    None => found.span.clone(),
                }
            }
            // A block collection begins at its first member, which is not what is meant: its name is.
            (Content::Sequence(_) | Content::Mapping(_), Some(name)) if found.span.is_empty() => {
                name
            }
            _ => found.span.clone(),
        }
    }

    fn spot(&self, spot: usize) -> Option<&Spot<'t>> {
        self.spots.as_ref()?.get(spot)
    }

    fn wrapped(&self, spot: usize) -> Option<&str> {
        self.spot(spot)?.wrapped.as_deref()
    }

    /// From a node to the one that a reference token names, with the span of its name.
    fn step(
        &mut self,
        spot: usize,
        token: &str,
        depth: usize,
    ) -> Option<(Option<Range<usize>>, usize)> {
        if depth > super::MAX_DEPTH {
            return None;
        }
        if let Content::Mapping(members) = &self.spot(spot)?.content
            && members.len() >= INDEXED_FROM
            && !self.indexes.contains_key(&spot)
        {
            let names = members.iter().enumerate();
            let index = names.map(|(n, m)| (m.name.to_string(), n)).collect();
            self.indexes.insert(spot, index);
        }
        let sources = match &self.spot(spot)?.content {
            Content::Scalar(..) => return None,
            Content::Alias(target) => {
                let target = (*target)?;
                return self.step(target, token, depth + 1);
            }
            Content::Sequence(items) => {
                let item = items.get(token.parse::<usize>().ok()?)?;
                return Some((None, *item));
            }
            Content::Mapping(members) => {
                // Of a name that stands twice the last one counts, as for the reader.
                let member = match self.indexes.get(&spot) {
                    Some(index) => index.get(token).and_then(|&n| members.get(n)),
                    None => members.iter().rev().find(|member| member.name == token),
                };
                if let Some(member) = member {
                    return Some((Some(member.span.clone()), member.value));
                }
                let merged = members.iter().filter(|member| member.name == "<<");
                merged.map(|member| member.value).collect::<Vec<_>>()
            }
        };
        sources
            .into_iter()
            .find_map(|source| self.step_merged(source, token, depth + 1))
    }

    fn step_merged(
        &mut self,
        source: usize,
        token: &str,
        depth: usize,
    ) -> Option<(Option<Range<usize>>, usize)> {
        let items = match &self.spot(source)?.content {
            Content::Sequence(items) => items.clone(),
            _ => return self.step(source, token, depth),
        };
        items
            .into_iter()
            .find_map(|item| self.step(item, token, depth))
    }

    fn position(&self, span: Range<usize>) -> Position {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.ceil_char_boundary(span.end).max(start);
        let line = self.lines.partition_point(|&line| line <= start);
        let line_start = line.checked_sub(1).and_then(|n| self.lines.get(n));
        let before = self.text.get(line_start.copied().unwrap_or(0)..start);
        Position {
            line: line.max(1),
            column: before.map_or(0, |before| before.chars().count()) + 1,
            span: start..end,
        }
    }

    /// The text of a line and the byte offset of its start.
    pub(crate) fn line(&self, line: usize) -> (usize, &'t str) {
        let start = line.checked_sub(1).and_then(|n| self.lines.get(n));
        let start = start.copied().unwrap_or(0);
        let end = self.lines.get(line).copied().unwrap_or(self.text.len());
        let text = self.text.get(start..end).unwrap_or_default();
        (start, text.trim_end_matches(['\n', '\r']))
    }
}

/// Collects the shape of a file from its events.
struct Shape<'t> {
    spots: Vec<Spot<'t>>,
    open: Vec<Frame<'t>>,
    anchors: HashMap<usize, usize>,
}

/// A collection being read.
struct Frame<'t> {
    spot: usize,
    /// The name of the member whose value comes next.
    pending: Option<(Cow<'t, str>, Range<usize>)>,
    /// Whether the collection itself stands where a name should.
    is_name: bool,
}

impl<'t> Shape<'t> {
    fn of(text: &'t str) -> Vec<Spot<'t>> {
        // YAML's own limit for the length of a member's name is too small for JSON. The parser holds back what may still
        // turn out to be a name, so a limit there must be.
        let options = granit_parser::options! { simple_key_max_lookahead: 8 * MAX_POINTER };
        let mut shape = Shape {
            spots: Vec::new(),
            open: Vec::new(),
            anchors: HashMap::new(),
        };
        for event in Parser::new_from_str_with_options(text, options) {
            let Ok((event, span)) = event else { break };
            let start = span.start.byte_offset().unwrap_or_default();
            let end = span.end.byte_offset().unwrap_or(start).max(start);
            if !shape.take(event, start..end) || shape.spots.len() > MAX_NODES {
                break;
            }
        }
        shape.spots
    }

    /// Takes one event; false: the first document is over.
    fn take(&mut self, event: Event<'t>, span: Range<usize>) -> bool {
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                if let Some(frame) = self.wants_name() {
                    frame.pending = Some((value, span));
                } else {
                    let content = Content::Scalar(value, style);
                    self.add(content, span, anchor, tag.as_deref());
                }
            }
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                let name = match target.and_then(|t| self.spots.get(t)).map(|s| &s.content) {
                    Some(Content::Scalar(value, _)) => value.clone(),
                    _ => Cow::Borrowed(""),
                };
                if let Some(frame) = self.wants_name() {
                    frame.pending = Some((name, span));
                } else {
                    self.add(Content::Alias(target), span, 0, None);
                }
            }
            Event::SequenceStart(style, anchor, tag) => {
                let content = Content::Sequence(Vec::new());
                self.enter(content, style, span, anchor, tag.as_deref());
            }
            Event::MappingStart(style, anchor, tag) => {
                let content = Content::Mapping(Vec::new());
                self.enter(content, style, span, anchor, tag.as_deref());
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(frame) = self.open.pop()
                    && frame.is_name
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

    fn enter(
        &mut self,
        content: Content<'t>,
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
        let spot = self.add(content, span, anchor, tag);
        self.open.push(Frame {
            spot,
            pending: None,
            is_name,
        });
    }

    /// The mapping being read, if a name comes next.
    fn wants_name(&mut self) -> Option<&mut Frame<'t>> {
        let frame = self.open.last_mut()?;
        let mapping = matches!(self.spots.get(frame.spot)?.content, Content::Mapping(..));
        (mapping && frame.pending.is_none()).then_some(frame)
    }

    fn add(
        &mut self,
        content: Content<'t>,
        span: Range<usize>,
        anchor: usize,
        tag: Option<&Tag>,
    ) -> usize {
        let spot = self.spots.len();
        let wrapped = tag
            .filter(|tag| tag.handle() == "!")
            .and_then(|tag| intrinsic(tag.suffix()));
        self.spots.push(Spot {
            span,
            content,
            wrapped,
        });
        if anchor != 0 {
            self.anchors.insert(anchor, spot);
        }
        if let Some(frame) = self.open.last_mut() {
            let pending = frame.pending.take();
            match self.spots.get_mut(frame.spot).map(|spot| &mut spot.content) {
                Some(Content::Sequence(items)) => items.push(spot),
                Some(Content::Mapping(members)) => {
                    if let Some((name, span)) = pending {
                        members.push(Member {
                            name,
                            span,
                            value: spot,
                        });
                    }
                }
                _ => {}
            }
        }
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
