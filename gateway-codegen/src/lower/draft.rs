//! An operation on its way into the model: everything but its policy, and the layers that will become it.

use gateway_runtime::path::Pattern;

use super::tree::Tree;
use crate::findings::Place;
use crate::model::{
    Access, Body, CacheKey, Example, Operation, Parameter, ParameterPlace, Policy, Response,
};

/// An operation without its policy.
#[derive(Debug)]
pub(crate) struct Draft<'d> {
    /// Unique id.
    pub(crate) id: String,
    /// `GET`, …, or `ANY`.
    pub(crate) method: String,
    /// Path template as written.
    pub(crate) path: String,
    /// The same, parsed.
    pub(crate) pattern: Pattern,
    /// Names of the path's parameters.
    pub(crate) path_params: Vec<String>,
    /// All tags.
    pub(crate) tags: Vec<String>,
    /// One line.
    pub(crate) summary: String,
    /// Declared parameters.
    pub(crate) parameters: Vec<Parameter>,
    /// What its requests carry, where that is checked.
    pub(crate) body: Option<Body>,
    /// What its answers are, where they are checked.
    pub(crate) responses: Vec<Response>,
    /// Who may call it.
    pub(crate) access: Access,
    /// Its example answer.
    pub(crate) example: Option<Example>,
    /// Name of the upstream that stands for its server.
    pub(crate) server: String,
    /// Where it was written.
    pub(crate) place: Place,
    /// Its layers of policy.
    pub(crate) layers: Layers,
    /// Where in the document's list of operations it stands.
    pub(crate) source: &'d crate::normalise::OperationSource<'d>,
}

/// Layers of policy that belong to one operation, the widest first.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// What Amazon's members say, translated.
    pub(crate) aws: Option<Tree>,
    /// What they say about caching, which holds only where something else switches it on.
    pub(crate) aws_cache: Option<Tree>,
    /// `x-gateway` of the path item.
    pub(crate) path_item: Option<Tree>,
    /// `x-gateway` of the operation.
    pub(crate) operation: Option<Tree>,
}

impl Draft<'_> {
    /// Whether a part of a cache key is a credential of this operation: the gateway separates callers by those anyway.
    pub(crate) fn is_credential(&self, part: &CacheKey) -> bool {
        match part {
            CacheKey::Header(name) => self.access.reads(ParameterPlace::Header, name),
            CacheKey::Query(name) => self.access.reads(ParameterPlace::Query, name),
            CacheKey::Path(_) | CacheKey::AnyQuery => false,
        }
    }

    /// The operation with its policy.
    pub(crate) fn finish(self, policy: Policy) -> Operation {
        Operation {
            tag: self
                .tags
                .first()
                .cloned()
                .unwrap_or_else(|| "default".to_owned()),
            id: self.id,
            method: self.method,
            path: self.path,
            tags: self.tags,
            summary: self.summary,
            parameters: self.parameters,
            body: self.body,
            responses: self.responses,
            access: self.access,
            policy,
            example: self.example,
            origin: self.place.into(),
        }
    }
}

/// Whether something at `place` was written inside one of `owners`.
pub(crate) fn inside(place: &Place, owners: &[Place]) -> bool {
    owners.iter().any(|owner| {
        owner.file == place.file
            && place
                .pointer
                .strip_prefix(&owner.pointer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
