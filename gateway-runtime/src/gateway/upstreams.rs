//! The back ends of a gateway: which address each name has, and one live [`Upstream`] per address, so that operations share
//! their connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::client::Upstream;
use crate::def::{GatewayDef, UpstreamDef};
use crate::expr::{Escape, Expr, Scope, Source};
use crate::settings::{Settings, StartFault};
use crate::values::Variables;

/// Back ends in the making.
pub(crate) struct Upstreams<'s> {
    settings: &'s Settings,
    live: BTreeMap<(String, String), Arc<Upstream>>,
}

/// Who gave an address.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'o> {
    /// The person who started the gateway.
    Operator,
    /// The document, with stage variables of these names in it.
    Document(&'o [String]),
}

/// The name that `--upstream URL` without a name stands for.
const DEFAULT: &str = "default";

impl<'s> Upstreams<'s> {
    /// None yet. Addresses that were given for names nobody uses are faults.
    pub(crate) fn new(
        def: &'static GatewayDef,
        settings: &'s Settings,
        faults: &mut Vec<StartFault>,
    ) -> Upstreams<'s> {
        let known: Vec<&str> = def.upstreams.iter().map(|upstream| upstream.name).collect();
        for (name, _) in &settings.upstreams {
            if !known.contains(&name.as_str()) {
                let help = match known.as_slice() {
                    [] => "every operation names its own address, so drop --upstream".to_owned(),
                    known => format!("the document has {}", known.join(", ")),
                };
                faults.push(StartFault::new(
                    format!("there is no upstream `{name}`"),
                    help,
                ));
            }
        }
        Upstreams {
            settings,
            live: BTreeMap::new(),
        }
    }

    /// The back end of a name, with these stage variables.
    pub(crate) fn named(
        &mut self,
        def: &'static UpstreamDef,
        variables: &Variables,
        faults: &mut Vec<StartFault>,
    ) -> Option<Arc<Upstream>> {
        let given = self
            .settings
            .upstreams
            .iter()
            .rev()
            .find(|(name, _)| name == def.name);
        let (url, made_of) = match given {
            Some((_, url)) => return self.at(def.name, url.clone(), Origin::Operator, faults),
            None if def.url.is_empty() => {
                let (flag, what) = match def.name {
                    DEFAULT => ("--upstream URL".to_owned(), "the document names no server"),
                    name => (
                        format!("--upstream {name}=URL"),
                        "the document gives it no address",
                    ),
                };
                faults.push(StartFault::new(
                    format!("upstream `{}` has no address: {what}", def.name),
                    format!("start with {flag}, or with --mock"),
                ));
                return None;
            }
            None => match Expr::parse(def.url, Scope::Start) {
                Ok(expr) => rendered(&expr, variables),
                Err(fault) => {
                    faults.push(StartFault::new(
                        format!("address of upstream `{}`: {}", def.name, fault.message),
                        fault.help,
                    ));
                    return None;
                }
            },
        };
        self.at(def.name, url, Origin::Document(&made_of), faults)
    }

    /// The back end at an address. A fault shows an address only if the document has it: what the operator gave, or stage
    /// variables made of it, may hold a secret.
    pub(crate) fn at(
        &mut self,
        name: &str,
        url: String,
        origin: Origin<'_>,
        faults: &mut Vec<StartFault>,
    ) -> Option<Arc<Upstream>> {
        let key = (name.to_owned(), url);
        if let Some(live) = self.live.get(&key) {
            return Some(Arc::clone(live));
        }
        match Upstream::new(name, &key.1, self.settings) {
            Ok(upstream) => {
                let upstream = Arc::new(upstream);
                self.live.insert(key, Arc::clone(&upstream));
                Some(upstream)
            }
            Err(why) => {
                let help = "an address is http:// or https://, a host, perhaps a port and a path";
                faults.push(match origin {
                    Origin::Document([]) => {
                        StartFault::new(format!("upstream `{name}`: {why}"), help)
                    }
                    Origin::Operator => {
                        let why = why.replace(&format!("`{}`", key.1), "what --upstream says");
                        StartFault::new(format!("upstream `{name}`: {why}"), help)
                    }
                    Origin::Document(made_of) => StartFault::new(
                        format!(
                            "upstream `{name}`: what the stage variables make of its address is none ({})",
                            made_of.join(", ")
                        ),
                        help,
                    ),
                });
                None
            }
        }
    }
}

/// The text of an expression over stage variables, and the names of those.
fn rendered(expr: &Expr, variables: &Variables) -> (String, Vec<String>) {
    let mut out = Vec::new();
    expr.render(&mut out, Escape::None, |source| match source {
        Source::StageVariable(name) => Some(variables.get(name)?.as_bytes().into()),
        _ => None,
    });
    (
        String::from_utf8_lossy(&out).into_owned(),
        variables_in(expr),
    )
}

/// Names of the stage variables in an expression.
pub(crate) fn variables_in(expr: &Expr) -> Vec<String> {
    expr.sources()
        .filter_map(|source| match source {
            Source::StageVariable(name) => Some(name.clone()),
            _ => None,
        })
        .collect()
}
