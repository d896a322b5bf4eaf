//! Parameters, bodies and responses as tokens.

use gateway_runtime::def::{
    BodyDef, ContentDef, EncodingDef, FormDef, Mode, OperationDef, ParameterDef, ParameterPlace,
    ResponseDef, StatusDef, Style, ValidateDef, ValueDef,
};
use proc_macro2::TokenStream;
use quote::quote;

use super::links::Links;
use super::rust::number;
use super::schemas::{refers, rules};

/// `query("limit").required().of(&[…])`: what is as usual is not said.
pub(super) fn parameter(def: &ParameterDef, links: &Links) -> TokenStream {
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
            let of = rules(of, links);
            tokens.extend(quote!(.of(#of)));
        }
        ValueDef::Json(of) => {
            let of = rules(of, links);
            tokens.extend(quote!(.json(#of)));
        }
    }
    tokens
}

/// `&[path("id"), parameters::LIMIT]`.
pub(super) fn parameters(defs: &[ParameterDef], links: &Links) -> TokenStream {
    let defs = defs.iter().map(|def| match links.parameter(def) {
        Some(name) => quote!(parameters::#name),
        None => parameter(def, links),
    });
    quote!(&[#(#defs),*])
}

pub(super) fn body(def: &BodyDef, links: &Links) -> TokenStream {
    let content = content(def.content, links);
    let required = def.required.then(|| quote!(.required()));
    quote!(body(#content)#required)
}

pub(super) fn responses(defs: &[ResponseDef], links: &Links) -> TokenStream {
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
        let headers = def.headers.iter().map(|def| parameter(def, links));
        let content = content(def.content, links);
        quote!(response(#status, &[#(#headers),*], #content))
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

fn content(defs: &[ContentDef], links: &Links) -> TokenStream {
    let content = defs.iter().map(|ContentDef { media_type, form }| {
        let (made, of, encodings) = match form {
            FormDef::Bytes => return quote!(bytes(#media_type)),
            FormDef::Json(of) => (quote!(json), of, &[][..]),
            FormDef::Text(of) => (quote!(plain), of, &[][..]),
            FormDef::Fields(of, encodings) => (quote!(fields), of, *encodings),
            FormDef::Parts(of, encodings) => (quote!(parts), of, *encodings),
        };
        let of = rules(of, links);
        let encoded = (!encodings.is_empty()).then(|| {
            let encodings = encodings.iter().map(encoding);
            quote!(.encoded(&[#(#encodings),*]))
        });
        quote!(#made(#media_type, #of)#encoded)
    });
    quote!(&[#(#content),*])
}

/// Whether parameters refer to schemas by their names.
pub(super) fn refer<'p>(defs: impl IntoIterator<Item = &'p ParameterDef>) -> bool {
    defs.into_iter().any(|def| match def.value {
        ValueDef::Any => false,
        ValueDef::Styled(of) | ValueDef::Json(of) => refers(of),
    })
}

/// `use` lines for what the messages of operations link to.
pub(super) fn imports(operations: &[&'static OperationDef], links: &Links) -> TokenStream {
    let shared = |def: &&ParameterDef| links.parameter(def).is_some();
    let parameters = operations
        .iter()
        .any(|operation| operation.parameters.iter().any(|def| shared(&def)));
    let parameters = parameters.then(|| {
        quote!(
            use crate::parameters;
        )
    });
    let content = |content: &[ContentDef]| {
        content.iter().any(|content| match content.form {
            FormDef::Bytes => false,
            FormDef::Json(of)
            | FormDef::Text(of)
            | FormDef::Fields(of, _)
            | FormDef::Parts(of, _) => refers(of),
        })
    };
    let schema = operations.iter().any(|operation| {
        let own = operation.parameters.iter().filter(|def| !shared(def));
        refer(own)
            || operation.body.is_some_and(|body| content(body.content))
            || operation
                .responses
                .iter()
                .any(|response| content(response.content) || refer(response.headers))
    });
    let schema = schema.then(|| {
        quote!(
            use crate::schemas::Schema;
        )
    });
    quote!(#parameters #schema)
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
