//! Values that come in pieces: `filter[author][name]=x`, the fields of a form, the parts of a multipart body.
//!
//! Pieces are gathered by their names and then written as one JSON value; what each becomes is asked of the schema. Bounded in
//! number and depth, and linear in what was sent.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::value::{self, Coding, Delimiter, Sort, Wrong, allows, decoded};
use crate::def::Types;
use crate::schema::Step;

/// Most pieces of one body; the most that a query of the longest target has. Frameworks take 1,000.
pub(super) const MOST: usize = 4096;
/// Deepest name: `a[b][c]` is 3 deep.
const DEPTH: usize = 16;

/// One piece of a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf<'t> {
    /// As it was sent.
    pub(super) raw: &'t [u8],
    /// What it is.
    pub(super) kind: Kind,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text, so encoded.
    Text(Coding),
    /// A JSON text.
    Json,
    /// Bytes: a string with a character for each, U+0000 to U+00FF.
    Octets,
}

/// A value in pieces.
#[derive(Debug)]
pub(super) enum Tree<'t> {
    Leaves(Vec<Leaf<'t>>),
    Members(BTreeMap<String, Tree<'t>>),
}

impl Default for Tree<'_> {
    fn default() -> Self {
        Tree::Members(BTreeMap::new())
    }
}

/// Says how many of the elements of a member stand in one piece; `None`: each has its own.
pub(super) type Joined<'f> = &'f dyn Fn(&str) -> Option<Delimiter>;

/// What the schema allows at a place.
pub(super) type Allowed<'f> = &'f dyn Fn(&[Step<'_>]) -> Types;

impl<'t> Tree<'t> {
    /// Adds a piece under a name of one or more steps.
    pub(super) fn insert(&mut self, name: &[&str], leaf: Leaf<'t>) -> Result<(), Wrong> {
        if name.len() > DEPTH {
            return Err(Wrong::Style);
        }
        let mut at = self;
        for (depth, step) in name.iter().enumerate() {
            let Tree::Members(members) = at else {
                return Err(Wrong::Style);
            };
            // `a[]`: one element more.
            let step = match (step.is_empty() && depth > 0, members.len()) {
                (true, count) => count.to_string(),
                (false, _) => (*step).to_owned(),
            };
            at = members
                .entry(step)
                .or_insert_with(|| match depth + 1 == name.len() {
                    true => Tree::Leaves(Vec::new()),
                    false => Tree::default(),
                });
        }
        match at {
            Tree::Leaves(leaves) => {
                leaves.push(leaf);
                Ok(())
            }
            Tree::Members(_) => Err(Wrong::Style),
        }
    }

    /// Whether nothing was added.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Tree::Members(members) if members.is_empty())
    }

    /// Writes it as JSON.
    pub(super) fn write(
        &self,
        allowed: Allowed<'_>,
        joined: Joined<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Wrong> {
        write(self, &mut Vec::new(), allowed, joined, out)
    }
}

fn write<'n>(
    tree: &'n Tree<'_>,
    steps: &mut Vec<Step<'n>>,
    allowed: Allowed<'_>,
    joined: Joined<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Wrong> {
    let types = allowed(steps);
    let members = match tree {
        Tree::Leaves(leaves) => return write_leaves(leaves, types, steps, allowed, joined, out),
        Tree::Members(members) => members,
    };
    if allows(types, Types::ARRAY) && !allows(types, Types::OBJECT) {
        let mut numbered: Vec<(usize, &Tree<'_>)> = members
            .iter()
            .map(|(name, tree)| (name.parse().unwrap_or(usize::MAX), tree))
            .collect();
        numbered.sort_by_key(|(number, _)| *number);
        out.push(b'[');
        for (index, (_, tree)) in numbered.into_iter().enumerate() {
            separate(index, out);
            within(Step::Item(index), steps, |steps| {
                write(tree, steps, allowed, joined, out)
            })?;
        }
        out.push(b']');
        return Ok(());
    }
    out.push(b'{');
    for (index, (name, tree)) in members.iter().enumerate() {
        separate(index, out);
        value::write_string(name, out);
        out.push(b':');
        within(Step::Property(name), steps, |steps| {
            write(tree, steps, allowed, joined, out)
        })?;
    }
    out.push(b'}');
    Ok(())
}

fn write_leaves<'n>(
    leaves: &[Leaf<'_>],
    types: Types,
    steps: &mut Vec<Step<'n>>,
    allowed: Allowed<'_>,
    joined: Joined<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Wrong> {
    let delimiter = match steps.as_slice() {
        [Step::Property(name)] => joined(name),
        _ => None,
    };
    match (Sort::of(types, leaves.len() > 1), leaves) {
        (Sort::One | Sort::Members, [leaf]) => return write_leaf(leaf, types, out),
        // Of JSON's own, an array is one piece.
        (Sort::Several, [leaf])
            if leaf.kind == Kind::Json && leaf.raw.trim_ascii_start().starts_with(b"[") =>
        {
            return write_leaf(leaf, types, out);
        }
        _ => {}
    }
    // Several pieces where one is wanted are an array as well, which the schema then refuses.
    out.push(b'[');
    let mut index = 0;
    for leaf in leaves {
        let whole = [leaf.raw];
        let mut pieces = delimiter.map(|delimiter| delimiter.split(leaf.raw));
        let mut whole = whole.into_iter();
        while let Some(raw) = match &mut pieces {
            Some(pieces) => pieces.next(),
            None => whole.next(),
        } {
            separate(index, out);
            let types = within(Step::Item(index), steps, |steps| allowed(steps));
            write_leaf(&Leaf { raw, ..*leaf }, types, out)?;
            index += 1;
        }
    }
    out.push(b']');
    Ok(())
}

fn write_leaf(leaf: &Leaf<'_>, types: Types, out: &mut Vec<u8>) -> Result<(), Wrong> {
    let coding = match leaf.kind {
        Kind::Octets => {
            // What is UTF-8 is itself, so that patterns and formats can be asked of it.
            match std::str::from_utf8(leaf.raw) {
                Ok(text) => value::write_string(text, out),
                Err(_) => value::write_bytes(leaf.raw, out),
            }
            return Ok(());
        }
        Kind::Json => Coding::Plain,
        Kind::Text(coding) => coding,
    };
    let text = decoded(leaf.raw, coding)?;
    let json = leaf.kind == Kind::Json
        || Sort::of(types, false) != Sort::One && text.starts_with(['{', '[']);
    // Only what is one whole JSON text: anything else could add members to the object around it.
    if json && serde_json::from_str::<&RawValue>(&text).is_ok() {
        out.extend_from_slice(text.as_bytes());
    } else {
        value::write(&text, types, out);
    }
    Ok(())
}

fn separate(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
}

fn within<'n, R>(
    step: Step<'n>,
    steps: &mut Vec<Step<'n>>,
    work: impl FnOnce(&mut Vec<Step<'n>>) -> R,
) -> R {
    steps.push(step);
    let result = work(steps);
    steps.pop();
    result
}

/// The steps of `a[b][c]`: the begin and what stands in brackets. `None`: brackets that do not close.
pub(super) fn steps(name: &str) -> Option<Vec<&str>> {
    let Some(open) = name.find('[') else {
        return Some(vec![name]);
    };
    let (base, mut rest) = name.split_at(open);
    let mut steps = vec![base];
    while !rest.is_empty() {
        let (step, behind) = rest.strip_prefix('[')?.split_once(']')?;
        steps.push(step);
        rest = behind;
    }
    Some(steps)
}
