//! What would become of a request, worked out without making it: its stage, its policy, the address it would be sent on to.
//!
//! The same code that requests meet, here over the tables alone, and the same plans that calls are made by, asked with what is known of a request beforehand. Nothing is looked up and no secret
//! is read: what only a request under way has (its id, the client's address), and stage variables that come from the environment or a
//! file, stand in the answer as they are written in the document; so do deployment parameters that have no value yet.

use std::borrow::Cow;

use super::address::plan::{Asked, Parts, Plan, Value};
use super::address::query::QueryRules;
use crate::def::{
    FieldDef, GatewayDef, IntegrationDef, PolicyDef, SetDef, StageDef, TargetDef, UpstreamDef,
    VariableValue,
};
use crate::exchange::path::decode_query;
use crate::expr::{Expr, Scope, Source, Text, Variable};
use crate::gateway::Mount;
use crate::refusal::Refusal;

pub use crate::gateway::policy;

/// The stage a request goes to, and the path it is mounted at, without a slash at its end. The stage named `only` is served alone, at
/// `/`.
pub fn stage(
    def: &'static GatewayDef,
    only: Option<&str>,
    host: &str,
    path: &str,
) -> Option<(&'static StageDef, &'static str)> {
    def.stages
        .iter()
        .filter(|stage| only.is_none_or(|only| only == stage.name))
        .map(|stage| (*stage, Mount::new(stage, only.is_some())))
        .filter(|(_, mount)| mount.takes(|| host, path))
        .min_by_key(|(_, mount)| mount.precedence())
        .map(|(stage, mount)| (stage, mount.prefix))
}

/// What is known of a request before it is made.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// Its method.
    pub method: &'r str,
    /// Its host, without a port.
    pub host: Option<&'r str>,
    /// Its path in normal form.
    pub path: &'r str,
    /// The part of the path that is inside the stage.
    pub local_path: &'r str,
    /// Its query, without `?`.
    pub query: Option<&'r str>,
    /// Its header fields, names in lower case.
    pub headers: &'r [(String, String)],
    /// The parameters of its path, as they stand in it.
    pub parameters: &'r [(String, String)],
    /// The stage it is for.
    pub stage: &'static StageDef,
    /// Stage variables that are given when the gateway starts.
    pub stage_vars: &'r [(String, String)],
    /// Deployment parameters that have a value.
    pub deployed: &'r [(String, String)],
}

/// Where a request would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// Nowhere: the gateway answers by itself.
    Nowhere,
    /// The client is sent to this location.
    Location(String),
    /// To a back end, by this method.
    Call {
        /// Towards the back end.
        method: String,
        /// Scheme, host and port, perhaps with a path that every call begins with. The error: it is given when the gateway
        /// starts, for the upstream of this name.
        origin: Result<String, &'static str>,
        /// Path and query.
        target: String,
    },
}

/// Where a request would be sent on to under a policy.
///
/// # Errors
/// What the request would be refused for.
pub fn sent(policy: &PolicyDef, request: &Request<'_>) -> Result<Sent, Refusal> {
    let values = |source: &Source| request.value(source);
    let mut rules = QueryRules::default();
    let (method, target, own_query) = match &policy.integration {
        IntegrationDef::Mock(_) => return Ok(Sent::Nowhere),
        IntegrationDef::Redirect(redirect) => {
            let mut location = Vec::new();
            request
                .parts(redirect.location)?
                .write(&values, &mut location);
            return Ok(Sent::Location(text(location)?));
        }
        IntegrationDef::Proxy(proxy) => (proxy.method, &proxy.target, true),
        IntegrationDef::Http(http) => {
            add(&mut rules, http.parameters)?;
            (http.method, &http.target, false)
        }
    };
    let mapped = rules.edits(&values);
    let mut own = QueryRules::default();
    for field in policy.request.remove {
        if let FieldDef::Query(name) = field {
            own.remove(name);
        }
    }
    add(&mut own, policy.request.set)?;
    let (origin, plan) = match target {
        TargetDef::Upstream(upstream) => (request.origin(upstream)?, Plan::Same),
        TargetDef::UpstreamPath(upstream, path) => {
            let plan = Plan::new(request.parts(path)?).map_err(|_| Refusal::BadAddress)?;
            (request.origin(upstream)?, plan)
        }
        TargetDef::Uri(uri) => match request.parts(uri)?.split_origin() {
            Some((origin, rest)) => {
                let plan = Plan::new(rest).map_err(|_| Refusal::BadAddress)?;
                (Ok(origin), plan)
            }
            // Scheme, host and port come from a variable that is not known yet.
            None => (Ok(String::new()), Plan::Made(request.parts(uri)?)),
        },
    };
    let asked = Asked {
        path: request.local_path,
        query: request.query.filter(|_| own_query),
    };
    let target = plan.target("", &asked, &mapped.then(own.edits(&values)), &values)?;
    Ok(Sent::Call {
        method: method.unwrap_or(request.method).to_owned(),
        origin,
        target,
    })
}

