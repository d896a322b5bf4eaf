//! Findings as SARIF 2.1.0 (OASIS), which code scanning services and editors read.

use serde_json::{Value, json};

use super::render::{Row, Spot};
use crate::check::{RULES, Rule};

/// The log of one run of this program: the rules that found something, and what they found.
pub(super) fn log(rows: &[Row]) -> Value {
    let found = |rule: &&Rule| rows.iter().any(|row| row.code == rule.code);
    let rules: Vec<&Rule> = RULES.iter().filter(found).collect();
    let results: Vec<Value> = rows.iter().map(|row| result(row, &rules)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.code,
        "shortDescription": { "text": rule.purpose },
        "help": { "text": rule.help },
        "defaultConfiguration": { "level": rule.severity.name() },
    })
}

fn result(row: &Row, rules: &[&Rule]) -> Value {
    let text = match row.help.as_str() {
        "" => row.message.clone(),
        help => format!("{}; help: {help}", row.message),
    };
    let mut result = json!({
        "ruleId": row.code,
        "level": row.severity,
        "message": { "text": text },
        "locations": [location(&row.at)],
    });
    if let Some(index) = rules.iter().position(|rule| rule.code == row.code) {
        result["ruleIndex"] = index.into();
    }
    if !row.used_at.is_empty() {
        let related = row.used_at.iter().enumerate().map(|(id, spot)| {
            let mut location = location(spot);
            location["id"] = id.into();
            location["message"] = json!({ "text": "used here" });
            location
        });
        result["relatedLocations"] = related.collect();
    }
    result
}

fn location(spot: &Spot) -> Value {
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&spot.file) },
            "region": { "startLine": spot.line, "startColumn": spot.column },
        },
        "logicalLocations": [{ "fullyQualifiedName": spot.pointer }],
    })
}

/// A file's name as a relative reference (RFC 3986 §4.2).
fn uri(name: &str) -> String {
    let mut uri = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn names_become_references() {
        assert_eq!(uri("specs/my api:1.yaml"), "specs/my%20api%3A1.yaml");
        assert_eq!(uri("ü#?%"), "%C3%BC%23%3F%25");
    }
}
