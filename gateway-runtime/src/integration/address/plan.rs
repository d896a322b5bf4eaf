//! Path and query of a call, as text and values.
//!
//! A written address is text and values in turn. Scheme, host and port are split off when the gateway starts, so no value of a
//! request can reach them; every other value is escaped for where it stands, before the first `?` as a path segment, behind it
//! as a query value (security requirement G15). Three values stand as they are: path parameters and the request's path are in
//! normal form already and hold nothing but path characters, and the host was checked when the request was admitted.
//!
//! Nothing here needs a request under way: values come from whoever asks, so that `route` can show what would be called.

use super::query::{QueryEdits, write_query_value};
use crate::exchange::path::has_dot_segment;
use crate::exchange::{BadTarget, Target};
use crate::expr::{Escape, Expr, Piece, Source, Text, Variable};
use crate::refusal::{PathFault, Refusal};

/// What a source stands for.
pub(crate) enum Value<'v> {
    /// This.
    Known(Text<'v>),
    /// Nothing.
    Absent,
    /// Something that is not known before the request is made: it is shown as it was written.
    Later,
}

impl<'v> From<Option<Text<'v>>> for Value<'v> {
    fn from(value: Option<Text<'v>>) -> Self {
        value.map_or(Value::Absent, Value::Known)
    }
}

impl<'v> Value<'v> {
    /// The value, unless it is absent or was written to `out` as it stands in the document.
    pub(super) fn or_written(self, source: &Source, out: &mut Vec<u8>) -> Option<Text<'v>> {
        match self {
            Value::Known(value) => Some(value),
            Value::Absent => None,
            Value::Later => {
                out.extend_from_slice(format!("${{{source}}}").as_bytes());
                None
            }
        }
    }
}

/// Where values come from.
pub(crate) type Lookup<'v> = dyn Fn(&Source) -> Value<'v> + 'v;

/// What an address takes over from a request.
pub(crate) struct Asked<'r> {
    /// The path inside the stage, in normal form.
    pub(crate) path: &'r str,
    /// The query, where it is sent on.
    pub(crate) query: Option<&'r str>,
}

/// How path and query of a call are made.
#[derive(Debug)]
pub(crate) enum Plan {
    /// The request's own path inside the stage, behind the back end's.
    Same,
    /// Always this path and query.
    Fixed(Target),
    /// Made of the request; begins with the back end's path.
    Made(Parts),
}

impl Plan {
    /// The plan of what is written behind host and port, in normal form. The fault: there is no value in it, and it is no path.
    pub(crate) fn new(parts: Parts) -> Result<Plan, BadTarget> {
        let parts = parts.normal();
        match parts.literal() {
            None => Ok(Plan::Made(parts)),
            Some(text) => Target::parse(text).map(Plan::Fixed),
        }
    }

    /// Path and query of a call to a back end whose own path is `base`.
    pub(crate) fn target(
        &self,
        base: &str,
        asked: &Asked<'_>,
        query: &QueryEdits<'_>,
        values: &Lookup<'_>,
    ) -> Result<String, Refusal> {
        let mut out = Vec::with_capacity(asked.path.len() + 64);
        match self {
            Plan::Same => {
                out.extend_from_slice(base.as_bytes());
                out.extend_from_slice(asked.path.as_bytes());
            }
            Plan::Fixed(target) => out.extend_from_slice(target.as_str().as_bytes()),
            Plan::Made(parts) => parts.write(values, &mut out),
        }
        let made = String::from_utf8(out).map_err(|_| Refusal::BadAddress)?;
        let (path, written) = match made.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (made.as_str(), None),
        };
        if matches!(self, Plan::Made(_)) && has_dot_segment(path) {
            return Err(Refusal::BadPath(PathFault::DotSegment));
        }
        let mut target = path.to_owned();
        query.write([written, asked.query], &mut target);
        Ok(target)
    }
}

/// Text and values in turn, stage variables and deployment parameters filled in.
#[derive(Debug, Clone)]
pub(crate) struct Parts(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    /// Before the first `?`.
    InPath(Source),
    /// Behind it.
    InQuery(Source),
}

impl Parts {
    /// The parts of an expression. Stage variables and deployment parameters are trusted and stand as they are; one that
    /// `variable` does not know yet stays a value.
    pub(crate) fn new<'v>(expr: &Expr, variable: impl Fn(&Source) -> Option<&'v str>) -> Parts {
        let known = |source: &Source| match source {
            Source::StageVariable(_) | Source::Parameter(_) => variable(source),
            _ => None,
        };
        let mut parts: Vec<Part> = Vec::new();
        let mut in_query = false;
        for piece in expr.pieces() {
            let text = match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Value(source) => match known(source) {
                    Some(text) => text,
                    None => {
                        let part = if in_query {
                            Part::InQuery
                        } else {
                            Part::InPath
                        };
                        parts.push(part(source.clone()));
                        continue;
                    }
                },
            };
            in_query |= text.contains('?');
            match parts.last_mut() {
                Some(Part::Text(before)) => before.push_str(text),
                _ => parts.push(Part::Text(text.to_owned())),
            }
        }
        Parts(parts)
    }

    /// Splits `scheme://host:port` off; `None` if a value of the request stands in it or right behind it.
    pub(crate) fn split_origin(mut self) -> Option<(String, Parts)> {
        let alone = self.0.len() == 1;
        let Some(Part::Text(first)) = self.0.first_mut() else {
            return None;
        };
        let host = first.find("://")? + 3;
        let length = first.get(host..)?.find(['/', '?']);
        let origin = match length {
            Some(length) => {
                let path = first.split_off(host + length);
                std::mem::replace(first, path)
            }
            None if alone => std::mem::take(first),
            None => return None,
        };
        Some((origin, self))
    }

    /// Behind a base path.
    pub(crate) fn behind(mut self, base: &str) -> Parts {
        match self.0.first_mut() {
            Some(Part::Text(first)) => first.insert_str(0, base),
            _ => self.0.insert(0, Part::Text(base.to_owned())),
        }
        self
    }

    /// With a path that begins with a slash, its text in normal form.
    fn normal(mut self) -> Parts {
        match self.0.first_mut() {
            Some(Part::Text(first)) if first.starts_with('/') => {}
            Some(Part::Text(first)) => first.insert(0, '/'),
            _ => self.0.insert(0, Part::Text("/".to_owned())),
        }
        for part in &mut self.0 {
            if let Part::Text(text) = part {
                let (path, query) = match text.find('?') {
                    Some(at) => text.split_at(at),
                    None => (text.as_str(), ""),
                };
                let query_begins = !query.is_empty();
                *text = [crate::path::normal(path).as_ref(), query].concat();
                if query_begins {
                    break;
                }
            }
        }
        self
    }

    /// The text, if there is no value.
    fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Writes the address of a request.
    pub(crate) fn write(&self, values: &Lookup<'_>, out: &mut Vec<u8>) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::InPath(source) => {
                    let Some(value) = values(source).or_written(source, out) else {
                        continue;
                    };
                    match source {
                        Source::Path(_)
                        | Source::Context(Variable::Path | Variable::DomainName) => {
                            out.extend_from_slice(&value);
                        }
                        _ => Escape::Segment.write(out, &value),
                    }
                }
                Part::InQuery(source) => write_query_value(source, values, out),
            }
        }
    }
}

#[cfg(test)]
mod tests;
