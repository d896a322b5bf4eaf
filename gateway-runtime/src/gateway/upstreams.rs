//! The back ends of a gateway: which addresses each name has, and one live [`Upstream`] for them, so that operations share its
//! connections and what is known of its targets.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::variables::value;
use crate::client::{Endpoint, MOST_TARGETS, Part, Upstream};
use crate::def::{GatewayDef, UpstreamDef, VariableValue};
use crate::expr::{Escape, Expr, Scope, Source, Text};
use crate::settings::{Settings, StartFault};
use crate::tls::{self, TlsSetup};
use crate::values::Variables;

/// Back ends in the making.
pub(crate) struct Upstreams<'s> {
    settings: &'s Settings,
    /// By name and addresses.
    live: BTreeMap<(String, Vec<String>), Arc<Upstream>>,
}

/// Who gave an address.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'o> {
    /// The person who started the gateway.
    Operator,
    /// The document, with these stage variables and deployment parameters in it.
    Document(&'o [String]),
}

/// The name that `--upstream URL` without a name stands for.
const DEFAULT: &str = "default";
/// How a target that `--upstream` gave is called in metrics.
const OPERATOR: &str = "--upstream";

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
        if let Some((_, url)) = given {
            let address = Address {
                url: url.clone(),
                origin: Origin::Operator,
                label: OPERATOR.to_owned(),
                weight: 1,
            };
            return self.live(def, vec![address], faults);
        }
        if def.targets.is_empty() {
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
        let mut written = Vec::new();
        for target in def.targets.iter().take(MOST_TARGETS) {
            match Expr::parse(target.url, Scope::Start) {
                Ok(expr) => written.push((rendered(&expr, variables), target)),
                Err(fault) => faults.push(StartFault::new(
                    format!("address of upstream `{}`: {}", def.name, fault.message),
                    fault.help,
                )),
            }
        }
        let addresses = written.iter().map(|((url, made_of), target)| Address {
            url: url.clone(),
            origin: Origin::Document(made_of),
            label: target.url.to_owned(),
            weight: target.weight,
        });
        self.live(def, addresses.collect(), faults)
    }

    /// The back end at these addresses, as it is or anew.
    fn live(
        &mut self,
        def: &'static UpstreamDef,
        addresses: Vec<Address<'_>>,
        faults: &mut Vec<StartFault>,
    ) -> Option<Arc<Upstream>> {
        let urls = addresses.iter().map(|address| address.url.clone());
        let key = (def.name.to_owned(), urls.collect());
        if let Some(live) = self.live.get(&key) {
            return Some(Arc::clone(live));
        }
        let setup = setup(def, faults)?;
        let mut parts = Vec::new();
        for address in &addresses {
            let endpoint = self.endpoint(def.name, &address.url, address.origin, faults)?;
            let endpoint = match &setup {
                None => Ok(endpoint),
                Some(setup) => endpoint.set_up(setup),
            };
            let endpoint = endpoint
                .map_err(|why| faults.push(tls_fault(def, &why)))
                .ok()?;
            parts.push(Part {
                label: address.label.clone(),
                endpoint,
                weight: address.weight,
            });
        }
        let path = |part: &Part| part.endpoint.base_path().to_owned();
        if parts
            .windows(2)
            .any(|two| matches!(two, [a, b] if path(a) != path(b)))
        {
            faults.push(StartFault::new(
                format!(
                    "the targets of upstream `{}` have different paths",
                    def.name
                ),
                "give them one path, also where stage variables make it",
            ));
            return None;
        }
        let upstream = Arc::new(Upstream::new(def, parts)?);
        self.live.insert(key, Arc::clone(&upstream));
        Some(upstream)
    }

    /// The back end at an address that belongs to an operation and has no name.
    pub(crate) fn at(
        &mut self,
        operation: &str,
        url: String,
        origin: Origin<'_>,
        faults: &mut Vec<StartFault>,
    ) -> Option<Arc<Upstream>> {
        let key = (operation.to_owned(), vec![url.clone()]);
        if let Some(live) = self.live.get(&key) {
            return Some(Arc::clone(live));
        }
        let endpoint = self.endpoint(operation, &url, origin, faults)?;
        let upstream = Arc::new(Upstream::plain(operation, endpoint));
        self.live.insert(key, Arc::clone(&upstream));
        Some(upstream)
    }

    /// Every back end that something uses, by name.
    pub(crate) fn into_live(self) -> Vec<Arc<Upstream>> {
        self.live.into_values().collect()
    }

    /// An address. A fault shows it only if the document has it: what the operator gave, or stage variables made of it, may hold a
    /// secret.
    fn endpoint(
        &self,
        name: &str,
        url: &str,
        origin: Origin<'_>,
        faults: &mut Vec<StartFault>,
    ) -> Option<Endpoint> {
        let scheme = url.get(.."https:".len());
        if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
            && let Err(why) = tls::trusted()
        {
            faults.push(StartFault::new(
                format!("upstream `{name}`: {why}"),
                "let it name a file of certificates in PEM, or unset it: Mozilla's authorities are trusted anyway",
            ));
            return None;
        }
        let why = match Endpoint::new(name, url, self.settings) {
            Ok(endpoint) => return Some(endpoint),
            Err(why) => why,
        };
        let help = "an address is http:// or https://, a host, perhaps a port and a path";
        faults.push(match origin {
            Origin::Document([]) => StartFault::new(format!("upstream `{name}`: {why}"), help),
            Origin::Operator => {
                let why = why.replace(&format!("`{url}`"), "what --upstream says");
                StartFault::new(format!("upstream `{name}`: {why}"), help)
            }
            Origin::Document(made_of) => StartFault::new(
                format!(
                    "upstream `{name}`: what the values given for its address make of it is none ({})",
                    made_of.join(", ")
                ),
                help,
            ),
        });
        None
    }
}

