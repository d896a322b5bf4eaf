//! What every reader of policy shares: where faults go, how an expression is read, and which stage variables were named.

use std::collections::{BTreeMap, BTreeSet};

use gateway_runtime::expr::{Expr, Piece, Scope, Source};

use super::tree::At;
use crate::check::headers;
use crate::findings::{Findings, Lazily, Place, brief};
use crate::model::DeploymentParameter;
use crate::suggest;

/// The route an expression belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route<'r> {
    /// Path template as written.
    pub(crate) path: &'r str,
    /// Names of its parameters.
    pub(crate) params: &'r [String],
}

/// A stage variable that something names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VariableUse {
    /// Its name.
    pub(crate) name: String,
    /// Where it is named.
    pub(crate) place: Place,
    /// Whether another dialect named it.
    pub(crate) translated: bool,
}

/// The one form of an expression: header names in lower case, whoever wrote them how.
pub(crate) fn one_form(expr: &Expr) -> String {
    expr.pieces()
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.replace("${", "$${"),
            Piece::Value(source) => format!("${{{source}}}"),
        })
        .collect()
}

/// The first deployment parameter that a text names.
pub(crate) fn open_parameter(text: &str) -> Option<&str> {
    let (_, inside) = text.split_once("${param.")?;
    let (name, _) = inside.split_once('}')?;
    gateway_runtime::expr::is_parameter(name).then_some(name)
}

/// What is said of an open parameter where the gateway must be known: message and help.
pub(crate) fn must_be_known(name: &str) -> (String, String) {
    let name = brief(name);
    (
        format!("this must be known when the gateway is generated, and `{name}` has no value"),
        format!("give it one: `--param {name}=VALUE`"),
    )
}

/// Reads texts of policy and keeps what they name.
pub(crate) struct Reader<'f> {
    /// Where faults go.
    pub(crate) found: &'f mut Findings,
    /// Stage variables named since [`Reader::take_uses`] was last called.
    uses: Vec<VariableUse>,
    /// Deployment parameters that can be named.
    parameters: BTreeMap<String, DeploymentParameter>,
    /// Those that were.
    named: BTreeMap<String, Place>,
    /// Faults that a wide layer has for many operations, reported for the first of them.
    said: BTreeSet<(&'static str, Place)>,
}

impl<'f> Reader<'f> {
    /// A reader that reports to `found`.
    pub(crate) fn new(found: &'f mut Findings) -> Reader<'f> {
        Reader {
            found,
            uses: Vec::new(),
            parameters: BTreeMap::new(),
            named: BTreeMap::new(),
            said: BTreeSet::new(),
        }
    }

    /// The stage variables that were named since this was last asked.
    pub(crate) fn take_uses(&mut self) -> Vec<VariableUse> {
        std::mem::take(&mut self.uses)
    }

    /// Lets these deployment parameters be named.
    pub(crate) fn declare(&mut self, parameters: BTreeMap<String, DeploymentParameter>) {
        self.parameters = parameters;
    }

    /// The deployment parameters that were named, and where each first was.
    pub(crate) fn named(&self) -> &BTreeMap<String, Place> {
        &self.named
    }

    /// Names a deployment parameter. Says whether there is one of this name; if not, that is reported.
    pub(crate) fn name_parameter(&mut self, name: &str, place: Place) -> bool {
        if self.parameters.contains_key(name) {
            self.named.entry(name.to_owned()).or_insert(place);
            return true;
        }
        let known: Vec<String> = self.parameters.keys().cloned().collect();
        let help = Lazily(
            || match suggest::nearest(name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{}`", brief(near)),
                None => format!(
                    "declare it: `x-gateway: {{ parameters: {{ {}: {{}} }} }}`",
                    brief(name)
                ),
            },
        );
        self.once(
            "parameter-undeclared",
            place,
            format!("there is no parameter `{}`", brief(name)),
            help,
        );
        false
    }

    /// Whether a text can be used where the gateway must know it to be generated; if not, that is reported.
    pub(crate) fn known(&mut self, at: At<'_>, text: &str) -> bool {
        let Some(name) = open_parameter(text) else {
            return true;
        };
        let (message, help) = must_be_known(name);
        self.once("parameter-open", at.place(), message, help);
        false
    }

    /// Reports a fault that depends on the operation, once for a place: a wide layer may have it for hundreds.
    pub(crate) fn once(
        &mut self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.said.insert((code, place.clone())) {
            self.found.error(code, place, message, help);
        }
    }

    /// Warns of what depends on the operation, once for a place.
    pub(crate) fn warn_once(
        &mut self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.said.insert((code, place.clone())) {
            self.found.warning(code, place, message, help);
        }
    }

    /// An expression; faults are reported where they stand.
    pub(crate) fn expr(
        &mut self,
        at: At<'_>,
        text: &str,
        scope: Scope,
        route: Option<Route<'_>>,
    ) -> Option<Expr> {
        let expr = match Expr::parse(text, scope) {
            Ok(expr) => expr,
            Err(fault) => {
                self.found.error(
                    "expression",
                    at.place_in(fault.offset),
                    fault.message,
                    fault.help,
                );
                return None;
            }
        };
        let mut fine = true;
        for source in expr.sources() {
            match source {
                Source::Path(name) => {
                    let known = route.is_none_or(|route| route.params.iter().any(|p| p == name));
                    if !known {
                        let route = route.map(|route| route.path).unwrap_or_default();
                        self.once(
                            "expression-path-parameter",
                            at.place(),
                            format!("the path has no parameter `{}`", brief(name)),
                            format!("the path is `{}`", brief(route)),
                        );
                        fine = false;
                    }
                }
                Source::StageVariable(name) => self.uses.push(VariableUse {
                    name: name.clone(),
                    place: at.place(),
                    translated: at.translated(),
                }),
                Source::Parameter(name) => fine &= self.name_parameter(name, at.place()),
                _ => {}
            }
        }
        fine.then_some(expr)
    }

    /// The value of a header field: an expression whose own text may stand in a header, in its one form.
    pub(crate) fn field_value(
        &mut self,
        at: At<'_>,
        text: &str,
        scope: Scope,
        route: Option<Route<'_>>,
    ) -> Option<String> {
        if let Some(offset) = headers::value_fault(text) {
            self.found.error(
                "header-value",
                at.place_in(offset),
                "a control character cannot stand in a header field",
                "a field is one line of text: leave the character out",
            );
            return None;
        }
        self.expr(at, text, scope, route)
            .map(|expr| one_form(&expr))
    }

    /// The name of a header field that is set or removed, in lower case.
    pub(crate) fn field_name(&mut self, at: At<'_>, name: &str) -> Option<String> {
        match headers::name_fault(name) {
            None => Some(name.to_ascii_lowercase()),
            Some(why) => {
                self.found.error(
                    "header-name",
                    at.key_place(),
                    format!("`{}` {why}", brief(name)),
                    "take it out, or name another field",
                );
                None
            }
        }
    }
}
