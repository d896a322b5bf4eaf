//! What comes back to a client: templates, response mappings, mocks.

use std::collections::BTreeMap;

use gateway_runtime::expr::Scope;
use gateway_runtime::pattern::StatusPattern;

use super::integration::{Surroundings, field_entry};
use super::native::{self, OrOff};
use super::reader::Reader;
use super::tree::At;
use crate::findings::brief;
use crate::model::{Field, Integration, ResponseMapping};

/// Templates that are literal text.
pub(crate) fn templates(
    map: Option<&BTreeMap<String, OrOff<String>>>,
    at: At<'_>,
    reader: &mut Reader<'_>,
) -> Vec<(String, String)> {
    let mut list = Vec::new();
    for (media_type, body) in map.into_iter().flatten() {
        let Some(body) = body.on() else { continue };
        let at = at.member(media_type);
        let Some(media_type) = media_type_of(media_type, at, reader) else {
            continue;
        };
        if let Some(offset) = body.find(['$', '#']) {
            reader.found.error(
                "mapping-template",
                at.place_in(offset),
                "a template that computes (`$`, `#`) is not yet served",
                "this version serves templates that are literal text",
            );
            continue;
        }
        list.push((media_type, body.clone()));
    }
    list
}

/// A media type in lower case, or nothing if it is none.
pub(crate) fn media_type_of(written: &str, at: At<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let name = written.split(';').next().unwrap_or_default().trim();
    let fine = name
        .split_once('/')
        .is_some_and(|(kind, sub)| token(kind) && token(sub))
        && written.bytes().all(|b| (b' '..0x7f).contains(&b));
    if fine {
        return Some(written.trim().to_ascii_lowercase());
    }
    reader.found.error(
        "media-type",
        at.key_place(),
        format!("`{}` is no media type", brief(written)),
        "as in `application/json`",
    );
    None
}

/// The response mappings of an `http` integration.
pub(crate) fn answers(
    written: &native::Integration,
    at: At<'_>,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Vec<ResponseMapping> {
    let list = responses(written, at, around, reader);
    if list.iter().all(|(_, pattern)| pattern.is_some()) {
        reader.found.warning(
            "response-default",
            at.member("responses").key_place(),
            "a status that no response is for is answered 500",
            "add a `default` to `responses`",
        );
    }
    list.into_iter().map(|(mapping, _)| mapping).collect()
}

/// The response mappings in the order they are tried, each with the statuses it is for: one that is for fewer statuses
/// comes first, so that the order in the file does not matter.
fn responses(
    written: &native::Integration,
    at: At<'_>,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Vec<(ResponseMapping, Option<StatusPattern>)> {
    let at = at.member("responses");
    let mut list = Vec::new();
    for (key, response) in written.responses.iter().flatten() {
        let Some(response) = response.on() else {
            continue;
        };
        let at = at.member(key);
        let pattern = if key == "default" {
            None
        } else {
            match StatusPattern::parse(key) {
                Ok(pattern) => {
                    if pattern.is_empty() {
                        reader.found.warning(
                            "response-pattern-empty",
                            at.key_place(),
                            format!(
                                "`{}` is the whole of no status, so this is never chosen",
                                brief(key)
                            ),
                            "as in `404` or `4\\d{2}`",
                        );
                    }
                    Some(pattern)
                }
                Err(fault) => {
                    reader.found.error(
                        "response-pattern",
                        at.key_place(),
                        format!(
                            "`{}` is no pattern of statuses: {}",
                            brief(key),
                            fault.message
                        ),
                        "as in `404` or `4\\d{2}`, or `default` for every other",
                    );
                    continue;
                }
            }
        };
        let parameters = response.parameters.iter().flatten();
        let mut headers: Vec<(String, String)> = parameters
            .filter_map(|(name, value)| {
                let at = at.member("parameters").member(&name.0);
                let value = value.on()?;
                match field_entry(&name.0, value, at, Scope::Response, around.route, reader)? {
                    (Field::Header(name), value) => Some((name, value)),
                    (Field::Query(_), _) => None,
                }
            })
            .collect();
        headers.sort();
        let mapping = ResponseMapping {
            pattern: pattern.is_some().then(|| key.clone()),
            status: response.status.map_or(200, |status| status.0),
            headers,
            bodies: templates(response.templates.as_ref(), at.member("templates"), reader),
        };
        list.push((mapping, pattern));
    }
    let width = |pattern: &Option<StatusPattern>| match pattern {
        Some(pattern) => (100..600).filter(|status| pattern.matches(*status)).count(),
        None => usize::MAX,
    };
    list.sort_by(|(a, one), (b, other)| (width(one), &a.pattern).cmp(&(width(other), &b.pattern)));
    warn_of_ties(&list, at, width, reader);
    list
}

