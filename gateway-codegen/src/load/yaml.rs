//! YAML text → value, in one walk over its events.
//!
//! What would take work out of proportion to the text is refused on the way, before anything is made of it: deep nesting, too
//! many values, aliases that multiply, and with them what an API description never is: several documents in one file, an alias
//! inside what it stands for. Names are texts as written (`200:`); numbers may have any width.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span, StrInput, Tag};
use serde_json::Value;

use super::tree::{Reading, Stopped, called, intrinsic};
use super::{Fault, TOO_DEEP, Tree, char_offset, scalar};
use crate::findings::brief;

pub(super) fn read(text: &str) -> Result<Tree, Fault> {
    let mut reader = Reader {
        text,
        events: Parser::new_from_str(text),
        reading: Reading::default(),
        anchors: HashMap::new(),
    };
    let root = reader.document()?;
    Ok(Tree {
        root,
        faults: reader.reading.finish(),
    })
}

struct Reader<'t> {
    text: &'t str,
    events: Parser<'t, StrInput<'t>>,
    reading: Reading,
    /// Values that aliases can stand for. They are kept beside the value being made, and count like it.
    anchors: HashMap<usize, Rc<Value>>,
}

impl<'t> Reader<'t> {
    /// The value of the only document; null where there is none.
    fn document(&mut self) -> Result<Value, Fault> {
        let mut root = None;
        while let Some((event, at)) = self.next()? {
            match event {
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(Fault::at_byte(
                        "yaml-documents",
                        at,
                        "a second YAML document begins here",
                        "keep one document in a file",
                    ));
                }
                Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::MappingStart(..)
                | Event::Alias(_) => root = Some(self.value(event, at)?),
                _ => {}
            }
        }
        Ok(root.unwrap_or_default())
    }

    /// The next event and the byte it begins at.
    fn next(&mut self) -> Result<Option<(Event<'t>, usize)>, Fault> {
        match self.events.next() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, begin(&span)))),
            Some(Err(error)) => {
                let marker = error.marker();
                let offset = marker
                    .byte_offset()
                    .unwrap_or_else(|| char_offset(self.text, marker.line(), marker.col()));
                // The parser reads ahead of its events, so its own limit may come first.
                Err(match error.kind() {
                    ErrorKind::RecursionLimitExceeded => {
                        let (message, help) = TOO_DEEP;
                        Fault::at_byte("document-too-deep", offset, message, help)
                    }
                    _ => syntax(self.text, offset, &error.info()),
                })
            }
        }
    }

    /// The next event inside an array or an object.
    fn inside(&mut self) -> Result<(Event<'t>, usize), Fault> {
        let end = self.text.len();
        self.next()?
            .ok_or_else(|| syntax(self.text, end, "the text ends too early"))
    }

    /// The rules' verdict as a fault of the text at a byte.
    fn held<T>(&mut self, at: usize, verdict: Result<T, Stopped>) -> Result<T, Fault> {
        verdict.map_err(|Stopped| match self.reading.fatal.take() {
            Some(fault) => fault.moved_to(at),
            None => syntax(self.text, at, "it cannot be read"),
        })
    }

    /// The value that begins with this event.
    fn value(&mut self, event: Event<'t>, at: usize) -> Result<Value, Fault> {
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(_, anchor, tag)
            | Event::MappingStart(_, anchor, tag) => (*anchor, tag.as_deref()),
            _ => (0, None),
        };
        let before = self.reading.counted();
        let value = match tag.and_then(local) {
            None => self.content(event, at)?,
            Some(tag) => match intrinsic(&tag) {
                Some(member) => {
                    let entered = self.reading.enter();
                    self.held(at, entered)?;
                    let named = self.reading.name(&member);
                    let length = self.held(at, named)?;
                    let value = self.content(event, at)?;
                    self.reading.back(length);
                    self.reading.leave();
                    called(&tag, member, value)
                }
                None => {
                    // A lone `!` only says that the scalar is what it is.
                    if tag != "!" {
                        self.reading.unknown_tag(&tag);
                    }
                    self.content(event, at)?
                }
            },
        };
        if anchor != 0 {
            let kept = self.reading.keep(before);
            self.held(at, kept)?;
            self.anchors.insert(anchor, Rc::new(value.clone()));
        }
        Ok(value)
    }

    /// A value, whatever tag stands before it.
    fn content(&mut self, event: Event<'t>, at: usize) -> Result<Value, Fault> {
        match event {
            Event::Scalar(text, style, _, tag) => {
                let counted = self.reading.count(text.len());
                self.held(at, counted)?;
                match tag.as_deref().and_then(Tag::core_suffix) {
                    Some(kind) => scalar::tagged(kind, &text).ok_or_else(|| {
                        let message = format!("`{}` is not what `!!{kind}` says", brief(&text));
                        syntax(self.text, at, &message)
                    }),
                    None if style == ScalarStyle::Plain && tag.as_deref().is_none_or(is_local) => {
                        Ok(scalar::plain(&text))
                    }
                    None => Ok(Value::String(text.into_owned())),
                }
            }
            Event::SequenceStart(..) => self.sequence(at),
            Event::MappingStart(..) => self.mapping(at),
            Event::Alias(anchor) => match self.anchors.get(&anchor).map(Rc::clone) {
                Some(value) => {
                    let copied = self.reading.copy(&value);
                    self.held(at, copied)
                }
                None => Err(Fault::at_byte(
                    "yaml-alias",
                    at,
                    "this alias stands inside what it stands for",
                    "use a $ref for a schema that contains itself",
                )),
            },
            _ => Ok(Value::Null),
        }
    }

    fn sequence(&mut self, at: usize) -> Result<Value, Fault> {
        let begun = self.reading.count(0).and_then(|()| self.reading.enter());
        self.held(at, begun)?;
        let mut items = Vec::new();
        loop {
            let (event, at) = self.inside()?;
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            let length = self.reading.item(items.len());
            items.push(self.value(event, at)?);
            self.reading.back(length);
        }
        self.reading.leave();
        items.shrink_to_fit();
        Ok(Value::Array(items))
    }

    fn mapping(&mut self, at: usize) -> Result<Value, Fault> {
        let begun = self.reading.count(0).and_then(|()| self.reading.enter());
        self.held(at, begun)?;
        let begin = self.reading.begin();
        loop {
            let (event, at) = self.inside()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let name = self.name(event, at)?;
            let named = self.reading.name(&name);
            let length = self.held(at, named)?;
            let (event, at) = self.inside()?;
            let value = self.value(event, at)?;
            self.reading.back(length);
            self.reading.member(name, value);
        }
        let object = self.reading.object(begin, true);
        self.reading.leave();
        Ok(object)
    }

    /// A member's name: the text as written, whatever it looks like.
    fn name(&mut self, event: Event<'t>, at: usize) -> Result<String, Fault> {
        let kind = match event {
            Event::Scalar(text, _, anchor, _) => {
                if anchor != 0 {
                    let value = Rc::new(Value::from(text.as_ref()));
                    let kept = self.reading.count(text.len());
                    self.held(at, kept)?;
                    self.anchors.insert(anchor, value);
                }
                return Ok(text.into_owned());
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).map(Rc::as_ref) {
                Some(Value::String(text)) => return Ok(text.clone()),
                Some(scalar @ (Value::Bool(_) | Value::Number(_))) => return Ok(scalar.to_string()),
                _ => "an alias of something else",
            },
            Event::SequenceStart(..) => "a list",
            _ => "an object",
        };
        Err(Fault::at_byte(
            "yaml-syntax",
            at,
            format!("the name of a member is a text, not {kind}"),
            "",
        ))
    }
}

