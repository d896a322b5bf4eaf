//! Templates: what they declare, and which of their resources is the API.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::walk::{At, Walk};
use crate::findings::{Place, brief};
use crate::suggest;

/// What a template declares.
#[derive(Debug, Default)]
pub(super) struct Template {
    /// Whether there is one.
    pub(super) present: bool,
    /// Where it stands.
    pub(super) at: At,
    pub(super) parameters: Map<String, Value>,
    pub(super) mappings: Map<String, Value>,
    pub(super) conditions: Map<String, Value>,
    /// Types of the resources.
    pub(super) resources: BTreeMap<String, String>,
}

/// Types of resources that are APIs, and the members in which a document may stand or be named.
const APIS: &[(&str, &[&str])] = &[
    ("AWS::Serverless::Api", &["DefinitionBody", "DefinitionUri"]),
    (
        "AWS::Serverless::HttpApi",
        &["DefinitionBody", "DefinitionUri"],
    ),
    ("AWS::ApiGateway::RestApi", &["Body", "BodyS3Location"]),
    ("AWS::ApiGatewayV2::Api", &["Body", "BodyS3Location"]),
];

/// Properties that decide who may call. Leaving them out would open what is closed.
const GUARDS: &[&str] = &["Auth", "Policy", "ApiKeySourceType"];

/// Properties that change what becomes of requests.
const CHANGES: &[&str] = &[
    "CacheClusterEnabled",
    "CanarySetting",
    "Cors",
    "CorsConfiguration",
    "DefaultRouteSettings",
    "GatewayResponses",
    "MethodSettings",
    "MinimumCompressionSize",
    "Models",
    "RouteSettings",
    "StageVariables",
    "Variables",
];

/// Whether this is the root of a template.
pub(super) fn is_template(root: &Value) -> bool {
    let has = |name: &str| root.get(name).is_some();
    root.get("Resources").is_some_and(Value::is_object) && !has("openapi") && !has("swagger")
}

