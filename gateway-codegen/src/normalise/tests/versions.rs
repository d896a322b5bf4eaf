//! What 2.0, 3.1 and 3.2 have in place of 3.0, and beyond it.

use openapiv3::{Parameter, QueryStyle, SecurityScheme};

use super::{check, document, whole, with};
use crate::normalise::{
    Api, Collection, Dialect, MediaSource, ParameterSource, Scheme, Version, canonical,
};

const SWAGGER: &str = "swagger: '2.0'\ninfo: {title: t, version: '1'}\n";
const NEW: &str = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\n";
const NEWEST: &str = "openapi: 3.2.0\ninfo: {title: t, version: '1'}\n";

/// Findings about what follows a head of two lines.
#[track_caller]
fn says(head: &str, rest: &str, expected: &[&str]) {
    whole(&format!("{head}{rest}"), expected);
}

#[track_caller]
fn api<T>(head: &str, rest: &str, look: impl FnOnce(&Api<'_>) -> T) -> T {
    let (document, mut found) = document(&format!("{head}{rest}"));
    let api = canonical(&document, &mut found).unwrap();
    assert!(!found.has_errors(), "{found:?}");
    look(&api)
}

fn urls(api: &Api<'_>) -> Vec<String> {
    let servers = api.openapi.servers.iter();
    servers.map(|server| server.url.clone()).collect()
}

fn media(content: &[MediaSource<'_>]) -> Vec<String> {
    let lines = content.iter().map(|media| {
        let schema = media.schema.map(|schema| schema.node.place().pointer);
        format!("{} {}", media.media_type, schema.unwrap_or_default())
    });
    lines.collect()
}

fn style(source: &ParameterSource<'_>) -> (Option<Collection>, QueryStyle, Option<bool>) {
    let Parameter::Query {
        style,
        parameter_data,
        ..
    } = &source.parameter
    else {
        panic!("a query parameter");
    };
    (source.collection, style.clone(), parameter_data.explode)
}

#[test]
fn hosts_become_servers() {
    for (written, servers) in [
        ("host: a.example\n", &["https://a.example"][..]),
        (
            "host: a.example:8080\nbasePath: /v1/\nschemes: [http, ws, HTTPS, http]\n",
            &["https://a.example:8080/v1", "http://a.example:8080/v1"],
        ),
        (
            "host: a.example\nschemes: [http]\nbasePath: v1\n",
            &["http://a.example/v1"],
        ),
        ("basePath: /v1\n", &["/v1"]),
        ("basePath: /\n", &[]),
        ("host: {Ref: Host}\nbasePath: /v1\n", &[]),
        ("", &[]),
    ] {
        api(SWAGGER, &format!("{written}paths: {{}}\n"), |api| {
            assert_eq!(urls(api), servers, "{written}");
            assert_eq!(api.version, Version::V2_0);
        });
    }
    let yaml = "host: a.example\nbasePath: /v1\nschemes: [https]\npaths: {/a: {get: {schemes: [http]}, put: {schemes: [http, https]}, post: {}}}\n";
    api(SWAGGER, yaml, |api| {
        let own = |n: usize| {
            let servers = api.operations[n].operation.servers.iter();
            servers.map(|s| s.url.clone()).collect::<Vec<_>>()
        };
        assert_eq!(own(0), ["http://a.example/v1"]);
        assert!(own(1).is_empty());
        assert!(own(2).is_empty());
    });
}

#[test]
fn a_body_of_2_0_has_the_media_types_that_are_consumed() {
    let yaml = "consumes: [application/json]\nparameters: {B: {name: b, in: body, required: true, schema: {$ref: '#/definitions/S'}}}\ndefinitions: {S: {type: object}}\npaths:\n  /a:\n    post: {parameters: [{$ref: '#/parameters/B'}]}\n    put: {consumes: [a/b, c/d, a/b, 1], parameters: [{name: x, in: body, schema: {}}]}\n    patch: {consumes: [], parameters: [{name: x, in: body, schema: {}}]}\n    get: {}\n";
    says(SWAGGER, yaml, &[]);
    api(SWAGGER, yaml, |api| {
        let bodies: Vec<_> = api
            .operations
            .iter()
            .map(|operation| operation.body.as_ref().map(|body| media(&body.content)))
            .collect();
        let line = |lines: &[&str]| {
            let lines = lines.iter().map(|line| (*line).to_owned());
            Some(lines.collect::<Vec<_>>())
        };
        assert_eq!(
            bodies,
            [
                line(&["application/json /parameters/B/schema"]),
                line(&[
                    "a/b /paths/~1a/put/parameters/0/schema",
                    "c/d /paths/~1a/put/parameters/0/schema"
                ]),
                line(&["*/* /paths/~1a/patch/parameters/0/schema"]),
                None,
            ]
        );
        let body = api.operations[0].body.as_ref().unwrap();
        assert!(body.required);
        assert_eq!(body.node.place().pointer, "/parameters/B");
        let schema = body.content[0].schema.unwrap();
        assert_eq!(schema.dialect, Dialect::Swagger2);
        assert!(api.operations[0].parameters.is_empty());
    });
}

#[test]
fn fields_of_a_form_are_its_body() {
    let yaml = "paths:\n  /a:\n    parameters: [{name: shared, in: formData, type: string}, {name: name, in: formData, type: integer}]\n    post: {consumes: [multipart/form-data, application/json], parameters: [{name: name, in: formData, type: string, required: true}, {name: name, in: query, type: string}]}\n    put: {parameters: [{name: file, in: formData, type: file}]}\n    patch: {parameters: [{name: ids, in: formData, type: array, items: {type: string}, collectionFormat: multi}]}\n";
    says(SWAGGER, yaml, &[]);
    api(SWAGGER, yaml, |api| {
        let forms: Vec<_> = api
            .operations
            .iter()
            .map(|operation| {
                let body = operation.body.as_ref().unwrap();
                let types: Vec<_> = body.content.iter().map(|m| m.media_type.as_str()).collect();
                let fields = body.content[0].fields.iter();
                let fields: Vec<_> = fields
                    .map(|field| field.parameter.parameter_data_ref().name.as_str())
                    .collect();
                (body.required, types.join(" "), fields.join(" "))
            })
            .collect();
        let form =
            |required, types: &str, fields: &str| (required, types.to_owned(), fields.to_owned());
        assert_eq!(
            forms,
            [
                form(true, "multipart/form-data", "name shared"),
                form(false, "multipart/form-data", "file shared name"),
                form(
                    false,
                    "application/x-www-form-urlencoded multipart/form-data",
                    "ids shared name"
                ),
            ]
        );
        let body = api.operations[2].body.as_ref().unwrap();
        let ids = &body.content[0].fields[0];
        assert_eq!(
            style(ids),
            (Some(Collection::Multi), QueryStyle::Form, Some(true))
        );
        let schema = ids.schema.unwrap();
        assert!(schema.node.same(&ids.node));
        assert_eq!(api.operations[0].parameters.len(), 1);
    });
}

#[test]
fn a_request_has_one_body() {
    let beside = "paths:\n  /a:\n    post: {parameters: [{name: f, in: formData, type: string}, {name: b, in: body, schema: {}}]}\n";
    says(SWAGGER, beside, &["5:25 body-malformed"]);
    let form_of_its_own = "paths:\n  /a:\n    parameters: [{name: b, in: body, schema: {}}]\n    post: {parameters: [{name: f, in: formData, type: string}]}\n";
    says(SWAGGER, form_of_its_own, &["6:25 body-malformed"]);
    api(SWAGGER, form_of_its_own, |api| {
        let body = api.operations[0].body.as_ref().unwrap();
        assert_eq!(body.content[0].fields.len(), 1);
    });
    let body_of_its_own = "paths:\n  /a:\n    parameters: [{name: f, in: formData, type: string}]\n    post: {parameters: [{name: b, in: body, schema: {}}]}\n";
    says(SWAGGER, body_of_its_own, &["5:18 body-malformed"]);
    api(SWAGGER, body_of_its_own, |api| {
        let body = api.operations[0].body.as_ref().unwrap();
        assert!(body.content[0].fields.is_empty());
    });
    says(
        SWAGGER,
        "paths:\n  /a:\n    post: {parameters: [{name: a, in: body}, {name: b, in: body}]}\n",
        &["5:46 parameter-duplicate"],
    );
    says(
        SWAGGER,
        "consumes: [application/json]\npaths:\n  /a:\n    post: {parameters: [{name: f, in: formData, type: string}]}\n",
        &["3:11 form-media-type"],
    );
}

#[test]
fn items_of_an_array_are_joined_as_2_0_says() {
    let joined = |format: &str| {
        let yaml = format!(
            "paths: {{/a: {{get: {{parameters: [{{name: q, in: query, type: array, items: {{type: string}}{format}}}]}}}}}}\n"
        );
        says(SWAGGER, &yaml, &[]);
        api(SWAGGER, &yaml, |api| {
            style(&api.operations[0].parameters[0])
        })
    };
    let form = QueryStyle::Form;
    for (format, collection, style, explode) in [
        ("", Collection::Csv, form.clone(), false),
        (
            ", collectionFormat: csv",
            Collection::Csv,
            form.clone(),
            false,
        ),
        (
            ", collectionFormat: tsv",
            Collection::Tsv,
            form.clone(),
            false,
        ),
        (", collectionFormat: multi", Collection::Multi, form, true),
        (
            ", collectionFormat: ssv",
            Collection::Ssv,
            QueryStyle::SpaceDelimited,
            false,
        ),
        (
            ", collectionFormat: pipes",
            Collection::Pipes,
            QueryStyle::PipeDelimited,
            false,
        ),
    ] {
        assert_eq!(
            joined(format),
            (Some(collection), style, Some(explode)),
            "{format}"
        );
    }
    says(
        SWAGGER,
        "paths: {'/{a}': {get: {parameters: [{name: a, in: path, required: true, type: array, collectionFormat: multi}, {name: b, in: header, type: array, collectionFormat: 1}]}}}\n",
        &["3:104 parameter-style", "3:165 parameter-style"],
    );
    // 3.0 has no such member.
    check(
        "paths: {/a: {get: {parameters: [{name: q, in: query, schema: {type: array}, collectionFormat: multi}]}}}\n",
        &["3:77 member-unknown"],
    );
}

#[test]
fn answers_of_2_0_have_the_media_types_that_are_produced() {
    let yaml = "produces: [application/json]\nresponses: {R: {description: d, schema: {type: object}, examples: {application/json: {a: 1}}}}\npaths:\n  /a:\n    get:\n      responses: {200: {$ref: '#/responses/R'}, 201: {description: d, headers: {X-A: {type: array, items: {type: string}}}}, 206: {schema: {type: file}}}\n    put: {produces: [text/csv], responses: {default: {schema: {type: string}}}}\n";
    says(SWAGGER, yaml, &[]);
    api(SWAGGER, yaml, |api| {
        let answers = |n: usize| {
            let answers = api.operations[n].responses.iter();
            answers
                .map(|answer| media(&answer.content))
                .collect::<Vec<_>>()
        };
        let none: Vec<String> = Vec::new();
        assert_eq!(
            answers(0),
            [
                vec!["application/json /responses/R/schema".to_owned()],
                none,
                vec!["application/json ".to_owned()],
            ]
        );
        assert_eq!(
            answers(1),
            [vec![
                "text/csv /paths/~1a/put/responses/default/schema".to_owned()
            ]]
        );
        let first = &api.operations[0].responses[0].content[0];
        assert_eq!(
            first.example.unwrap().place().pointer,
            "/responses/R/examples/application~1json"
        );
        let header = &api.operations[0].responses[1].headers[0];
        assert_eq!(header.parameter.parameter_data_ref().name, "X-A");
        assert_eq!(header.collection, Some(Collection::Csv));
        assert!(header.schema.unwrap().node.same(&header.node));
    });
}

#[test]
fn schemes_of_2_0_say_where_the_credential_is() {
    let yaml = "securityDefinitions: {b: {type: basic}, k: {type: apiKey, in: query, name: key}, o: {type: oauth2, flow: implicit, authorizationUrl: u, scopes: {a: b}}}\nsecurity: [{o: [a]}]\npaths: {}\n";
    says(SWAGGER, yaml, &[]);
    api(SWAGGER, yaml, |api| {
        let kinds: Vec<_> = api
            .security_schemes
            .iter()
            .map(|source| {
                let kind = match &source.scheme {
                    Scheme::Credential(SecurityScheme::HTTP { scheme, .. }) => scheme,
                    Scheme::Credential(SecurityScheme::APIKey { name, .. }) => name,
                    Scheme::Credential(SecurityScheme::OAuth2 { .. }) => "oauth2",
                    _ => "other",
                };
                format!("{} {kind} {}", source.name, source.node.place().pointer)
            })
            .collect();
        assert_eq!(
            kinds,
            [
                "b basic /securityDefinitions/b",
                "k key /securityDefinitions/k",
                "o oauth2 /securityDefinitions/o",
            ]
        );
        assert_eq!(api.openapi.security.as_ref().unwrap()[0]["o"], ["a"]);
    });
    says(
        SWAGGER,
        "securityDefinitions: {a: {type: mutualTLS}, b: {type: apiKey, in: body, name: x}}\npaths: {}\n",
        &[
            "3:33 security-scheme-malformed",
            "3:67 security-scheme-malformed",
        ],
    );
}

#[test]
fn members_of_other_versions_are_named() {
    says(
        SWAGGER,
        "servers: [{url: /a}]\ncomponents: {}\npaths: {/a: {get: {requestBody: {content: {}}, respones: {}}}}\n",
        &[
            "3:1 member-unknown",
            "4:1 member-unknown",
            "5:20 member-unknown",
            "5:48 member-unknown",
        ],
    );
    check(
        "webhooks: {}\nbasePath: /v1\njsonSchemaDialect: a\npaths: {/a: {get: {deprecated: 'yes', summary: 1, tags: t, x-y: 1}}}\n",
        &[
            "3:1 member-unknown",
            "4:1 member-unknown",
            "5:1 member-unknown",
            "6:32 member-type",
            "6:57 member-type",
        ],
    );
    says(
        NEW,
        "$self: a\ntags: [{name: a, kind: nav}]\npaths: {}\n",
        &["3:1 member-unknown", "4:18 member-unknown"],
    );
    says(
        NEWEST,
        "$self: https://a.example/api\ntags: [{name: a, kind: nav, parent: b, summary: s}]\npaths: {}\n",
        &[],
    );
}

#[test]
fn paths_may_be_missing_where_something_else_is_there() {
    says(NEW, "", &["1:1 paths-missing"]);
    says(NEW, "components: {}\n", &[]);
    says(NEW, "webhooks: {}\n", &[]);
    says(SWAGGER, "", &["1:1 paths-missing"]);
}

#[test]
fn webhooks_are_kept_and_no_routes() {
    let yaml = "webhooks: {newBook: {post: {}}}\npaths: {/a: {$ref: '#/components/pathItems/A'}}\ncomponents: {pathItems: {A: {get: {}}}}\n";
    says(NEW, yaml, &["3:1 webhooks-not-routed"]);
    api(NEW, yaml, |api| {
        assert_eq!(api.operations.len(), 1);
        assert_eq!(api.operations[0].path, "/a");
        let (name, node) = &api.webhooks[0];
        assert_eq!(
            (*name, node.place().pointer.as_str()),
            ("newBook", "/webhooks/newBook")
        );
    });
}

#[test]
fn what_stands_beside_a_reference_counts_or_is_named() {
    let yaml = "paths:\n  /a: {$ref: '#/x-a', get: {operationId: own}, parameters: [{name: q, in: query}], summary: s}\n  /b: {$ref: '#/x-b'}\nx-a: {get: {}, put: {}, parameters: [{name: r, in: query}]}\nx-b: {$ref: '#/x-a', delete: {}, x-gateway: {}}\n";
    says(
        NEW,
        yaml,
        &["6:7 ref-siblings", "6:25 ref-siblings", "7:34 ref-siblings"],
    );
    api(NEW, yaml, |api| {
        let lines: Vec<_> = api
            .operations
            .iter()
            .map(|source| {
                let parameter = source.parameters[0].parameter.parameter_data_ref();
                format!("{} {} {}", source.method, source.path, parameter.name)
            })
            .collect();
        assert_eq!(
            lines,
            [
                "GET /a q",
                "PUT /a q",
                "DELETE /b r",
                "GET /b r",
                "PUT /b r"
            ]
        );
    });
    check(
        "paths: {/a: {get: {parameters: [{$ref: '#/x-p', description: d, required: true}], requestBody: {$ref: '#/x-b', required: true}, responses: {200: {$ref: '#/x-r', headers: {}}}}}}\nx-p: {name: q, in: query}\nx-b: {content: {}}\nx-r: {description: d}\n",
        &[
            "3:65 ref-siblings",
            "3:112 ref-siblings",
            "3:162 ref-siblings",
        ],
    );
}

#[test]
fn the_language_of_schemas_is_known() {
    let of = |head: &str, rest: &str| {
        let yaml = format!(
            "{rest}paths: {{/a: {{get: {{parameters: [{{name: q, in: query, schema: {{}}}}]}}}}}}\n"
        );
        api(head, &yaml, |api| {
            api.operations[0].parameters[0].schema.unwrap().dialect
        })
    };
    assert_eq!(of("openapi: 3.0.3\n", ""), Dialect::OpenApi30);
    assert_eq!(of(NEW, ""), Dialect::OpenApi31);
    assert_eq!(of(NEWEST, ""), Dialect::OpenApi31);
    for (uri, dialect) in [
        (
            "https://json-schema.org/draft/2020-12/schema",
            Dialect::OpenApi31,
        ),
        (
            "https://spec.openapis.org/oas/3.1/dialect/base",
            Dialect::OpenApi31,
        ),
        (
            "https://spec.openapis.org/oas/3.2/dialect/2025-09-17",
            Dialect::OpenApi31,
        ),
        ("http://json-schema.org/draft-04/schema#", Dialect::Draft4),
    ] {
        assert_eq!(of(NEW, &format!("jsonSchemaDialect: '{uri}'\n")), dialect);
    }
    for odd in [
        "https://a.example/dialect",
        "1",
        "json-schema.org/draft/2020-12/schema",
    ] {
        let yaml = format!("jsonSchemaDialect: {odd}\npaths: {{}}\n");
        says(NEW, &yaml, &["3:20 schema-dialect"]);
    }
}

#[test]
fn methods_of_3_2() {
    let yaml =
        "paths:\n  /a:\n    query: {}\n    additionalOperations: {COPY: {}, purge-all: {}}\n";
    says(NEWEST, yaml, &[]);
    api(NEWEST, yaml, |api| {
        let methods: Vec<_> = api.operations.iter().map(|o| o.method.as_str()).collect();
        assert_eq!(methods, ["QUERY", "COPY", "purge-all"]);
        let place = api.operations[1].node.place().pointer;
        assert_eq!(place, "/paths/~1a/additionalOperations/COPY");
    });
    says(
        NEWEST,
        "paths: {/a: {additionalOperations: {GET: {}, QUERY: {}, ANY: {}, CONNECT: {}, 'a b': {}, '': {}}}}\n",
        &[
            "3:37 operation-method",
            "3:46 operation-method",
            "3:57 operation-method",
            "3:66 operation-method",
            "3:79 operation-method",
            "3:90 operation-method",
        ],
    );
    says(
        NEW,
        "paths: {/a: {query: {}, additionalOperations: {}}}\n",
        &[
            "3:14 path-item-unknown-member",
            "3:25 path-item-unknown-member",
        ],
    );
}

#[test]
fn what_3_2_adds_and_is_not_checked_is_named() {
    says(
        NEWEST,
        "paths: {/a: {post: {parameters: [{name: q, in: querystring, content: {}}], requestBody: {content: {a/b: {itemSchema: {}, prefixEncoding: [], encoding: {p: {contentType: a/b, itemEncoding: {}}}}}}}}}\n",
        &["3:34 not-checked", "3:122 not-checked", "3:175 not-checked"],
    );
    let yaml = "paths: {/a: {post: {requestBody: {content: {a/b: {$ref: '#/components/mediaTypes/M'}}}}}}\ncomponents: {mediaTypes: {M: {itemSchema: {type: object}, examples: {a: {dataValue: 1}}}}}\n";
    says(NEWEST, yaml, &[]);
    api(NEWEST, yaml, |api| {
        let media = &api.operations[0].body.as_ref().unwrap().content[0];
        assert!(media.item_schema.is_some());
        assert_eq!(media.example.unwrap().value(), 1);
    });
}

#[test]
fn certificates_of_clients_are_no_credential() {
    let yaml = "paths: {}\ncomponents: {securitySchemes: {m: {type: mutualTLS}}}\n";
    api(NEW, yaml, |api| {
        assert!(matches!(api.security_schemes[0].scheme, Scheme::MutualTls));
    });
    check(yaml, &["4:42 security-scheme-malformed"]);
}

#[test]
fn encodings_and_headers_are_kept() {
    let yaml = "paths:\n  /a:\n    post:\n      requestBody:\n        content:\n          multipart/form-data:\n            schema: {type: object}\n            encoding: {f: {contentType: 'image/png, image/jpeg', headers: {X-A: {required: true, schema: {type: integer}}}}, g: {style: deepObject, explode: true, allowReserved: true}}\n";
    check(yaml, &[]);
    with(yaml, |api| {
        let media = &api.operations[0].body.as_ref().unwrap().content[0];
        let [f, g] = media.encoding.as_slice() else {
            panic!("two encodings");
        };
        assert_eq!(f.content_type.as_deref(), Some("image/png, image/jpeg"));
        assert!(f.headers[0].parameter.parameter_data_ref().required);
        assert!(f.headers[0].schema.is_some());
        assert_eq!((g.name.as_str(), g.explode), ("g", Some(true)));
        assert_eq!(g.style, Some(QueryStyle::DeepObject));
        assert!(g.allow_reserved);
    });
}

#[test]
fn a_parameter_may_be_of_a_media_type() {
    let yaml = "paths: {/a: {get: {parameters: [{name: q, in: query, content: {application/json: {schema: {type: object}}}}]}}}\n";
    check(yaml, &[]);
    with(yaml, |api| {
        let source = &api.operations[0].parameters[0];
        assert!(source.schema.is_none());
        let content = source.content.as_ref().unwrap();
        assert_eq!(
            media(std::slice::from_ref(content)),
            ["application/json /paths/~1a/get/parameters/0/content/application~1json/schema"]
        );
    });
}
