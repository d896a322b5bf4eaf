//! Evaluation: nodes in, nodes out, segment by segment.

use std::cmp::Ordering;
use std::collections::HashMap;

use regex::Regex;
use serde_json::{Number, Value};

use super::function::Function;
use super::{
    Argument, Budget, Call, Comparable, Comparison, Exhausted, Inner, Logical, MAX_DEPTH,
    MAX_RESULTS, MAX_TRAIL, Path, Query, Segment, Selector, Step, iregexp,
};

/// Compiled expressions that one evaluation keeps; a value may hold more of them.
const MAX_KEPT: usize = 64;

impl Query {
    /// Paths of the selected nodes, in order.
    ///
    /// # Errors
    /// If that takes more steps than there are in `budget`, or selects more than [`MAX_RESULTS`] nodes.
    pub fn paths(&self, root: &Value, budget: &mut Budget) -> Result<Vec<Path>, Exhausted> {
        let mut evaluation = Evaluation::new(root, budget);
        let found = evaluation.nodes(root, &self.segments)?;
        let trail = evaluation.trail;
        Ok(found.iter().map(|node| path(&trail, node.at)).collect())
    }

    /// The selected nodes, in order.
    ///
    /// # Errors
    /// As for [`paths`](Self::paths).
    pub fn values<'v>(
        &self,
        root: &'v Value,
        budget: &mut Budget,
    ) -> Result<Vec<&'v Value>, Exhausted> {
        let mut evaluation = Evaluation::new(root, budget);
        let found = evaluation.nodes(root, &self.segments)?;
        Ok(found.iter().map(|node| node.value).collect())
    }
}

/// A node that was selected.
#[derive(Clone, Copy)]
struct Node<'v> {
    value: &'v Value,
    /// Its link in the trail; 0: where the query began.
    at: usize,
}

/// How a node was reached: from this link, by this step.
struct Link<'v> {
    parent: usize,
    step: Way<'v>,
}

#[derive(Clone, Copy)]
enum Way<'v> {
    Start,
    Index(usize),
    Name(&'v str),
}

