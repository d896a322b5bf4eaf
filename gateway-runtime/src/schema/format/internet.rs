//! Addresses of hosts and people.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::unicode;

/// Dotted decimal, without leading zeros.
pub(super) fn ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

pub(super) fn ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

/// RFC 5321 section 4.1.2, with characters beyond ASCII where RFC 6531 lets them stand.
pub(super) fn email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    if local.is_empty() || local.len() > 64 {
        return false;
    }
    let quoted = local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let good_local = match quoted {
        Some(inner) => is_quoted(inner),
        None => local
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(is_atom)),
    };
    let literal = domain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let good_domain = match literal {
        Some(address) => match address.strip_prefix("IPv6:") {
            Some(address) => ipv6(address),
            None => ipv4(address),
        },
        None if domain.is_ascii() => labels(domain),
        None => idn_hostname(domain),
    };
    good_local && good_domain
}

fn is_quoted(text: &str) -> bool {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let good = match character {
            '"' => false,
            '\\' => characters.next().is_some_and(|c| matches!(c, ' '..='~')),
            other => matches!(other, ' '..='~') || !other.is_ascii(),
        };
        if !good {
            return false;
        }
    }
    true
}

fn is_atom(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || !character.is_ascii()
        || "!#$%&'*+-/=?^_`{|}~".contains(character)
}

/// RFC 1123 section 2.1; labels in Punycode have to be some that RFC 5891 allows.
pub(super) fn hostname(text: &str) -> bool {
    labels(text)
        && text.split('.').all(|label| match a_label(label) {
            Some(encoded) => {
                punycode(encoded).is_some_and(|decoded| !decoded.is_ascii() && is_u_label(&decoded))
            }
            None => label.get(2..4) != Some("--"),
        })
}

/// Letters, digits and hyphens in labels of at most 63 bytes.
fn labels(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

fn a_label(label: &str) -> Option<&str> {
    let (prefix, rest) = label.split_at_checked(4)?;
    prefix.eq_ignore_ascii_case("xn--").then_some(rest)
}

/// RFC 5890 section 2.3.2.3.
pub(super) fn idn_hostname(text: &str) -> bool {
    let mut length = 0;
    let good = text
        .split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'])
        .all(|label| {
            let encoded = if label.is_ascii() {
                label.len()
            } else {
                4 + punycode_length(label)
            };
            length += encoded + 1;
            let good = if label.is_ascii() {
                hostname(label)
            } else {
                is_u_label(label)
            };
            good && (1..=63).contains(&encoded)
        });
    good && length <= 254
}

/// RFC 5891 section 4.2 and RFC 5892, as far as categories of characters tell.
fn is_u_label(label: &str) -> bool {
    let characters: Vec<char> = label.chars().collect();
    let hyphens = label.starts_with('-') || label.ends_with('-');
    let prefix = characters.get(2..4) == Some(&['-', '-']);
    let mark = characters
        .first()
        .is_some_and(|first| unicode::is_mark(*first));
    !hyphens
        && !prefix
        && !mark
        && characters
            .iter()
            .enumerate()
            .all(|(at, character)| is_in_label(&characters, at, *character))
}

/// Whether a character may stand at a place of a label.
fn is_in_label(label: &[char], at: usize, character: char) -> bool {
    let before = at.checked_sub(1).and_then(|at| label.get(at)).copied();
    let after = label.get(at + 1).copied();
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => true,
        // Contextual rules, RFC 5892 appendix A.
        '\u{b7}' => before == Some('l') && after == Some('l'),
        '\u{375}' => after.is_some_and(unicode::is_greek),
        '\u{5f3}' | '\u{5f4}' => before.is_some_and(unicode::is_hebrew),
        '\u{30fb}' => label.iter().any(|c| unicode::is_japanese(*c)),
        '\u{660}'..='\u{669}' => !label.iter().any(|c| matches!(c, '\u{6f0}'..='\u{6f9}')),
        '\u{6f0}'..='\u{6f9}' => !label.iter().any(|c| matches!(c, '\u{660}'..='\u{669}')),
        '\u{200d}' => before.is_some_and(unicode::is_virama),
        '\u{200c}' => {
            before.is_some_and(unicode::is_virama)
                || before.is_some_and(|c| !c.is_ascii()) && after.is_some_and(|c| !c.is_ascii())
        }
        // Exceptions, RFC 5892 section 2.6.
        '\u{df}' | '\u{3c2}' | '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '\u{3007}' => true,
        '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}' => {
            false
        }
        other => unicode::is_letter_or_digit(other),
    }
}

/// RFC 3492 section 6.2.
fn punycode(encoded: &str) -> Option<String> {
    let (basic, extended) = encoded.rsplit_once('-').unwrap_or(("", encoded));
    if extended.is_empty() {
        return None;
    }
    let mut output: Vec<char> = basic.chars().collect();
    let (mut code, mut place, mut bias): (u32, u32, u32) = (128, 0, 72);
    let mut digits = extended.bytes();
    while let Some(mut digit) = digits.next() {
        let (start, mut weight, mut k) = (place, 1_u32, 36);
        loop {
            let value = match digit {
                b'a'..=b'z' => digit - b'a',
                b'A'..=b'Z' => digit - b'A',
                b'0'..=b'9' => digit - b'0' + 26,
                _ => return None,
            };
            place = place.checked_add(u32::from(value).checked_mul(weight)?)?;
            let threshold = threshold(k, bias);
            if u32::from(value) < threshold {
                break;
            }
            weight = weight.checked_mul(36 - threshold)?;
            k += 36;
            digit = digits.next()?;
        }
        let count = u32::try_from(output.len()).ok()? + 1;
        bias = adapted(place - start, count, start == 0);
        code = code.checked_add(place / count)?;
        place %= count;
        output.insert(usize::try_from(place).ok()?, char::from_u32(code)?);
        place += 1;
    }
    Some(output.into_iter().collect())
}

/// Bytes that a label takes in Punycode, RFC 3492 section 6.3.
fn punycode_length(label: &str) -> usize {
    // No label that is longer fits, so its length need not be exact; the sum below is quadratic.
    if label.chars().count() > 63 {
        return 64;
    }
    let basic = label.chars().filter(char::is_ascii).count();
    let mut length = if basic > 0 { basic + 1 } else { 0 };
    let (mut code, mut delta, mut bias) = (128_u32, 0_u32, 72);
    let mut handled = u32::try_from(basic).unwrap_or(u32::MAX);
    let start = handled;
    loop {
        let next = label.chars().map(u32::from).filter(|c| *c >= code).min();
        let Some(next) = next else {
            return length;
        };
        delta = delta.saturating_add((next - code).saturating_mul(handled + 1));
        code = next;
        for character in label.chars().map(u32::from) {
            if character < code {
                delta = delta.saturating_add(1);
            }
            if character == code {
                let (mut rest, mut k) = (delta, 36);
                loop {
                    length += 1;
                    let threshold = threshold(k, bias);
                    if rest < threshold {
                        break;
                    }
                    rest = (rest - threshold) / (36 - threshold);
                    k += 36;
                }
                bias = adapted(delta, handled + 1, handled == start);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.saturating_add(1);
        code += 1;
    }
}

fn threshold(k: u32, bias: u32) -> u32 {
    k.saturating_sub(bias).clamp(1, 26)
}

fn adapted(delta: u32, count: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / count;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}