/// Two patterns that are as wide as each other and meet: nothing in the document says which is meant.
fn warn_of_ties(
    list: &[(ResponseMapping, Option<StatusPattern>)],
    at: At<'_>,
    width: impl Fn(&Option<StatusPattern>) -> usize,
    reader: &mut Reader<'_>,
) {
    for pair in list.windows(2) {
        let [(a, one), (b, other)] = pair else {
            continue;
        };
        let (Some(first), Some(second)) = (&a.pattern, &b.pattern) else {
            continue;
        };
        if width(one) != width(other) {
            continue;
        }
        let shared = |status: &u16| {
            let matches = |pattern: &Option<StatusPattern>| {
                pattern
                    .as_ref()
                    .is_some_and(|pattern| pattern.matches(*status))
            };
            matches(one) && matches(other)
        };
        if let Some(status) = (100..600).find(shared) {
            reader.found.warning(
                "response-pattern-tie",
                at.member(second).key_place(),
                format!(
                    "`{}` and `{}` both match {status}; the first one is taken",
                    brief(first),
                    brief(second)
                ),
                "make one of them narrower",
            );
        }
    }
}

/// A fixed answer: of the response that the mock's status chooses, else the document's own example.
pub(crate) fn mock(
    written: &native::Integration,
    at: At<'_>,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Integration {
    let responses = responses(written, at, around, reader);
    let asked = mock_status(written, at, reader);
    let status = asked.unwrap_or(200);
    let matching = || {
        responses.iter().filter(|(_, pattern)| {
            pattern
                .as_ref()
                .is_some_and(|pattern| pattern.matches(status))
        })
    };
    let chosen = matching()
        .find(|(mapping, _)| mapping.status == status)
        .or_else(|| matching().next())
        .or_else(|| responses.iter().find(|(_, pattern)| pattern.is_none()));
    match chosen {
        Some((mapping, _)) => Integration::Mock {
            status: mapping.status,
            headers: mapping.headers.clone(),
            bodies: mapping.bodies.clone(),
        },
        None => {
            if !responses.is_empty() {
                reader.found.error(
                    "mock-status",
                    at.member("responses").key_place(),
                    format!("no response matches the mock's status {status}"),
                    "add one, or a `default`",
                );
            }
            // without any response the document's own example answers
            let example = around
                .example
                .filter(|_| responses.is_empty() && asked.is_none());
            Integration::Mock {
                status: example.map_or(status, |example| example.status),
                headers: Vec::new(),
                bodies: example
                    .filter(|example| !example.media_type.is_empty())
                    .map(|example| (example.media_type.clone(), example.body.clone()))
                    .into_iter()
                    .collect(),
            }
        }
    }
}

/// The status that a mock's request templates name: `{"statusCode": 404}`, quotes being optional.
fn mock_status(written: &native::Integration, at: At<'_>, reader: &mut Reader<'_>) -> Option<u16> {
    let at = at.member("request").member("templates");
    let mut statuses = Vec::new();
    let map = written.request.as_ref().and_then(|r| r.templates.as_ref());
    for (media_type, body) in templates(map, at, reader) {
        let at = at.member(&media_type);
        match status_in(&body) {
            Some(status) => statuses.push(status),
            None => reader.found.error(
                "mock-status",
                at.place(),
                "the template of a mock names no `statusCode`",
                "as in `{\"statusCode\": 200}`",
            ),
        }
    }
    statuses.sort_unstable();
    statuses.dedup();
    if statuses.len() > 1 {
        reader.found.error(
            "not-yet-served",
            at.place(),
            "a mock whose status depends on the request's media type is not yet served",
            "let all templates name one `statusCode`",
        );
    }
    statuses.first().copied()
}

/// `statusCode` of a text that is JSON, or nearly so.
fn status_in(text: &str) -> Option<u16> {
    let at = text.find("statusCode")?;
    let rest =
        text[at + "statusCode".len()..].trim_start_matches(['"', '\'', ' ', '\t', '\r', '\n']);
    let rest = rest
        .strip_prefix(':')?
        .trim_start_matches(['"', '\'', ' ', '\t', '\r', '\n']);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits
        .parse()
        .ok()
        .filter(|status| (200..600).contains(status))
}
