//! A cursor over a document that always knows where it stands.
//!
//! A [`Node`] is a borrowed value and the number of its file, so it is `Copy` and free to pass around. Its pointer is not
//! carried along but looked up: while a document is borrowed its values do not move, so their addresses name them. The
//! index from address to place is made once per file, on the first question.

use std::fmt::Write as _;
use std::ptr;

use serde_json::Value;

use super::{Document, SourceFile};
use crate::findings::Place;
use crate::resolve;

/// Most references in a row; a longer chain is reported as a cycle.
pub(crate) const MAX_HOPS: usize = 64;

/// A value of a document.
#[derive(Debug, Clone, Copy)]
pub struct Node<'d> {
    document: &'d Document,
    file: usize,
    value: &'d Value,
}

impl Document {
    /// The root of the entry document.
    pub fn root(&self) -> Option<Node<'_>> {
        self.file_root(0)
    }

    /// The root of a file.
    pub fn file_root(&self, file: usize) -> Option<Node<'_>> {
        let value = &self.files.get(file)?.root;
        Some(Node {
            document: self,
            file,
            value,
        })
    }

    /// What stands at a place, if anything does.
    pub fn at(&self, place: &Place) -> Option<Node<'_>> {
        self.file_root(place.file)?.at(&place.pointer)
    }
}

impl<'d> Node<'d> {
    /// The value itself.
    pub fn value(&self) -> &'d Value {
        self.value
    }

    /// The document it belongs to.
    pub fn document(&self) -> &'d Document {
        self.document
    }

    /// Where the value stands.
    pub fn place(&self) -> Place {
        Place {
            file: self.file,
            pointer: self.pointer(),
            key: false,
            offset: None,
        }
    }

    /// Number of the file whose tree it belongs to.
    pub(crate) fn file(&self) -> usize {
        self.file
    }

    /// Pointer inside that tree.
    pub(crate) fn pointer(&self) -> String {
        let pointer = self.source().map(|file| file.pointer_of(self.value));
        pointer.unwrap_or_default()
    }

    /// Where the name of this member stands.
    pub fn key_place(&self) -> Place {
        Place {
            key: true,
            ..self.place()
        }
    }

    /// A place inside the text that stands here, `offset` bytes from its start.
    pub fn place_at(&self, offset: usize) -> Place {
        Place {
            offset: Some(offset),
            ..self.place()
        }
    }

    /// A member. A `$ref` in its place is not followed.
    pub fn get(&self, key: &str) -> Option<Node<'d>> {
        let value = self.value.as_object()?.get(key)?;
        Some(Node { value, ..*self })
    }

    /// The members of an object in the order of the file; none of anything else.
    pub fn entries(&self) -> impl Iterator<Item = (&'d str, Node<'d>)> + use<'d> {
        let node = *self;
        self.value
            .as_object()
            .into_iter()
            .flatten()
            .map(move |(key, value)| (key.as_str(), Node { value, ..node }))
    }

    /// The elements of an array; none of anything else.
    pub fn items(&self) -> impl Iterator<Item = Node<'d>> + use<'d> {
        let node = *self;
        self.value
            .as_array()
            .into_iter()
            .flatten()
            .map(move |value| Node { value, ..node })
    }

    /// What a JSON pointer leads to from here; empty: this node.
    pub fn at(&self, pointer: &str) -> Option<Node<'d>> {
        let value = follow_pointer(self.value, pointer)?;
        Some(Node { value, ..*self })
    }

    /// The node that a chain of `{"$ref": …}` ends at. A chain that leads nowhere or back to itself ends where it began:
    /// [`resolve::references`](crate::resolve::references) has reported it.
    pub fn follow(&self) -> Node<'d> {
        let mut node = *self;
        for _ in 0..=MAX_HOPS {
            let Some(reference) = node.reference() else {
                return node;
            };
            match node.target(reference) {
                Some(target) => node = target,
                None => return *self,
            }
        }
        *self
    }

    /// The text of the `$ref` here, if this is a reference.
    pub fn reference(&self) -> Option<&'d str> {
        self.value.as_object()?.get("$ref")?.as_str()
    }

    /// What a reference written here leads to.
    pub(crate) fn target(&self, reference: &str) -> Option<Node<'d>> {
        let names = &self.document.names;
        if !names.is_empty()
            && let Some((file, pointer)) = names.target(self.file, &self.pointer(), reference)
            && let Some(node) = self.document.file_root(file)?.at(&pointer)
        {
            return Some(node);
        }
        let (file, fragment) = resolve::split(reference)?;
        let file = match file {
            "" => self.file,
            name => *self.source()?.links.get(name)?,
        };
        let root = self.document.file_root(file)?;
        if resolve::is_pointer(&fragment) {
            root.at(&fragment)
        } else {
            root.at(names.anchor(file, &fragment)?)
        }
    }

    /// The text, of a string.
    pub fn as_str(&self) -> Option<&'d str> {
        self.value.as_str()
    }

    /// The truth value, of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        self.value.as_bool()
    }

    /// Whether this is an object.
    pub fn is_object(&self) -> bool {
        self.value.is_object()
    }

    /// Whether this is an array.
    pub fn is_array(&self) -> bool {
        self.value.is_array()
    }

    /// Whether this and `other` are the same value at the same place.
    pub fn same(&self, other: &Node<'_>) -> bool {
        self.id() == other.id()
    }

    /// Tells values of one document apart.
    pub(crate) fn id(&self) -> usize {
        address(self.value)
    }

    fn source(&self) -> Option<&'d SourceFile> {
        self.document.files.get(self.file)
    }
}

