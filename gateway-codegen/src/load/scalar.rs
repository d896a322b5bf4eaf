//! What a YAML scalar that is not quoted stands for: YAML 1.2's core schema (§10.3.2), and binary integers.

use serde_json::{Number, Value};

/// The value of a scalar without a tag.
pub(super) fn plain(text: &str) -> Value {
    // Most scalars are words, and no word that is something else begins otherwise.
    let begins = text.as_bytes().first();
    if !matches!(
        begins,
        None | Some(
            b'0'..=b'9' | b'+' | b'-' | b'.' | b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F'
        )
    ) {
        return Value::from(text);
    }
    null(text)
        .or_else(|| boolean(text))
        .or_else(|| integer(text))
        .or_else(|| float(text))
        .unwrap_or_else(|| Value::from(text))
}

/// The value of a scalar with one of YAML's own tags; `None`: it is none of that kind.
pub(super) fn tagged(kind: &str, text: &str) -> Option<Value> {
    match kind {
        "null" => null(text),
        "bool" => boolean(text),
        "int" => integer(text),
        "float" => float(text),
        _ => Some(Value::from(text)),
    }
}

fn null(text: &str) -> Option<Value> {
    matches!(text, "" | "~" | "null" | "Null" | "NULL").then_some(Value::Null)
}

fn boolean(text: &str) -> Option<Value> {
    match text {
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// An integer of any width; one beyond 64 bits becomes the nearest floating-point number, as in JSON.
fn integer(text: &str) -> Option<Value> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, digits.get(2..)?),
        Some("0o") => (8, digits.get(2..)?),
        Some("0b") => (2, digits.get(2..)?),
        _ => (10, digits),
    };
    let are_digits = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    if !are_digits || radix == 10 && leading_zero(digits) {
        return None;
    }
    match u64::from_str_radix(digits, radix) {
        Ok(size) if !negative => Some(Value::from(size)),
        Ok(size) if size <= i64::MIN.unsigned_abs() => {
            Some(Value::from(0_i64.wrapping_sub_unsigned(size)))
        }
        _ => {
            let size = match radix {
                10 => digits.parse().ok()?,
                _ => u128::from_str_radix(digits, radix).ok()? as f64,
            };
            number(if negative { -size } else { size })
        }
    }
}

/// Digits behind a zero are a text, such as a telephone number.
fn leading_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A floating-point number. Infinities and NaN, which JSON does not have, stay texts.
fn float(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" if text.starts_with('-') => return Some(Value::from("-.inf")),
        ".inf" | ".Inf" | ".INF" => return Some(Value::from(".inf")),
        ".nan" | ".NaN" | ".NAN" if unsigned == text => return Some(Value::from(".nan")),
        _ => {}
    }
    let begins = unsigned.trim_start_matches('.').bytes().next();
    // The standard library's reader knows words (`inf`, `nan`) that YAML does not.
    if leading_zero(unsigned) || !begins.is_some_and(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number(text.parse().ok()?)
}

fn number(value: f64) -> Option<Value> {
    Number::from_f64(value).map(Value::Number)
}
