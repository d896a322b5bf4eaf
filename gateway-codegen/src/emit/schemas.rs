//! `src/schemas.rs`: schemas that operations and others refer to; and the rules of any schema as Rust.
//!
//! A rule stands on a line of its own wherever its list does not fit into one, so that a changed demand is a changed line.

use gateway_runtime::def::{GatewayDef, Messages, Rule, Rules, SchemaDef, Types};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::links::Links;
use super::rust::{Source, doc, ident, number, option};
use super::text::markdown;

/// Longest line of rules, with its indentation.
const WIDTH: usize = 100;

pub(super) fn file(def: &'static GatewayDef, links: &Links) -> String {
    let mut source = Source::module("Schemas that operations and other schemas refer to.");
    source.item(quote!(
        use gateway_runtime::codegen::*;
    ));
    let variants = links.schemas().map(|(variant, _)| ident(variant));
    source.item(quote! {
        /// Their numbers.
        #[allow(dead_code, reason = "not every schema is referred to")]
        pub enum Schema { #(#variants,)* }
    });
    let rows = links.schemas().map(|(_, name)| ident(name));
    source.table(quote!(pub static SCHEMAS: &[SchemaDef]), rows);
    for ((_, name), schema) in links.schemas().zip(def.schemas) {
        let SchemaDef {
            place,
            rules,
            anchors,
        } = schema;
        let mut printer = Printer {
            links,
            text: String::new(),
        };
        let place_literal = Literal::string(place);
        let (open, close) = if anchors.is_empty() {
            (format!("schema({place_literal}, &["), "])".to_owned())
        } else {
            let rows: Vec<String> = (anchors.iter())
                .map(|(name, id)| format!("({}, {})", Literal::string(name), printer.number(*id)))
                .collect();
            let open = format!("anchored({place_literal}, &[");
            (open, format!("], &[{}])", rows.join(", ")))
        };
        let items: Vec<Item<'_>> = rules.iter().map(Item::Rule).collect();
        let head = format!("const {name}: SchemaDef = ");
        printer.text.push_str(&head);
        printer.item(&Shape { open, items, close }, 0, head.len());
        printer.text.push(';');
        source.text(doc(&markdown(place)), &printer.text);
    }
    source.finish()
}

/// A list of rules as an expression.
#[allow(dead_code, reason = "operations print their schemas with it")]
pub(super) fn rules(rules: Rules, links: &Links) -> TokenStream {
    let printer = Printer {
        links,
        text: String::new(),
    };
    // What is printed here is Rust by construction; tests parse all of it.
    printer.line(&Item::List(rules)).parse().unwrap_or_default()
}

/// Whether a list of rules refers to schemas by their numbers: its file then needs `use crate::schemas::Schema;`.
#[allow(dead_code, reason = "operations print their schemas with it")]
pub(super) fn refers(rules: Rules) -> bool {
    rules.iter().any(|rule| match rule {
        Rule::Ref(_) | Rule::DynamicRef(..) | Rule::Discriminator { .. } => true,
        Rule::AllOf(lists) | Rule::AnyOf(lists) | Rule::OneOf(lists) | Rule::PrefixItems(lists) => {
            lists.iter().any(|rules| refers(rules))
        }
        Rule::Items(rules)
        | Rule::Contains { rules, .. }
        | Rule::UnevaluatedItems(rules)
        | Rule::Property(_, rules)
        | Rule::PatternProperty(_, rules)
        | Rule::AdditionalProperties(rules)
        | Rule::PropertyNames(rules)
        | Rule::DependentSchema(_, rules)
        | Rule::UnevaluatedProperties(rules)
        | Rule::Not(rules) => refers(rules),
        Rule::If {
            when,
            then,
            otherwise,
        } => refers(when) || refers(then) || refers(otherwise),
        _ => false,
    })
}

/// What stands on a line, or opens, fills and closes several.
struct Shape<'r> {
    open: String,
    items: Vec<Item<'r>>,
    close: String,
}

enum Item<'r> {
    Rule(&'r Rule),
    List(Rules),
}

struct Printer<'l> {
    links: &'l Links,
    text: String,
}

