//! `src/upstreams.rs`: the back ends, and their list.

use gateway_runtime::def::{
    BalanceDef, BreakerDef, HealthDef, OutlierDef, ParameterPlace, UpstreamDef, UpstreamTargetDef,
    UpstreamTlsDef,
};
use proc_macro2::TokenStream;
use quote::quote;

use super::links::Links;
use super::rust::{Source, duration, number, option};
use super::stages::variable;

pub(super) fn file(links: &Links) -> String {
    let mut source = Source::module("Back ends.");
    source.item(quote!(
        use gateway_runtime::codegen::*;
    ));
    for (ident, def) in links.upstreams() {
        let def = upstream(def);
        source.item(quote!(pub static #ident: UpstreamDef = #def;));
    }
    let rows = links.upstreams().map(|(ident, _)| quote!(&#ident));
    source.table(quote!(pub static UPSTREAMS: &[&UpstreamDef]), rows);
    source.finish()
}

/// A back end. What is off is left to `DEFAULT`.
fn upstream(def: &UpstreamDef) -> TokenStream {
    let UpstreamDef {
        name,
        targets,
        balance,
        health,
        outlier,
        breaker,
        http2,
        tls,
    } = def;
    let targets = targets.iter().map(|UpstreamTargetDef { url, weight }| {
        let weight = number(*weight);
        quote!(target(#url, #weight))
    });
    let mut fields = Vec::new();
    if *balance != BalanceDef::RoundRobin {
        let balance = self::balance(balance);
        fields.push(quote!(balance: BalanceDef::#balance));
    }
    if let Some(def) = health {
        let def = self::health(def);
        fields.push(quote!(health: Some(#def)));
    }
    if let Some(OutlierDef { consecutive, eject }) = outlier {
        let (consecutive, eject) = (number(*consecutive), duration(*eject));
        fields.push(quote!(outlier: Some(OutlierDef { consecutive: #consecutive, eject: #eject })));
    }
    if let Some(def) = breaker {
        let BreakerDef {
            connections,
            pending,
            requests,
        } = def;
        let bound = |bound: &Option<u32>| option(bound.map(number));
        let (connections, pending, requests) =
            (bound(connections), bound(pending), bound(requests));
        fields.push(quote! {
            breaker: Some(BreakerDef {
                connections: #connections,
                pending: #pending,
                requests: #requests,
            })
        });
    }
    if *http2 {
        fields.push(quote!(http2: true));
    }
    if let Some(def) = tls {
        let def = self::tls(def);
        fields.push(quote!(tls: Some(#def)));
    }
    const OPTIONAL: usize = 6;
    let rest = (fields.len() < OPTIONAL).then(|| quote!(..UpstreamDef::DEFAULT));
    quote! {
        UpstreamDef {
            name: #name,
            targets: &[#(#targets),*],
            #(#fields,)*
            #rest
        }
    }
}

fn balance(def: &BalanceDef) -> TokenStream {
    match def {
        BalanceDef::RoundRobin => quote!(RoundRobin),
        BalanceDef::LeastRequest => quote!(LeastRequest),
        BalanceDef::Random => quote!(Random),
        BalanceDef::Hash(part) => {
            let name = part.name;
            match part.place {
                ParameterPlace::Path => quote!(Hash(path(#name))),
                ParameterPlace::Query => quote!(Hash(query(#name))),
                ParameterPlace::Header => quote!(Hash(header(#name))),
                ParameterPlace::Cookie => quote!(Hash(cookie(#name))),
            }
        }
    }
}

fn health(def: &HealthDef) -> TokenStream {
    let HealthDef {
        path,
        interval,
        unhealthy_after,
        healthy_after,
    } = def;
    let interval = duration(*interval);
    let (unhealthy_after, healthy_after) = (number(*unhealthy_after), number(*healthy_after));
    quote! {
        HealthDef {
            path: #path,
            interval: #interval,
            unhealthy_after: #unhealthy_after,
            healthy_after: #healthy_after,
        }
    }
}

fn tls(def: &UpstreamTlsDef) -> TokenStream {
    let UpstreamTlsDef {
        ca,
        identity,
        server_name,
    } = def;
    let ca = option(ca.as_ref().map(variable));
    let identity = option(identity.as_ref().map(|(certificate, key)| {
        let (certificate, key) = (variable(certificate), variable(key));
        quote!((#certificate, #key))
    }));
    let server_name = option(*server_name);
    quote! {
        UpstreamTlsDef {
            ca: #ca,
            identity: #identity,
            server_name: #server_name,
        }
    }
}
