//! Where requests may go: a document chooses scheme, host and port; a client never does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gateway_runtime::expr::{Expr, Piece, Source};

use crate::findings::brief;

/// Why an address cannot be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Code of the rule.
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: &'static str,
}

fn fault(code: &'static str, message: impl Into<String>, help: &'static str) -> Option<Fault> {
    Some(Fault {
        code,
        message: message.into(),
        help,
    })
}

/// What is wrong with the address of a back end.
pub(crate) fn fault_of(address: &Expr) -> Option<Fault> {
    let mut pieces = address.pieces().iter().peekable();
    let mut authority = String::new();
    let mut variable = false;
    let mut rest = "";
    match pieces.peek() {
        Some(Piece::Text(text)) => {
            let Some(after) = text
                .strip_prefix("http://")
                .or_else(|| text.strip_prefix("https://"))
            else {
                return fault(
                    "address",
                    "an address begins with `http://` or `https://`",
                    "write the whole address, or name an upstream",
                );
            };
            let end = after.find(['/', '?', '#']).unwrap_or(after.len());
            authority.push_str(&after[..end]);
            rest = &after[end..];
            pieces.next();
        }
        Some(Piece::Value(Source::StageVariable(_) | Source::Parameter(_))) => {
            variable = true;
            pieces.next();
        }
        Some(Piece::Value(_)) => return chosen_by_client(),
        None => return fault("address", "an address cannot be empty", ""),
    }
    if rest.is_empty() {
        for piece in pieces.by_ref() {
            match piece {
                Piece::Value(Source::StageVariable(_) | Source::Parameter(_)) => variable = true,
                Piece::Value(_) => return chosen_by_client(),
                Piece::Text(text) => {
                    let end = text.find(['/', '?', '#']).unwrap_or(text.len());
                    authority.push_str(&text[..end]);
                    if end < text.len() {
                        rest = &text[end..];
                        break;
                    }
                }
            }
        }
    }
    if !variable && let Some(why) = authority_fault(&authority) {
        return Some(why);
    }
    let texts = std::iter::once(rest).chain(pieces.filter_map(|piece| match piece {
        Piece::Text(text) => Some(text.as_str()),
        Piece::Value(_) => None,
    }));
    texts.into_iter().find_map(path_fault)
}

/// What is wrong with the fixed text of a path and query.
pub(crate) fn path_fault(text: &str) -> Option<Fault> {
    if text.contains('#') {
        return fault(
            "address",
            "an address of a back end has no fragment (`#`)",
            "",
        );
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return fault(
            "address",
            "white space and control characters cannot stand in an address",
            "percent-encode them",
        );
    }
    None
}

fn chosen_by_client() -> Option<Fault> {
    fault(
        "address-host",
        "the client would choose the host",
        "scheme, host and port come from literal text, stage variables and deployment parameters alone",
    )
}

/// What is wrong with a host and its port.
pub(crate) fn authority_fault(authority: &str) -> Option<Fault> {
    if authority.contains('@') {
        return fault(
            "address",
            "an address holds no user name or password",
            "secrets never stand in a document; set an `authorization` header from a stage variable",
        );
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) => (
                host,
                port.strip_prefix(':')
                    .or(if port.is_empty() { None } else { Some("?") }),
            ),
            None => return fault("address", "`[` without `]`", ""),
        },
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if port.is_some_and(|port| port.parse::<u16>().ok().is_none_or(|port| port == 0)) {
        return fault(
            "address",
            format!("`{}` has no port from 1 to 65535", brief(authority)),
            "",
        );
    }
    if authority.starts_with('[') {
        return match host.parse::<Ipv6Addr>() {
            Ok(address) => reserved(IpAddr::V6(address)),
            Err(_) => fault(
                "address",
                format!("`{}` is no IPv6 address", brief(host)),
                "",
            ),
        };
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return reserved(IpAddr::V4(address));
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.is_empty() || name.len() > 253 || !name.split('.').all(label) {
        return fault("address", format!("`{}` is no host", brief(host)), "");
    }
    if name.eq_ignore_ascii_case("metadata.google.internal") {
        return metadata();
    }
    None
}

/// Addresses that belong to the machine the gateway runs on, never to a back end.
fn reserved(address: IpAddr) -> Option<Fault> {
    let address = address.to_canonical();
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => {
            address.segments()[0] & 0xffc0 == 0xfe80
                || address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
        }
    };
    if link_local {
        return metadata();
    }
    if address.is_unspecified() || address.is_multicast() {
        return fault("address", "this address belongs to no back end", "");
    }
    None
}

fn metadata() -> Option<Fault> {
    fault(
        "address-link-local",
        "link-local and metadata addresses are never called",
        "they give the machine's own credentials to whoever can reach them",
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use gateway_runtime::expr::Scope;

    use super::*;

    fn code(address: &str) -> &'static str {
        let expr = Expr::parse(address, Scope::Request).unwrap();
        fault_of(&expr).map_or("fine", |fault| fault.code)
    }

    #[test]
    fn hosts_come_from_the_document() {
        for address in [
            "http://a",
            "https://a.example:8443/x/${path.id}?q=${query.q}",
            "http://[::1]:80/",
            "http://10.0.0.1/x",
            "${stageVariables.url}/x/${path.id}",
            "https://${stageVariables.host}:8080/x",
            "https://${stageVariables.sub}.example/x",
            "${param.url}/x/${path.id}",
            "https://${param.host}:8080/x",
            "http://a_b.local/",
        ] {
            assert_eq!(code(address), "fine", "{address}");
        }
        for address in [
            "http://${path.id}/x",
            "http://a.${query.q}/x",
            "${header.host}/x",
            "http://a:${query.port}/",
            "${stageVariables.url}${path.id}",
            "${param.url}${path.id}",
            "https://${header.x-host}",
        ] {
            assert_eq!(code(address), "address-host", "{address}");
        }
        for address in [
            "",
            "ftp://a/",
            "a.example/x",
            "http://",
            "http:///x",
            "http://user:secret@a/",
            "http://a:0/",
            "http://a:99999/",
            "http://[::1/",
            "http://a b/",
            "http://a/x#y",
            "http://a/x y",
            "http://a..b/",
            "http://0.0.0.0/",
        ] {
            assert_eq!(code(address), "address", "{address}");
        }
        for address in [
            "http://169.254.169.254/latest",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://metadata.google.internal/",
        ] {
            assert_eq!(code(address), "address-link-local", "{address}");
        }
    }
}