impl Printer<'_> {
    /// Prints on one line if there is room behind what stands there already.
    fn item(&mut self, shape: &Shape<'_>, indent: usize, behind: usize) {
        let line = self.join(shape);
        if indent + behind + line.len() < WIDTH || shape.items.is_empty() {
            self.text.push_str(&line);
            return;
        }
        self.text.push_str(&shape.open);
        self.text.push('\n');
        for item in &shape.items {
            self.text.push_str(&" ".repeat(indent + 4));
            let inner = self.shape(item);
            self.item(&inner, indent + 4, 0);
            self.text.push_str(",\n");
        }
        self.text.push_str(&" ".repeat(indent));
        self.text.push_str(&shape.close);
    }

    fn line(&self, item: &Item<'_>) -> String {
        self.join(&self.shape(item))
    }

    fn join(&self, shape: &Shape<'_>) -> String {
        let items: Vec<String> = shape.items.iter().map(|item| self.line(item)).collect();
        format!("{}{}{}", shape.open, items.join(", "), shape.close)
    }

    /// `Schema::Book as u32`
    fn number(&self, id: u32) -> String {
        match self.links.schema(id) {
            Some(variant) => format!("Schema::{variant} as u32"),
            None => id.to_string(),
        }
    }

    fn shape<'r>(&self, item: &Item<'r>) -> Shape<'r> {
        match item {
            Item::List(rules) => Shape {
                open: "&[".to_owned(),
                items: rules.iter().map(Item::Rule).collect(),
                close: "]".to_owned(),
            },
            Item::Rule(rule) => self.rule(rule),
        }
    }

    fn rule<'r>(&self, rule: &'r Rule) -> Shape<'r> {
        let text = |text: &str| Literal::string(text).to_string();
        let texts = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|one| text(one)).collect();
            format!("&[{}]", texts.join(", "))
        };
        let word = |word: String| Shape {
            open: word,
            items: Vec::new(),
            close: String::new(),
        };
        let rules = |open: String, rules: Rules| Shape {
            open: format!("{open}&["),
            items: rules.iter().map(Item::Rule).collect(),
            close: "])".to_owned(),
        };
        let lists = |open: &str, lists: &'static [Rules]| Shape {
            open: format!("{open}(&["),
            items: lists.iter().map(|list| Item::List(list)).collect(),
            close: "])".to_owned(),
        };
        match *rule {
            Rule::Never => word("never()".to_owned()),
            Rule::Types(of) => word(types(of)),
            Rule::OrNull => word("or_null()".to_owned()),
            Rule::Enum([only]) => word(format!("constant(&{})", text(only))),
            Rule::Enum(values) => word(format!("one_value({})", texts(values))),
            Rule::Minimum(bound) => word(format!("minimum({})", text(bound))),
            Rule::Maximum(bound) => word(format!("maximum({})", text(bound))),
            Rule::ExclusiveMinimum(bound) => word(format!("above({})", text(bound))),
            Rule::ExclusiveMaximum(bound) => word(format!("below({})", text(bound))),
            Rule::MultipleOf(of) => word(format!("multiple_of({})", text(of))),
            Rule::MinLength(n) => word(format!("min_length({})", number(n))),
            Rule::MaxLength(n) => word(format!("max_length({})", number(n))),
            Rule::Pattern(pattern) => word(format!("pattern({})", text(pattern))),
            Rule::Format(format) => word(format!("format(Format::{format:?})")),
            Rule::MinItems(n) => word(format!("min_items({})", number(n))),
            Rule::MaxItems(n) => word(format!("max_items({})", number(n))),
            Rule::UniqueItems => word("unique_items()".to_owned()),
            Rule::PrefixItems(all) => lists("prefix_items", all),
            Rule::Items(of) => rules("items(".to_owned(), of),
            Rule::Contains {
                rules: of,
                min,
                max,
            } => {
                let max = option(max.map(number));
                rules(format!("contains({}, {max}, ", number(min)), of)
            }
            Rule::UnevaluatedItems(of) => rules("unevaluated_items(".to_owned(), of),
            Rule::MinProperties(n) => word(format!("min_properties({})", number(n))),
            Rule::MaxProperties(n) => word(format!("max_properties({})", number(n))),
            Rule::Required { within, names } => {
                let function = match within {
                    Messages::Both => "required",
                    Messages::Requests => "required_in_requests",
                    Messages::Responses => "required_in_responses",
                };
                word(format!("{function}({})", texts(names)))
            }
            Rule::Property(name, of) => rules(format!("property({}, ", text(name)), of),
            Rule::PatternProperty(name, of) => {
                rules(format!("pattern_property({}, ", text(name)), of)
            }
            Rule::AdditionalProperties([Rule::Never]) => {
                word("no_additional_properties()".to_owned())
            }
            Rule::AdditionalProperties(of) => rules("additional_properties(".to_owned(), of),
            Rule::PropertyNames(of) => rules("property_names(".to_owned(), of),
            Rule::DependentRequired(name, names) => word(format!(
                "dependent_required({}, {})",
                text(name),
                texts(names)
            )),
            Rule::DependentSchema(name, of) => {
                rules(format!("dependent_schema({}, ", text(name)), of)
            }
            Rule::UnevaluatedProperties(of) => rules("unevaluated_properties(".to_owned(), of),
            Rule::AllOf(all) => lists("all_of", all),
            Rule::AnyOf(all) => lists("any_of", all),
            Rule::OneOf(all) => lists("one_of", all),
            Rule::Not(of) => rules("not(".to_owned(), of),
            Rule::If {
                when,
                then,
                otherwise,
            } => Shape {
                open: "when(".to_owned(),
                items: [when, then, otherwise].map(Item::List).into(),
                close: ")".to_owned(),
            },
            Rule::Discriminator { property, mapping } => {
                let rows: Vec<String> = (mapping.iter())
                    .map(|(value, id)| format!("({}, {})", text(value), self.number(*id)))
                    .collect();
                word(format!(
                    "discriminator({}, &[{}])",
                    text(property),
                    rows.join(", ")
                ))
            }
            Rule::Ref(id) => word(format!("reference({})", self.number(id))),
            Rule::DynamicRef(name, id) => word(format!(
                "dynamic_reference({}, {})",
                text(name),
                self.number(id)
            )),
        }
    }
}

fn types(of: Types) -> String {
    let words = [
        (Types::STRING, "string", "STRING"),
        (Types::NUMBER, "number", "NUMBER"),
        (Types::INTEGER, "integer", "INTEGER"),
        (Types::BOOLEAN, "boolean", "BOOLEAN"),
        (Types::ARRAY, "array", "ARRAY"),
        (Types::OBJECT, "object", "OBJECT"),
        (Types::NULL, "null", "NULL"),
    ];
    if let Some((_, function, _)) = words.iter().find(|(kind, _, _)| *kind == of) {
        return format!("{function}()");
    }
    let mut text = String::new();
    for (kind, _, constant) in words {
        if !of.has(kind) || kind == Types::INTEGER && of.has(Types::NUMBER) {
            continue;
        }
        text = if text.is_empty() {
            format!("Types::{constant}")
        } else {
            format!("{text}.or(Types::{constant})")
        };
    }
    if text.is_empty() {
        text.push_str("Types::NONE");
    }
    format!("types({text})")
}
