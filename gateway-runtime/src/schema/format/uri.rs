//! URIs (RFC 3986), IRIs (RFC 3987) and URI templates (RFC 6570).

/// What is expected of an address.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// Whether it has to have a scheme.
    absolute: bool,
    /// Whether it may have characters beyond ASCII.
    international: bool,
}

pub(super) const ABSOLUTE: Kind = Kind {
    absolute: true,
    international: false,
};
pub(super) const REFERENCE: Kind = Kind {
    absolute: false,
    international: false,
};
pub(super) const INTERNATIONAL: Kind = Kind {
    absolute: true,
    international: true,
};
pub(super) const INTERNATIONAL_REFERENCE: Kind = Kind {
    absolute: false,
    international: true,
};

pub(super) fn is(text: &str, kind: Kind) -> bool {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let colon = rest
        .find([':', '/'])
        .filter(|at| rest[*at..].starts_with(':'));
    let (scheme, rest) = match colon {
        Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
        None => (None, rest),
    };
    let good_scheme = match scheme {
        Some(scheme) => {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        }
        None => !kind.absolute,
    };
    let (good_authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (authority(&rest[..end], kind), &rest[end..])
        }
        None => (true, rest),
    };
    good_scheme
        && good_authority
        && characters(path, "/:@", kind, false)
        && characters(query, "/?:@", kind, true)
        && characters(fragment, "/?:@", kind, false)
}

fn authority(text: &str, kind: Kind) -> bool {
    let (user, host) = match text.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", text),
    };
    let (host, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else {
                return false;
            };
            if !super::internet::ipv6(address) && !is_future(address) {
                return false;
            }
            match port.strip_prefix(':') {
                Some(port) => ("", port),
                None if port.is_empty() => ("", ""),
                None => return false,
            }
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    characters(user, ":", kind, false)
        && characters(host, "", kind, false)
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// `IPvFuture`
fn is_future(text: &str) -> bool {
    let Some((version, address)) = text
        .strip_prefix(['v', 'V'])
        .and_then(|rest| rest.split_once('.'))
    else {
        return false;
    };
    !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !address.is_empty()
        && !address.contains('%')
        && characters(address, ":", ABSOLUTE, false)
}

/// Unreserved characters, sub-delimiters, percent-encoded bytes and what else may stand in a part.
fn characters(text: &str, others: &str, kind: Kind, private: bool) -> bool {
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let good = match character {
            '%' => {
                let mut hex = || rest.next().is_some_and(|c| c.is_ascii_hexdigit());
                hex() && hex()
            }
            c if c.is_ascii() => {
                c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(c) || others.contains(c)
            }
            c => kind.international && is_international(c, private),
        };
        if !good {
            return false;
        }
    }
    true
}

/// `ucschar`, and in queries `iprivate`.
fn is_international(character: char, private: bool) -> bool {
    let code = u32::from(character);
    match code {
        0xa0..=0xd7ff | 0xf900..=0xfdcf | 0xfdf0..=0xffef => true,
        0xe000..=0xf8ff | 0xf0000..=0xffffd | 0x10_0000..=0x10_fffd => private,
        0x10000..=0xeffff => code & 0xffff <= 0xfffd && !(0xe0000..0xe1000).contains(&code),
        _ => false,
    }
}

/// RFC 6570: literals, and expressions in braces.
pub(super) fn template(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (literal, behind) = rest.split_at(at);
        let Some((expression, after)) = behind.strip_prefix('{').and_then(|b| b.split_once('}'))
        else {
            return false;
        };
        if !is_literal(literal) || !is_expression(expression) {
            return false;
        }
        rest = after;
    }
    is_literal(rest)
}

fn is_literal(text: &str) -> bool {
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let good = match character {
            '%' => {
                let mut hex = || rest.next().is_some_and(|c| c.is_ascii_hexdigit());
                hex() && hex()
            }
            c if c.is_ascii() => !c.is_ascii_control() && !" \"<>\\^`{|}".contains(c),
            c => is_international(c, true),
        };
        if !good {
            return false;
        }
    }
    true
}

fn is_expression(text: &str) -> bool {
    let names = text.strip_prefix(|c| "+#./;?&".contains(c)).unwrap_or(text);
    names.split(',').all(|name| {
        let name = match name.split_once(':') {
            Some((name, length)) => {
                let digits = length.bytes().all(|byte| byte.is_ascii_digit());
                if !digits || !(1..=4).contains(&length.len()) || length.starts_with('0') {
                    return false;
                }
                name
            }
            None => name.strip_suffix('*').unwrap_or(name),
        };
        name.split('.')
            .all(|part| !part.is_empty() && is_variable(part))
    })
}

fn is_variable(part: &str) -> bool {
    let mut rest = part.chars();
    while let Some(character) = rest.next() {
        let mut hex = || rest.next().is_some_and(|c| c.is_ascii_hexdigit());
        let good = match character {
            '%' => hex() && hex(),
            c => c.is_ascii_alphanumeric() || c == '_',
        };
        if !good {
            return false;
        }
    }
    true
}