/// Whether a flag of a template is set. Flags are often texts there.
pub(super) fn is_true(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// A value as CloudFormation passes it on.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Something of a resource: its logical id, its type, the member that holds the document.
struct Api {
    id: String,
    kind: &'static str,
    member: &'static str,
}

impl Walk<'_> {
    /// Notes what a template declares and gives its API's document, `None` if there is none to give.
    pub(super) fn take_api(&mut self, root: &mut Value) -> Option<(Value, At)> {
        let take = |root: &mut Value, name: &str| match root.get_mut(name).map(Value::take) {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let at = self.source.clone();
        let resources = root.get("Resources").and_then(Value::as_object);
        let kinds = resources
            .into_iter()
            .flatten()
            .filter_map(|(id, resource)| {
                let kind = resource.get("Type")?.as_str()?;
                Some((id.clone(), kind.to_owned()))
            });
        let kinds = kinds.collect();
        self.evaluation.template = Rc::new(Template {
            present: true,
            at: at.clone(),
            parameters: take(root, "Parameters"),
            mappings: take(root, "Mappings"),
            conditions: take(root, "Conditions"),
            resources: kinds,
        });
        let api = self.chosen(root)?;
        let resource_at = at.member("Resources").member(&api.id);
        self.globals(root, api.kind, &at);
        let resource = root.get_mut("Resources")?.get_mut(&api.id)?;
        let properties = resource.get_mut("Properties")?;
        let at = resource_at.member("Properties");
        self.properties(properties, &at);
        let at = at.member(api.member);
        let body = properties.get_mut(api.member)?.take();
        if matches!(api.member, "DefinitionUri" | "BodyS3Location") {
            let location = match &body {
                Value::String(_) => self
                    .text(&body, &at)
                    .ok()?
                    .written(|name| format!("${{{name}}}")),
                _ if super::Call::of(&body).is_some() => self
                    .text(&body, &at)
                    .ok()?
                    .written(|name| format!("${{{name}}}")),
                // A bucket and a key.
                _ => "s3://".to_owned(),
            };
            return self.read(&location, &at).ok();
        }
        Some((body, at))
    }

    /// The API that is meant.
    fn chosen(&mut self, root: &Value) -> Option<Api> {
        let resources = root.get("Resources")?.as_object()?;
        let at = self.source.member("Resources");
        let mut apis = Vec::new();
        let mut bare = Vec::new();
        for (id, resource) in resources {
            let kind = resource
                .get("Type")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let Some((kind, members)) = APIS.iter().find(|(known, _)| *known == kind) else {
                continue;
            };
            let properties = resource.get("Properties");
            let member = members
                .iter()
                .find(|member| properties.is_some_and(|it| it.get(**member).is_some()));
            match member {
                Some(member) => apis.push(Api {
                    id: id.clone(),
                    kind,
                    member,
                }),
                None => bare.push(id.as_str()),
            }
        }
        if let Some(wanted) = &self.inputs.resource {
            if let Some(api) = apis.iter().position(|api| api.id == *wanted) {
                return Some(apis.swap_remove(api));
            }
            let known = apis.iter().map(|api| api.id.as_str());
            let message = match resources.contains_key(wanted) {
                true => format!("resource `{}` is no API with a document", brief(wanted)),
                false => format!("the template has no resource `{}`", brief(wanted)),
            };
            let help = suggest::help(wanted, known);
            return self
                .fault::<Api>(&at, "template-resource", message, help)
                .ok();
        }
        match apis.len() {
            1 => apis.pop(),
            0 => {
                let (message, help) = match bare.as_slice() {
                    [] => (
                        "the template has no API with a document".to_owned(),
                        "a document stands in `DefinitionBody` or `Body` of an API; `aws apigateway get-export` (or `apigatewayv2 export-api`) writes that of one that is deployed",
                    ),
                    bare => (
                        format!(
                            "the document of `{}` is made of other resources when it is deployed",
                            brief(&bare.join("`, `"))
                        ),
                        "export it (`aws apigateway get-export`, `aws apigatewayv2 export-api`) and name the exported file",
                    ),
                };
                self.fault::<Api>(&at, "template-resource", message, help)
                    .ok()
            }
            _ => {
                let names: Vec<&str> = apis.iter().map(|api| api.id.as_str()).collect();
                let message = format!(
                    "the template has several APIs: {}",
                    brief(&names.join(", "))
                );
                let help = format!("choose one: `--resource {}`", brief(names[0]));
                self.fault::<Api>(&at, "template-resource", message, help)
                    .ok()
            }
        }
    }

    /// What SAM's `Globals` say for APIs of this type.
    fn globals(&mut self, root: &Value, kind: &str, at: &At) {
        let name = match kind {
            "AWS::Serverless::Api" => "Api",
            "AWS::Serverless::HttpApi" => "HttpApi",
            _ => return,
        };
        if let Some(properties) = root.get("Globals").and_then(|globals| globals.get(name)) {
            self.properties(properties, &at.member("Globals").member(name));
        }
    }

    /// Properties beside the document are not taken over: those that matter are told of.
    fn properties(&mut self, properties: &Value, at: &At) {
        for name in properties.as_object().into_iter().flat_map(Map::keys) {
            let place = Place {
                key: true,
                ..at.member(name).place()
            };
            if GUARDS.contains(&name.as_str()) {
                self.found.error(
                    "not-yet-served",
                    place,
                    format!("`{name}` of the template decides who may call, and is not yet served"),
                    "take it out until a version serves it, or take the document out of the template",
                );
            } else if CHANGES.contains(&name.as_str()) {
                self.found.warning(
                    "template-property",
                    place,
                    format!("`{name}` of the template is not taken over"),
                    "say it in `x-gateway` of the document",
                );
            }
        }
    }
}
