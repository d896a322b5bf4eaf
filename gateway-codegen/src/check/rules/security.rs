//! Rules of security smells.

use super::{Rule, note, warning};

pub(super) const RULES: &[Rule] = &[
    note(
        "credential-in-query",
        "A credential stands in the query of an address.",
        "Addresses are kept in logs, histories and `Referer` fields. A header is not.",
        "key: { type: apiKey, in: query, name: key }",
    ),
    warning(
        "operation-open",
        "An operation says nothing about security, while most of the document's operations ask for credentials.",
        "It is served to anyone. If that is meant, write `security: []`; a `security` at the root of the document holds for all that say nothing.",
        "",
    ),
    warning(
        "upstream-plain",
        "A back end on the open network is called without TLS.",
        "Whoever is on the way reads and changes requests and answers. Write `https://`. Private addresses, single words and names that end in `.internal`, `.local` or the like are not reported.",
        "servers: [ { url: 'http://api.shop.com' } ]",
    ),
];
