//! Queries of calls: values in them, and parameters that are set and removed.

use super::plan::Lookup;
use crate::exchange::path::decode_query;
use crate::expr::{Escape, Expr, Piece, Source, Variable};

/// Writes a value into a query. Path parameters are decoded first: they are escaped for a path.
pub(super) fn write_query_value(source: &Source, values: &Lookup<'_>, out: &mut Vec<u8>) {
    let Some(value) = values(source).or_written(source, out) else {
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
fn query_value(expr: &Expr, values: &Lookup<'_>) -> String {
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

/// Changes to a query as they are written.
#[derive(Debug, Default)]
pub(crate) struct QueryRules {
    remove: Vec<&'static str>,
    set: Vec<(&'static str, Expr)>,
}

impl QueryRules {
    /// A parameter goes.
    pub(crate) fn remove(&mut self, name: &'static str) {
        self.remove.push(name);
    }

    /// A parameter comes.
    pub(crate) fn set(&mut self, name: &'static str, value: Expr) {
        self.set.push((name, value));
    }

    /// Whether nothing is changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty()
    }

    /// The changes to the query of one request.
    pub(crate) fn edits(&self, values: &Lookup<'_>) -> QueryEdits<'_> {
        QueryEdits {
            remove: self.remove.clone(),
            set: self
                .set
                .iter()
                .map(|(name, expr)| (*name, query_value(expr, values)))
                .collect(),
        }
    }
}

/// Changes to the query of one request.
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

    pub(crate) fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty()
    }

    fn touches(&self, name: &str) -> bool {
        self.remove.contains(&name) || self.set.iter().any(|(set, _)| *set == name)
    }

    /// Writes `?` and what is left of these queries, then what is set. Pieces that stay are not re-encoded.
    pub(super) fn write(&self, queries: [Option<&str>; 2], target: &mut String) {
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
