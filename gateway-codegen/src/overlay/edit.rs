//! A tree that is changed, and the places of what is in it.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use gateway_runtime::jsonpath::{Path, Step};
use serde_json::Value;

use crate::load::{MAX_DEPTH, MAX_POINTER, Origins, escape};

/// A value and where its parts were written.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: Value,
    pub(crate) origins: Origins,
}

/// What only merges with its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    List,
    Single,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Object => "an object",
            Kind::List => "a list",
            Kind::Single => "a single value",
        })
    }
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Object(_) => Kind::Object,
        Value::Array(_) => Kind::List,
        _ => Kind::Single,
    }
}

/// Two values that do not go together.
pub(super) struct Mismatch {
    /// Pointer inside the value that was to be laid.
    pub(super) inside: String,
    pub(super) message: String,
}

/// How large a value is.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Size {
    /// Values and names in it.
    pub(crate) nodes: usize,
    /// Bytes of its texts and names.
    pub(crate) bytes: usize,
    depth: usize,
    pointer: usize,
}

/// The size of a value, whose depth is bounded.
pub(crate) fn measure(value: &Value) -> Size {
    let mut size = Size {
        nodes: 1,
        ..Size::default()
    };
    let mut inside = |name: usize, child: &Value| {
        let child = measure(child);
        size.nodes += child.nodes + 1;
        size.bytes += child.bytes + name;
        size.depth = size.depth.max(child.depth + 1);
        size.pointer = size.pointer.max(child.pointer + name + 1);
    };
    match value {
        Value::Object(members) => {
            for (name, child) in members {
                inside(name.len(), child);
            }
        }
        Value::Array(items) => {
            for child in items {
                inside(8, child);
            }
        }
        Value::String(text) => size.bytes += text.len(),
        _ => {}
    }
    size
}

impl Size {
    /// Whether a document with a value of this size at a path is as documents are.
    pub(super) fn fits(&self, path: &Path) -> bool {
        self.depth + path.0.len() < MAX_DEPTH && self.pointer + pointer(path).len() <= MAX_POINTER
    }
}

/// A path as a JSON pointer.
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for step in &path.0 {
        match step {
            Step::Name(name) => escape(name, &mut pointer),
            Step::Index(index) => pointer.push_str(&format!("/{index}")),
        }
    }
    pointer
}

impl Tree {
    fn at(&mut self, path: &[Step]) -> Option<&mut Value> {
        path.iter()
            .try_fold(&mut self.root, |value, step| match step {
                Step::Name(name) => value.get_mut(name),
                Step::Index(index) => value.get_mut(index),
            })
    }

    /// What kind of value stands at a path.
    pub(super) fn kind(&mut self, path: &Path) -> Kind {
        self.at(&path.0).map_or(Kind::Single, |value| kind(value))
    }

    /// A copy of what stands at a path.
    pub(super) fn taken(&mut self, path: &Path) -> Tree {
        let mut origins = Origins::default();
        origins.put("", self.origins.parts(&pointer(path)));
        Tree {
            root: self.at(&path.0).cloned().unwrap_or_default(),
            origins,
        }
    }

    /// Takes values out.
    pub(super) fn remove(&mut self, paths: Vec<Path>) {
        let mut by_holder: BTreeMap<Vec<Step>, HashSet<Step>> = BTreeMap::new();
        for Path(mut path) in paths {
            if let Some(last) = path.pop() {
                by_holder.entry(path).or_default().insert(last);
            }
        }
        // Holders inside others come behind them, so that backwards no path is stale.
        for (path, gone) in by_holder.into_iter().rev() {
            let holder = pointer(&Path(path.clone()));
            match self.at(&path) {
                Some(Value::Object(members)) => {
                    members.retain(|name, _| !gone.contains(&Step::Name(name.clone())));
                    for step in gone {
                        self.origins
                            .clear(&format!("{holder}{}", pointer(&Path(vec![step]))));
                    }
                }
                Some(Value::Array(items)) => {
                    let count = items.len();
                    let mut number = 0;
                    items.retain(|_| {
                        number += 1;
                        !gone.contains(&Step::Index(number - 1))
                    });
                    let mut next = 0;
                    for old in 0..count {
                        if gone.contains(&Step::Index(old)) {
                            continue;
                        }
                        if next != old {
                            let parts = self.origins.parts(&format!("{holder}/{old}"));
                            self.origins.put(&format!("{holder}/{next}"), parts);
                        }
                        next += 1;
                    }
                    for left in next..count {
                        self.origins.clear(&format!("{holder}/{left}"));
                    }
                }
                _ => {}
            }
        }
    }

    /// Lays a value over what stands at a path. `one`: a list is one new element of a list.
    pub(super) fn lay(
        &mut self,
        path: &Path,
        value: &Value,
        from: &Origins,
        one: bool,
    ) -> Result<(), Mismatch> {
        let mut to = pointer(path);
        let mut inside = String::new();
        let mut origins = std::mem::take(&mut self.origins);
        let laid = match self.at(&path.0) {
            Some(Value::Array(items)) if one || !value.is_array() => {
                to.push_str(&format!("/{}", items.len()));
                items.push(value.clone());
                origins.put(&to, from.parts(""));
                Ok(())
            }
            Some(old) => Laying {
                origins: &mut origins,
                from,
            }
            .merge(old, value, &mut to, &mut inside),
            None => Ok(()),
        };
        self.origins = origins;
        laid
    }
}

struct Laying<'o> {
    origins: &'o mut Origins,
    from: &'o Origins,
}

impl Laying<'_> {
    fn merge(
        &mut self,
        old: &mut Value,
        new: &Value,
        to: &mut String,
        inside: &mut String,
    ) -> Result<(), Mismatch> {
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => {
                for (name, new) in new {
                    let lengths = (to.len(), inside.len());
                    escape(name, to);
                    escape(name, inside);
                    match old.get_mut(name) {
                        Some(old) => self.merge(old, new, to, inside)?,
                        None => {
                            old.insert(name.clone(), new.clone());
                            self.origins.put(to, self.from.parts(inside));
                        }
                    }
                    to.truncate(lengths.0);
                    inside.truncate(lengths.1);
                }
                Ok(())
            }
            (Value::Array(old), Value::Array(new)) => {
                for (number, new) in new.iter().enumerate() {
                    let parts = self.from.parts(&format!("{inside}/{number}"));
                    self.origins.put(&format!("{to}/{}", old.len()), parts);
                    old.push(new.clone());
                }
                Ok(())
            }
            (old, new) if kind(old) == Kind::Single && kind(new) == Kind::Single => {
                *old = new.clone();
                self.origins.put(to, self.from.parts(inside));
                Ok(())
            }
            (old, new) => Err(Mismatch {
                inside: inside.clone(),
                message: format!(
                    "the document has {} at `{}`, and this is {}",
                    kind(old),
                    crate::findings::brief(to),
                    kind(new)
                ),
            }),
        }
    }
}
