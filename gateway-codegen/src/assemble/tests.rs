#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(
    clippy::approx_constant,
    reason = "a document may say 3.14, and what is emitted for it has to pass clippy"
)]

use std::collections::BTreeMap;
use std::ptr;
use std::time::Duration;

use gateway_runtime::def::{ApiKind, ErrorDialect, IntegrationDef, ResponseType};

use super::*;
use crate::model::*;

/// The policy everything else differs from: proxied to the back end `catalog`.
pub(crate) fn policy() -> Policy {
    Policy {
        integration: Integration::Proxy {
            target: Target::Upstream("catalog".to_owned()),
            method: None,
        },
        timeout: Duration::from_secs(29),
        stream_idle: Duration::from_secs(60),
        retries: None,
        body_limit: None,
        throttles: Vec::new(),
        cache: Caching::Off,
        cors: None,
        validate: model::ValidateDef::OFF,
        request: Edits::default(),
        response: Edits::default(),
    }
}

/// A plain operation.
pub(crate) fn operation(id: &str, method: &str, path: &str, tag: &str) -> Operation {
    Operation {
        id: id.to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        tag: tag.to_owned(),
        tags: vec![tag.to_owned()],
        summary: String::new(),
        parameters: Vec::new(),
        body: None,
        responses: Vec::new(),
        access: Access::Public,
        policy: policy(),
        example: None,
        origin: Origin::default(),
    }
}

/// A plain stage, mounted at `/`.
pub(crate) fn stage() -> Stage {
    Stage {
        mount: Mount {
            host: None,
            path: "/".to_owned(),
        },
        variables: BTreeMap::new(),
        throttle: None,
        cache_size: None,
        canary: None,
        access_log: None,
        overrides: BTreeMap::new(),
        origin: Origin::default(),
    }
}

/// A gateway of these operations and one stage.
pub(crate) fn plain(operations: impl IntoIterator<Item = Operation>) -> Gateway {
    Gateway {
        name: "bookstore".to_owned(),
        title: "Book Store".to_owned(),
        version: "1.0".to_owned(),
        errors: ErrorDialect::Problem,
        kind: ApiKind::Plain,
        trusted_proxies: Vec::new(),
        limits: Limits::default(),
        parameters: BTreeMap::new(),
        upstreams: BTreeMap::from([(
            "catalog".to_owned(),
            Upstream::plain("http://catalog.internal:8080/v1", Origin::default()),
        )]),
        stages: BTreeMap::from([("default".to_owned(), stage())]),
        operations: operations
            .into_iter()
            .map(|operation| (operation.id.clone(), operation))
            .collect(),
        cors: None,
        responses: BTreeMap::new(),
        schemas: BTreeMap::new(),
        origin: Origin::default(),
    }
}

