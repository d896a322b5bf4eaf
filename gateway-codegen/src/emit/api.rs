//! `src/api.rs`: the root table.

use gateway_runtime::def::{
    ApiKind, DeploymentParameterDef, EncodedSlash, ErrorDialect, GatewayDef, Http2LimitsDef,
    LimitsDef,
};
use proc_macro2::TokenStream;
use quote::quote;

use super::links::Links;
use super::rust::{Source, duration, number, option};

pub(super) fn file(def: &'static GatewayDef, links: &Links) -> String {
    let GatewayDef {
        name,
        title,
        version,
        errors,
        kind,
        trusted_proxies,
        limits,
        parameters,
        upstreams: _,
        stages: _,
        routes: _,
        cors,
        responses,
        schemas,
    } = def;
    let cors_module = cors.map(|_| {
        quote!(
            use crate::cors;
        )
    });
    let (responses_module, responses) = if responses.is_empty() {
        (None, quote!(&[]))
    } else {
        (
            Some(quote!(
                use crate::responses;
            )),
            quote!(responses::RESPONSES),
        )
    };
    let (upstreams_module, upstreams) = if links.has_upstreams() {
        (
            Some(quote!(
                use crate::upstreams;
            )),
            quote!(upstreams::UPSTREAMS),
        )
    } else {
        (None, quote!(&[]))
    };
    let (schemas_module, schemas) = if schemas.is_empty() {
        (None, quote!(&[]))
    } else {
        (
            Some(quote!(
                use crate::schemas;
            )),
            quote!(schemas::SCHEMAS),
        )
    };
    let errors = match errors {
        ErrorDialect::Problem => quote!(Problem),
        ErrorDialect::Aws => quote!(Aws),
    };
    let kind = match kind {
        ApiKind::Plain => quote!(Plain),
        ApiKind::Rest => quote!(Rest),
        ApiKind::Http => quote!(Http),
    };
    let cors = option(cors.map(|cors| links.cors(cors)));
    let limits = self::limits(limits);
    let parameters_name = match parameters {
        [] => quote!(&[]),
        _ => quote!(PARAMETERS),
    };

    let mut source = Source::module("The gateway as a whole.");
    source.item(quote! {
        #cors_module
        #responses_module
        use crate::routes;
        #schemas_module
        use crate::stages;
        #upstreams_module
        use gateway_runtime::codegen::*;
    });
    source.item(quote! {
        pub static GATEWAY: GatewayDef = GatewayDef {
            name: #name,
            title: #title,
            version: #version,
            errors: ErrorDialect::#errors,
            kind: ApiKind::#kind,
            trusted_proxies: &[#(#trusted_proxies),*],
            limits: LIMITS,
            parameters: #parameters_name,
            upstreams: #upstreams,
            stages: stages::STAGES,
            routes: routes::ROUTES,
            cors: #cors,
            responses: #responses,
            schemas: #schemas,
        };
    });
    if !parameters.is_empty() {
        let rows = parameters.iter().map(|parameter| {
            let DeploymentParameterDef {
                name,
                description,
                default,
            } = parameter;
            let default = option(*default);
            quote! {
                DeploymentParameterDef {
                    name: #name,
                    description: #description,
                    default: #default
                }
            }
        });
        source.table(quote!(const PARAMETERS: &[DeploymentParameterDef]), rows);
    }
    source.item(quote!(const LIMITS: LimitsDef = #limits;));
    source.finish()
}

fn limits(def: &LimitsDef) -> TokenStream {
    let LimitsDef {
        body,
        headers,
        header_count,
        uri,
        requests_per_connection,
        header_timeout,
        body_timeout,
        idle_timeout,
        connections,
        http2,
        encoded_slash,
    } = def;
    let body = number(*body);
    let [
        headers,
        header_count,
        uri,
        requests_per_connection,
        connections,
    ] = [
        headers,
        header_count,
        uri,
        requests_per_connection,
        connections,
    ]
    .map(|n| number(*n));
    let [header_timeout, body_timeout, idle_timeout] =
        [header_timeout, body_timeout, idle_timeout].map(|d| duration(*d));
    let http2 = self::http2(http2);
    let encoded_slash = match encoded_slash {
        EncodedSlash::Refuse => quote!(Refuse),
        EncodedSlash::Keep => quote!(Keep),
    };
    quote! {
        LimitsDef {
            body: #body,
            headers: #headers,
            header_count: #header_count,
            uri: #uri,
            requests_per_connection: #requests_per_connection,
            header_timeout: #header_timeout,
            body_timeout: #body_timeout,
            idle_timeout: #idle_timeout,
            connections: #connections,
            http2: #http2,
            encoded_slash: EncodedSlash::#encoded_slash,
        }
    }
}

fn http2(def: &Http2LimitsDef) -> TokenStream {
    let Http2LimitsDef {
        streams,
        stream_window,
        connection_window,
        header_list,
        resets,
    } = def;
    let [
        streams,
        stream_window,
        connection_window,
        header_list,
        resets,
    ] = [
        streams,
        stream_window,
        connection_window,
        header_list,
        resets,
    ]
    .map(|n| number(*n));
    quote! {
        Http2LimitsDef {
            streams: #streams,
            stream_window: #stream_window,
            connection_window: #connection_window,
            header_list: #header_list,
            resets: #resets,
        }
    }
}
