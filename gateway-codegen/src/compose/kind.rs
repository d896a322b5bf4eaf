//! What kind of object stands at a place of a document, told by the way that leads there.

/// Kinds of objects that a reference can stand for, and what leads to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Thing {
    Root,
    Components,
    PathItem,
    Operation,
    Parameter,
    RequestBody,
    Response,
    Header,
    MediaType,
    Encoding,
    Schema,
    Example,
    Link,
    Callback,
    SecurityScheme,
    Integration,
    Other,
}

/// One thing, or a list or a table of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    One(Thing),
    Many(Thing),
}

use Kind::{Many, One};

/// Members of a path item that are operations, but for those that a document names itself.
pub(super) const METHODS: &[&str] = &[
    "get",
    "put",
    "post",
    "delete",
    "options",
    "head",
    "patch",
    "trace",
    "query",
    "x-amazon-apigateway-any-method",
];

/// Sections of `components` and what they hold.
const SECTIONS: &[(&str, Thing)] = &[
    ("schemas", Thing::Schema),
    ("responses", Thing::Response),
    ("parameters", Thing::Parameter),
    ("examples", Thing::Example),
    ("requestBodies", Thing::RequestBody),
    ("headers", Thing::Header),
    ("securitySchemes", Thing::SecurityScheme),
    ("links", Thing::Link),
    ("callbacks", Thing::Callback),
    ("pathItems", Thing::PathItem),
    ("mediaTypes", Thing::MediaType),
    ("x-amazon-apigateway-integrations", Thing::Integration),
];

impl Kind {
    /// The kind at the end of a pointer.
    pub(super) fn at(self, pointer: &str) -> Kind {
        let tokens = pointer.split('/').skip(1);
        tokens.fold(self, |kind, token| kind.step(token))
    }

    fn step(self, token: &str) -> Kind {
        let One(thing) = self else {
            let Many(thing) = self else { return self };
            return One(thing);
        };
        match (thing, token) {
            (Thing::Root, "paths" | "webhooks") => Many(Thing::PathItem),
            (Thing::Root, "components") => One(Thing::Components),
            (Thing::Root | Thing::Schema, "definitions")
            | (Thing::Schema, "properties" | "patternProperties" | "$defs" | "dependentSchemas") => {
                Many(Thing::Schema)
            }
            (Thing::Root | Thing::PathItem | Thing::Operation, "parameters") => {
                Many(Thing::Parameter)
            }
            (Thing::Root | Thing::Operation, "responses") => Many(Thing::Response),
            (Thing::Root, "securityDefinitions") => Many(Thing::SecurityScheme),
            (Thing::Components, section) => {
                let known = SECTIONS.iter().find(|(name, _)| *name == section);
                known.map_or(Many(Thing::Other), |(_, thing)| Many(*thing))
            }
            (Thing::PathItem, "additionalOperations") => Many(Thing::Operation),
            (Thing::PathItem, name) if METHODS.contains(&name) => One(Thing::Operation),
            (Thing::Operation, "requestBody") => One(Thing::RequestBody),
            (Thing::Operation, "callbacks") => Many(Thing::Callback),
            (Thing::Operation, "x-amazon-apigateway-integration") => One(Thing::Integration),
            (Thing::Parameter | Thing::Header | Thing::MediaType | Thing::Response, "schema")
            | (Thing::Parameter | Thing::Header, "items")
            | (Thing::MediaType, "itemSchema") => One(Thing::Schema),
            (
                Thing::Parameter | Thing::Header | Thing::RequestBody | Thing::Response,
                "content",
            ) => Many(Thing::MediaType),
            (Thing::Parameter | Thing::Header | Thing::MediaType, "examples") => {
                Many(Thing::Example)
            }
            (Thing::MediaType, "encoding") => Many(Thing::Encoding),
            (Thing::Encoding | Thing::Response, "headers") => Many(Thing::Header),
            (Thing::Response, "links") => Many(Thing::Link),
            (Thing::Callback, _) => One(Thing::PathItem),
            (Thing::Schema, _) => One(Thing::Schema),
            _ => One(Thing::Other),
        }
    }

    /// The section of `components` for what is taken in from elsewhere.
    pub(super) fn section(self) -> &'static str {
        let (One(thing) | Many(thing)) = self;
        let known = SECTIONS.iter().find(|(_, known)| *known == thing);
        known.map_or("schemas", |(name, _)| name)
    }
}

/// The kind of what a section holds.
pub(super) fn of_section(section: &str) -> Kind {
    let known = SECTIONS.iter().find(|(name, _)| *name == section);
    One(known.map_or(Thing::Other, |(_, thing)| *thing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_tells_the_kind() {
        for (pointer, thing) in [
            ("/paths/~1a", Thing::PathItem),
            ("/paths/~1a/get/parameters/0", Thing::Parameter),
            ("/paths/~1a/get/parameters/0/schema/items", Thing::Schema),
            (
                "/paths/~1a/post/requestBody/content/a~1b/schema/properties/parameters",
                Thing::Schema,
            ),
            ("/paths/~1a/post/callbacks/x/{$url}", Thing::PathItem),
            (
                "/paths/~1a/post/callbacks/x/{$url}/post/responses/200/headers/X",
                Thing::Header,
            ),
            (
                "/components/schemas/A/properties/properties/allOf/0",
                Thing::Schema,
            ),
            ("/components/responses/A/links/x", Thing::Link),
            ("/components/examples/A", Thing::Example),
            ("/definitions/A", Thing::Schema),
            ("/responses/A/schema", Thing::Schema),
            ("/info", Thing::Other),
        ] {
            assert_eq!(One(Thing::Root).at(pointer), One(thing), "{pointer}");
        }
        assert_eq!(One(Thing::Header).section(), "headers");
    }
}
