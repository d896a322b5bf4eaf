//! `src/routes.rs`: every route, one a line.

use gateway_runtime::def::{GatewayDef, RouteDef};
use quote::quote;

use super::links::Links;
use super::rust::Source;

pub(super) fn file(def: &'static GatewayDef, links: &Links) -> String {
    let mut source = Source::module("Which request leads to which operation.");
    let operations = links.has_operations().then(|| {
        quote!(
            use crate::operations::*;
        )
    });
    source.item(quote!(#operations use gateway_runtime::codegen::*;));
    let rows = def.routes.iter().map(|route| {
        let RouteDef {
            method,
            path,
            operation,
        } = route;
        let operation = links.operation(operation);
        quote!(route(#method, #path, #operation))
    });
    source.table(quote!(pub static ROUTES: &[RouteDef]), rows);
    source.finish()
}
