//! `src/operations/`: one file per tag, one static per operation.

use gateway_runtime::def::{AccessDef, CredentialDef, ExampleDef, OperationDef, ParameterPlace};
use proc_macro2::TokenStream;
use quote::quote;

use super::links::{Links, imports};
use super::messages;
use super::policy::policy;
use super::rust::{Source, doc, ident, number, option, text};
use super::text::{code, markdown};

/// From `src/operations/` to the crate's folder.
const UP: &str = "../../";

/// `src/operations/mod.rs`.
pub(super) fn index(links: &Links) -> String {
    let mut source = Source::module("Operations by their first tag.");
    let modules = links.modules().map(|(module, _)| ident(module));
    source.item(quote!(#(pub mod #modules;)*));
    source.finish()
}

/// `src/operations/<tag>.rs`.
pub(super) fn file(operations: &[&'static OperationDef], links: &Links, with_mock: bool) -> String {
    let tag = operations.first().map_or("", |operation| operation.tag);
    let mut source = Source::module(&format!("Operations tagged {}.", code(tag)));
    let imports = imports(operations.iter().map(|operation| &operation.policy));
    let messages = messages::imports(operations, links);
    source.item(quote!(#imports #messages use gateway_runtime::codegen::*;));
    for operation in operations {
        source.item(item(operation, links, with_mock));
    }
    source.finish()
}

fn item(operation: &'static OperationDef, links: &Links, with_mock: bool) -> TokenStream {
    let OperationDef {
        id,
        method,
        path,
        tag,
        summary,
        parameters,
        body,
        responses,
        access,
        policy,
        example,
    } = operation;
    let doc = doc(&sentence(method, path, summary));
    let name = links.operation_name(operation);
    let parameters = messages::parameters(parameters, links);
    let body = option(body.as_ref().map(|body| messages::body(body, links)));
    let responses = messages::responses(responses, links);
    let access = self::access(access);
    let policy = self::policy(policy, links, UP);
    let example = option(example.filter(|_| with_mock).map(self::example));
    quote! {
        #doc
        pub static #name: OperationDef = OperationDef {
            id: #id,
            method: #method,
            path: #path,
            tag: #tag,
            summary: #summary,
            parameters: #parameters,
            body: #body,
            responses: #responses,
            access: #access,
            policy: #policy,
            example: #example,
        };
    }
}

/// `` `GET /pets/{petId}`: show one pet ``
fn sentence(method: &str, path: &str, summary: &str) -> String {
    let route = code(&format!("{method} {path}"));
    match markdown(summary).as_str() {
        "" => format!("{route}."),
        summary => format!("{route}: {summary}"),
    }
}

fn access(def: &AccessDef) -> TokenStream {
    let AccessDef::Delegated(alternatives) = def else {
        return quote!(AccessDef::Public);
    };
    let alternatives = alternatives.iter().map(|together| {
        let credentials = together.iter().map(credential);
        quote!(&[#(#credentials),*])
    });
    quote!(AccessDef::Delegated(&[#(#alternatives),*]))
}

fn credential(def: &CredentialDef) -> TokenStream {
    let CredentialDef {
        scheme,
        place,
        name,
        required,
    } = def;
    let place = match place {
        ParameterPlace::Path => quote!(path(#name)),
        ParameterPlace::Query => quote!(query(#name)),
        ParameterPlace::Header => quote!(header(#name)),
        ParameterPlace::Cookie => quote!(cookie(#name)),
    };
    quote!(credential(#scheme, #place, #required))
}

fn example(def: ExampleDef) -> TokenStream {
    let ExampleDef {
        status,
        media_type,
        body,
    } = def;
    let (status, body) = (number(status), text(&body, UP));
    quote!(ExampleDef { status: #status, media_type: #media_type, body: #body })
}
