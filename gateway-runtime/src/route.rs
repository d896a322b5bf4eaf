//! Which operation a request is for.
//!
//! A trie over path segments, built once from the routing table. At every segment a literal is tried first, then mixed
//! segments, then a parameter, then a greedy parameter; a branch that ends without a route for the request's method is left
//! again, so a greedy path serves what a more specific path does not declare (Amazon's REST APIs do the same). Each node of
//! the trie belongs to one depth, so a search looks at each at most once: its time is bounded by the table, not by the request.
//!
//! Paths come in normal form ([`crate::path::normal`]) and are matched as they stand, case-sensitively; nothing is decoded here.
//! Absent on purpose: hosts and stages, which [`crate::gateway`] decides before.

use crate::def::{ApiKind, RouteDef};
use crate::path::{Pattern, Piece, Segment, match_mixed};
use crate::settings::StartFault;

pub use crate::exchange::path::normalise;

/// The path of an HTTP API's route for everything that no other route takes.
const DEFAULT_PATH: &str = "$default";
/// The method of a route for every method that its path does not declare otherwise.
const ANY: &str = "ANY";

/// Finds the route of a request.
#[derive(Debug)]
pub struct Router {
    nodes: Vec<Node>,
    /// Names of the parameters of each route, in the order of [`Match::spans`].
    names: Vec<Vec<&'static str>>,
    /// The `$default` route.
    fallback: Option<usize>,
    kind: ApiKind,
}

/// What a method and a path lead to.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A route.
    Route(Match),
    /// Routes with this path, but none with this method; the methods there are, sorted.
    OtherMethods(Vec<&'static str>),
    /// No route with this path.
    Nothing,
}

/// A route that was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Match {
    /// Its place in the routing table.
    pub route: usize,
    /// Byte ranges of its parameters in the path.
    pub spans: Spans,
}

/// Byte ranges in a path, in order: a few in place, further ones on the heap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spans {
    few: [(u32, u32); 4],
    count: usize,
    more: Vec<(u32, u32)>,
}

impl Spans {
    /// Adds one.
    pub(crate) fn push(&mut self, (start, end): (usize, usize)) {
        let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
        let span = (place(start), place(end));
        match self.few.get_mut(self.count) {
            Some(few) => *few = span,
            None => self.more.push(span),
        }
        self.count += 1;
    }

    /// Leaves so many.
    fn truncate(&mut self, count: usize) {
        self.count = self.count.min(count);
        self.more.truncate(count.saturating_sub(self.few.len()));
    }

    /// How many there are.
    fn len(&self) -> usize {
        self.count
    }

    /// The one at a place.
    pub fn get(&self, at: usize) -> Option<(usize, usize)> {
        let span = match self.few.get(at) {
            Some(span) if at < self.count => span,
            Some(_) => return None,
            None => self.more.get(at - self.few.len())?,
        };
        Some((span.0 as usize, span.1 as usize))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.count).filter_map(|at| self.get(at))
    }
}

impl FromIterator<(usize, usize)> for Spans {
    fn from_iter<I: IntoIterator<Item = (usize, usize)>>(spans: I) -> Spans {
        let mut all = Spans::default();
        spans.into_iter().for_each(|span| all.push(span));
        all
    }
}

/// What may follow after some segments.
#[derive(Debug, Default)]
struct Node {
    /// Fixed segments, sorted.
    literals: Vec<(Box<str>, usize)>,
    /// Segments of text and parameters, the more specific first.
    mixed: Vec<(Segment, usize)>,
    /// Any one segment.
    param: Option<usize>,
    /// Routes that end here.
    here: Endpoint,
    /// Routes that take all further segments.
    greedy: Endpoint,
}

/// The routes of one path.
#[derive(Debug, Default)]
struct Endpoint {
    methods: Vec<(&'static str, usize)>,
    any: Option<usize>,
}

impl Router {
    /// The router of a table.
    ///
    /// # Errors
    /// For every path that is no pattern and every second route with the same method and shape. The generator refuses
    /// both, so only tables written by hand can have them.
    pub fn new(routes: &[RouteDef], kind: ApiKind) -> Result<Router, Vec<StartFault>> {
        let mut router = Router {
            nodes: vec![Node::default()],
            names: Vec::with_capacity(routes.len()),
            fallback: None,
            kind,
        };
        let mut faults = Vec::new();
        for (index, route) in routes.iter().enumerate() {
            if let Err(fault) = router.add(index, route) {
                faults.push(fault);
            }
        }
        if faults.is_empty() {
            Ok(router)
        } else {
            Err(faults)
        }
    }

