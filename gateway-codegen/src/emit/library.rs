//! `src/lib.rs` and `src/main.rs`. Both are as rustfmt would have them; the modules below `lib.rs` are kept from it.

use gateway_runtime::def::{GatewayDef, LAYOUT};
use proc_macro2::TokenStream;
use quote::quote;

use super::links::Links;
use super::rust::{Source, ident, number};
use super::text::markdown;
use crate::names;

/// `src/lib.rs`.
pub(super) fn lib(def: &'static GatewayDef, links: &Links) -> String {
    let title = markdown(&format!("{} {}", def.title, def.version));
    let title = format!(" {title}: the tables of its gateway.");
    let mut source = Source::root(quote! {
        #![doc = #title]
        #![allow(clippy::approx_constant, reason = "numbers are the document's own")]
        #![allow(rustdoc::bare_urls, reason = "summaries are the document's own")]
    });
    let modules = [
        (true, "api"),
        (links.has_cors(), "cors"),
        (links.has_operations(), "operations"),
        (links.has_parameters(), "parameters"),
        (!def.responses.is_empty(), "responses"),
        (true, "routes"),
        (!def.schemas.is_empty(), "schemas"),
        (true, "stages"),
        (links.has_upstreams(), "upstreams"),
    ];
    let modules: TokenStream = modules
        .iter()
        .filter(|(used, _)| *used)
        .map(|(_, name)| {
            let name = ident(name);
            quote!(#[rustfmt::skip] mod #name;)
        })
        .collect();
    source.item(modules);
    source.item(quote!(
        use gateway_runtime::codegen::*;
    ));
    let layout = number(LAYOUT);
    source.item(quote!(const _: () = requires_layout(#layout);));
    source.item(quote! {
        /// The gateway's tables: what the binary serves, and what a program that embeds the gateway hands to the runtime.
        pub fn gateway() -> &'static GatewayDef {
            &api::GATEWAY
        }
    });
    source.finish()
}

/// `src/main.rs`.
pub(super) fn main(def: &'static GatewayDef) -> String {
    let library = ident(&names::library(def.name));
    let mut source = Source::root(TokenStream::new());
    source.item(quote!(use #library::gateway;));
    source.item(quote! {
        fn main() -> std::process::ExitCode {
            gateway_runtime::main(gateway())
        }
    });
    source.finish()
}
