//! Parameters of a request: where their texts are found, and how they become JSON.
//!
//! Elements are separated before anything is decoded, and each is decoded once. A delimiter that is percent-encoded belongs to
//! its element, unless elements cannot be strings: then clients that encode too much are understood. Parameters that nobody
//! declared are not looked at (OpenAPI says nothing of them), and defaults are not filled in.

use std::borrow::Cow;

use super::tree::{self, Kind, Leaf, Tree};
use super::value::{self, Coding, Delimiter, Sort, Wrong, allows, decoded};
use super::{add, takes_any_text};
use crate::def::{ParameterDef, ParameterPlace, Style, Types, ValueDef};
use crate::exchange::{Exchange, Headers};
use crate::schema::{Fault, Root, Schemas, Step};

/// A parameter that is checked.
#[derive(Debug)]
pub(super) struct Parameter {
    /// What the document says of it.
    pub(super) def: &'static ParameterDef,
    /// What its value has to be; `None`: anything that is not blank.
    pub(super) root: Option<Root>,
    /// Whether every text will do.
    any_text: bool,
    types: Types,
    items: Types,
    members: Vec<(&'static str, Types)>,
    others: Types,
}

/// What was found of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing.
    Absent,
    /// Nothing but space, where something is wanted.
    Blank,
    /// Something that needs no further look.
    Fine,
    /// A JSON text was written.
    Json,
}

