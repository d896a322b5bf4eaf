//! `src/upstreams.rs`: the back ends, and their list.

use gateway_runtime::def::UpstreamDef;
use quote::quote;

use super::links::Links;
use super::rust::Source;

pub(super) fn file(links: &Links) -> String {
    let mut source = Source::module("Back ends.");
    source.item(quote!(
        use gateway_runtime::codegen::*;
    ));
    for (ident, UpstreamDef { name, url }) in links.upstreams() {
        source
            .item(quote!(pub static #ident: UpstreamDef = UpstreamDef { name: #name, url: #url };));
    }
    let rows = links.upstreams().map(|(ident, _)| quote!(&#ident));
    source.table(quote!(pub static UPSTREAMS: &[&UpstreamDef]), rows);
    source.finish()
}