fn add(rules: &mut QueryRules, sets: &[SetDef]) -> Result<(), Refusal> {
    for set in sets {
        if let FieldDef::Query(name) = set.field {
            rules.set(name, parse(set.value)?);
        }
    }
    Ok(())
}

/// Generated tables hold nothing that cannot be parsed.
fn parse(text: &str) -> Result<Expr, Refusal> {
    Expr::parse(text, Scope::Request).map_err(|_| Refusal::Internal)
}

fn text(bytes: Vec<u8>) -> Result<String, Refusal> {
    String::from_utf8(bytes).map_err(|_| Refusal::BadAddress)
}

impl<'r> Request<'r> {
    fn parts(&self, text: &str) -> Result<Parts, Refusal> {
        Ok(Parts::new(&parse(text)?, |source| self.started(source)))
    }

    /// The address of a back end; of several targets all of them, as shells write alternatives: `{http://a,http://b}`.
    fn origin(&self, upstream: &UpstreamDef) -> Result<Result<String, &'static str>, Refusal> {
        let mut urls = Vec::new();
        for target in upstream.targets {
            let mut url = Vec::new();
            self.parts(target.url)?
                .write(&|source| self.value(source), &mut url);
            urls.push(text(url)?.trim_end_matches('/').to_owned());
        }
        Ok(match urls.as_slice() {
            [] => Err(upstream.name),
            [only] => Ok(only.clone()),
            several => Ok(format!("{{{}}}", several.join(","))),
        })
    }

    /// The value of what is known as soon as the gateway starts; `None`: it is read then.
    fn started(&self, source: &Source) -> Option<&'r str> {
        match source {
            Source::StageVariable(name) => self.variable(name),
            Source::Parameter(wanted) => {
                let given = self.deployed.iter().rev();
                let mut given = given.filter(|(name, _)| name == wanted);
                given.next().map(|(_, value)| value.as_str())
            }
            _ => None,
        }
    }

    /// The value of a stage variable; `None`: it is read when the gateway starts.
    fn variable(&self, wanted: &str) -> Option<&'r str> {
        let given = self
            .stage_vars
            .iter()
            .rev()
            .find(|(name, _)| name == wanted);
        if let Some((_, value)) = given {
            return Some(value);
        }
        let declared = self.stage.variables.iter().find(|it| it.name == wanted)?;
        match declared.value {
            VariableValue::Literal(value) => Some(value),
            VariableValue::Env(_) | VariableValue::File(_) => None,
        }
    }

    fn value(&self, source: &Source) -> Value<'r> {
        let known = |value: &'r str| Value::Known(Text::Found(value.as_bytes()));
        match source {
            Source::Path(name) => match self.parameters.iter().find(|(known, _)| known == name) {
                Some((_, value)) => known(value),
                None => Value::Absent,
            },
            Source::Header(name) => {
                let fields = self.headers.iter().filter(|(known, _)| known == name);
                joined(fields.map(|(_, value)| Cow::Borrowed(value.as_str())))
            }
            Source::Query(name) => {
                let pairs = self.query.unwrap_or_default().split('&').map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode_query(key), decode_query(value))
                });
                joined(pairs.filter(|(key, _)| key == name).map(|(_, value)| value))
            }
            Source::StageVariable(_) | Source::Parameter(_) => {
                self.started(source).map_or(Value::Later, known)
            }
            Source::Context(Variable::HttpMethod) => known(self.method),
            Source::Context(Variable::Path) => known(self.path),
            Source::Context(Variable::Stage) => known(self.stage.name),
            Source::Context(Variable::DomainName) => self.host.map_or(Value::Later, known),
            Source::Context(_) | Source::ResponseHeader(_) => Value::Later,
        }
    }
}

fn joined<'r>(values: impl Iterator<Item = Cow<'r, str>>) -> Value<'r> {
    let values: Vec<Cow<'r, str>> = values.collect();
    match values.is_empty() {
        true => Value::Absent,
        false => Value::Known(Text::Made(values.join(",").into_bytes())),
    }
}

#[cfg(test)]
mod tests;
