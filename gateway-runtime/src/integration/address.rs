//! Addresses that are made of a request.
//!
//! A written address is text and values in turn. Scheme, host and port are split off when the gateway starts, so no value of a
//! request can reach them; every other value is escaped for where it stands, before the first `?` as a path segment, behind it
//! as a query value (security requirement G15). Three values stand as they are: path parameters and the request's path are in
//! normal form already and hold nothing but path characters, and the host was checked when the request was admitted.

use std::sync::Arc;

use crate::client::Upstream;
use crate::def::TargetDef;
use crate::exchange::Target;
use crate::exchange::path::{decode_query, has_dot_segment};
use crate::expr::{Escape, Expr, Piece, Scope, Source, Variable};
use crate::gateway::{Origin, Surroundings, Upstreams, Variants, variables_in};
use crate::pipeline::Journey;
use crate::refusal::{PathFault, Refusal};
use crate::settings::StartFault;
use crate::values::{Values, Variables};

/// Where a request goes.
#[derive(Debug)]
pub(crate) struct Address {
    /// The back end.
    pub(crate) upstream: Arc<Upstream>,
    plan: Plan,
}

#[derive(Debug)]
enum Plan {
    /// The request's own path inside the stage, behind the back end's.
    Same,
    /// Always this path and query.
    Fixed(Target),
    /// Made of the request; begins with the back end's path.
    Made(Parts),
}

impl Address {
    /// Reads a target, once for each set of stage variables.
    pub(crate) fn start(
        operation: &'static str,
        target: &'static TargetDef,
        around: &mut Surroundings<'_, '_>,
    ) -> Option<Variants<Address>> {
        let written = match target {
            TargetDef::Upstream(_) => None,
            TargetDef::UpstreamPath(_, text) | TargetDef::Uri(text) => {
                Some(around.parse(operation, text, Scope::Request)?)
            }
        };
        around.variants(|upstreams, variables, faults| match (target, &written) {
            (TargetDef::UpstreamPath(named, _), Some(written)) => {
                let upstream = upstreams.named(named, variables, faults)?;
                let parts = Parts::new(written, variables).behind(upstream.base_path());
                Address::new(operation, upstream, parts, faults)
            }
            (TargetDef::Uri(_), Some(written)) => {
                uri(operation, written, variables, upstreams, faults)
            }
            (TargetDef::Upstream(named) | TargetDef::UpstreamPath(named, _), _) => Some(Address {
                upstream: upstreams.named(named, variables, faults)?,
                plan: Plan::Same,
            }),
            (TargetDef::Uri(_), None) => None,
        })
    }

    fn new(
        operation: &str,
        upstream: Arc<Upstream>,
        parts: Parts,
        faults: &mut Vec<StartFault>,
    ) -> Option<Address> {
        let parts = parts.normal();
        let plan = match parts.literal() {
            None => Plan::Made(parts),
            Some(text) => match Target::parse(text) {
                Ok(target) => Plan::Fixed(target),
                Err(_) => {
                    faults.push(StartFault::new(
                        format!("operation `{operation}`: the path of its address is none"),
                        "a path begins with / and has neither spaces nor a fragment",
                    ));
                    return None;
                }
            },
        };
        Some(Address { upstream, plan })
    }

    /// Path and query of a call, the request's own query behind them where `own_query` says so.
    pub(crate) fn target(
        &self,
        journey: &Journey<'_>,
        own_query: bool,
        query: &QueryEdits<'_>,
    ) -> Result<Target, Refusal> {
        let exchange = &journey.exchange;
        let own = exchange.query().filter(|_| own_query);
        let whole = exchange.local_path().len() == exchange.path().len();
        match &self.plan {
            // The plain case: nothing to make.
            Plan::Same if whole && own_query && query.is_empty() => {
                return self
                    .upstream
                    .join(exchange.target().clone())
                    .map_err(|_| Refusal::BadAddress);
            }
            Plan::Fixed(target) if own.is_none() && query.is_empty() => return Ok(target.clone()),
            _ => {}
        }
        let mut out = Vec::with_capacity(exchange.path().len() + 64);
        match &self.plan {
            Plan::Same => {
                out.extend_from_slice(self.upstream.base_path().as_bytes());
                out.extend_from_slice(exchange.local_path().as_bytes());
            }
            Plan::Fixed(target) => out.extend_from_slice(target.as_str().as_bytes()),
            Plan::Made(parts) => parts.write(&journey.values(None), &mut out),
        }
        let made = String::from_utf8(out).map_err(|_| Refusal::BadAddress)?;
        let (path, written) = match made.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (made.as_str(), None),
        };
        if matches!(self.plan, Plan::Made(_)) && has_dot_segment(path) {
            return Err(Refusal::BadPath(PathFault::DotSegment));
        }
        let mut target = path.to_owned();
        query.write([written, own], &mut target);
        Target::parse(&target).map_err(|_| Refusal::BadAddress)
    }
}

