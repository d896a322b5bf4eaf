use gateway_runtime::def::Rule;
use proc_macro2::TokenStream;
use quote::quote;
pub(super) fn rules(_: &[Rule]) -> TokenStream {
    quote!(&[])
}
