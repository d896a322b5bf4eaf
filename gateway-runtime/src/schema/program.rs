//! Programs: what the rules of a schema have become when a gateway starts.
//!
//! A [`Plan`] holds everything that is demanded of one value, of the schema itself and of those it is joined to by `allOf` and
//! `$ref`, sorted by what the value turns out to be. So a value is read once for a whole conjunction, and a member's name is
//! looked up once. What cannot be joined (unions, negations, recursion, schemas that count what others looked at) stays a
//! [`Branch`], which reads the value again.

use crate::def::{Format, Messages, SchemaId, Types};

use super::number::{Decimal, Divisor, Short};
use super::pattern::Pattern;

/// Row of the list of plans.
pub(super) type PlanId = u32;

/// Row of the list of places.
pub(super) type PlaceId = u32;

/// The plan that accepts everything.
pub(super) const ANYTHING: PlanId = 0;

/// A list of rules in the document: what it stands in, and the step from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) parent: Option<PlaceId>,
    pub(super) step: PlaceStep,
}

/// A step to a list of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PlaceStep {
    /// A schema of the table: where it stands is said there.
    Schema(SchemaId),
    /// A schema inside an operation.
    Root(usize),
    /// `/items`
    Word(&'static str),
    /// `/properties/title`
    Member(&'static str, &'static str),
    /// `/allOf/0`
    Item(&'static str, usize),
}

/// Everything that is demanded of one value.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Whether nothing is demanded at all.
    pub(super) anything: bool,
    /// Lists that accept nothing.
    pub(super) never: Option<PlaceId>,
    /// Types that all rules accept.
    pub(super) types: TypeSet,
    /// The rules about types, for errors.
    pub(super) type_rules: Vec<(Types, PlaceId)>,
    /// Whether `null` is accepted whatever else is said.
    pub(super) or_null: bool,
    pub(super) enums: Vec<(Enumeration, PlaceId)>,
    pub(super) numbers: Vec<(NumberCheck, PlaceId)>,
    pub(super) strings: Vec<(StringCheck, PlaceId)>,
    pub(super) object: Option<Box<ObjectPlan>>,
    pub(super) array: Option<Box<ArrayPlan>>,
    pub(super) branches: Vec<(Branch, PlaceId)>,
    /// What `$dynamicRef` finds in the schema resource that begins here.
    pub(super) anchors: &'static [(&'static str, SchemaId)],
}

/// Types, all of them unless told.
#[derive(Debug, Clone, Copy)]
pub(super) struct TypeSet(pub(super) Types);

impl Default for TypeSet {
    fn default() -> Self {
        TypeSet(Types::ALL)
    }
}

/// What numbers have to be.
#[derive(Debug)]
pub(super) enum NumberCheck {
    Minimum(Bound),
    Maximum(Bound),
    ExclusiveMinimum(Bound),
    ExclusiveMaximum(Bound),
    MultipleOf {
        divisor: Divisor,
        text: &'static str,
    },
    /// An integer of so many bits with sign.
    Bits(u32, Format),
}

/// A number that others are compared with.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) text: &'static str,
    pub(super) exact: Decimal<'static>,
    pub(super) short: Option<Short>,
}

/// What strings have to be.
#[derive(Debug)]
pub(super) enum StringCheck {
    MinLength(u64),
    MaxLength(u64),
    Pattern(Pattern),
    Format(Format),
}

/// Values that are listed.
#[derive(Debug, Default)]
pub(super) struct Enumeration {
    /// All of them, as written.
    pub(super) texts: &'static [&'static str],
    pub(super) null: bool,
    pub(super) yes: bool,
    pub(super) no: bool,
    /// Sorted.
    pub(super) strings: Vec<Box<[u8]>>,
    /// Sorted.
    pub(super) numbers: Vec<Decimal<'static>>,
    /// Arrays and objects.
    pub(super) containers: Vec<&'static str>,
}