/// A whole address: what is before its path is a back end, the rest is made.
fn uri(
    operation: &'static str,
    written: &Expr,
    variables: &Variables,
    upstreams: &mut Upstreams<'_>,
    faults: &mut Vec<StartFault>,
) -> Option<Address> {
    let Some((origin, rest)) = Parts::new(written, variables).split_origin() else {
        faults.push(StartFault::new(
            format!("operation `{operation}`: its address has no fixed scheme, host and port"),
            "begin it with http:// or https:// and a host, of literal text or stage variables alone",
        ));
        return None;
    };
    let upstream = upstreams.at(
        operation,
        origin,
        Origin::Document(&variables_in(written)),
        faults,
    )?;
    Address::new(operation, upstream, rest, faults)
}

/// Text and values in turn, stage variables filled in.
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
    /// The parts of an expression. Stage variables are trusted and stand as they are.
    pub(crate) fn new(expr: &Expr, variables: &Variables) -> Parts {
        let mut parts: Vec<Part> = Vec::new();
        let mut in_query = false;
        for piece in expr.pieces() {
            let text = match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Value(Source::StageVariable(name)) => {
                    variables.get(name).unwrap_or_default()
                }
                Piece::Value(source) if in_query => {
                    parts.push(Part::InQuery(source.clone()));
                    continue;
                }
                Piece::Value(source) => {
                    parts.push(Part::InPath(source.clone()));
                    continue;
                }
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
    fn split_origin(mut self) -> Option<(String, Parts)> {
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
    fn behind(mut self, base: &str) -> Parts {
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
    pub(crate) fn write(&self, values: &Values<'_>, out: &mut Vec<u8>) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::InPath(source) => {
                    let Some(value) = values.get(source) else {
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

/// Writes a value into a query. Path parameters are decoded first: they are escaped for a path.
fn write_query_value(source: &Source, values: &Values<'_>, out: &mut Vec<u8>) {
    let Some(value) = values.get(source) else {
        return;
    };
    match (source, std::str::from_utf8(&value)) {
        (Source::Path(_) | Source::Context(Variable::Path), Ok(text)) => {
            // `decode_query` reads `+` as a space, which a path does not mean by it.
            let decoded = decode_query(&text.replace('+', "%2B")).into_owned();
            Escape::Query.write(out, decoded.as_bytes());
        }
        _ => Escape::Query.write(out, &value),
    }
}

/// A query value in the making: an expression, escaped as a whole but for its text.
pub(crate) fn query_value(expr: &Expr, values: &Values<'_>) -> String {
    let mut out = Vec::new();
    for piece in expr.pieces() {
        match piece {
            Piece::Text(text) => Escape::Query.write(&mut out, text.as_bytes()),
            Piece::Value(source) => write_query_value(source, values, &mut out),
        }
    }
    // Escaping leaves ASCII alone.
    String::from_utf8(out).unwrap_or_default()
}

/// Changes to a query.
#[derive(Debug, Default)]
pub(crate) struct QueryEdits<'e> {
    /// Parameters that go.
    pub(crate) remove: Vec<&'e str>,
    /// Parameters that come, with their escaped values; they replace those of the same name. An empty value is not sent.
    pub(crate) set: Vec<(&'e str, String)>,
}

impl<'e> QueryEdits<'e> {
    /// These changes, and then others.
    pub(crate) fn then(mut self, later: QueryEdits<'e>) -> QueryEdits<'e> {
        self.set.retain(|(name, _)| !later.touches(name));
        self.remove.extend(later.remove);
        self.set.extend(later.set);
        self
    }

    fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty()
    }

    fn touches(&self, name: &str) -> bool {
        self.remove.contains(&name) || self.set.iter().any(|(set, _)| *set == name)
    }

    /// Writes `?` and what is left of these queries, then what is set. Pieces that stay are not re-encoded.
    fn write(&self, queries: [Option<&str>; 2], target: &mut String) {
        let mut separator = '?';
        let mut push = |piece: &[&str]| {
            target.push(separator);
            separator = '&';
            piece.iter().for_each(|text| target.push_str(text));
        };
        for query in queries.into_iter().flatten() {
            if self.is_empty() {
                push(&[query]);
                continue;
            }
            for piece in query.split('&') {
                let name = piece.split('=').next().unwrap_or(piece);
                if !self.touches(&decode_query(name)) {
                    push(&[piece]);
                }
            }
        }
        for (name, value) in self.set.iter().filter(|(_, value)| !value.is_empty()) {
            let mut escaped = Vec::new();
            Escape::Query.write(&mut escaped, name.as_bytes());
            push(&[&String::from_utf8_lossy(&escaped), "=", value]);
        }
    }
}

#[cfg(test)]
mod tests;
