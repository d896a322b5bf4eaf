//! Who may call an operation: OpenAPI's `security` and the schemes it names.
//!
//! A scheme that names no judge is delegated: the credential is forwarded untouched and the back end decides. A scheme that
//! names a judge is judged here or refused; it is never open.

use std::collections::{BTreeMap, BTreeSet};

use openapiv3::{APIKeyLocation, SecurityRequirement, SecurityScheme};

use super::aws;
use super::native::{self, strict::Strict, unserved};
use super::suggest;
use super::tree::Tree;
use crate::findings::{Findings, Lazily, Place, brief};
use crate::load::Node;
use crate::model::{Access, Credential, ParameterPlace};
use crate::normalise::{Api, Scheme, SchemeSource};

/// The security schemes of a document.
pub(crate) struct Schemes {
    known: BTreeMap<String, Known>,
    /// Schemes that operations use.
    used: BTreeSet<String>,
}

struct Known {
    place: Place,
    /// Where its credential stands; `None`: a judge is named (or the scheme is unreadable), which was reported or will be.
    credential: Option<Credential>,
    /// Why an operation cannot use it: what judges it.
    judge: Option<(Place, String)>,
    /// Whether its `x-gateway` names a judge, which was reported.
    judged: bool,
}

impl Schemes {
    /// Reads every scheme. A judge is an error where it is written; one that Amazon's naming implies, only when used.
    pub(crate) fn read(
        api: &Api<'_>,
        strict: &Strict,
        aws_document: bool,
        found: &mut Findings,
    ) -> Schemes {
        let mut known = BTreeMap::new();
        for SchemeSource { name, scheme, node } in &api.security_schemes {
            let required = is_required(node, strict, found);
            let (credential, judge) = match scheme {
                Scheme::Credential(scheme) => (
                    credential(name, scheme, required),
                    aws::judge(node, aws_document),
                ),
                Scheme::MutualTls => (None, Some((node.place(), "mutual TLS".to_owned()))),
            };
            let scheme = Known {
                place: node.place(),
                credential,
                judge,
                judged: names_judge(node),
            };
            known.insert(name.clone(), scheme);
        }
        Schemes {
            known,
            used: BTreeSet::new(),
        }
    }

    /// Who may call an operation with these requirements; `place` is where `security` stands.
    pub(crate) fn access(
        &mut self,
        requirements: Option<&Vec<SecurityRequirement>>,
        place: &Place,
        found: &mut Findings,
    ) -> Access {
        let mut alternatives: Vec<Vec<Credential>> = Vec::new();
        for requirement in requirements.into_iter().flatten() {
            let mut alternative = Vec::new();
            for name in requirement.keys() {
                if let Some(credential) = self.credential(name, place, found) {
                    alternative.push(credential);
                }
            }
            if !alternatives.contains(&alternative) {
                alternatives.push(alternative);
            }
        }
        if alternatives.iter().all(Vec::is_empty) {
            Access::Public
        } else {
            Access::Delegated(alternatives)
        }
    }

    fn credential(
        &mut self,
        name: &str,
        place: &Place,
        found: &mut Findings,
    ) -> Option<Credential> {
        let Some(scheme) = self.known.get(name) else {
            found.error(
                "security-scheme-undefined",
                place.clone(),
                format!("there is no security scheme `{}`", brief(name)),
                Lazily(|| suggest::help(name, self.known.keys().map(String::as_str))),
            );
            return None;
        };
        self.used.insert(name.to_owned());
        if let Some((place, judge)) = &scheme.judge {
            found.error(
                "not-yet-served",
                place.clone(),
                format!("{judge} is not yet served, and operations ask for `{}`", brief(name)),
                "an operation whose credential cannot be judged is never open: wait for a version that serves it, or let the back end decide",
            );
        }
        scheme.credential.clone()
    }

    /// Notes which schemes are left to the back end.
    pub(crate) fn note(&self, found: &mut Findings) {
        for name in &self.used {
            let Some(scheme) = self.known.get(name) else {
                continue;
            };
            let Some(credential) = scheme
                .credential
                .as_ref()
                .filter(|_| scheme.judge.is_none() && !scheme.judged)
            else {
                continue;
            };
            let place = match credential.place {
                ParameterPlace::Header => "header",
                ParameterPlace::Query => "query parameter",
                ParameterPlace::Cookie => "cookie",
                ParameterPlace::Path => "path parameter",
            };
            let absent = if credential.required {
                "; its absence is answered 401"
            } else {
                ""
            };
            found.note(
                "delegated-security",
                scheme.place.clone(),
                format!(
                    "`{}` is left to the back end: the {place} `{}` is forwarded untouched{absent}",
                    brief(name),
                    brief(&credential.name)
                ),
                if credential.required {
                    ""
                } else {
                    "`x-gateway: { require: true }` on the scheme answers 401 already when it is absent"
                },
            );
        }
    }
}

/// Whether `x-gateway` of a scheme names a judge; none is served yet.
fn names_judge(node: &Node<'_>) -> bool {
    node.get("x-gateway").is_some_and(|extension| {
        extension
            .entries()
            .any(|(name, _)| unserved::find("SecurityScheme", name).is_some())
    })
}

/// `x-gateway` of a scheme: whether its credential must be there.
fn is_required(node: &Node<'_>, strict: &Strict, found: &mut Findings) -> bool {
    let Some(extension) = node.get("x-gateway") else {
        return false;
    };
    let mut tree = Tree::of(&extension);
    if !strict.check(&mut tree, "SecurityScheme", found) {
        return false;
    }
    serde_json::from_value::<native::SecurityScheme>(tree.value())
        .ok()
        .and_then(|scheme| scheme.require)
        .unwrap_or(false)
}

/// Where the credential of a scheme stands.
fn credential(name: &str, scheme: &SecurityScheme, required: bool) -> Option<Credential> {
    let (place, field) = match scheme {
        SecurityScheme::APIKey { location, name, .. } => match location {
            APIKeyLocation::Query => (ParameterPlace::Query, name.clone()),
            APIKeyLocation::Header => (ParameterPlace::Header, name.to_ascii_lowercase()),
            APIKeyLocation::Cookie => (ParameterPlace::Cookie, name.clone()),
        },
        SecurityScheme::HTTP { .. }
        | SecurityScheme::OAuth2 { .. }
        | SecurityScheme::OpenIDConnect { .. } => {
            (ParameterPlace::Header, "authorization".to_owned())
        }
    };
    Some(Credential {
        scheme: name.to_owned(),
        place,
        name: field,
        required,
    })
}
