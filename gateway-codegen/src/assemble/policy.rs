//! What happens to the requests of one operation.

use gateway_runtime::def::{
    CacheDef, CacheKey, CorsDef, EditsDef, FieldDef, HttpDef, IntegrationDef, MockDef, PolicyDef,
    ProxyDef, RedirectDef, ResponseMappingDef, RetriesDef, SetDef, TargetDef, TemplateDef,
    ThrottleDef, ThrottleKey, UpstreamDef,
};

use std::time::Duration;

use super::leak::{keep, list};
use super::{Assembler, set};
use crate::model::{self, Cache, Caching, Edits, Field, Integration, Policy, Target};

impl Assembler {
    pub(super) fn policy(&mut self, operation: &str, policy: &Policy) -> PolicyDef {
        PolicyDef {
            integration: self.integration(operation, &policy.integration),
            timeout: policy.timeout,
            stream_idle: policy.stream_idle,
            retries: policy.retries.as_ref().map(|retries| RetriesDef {
                attempts: retries.attempts,
                on: list(retries.on.clone()),
                per_try: retries.per_try,
                budget: retries.budget,
            }),
            body_limit: policy.body_limit,
            throttles: list(policy.throttles.iter().map(|t| self.throttle(t)).collect()),
            cache: match &policy.cache {
                Caching::Off => None,
                Caching::For(cache) => Some(self.cache(cache)),
            },
            cors: policy.cors.as_ref().map(|cors| self.cors(cors)),
            validate: policy.validate,
            request: self.edits(&policy.request),
            response: self.edits(&policy.response),
        }
    }

    pub(super) fn throttle(&mut self, throttle: &model::Throttle) -> ThrottleDef {
        ThrottleDef {
            rate: throttle.rate.per_second(),
            burst: throttle.burst.tokens(),
            per: match &throttle.per {
                model::ThrottleKey::Whole => ThrottleKey::Whole,
                model::ThrottleKey::Ip => ThrottleKey::Ip,
                model::ThrottleKey::Header(name) => ThrottleKey::Header(self.strings.keep(name)),
                model::ThrottleKey::Query(name) => ThrottleKey::Query(self.strings.keep(name)),
                model::ThrottleKey::Path(name) => ThrottleKey::Path(self.strings.keep(name)),
            },
        }
    }

    pub(super) fn cors(&mut self, cors: &model::Cors) -> &'static CorsDef {
        if let Some(def) = self.cors.get(cors) {
            return def;
        }
        let def = keep(CorsDef {
            allow_origins: self.strings.list(&cors.allow_origins),
            allow_methods: self.strings.list(&cors.allow_methods),
            allow_headers: self.strings.list(&cors.allow_headers),
            expose_headers: self.strings.list(&cors.expose_headers),
            allow_credentials: cors.allow_credentials,
            max_age: cors.max_age,
        });
        self.cors.insert(cors.clone(), def);
        def
    }

    pub(super) fn headers(&mut self, headers: &[(String, String)]) -> &'static [SetDef] {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                let name = self.strings.keep(name);
                set(FieldDef::Header(name), self.strings.keep(value))
            })
            .collect();
        list(headers)
    }

    /// Bodies by media type; `name` is what their files are called after.
    pub(super) fn bodies(
        &mut self,
        name: &str,
        bodies: &[(String, String)],
    ) -> &'static [TemplateDef] {
        let bodies = bodies
            .iter()
            .map(|(media_type, body)| TemplateDef {
                media_type: self.strings.keep(media_type),
                body: self.texts.mapping(name, media_type, body),
            })
            .collect();
        list(bodies)
    }

    fn cache(&mut self, cache: &Cache) -> CacheDef {
        let key = cache
            .key
            .iter()
            .map(|part| match part {
                model::CacheKey::Path(name) => CacheKey::Path(self.strings.keep(name)),
                model::CacheKey::Query(name) => CacheKey::Query(self.strings.keep(name)),
                model::CacheKey::AnyQuery => CacheKey::AnyQuery,
                model::CacheKey::Header(name) => CacheKey::Header(self.strings.keep(name)),
            })
            .collect();
        CacheDef {
            ttl: Duration::from_secs(cache.ttl.seconds().into()),
            key: list(key),
            shared: cache.shared,
            statuses: list(cache.statuses.clone()),
            override_upstream: cache.override_upstream,
            invalidation: cache.invalidation,
        }
    }

    fn integration(&mut self, operation: &str, integration: &Integration) -> IntegrationDef {
        match integration {
            Integration::Proxy { target, method } => IntegrationDef::Proxy(ProxyDef {
                target: self.target(target),
                method: self.method(method),
            }),
            Integration::Http(http) => IntegrationDef::Http(HttpDef {
                target: self.target(&http.target),
                method: self.method(&http.method),
                parameters: self.sets(&http.parameters),
                templates: self.bodies(operation, &http.templates),
                passthrough: http.passthrough,
                responses: {
                    let responses = http
                        .responses
                        .iter()
                        .map(|mapping| ResponseMappingDef {
                            pattern: mapping.pattern.as_ref().map(|p| self.strings.keep(p)),
                            status: mapping.status,
                            headers: self.headers(&mapping.headers),
                            bodies: self.bodies(
                                &format!("{operation} {}", mapping.status),
                                &mapping.bodies,
                            ),
                        })
                        .collect();
                    list(responses)
                },
            }),
            Integration::Mock {
                status,
                headers,
                bodies,
            } => IntegrationDef::Mock(MockDef {
                status: *status,
                headers: self.headers(headers),
                bodies: self.bodies(&format!("{operation} {status}"), bodies),
            }),
            Integration::Redirect { status, location } => IntegrationDef::Redirect(RedirectDef {
                status: *status,
                location: self.strings.keep(location),
            }),
        }
    }

    fn method(&mut self, method: &Option<String>) -> Option<&'static str> {
        method.as_ref().map(|method| self.strings.keep(method))
    }

    fn target(&mut self, target: &Target) -> TargetDef {
        match target {
            Target::Upstream(name) => TargetDef::Upstream(self.upstream(name)),
            Target::UpstreamPath(name, path) => {
                TargetDef::UpstreamPath(self.upstream(name), self.strings.keep(path))
            }
            Target::Uri(uri) => TargetDef::Uri(self.strings.keep(uri)),
        }
    }

    fn upstream(&mut self, name: &str) -> &'static UpstreamDef {
        match self.upstreams.get(name) {
            Some(def) => def,
            None => self.add_upstream(name, &model::Upstream::plain("", Default::default())),
        }
    }

    fn edits(&mut self, edits: &Edits) -> EditsDef {
        EditsDef {
            set: self.sets(&edits.set),
            remove: list(edits.remove.iter().map(|f| self.field(f)).collect()),
        }
    }

    fn sets(&mut self, sets: &[(Field, String)]) -> &'static [SetDef] {
        let sets = sets
            .iter()
            .map(|(field, value)| {
                let field = self.field(field);
                set(field, self.strings.keep(value))
            })
            .collect();
        list(sets)
    }

    fn field(&mut self, field: &Field) -> FieldDef {
        match field {
            Field::Header(name) => FieldDef::Header(self.strings.keep(name)),
            Field::Query(name) => FieldDef::Query(self.strings.keep(name)),
        }
    }
}
