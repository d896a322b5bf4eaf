//! Policies as tokens; operations and stages both have them.

use gateway_runtime::def::{
    CacheDef, CacheKey, EditsDef, FieldDef, HttpDef, IntegrationDef, Invalidation, MockDef,
    OnRefusal, Passthrough, PolicyDef, ProxyDef, RedirectDef, ResponseMappingDef, RetriesDef,
    RetryOn, SetDef, TargetDef, TemplateDef, ThrottleDef, ThrottleKey, ValidateDef,
};
use proc_macro2::TokenStream;
use quote::quote;

use super::links::Links;
use super::messages;
use super::rust::{duration, float, number, option, text};

/// A policy. Numbers are always written out; what is off is left to `DEFAULT`.
pub(super) fn policy(policy: &PolicyDef, links: &Links, up: &str) -> TokenStream {
    let PolicyDef {
        integration,
        timeout,
        stream_idle,
        retries,
        body_limit,
        throttles,
        cache,
        cors,
        validate,
        request,
        response,
    } = policy;
    let mut fields = Vec::new();
    if let Some(def) = retries {
        let def = self::retries(def);
        fields.push(quote!(retries: Some(#def)));
    }
    if body_limit.is_some() {
        let limit = option(body_limit.map(number));
        fields.push(quote!(body_limit: #limit));
    }
    if !throttles.is_empty() {
        let throttles = throttles.iter().map(throttle);
        fields.push(quote!(throttles: &[#(#throttles),*]));
    }
    if let Some(def) = cache {
        let def = self::cache(def);
        fields.push(quote!(cache: Some(#def)));
    }
    if let Some(def) = cors {
        let def = links.cors(def);
        fields.push(quote!(cors: Some(#def)));
    }
    if *validate != ValidateDef::OFF {
        let validate = messages::validate(validate);
        fields.push(quote!(validate: #validate));
    }
    if *request != EditsDef::NONE {
        let request = edits(request);
        fields.push(quote!(request: #request));
    }
    if *response != EditsDef::NONE {
        let response = edits(response);
        fields.push(quote!(response: #response));
    }
    const OPTIONAL: usize = 8;
    let rest = (fields.len() < OPTIONAL).then(|| quote!(..PolicyDef::DEFAULT));
    let integration = self::integration(integration, links, up);
    let (timeout, stream_idle) = (duration(*timeout), duration(*stream_idle));
    quote! {
        PolicyDef {
            integration: #integration,
            timeout: #timeout,
            stream_idle: #stream_idle,
            #(#fields,)*
            #rest
        }
    }
}

fn retries(def: &RetriesDef) -> TokenStream {
    let RetriesDef {
        attempts,
        on,
        per_try,
        budget,
    } = def;
    let (attempts, budget) = (number(*attempts), number(*budget));
    let on = on.iter().map(|failure| match failure {
        RetryOn::Connect => quote!(RetryOn::Connect),
        RetryOn::Reset => quote!(RetryOn::Reset),
        RetryOn::Status(status) => {
            let status = number(*status);
            quote!(RetryOn::Status(#status))
        }
    });
    let per_try = option(per_try.map(duration));
    quote! {
        RetriesDef {
            attempts: #attempts,
            on: &[#(#on),*],
            per_try: #per_try,
            budget: #budget,
        }
    }
}

pub(super) fn throttle(def: &ThrottleDef) -> TokenStream {
    let (rate, burst) = (float(def.rate), number(def.burst));
    let per = match def.per {
        ThrottleKey::Whole => quote!(Whole),
        ThrottleKey::Ip => quote!(Ip),
        ThrottleKey::Header(name) => quote!(Header(#name)),
        ThrottleKey::Query(name) => quote!(Query(#name)),
        ThrottleKey::Path(name) => quote!(Path(#name)),
    };
    quote!(throttle(#rate, #burst, ThrottleKey::#per))
}

fn cache(def: &CacheDef) -> TokenStream {
    let CacheDef {
        ttl,
        key,
        shared,
        statuses,
        override_upstream,
        invalidation,
    } = def;
    let ttl = duration(*ttl);
    let key = key.iter().map(|part| match part {
        CacheKey::Path(name) => quote!(CacheKey::Path(#name)),
        CacheKey::Query(name) => quote!(CacheKey::Query(#name)),
        CacheKey::AnyQuery => quote!(CacheKey::AnyQuery),
        CacheKey::Header(name) => quote!(CacheKey::Header(#name)),
    });
    let statuses = statuses.iter().map(|status| number(*status));
    let invalidation = match invalidation {
        Invalidation::Nobody(OnRefusal::Ignore) => quote!(Nobody(OnRefusal::Ignore)),
        Invalidation::Nobody(OnRefusal::Warn) => quote!(Nobody(OnRefusal::Warn)),
        Invalidation::Nobody(OnRefusal::Fail) => quote!(Nobody(OnRefusal::Fail)),
        Invalidation::Anyone => quote!(Anyone),
    };
    quote! {
        CacheDef {
            ttl: #ttl,
            key: &[#(#key),*],
            shared: #shared,
            statuses: &[#(#statuses),*],
            override_upstream: #override_upstream,
            invalidation: Invalidation::#invalidation,
        }
    }
}

fn edits(def: &EditsDef) -> TokenStream {
    let set = sets(def.set);
    let remove = def.remove.iter().map(field);
    quote!(EditsDef { set: #set, remove: &[#(#remove),*] })
}

/// `&[set(…), …]`.
pub(super) fn sets(defs: &[SetDef]) -> TokenStream {
    let sets = defs.iter().map(|SetDef { field, value }| {
        let field = self::field(field);
        quote!(set(#field, #value))
    });
    quote!(&[#(#sets),*])
}

fn field(def: &FieldDef) -> TokenStream {
    match def {
        FieldDef::Header(name) => quote!(FieldDef::Header(#name)),
        FieldDef::Query(name) => quote!(FieldDef::Query(#name)),
    }
}

/// `&[template(…), …]`.
pub(super) fn templates(defs: &[TemplateDef], up: &str) -> TokenStream {
    let templates = defs.iter().map(|TemplateDef { media_type, body }| {
        let body = text(body, up);
        quote!(template(#media_type, #body))
    });
    quote!(&[#(#templates),*])
}

fn integration(def: &IntegrationDef, links: &Links, up: &str) -> TokenStream {
    match def {
        IntegrationDef::Proxy(ProxyDef {
            target: TargetDef::Upstream(upstream),
            method: None,
        }) => {
            let upstream = links.upstream(upstream);
            quote!(proxy(#upstream))
        }
        IntegrationDef::Proxy(ProxyDef { target, method }) => {
            let (target, method) = (self::target(target, links), option(*method));
            quote!(IntegrationDef::Proxy(ProxyDef { target: #target, method: #method }))
        }
        IntegrationDef::Http(http) => self::http(http, links, up),
        IntegrationDef::Mock(MockDef {
            status,
            headers,
            bodies,
        }) => {
            let status = number(*status);
            let (headers, bodies) = (sets(headers), templates(bodies, up));
            quote! {
                IntegrationDef::Mock(MockDef { status: #status, headers: #headers, bodies: #bodies })
            }
        }
        IntegrationDef::Redirect(RedirectDef { status, location }) => {
            let status = number(*status);
            quote!(IntegrationDef::Redirect(RedirectDef { status: #status, location: #location }))
        }
    }
}

fn http(def: &HttpDef, links: &Links, up: &str) -> TokenStream {
    let HttpDef {
        target,
        method,
        parameters,
        templates,
        passthrough,
        responses,
    } = def;
    let (target, method) = (self::target(target, links), option(*method));
    let (parameters, templates) = (sets(parameters), self::templates(templates, up));
    let passthrough = match passthrough {
        Passthrough::WhenNoMatch => quote!(WhenNoMatch),
        Passthrough::WhenNoTemplates => quote!(WhenNoTemplates),
        Passthrough::Never => quote!(Never),
    };
    let responses = responses.iter().map(|mapping| {
        let ResponseMappingDef {
            pattern,
            status,
            headers,
            bodies,
        } = mapping;
        let (pattern, status) = (option(*pattern), number(*status));
        let (headers, bodies) = (sets(headers), self::templates(bodies, up));
        quote! {
            ResponseMappingDef {
                pattern: #pattern,
                status: #status,
                headers: #headers,
                bodies: #bodies,
            }
        }
    });
    quote! {
        IntegrationDef::Http(HttpDef {
            target: #target,
            method: #method,
            parameters: #parameters,
            templates: #templates,
            passthrough: Passthrough::#passthrough,
            responses: &[#(#responses),*],
        })
    }
}

fn target(def: &TargetDef, links: &Links) -> TokenStream {
    match def {
        TargetDef::Upstream(upstream) => {
            let upstream = links.upstream(upstream);
            quote!(TargetDef::Upstream(#upstream))
        }
        TargetDef::UpstreamPath(upstream, path) => {
            let upstream = links.upstream(upstream);
            quote!(TargetDef::UpstreamPath(#upstream, #path))
        }
        TargetDef::Uri(uri) => quote!(TargetDef::Uri(#uri)),
    }
}
