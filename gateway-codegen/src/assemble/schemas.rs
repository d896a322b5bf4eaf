//! Schemas → tables. Their numbers are their places in the sorted list of their names.

use std::collections::BTreeMap;

use gateway_runtime::def::{Rule as RuleDef, Rules, SchemaDef, SchemaId};

use super::leak::{Strings, list};
use crate::model::{Rule, Schemas};

/// Makes tables of rules.
#[derive(Default)]
pub(super) struct Lists {
    ids: BTreeMap<String, SchemaId>,
}

impl Lists {
    /// Over schemas of these names.
    pub(super) fn new(schemas: &Schemas) -> Lists {
        Lists {
            ids: schemas.keys().cloned().zip(0..).collect(),
        }
    }

    /// The gateway's table of schemas.
    pub(super) fn table(&self, schemas: &Schemas, strings: &mut Strings) -> &'static [SchemaDef] {
        let rows = schemas.iter().map(|(place, schema)| {
            let anchors = schema.anchors.iter();
            let anchors = anchors.map(|(name, schema)| (strings.keep(name), self.id(schema)));
            let anchors = list(anchors.collect());
            SchemaDef {
                place: strings.keep(place),
                rules: self.rules(&schema.rules, strings),
                anchors,
            }
        });
        list(rows.collect())
    }

    /// A list of rules.
    pub(super) fn rules(&self, rules: &[Rule], strings: &mut Strings) -> Rules {
        list(rules.iter().map(|rule| self.rule(rule, strings)).collect())
    }

    /// The number of a schema. One that the model does not have is none of its promises; the gateway then refuses to start.
    fn id(&self, name: &str) -> SchemaId {
        self.ids.get(name).copied().unwrap_or(SchemaId::MAX)
    }

    fn lists(&self, lists: &[Vec<Rule>], strings: &mut Strings) -> &'static [Rules] {
        list(
            lists
                .iter()
                .map(|rules| self.rules(rules, strings))
                .collect(),
        )
    }

    fn rule(&self, rule: &Rule, strings: &mut Strings) -> RuleDef {
        match rule {
            Rule::Never => RuleDef::Never,
            Rule::Types(types) => RuleDef::Types(*types),
            Rule::OrNull => RuleDef::OrNull,
            Rule::Enum(texts) => RuleDef::Enum(strings.list(texts)),
            Rule::Minimum(bound) => RuleDef::Minimum(strings.keep(bound)),
            Rule::Maximum(bound) => RuleDef::Maximum(strings.keep(bound)),
            Rule::ExclusiveMinimum(bound) => RuleDef::ExclusiveMinimum(strings.keep(bound)),
            Rule::ExclusiveMaximum(bound) => RuleDef::ExclusiveMaximum(strings.keep(bound)),
            Rule::MultipleOf(divisor) => RuleDef::MultipleOf(strings.keep(divisor)),
            Rule::MinLength(least) => RuleDef::MinLength(*least),
            Rule::MaxLength(most) => RuleDef::MaxLength(*most),
            Rule::Pattern(text) => RuleDef::Pattern(strings.keep(text)),
            Rule::Format(format) => RuleDef::Format(*format),
            Rule::MinItems(least) => RuleDef::MinItems(*least),
            Rule::MaxItems(most) => RuleDef::MaxItems(*most),
            Rule::UniqueItems => RuleDef::UniqueItems,
            Rule::PrefixItems(lists) => RuleDef::PrefixItems(self.lists(lists, strings)),
            Rule::Items(rules) => RuleDef::Items(self.rules(rules, strings)),
            Rule::Contains { rules, min, max } => RuleDef::Contains {
                rules: self.rules(rules, strings),
                min: *min,
                max: *max,
            },
            Rule::UnevaluatedItems(rules) => RuleDef::UnevaluatedItems(self.rules(rules, strings)),
            Rule::MinProperties(least) => RuleDef::MinProperties(*least),
            Rule::MaxProperties(most) => RuleDef::MaxProperties(*most),
            Rule::Required { within, names } => RuleDef::Required {
                within: *within,
                names: strings.list(names),
            },
            Rule::Property(name, rules) => {
                RuleDef::Property(strings.keep(name), self.rules(rules, strings))
            }
            Rule::PatternProperty(pattern, rules) => {
                RuleDef::PatternProperty(strings.keep(pattern), self.rules(rules, strings))
            }
            Rule::AdditionalProperties(rules) => {
                RuleDef::AdditionalProperties(self.rules(rules, strings))
            }
            Rule::PropertyNames(rules) => RuleDef::PropertyNames(self.rules(rules, strings)),
            Rule::DependentRequired(name, names) => {
                RuleDef::DependentRequired(strings.keep(name), strings.list(names))
            }
            Rule::DependentSchema(name, rules) => {
                RuleDef::DependentSchema(strings.keep(name), self.rules(rules, strings))
            }
            Rule::UnevaluatedProperties(rules) => {
                RuleDef::UnevaluatedProperties(self.rules(rules, strings))
            }
            Rule::AllOf(lists) => RuleDef::AllOf(self.lists(lists, strings)),
            Rule::AnyOf(lists) => RuleDef::AnyOf(self.lists(lists, strings)),
            Rule::OneOf(lists) => RuleDef::OneOf(self.lists(lists, strings)),
            Rule::Not(rules) => RuleDef::Not(self.rules(rules, strings)),
            Rule::If {
                when,
                then,
                otherwise,
            } => RuleDef::If {
                when: self.rules(when, strings),
                then: self.rules(then, strings),
                otherwise: self.rules(otherwise, strings),
            },
            Rule::Discriminator { property, mapping } => {
                let mapping = mapping.iter();
                let mapping = mapping.map(|(value, name)| (strings.keep(value), self.id(name)));
                let mapping = list(mapping.collect());
                RuleDef::Discriminator {
                    property: strings.keep(property),
                    mapping,
                }
            }
            Rule::Ref(name) => RuleDef::Ref(self.id(name)),
            Rule::DynamicRef(anchor, name) => {
                RuleDef::DynamicRef(strings.keep(anchor), self.id(name))
            }
        }
    }
}
