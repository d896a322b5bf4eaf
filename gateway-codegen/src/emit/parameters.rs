//! `src/parameters.rs`: parameters that several operations declare alike, once.

use quote::quote;

use super::links::Links;
use super::messages;
use super::rust::Source;

pub(super) fn file(links: &Links) -> String {
    let mut source = Source::module("Parameters that several operations have.");
    let all = || links.parameters().map(|(_, def)| def);
    let schema = messages::refer(all()).then(|| {
        quote!(
            use crate::schemas::Schema;
        )
    });
    source.item(quote!(#schema use gateway_runtime::codegen::*;));
    for (name, def) in links.parameters() {
        let value = messages::parameter(def, links);
        source.item(quote!(pub const #name: ParameterDef = #value;));
    }
    source.finish()
}