/// What is demanded of objects.
#[derive(Debug, Default)]
pub(super) struct ObjectPlan {
    pub(super) names: super::names::Names,
    /// In the order of `names`.
    pub(super) members: Vec<Member>,
    pub(super) children: Vec<PlanId>,
    /// Names whose presence matters, by their bit.
    pub(super) watched: Vec<&'static str>,
    pub(super) required: Vec<Required>,
    /// Bits of `watched` that requests and responses need.
    pub(super) in_requests: Vec<u64>,
    pub(super) in_responses: Vec<u64>,
    pub(super) dependent: Vec<Dependent>,
    pub(super) loose: Vec<Loose>,
    pub(super) property_names: Vec<PlanId>,
    pub(super) min: Vec<(u64, PlaceId)>,
    pub(super) max: Vec<(u64, PlaceId)>,
    pub(super) unevaluated: Option<(PlanId, PlaceId)>,
}

/// What is known of a member's name.
#[derive(Debug, Default)]
pub(super) struct Member {
    /// Plans of the member: a range of [`ObjectPlan::children`].
    pub(super) children: std::ops::Range<usize>,
    /// Whether a rule `properties` names it.
    pub(super) declared: bool,
    /// Bit in [`ObjectPlan::watched`].
    pub(super) bit: Option<usize>,
    /// The lists among [`ObjectPlan::loose`] whose `properties` name it, a bit each.
    pub(super) named_by: u64,
    /// Whether nothing in [`ObjectPlan::loose`] has anything to say of it.
    pub(super) settled: bool,
}

/// Members that have to be there.
#[derive(Debug)]
pub(super) struct Required {
    pub(super) bit: usize,
    pub(super) within: Messages,
    pub(super) place: PlaceId,
}

/// Members that have to be there if another one is.
#[derive(Debug)]
pub(super) struct Dependent {
    pub(super) when: usize,
    pub(super) then: Vec<usize>,
    pub(super) place: PlaceId,
}

/// Rules about members that are not known by their names.
#[derive(Debug, Default)]
pub(super) struct Loose {
    pub(super) patterns: Vec<(Pattern, PlanId)>,
    pub(super) additional: Option<PlanId>,
}

/// Most lists with [`Loose`] rules in one plan: each has a bit in [`Member::named_by`].
pub(super) const MOST_LOOSE: usize = 64;

/// What is demanded of arrays.
#[derive(Debug, Default)]
pub(super) struct ArrayPlan {
    pub(super) min: Vec<(u64, PlaceId)>,
    pub(super) max: Vec<(u64, PlaceId)>,
    pub(super) unique: Option<PlaceId>,
    pub(super) parts: Vec<ArrayPart>,
    pub(super) contains: Vec<Contains>,
    pub(super) unevaluated: Option<(PlanId, PlaceId)>,
}

/// What one list of rules says of elements.
#[derive(Debug, Default)]
pub(super) struct ArrayPart {
    pub(super) prefix: Vec<PlanId>,
    pub(super) items: Option<PlanId>,
}

/// How many elements are of a kind.
#[derive(Debug)]
pub(super) struct Contains {
    pub(super) plan: PlanId,
    pub(super) min: u64,
    pub(super) max: Option<u64>,
    pub(super) place: PlaceId,
}

/// A demand for which the value is read again.
#[derive(Debug)]
pub(super) enum Branch {
    /// This as well; where an error stands is said by the plan's own places.
    Also(PlanId),
    Any(Vec<PlanId>),
    One(Vec<PlanId>),
    Not(PlanId),
    If {
        when: PlanId,
        then: PlanId,
        otherwise: PlanId,
    },
    /// For objects with this member.
    Dependent(&'static str, PlanId),
    Discriminator {
        property: &'static str,
        /// Sorted by value.
        mapping: Vec<(&'static str, PlanId)>,
    },
    Dynamic(&'static str, PlanId),
}