fn path(trail: &[Link<'_>], mut at: usize) -> Path {
    let mut steps = Vec::new();
    while let Some(link) = trail.get(at) {
        match link.step {
            Way::Start => break,
            Way::Index(index) => steps.push(Step::Index(index)),
            Way::Name(name) => steps.push(Step::Name(name.to_owned())),
        }
        at = link.parent;
    }
    steps.reverse();
    Path(steps)
}

struct Evaluation<'v, 'b> {
    root: &'v Value,
    budget: &'b mut Budget,
    trail: Vec<Link<'v>>,
    /// Expressions that stand in the value or the query; `None`: the text is none.
    patterns: HashMap<(String, bool), Option<Regex>>,
}

impl<'v, 'b> Evaluation<'v, 'b> {
    fn new(root: &'v Value, budget: &'b mut Budget) -> Self {
        Evaluation {
            root,
            budget,
            trail: vec![Link {
                parent: 0,
                step: Way::Start,
            }],
            patterns: HashMap::new(),
        }
    }

    fn nodes(
        &mut self,
        start: &'v Value,
        segments: &[Segment],
    ) -> Result<Vec<Node<'v>>, Exhausted> {
        let mut nodes = vec![Node {
            value: start,
            at: 0,
        }];
        for segment in segments {
            let mut next = Vec::new();
            for node in nodes {
                if segment.descendants {
                    self.descend(node, &segment.selectors, 0, &mut next)?;
                } else {
                    self.select(node, &segment.selectors, &mut next)?;
                }
            }
            nodes = next;
        }
        Ok(nodes)
    }

    /// Applies selectors to a node and to everything below it, parents first.
    fn descend(
        &mut self,
        node: Node<'v>,
        selectors: &[Selector],
        depth: usize,
        out: &mut Vec<Node<'v>>,
    ) -> Result<(), Exhausted> {
        if depth > MAX_DEPTH {
            return Err(Exhausted);
        }
        self.budget.take(1)?;
        self.select(node, selectors, out)?;
        match node.value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    if item.is_array() || item.is_object() {
                        let child = self.child(node, Way::Index(index), item);
                        self.descend(child, selectors, depth + 1, out)?;
                    }
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    if member.is_array() || member.is_object() {
                        let child = self.child(node, Way::Name(name), member);
                        self.descend(child, selectors, depth + 1, out)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn child(&mut self, node: Node<'v>, step: Way<'v>, value: &'v Value) -> Node<'v> {
        self.trail.push(Link {
            parent: node.at,
            step,
        });
        Node {
            value,
            at: self.trail.len() - 1,
        }
    }

    fn add(
        &mut self,
        node: Node<'v>,
        step: Way<'v>,
        value: &'v Value,
        out: &mut Vec<Node<'v>>,
    ) -> Result<(), Exhausted> {
        self.budget.take(1)?;
        if out.len() >= MAX_RESULTS || self.trail.len() >= MAX_TRAIL {
            return Err(Exhausted);
        }
        let child = self.child(node, step, value);
        out.push(child);
        Ok(())
    }

    fn select(
        &mut self,
        node: Node<'v>,
        selectors: &[Selector],
        out: &mut Vec<Node<'v>>,
    ) -> Result<(), Exhausted> {
        for selector in selectors {
            match (selector, node.value) {
                (Selector::Name(name), Value::Object(members)) => {
                    if let Some((name, value)) = members.get_key_value(name) {
                        self.add(node, Way::Name(name), value, out)?;
                    }
                }
                (Selector::Wildcard, Value::Object(members)) => {
                    for (name, value) in members {
                        self.add(node, Way::Name(name), value, out)?;
                    }
                }
                (Selector::Wildcard, Value::Array(items)) => {
                    for (index, value) in items.iter().enumerate() {
                        self.add(node, Way::Index(index), value, out)?;
                    }
                }
                (Selector::Index(index), Value::Array(items)) => {
                    if let Some((index, value)) = element(items, *index) {
                        self.add(node, Way::Index(index), value, out)?;
                    }
                }
                (Selector::Slice { start, end, step }, Value::Array(items)) => {
                    for index in slice(items.len(), *start, *end, *step) {
                        if let Some(value) = items.get(index) {
                            self.add(node, Way::Index(index), value, out)?;
                        }
                    }
                }
                (Selector::Filter(test), Value::Object(members)) => {
                    for (name, value) in members {
                        self.budget.take(1)?;
                        if self.holds(test, value)? {
                            self.add(node, Way::Name(name), value, out)?;
                        }
                    }
                }
                (Selector::Filter(test), Value::Array(items)) => {
                    for (index, value) in items.iter().enumerate() {
                        self.budget.take(1)?;
                        if self.holds(test, value)? {
                            self.add(node, Way::Index(index), value, out)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a test holds for the current node.
    fn holds(&mut self, test: &Logical, current: &'v Value) -> Result<bool, Exhausted> {
        self.budget.take(1)?;
        Ok(match test {
            Logical::Or(tests) => {
                for test in tests {
                    if self.holds(test, current)? {
                        return Ok(true);
                    }
                }
                false
            }
            Logical::And(tests) => {
                for test in tests {
                    if !self.holds(test, current)? {
                        return Ok(false);
                    }
                }
                true
            }
            Logical::Not(test) => !self.holds(test, current)?,
            Logical::Exists(query) => !self.inner(query, current)?.is_empty(),
            Logical::Call(call) => self.matches(call, current)?,
            Logical::Compare(left, comparison, right) => {
                let left = self.value(left, current)?;
                let right = self.value(right, current)?;
                self.compare(left.get(), *comparison, right.get())?
            }
        })
    }

    /// What a query inside a filter selects.
    fn inner(&mut self, query: &Inner, current: &'v Value) -> Result<Vec<&'v Value>, Exhausted> {
        let start = if query.absolute { self.root } else { current };
        if query.is_singular() {
            return Ok(self.single(query, start)?.into_iter().collect());
        }
        // Nobody asks for the paths of these.
        let length = self.trail.len();
        let nodes = self.nodes(start, &query.segments);
        self.trail.truncate(length);
        Ok(nodes?.into_iter().map(|node| node.value).collect())
    }

    /// The node of a singular query, without the work of a general one.
    fn single(&mut self, query: &Inner, start: &'v Value) -> Result<Option<&'v Value>, Exhausted> {
        let mut value = start;
        for segment in &query.segments {
            self.budget.take(1)?;
            let next = match (segment.selectors.first(), value) {
                (Some(Selector::Name(name)), Value::Object(members)) => members.get(name),
                (Some(Selector::Index(index)), Value::Array(items)) => {
                    element(items, *index).map(|(_, value)| value)
                }
                _ => None,
            };
            match next {
                Some(next) => value = next,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }

    /// The value of one side of a comparison; nothing where there is none.
    fn value<'q>(
        &mut self,
        side: &'q Comparable,
        current: &'v Value,
    ) -> Result<Known<'q, 'v>, Exhausted> {
        Ok(match side {
            Comparable::Literal(value) => Known::Written(value),
            Comparable::Query(query) => {
                let start = if query.absolute { self.root } else { current };
                self.single(query, start)?
                    .map_or(Known::Nothing, Known::Found)
            }
            Comparable::Call(call) => self.call(call, current)?,
        })
    }

    /// The result of a function that gives a value.
    fn call<'q>(&mut self, call: &'q Call, current: &'v Value) -> Result<Known<'q, 'v>, Exhausted> {
        Ok(match (call.function, call.arguments.as_slice()) {
            (Function::Length, [Argument::Value(of)]) => {
                let value = self.value(of, current)?;
                let length = match value.get() {
                    Some(Value::String(text)) => {
                        self.budget.take(text.len() / 16)?;
                        text.chars().count()
                    }
                    Some(Value::Array(items)) => items.len(),
                    Some(Value::Object(members)) => members.len(),
                    _ => return Ok(Known::Nothing),
                };
                Known::Made(length.into())
            }
            (Function::Count, [Argument::Nodes(of)]) => {
                Known::Made(self.inner(of, current)?.len().into())
            }
            (Function::Value, [Argument::Nodes(of)]) => match self.inner(of, current)?.as_slice() {
                [only] => Known::Found(only),
                _ => Known::Nothing,
            },
            _ => Known::Nothing,
        })
    }

    /// The result of `match` and `search`.
    fn matches(&mut self, call: &Call, current: &'v Value) -> Result<bool, Exhausted> {
        let [Argument::Value(text), Argument::Value(pattern)] = call.arguments.as_slice() else {
            return Ok(false);
        };
        let (text, pattern) = (self.value(text, current)?, self.value(pattern, current)?);
        let (Some(Value::String(text)), Some(Value::String(pattern))) = (text.get(), pattern.get())
        else {
            return Ok(false);
        };
        self.budget.take(text.len())?;
        let key = (pattern.clone(), call.function == Function::Match);
        if !self.patterns.contains_key(&key) {
            // Compiling is work in proportion to the pattern, and some more for what it says in few words.
            self.budget.take(1000 + pattern.len())?;
            if self.patterns.len() >= MAX_KEPT {
                self.patterns.clear();
            }
            let compiled = iregexp::compile(&key.0, key.1);
            self.patterns.insert(key.clone(), compiled);
        }
        let compiled = self.patterns.get(&key).and_then(Option::as_ref);
        Ok(compiled.is_some_and(|regex| regex.is_match(text)))
    }

    /// Section 2.3.5.2.2.
    fn compare(
        &mut self,
        left: Option<&Value>,
        comparison: Comparison,
        right: Option<&Value>,
    ) -> Result<bool, Exhausted> {
        let equal = match (left, right) {
            (None, None) => true,
            (Some(left), Some(right)) => self.equal(left, right, 0)?,
            _ => false,
        };
        let order = match (left, right) {
            (Some(Value::Number(left)), Some(Value::Number(right))) => numbers(left, right),
            (Some(Value::String(left)), Some(Value::String(right))) => Some(left.cmp(right)),
            _ => None,
        };
        let less = order == Some(Ordering::Less);
        let greater = order == Some(Ordering::Greater);
        Ok(match comparison {
            Comparison::Equal => equal,
            Comparison::NotEqual => !equal,
            Comparison::Less => less,
            Comparison::LessOrEqual => less || equal,
            Comparison::Greater => greater,
            Comparison::GreaterOrEqual => greater || equal,
        })
    }

    fn equal(&mut self, left: &Value, right: &Value, depth: usize) -> Result<bool, Exhausted> {
        self.budget.take(1)?;
        if depth > MAX_DEPTH {
            return Err(Exhausted);
        }
        Ok(match (left, right) {
            (Value::Number(left), Value::Number(right)) => {
                numbers(left, right) == Some(Ordering::Equal)
            }
            (Value::Array(left), Value::Array(right)) => {
                if left.len() != right.len() {
                    return Ok(false);
                }
                for (left, right) in left.iter().zip(right) {
                    if !self.equal(left, right, depth + 1)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Object(left), Value::Object(right)) => {
                if left.len() != right.len() {
                    return Ok(false);
                }
                for (name, left) in left {
                    match right.get(name) {
                        Some(right) if self.equal(left, right, depth + 1)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            (left, right) => left == right,
        })
    }
}

/// A value, wherever it is.
enum Known<'q, 'v> {
    Written(&'q Value),
    Found(&'v Value),
    Made(Value),
    Nothing,
}

impl Known<'_, '_> {
    fn get(&self) -> Option<&Value> {
        match self {
            Known::Written(value) | Known::Found(value) => Some(value),
            Known::Made(value) => Some(value),
            Known::Nothing => None,
        }
    }
}

/// Integers exactly, everything else as doubles.
fn numbers(left: &Number, right: &Number) -> Option<Ordering> {
    let whole = |number: &Number| {
        let signed = number.as_i64().map(i128::from);
        signed.or_else(|| number.as_u64().map(i128::from))
    };
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// The element that an index names; a negative one counts from the end.
fn element(items: &[Value], index: i64) -> Option<(usize, &Value)> {
    let index = match usize::try_from(index) {
        Ok(index) => index,
        Err(_) => items
            .len()
            .checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    Some((index, items.get(index)?))
}

/// Indexes of a slice (section 2.3.4.2).
fn slice(
    length: usize,
    start: Option<i64>,
    end: Option<i64>,
    step: i64,
) -> impl Iterator<Item = usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let normal = |index: i64| {
        if index >= 0 {
            index
        } else {
            length.saturating_add(index)
        }
    };
    let (first, last) = if step >= 0 {
        let start = normal(start.unwrap_or(0)).clamp(0, length);
        let end = normal(end.unwrap_or(length)).clamp(0, length);
        (start, end)
    } else {
        let start = normal(start.unwrap_or(length.saturating_sub(1))).clamp(-1, length - 1);
        let end = match end {
            Some(end) => normal(end).clamp(-1, length - 1),
            None => -1,
        };
        (start, end)
    };
    let mut next = (step != 0).then_some(first);
    std::iter::from_fn(move || {
        let index = next?;
        let inside = if step > 0 { index < last } else { index > last };
        if !inside {
            return None;
        }
        next = index.checked_add(step);
        usize::try_from(index).ok()
    })
}