/// How TLS and HTTP/2 are set up for a back end, where a document says it. The outer `None`: something of it cannot be read.
fn setup(def: &'static UpstreamDef, faults: &mut Vec<StartFault>) -> Option<Option<TlsSetup>> {
    let Some(tls) = &def.tls else {
        return Some(def.http2.then(|| TlsSetup {
            http2: true,
            ..TlsSetup::default()
        }));
    };
    let mut read = |from: &VariableValue| {
        value(from)
            .map_err(|why| faults.push(tls_fault(def, &why)))
            .ok()
    };
    Some(Some(TlsSetup {
        ca: match &tls.ca {
            Some(ca) => Some(read(ca)?),
            None => None,
        },
        identity: match &tls.identity {
            Some((certificate, key)) => Some((read(certificate)?, read(key)?)),
            None => None,
        },
        server_name: tls.server_name,
        http2: def.http2,
    }))
}

/// Reads the certificates of a back end again, as the document names them. If they are of no use, the old ones stay.
pub(super) fn reload(upstream: &Upstream) -> Result<(), Vec<StartFault>> {
    let Some(def) = upstream.def().filter(|def| def.tls.is_some()) else {
        return Ok(());
    };
    let mut faults = Vec::new();
    if let Some(Some(setup)) = setup(def, &mut faults)
        && let Err(why) = upstream.set_up_again(&setup)
    {
        faults.push(tls_fault(def, &why));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults),
    }
}

fn tls_fault(def: &UpstreamDef, why: &str) -> StartFault {
    StartFault::new(
        format!("TLS of upstream `{}`: {why}", def.name),
        "certificates and keys are texts in PEM, in the files and variables that the document names",
    )
}

/// An address of a back end, before it is looked at.
struct Address<'a> {
    url: String,
    origin: Origin<'a>,
    label: String,
    weight: u32,
}

/// The text of an expression over stage variables and deployment parameters, and the names of those.
fn rendered(expr: &Expr, variables: &Variables) -> (String, Vec<String>) {
    let mut out = Vec::new();
    expr.render(&mut out, Escape::None, |source| {
        Some(Text::Found(variables.of(source)?.as_bytes()))
    });
    (
        String::from_utf8_lossy(&out).into_owned(),
        variables_in(expr),
    )
}

/// Names of the stage variables and deployment parameters in an expression.
pub(crate) fn variables_in(expr: &Expr) -> Vec<String> {
    expr.sources()
        .filter_map(|source| match source {
            Source::StageVariable(name) => Some(name.clone()),
            Source::Parameter(_) => Some(source.to_string()),
            _ => None,
        })
        .collect()
}
