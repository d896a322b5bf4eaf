//! Parameters, bodies and responses as tokens.

use gateway_runtime::def::{
    BodyDef, ContentDef, EncodingDef, FormDef, Mode, ParameterDef, ParameterPlace, ResponseDef,
    StatusDef, Style, ValidateDef, ValueDef,
};
use proc_macro2::TokenStream;
use quote::quote;

use super::rust::number;
use super::schemas::rules;

/// `query("limit").required().of(&[…])`: what is as usual is not said.
pub(super) fn parameter(def: &ParameterDef) -> TokenStream {
    let ParameterDef {
        place,
        name,
        required,
        empty,
        style,
        explode,
        value,
    } = def;
    let mut tokens = match place {
        ParameterPlace::Path => quote!(path(#name)),
        ParameterPlace::Query => quote!(query(#name)),
        ParameterPlace::Header => quote!(header(#name)),
        ParameterPlace::Cookie => quote!(cookie(#name)),
    };
    if *required && *place != ParameterPlace::Path {
        tokens.extend(quote!(.required()));
    }
    if *empty {
        tokens.extend(quote!(.or_empty()));
    }
    if (*style, *explode) != Style::usual(*place) {
        let style = self::style(*style);
        tokens.extend(quote!(.styled(#style, #explode)));
    }
    match value {
        ValueDef::Any => {}
        ValueDef::Styled(of) => {
            let of = rules(of);
            tokens.extend(quote!(.of(#of)));
        }
        ValueDef::Json(of) => {
            let of = rules(of);
            tokens.extend(quote!(.json(#of)));
        }
    }
    tokens
}

pub(super) fn parameters(defs: &[ParameterDef]) -> TokenStream {
    let defs = defs.iter().map(parameter);
    quote!(&[#(#defs),*])
}

pub(super) fn body(def: &BodyDef) -> TokenStream {
    let content = content(def.content);
    let required = def.required.then(|| quote!(.required()));
    quote!(body(#content)#required)
}

pub(super) fn responses(defs: &[ResponseDef]) -> TokenStream {
    let responses = defs.iter().map(|def| {
        let status = match def.status {
            StatusDef::Is(code) => {
                let code = number(code);
                quote!(StatusDef::Is(#code))
            }
            StatusDef::Class(class) => {
                let class = number(class);
                quote!(StatusDef::Class(#class))
            }
            StatusDef::Other => quote!(StatusDef::Other),
        };
        let (headers, content) = (parameters(def.headers), content(def.content));
        quote!(response(#status, #headers, #content))
    });
    quote!(&[#(#responses),*])
}

/// `validate(Mode::Enforce, Mode::Enforce, Mode::Off)`.
pub(super) fn validate(def: &ValidateDef) -> TokenStream {
    let modes = [def.params, def.body, def.response].map(|mode| match mode {
        Mode::Off => quote!(Mode::Off),
        Mode::Report => quote!(Mode::Report),
        Mode::Enforce => quote!(Mode::Enforce),
    });
    quote!(validate(#(#modes),*))
}

fn content(defs: &[ContentDef]) -> TokenStream {
    let content = defs.iter().map(|ContentDef { media_type, form }| {
        let (made, of, encodings) = match form {
            FormDef::Bytes => return quote!(bytes(#media_type)),
            FormDef::Json(of) => (quote!(json), of, &[][..]),
            FormDef::Text(of) => (quote!(plain), of, &[][..]),
            FormDef::Fields(of, encodings) => (quote!(fields), of, *encodings),
            FormDef::Parts(of, encodings) => (quote!(parts), of, *encodings),
        };
        let of = rules(of);
        let encoded = (!encodings.is_empty()).then(|| {
            let encodings = encodings.iter().map(encoding);
            quote!(.encoded(&[#(#encodings),*]))
        });
        quote!(#made(#media_type, #of)#encoded)
    });
    quote!(&[#(#content),*])
}

fn encoding(def: &EncodingDef) -> TokenStream {
    let EncodingDef {
        name,
        media_type,
        style,
        explode,
    } = def;
    let style = self::style(*style);
    quote!(encoding(#name, #media_type, #style, #explode))
}

fn style(style: Style) -> TokenStream {
    match style {
        Style::Simple => quote!(Style::Simple),
        Style::Label => quote!(Style::Label),
        Style::Matrix => quote!(Style::Matrix),
        Style::Form => quote!(Style::Form),
        Style::Space => quote!(Style::Space),
        Style::Tab => quote!(Style::Tab),
        Style::Pipe => quote!(Style::Pipe),
        Style::DeepObject => quote!(Style::DeepObject),
    }
}
