//! `x-gateway-allow`: findings that a document accepts, each with the reason, at the place they are accepted for.

use serde_json::Value;

use super::{Findings, MOST, Place, Severity, brief};
use crate::check;
use crate::load::{Document, Node};
use crate::suggest;

/// The member. It may stand in any object of a document and speaks of that object and all inside it.
const MEMBER: &str = "x-gateway-allow";

/// How a row is written.
const FORM: &str = "write `- { code: CODE, reason: why that is fine here }`";

/// One row.
struct Allowance {
    code: &'static str,
    /// Where the row stands.
    place: Place,
    /// The object it speaks of.
    within: Place,
    used: bool,
}

/// Takes out the warnings and notes that the document accepts. What accepts nothing is reported, so that no row outlives
/// its reason.
pub(crate) fn apply(document: &Document, found: &mut Findings) {
    let mut rows = Vec::new();
    for file in 0..document.files.len() {
        if let Some(root) = document.file_root(file) {
            collect(root, &mut rows, found);
        }
    }
    if rows.is_empty() {
        return;
    }
    let complete = found.list.len() < MOST && !found.has_errors();
    found.list.retain(|finding| {
        let mut allowed = false;
        for row in &mut rows {
            if finding.severity != Severity::Error
                && finding.code == row.code
                && finding.place.file == row.within.file
                && below(&finding.place.pointer, &row.within.pointer)
            {
                row.used = true;
                allowed = true;
            }
        }
        !allowed
    });
    // A document with errors was not judged to its end.
    if !complete {
        return;
    }
    for row in rows.iter().filter(|row| !row.used) {
        found.warning(
            "allow-unused",
            row.place.clone(),
            format!("there is no `{}` here to be accepted", row.code),
            "take the row out",
        );
    }
}

/// Whether a pointer leads to this value or into it.
fn below(pointer: &str, within: &str) -> bool {
    pointer
        .strip_prefix(within)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// All rows below a value. Recursion is bounded by the depth that the loader allows.
fn collect(node: Node<'_>, rows: &mut Vec<Allowance>, found: &mut Findings) {
    for (name, child) in node.entries() {
        if name == MEMBER {
            read(node, child, rows, found);
        } else {
            collect(child, rows, found);
        }
    }
    for child in node.items() {
        collect(child, rows, found);
    }
}

fn read(object: Node<'_>, list: Node<'_>, rows: &mut Vec<Allowance>, found: &mut Findings) {
    let malformed = |node: Node<'_>, message: &str, found: &mut Findings| {
        found.error("allow-malformed", node.place(), message, FORM);
    };
    if !list.is_array() {
        return malformed(list, "`x-gateway-allow` is not a list", found);
    }
    for row in list.items() {
        let text = |name: &str| {
            let text = row.get(name).and_then(|node| node.as_str()).map(str::trim);
            text.filter(|text| !text.is_empty())
        };
        let Value::Object(members) = row.value() else {
            malformed(row, "a row is not an object", found);
            continue;
        };
        if let Some(name) = members
            .keys()
            .find(|name| !matches!(name.as_str(), "code" | "reason"))
        {
            let message = format!("a row has no member `{}`", brief(name));
            malformed(row, &message, found);
            continue;
        }
        let (Some(code), Some(_)) = (text("code"), text("reason")) else {
            malformed(row, "a row wants a code and the reason", found);
            continue;
        };
        let place = row.get("code").unwrap_or(row).place();
        let Some(rule) = check::rule(code) else {
            let help = suggest::help(code, check::RULES.iter().map(|rule| rule.code));
            let message = format!("there is no rule `{}`", brief(code));
            found.error("allow-malformed", place, message, help);
            continue;
        };
        if rule.severity == Severity::Error {
            found.warning(
                "allow-unused",
                place,
                format!("`{}` finds errors, and they stay errors", rule.code),
                "nothing can be generated from a document that has one: take the row out",
            );
            continue;
        }
        rows.push(Allowance {
            code: rule.code,
            place,
            within: object.place(),
            used: false,
        });
    }
}
