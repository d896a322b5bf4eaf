//! Forms as JSON: the fields of `application/x-www-form-urlencoded` and the parts of `multipart/form-data`.
//!
//! A field is what its schema lets it be, as a parameter is. Several of one name are an array. What was checked is sent on as it
//! came; the JSON is for the check alone.

use super::add;
use super::media::{MediaType, closeness};
use super::parts::Parts;
use super::tree::{self, Kind, Leaf, MOST, Tree};
use super::value::{Coding, Delimiter, Wrong, allows, decoded};
use crate::accept;
use crate::def::{EncodingDef, Rules, Style, Types};
use crate::schema::{Fault, Root, Schemas, Step};

/// A form that is checked.
#[derive(Debug)]
pub(super) struct Form {
    /// What it has to be, as an object.
    pub(super) root: Root,
    encodings: &'static [EncodingDef],
}

/// Why a form could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A sentence.
    Said(&'static str),
    /// A field of this name is not UTF-8, or not written as its style wants it.
    Field(String, Wrong),
    /// A part of this name has a media type that is not one of these.
    Part(String, &'static str),
}

impl Form {
    pub(super) fn start(
        rules: Rules,
        encodings: &'static [EncodingDef],
        schemas: &mut Schemas,
    ) -> Result<Form, Fault> {
        Ok(Form {
            root: add(rules, schemas)?,
            encodings,
        })
    }

    /// Writes the fields of a body as JSON.
    pub(super) fn fields(
        &self,
        body: &[u8],
        schemas: &Schemas,
        out: &mut Vec<u8>,
    ) -> Result<(), Unreadable> {
        let mut tree = Tree::default();
        let pairs = body.split(|byte| *byte == b'&');
        for (count, pair) in pairs.filter(|pair| !pair.is_empty()).enumerate() {
            if count == MOST {
                return Err(TOO_MANY);
            }
            let at = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            let (name, text) = pair.split_at_checked(at).unwrap_or_default();
            let name = decoded(name, Coding::Form)
                .map_err(|wrong| Unreadable::Field(String::new(), wrong))?;
            let deep = tree::steps(&name).filter(|steps| {
                let base = steps.first().and_then(|base| self.encoding(base));
                base.is_some_and(|encoding| encoding.style == Style::DeepObject)
            });
            let leaf = Leaf {
                raw: text.get(1..).unwrap_or_default(),
                kind: Kind::Text(Coding::Form),
            };
            let inserted = match deep {
                Some(steps) => tree.insert(&steps, leaf),
                None => tree.insert(&[&name], leaf),
            };
            inserted.map_err(|wrong| Unreadable::Field(name.into_owned(), wrong))?;
        }
        self.write(&tree, schemas, out)
    }

    /// Writes the parts of a body as JSON.
    pub(super) fn parts(
        &self,
        body: &[u8],
        media_type: &MediaType<'_>,
        schemas: &Schemas,
        out: &mut Vec<u8>,
    ) -> Result<(), Unreadable> {
        let mut parts = Parts::of(body, media_type).map_err(Unreadable::Said)?;
        let mut tree = Tree::default();
        let mut count = 0;
        while let Some(part) = parts.next().map_err(Unreadable::Said)? {
            if count == MOST {
                return Err(TOO_MANY);
            }
            count += 1;
            let name = part.name;
            let said = part.media_type.map(MediaType::parse);
            let declared = self
                .encoding(&name)
                .map_or("", |encoding| encoding.media_type);
            let sent = match said {
                None => None,
                Some(Some(said)) => Some(said),
                Some(None) => return Err(Unreadable::Said("A part has no valid media type.")),
            };
            // A part that says nothing of itself is text (RFC 7578 §4.4).
            let essence = sent.map_or("text/plain", |sent| sent.essence());
            if !declared.is_empty()
                && sent.is_some()
                && !declared
                    .split(',')
                    .any(|one| closeness(accept::essence(one), essence).is_some())
            {
                return Err(Unreadable::Part(name.into_owned(), declared));
            }
            let types = schemas.types(self.root, &[Step::Property(&name)]);
            let texts = allows(types, Types::NUMBER.or(Types::BOOLEAN).or(Types::NULL));
            let kind = if accept::is_json(essence) {
                Kind::Json
            } else if part.file
                || !essence.starts_with("text/") && !texts
                || sent.is_some_and(|sent| !sent.is_utf8())
            {
                Kind::Octets
            } else {
                Kind::Text(Coding::Plain)
            };
            let leaf = Leaf {
                raw: part.content,
                kind,
            };
            tree.insert(&[&name], leaf)
                .map_err(|wrong| Unreadable::Field(name.into_owned(), wrong))?;
        }
        self.write(&tree, schemas, out)
    }

    fn write(
        &self,
        tree: &Tree<'_>,
        schemas: &Schemas,
        out: &mut Vec<u8>,
    ) -> Result<(), Unreadable> {
        let joined = |name: &str| {
            let encoding = self.encoding(name).filter(|encoding| !encoding.explode)?;
            Some(Delimiter {
                byte: match encoding.style {
                    Style::Space => b' ',
                    Style::Tab => b'\t',
                    Style::Pipe => b'|',
                    _ => b',',
                },
                encoded: !matches!(encoding.style, Style::Form),
            })
        };
        tree.write(&|steps| schemas.types(self.root, steps), &joined, out)
            .map_err(|wrong| Unreadable::Field(String::new(), wrong))
    }

    fn encoding(&self, name: &str) -> Option<&'static EncodingDef> {
        self.encodings.iter().find(|encoding| encoding.name == name)
    }
}

const TOO_MANY: Unreadable = Unreadable::Said("The form has more than 4,096 fields.");
