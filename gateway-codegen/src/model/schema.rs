//! Schemas: lists of rules, as `gateway_runtime::def` has them, with names in place of numbers.

use std::collections::BTreeMap;

use super::Origin;

pub use gateway_runtime::def::{Format, Messages, Types};

/// Schemas that operations and other schemas refer to, by where they stand: `#/components/schemas/Book`. Schemas of further
/// files begin with the file: `common.yaml#/Book`.
pub type Schemas = BTreeMap<String, Schema>;

/// A schema that others refer to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    /// What it demands.
    pub rules: Vec<Rule>,
    /// What `$dynamicRef` finds in its schema resource: name → schema.
    pub anchors: BTreeMap<String, String>,
    /// Where it was written.
    pub origin: Origin,
}

/// One thing that a schema demands: see [`gateway_runtime::def::Rule`]. Numbers and listed values are JSON texts.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Nothing is accepted.
    Never,
    /// `type`
    Types(Types),
    /// `null` is accepted, whatever else the list says.
    OrNull,
    /// `enum`, `const`
    Enum(Vec<String>),
    /// `minimum`
    Minimum(String),
    /// `maximum`
    Maximum(String),
    /// `exclusiveMinimum`
    ExclusiveMinimum(String),
    /// `exclusiveMaximum`
    ExclusiveMaximum(String),
    /// `multipleOf`
    MultipleOf(String),
    /// `minLength`
    MinLength(u64),
    /// `maxLength`
    MaxLength(u64),
    /// `pattern`
    Pattern(String),
    /// `format`
    Format(Format),
    /// `minItems`
    MinItems(u64),
    /// `maxItems`
    MaxItems(u64),
    /// `uniqueItems`
    UniqueItems,
    /// `prefixItems`
    PrefixItems(Vec<Vec<Rule>>),
    /// `items`
    Items(Vec<Rule>),
    /// `contains`, `minContains`, `maxContains`
    Contains {
        /// What the elements are.
        rules: Vec<Rule>,
        /// Fewest.
        min: u64,
        /// Most.
        max: Option<u64>,
    },
    /// `unevaluatedItems`
    UnevaluatedItems(Vec<Rule>),
    /// `minProperties`
    MinProperties(u64),
    /// `maxProperties`
    MaxProperties(u64),
    /// `required`
    Required {
        /// Messages that it is demanded in.
        within: Messages,
        /// Names, sorted.
        names: Vec<String>,
    },
    /// A member of `properties`
    Property(String, Vec<Rule>),
    /// A member of `patternProperties`
    PatternProperty(String, Vec<Rule>),
    /// `additionalProperties`
    AdditionalProperties(Vec<Rule>),
    /// `propertyNames`
    PropertyNames(Vec<Rule>),
    /// A member of `dependentRequired`
    DependentRequired(String, Vec<String>),
    /// A member of `dependentSchemas`
    DependentSchema(String, Vec<Rule>),
    /// `unevaluatedProperties`
    UnevaluatedProperties(Vec<Rule>),
    /// `allOf`
    AllOf(Vec<Vec<Rule>>),
    /// `anyOf`
    AnyOf(Vec<Vec<Rule>>),
    /// `oneOf`
    OneOf(Vec<Vec<Rule>>),
    /// `not`
    Not(Vec<Rule>),
    /// `if`, `then`, `else`
    If {
        /// The question.
        when: Vec<Rule>,
        /// Demanded where it holds.
        then: Vec<Rule>,
        /// Demanded where it does not.
        otherwise: Vec<Rule>,
    },
    /// `discriminator`
    Discriminator {
        /// The member.
        property: String,
        /// Value → schema.
        mapping: BTreeMap<String, String>,
    },
    /// `$ref`
    Ref(String),
    /// `$dynamicRef`: the anchor, and the schema if nothing on the way has it.
    DynamicRef(String, String),
}