impl SourceFile {
    /// Pointer of a value that lies in this file.
    fn pointer_of(&self, value: &Value) -> String {
        if ptr::eq(value, &self.root) {
            return String::new();
        }
        self.index
            .get_or_init(|| Index::of(&self.root))
            .pointer(address(value))
    }
}

/// Address of each value below the root → what names it. There may be millions of them: a sorted list is a quarter of a map.
#[derive(Debug, Default)]
pub(super) struct Index {
    steps: Vec<Step>,
    /// All reference tokens, each with its slash and already escaped.
    tokens: String,
}

/// The step from a value up to the one that holds it.
#[derive(Debug, Clone, Copy)]
struct Step {
    value: usize,
    parent: usize,
    /// Where its token begins; it ends where the next one begins.
    token: usize,
}

fn address(value: &Value) -> usize {
    ptr::from_ref(value).addr()
}

impl Index {
    fn of(root: &Value) -> Self {
        let mut index = Index::default();
        let mut open = vec![root];
        while let Some(value) = open.pop() {
            let parent = address(value);
            let mut note = |index: &mut Index, child, token| {
                index.steps.push(Step {
                    value: address(child),
                    parent,
                    token,
                });
                if child.is_object() || child.is_array() {
                    open.push(child);
                }
            };
            match value {
                Value::Object(members) => {
                    for (key, child) in members {
                        let token = index.tokens.len();
                        escape(key, &mut index.tokens);
                        note(&mut index, child, token);
                    }
                }
                Value::Array(items) => {
                    for (number, child) in items.iter().enumerate() {
                        let token = index.tokens.len();
                        // Writing to a String cannot fail.
                        let _ = write!(index.tokens, "/{number}");
                        note(&mut index, child, token);
                    }
                }
                _ => {}
            }
        }
        index.steps.sort_unstable_by_key(|step| step.value);
        index
    }

    fn pointer(&self, mut value: usize) -> String {
        let mut tokens = Vec::new();
        while let Ok(found) = self.steps.binary_search_by_key(&value, |step| step.value)
            && let Some(step) = self.steps.get(found)
        {
            let token = self.tokens.get(step.token..).unwrap_or_default();
            let length = token.get(1..).and_then(|behind| behind.find('/'));
            let token = length
                .and_then(|length| token.get(..=length))
                .unwrap_or(token);
            tokens.push(token);
            value = step.parent;
        }
        tokens.reverse();
        tokens.concat()
    }
}

/// Appends a reference token, its slash first (RFC 6901 section 3).
pub(crate) fn escape(token: &str, pointer: &mut String) {
    pointer.push('/');
    for c in token.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// Undoes [`escape`] for one token without its slash.
pub(crate) fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// What a JSON pointer leads to (RFC 6901 section 4).
pub(crate) fn follow_pointer<'v>(root: &'v Value, pointer: &str) -> Option<&'v Value> {
    let Some(tokens) = pointer.strip_prefix('/') else {
        return pointer.is_empty().then_some(root);
    };
    tokens
        .split('/')
        .try_fold(root, |value, token| match value {
            // Hardly any token is escaped.
            Value::Object(members) => match token.contains('~') {
                true => members.get(&unescape(token)),
                false => members.get(token),
            },
            Value::Array(items) => {
                let plain = token == "0" || !token.starts_with(['0', '+']);
                items.get(token.parse::<usize>().ok().filter(|_| plain)?)
            }
            _ => None,
        })
}
