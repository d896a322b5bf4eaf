//! `components.securitySchemes`, typed.
//!
//! A scheme says where a credential stands; what cannot be understood there is an error, since the gateway could neither
//! judge the credential nor keep callers apart in its cache.

use indexmap::IndexMap;
use openapiv3::{APIKeyLocation, OAuth2Flows, SecurityScheme};

use crate::findings::Findings;
use crate::load::Node;

use super::read::text;

pub(super) fn schemes(root: Node<'_>, found: &mut Findings) -> IndexMap<String, SecurityScheme> {
    let schemes = root
        .get("components")
        .map(|components| components.follow())
        .and_then(|components| components.get("securitySchemes"))
        .map(|schemes| schemes.follow());
    let mut read = IndexMap::new();
    for (name, node) in schemes.iter().flat_map(|schemes| schemes.entries()) {
        if let Some(scheme) = scheme(name, node.follow(), found) {
            read.insert(name.to_owned(), scheme);
        }
    }
    read
}

fn scheme(name: &str, node: Node<'_>, found: &mut Findings) -> Option<SecurityScheme> {
    let mut malformed = |at: Node<'_>, message: String, help: &str| {
        found.error("security-scheme-malformed", at.place(), message, help);
        None
    };
    let extensions = IndexMap::new();
    let description = None;
    match text(node, "type").as_deref() {
        Some("apiKey") => {
            let location = match text(node, "in").as_deref() {
                Some("query") => APIKeyLocation::Query,
                Some("header") => APIKeyLocation::Header,
                Some("cookie") => APIKeyLocation::Cookie,
                _ => {
                    let at = node.get("in").unwrap_or(node);
                    let message = format!("the scheme `{name}` does not say where the key stands");
                    return malformed(at, message, "write `in: header`, `query` or `cookie`");
                }
            };
            let Some(key) = text(node, "name").filter(|key| !key.is_empty()) else {
                let message = format!("the scheme `{name}` does not name the field of the key");
                return malformed(node, message, "give it a `name`");
            };
            Some(SecurityScheme::APIKey {
                location,
                name: key,
                description,
                extensions,
            })
        }
        Some("http") => {
            let Some(scheme) = text(node, "scheme") else {
                let message = format!("the scheme `{name}` does not name its HTTP scheme");
                return malformed(node, message, "write `scheme: bearer` or `scheme: basic`");
            };
            Some(SecurityScheme::HTTP {
                scheme,
                bearer_format: text(node, "bearerFormat"),
                description,
                extensions,
            })
        }
        Some("oauth2") => Some(SecurityScheme::OAuth2 {
            flows: OAuth2Flows::default(),
            description,
            extensions,
        }),
        Some("openIdConnect") => Some(SecurityScheme::OpenIDConnect {
            open_id_connect_url: text(node, "openIdConnectUrl").unwrap_or_default(),
            description,
            extensions,
        }),
        _ => {
            let at = node.get("type").unwrap_or(node);
            let message = format!("the scheme `{name}` has no type that OpenAPI 3.0 knows");
            let help = "write `type: apiKey`, `http`, `oauth2` or `openIdConnect`";
            malformed(at, message, help)
        }
    }
}
