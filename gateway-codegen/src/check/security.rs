//! Security smells: what is served as it is written, and deserves a look.

use crate::findings::{Findings, brief};
use crate::load::Node;
use crate::model::{Access, Gateway, ParameterPlace};
use crate::normalise::Api;

/// Reports them; all are warnings or notes.
pub(super) fn run(api: &Api<'_>, gateway: &Gateway, found: &mut Findings) {
    open_among_guarded(api, gateway, found);
    credentials_in_addresses(api, gateway, found);
    plain_upstreams(gateway, found);
}

/// An operation without a word about security in a document most of whose operations ask for credentials. `security: []` is
/// a word.
fn open_among_guarded(api: &Api<'_>, gateway: &Gateway, found: &mut Findings) {
    let open = |access: &Access| *access == Access::Public;
    let guarded = gateway
        .operations
        .values()
        .filter(|operation| !open(&operation.access))
        .count();
    if 2 * guarded <= gateway.operations.len() || api.root.get("security").is_some() {
        return;
    }
    for operation in gateway.operations.values() {
        let place = &operation.origin.0;
        let node = api.root.document().at(place);
        let silent = |node: Node<'_>| {
            node.get("security").is_none() && node.get("x-amazon-apigateway-auth").is_none()
        };
        // Browsers send preflights without credentials.
        let preflight = operation.method == "OPTIONS";
        if open(&operation.access) && !preflight && node.is_some_and(silent) {
            found.warning(
                "operation-open",
                place.clone(),
                format!(
                    "`{} {}` is open to anyone, unlike {guarded} of the {} operations",
                    operation.method,
                    brief(&operation.path),
                    gateway.operations.len()
                ),
                "say who may call it by `security`; `security: []` says that anyone may",
            );
        }
    }
}

/// Schemes whose credential is a query parameter.
fn credentials_in_addresses(api: &Api<'_>, gateway: &Gateway, found: &mut Findings) {
    let lists = ["/components/securitySchemes", "/securityDefinitions"];
    let mut schemes: Vec<&str> = Vec::new();
    for operation in gateway.operations.values() {
        let Access::Delegated(alternatives) = &operation.access else {
            continue;
        };
        for credential in alternatives.iter().flatten() {
            if credential.place == ParameterPlace::Query
                && !schemes.contains(&credential.scheme.as_str())
            {
                schemes.push(&credential.scheme);
            }
        }
    }
    schemes.sort_unstable();
    for name in schemes {
        let written = lists
            .iter()
            .find_map(|list| api.root.at(list)?.get(name))
            .map(|node| node.follow());
        found.note(
            "credential-in-query",
            written.unwrap_or(api.root).place(),
            format!("the credential of `{}` stands in the address", brief(name)),
            "addresses are kept in logs and histories; a header is not",
        );
    }
}

/// Back ends on the open network that are called without TLS.
fn plain_upstreams(gateway: &Gateway, found: &mut Findings) {
    for upstream in gateway.upstreams.values() {
        for target in &upstream.targets {
            let Some(rest) = target.url.strip_prefix("http://") else {
                continue;
            };
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            if is_public(authority) {
                found.warning(
                    "upstream-plain",
                    upstream.origin.0.clone(),
                    format!("`{}` is called without TLS", brief(authority)),
                    "write `https://`: requests and their credentials can be read on the way",
                );
            }
        }
    }
}

/// Whether a host is one of the open network, as far as its name tells.
fn is_public(authority: &str) -> bool {
    if authority.contains("${") || authority.starts_with('[') {
        return false;
    }
    let host = authority.split(':').next().unwrap_or_default();
    if let Ok(address) = host.parse::<std::net::Ipv4Addr>() {
        let shared = matches!(address.octets(), [100, 64..=127, ..]);
        return !(address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || shared);
    }
    let own = [
        "internal",
        "local",
        "localhost",
        "lan",
        "intranet",
        "corp",
        "home",
        "svc",
        "test",
        "example",
        "invalid",
        "localdomain",
        "arpa",
    ];
    match host.trim_end_matches('.').rsplit_once('.') {
        // One word is a name of the local network.
        None => false,
        Some((_, last)) => !own.contains(&last),
    }
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn what_belongs_to_the_open_network() {
        for host in [
            "api.shop.com",
            "api.shop.com:8080",
            "203.0.113.5",
            "8.8.8.8:53",
        ] {
            assert!(is_public(host), "{host}");
        }
        for host in [
            "books",
            "books:8080",
            "localhost:80",
            "10.0.0.7",
            "172.16.3.4:1",
            "192.168.0.1",
            "127.0.0.1",
            "100.64.0.1",
            "books.internal",
            "books.ns.svc",
            "books.example.",
            "${stageVariables.host}",
            "[::1]",
        ] {
            assert!(!is_public(host), "{host}");
        }
    }
}
