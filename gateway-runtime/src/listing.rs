//! What a gateway answers to, as a list: for `--print-routes`, and for `/routes` of the admin listener.
//!
//! Made of the document's tables alone; values of stage variables never stand in it, so no secret can.

use crate::def::{AccessDef, GatewayDef, StageDef};

/// One route of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) stage: &'static str,
    /// Host it answers to; empty: any.
    pub(crate) host: &'static str,
    pub(crate) method: &'static str,
    /// Path as a client asks for it.
    pub(crate) path: String,
    pub(crate) operation: &'static str,
    /// Whether the document asks for a credential.
    pub(crate) public: bool,
}

/// Every route of the stages that are served: the one named `only`, at `/`, or all at their mounts.
pub(crate) fn routes(def: &'static GatewayDef, only: Option<&str>) -> Vec<Listed> {
    let alone = only.is_some();
    def.stages
        .iter()
        .filter(|stage| only.is_none_or(|only| only == stage.name))
        .flat_map(|stage| def.routes.iter().map(move |route| (stage, route)))
        .map(|(stage, route)| Listed {
            stage: stage.name,
            host: stage.mount.host.filter(|_| !alone).unwrap_or_default(),
            method: route.method,
            path: mounted(stage, alone, route.path),
            operation: route.operation.id,
            public: route.operation.access == AccessDef::Public,
        })
        .collect()
}

fn mounted(stage: &StageDef, alone: bool, path: &str) -> String {
    match stage.mount.path.trim_end_matches('/') {
        prefix if alone || prefix.is_empty() => path.to_owned(),
        prefix if path == "/" => prefix.to_owned(),
        prefix => format!("{prefix}{path}"),
    }
}

/// One line per route, in columns.
pub(crate) fn text(routes: &[Listed]) -> String {
    let width = |of: fn(&Listed) -> usize| routes.iter().map(of).max().unwrap_or_default();
    let stage = width(|route| route.stage.chars().count());
    let method = width(|route| route.method.chars().count());
    let address = |route: &Listed| format!("{}{}", route.host, route.path);
    let path = routes
        .iter()
        .map(|route| address(route).chars().count())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for route in routes {
        let line = format!(
            "{:stage$}  {:method$}  {:path$}  {}",
            route.stage,
            route.method,
            address(route),
            route.operation,
        );
        text.extend(line.chars().filter(|c| !c.is_control()));
        text.push('\n');
    }
    text
}

/// A JSON array with an object per route.
pub(crate) fn json(routes: &[Listed]) -> String {
    let rows = routes.iter().map(|route| {
        serde_json::json!({
            "stage": route.stage,
            "host": (!route.host.is_empty()).then_some(route.host),
            "method": route.method,
            "path": route.path,
            "operation": route.operation,
            "public": route.public,
        })
    });
    let mut text = serde_json::Value::Array(rows.collect()).to_string();
    text.push('\n');
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::def::{
        CredentialDef, MountDef, OperationDef, ParameterPlace, PolicyDef, VariableDef,
        VariableValue, route,
    };
    use crate::testing::GATEWAY;

    const GET_BOOK: OperationDef = OperationDef {
        id: "getBook",
        method: "GET",
        path: "/books/{id}",
        tag: "books",
        summary: "",
        parameters: &[],
        body: None,
        responses: &[],
        access: AccessDef::Public,
        policy: PolicyDef::DEFAULT,
        example: None,
    };
    static BOOK: OperationDef = GET_BOOK;
    static ROOT: OperationDef = OperationDef {
        id: "root",
        path: "/",
        body: None,
        responses: &[],
        access: AccessDef::Delegated(&[&[CredentialDef {
            scheme: "login",
            place: ParameterPlace::Header,
            name: "authorization",
            required: false,
        }]]),
        ..GET_BOOK
    };
    static DEV: StageDef = StageDef {
        name: "dev",
        mount: MountDef {
            host: None,
            path: "/dev",
        },
        ..StageDef::DEFAULT
    };
    static PROD: StageDef = StageDef {
        name: "prod",
        mount: MountDef {
            host: Some("api.example.com"),
            path: "/",
        },
        variables: &[VariableDef {
            name: "token",
            value: VariableValue::Literal("hunter2"),
        }],
        ..StageDef::DEFAULT
    };
    /// Two stages, two routes, and a value that must not be seen.
    pub(crate) static LISTED: GatewayDef = GatewayDef {
        stages: &[&DEV, &PROD],
        routes: &[route("GET", "/", &ROOT), route("ANY", "/books/{id}", &BOOK)],
        ..GATEWAY
    };

    #[test]
    fn every_stage_at_its_mount_or_one_at_the_root() {
        assert_eq!(
            text(&routes(&LISTED, None)),
            "dev   GET  /dev                        root\n\
             dev   ANY  /dev/books/{id}             getBook\n\
             prod  GET  api.example.com/            root\n\
             prod  ANY  api.example.com/books/{id}  getBook\n"
        );
        assert_eq!(
            text(&routes(&LISTED, Some("prod"))),
            "prod  GET  /            root\nprod  ANY  /books/{id}  getBook\n"
        );
        assert!(routes(&LISTED, Some("test")).is_empty());
    }

    #[test]
    fn as_json() {
        assert_eq!(
            json(&routes(&LISTED, None)[..1]),
            "[{\"stage\":\"dev\",\"host\":null,\"method\":\"GET\",\"path\":\"/dev\",\"operation\":\"root\",\"public\":false}]\n"
        );
    }
}