fn begin(span: &Span) -> usize {
    span.start.byte_offset().unwrap_or_default()
}

/// The name of a tag that is not YAML's own, without its `!`; a lone `!` is itself.
fn local(tag: &Tag) -> Option<String> {
    let whole = [tag.handle(), tag.suffix()].concat();
    match whole.strip_prefix('!')? {
        "" => Some(whole),
        name => Some(name.to_owned()),
    }
}

fn is_local(tag: &Tag) -> bool {
    tag.handle().starts_with('!') || tag.handle().is_empty() && tag.suffix().starts_with('!')
}

fn syntax(text: &str, offset: usize, message: &str) -> Fault {
    let mut offset = offset;
    let mut help = "the fault is here or before it: look at indentation, quotes and brackets";
    if message.contains("tab") {
        help = "YAML is indented with spaces, never with tabs";
        // The parser names the start of what it was reading; the tab is at the start of a line after it.
        let rest = text.get(offset..).unwrap_or_default();
        let tab = rest.match_indices('\n').find_map(|(newline, _)| {
            let line = rest.get(newline + 1..)?;
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            let tab = line.get(..indent)?.find('\t')?;
            Some(newline + 1 + tab)
        });
        offset += tab.unwrap_or(0);
    }
    Fault::at_byte("yaml-syntax", offset, format!("not YAML: {message}"), help)
}