/// Where the texts of parameters are.
#[derive(Clone, Copy)]
pub(super) enum Texts<'x> {
    /// In a request.
    Of(&'x Exchange),
    /// In the fields of an answer.
    Answered(&'x Headers),
}

impl Parameter {
    /// Makes parameters ready, but for those of which nothing is to be looked at.
    pub(super) fn all(
        defs: &'static [ParameterDef],
        schemas: &mut Schemas,
    ) -> Result<Vec<Parameter>, Fault> {
        let all = defs.iter().map(|def| Parameter::start(def, schemas));
        all.filter_map(Result::transpose).collect()
    }

    fn start(
        def: &'static ParameterDef,
        schemas: &mut Schemas,
    ) -> Result<Option<Parameter>, Fault> {
        let (rules, json) = match def.value {
            ValueDef::Any if !def.required || def.place == ParameterPlace::Path => return Ok(None),
            ValueDef::Any => (None, false),
            ValueDef::Styled(rules) => (Some(rules), false),
            ValueDef::Json(rules) => (Some(rules), true),
        };
        let root = rules.map(|rules| add(rules, schemas)).transpose()?;
        let rules = rules.unwrap_or_default();
        let types = |steps: &[Step<'_>]| root.map_or(Types::ALL, |root| schemas.types(root, steps));
        let here = value::implied(types(&[]), rules);
        let members: Vec<(&'static str, Types)> = match (json, root) {
            (false, Some(root)) if allows(here, Types::OBJECT) => schemas
                .properties(root)
                .into_iter()
                .map(|name| (name, types(&[Step::Property(name)])))
                .collect(),
            _ => Vec::new(),
        };
        Ok(Some(Parameter {
            any_text: !json && takes_any_text(rules),
            types: here,
            items: types(&[Step::Item(0)]),
            // A name that no schema is likely to have: what it says of others.
            others: types(&[Step::Property("\u{0}")]),
            members,
            root,
            def,
        }))
    }

    /// Finds the parameter, and writes what has to be checked of it as JSON. `declared` are the names of all parameters of its
    /// place: they are no members of an object whose members stand beside them.
    pub(super) fn read(
        &self,
        texts: Texts<'_>,
        schemas: &Schemas,
        declared: &[Parameter],
        out: &mut Vec<u8>,
    ) -> Result<Found, Wrong> {
        let def = self.def;
        let sort = Sort::of(self.types, def.explode);
        if let (ValueDef::Styled(_), Sort::Members, Texts::Of(exchange)) = (def.value, sort, texts)
        {
            match (def.style, def.explode) {
                (Style::DeepObject, _) => return self.deep(exchange, schemas, out),
                (Style::Form, true) => return self.beside(exchange, schemas, declared, out),
                _ => {}
            }
        }
        let mut first = None;
        let mut count = 0_usize;
        self.each(texts, |raw| {
            first.get_or_insert(raw);
            count += 1;
        });
        let Some(first) = first else {
            return Ok(Found::Absent);
        };
        if first.is_empty() && count == 1 && def.empty {
            return Ok(Found::Fine);
        }
        match def.value {
            // What is only to be there may be anything, also what is not UTF-8.
            ValueDef::Any => {
                let blank = decoded(first, self.coding()).is_ok_and(|text| text.trim().is_empty());
                return Ok(if blank { Found::Blank } else { Found::Fine });
            }
            ValueDef::Json(_) if count > 1 => return Err(Wrong::Repeated),
            ValueDef::Json(_) => {
                out.extend_from_slice(decoded(first, self.coding())?.as_bytes());
                return Ok(Found::Json);
            }
            ValueDef::Styled(_) => {}
        }
        match Sort::of(self.types, count > 1 || self.has_elements(first)) {
            Sort::One if count > 1 => return Err(Wrong::Repeated),
            Sort::One => {
                let text = decoded(self.alone(first)?, self.coding())?;
                if self.any_text {
                    return Ok(Found::Fine);
                }
                value::write(&text, self.types, out);
            }
            Sort::Several => self.elements(texts, out)?,
            Sort::Members if count > 1 => return Err(Wrong::Repeated),
            Sort::Members => self.pairs(first, out)?,
        }
        Ok(Found::Json)
    }

    fn coding(&self) -> Coding {
        match self.def.place {
            ParameterPlace::Path | ParameterPlace::Cookie => Coding::Percent,
            ParameterPlace::Query => Coding::Form,
            // OpenAPI 3.1.1 §4.8.12: fields are not percent-encoded.
            ParameterPlace::Header => Coding::Plain,
        }
    }

    /// Every text of the parameter, in order, as it was sent.
    fn each<'x>(&self, texts: Texts<'x>, mut take: impl FnMut(&'x [u8])) {
        let name = self.def.name;
        let exchange = match texts {
            Texts::Answered(headers) => return headers.all(name).for_each(take),
            Texts::Of(exchange) => exchange,
        };
        match self.def.place {
            ParameterPlace::Path => {
                if let Some(text) = exchange.param(name) {
                    take(text.as_bytes());
                }
            }
            ParameterPlace::Query => {
                for (key, text) in exchange.raw_query_pairs() {
                    if is_named(key, name) {
                        take(text.as_bytes());
                    }
                }
            }
            ParameterPlace::Header => exchange.header_values(name).for_each(take),
            ParameterPlace::Cookie => {
                for (key, text) in exchange.cookies() {
                    if key == name.as_bytes() {
                        take(text);
                    }
                }
            }
        }
    }

    /// The text of a value that has no elements.
    fn alone<'t>(&self, raw: &'t [u8]) -> Result<&'t [u8], Wrong> {
        match self.def.style {
            Style::Label => raw.strip_prefix(b".").ok_or(Wrong::Style),
            Style::Matrix => self.after_name(raw.strip_prefix(b";").ok_or(Wrong::Style)?),
            _ => Ok(raw),
        }
    }

    /// What stands behind `name=`, or nothing where only `name` stands.
    fn after_name<'t>(&self, text: &'t [u8]) -> Result<&'t [u8], Wrong> {
        match text.strip_prefix(self.def.name.as_bytes()) {
            Some(b"") => Ok(b""),
            Some(rest) => rest.strip_prefix(b"=").ok_or(Wrong::Style),
            None => Err(Wrong::Style),
        }
    }

    /// The text that holds the elements, and what separates them.
    fn joined<'t>(&self, raw: &'t [u8]) -> Result<(&'t [u8], Delimiter), Wrong> {
        let by = |byte| Delimiter {
            byte,
            encoded: false,
        };
        let comma = Delimiter {
            byte: b',',
            encoded: !allows(self.items, Types::STRING),
        };
        Ok(match (self.def.style, self.def.explode) {
            (Style::Label, explode) => {
                let text = self.alone(raw)?;
                match explode || !text.contains(&b',') {
                    true => (text, by(b'.')),
                    false => (text, comma),
                }
            }
            (Style::Matrix, true) => (raw.strip_prefix(b";").ok_or(Wrong::Style)?, by(b';')),
            (Style::Matrix, false) => (self.alone(raw)?, comma),
            (Style::Space, _) => (raw, self.delimiter(b' ')),
            (Style::Tab, _) => (raw, self.delimiter(b'\t')),
            (Style::Pipe, _) => (raw, self.delimiter(b'|')),
            (Style::Simple | Style::Form | Style::DeepObject, _) => (raw, comma),
        })
    }

    /// A delimiter that has to be encoded in an address.
    fn delimiter(&self, byte: u8) -> Delimiter {
        Delimiter {
            byte,
            encoded: true,
        }
    }

    /// Whether a text that could be one value looks like several.
    fn has_elements(&self, raw: &[u8]) -> bool {
        self.joined(raw)
            .is_ok_and(|(text, by)| by.split(text).nth(1).is_some())
    }

    fn elements(&self, texts: Texts<'_>, out: &mut Vec<u8>) -> Result<(), Wrong> {
        let def = self.def;
        // Each text is an element.
        let apart = def.explode
            && matches!(
                def.style,
                Style::Form | Style::Space | Style::Tab | Style::Pipe | Style::DeepObject
            );
        let mut count = 0;
        let mut result = Ok(());
        out.push(b'[');
        let mut element = |piece: &[u8], out: &mut Vec<u8>| {
            let text = match (def.style, def.explode, def.place) {
                (Style::Matrix, true, _) => self.after_name(piece)?,
                (_, _, ParameterPlace::Header) => piece.trim_ascii(),
                _ => piece,
            };
            if count > 0 {
                out.push(b',');
            }
            count += 1;
            value::write(&decoded(text, self.coding())?, self.items, out);
            Ok(())
        };
        self.each(texts, |raw| {
            let mut read = || -> Result<(), Wrong> {
                if apart {
                    // `ids=` is how an empty list is sent.
                    return match raw.is_empty() {
                        true => Ok(()),
                        false => element(raw, out),
                    };
                }
                let (text, by) = self.joined(raw)?;
                by.split(text).try_for_each(|piece| element(piece, out))
            };
            if result.is_ok() {
                result = read();
            }
        });
        out.push(b']');
        result
    }

    /// An object in one text: `k,v,l,w`, or `k=v,l=w`.
    fn pairs(&self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Wrong> {
        let (text, by) = self.joined(raw)?;
        let trimmed = |piece| match self.def.place {
            ParameterPlace::Header => <[u8]>::trim_ascii(piece),
            _ => piece,
        };
        let mut pieces = by.split(text).map(trimmed);
        let mut count = 0;
        out.push(b'{');
        while let Some(piece) = pieces.next() {
            let (name, text) = if self.def.explode {
                let at = memchr::memchr(b'=', piece).ok_or(Wrong::Style)?;
                piece.split_at_checked(at).ok_or(Wrong::Style)?
            } else {
                (piece, pieces.next().ok_or(Wrong::Style)?)
            };
            let text = match self.def.explode {
                true => text.get(1..).unwrap_or_default(),
                false => text,
            };
            if count > 0 {
                out.push(b',');
            }
            count += 1;
            let name = decoded(name, self.coding())?;
            value::write_string(&name, out);
            out.push(b':');
            value::write(&decoded(text, self.coding())?, self.types_of(&name), out);
        }
        out.push(b'}');
        Ok(())
    }

    fn types_of(&self, member: &str) -> Types {
        let mut members = self.members.iter();
        members
            .find(|(name, _)| *name == member)
            .map_or(self.others, |(_, types)| *types)
    }

    /// `name[k]=v&name[l]=w`.
    fn deep(
        &self,
        exchange: &Exchange,
        schemas: &Schemas,
        out: &mut Vec<u8>,
    ) -> Result<Found, Wrong> {
        let mut tree = Tree::default();
        for (key, text) in exchange.raw_query_pairs() {
            let key = decoded(key.as_bytes(), Coding::Form)?;
            let Some(path) = key
                .strip_prefix(self.def.name)
                .filter(|path| path.starts_with('['))
            else {
                continue;
            };
            let path = tree::steps(path).ok_or(Wrong::Style)?;
            tree.insert(path.get(1..).unwrap_or_default(), leaf(text.as_bytes()))?;
        }
        self.finish(&tree, schemas, out)
    }

    /// An object whose members stand for themselves: `k=v&l=w`.
    fn beside(
        &self,
        exchange: &Exchange,
        schemas: &Schemas,
        declared: &[Parameter],
        out: &mut Vec<u8>,
    ) -> Result<Found, Wrong> {
        let mut tree = Tree::default();
        let mut take = |key: Cow<'_, str>, raw| {
            let own = self.members.iter().any(|(name, _)| *name == key);
            let another = || {
                declared
                    .iter()
                    .any(|p| p.def.place == self.def.place && p.def.name == key)
            };
            match own || self.members.is_empty() && !another() {
                true => tree.insert(
                    &[&key],
                    Leaf {
                        raw,
                        kind: Kind::Text(self.coding()),
                    },
                ),
                false => Ok(()),
            }
        };
        match self.def.place {
            ParameterPlace::Cookie => {
                for (key, text) in exchange.cookies() {
                    take(decoded(key, Coding::Plain)?, text)?;
                }
            }
            _ => {
                for (key, text) in exchange.raw_query_pairs() {
                    take(decoded(key.as_bytes(), Coding::Form)?, text.as_bytes())?;
                }
            }
        }
        self.finish(&tree, schemas, out)
    }

    fn finish(
        &self,
        tree: &Tree<'_>,
        schemas: &Schemas,
        out: &mut Vec<u8>,
    ) -> Result<Found, Wrong> {
        let (false, Some(root)) = (tree.is_empty(), self.root) else {
            return Ok(Found::Absent);
        };
        tree.write(&|steps| schemas.types(root, steps), &|_| None, out)?;
        Ok(Found::Json)
    }
}

fn leaf(raw: &[u8]) -> Leaf<'_> {
    Leaf {
        raw,
        kind: Kind::Text(Coding::Form),
    }
}

/// Whether a name in a query is this one.
fn is_named(key: &str, name: &str) -> bool {
    key == name
        || memchr::memchr2(b'%', b'+', key.as_bytes()).is_some()
            && decoded(key.as_bytes(), Coding::Form).is_ok_and(|key| key == name)
}
