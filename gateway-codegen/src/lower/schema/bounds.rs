//! Numbers of schemas, exactly as written, and bounds that leave nothing between them.

use gateway_runtime::def::Types;
use gateway_runtime::schema::Divisor;
use serde_json::Value;

use super::read::invalid;
use super::{Context, Dialect, Schemas};
use crate::findings::Findings;
use crate::load::Node;
use crate::load::locate::Locator;
use crate::model::Rule;

/// Digits that survive the way into a floating-point number and back.
const SAFE_DIGITS: usize = 15;

impl<'d> Schemas<'d> {
    /// Rules about numbers.
    pub(super) fn numbers(
        &mut self,
        node: Node<'d>,
        context: Context<'d>,
        rules: &mut Vec<Rule>,
        found: &mut Findings,
    ) {
        type Bound = fn(String) -> Rule;
        let bounds: [(&str, &str, Bound, Bound); 2] = [
            (
                "minimum",
                "exclusiveMinimum",
                Rule::Minimum,
                Rule::ExclusiveMinimum,
            ),
            (
                "maximum",
                "exclusiveMaximum",
                Rule::Maximum,
                Rule::ExclusiveMaximum,
            ),
        ];
        for (name, exclusive_name, inclusive, exclusive) in bounds {
            let bound = node
                .get(name)
                .and_then(|bound| self.number(bound, name, found));
            let mut excludes = false;
            if let Some(written) = node.get(exclusive_name) {
                let new = context.dialect == Dialect::Json2020_12;
                match written.value() {
                    Value::Bool(flag) => excludes = *flag,
                    Value::Number(_) => rules.push(exclusive(self.exact(written))),
                    _ => invalid(
                        written,
                        &format!("`{exclusive_name}` says nothing like this"),
                        found,
                    ),
                }
                if new == written.value().is_boolean() {
                    let kind = if new { "a number" } else { "`true` or `false`" };
                    let name = context.dialect.name();
                    let message = format!(
                        "in {name} `{exclusive_name}` is {kind}; it is taken for what it says elsewhere"
                    );
                    let help = "write it as the dialect has it";
                    found.warning("schema-keyword-invalid", written.place(), message, help);
                }
            }
            rules.extend(bound.map(if excludes { exclusive } else { inclusive }));
        }
        if let Some(written) = node.get("multipleOf") {
            let number = self.number(written, "multipleOf", found);
            match number.filter(|number| Divisor::read(number).is_some()) {
                Some(number) => rules.push(Rule::MultipleOf(number)),
                None if written.value().is_number() => {
                    let message = "`multipleOf` is above 0 and has at most 18 digits";
                    invalid(written, message, found);
                }
                None => {}
            }
        }
    }

    fn number(&self, node: Node<'d>, name: &str, found: &mut Findings) -> Option<String> {
        if !node.value().is_number() {
            invalid(node, &format!("`{name}` is a number"), found);
            return None;
        }
        Some(self.exact(node))
    }

    /// A number as JSON, with all its digits.
    fn exact(&self, node: Node<'d>) -> String {
        let text = node.value().to_string();
        let rounded =
            node.value().is_f64() && text.bytes().filter(u8::is_ascii_digit).count() > SAFE_DIGITS;
        if rounded {
            let place = node.place();
            let file = self.document.files.get(place.file);
            let source = file.map(|file| Locator::new(file).source(&place).trim().to_owned());
            // YAML has more ways to write a number than JSON has.
            if let Some(source) = source.filter(|source| is_json_number(source)) {
                return source;
            }
        }
        text
    }

    /// A value as JSON.
    pub(super) fn json(&self, node: Node<'d>) -> String {
        if node.value().is_number() {
            self.exact(node)
        } else {
            node.value().to_string()
        }
    }
}

fn is_json_number(text: &str) -> bool {
    serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
        && text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

/// Reports what no value can keep.
pub(super) fn check(node: Node<'_>, rules: &[Rule], found: &mut Findings) {
    let contradiction = |found: &mut Findings, keyword: &str, message: String| {
        let place = node.get(keyword).unwrap_or(node).place();
        let help = "no value can be like this; correct one of the two";
        found.warning("schema-contradiction", place, message, help);
    };
    let (mut length, mut items, mut members) = ((0, u64::MAX), (0, u64::MAX), (0, u64::MAX));
    let (mut low, mut high) = (None, None);
    let mut types = Types::ALL;
    for rule in rules {
        match rule {
            Rule::MinLength(n) => length.0 = *n,
            Rule::MaxLength(n) => length.1 = *n,
            Rule::MinItems(n) => items.0 = *n,
            Rule::MaxItems(n) => items.1 = *n,
            Rule::MinProperties(n) => members.0 = *n,
            Rule::MaxProperties(n) => members.1 = *n,
            Rule::Minimum(n) => low = n.parse::<f64>().ok(),
            Rule::Maximum(n) => high = n.parse::<f64>().ok(),
            Rule::Types(of) => types = *of,
            _ => {}
        }
    }
    for ((least, most), from, to) in [
        (length, "minLength", "maxLength"),
        (items, "minItems", "maxItems"),
        (members, "minProperties", "maxProperties"),
    ] {
        if least > most {
            contradiction(found, from, format!("`{from}` is more than `{to}`"));
        }
    }
    if let (Some(low), Some(high)) = (low, high)
        && low > high
    {
        contradiction(
            found,
            "minimum",
            "`minimum` is more than `maximum`".to_owned(),
        );
    }
    for rule in rules {
        let Rule::Enum(texts) = rule else { continue };
        let fits = |text: &String| {
            let kind = match text.as_bytes().first() {
                Some(b'"') => Types::STRING,
                Some(b'{') => Types::OBJECT,
                Some(b'[') => Types::ARRAY,
                Some(b't' | b'f') => Types::BOOLEAN,
                Some(b'n') => Types::NULL,
                _ => Types::INTEGER,
            };
            types.has(kind) || kind == Types::INTEGER && types.has(Types::NUMBER)
        };
        if !texts.is_empty() && !texts.iter().any(fits) {
            let message = "no value that is listed is of the type that is demanded".to_owned();
            contradiction(found, "enum", message);
        }
    }
}
