//! How long checking a body takes, beside building a `serde_json::Value` and asking the `jsonschema` crate.
//!
//! `cargo bench -p gateway-codegen --no-default-features --bench validation` prints times and ratios; the ratio is what counts.
//! Good bodies must be checked at least three times as fast. The last figures stand in `docs/validation.md`.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot begin should stop"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures the time of the machine"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use gateway_codegen::findings::Findings;
use gateway_codegen::lower::schema::{Dialect, Schemas};
use gateway_codegen::{assemble, load};
use gateway_runtime::def::Messages;
use gateway_runtime::schema::Scratch;
use serde_json::{Value, json};

/// An order as shops have them.
fn schema() -> Value {
    json!({
        "$ref": "#/$defs/Order",
        "$defs": {
            "Order": {
                "type": "object",
                "required": ["id", "customer", "lines", "placed"],
                "properties": {
                    "id": { "type": "string", "pattern": "^[A-Z]{2}-[0-9]{6}$" },
                    "placed": { "type": "string", "format": "date-time" },
                    "note": { "type": ["string", "null"], "maxLength": 200 },
                    "status": { "enum": ["new", "paid", "sent", "returned"] },
                    "customer": { "$ref": "#/$defs/Customer" },
                    "lines": { "type": "array", "minItems": 1, "maxItems": 1000, "items": { "$ref": "#/$defs/Line" } }
                },
                "additionalProperties": false
            },
            "Customer": {
                "allOf": [
                    { "$ref": "#/$defs/Person" },
                    { "type": "object", "required": ["email"], "properties": { "email": { "type": "string", "format": "email" } } }
                ]
            },
            "Person": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": { "type": "string", "minLength": 1, "maxLength": 100 },
                    "address": {
                        "type": "object",
                        "required": ["street", "city"],
                        "properties": {
                            "street": { "type": "string" },
                            "city": { "type": "string" },
                            "zip": { "type": "string", "maxLength": 10 }
                        }
                    }
                }
            },
            "Line": {
                "type": "object",
                "required": ["sku", "quantity", "price"],
                "properties": {
                    "sku": { "type": "string", "minLength": 3, "maxLength": 20 },
                    "quantity": { "type": "integer", "minimum": 1, "maximum": 1000 },
                    "price": { "type": "number", "minimum": 0, "multipleOf": 0.01 },
                    "title": { "type": "string", "maxLength": 200 },
                    "tags": { "type": "array", "items": { "type": "string" }, "uniqueItems": true }
                },
                "additionalProperties": false
            }
        }
    })
}

/// An order of about so many bytes.
fn order(bytes: usize) -> String {
    let mut lines = Vec::new();
    loop {
        let number = lines.len();
        lines.push(json!({
            "sku": format!("SKU-{number:06}"),
            "quantity": number % 9 + 1,
            "price": 19.99,
            "title": "A book about gardens, second edition",
            "tags": ["books", "gardens"]
        }));
        let order = json!({
            "id": "AB-123456",
            "placed": "2026-11-23T09:07:10Z",
            "note": null,
            "status": "paid",
            "customer": {
                "name": "Ada Lovelace",
                "email": "ada@example.com",
                "address": { "street": "12 St James's Square", "city": "London", "zip": "SW1Y 4JH" }
            },
            "lines": lines
        });
        let text = order.to_string();
        if text.len() >= bytes {
            return text;
        }
    }
}

/// Times of one call of each, the least of many rounds in turn, so that what else the machine does meets all of them.
fn times<const N: usize>(mut calls: [&mut dyn FnMut(); N]) -> [Duration; N] {
    let mut best = [Duration::MAX; N];
    for _ in 0..400 {
        for (call, best) in calls.iter_mut().zip(&mut best) {
            let start = Instant::now();
            for _ in 0..4 {
                call();
            }
            *best = (*best).min(start.elapsed() / 4);
        }
    }
    best
}

fn main() {
    let schema = schema();
    let mut found = Findings::default();
    let document = load::text("schema.json", schema.to_string(), &mut found).unwrap();
    let mut lowering = Schemas::new(&document);
    let rules = lowering.rules(document.root().unwrap(), Dialect::Json2020_12, &mut found);
    let (table, rules) = assemble::schemas(&lowering.finish(), &rules);
    let mut schemas = gateway_runtime::schema::Schemas::new(table).unwrap();
    let root = schemas.add("#", rules).unwrap();
    let mut scratch = Scratch::default();
    let theirs = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();

    let small = order(900);
    let large = order(64 * 1024);
    let early = small.replacen("AB-123456", "12-123456", 1);
    let late = large.replacen("\"quantity\":9", "\"quantity\":0", 1);
    println!("body                bytes       ours    Value + jsonschema   ratio   (Value alone)");
    for (name, body) in [
        ("1 KiB, good", &small),
        ("64 KiB, good", &large),
        ("1 KiB, refused", &early),
        ("64 KiB, refused", &late),
    ] {
        let refused = name.ends_with("refused");
        let check = schemas.check(root, body.as_bytes(), Messages::Requests, &mut scratch);
        let value: Value = serde_json::from_str(body).unwrap();
        assert_eq!(check.is_err(), refused, "{name}: {check:?}");
        assert_eq!(theirs.is_valid(&value), !refused, "{name}");
        let mut ours = || {
            let check = schemas.check(
                root,
                black_box(body.as_bytes()),
                Messages::Requests,
                &mut scratch,
            );
            let _ = black_box(check);
        };
        let mut both = || {
            let value: Value = serde_json::from_slice(black_box(body.as_bytes())).unwrap();
            // What is refused has to be told.
            if refused {
                let errors: Vec<String> =
                    theirs.iter_errors(&value).map(|e| e.to_string()).collect();
                black_box(errors);
            } else {
                black_box(theirs.is_valid(&value));
            }
        };
        let mut parse = || {
            let value: Value = serde_json::from_slice(black_box(body.as_bytes())).unwrap();
            black_box(value);
        };
        let [ours, both, parse] = times([&mut ours, &mut both, &mut parse]);
        let ratio = both.as_secs_f64() / ours.as_secs_f64();
        println!(
            "{name:16} {:8} {ours:>10.1?} {both:>21.1?} {ratio:>7.1} {parse:>15.1?}",
            body.len()
        );
    }
}
