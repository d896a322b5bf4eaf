//! Fields by which a request says more about itself than its request line does, and which some back ends believe.
//!
//! The gateway chose the operation by method and path: a back end that takes another method or path from a field would serve
//! what nobody was allowed to ask for. So they go no further, unless a trusted proxy sends them or the operation declares them.

use std::sync::LazyLock;

use super::{Exchange, Headers, Names};
use crate::def::{ParameterDef, ParameterPlace};

/// What a proxy says of who asked. `proxy` is nobody's, but what scripts take for their own setting (CVE-2016-5385).
const WHO: &[&str] = &["proxy", "x-real-ip"];

/// What a proxy says of how it was asked, and what changes method, path or host for back ends and frameworks that look for it.
/// An answer may depend on any of them.
pub(crate) const HOW: &[&str] = &[
    "forwarded",
    "x-forwarded-method",
    "x-forwarded-path",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-forwarded-uri",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];

/// Both lists.
fn all() -> impl Iterator<Item = &'static str> {
    WHO.iter().chain(HOW).copied()
}

static ALL: LazyLock<Names> = LazyLock::new(|| Names::new(all()));

/// Takes them out of what goes to a back end. Most requests have none, and cost one look.
pub(crate) fn remove(exchange: &Exchange, declared: &[ParameterDef], headers: &mut Headers) {
    if exchange.is_from_proxy() || !headers.may_have(&ALL) {
        return;
    }
    for name in all() {
        let is_declared = declared
            .iter()
            .any(|parameter| parameter.place == ParameterPlace::Header && parameter.name == name);
        if !is_declared {
            headers.remove_alike(name);
        }
    }
}
