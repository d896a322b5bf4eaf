//! Values that know where they were written.
//!
//! Policy comes from many members of a document and is merged before it is read into types, so a place must travel with
//! every single value. A [`Tree`] owns its values: what the Amazon family said is translated into trees that look as if
//! `x-gateway` had said it, at the places of Amazon's members.

use indexmap::IndexMap;
use serde_json::Value;

use crate::findings::Place;
use crate::intrinsics;
use crate::load::Node;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tree {
    /// Where the value stands.
    pub(crate) place: Place,
    /// Whether the value was translated, so that its text is not what stands at `place`.
    pub(crate) translated: bool,
    /// Whether a member was at fault and taken out: that it is missing now is not a second fault.
    pub(crate) lacks: bool,
    /// The value.
    pub(crate) data: Data,
}

/// What a [`Tree`] holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    /// Null, a boolean, a number or a string.
    Scalar(Value),
    /// A list.
    List(Vec<Tree>),
    /// An object, its members as written.
    Object(IndexMap<String, Tree>),
}

impl Tree {
    /// The value that stands at a node of the document, as written.
    pub(crate) fn of(node: &Node<'_>) -> Tree {
        let data = match node.value() {
            Value::Array(_) => Data::List(node.items().map(|item| Tree::of(&item)).collect()),
            Value::Object(_) => Data::Object(
                node.entries()
                    .map(|(name, member)| (name.to_owned(), Tree::of(&member)))
                    .collect(),
            ),
            scalar => Data::Scalar(scalar.clone()),
        };
        Tree {
            place: node.place(),
            translated: false,
            lacks: false,
            data,
        }
    }

    /// A translated scalar.
    pub(crate) fn scalar(place: Place, value: impl Into<Value>) -> Tree {
        Tree {
            place,
            translated: true,
            lacks: false,
            data: Data::Scalar(value.into()),
        }
    }

    /// A translated list.
    pub(crate) fn list(place: Place, items: Vec<Tree>) -> Tree {
        Tree {
            place,
            translated: true,
            lacks: false,
            data: Data::List(items),
        }
    }

    /// A translated object without members.
    pub(crate) fn object(place: Place) -> Tree {
        Tree {
            place,
            translated: true,
            lacks: false,
            data: Data::Object(IndexMap::new()),
        }
    }

    /// Where the name of this member stands.
    pub(crate) fn key_place(&self) -> Place {
        Place {
            key: true,
            ..self.place.clone()
        }
    }

    /// The members of an object; `None` for anything else.
    pub(crate) fn members(&self) -> Option<&IndexMap<String, Tree>> {
        match &self.data {
            Data::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The members of an object, to change them.
    pub(crate) fn members_mut(&mut self) -> Option<&mut IndexMap<String, Tree>> {
        match &mut self.data {
            Data::Object(members) => Some(members),
            _ => None,
        }
    }

    /// A member of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Tree> {
        self.members()?.get(name)
    }

    /// Sets a member of an object; does nothing to other values.
    pub(crate) fn set(&mut self, name: &str, value: Tree) {
        if let Some(members) = self.members_mut() {
            members.insert(name.to_owned(), value);
        }
    }

    /// Sets a member some levels down, making the objects on the way.
    pub(crate) fn set_path(&mut self, path: &[&str], value: Tree) {
        match path {
            [] => {}
            [name] => self.set(name, value),
            [name, rest @ ..] => {
                let place = value.place.clone();
                if let Some(members) = self.members_mut() {
                    members
                        .entry((*name).to_owned())
                        .or_insert_with(|| Tree::object(place))
                        .set_path(rest, value);
                }
            }
        }
    }

    /// A string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether this is a function of a template that was not evaluated.
    pub(crate) fn is_expression(&self) -> bool {
        let names = self
            .members()
            .into_iter()
            .flat_map(|members| members.keys());
        intrinsics::is_function(names.map(String::as_str))
    }

    /// Whether this is `false`.
    pub(crate) fn is_false(&self) -> bool {
        self.data == Data::Scalar(Value::Bool(false))
    }

    /// The value without places.
    pub(crate) fn value(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::List(items) => Value::Array(items.iter().map(Tree::value).collect()),
            Data::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, member)| (name.clone(), member.value()))
                    .collect(),
            ),
        }
    }
}

/// A way into a tree that leads as far as the tree goes: a member that is absent stands where its nearest parent does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'t> {
    nearest: &'t Tree,
    present: bool,
}

impl<'t> At<'t> {
    /// The tree's own root.
    pub(crate) fn root(tree: &'t Tree) -> At<'t> {
        At {
            nearest: tree,
            present: true,
        }
    }

    /// A member.
    pub(crate) fn member(self, name: &str) -> At<'t> {
        match self.tree().and_then(|tree| tree.get(name)) {
            Some(tree) => At::root(tree),
            None => At {
                present: false,
                ..self
            },
        }
    }

    /// An item of a list. A value that stands where a list may is its own first item.
    pub(crate) fn item(self, index: usize) -> At<'t> {
        match self.tree().map(|tree| &tree.data) {
            Some(Data::List(items)) => match items.get(index) {
                Some(tree) => At::root(tree),
                None => At {
                    present: false,
                    ..self
                },
            },
            _ => self,
        }
    }

    /// The value, if it is there.
    pub(crate) fn tree(self) -> Option<&'t Tree> {
        self.present.then_some(self.nearest)
    }

    /// Where it stands, or where its nearest parent does.
    pub(crate) fn place(self) -> Place {
        self.nearest.place.clone()
    }

    /// Where this text stands in the list that is here; where the list does if it is not in it.
    pub(crate) fn place_of(self, text: &str) -> Place {
        let items = match self.tree().map(|tree| &tree.data) {
            Some(Data::List(items)) => items.as_slice(),
            _ => &[],
        };
        let item = items.iter().find(|item| item.as_str() == Some(text));
        item.map_or_else(|| self.place(), |item| item.place.clone())
    }

    /// Where its name stands.
    pub(crate) fn key_place(self) -> Place {
        if self.present {
            self.nearest.key_place()
        } else {
            self.place()
        }
    }

    /// The place of a byte inside its text; the text itself where the text was translated.
    pub(crate) fn place_in(self, offset: usize) -> Place {
        let mut place = self.place();
        if self.present && !self.nearest.translated {
            place.offset = Some(offset);
        }
        place
    }

    /// Whether a member that was written here was taken out, because it was at fault.
    pub(crate) fn lacks(self) -> bool {
        self.nearest.lacks
    }

    /// Whether what stands here was translated from another dialect.
    pub(crate) fn translated(self) -> bool {
        self.nearest.translated
    }
}