    fn add(&mut self, index: usize, route: &RouteDef) -> Result<(), StartFault> {
        let again = "generate the gateway again: this table was not made by gateway-codegen";
        let (method, path) = (route.method, route.path);
        let taken = || StartFault::new(format!("two routes for {method} {path}"), again);
        if path == DEFAULT_PATH {
            self.names.push(Vec::new());
            return match self.fallback.replace(index) {
                Some(_) => Err(taken()),
                None => Ok(()),
            };
        }
        let pattern = Pattern::parse(path).map_err(|fault| {
            StartFault::new(format!("path {path} of {method}: {}", fault.message), again)
        })?;
        self.names.push(
            pattern
                .params()
                .map(|name| name_in(path, name))
                .collect::<Vec<_>>(),
        );
        let mut segments = pattern.segments();
        if self.kind == ApiKind::Rest
            && let [head @ .., Segment::Literal(last)] = segments
            && last.is_empty()
            && !head.is_empty()
        {
            segments = head;
        }
        let mut node = 0;
        let mut greedy = false;
        for segment in segments {
            match segment {
                Segment::Greedy(_) => greedy = true,
                segment => node = self.child(node, segment),
            }
        }
        let Some(node) = self.nodes.get_mut(node) else {
            return Ok(());
        };
        let endpoint = if greedy {
            &mut node.greedy
        } else {
            &mut node.here
        };
        if endpoint.add(method, index) {
            Ok(())
        } else {
            Err(taken())
        }
    }

    /// The node behind a segment, made if it is not there.
    fn child(&mut self, node: usize, segment: &Segment) -> usize {
        let fresh = self.nodes.len();
        let Some(parent) = self.nodes.get_mut(node) else {
            return node;
        };
        let child = match segment {
            Segment::Literal(text) => {
                let place = parent
                    .literals
                    .binary_search_by(|(known, _)| (**known).cmp(text));
                match place {
                    Ok(at) => parent.literals.get(at).map_or(fresh, |(_, child)| *child),
                    Err(at) => {
                        parent.literals.insert(at, (text.as_str().into(), fresh));
                        fresh
                    }
                }
            }
            Segment::Mixed(_) => {
                let place = parent
                    .mixed
                    .binary_search_by(|(known, _)| known.compare(segment));
                match place {
                    Ok(at) => parent.mixed.get(at).map_or(fresh, |(_, child)| *child),
                    Err(at) => {
                        parent.mixed.insert(at, (segment.clone(), fresh));
                        fresh
                    }
                }
            }
            Segment::Param(_) | Segment::Greedy(_) => *parent.param.get_or_insert(fresh),
        };
        if child == fresh {
            self.nodes.push(Node::default());
        }
        child
    }

    /// The route for a method and a path in normal form.
    pub fn find(&self, method: &str, path: &str) -> Found {
        let path = Path::new(path, self.kind);
        let mut spans = Spans::default();
        let head_from_get = self.kind == ApiKind::Plain;
        let route = self.walk(0, path, &mut spans, &mut |endpoint| {
            endpoint.route(method, head_from_get)
        });
        if let Some(route) = route {
            return Found::Route(Match { route, spans });
        }
        if let Some(route) = self.fallback {
            return Found::Route(Match {
                route,
                spans: Spans::default(),
            });
        }
        let mut others = Vec::new();
        self.walk(0, path, &mut spans, &mut |endpoint| {
            others.extend(endpoint.methods.iter().map(|(method, _)| *method));
            None
        });
        if others.is_empty() {
            return Found::Nothing;
        }
        if head_from_get && others.contains(&"GET") {
            others.push("HEAD");
        }
        others.sort_unstable();
        others.dedup();
        Found::OtherMethods(others)
    }

    /// Names of the parameters of a route, in the order of [`Match::spans`].
    pub fn names(&self, route: usize) -> &[&'static str] {
        self.names.get(route).map_or(&[], Vec::as_slice)
    }

