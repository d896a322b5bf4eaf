//! `README.md` and `.gitattributes`.

use askama::Template;
use gateway_runtime::def::GatewayDef;

use super::links::Links;
use super::manifest::rendered;
use super::text::markdown;
use super::{EmitOptions, Runtime, Workspace};
use crate::names;

#[derive(Template)]
#[template(path = "README.md", escape = "none")]
struct Readme<'a> {
    title: String,
    version: String,
    name: &'a str,
    library: String,
    own: bool,
    vendored: bool,
    upstreams: bool,
    cors: bool,
    responses: bool,
}

pub(super) fn file(def: &'static GatewayDef, links: &Links, options: &EmitOptions) -> String {
    rendered(&Readme {
        title: match markdown(def.title) {
            title if title.is_empty() => def.name.to_owned(),
            title => title,
        },
        version: markdown(def.version),
        name: def.name,
        library: names::library(def.name),
        own: options.workspace == Workspace::Own,
        vendored: options.runtime == Runtime::Vendor,
        upstreams: links.has_upstreams(),
        cors: links.has_cors(),
        responses: !def.responses.is_empty(),
    })
}

#[derive(Template)]
#[template(path = "gitattributes", escape = "none", ext = "txt")]
struct Attributes {
    vendored: bool,
}

/// Line ends stay as they were written: digests are over bytes.
pub(super) fn attributes(options: &EmitOptions) -> String {
    rendered(&Attributes {
        vendored: options.runtime == Runtime::Vendor,
    })
}
