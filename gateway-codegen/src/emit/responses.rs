//! `src/responses.rs`: customised gateway responses.

use gateway_runtime::def::{GatewayDef, GatewayResponseDef, ResponseType};
use proc_macro2::TokenStream;
use quote::quote;

use super::policy::{sets, templates};
use super::rust::{Source, ident, number, option};

/// From `src/` to the crate's folder.
const UP: &str = "../";

pub(super) fn file(def: &'static GatewayDef) -> String {
    let mut source = Source::module("Answers that the gateway gives itself.");
    source.item(quote!(
        use gateway_runtime::codegen::*;
    ));
    let rows = def.responses.iter().map(|response| {
        let GatewayResponseDef {
            kind,
            status,
            headers,
            bodies,
        } = response;
        let (kind, status) = (self::kind(*kind), option(status.map(number)));
        let (headers, bodies) = (sets(headers), templates(bodies, UP));
        quote! {
            GatewayResponseDef {
                kind: ResponseType::#kind,
                status: #status,
                headers: #headers,
                bodies: #bodies,
            }
        }
    });
    source.item(quote!(pub static RESPONSES: &[GatewayResponseDef] = &[#(#rows),*];));
    source.finish()
}

/// The variant, whose name the derived `Debug` gives.
fn kind(kind: ResponseType) -> TokenStream {
    ident(&format!("{kind:?}"))
}