    /// Visits the endpoints whose path matches, by precedence, until one is taken.
    fn walk(
        &self,
        node: usize,
        path: Path<'_>,
        spans: &mut Spans,
        visit: &mut dyn FnMut(&Endpoint) -> Option<usize>,
    ) -> Option<usize> {
        let node = self.nodes.get(node)?;
        let Some((segment, start, rest)) = path.split() else {
            return visit(&node.here);
        };
        let literal = node
            .literals
            .binary_search_by(|(known, _)| (**known).cmp(segment));
        if let Some((_, child)) = literal.ok().and_then(|at| node.literals.get(at))
            && let Some(route) = self.walk(*child, rest, spans, visit)
        {
            return Some(route);
        }
        let mark = spans.len();
        for (pattern, child) in &node.mixed {
            if match_segment(pattern, segment, start, spans) {
                if let Some(route) = self.walk(*child, rest, spans, visit) {
                    return Some(route);
                }
                spans.truncate(mark);
            }
        }
        if let Some(child) = node.param
            && !segment.is_empty()
        {
            spans.push((start, start + segment.len()));
            if let Some(route) = self.walk(child, rest, spans, visit) {
                return Some(route);
            }
            spans.truncate(mark);
        }
        if start < path.text.len()
            && let Some(route) = visit(&node.greedy)
        {
            spans.push((start, path.text.len()));
            return Some(route);
        }
        None
    }
}

/// Matches a mixed segment that begins at `start` of the path.
fn match_segment(pattern: &Segment, segment: &str, start: usize, spans: &mut Spans) -> bool {
    let pieces: &[Piece] = match pattern {
        Segment::Mixed(pieces) => pieces,
        _ => return false,
    };
    let mut found = Vec::new();
    let matched = match_mixed(pieces, segment, &mut found);
    for (from, to) in found {
        spans.push((from + start, to + start));
    }
    matched
}

/// A parameter's name as a part of the table, so that it lives as long as the table does.
fn name_in(path: &'static str, name: &str) -> &'static str {
    path.split('{')
        .skip(1)
        .filter_map(|part| part.split('}').next())
        .map(|written| written.strip_suffix('+').unwrap_or(written))
        .find(|written| *written == name)
        .unwrap_or_default()
}

impl Endpoint {
    /// Adds a route; `false` if the method is taken.
    fn add(&mut self, method: &'static str, route: usize) -> bool {
        if method == ANY {
            return self.any.replace(route).is_none();
        }
        let free = self.methods.iter().all(|(taken, _)| *taken != method);
        self.methods.push((method, route));
        free
    }

    fn exact(&self, method: &str) -> Option<usize> {
        self.methods
            .iter()
            .find(|(known, _)| *known == method)
            .map(|(_, route)| *route)
    }

    /// The route of a method: its own, for HEAD then GET's, then that of every other method.
    fn route(&self, method: &str, head_from_get: bool) -> Option<usize> {
        self.exact(method)
            .or_else(|| {
                (head_from_get && method == "HEAD")
                    .then(|| self.exact("GET"))
                    .flatten()
            })
            .or(self.any)
    }
}

/// What is left of a path, as segments.
#[derive(Clone, Copy)]
struct Path<'p> {
    text: &'p str,
    /// Where the next segment begins; beyond the text when there is none.
    next: usize,
}

impl<'p> Path<'p> {
    fn new(text: &'p str, kind: ApiKind) -> Path<'p> {
        let mut path = Path { text, next: 1 };
        if kind == ApiKind::Rest {
            // Several slashes at the beginning are one, and one at the end is none.
            while text
                .get(path.next..)
                .is_some_and(|rest| rest.starts_with('/') && rest.len() > 1)
            {
                path.next += 1;
            }
            if text.len() > path.next {
                path.text = text.strip_suffix('/').unwrap_or(text);
            }
        }
        path
    }

    /// The next segment, where it begins, and what is behind it.
    fn split(self) -> Option<(&'p str, usize, Path<'p>)> {
        let rest = self.text.get(self.next..)?;
        let end = memchr::memchr(b'/', rest.as_bytes()).unwrap_or(rest.len());
        let behind = Path {
            text: self.text,
            next: self.next + end + 1,
        };
        Some((rest.get(..end)?, self.next, behind))
    }
}

#[cfg(test)]
mod tests;
