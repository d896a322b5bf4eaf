//! Leaves extensions out of a document that others are to see.

use serde_json::Value;

/// Which extensions are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strip {
    /// What is said to gateways: `x-gateway…` and `x-amazon-…`.
    Gateway,
    /// Every member that begins with `x-`.
    All,
}

/// Takes extensions out. Names that a document makes up (of properties, headers, schemas) are no extensions, and neither is
/// what stands in examples and defaults.
pub fn strip(value: &mut Value, which: Strip) {
    members(value, which, false);
}

fn members(value: &mut Value, which: Strip, made_up: bool) {
    match value {
        Value::Object(object) => {
            if !made_up {
                object.retain(|name, _| !goes(name, which));
            }
            for (name, child) in object {
                match name.as_str() {
                    "default" | "enum" | "const" | "example" | "value" if !made_up => {}
                    // Paths and statuses have extensions among them, the others only names.
                    "properties"
                    | "patternProperties"
                    | "$defs"
                    | "definitions"
                    | "dependentSchemas"
                    | "schemas"
                    | "headers"
                    | "parameters"
                    | "requestBodies"
                    | "securitySchemes"
                    | "securityDefinitions"
                    | "links"
                    | "examples"
                    | "content"
                    | "encoding"
                    | "mapping"
                    | "scopes"
                    | "variables"
                        if !made_up =>
                    {
                        members(child, which, child.is_object());
                    }
                    _ => members(child, which, false),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                members(item, which, false);
            }
        }
        _ => {}
    }
}

fn goes(name: &str, which: Strip) -> bool {
    match which {
        Strip::All => name.starts_with("x-"),
        Strip::Gateway => {
            let own = name.strip_prefix("x-gateway");
            own.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                || name.starts_with("x-amazon-")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn extensions_go_and_names_stay() {
        let document = json!({
            "x-gateway": {}, "x-mine": 1, "x-gatewayish": 2,
            "paths": {"/a": {"x-gateway": {}, "get": {
                "x-amazon-apigateway-integration": {},
                "parameters": [{"name": "a", "x-mine": 1}],
                "responses": {"200": {"headers": {"x-amazon-id": {"x-mine": 1}}, "content": {"a/b": {"example": {"x-gateway": 1}}}}},
            }}},
            "components": {"schemas": {"x-gateway": {"properties": {"x-amazon-x": {"default": {"x-mine": 1}}}}}},
        });
        let stripped = |which| {
            let mut document = document.clone();
            strip(&mut document, which);
            document
        };
        assert_eq!(
            stripped(Strip::All),
            json!({
                "paths": {"/a": {"get": {
                    "parameters": [{"name": "a"}],
                    "responses": {"200": {"headers": {"x-amazon-id": {}}, "content": {"a/b": {"example": {"x-gateway": 1}}}}},
                }}},
                "components": {"schemas": {"x-gateway": {"properties": {"x-amazon-x": {"default": {"x-mine": 1}}}}}},
            })
        );
        let gateway = stripped(Strip::Gateway);
        assert_eq!(
            (&gateway["x-mine"], &gateway["x-gatewayish"]),
            (&json!(1), &json!(2))
        );
        assert_eq!(gateway["paths"]["/a"]["get"]["parameters"][0]["x-mine"], 1);
        assert!(gateway.get("x-gateway").is_none());
    }
}
