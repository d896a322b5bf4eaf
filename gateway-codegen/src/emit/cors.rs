//! `src/cors.rs`: cross-origin rules.

use gateway_runtime::def::CorsDef;
use proc_macro2::Literal;
use quote::quote;

use super::links::Links;
use super::rust::{Source, option};

pub(super) fn file(links: &Links) -> String {
    let mut source = Source::module("Cross-origin rules.");
    source.item(quote!(
        use gateway_runtime::codegen::*;
    ));
    for (ident, cors) in links.cors_rules() {
        let CorsDef {
            allow_origins,
            allow_methods,
            allow_headers,
            expose_headers,
            allow_credentials,
            max_age,
        } = cors;
        let max_age = option(max_age.map(Literal::i32_unsuffixed));
        source.item(quote! {
            pub static #ident: CorsDef = CorsDef {
                allow_origins: &[#(#allow_origins),*],
                allow_methods: &[#(#allow_methods),*],
                allow_headers: &[#(#allow_headers),*],
                expose_headers: &[#(#expose_headers),*],
                allow_credentials: #allow_credentials,
                max_age: #max_age,
            };
        });
    }
    source.finish()
}
