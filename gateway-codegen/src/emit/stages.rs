//! `src/stages.rs`: stages, and the policies that differ there.

use std::collections::HashMap;
use std::ptr;

use gateway_runtime::def::{
    AccessLogDef, CanaryDef, GatewayDef, LogTarget, MountDef, OverrideDef, PolicyDef,
    StageCacheDef, StageDef, VariableDef, VariableValue,
};
use proc_macro2::TokenStream;
use quote::quote;

use super::links::{Links, imports};
use super::policy::{policy, throttle};
use super::rust::{Source, doc, float, ident, number, option};
use super::text::code;
use crate::names::Names;

/// From `src/` to the crate's folder.
const UP: &str = "../";

pub(super) fn file(def: &'static GatewayDef, links: &Links) -> String {
    let mut source = Source::module("Where the API is mounted, and what differs there.");
    let overrides = || def.stages.iter().flat_map(|stage| stage.overrides);
    let imports = imports(overrides().map(|row| row.policy));
    let operations = overrides().next().map(|_| {
        quote!(
            use crate::operations::*;
        )
    });
    source.item(quote!(#imports #operations use gateway_runtime::codegen::*;));

    let mut names = Names::statics();
    let list = names.claim("stages");
    let stages: Vec<(String, &StageDef)> = def
        .stages
        .iter()
        .map(|stage| (names.claim(stage.name), *stage))
        .collect();
    let mut policies: HashMap<*const PolicyDef, String> = HashMap::new();
    for (name, stage) in &stages {
        let table =
            (!stage.overrides.is_empty()).then(|| names.claim(&format!("{name} overrides")));
        source.item(item(name, stage, table.as_deref()));
        let Some(table) = table else { continue };
        let mut rows = Vec::new();
        for row in stage.overrides {
            let known = policies.get(&ptr::from_ref(row.policy)).cloned();
            let policy_name = known.unwrap_or_else(|| {
                // Named after the first operation that has it; others may share it.
                let operation = links.operation_text(row.operation);
                let policy_name = names.claim(&format!("{name} {operation}"));
                source.item(shared(&policy_name, row, links));
                policies.insert(row.policy, policy_name.clone());
                policy_name
            });
            let (operation, policy) = (links.operation(row.operation), ident(&policy_name));
            rows.push(quote!(OverrideDef { operation: #operation, policy: &#policy }));
        }
        let table = ident(&table);
        source.table(quote!(static #table: &[OverrideDef]), rows);
    }
    let list = ident(&list);
    let rows = stages.iter().map(|(name, _)| {
        let name = ident(name);
        quote!(&#name)
    });
    source.table(quote!(pub static #list: &[&StageDef]), rows);
    source.finish()
}

fn shared(name: &str, row: &OverrideDef, links: &Links) -> TokenStream {
    let operation = row.operation;
    let doc = doc(&format!(
        "As for {}.",
        code(&format!("{} {}", operation.method, operation.path))
    ));
    let (name, policy) = (ident(name), policy(row.policy, links, UP));
    quote! {
        #doc
        static #name: PolicyDef = #policy;
    }
}

fn item(name: &str, stage: &'static StageDef, overrides: Option<&str>) -> TokenStream {
    let StageDef {
        name: text,
        mount: MountDef { host, path },
        variables,
        throttle,
        cache,
        canary,
        access_log,
        overrides: _,
    } = stage;
    let mut fields = Vec::new();
    if !variables.is_empty() {
        let variables = self::variables(variables);
        fields.push(quote!(variables: #variables));
    }
    if let Some(def) = throttle {
        let def = self::throttle(def);
        fields.push(quote!(throttle: Some(#def)));
    }
    if let Some(StageCacheDef { size }) = cache {
        let size = number(*size);
        fields.push(quote!(cache: Some(StageCacheDef { size: #size })));
    }
    if let Some(def) = canary {
        let CanaryDef {
            percent,
            variables,
            shared_cache,
        } = def;
        let (percent, variables) = (float(*percent), self::variables(variables));
        fields.push(quote! {
            canary: Some(CanaryDef {
                percent: #percent,
                variables: #variables,
                shared_cache: #shared_cache,
            })
        });
    }
    if let Some(AccessLogDef { to, format }) = access_log {
        let to = match to {
            LogTarget::Stdout => quote!(Stdout),
            LogTarget::Stderr => quote!(Stderr),
            LogTarget::File(file) => quote!(File(#file)),
        };
        fields.push(quote!(access_log: Some(AccessLogDef { to: LogTarget::#to, format: #format })));
    }
    if let Some(table) = overrides {
        let table = ident(table);
        fields.push(quote!(overrides: #table));
    }
    const OPTIONAL: usize = 6;
    let rest = (fields.len() < OPTIONAL).then(|| quote!(..StageDef::DEFAULT));
    let (name, host) = (ident(name), option(*host));
    quote! {
        pub static #name: StageDef = StageDef {
            name: #text,
            mount: MountDef { host: #host, path: #path },
            #(#fields,)*
            #rest
        };
    }
}

fn variables(defs: &[VariableDef]) -> TokenStream {
    let variables = defs.iter().map(|VariableDef { name, value }| {
        let value = variable(value);
        quote!(variable(#name, #value))
    });
    quote!(&[#(#variables),*])
}

/// Where a value comes from.
pub(super) fn variable(value: &VariableValue) -> TokenStream {
    match value {
        VariableValue::Literal(text) => quote!(VariableValue::Literal(#text)),
        VariableValue::Env(name) => quote!(VariableValue::Env(#name)),
        VariableValue::File(path) => quote!(VariableValue::File(#path)),
    }
}
