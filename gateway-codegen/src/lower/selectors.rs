//! Selectors of `stages.NAME.operations`: which operations a layer of a stage speaks of.
//!
//! Every selector that matches an operation takes part, the least specific first, so that the most specific has the last
//! word. Two that are equally specific for one operation are a fault, because the order of a file never decides.

use std::collections::BTreeSet;

use gateway_runtime::path::Pattern;

use super::draft::Draft;
use super::suggest;
use super::tree::Tree;
use crate::findings::{Findings, brief};

/// A selector and the layer behind it.
#[derive(Debug)]
pub(crate) struct Selector<'t> {
    text: &'t str,
    kind: Kind<'t>,
    /// The layer.
    pub(crate) layer: &'t Tree,
}

#[derive(Debug)]
enum Kind<'t> {
    Everything,
    Tag(&'t str),
    Glob { method: &'t str, path: &'t str },
    Route { method: &'t str, shape: String },
    Id,
}

/// How specific a selector is: its kind, then the literal text of a glob's path, then whether a glob names its method.
type Rank = (u8, usize, bool);

impl<'t> Selector<'t> {
    /// Reads a selector.
    pub(crate) fn new(text: &'t str, layer: &'t Tree) -> Selector<'t> {
        let kind = match text.split_once(' ') {
            _ if text == "*" => Kind::Everything,
            Some((method, path)) if path.trim().contains('*') => Kind::Glob {
                method,
                path: path.trim(),
            },
            Some((method, path)) => match Pattern::parse(path.trim()) {
                Ok(pattern) => Kind::Route {
                    method,
                    shape: pattern.shape(),
                },
                Err(_) => Kind::Id,
            },
            None => match text.strip_prefix("tag:") {
                Some(tag) => Kind::Tag(tag),
                None => Kind::Id,
            },
        };
        Selector { text, kind, layer }
    }

    /// Whether it speaks of one operation alone.
    pub(crate) fn is_narrow(&self) -> bool {
        matches!(self.kind, Kind::Id | Kind::Route { .. })
    }

    fn matches(&self, draft: &Draft<'_>) -> bool {
        let same = |method: &str| method == "*" || method.eq_ignore_ascii_case(&draft.method);
        match &self.kind {
            Kind::Everything => true,
            Kind::Tag(tag) => draft.tags.iter().any(|t| t == tag),
            Kind::Glob { method, path } => same(method) && glob(path, &draft.path),
            Kind::Route { method, shape } => same(method) && *shape == draft.pattern.shape(),
            Kind::Id => self.text == draft.id,
        }
    }

    fn rank(&self) -> Rank {
        match &self.kind {
            Kind::Everything => (0, 0, false),
            Kind::Tag(_) => (1, 0, false),
            Kind::Glob { method, path } => {
                let literal = path.chars().filter(|c| *c != '*').count();
                (2, literal, *method != "*")
            }
            Kind::Route { method, .. } => (3, 0, *method != "*"),
            Kind::Id => (4, 0, false),
        }
    }
}

/// The selectors that match an operation, the least specific first.
pub(crate) fn matching<'s, 't>(
    selectors: &'s [Selector<'t>],
    draft: &Draft<'_>,
    found: &mut Findings,
) -> Vec<&'s Selector<'t>> {
    let mut list: Vec<&Selector<'t>> = selectors
        .iter()
        .filter(|selector| selector.matches(draft))
        .collect();
    list.sort_by(|a, b| (a.rank(), a.text).cmp(&(b.rank(), b.text)));
    for pair in list.windows(2) {
        let [one, other] = pair else { continue };
        if one.rank() != other.rank() {
            continue;
        }
        for (selector, rival) in [(one, other), (other, one)] {
            found.error(
                "selector-tie",
                selector.layer.key_place(),
                format!(
                    "`{}` and `{}` are equally specific for operation `{}`",
                    brief(selector.text),
                    brief(rival.text),
                    brief(&draft.id)
                ),
                "make one of them more specific, or name the operation",
            );
        }
    }
    list
}

/// Warns of selectors that match nothing.
pub(crate) fn warn_of_idle(selectors: &[Selector<'_>], drafts: &[Draft<'_>], found: &mut Findings) {
    let mut names: Option<Vec<String>> = None;
    for selector in selectors {
        if drafts.iter().any(|draft| selector.matches(draft)) {
            continue;
        }
        let names = names.get_or_insert_with(|| all_names(drafts));
        found.warning(
            "selector-idle",
            selector.layer.key_place(),
            format!("`{}` selects no operation", brief(selector.text)),
            match suggest::nearest(selector.text, names.iter().map(String::as_str)) {
                Some(name) => format!("did you mean `{name}`"),
                None => {
                    "an operationId, `GET /path/{id}`, `GET /path/*`, `tag:name` or `*`".to_owned()
                }
            },
        );
    }
}

/// What a selector can name: operations, routes and tags.
fn all_names(drafts: &[Draft<'_>]) -> Vec<String> {
    let ids = drafts.iter().map(|draft| draft.id.clone());
    let routes = drafts
        .iter()
        .map(|draft| format!("{} {}", draft.method, draft.path));
    let tags: BTreeSet<&String> = drafts.iter().flat_map(|draft| &draft.tags).collect();
    let tags = tags.into_iter().map(|tag| format!("tag:{tag}"));
    ids.chain(routes).chain(tags).collect()
}

/// Whether a glob matches a path template: `*` a whole segment or any text inside one, `**` any number of segments.
fn glob(glob: &str, path: &str) -> bool {
    let glob: Vec<&str> = glob.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    wild(
        &glob,
        &path,
        |part| *part == "**",
        |part, segment| {
            let same = |a: &u8, b: &u8| a == b;
            wild(
                part.as_bytes(),
                segment.as_bytes(),
                |byte| *byte == b'*',
                same,
            ) && (*part != "*" || !segment.is_empty())
        },
    )
}

/// Matches a list with wildcards against a list, in time linear in their product: only the last wildcard is tried again.
fn wild<G, S>(
    pattern: &[G],
    subject: &[S],
    is_wild: impl Fn(&G) -> bool,
    fits: impl Fn(&G, &S) -> bool,
) -> bool {
    let (mut p, mut s) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while s < subject.len() {
        let matched = match (pattern.get(p), subject.get(s)) {
            (Some(part), _) if is_wild(part) => {
                retry = Some((p + 1, s));
                p += 1;
                continue;
            }
            (Some(part), Some(item)) => fits(part, item),
            _ => false,
        };
        if matched {
            p += 1;
            s += 1;
        } else if let Some((after, from)) = retry {
            retry = Some((after, from + 1));
            p = after;
            s = from + 1;
        } else {
            return false;
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(is_wild))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_segments() {
        for (pattern, path, expected) in [
            ("/books/*", "/books/{id}", true),
            ("/books/*", "/books", false),
            ("/books/*", "/books/", false),
            ("/books/*", "/books/{id}/pages", false),
            ("/books/**", "/books/{id}/pages", true),
            ("/books/**", "/books", true),
            ("/**", "/", true),
            ("/**/pages", "/a/b/pages", true),
            ("/**/pages", "/a/b/page", false),
            ("/v*/books", "/v2/books", true),
            ("/v*/books", "/w2/books", false),
            ("/*/*", "/a/b", true),
            ("/*/*", "/a", false),
        ] {
            assert_eq!(glob(pattern, path), expected, "{pattern} on {path}");
        }
    }
}
