//! `components.securitySchemes`, and `securityDefinitions` of 2.0, typed.
//!
//! A scheme says where a credential stands; what cannot be understood there is an error, since the gateway could neither
//! judge the credential nor keep callers apart in its cache.

use indexmap::IndexMap;
use openapiv3::{APIKeyLocation, OAuth2Flows, SecurityScheme};

use crate::findings::Findings;
use crate::load::Node;

use super::members::Holder;
use super::read::text;
use super::{Reader, Scheme, SchemeSource, Version};

impl<'d> Reader<'d, '_> {
    /// Every scheme of the document.
    pub(super) fn security_schemes(&mut self) -> Vec<SchemeSource<'d>> {
        let schemes = match self.version {
            Version::V2_0 => self.root.get("securityDefinitions"),
            _ => self
                .root
                .get("components")
                .and_then(|components| components.follow().get("securitySchemes")),
        };
        let schemes = schemes.map(|schemes| schemes.follow());
        let mut read = Vec::new();
        for (name, node) in schemes.iter().flat_map(|schemes| schemes.entries()) {
            let node = node.follow();
            self.members(node, Holder::SecurityScheme);
            if let Some(scheme) = scheme(name, node, self.version, self.found) {
                read.push(SchemeSource {
                    name: name.to_owned(),
                    scheme,
                    node,
                });
            }
        }
        read
    }
}

fn scheme(name: &str, node: Node<'_>, version: Version, found: &mut Findings) -> Option<Scheme> {
    let mut malformed = |at: Node<'_>, message: String, help: &str| {
        found.error("security-scheme-malformed", at.place(), message, help);
        None
    };
    let swagger = version == Version::V2_0;
    let extensions = IndexMap::new();
    let description = None;
    let read = match text(node, "type").as_deref() {
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
            SecurityScheme::APIKey {
                location,
                name: key,
                description,
                extensions,
            }
        }
        Some("basic") if swagger => SecurityScheme::HTTP {
            scheme: "basic".to_owned(),
            bearer_format: None,
            description,
            extensions,
        },
        Some("http") => {
            let Some(scheme) = text(node, "scheme") else {
                let message = format!("the scheme `{name}` does not name its HTTP scheme");
                return malformed(node, message, "write `scheme: bearer` or `scheme: basic`");
            };
            SecurityScheme::HTTP {
                scheme,
                bearer_format: text(node, "bearerFormat"),
                description,
                extensions,
            }
        }
        Some("oauth2") => {
            // The back end judges the token, so this only says that the author meant something else.
            if !swagger && node.get("flows").is_none() {
                found.warning(
                    "security-flows-missing",
                    node.place(),
                    format!("the scheme `{name}` has no `flows`"),
                    "write `flows: { authorizationCode: … }`; `flow` was the form of 2.0",
                );
            }
            SecurityScheme::OAuth2 {
                flows: OAuth2Flows::default(),
                description,
                extensions,
            }
        }
        Some("openIdConnect") => SecurityScheme::OpenIDConnect {
            open_id_connect_url: text(node, "openIdConnectUrl").unwrap_or_default(),
            description,
            extensions,
        },
        Some("mutualTLS") if version >= Version::V3_1 => return Some(Scheme::MutualTls),
        _ => {
            let at = node.get("type").unwrap_or(node);
            let message = format!("the scheme `{name}` has no type that is known here");
            let help = match version {
                Version::V2_0 => "write `type: apiKey`, `basic` or `oauth2`",
                Version::V3_0 => "write `type: apiKey`, `http`, `oauth2` or `openIdConnect`",
                _ => "write `type: apiKey`, `http`, `oauth2`, `openIdConnect` or `mutualTLS`",
            };
            return malformed(at, message, help);
        }
    };
    Some(Scheme::Credential(read))
}
