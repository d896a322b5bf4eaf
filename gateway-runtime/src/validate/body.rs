//! Bodies by media type: which of the declared ones a message has, and what it has to be.

use std::borrow::Cow;

use super::form::{Form, Unreadable};
use super::media::{MediaType, closeness};
use super::{add, check, said, takes_any_text, value};
use crate::accept;
use crate::def::{ContentDef, FormDef, Messages};
use crate::exchange::{Headers, field};
use crate::refusal::{Fault, FaultPlace, Faults, Refusal};
use crate::schema::{self, Root, Schemas};
use crate::spare::Spare;

/// What is taken for the type of a body that does not say it (RFC 9110 §8.3).
const UNKNOWN: &str = "application/octet-stream";
/// The same where Amazon's rules hold.
const JSON: &str = "application/json";

/// What bodies may be, by media type.
#[derive(Debug)]
pub(super) struct Contents {
    list: Vec<Content>,
    /// All of them, as `Accept` lists them.
    accept: String,
}

/// What the bodies of one media type are.
#[derive(Debug)]
pub(super) struct Content {
    media_type: &'static str,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Bytes,
    Json(Root),
    /// `None`: any text.
    Text(Option<Root>),
    Fields(Form),
    Parts(Form),
}

/// What is looked at of a body.
pub(super) enum Looked<'c> {
    /// Nothing.
    Pass,
    /// All of it, by this.
    At(&'c Content),
}

impl Contents {
    pub(super) fn start(
        defs: &'static [ContentDef],
        schemas: &mut Schemas,
    ) -> Result<Contents, schema::Fault> {
        let mut list = Vec::with_capacity(defs.len());
        for def in defs {
            let kind = match def.form {
                FormDef::Bytes => Kind::Bytes,
                FormDef::Json(rules) => Kind::Json(add(rules, schemas)?),
                FormDef::Text(rules) if takes_any_text(rules) => Kind::Text(None),
                FormDef::Text(rules) => Kind::Text(Some(add(rules, schemas)?)),
                FormDef::Fields(rules, encodings) => {
                    Kind::Fields(Form::start(rules, encodings, schemas)?)
                }
                FormDef::Parts(rules, encodings) => {
                    Kind::Parts(Form::start(rules, encodings, schemas)?)
                }
            };
            list.push(Content {
                media_type: def.media_type,
                kind,
            });
        }
        let names: Vec<&str> = defs.iter().map(|def| def.media_type).collect();
        Ok(Contents {
            list,
            accept: names.join(", "),
        })
    }

    /// Whether anything is said of bodies.
    pub(super) fn says_anything(&self) -> bool {
        !self.list.is_empty()
    }

    /// The declared media type that speaks of a message. `lenient`: what none speaks of passes.
    pub(super) fn choose(&self, headers: &Headers, lenient: bool) -> Result<Looked<'_>, Refusal> {
        let refused = || Refusal::UnsupportedMediaType {
            accept: self.accept.clone(),
        };
        let mut sent = headers.all(field::CONTENT_TYPE);
        let media_type = match (sent.next(), sent.next()) {
            (None, _) => None,
            (Some(value), None) => match MediaType::parse(value) {
                Some(media_type) => Some(media_type),
                None if lenient => return Ok(Looked::Pass),
                None => return Err(refused()),
            },
            // Two readers could take it for two things.
            (Some(_), Some(_)) => return Err(refused()),
        };
        let assumed = if lenient { JSON } else { UNKNOWN };
        let essence = media_type.map_or(assumed, |media_type| media_type.essence());
        let closest = self
            .list
            .iter()
            .filter_map(|content| Some((closeness(content.media_type, essence)?, content)))
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        let content = match closest {
            // Of a range, that may be JSON or something else: what says that it is something else is not looked at.
            Some((..=2, content))
                if matches!(content.kind, Kind::Json(_))
                    && !accept::is_json(content.media_type)
                    && media_type.is_some()
                    && !accept::is_json(essence) =>
            {
                return Ok(Looked::Pass);
            }
            Some((_, content)) => content,
            None if lenient => return Ok(Looked::Pass),
            None => return Err(refused()),
        };
        if let Kind::Bytes = content.kind {
            return Ok(Looked::Pass);
        }
        let plain = |coding: &[u8]| {
            coding
                .split(|byte| *byte == b',')
                .all(|coding| matches!(coding.trim_ascii(), b"" | b"identity"))
        };
        if !headers.all(field::CONTENT_ENCODING).all(plain) {
            return Err(Refusal::UnsupportedEncoding);
        }
        // Parts say for themselves.
        let utf8 = matches!(content.kind, Kind::Parts(_))
            || media_type.is_none_or(|media_type| media_type.is_utf8());
        match utf8 {
            true => Ok(Looked::At(content)),
            false => Err(refused()),
        }
    }

    /// Checks a message without a body as Amazon's gateways do: it is `{}`.
    pub(super) fn check_nothing(&self, schemas: &Schemas, faults: &mut Faults) {
        let json = self.list.iter().find_map(|content| match content.kind {
            Kind::Json(root) if accept::is_json(content.media_type) => Some(root),
            _ => None,
        });
        if let Some(root) = json {
            check(
                root,
                b"{}",
                schemas,
                Messages::Requests,
                FaultPlace::Body,
                faults,
            );
        }
    }
}

impl Content {
    /// Checks a body. `media_type` is what its message says it is.
    pub(super) fn check(
        &self,
        body: &[u8],
        media_type: Option<&[u8]>,
        schemas: &Schemas,
        messages: Messages,
        faults: &mut Faults,
    ) {
        let at = FaultPlace::Body;
        let mut json = Spare::<Vec<u8>>::taken();
        let made = match &self.kind {
            Kind::Bytes => return,
            Kind::Json(root) => return check(*root, body, schemas, messages, at, faults),
            Kind::Text(root) => match (std::str::from_utf8(body), root) {
                (Err(_), _) => {
                    return faults.add(fault(String::new(), "encoding", "must be UTF-8"));
                }
                (Ok(_), None) => return,
                (Ok(text), Some(root)) => {
                    value::write_string(text, &mut json);
                    Ok(*root)
                }
            },
            Kind::Fields(form) => form.fields(body, schemas, &mut json).map(|()| form.root),
            Kind::Parts(form) => match media_type.and_then(MediaType::parse) {
                Some(media_type) => form
                    .parts(body, &media_type, schemas, &mut json)
                    .map(|()| form.root),
                None => return,
            },
        };
        match made {
            Ok(root) => check(root, &json, schemas, messages, at, faults),
            Err(unreadable) => faults.add(unreadable_form(unreadable)),
        }
    }
}

fn unreadable_form(unreadable: Unreadable) -> Fault {
    let pointer = |name: String| match name.as_str() {
        "" => name,
        name => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
    };
    match unreadable {
        Unreadable::Said(sentence) => fault(String::new(), "content", sentence),
        Unreadable::Field(name, wrong) => {
            let (keyword, detail) = said(wrong);
            fault(pointer(name), keyword, detail)
        }
        Unreadable::Part(name, media_types) => Fault {
            detail: Cow::Owned(format!("must have the media type {media_types}")),
            ..fault(pointer(name), "contentType", "")
        },
    }
}

fn fault(pointer: String, keyword: &'static str, detail: &'static str) -> Fault {
    Fault {
        at: FaultPlace::Body,
        pointer,
        keyword,
        detail: Cow::Borrowed(detail),
        schema: String::new(),
    }
}