pub(crate) fn throttle(rate: f64, burst: u64, per: ThrottleKey) -> Throttle {
    Throttle {
        rate: Rate::new(rate).unwrap(),
        burst: Burst::new(burst).unwrap(),
        per,
        origin: Origin::default(),
    }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

pub(crate) fn cors(origin: &str) -> Cors {
    Cors {
        allow_origins: vec![origin.to_owned()],
        allow_methods: vec!["*".to_owned()],
        allow_headers: Vec::new(),
        expose_headers: Vec::new(),
        allow_credentials: false,
        max_age: Some(3600),
    }
}

/// A gateway that uses every table and every variant. `s` stands in every place where a document's text can, so that
/// hostile text can be tried everywhere at once.
/// Schemas that say this text wherever a document can.
fn schemas_of(s: &str) -> Schemas {
    let json = serde_json::Value::from(s).to_string();
    let text = || s.to_owned();
    let inner = || {
        vec![
            Rule::Types(Types::STRING.or(Types::NULL)),
            Rule::Ref(text()),
        ]
    };
    let rules = vec![
        Rule::Enum(vec![json.clone(), "1".to_owned()]),
        Rule::Enum(vec![json]),
        Rule::MultipleOf("0.5".to_owned()),
        Rule::Format(Format::DateTime),
        Rule::PrefixItems(vec![inner(), inner()]),
        Rule::Contains {
            rules: inner(),
            min: 1,
            max: Some(20_000),
        },
        Rule::Required {
            within: Messages::Responses,
            names: vec![text()],
        },
        Rule::Property(text(), inner()),
        Rule::PatternProperty(text(), vec![Rule::Pattern(text())]),
        Rule::AdditionalProperties(vec![Rule::Never]),
        Rule::DependentRequired(text(), vec![text()]),
        Rule::DependentSchema(text(), inner()),
        Rule::If {
            when: inner(),
            then: inner(),
            otherwise: Vec::new(),
        },
        Rule::Discriminator {
            property: text(),
            mapping: BTreeMap::from([(text(), text())]),
        },
        Rule::DynamicRef(text(), text()),
    ];
    let schema = Schema {
        rules,
        anchors: BTreeMap::from([(text(), text())]),
        ..Schema::default()
    };
    let root = format!("#/components/schemas/{s}");
    BTreeMap::from([(text(), schema), (root, Schema::default())])
}

pub(crate) fn gateway_of(s: &str) -> Gateway {
    let text = || s.to_owned();
    let lines = || format!("{{\n  \"text\": {s:?}\n}}\n");
    let mut get = operation(
        &format!("getBook{s}"),
        "GET",
        &format!("/books/{{id}}{s}"),
        s,
    );
    get.summary = text();
    get.parameters = [
        ParameterPlace::Path,
        ParameterPlace::Query,
        ParameterPlace::Header,
        ParameterPlace::Cookie,
    ]
    .map(|place| Parameter::bare(place, text()))
    .to_vec();
    get.access = Access::Delegated(vec![
        vec![Credential {
            scheme: text(),
            place: ParameterPlace::Header,
            name: text(),
            required: true,
        }],
        Vec::new(),
    ]);
    get.policy.throttles = vec![
        throttle(100.0, 20, ThrottleKey::Whole),
        throttle(0.5, 1, ThrottleKey::Ip),
        throttle(3.14, 10_000, ThrottleKey::Header(text())),
        throttle(1.0, 1, ThrottleKey::Query(text())),
        throttle(1.0, 1, ThrottleKey::Path(text())),
    ];
    get.policy.cache = Caching::For(Cache {
        ttl: Ttl::new(60, Ttl::CEILING).unwrap(),
        key: vec![
            CacheKey::Path(text()),
            CacheKey::Query(text()),
            CacheKey::AnyQuery,
            CacheKey::Header(text()),
        ],
        shared: true,
        statuses: vec![200, 404],
        override_upstream: true,
        invalidation: Invalidation::Anyone,
        origin: Origin::default(),
    });
    get.policy.cors = Some(cors(s));
    get.policy.request = Edits {
        set: vec![
            (Field::Header(text()), text()),
            (Field::Query(text()), text()),
        ],
        remove: vec![Field::Header(text())],
    };
    get.policy.response = get.policy.request.clone();
    get.policy.body_limit = Some(1024);
    get.example = Some(Example {
        status: 200,
        media_type: "application/json".to_owned(),
        body: lines(),
    });

    let mut create = operation("createBook", "POST", "/books", "books");
    create.summary = format!("Create {s}");
    create.policy.integration = Integration::Http(HttpIntegration {
        target: Target::UpstreamPath("catalog".to_owned(), text()),
        method: Some("PUT".to_owned()),
        parameters: vec![(Field::Query(text()), text())],
        templates: vec![("application/json".to_owned(), lines())],
        passthrough: Passthrough::Never,
        responses: vec![
            ResponseMapping {
                pattern: Some("4\\d{2}".to_owned()),
                status: 404,
                headers: vec![(text(), text())],
                bodies: vec![("text/plain".to_owned(), text())],
            },
            ResponseMapping {
                pattern: None,
                status: 200,
                headers: Vec::new(),
                bodies: Vec::new(),
            },
        ],
    });
    let mut mock = operation("mock", "ANY", "/mock/{proxy+}", "books");
    mock.policy.integration = Integration::Mock {
        status: 418,
        headers: vec![(text(), text())],
        bodies: vec![("text/html".to_owned(), text())],
    };
    let mut moved = operation("moved", "GET", "/moved", "books");
    moved.policy.integration = Integration::Redirect {
        status: 308,
        location: text(),
    };
    let mut elsewhere = operation("elsewhere", "GET", "/elsewhere", "books");
    elsewhere.policy.integration = Integration::Proxy {
        target: Target::Uri(text()),
        method: Some("GET".to_owned()),
    };
    elsewhere.policy.timeout = Duration::from_millis(2500);

    let mut gateway = plain([get, create, mock, moved, elsewhere]);
    gateway.title = text();
    gateway.version = text();
    gateway.trusted_proxies = vec![text()];
    gateway.parameters = BTreeMap::from([(
        text(),
        DeploymentParameter {
            description: text(),
            default: Some(text()),
        },
    )]);
    gateway.cors = Some(cors("*"));
    gateway.upstreams.insert(
        format!("spare {s}"),
        Upstream {
            balance: Balance::Hash {
                part: Parameter::bare(ParameterPlace::Query, text()),
                origin: Origin::default(),
            },
            health: Some(Health {
                path: text(),
                interval: Duration::from_secs(5),
                unhealthy_after: 3,
                healthy_after: 2,
            }),
            tls: Some(UpstreamTls {
                ca: Some(Variable::File(text())),
                identity: Some((Variable::Env(text()), Variable::File(text()))),
                server_name: Some(text()),
            }),
            targets: vec![UpstreamTarget {
                url: text(),
                weight: 1,
            }],
            ..Upstream::plain("", Origin::default())
        },
    );
    gateway.responses.insert(
        ResponseType::Throttled,
        GatewayResponse {
            status: Some(429),
            headers: vec![(text(), text())],
            bodies: vec![("application/json".to_owned(), lines())],
            origin: Origin::default(),
        },
    );
    let variables = BTreeMap::from([
        ("a".to_owned(), Variable::Literal(text())),
        ("b".to_owned(), Variable::Env(text())),
        ("c".to_owned(), Variable::File(text())),
    ]);
    let mut slow = policy();
    slow.throttles = vec![throttle(5.0, 5, ThrottleKey::Whole)];
    slow.cors = Some(cors(s));
    let prod = Stage {
        mount: Mount {
            host: Some(text()),
            path: text(),
        },
        variables: variables.clone(),
        throttle: Some(throttle(10_000.0, 5_000, ThrottleKey::Whole)),
        cache_size: Some(512 << 20),
        canary: Some(Canary {
            percent: 5.0,
            variables,
            shared_cache: false,
        }),
        access_log: Some(AccessLog {
            to: LogDestination::File(text()),
            format: text(),
        }),
        overrides: BTreeMap::from([
            ("createBook".to_owned(), slow.clone()),
            ("mock".to_owned(), slow),
        ]),
        origin: Origin::default(),
    };
    gateway.stages.insert(format!("prod {s}"), prod);
    gateway.schemas = schemas_of(s);
    gateway
}

/// [`gateway_of`] as a document would have it.
pub(crate) fn gateway() -> Gateway {
    let mut gateway = gateway_of("x");
    gateway.title = "Book Store".to_owned();
    gateway
}

#[test]
fn equal_models_give_equal_tables() {
    assert_eq!(defs(&gateway()), defs(&gateway()));
}

#[test]
fn equal_rules_share_one_table() {
    let mut one = operation("one", "GET", "/1", "t");
    one.policy.cors = Some(cors("*"));
    let mut two = operation("two", "GET", "/2", "t");
    two.policy.cors = Some(cors("*"));
    let mut gateway = plain([one, two]);
    gateway.cors = Some(cors("*"));
    for name in ["beta", "prod"] {
        let mut stage = stage();
        for id in ["one", "two"] {
            stage.overrides.insert(id.to_owned(), policy());
        }
        gateway.stages.insert(name.to_owned(), stage);
    }
    let def = defs(&gateway);
    let shared = def.cors.unwrap();
    for route in def.routes {
        assert!(ptr::eq(route.operation.policy.cors.unwrap(), shared));
    }
    let overrides: Vec<_> = def.stages.iter().flat_map(|s| s.overrides).collect();
    assert_eq!(overrides.len(), 4);
    for row in &overrides {
        assert!(ptr::eq(row.policy, overrides[0].policy));
    }
    assert!(ptr::eq(overrides[0].operation, def.routes[0].operation));
}

#[test]
fn an_unknown_back_end_wants_to_be_told() {
    let mut gateway = plain([operation("one", "GET", "/1", "t")]);
    gateway.upstreams.clear();
    let def = defs(&gateway);
    assert_eq!(def.upstreams.len(), 1);
    assert_eq!(def.upstreams[0].name, "catalog");
    assert!(def.upstreams[0].targets.is_empty());
}

#[test]
fn only_texts_that_a_file_keeps_get_one() {
    let file_of = |body: &str| {
        let mut mock = operation("one", "GET", "/1", "t");
        mock.policy.integration = Integration::Mock {
            status: 200,
            headers: Vec::new(),
            bodies: vec![pair("application/problem+json; charset=utf-8", body)],
        };
        let IntegrationDef::Mock(mock) =
            defs(&plain([mock])).routes[0].operation.policy.integration
        else {
            unreachable!("a mock stays one");
        };
        assert_eq!(mock.bodies[0].body.text, body);
        mock.bodies[0].body.file
    };
    assert_eq!(file_of("{}"), "");
    assert_eq!(file_of("{\n}"), "mapping/one_200.json");
    assert_eq!(file_of(&"x".repeat(81)), "mapping/one_200.json");
    assert_eq!(file_of("{\r\n}"), "");
    assert_eq!(file_of("\u{feff}{\n}"), "");
    assert_eq!(file_of("{\n\u{202e}}"), "");
}

#[test]
fn the_same_text_is_one_file() {
    let mock = |id: &str| {
        let mut mock = operation(id, "GET", &format!("/{id}"), "t");
        mock.policy.integration = Integration::Mock {
            status: 200,
            headers: Vec::new(),
            bodies: vec![pair("text/plain", "a\nb")],
        };
        mock
    };
    let def = defs(&plain([mock("one"), mock("two")]));
    let debug = format!("{def:?}");
    assert_eq!(debug.matches("mapping/one_200.txt").count(), 2);
    assert!(!debug.contains("mapping/two"));
}
