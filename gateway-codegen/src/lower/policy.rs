//! Policies: merged layers read into the model. Defaults of operations are decided here.

use std::collections::BTreeMap;
use std::time::Duration;

use gateway_runtime::def::{ApiKind, ErrorDialect, Invalidation, OnRefusal, ParameterPlace};
use gateway_runtime::expr::Scope;

use super::draft::{Draft, inside};
use super::integration::{self, Surroundings};
use super::messages;
use super::native::{self, InvalidationBy, OneOrMany, OrOff};
use super::reader::{Reader, Route};
use super::retries;
use super::suggest;
use super::tree::{At, Tree};
use crate::check::cors;
use crate::findings::{Findings, Lazily, Place, brief};
use crate::model::{
    Burst, Cache, CacheKey, Caching, Cors, Edits, Field, Integration, Mode, Policy, Rate, Throttle,
    ThrottleKey, Ttl, Upstream, ValidateDef,
};

/// Time to an answer: Amazon's default for REST APIs, which the field is used to.
const TIMEOUT: Duration = Duration::from_secs(29);
/// The same for HTTP APIs.
const TIMEOUT_HTTP: Duration = Duration::from_secs(30);
/// Longest pause in a streamed answer: long enough for a back end that thinks, short enough that a dead one is noticed.
const STREAM_IDLE: Duration = Duration::from_secs(60);
/// Longest `timeout` and `streamIdle`: Amazon's 15 minutes for streamed answers, and as much again for everybody else.
const LONGEST: Duration = Duration::from_secs(3600);
/// Statuses that are kept where nobody says otherwise: the 2xx with a meaning, but 206, whose body is a part.
const STATUSES: [u16; 9] = [200, 201, 202, 203, 204, 205, 207, 208, 226];

/// What policies are read against.
pub(crate) struct Context<'c> {
    /// The kind of API.
    pub(crate) kind: ApiKind,
    /// How refusals are answered: Amazon's gateways check otherwise.
    pub(crate) errors: ErrorDialect,
    /// Whether requests are checked where nobody says it.
    pub(crate) validates: Mode,
    /// Back ends by name.
    pub(crate) upstreams: &'c BTreeMap<String, Upstream>,
    /// Parts of cache keys that wide layers name, and whether some operation declares them.
    pub(crate) wide_keys: BTreeMap<Place, (String, bool)>,
    /// Places that speak of the operation alone.
    pub(crate) owners: Vec<Place>,
}

/// Says that what passed the strict check cannot be read after all, as a merge of forms that do not go together cannot.
pub(crate) fn unreadable(place: Place, error: &serde_json::Error, found: &mut Findings) {
    found.error(
        "x-gateway-type",
        place,
        "`x-gateway` cannot be read here, with what wider places say",
        format!("please report this document as a fault of gateway-codegen ({error})"),
    );
}

/// Reads the policy of an operation out of its merged layers.
pub(crate) fn read(
    tree: &Tree,
    draft: &Draft<'_>,
    context: &mut Context<'_>,
    reader: &mut Reader<'_>,
) -> Policy {
    let written: native::Operation = match serde_json::from_value(tree.value()) {
        Ok(written) => written,
        Err(error) => {
            unreadable(tree.place.clone(), &error, reader.found);
            native::Operation::default()
        }
    };
    let at = At::root(tree);
    let route = Route {
        path: &draft.path,
        params: &draft.path_params,
    };
    let around = Surroundings {
        route,
        upstreams: context.upstreams,
        server: &draft.server,
        example: draft.example.as_ref(),
    };
    let timeout = match context.kind {
        ApiKind::Http => TIMEOUT_HTTP,
        ApiKind::Plain | ApiKind::Rest => TIMEOUT,
    };
    let integration = match written.integration.as_ref().and_then(OrOff::on) {
        Some(integration) => {
            integration::read(integration, at.member("integration"), &around, reader)
        }
        None => Integration::Proxy {
            target: crate::model::Target::Upstream(draft.server.clone()),
            method: None,
        },
    };
    let timeout = time(written.timeout, at.member("timeout"), timeout, reader);
    let retries = written.retries.as_ref().and_then(OrOff::on).map(|retries| {
        let around = retries::Around {
            integration: &integration,
            timeout,
        };
        retries::read(
            retries,
            at.member("retries"),
            draft,
            &around,
            context,
            reader,
        )
    });
    let calls = matches!(
        integration,
        Integration::Proxy { .. } | Integration::Http(_)
    );
    Policy {
        integration,
        timeout,
        retries,
        stream_idle: time(
            written.stream_idle,
            at.member("streamIdle"),
            STREAM_IDLE,
            reader,
        ),
        body_limit: written
            .limits
            .as_ref()
            .and_then(|limits| limits.body)
            .map(|size| size.0),
        throttles: throttles(
            written.throttle.as_ref().and_then(OrOff::on),
            at.member("throttle"),
            Some(route),
            reader,
        ),
        cache: match written.cache.as_ref().and_then(OrOff::on) {
            Some(cache) => caching(cache, at.member("cache"), draft, context, reader),
            None => Caching::Off,
        },
        cors: written
            .cors
            .as_ref()
            .and_then(OrOff::on)
            .and_then(|cors| read_cors(cors, at.member("cors"), reader)),
        validate: validate(
            written.validate.as_ref(),
            calls,
            at.member("validate"),
            draft,
            context,
            reader,
        ),
        request: request_edits(&written, at.member("request"), route, reader),
        response: response_edits(&written, at.member("response"), route, reader),
    }
}

/// What is checked: nothing that the document says nothing of, and no answers where no back end is called (`calls`).
fn validate(
    written: Option<&OrOff<native::Validate>>,
    calls: bool,
    at: At<'_>,
    draft: &Draft<'_>,
    context: &Context<'_>,
    reader: &mut Reader<'_>,
) -> ValidateDef {
    let said = match written {
        Some(OrOff::Off) => return ValidateDef::OFF,
        Some(OrOff::On(validate)) => validate.clone(),
        None => native::Validate::default(),
    };
    let mode = |checking: Option<native::Checking>, default| match checking {
        None => default,
        Some(native::Checking::Off) => Mode::Off,
        Some(native::Checking::Report) => Mode::Report,
        Some(native::Checking::Enforce) => Mode::Enforce,
    };
    let says = messages::says(draft, context.errors);
    let within = |says: bool, mode| if says { mode } else { Mode::Off };
    let response = mode(said.response, Mode::Off);
    if let (true, Some(stream)) = (response != Mode::Off, messages::event_stream(draft)) {
        reader.once(
            "validate-stream",
            at.member("response").place(),
            format!(
                "`{}` answers with a stream of events ({stream}), which cannot be checked before it is sent",
                brief(&draft.id)
            ),
            "write `response: off` for this operation",
        );
    }
    ValidateDef {
        params: within(says.params, mode(said.params, context.validates)),
        body: within(says.body, mode(said.body, context.validates)),
        response: within(calls && says.response, response),
    }
}

fn time(
    written: Option<native::Time>,
    at: At<'_>,
    default: Duration,
    reader: &mut Reader<'_>,
) -> Duration {
    let Some(native::Time(time)) = written else {
        return default;
    };
    if !(Duration::from_millis(1)..=LONGEST).contains(&time) {
        reader.found.error(
            "x-gateway-range",
            at.place(),
            "a timeout is from 1ms to 1h",
            "",
        );
    }
    time
}

/// Buckets, in the order they are written.
fn throttles(
    written: Option<&OneOrMany<native::Throttle>>,
    at: At<'_>,
    route: Option<Route<'_>>,
    reader: &mut Reader<'_>,
) -> Vec<Throttle> {
    let list = written.into_iter().flat_map(OneOrMany::iter).enumerate();
    list.filter_map(|(index, throttle)| read_throttle(throttle, at.item(index), route, reader))
        .collect()
}

/// One bucket.
pub(crate) fn read_throttle(
    written: &native::Throttle,
    at: At<'_>,
    route: Option<Route<'_>>,
    reader: &mut Reader<'_>,
) -> Option<Throttle> {
    let (Some(rate), Some(burst)) = (written.rate, written.burst) else {
        if at.lacks() {
            return None;
        }
        let missing = if written.rate.is_none() {
            "rate"
        } else {
            "burst"
        };
        reader.found.error(
            "x-gateway-missing",
            at.place(),
            format!("a throttle wants a `{missing}`"),
            "as in `{ rate: 100, burst: 20 }`: 100 requests per second, 20 at one instant",
        );
        return None;
    };
    let rate = Rate::new(rate).or_else(|| {
        let place = at.member("rate").place();
        if rate == 0.0 {
            reader.found.error(
                "throttle-rate-zero",
                place,
                "a rate of 0 refuses every request",
                "use more than 0, or drop the throttle",
            );
        } else {
            reader.found.error(
                "throttle-rate-range",
                place,
                format!(
                    "a rate is from one a day to {} per second, not {rate}",
                    Rate::MAX
                ),
                "",
            );
        }
        None
    });
    let burst = Burst::new(burst).or_else(|| {
        let place = at.member("burst").place();
        if burst == 0 {
            reader.found.error(
                "throttle-burst-zero",
                place,
                "a burst of 0 refuses every request",
                "use 1 or more, or drop the throttle",
            );
        } else {
            reader.found.error(
                "throttle-burst-range",
                place,
                format!("a burst is from 1 to {}, not {burst}", Burst::MAX),
                "",
            );
        }
        None
    });
    let per = match &written.per {
        None => ThrottleKey::Whole,
        Some(per) => throttle_key(&per.0, at.member("per"), route, reader),
    };
    Some(Throttle {
        rate: rate?,
        burst: burst?,
        per,
        origin: at.place().into(),
    })
}

fn throttle_key(
    written: &str,
    at: At<'_>,
    route: Option<Route<'_>>,
    reader: &mut Reader<'_>,
) -> ThrottleKey {
    match written.split_once(':') {
        Some(("header", name)) => ThrottleKey::Header(name.to_ascii_lowercase()),
        Some(("query", name)) => ThrottleKey::Query(name.to_owned()),
        Some(("path", name)) => {
            let known = route.is_some_and(|route| route.params.iter().any(|p| p == name));
            if !known {
                reader.once(
                    "throttle-key-undeclared",
                    at.place(),
                    format!("the path has no parameter `{}`", brief(name)),
                    match route {
                        Some(route) => format!("the path is `{}`", brief(route.path)),
                        None => "a stage has no path parameters".to_owned(),
                    },
                );
            }
            ThrottleKey::Path(name.to_owned())
        }
        _ => ThrottleKey::Ip,
    }
}

fn caching(
    written: &native::Cache,
    at: At<'_>,
    draft: &Draft<'_>,
    context: &mut Context<'_>,
    reader: &mut Reader<'_>,
) -> Caching {
    let key = cache_key(written, at.member("key"), draft, context, reader);
    let ceiling = if written.max.is_some() {
        Ttl::LIFTED
    } else {
        Ttl::CEILING
    };
    let ttl = match written.ttl {
        None => Ttl::DEFAULT,
        Some(native::Time(time)) if time.is_zero() => return Caching::Off,
        Some(native::Time(time)) => {
            let whole = (time.subsec_nanos() == 0).then_some(time.as_secs());
            match whole.and_then(|seconds| Ttl::new(seconds, ceiling)) {
                Some(ttl) => ttl,
                None => {
                    let help = if written.max.is_none() && time.as_secs() > 3600 {
                        "`max: false` beside it lifts the ceiling to a year"
                    } else {
                        ""
                    };
                    reader.found.error(
                        "cache-ttl-range",
                        at.member("ttl").place(),
                        format!("a ttl is from 0 to {ceiling} whole seconds"),
                        help,
                    );
                    Ttl::DEFAULT
                }
            }
        }
    };
    let mut statuses: Vec<u16> = match &written.statuses {
        Some(list) => list.iter().map(|status| status.0).collect(),
        None => STATUSES.to_vec(),
    };
    statuses.sort_unstable();
    statuses.dedup();
    Caching::For(Cache {
        ttl,
        key,
        shared: written.shared.unwrap_or(false),
        statuses,
        override_upstream: written.override_upstream.unwrap_or(false),
        invalidation: invalidation(written.invalidation.as_ref()),
        origin: at.place().into(),
    })
}

fn invalidation(written: Option<&native::CacheInvalidation>) -> Invalidation {
    let refusal = match written.and_then(|written| written.on_refusal) {
        None | Some(native::OnRefusal::Ignore) => OnRefusal::Ignore,
        Some(native::OnRefusal::Warn) => OnRefusal::Warn,
        Some(native::OnRefusal::Fail) => OnRefusal::Fail,
    };
    match written.and_then(|written| written.by) {
        None | Some(InvalidationBy::Nobody) => Invalidation::Nobody(refusal),
        Some(InvalidationBy::Anyone) => Invalidation::Anyone,
    }
}

/// The parts of a cache key, sorted. Unwritten: every declared parameter but cookies and credentials, which separate callers
/// anyway.
fn cache_key(
    written: &native::Cache,
    at: At<'_>,
    draft: &Draft<'_>,
    context: &mut Context<'_>,
    reader: &mut Reader<'_>,
) -> Vec<CacheKey> {
    let declared: Vec<CacheKey> = draft
        .path_params
        .iter()
        .map(|name| CacheKey::Path(name.clone()))
        .chain(draft.parameters.iter().filter_map(|parameter| {
            let name = parameter.name.clone();
            match parameter.place {
                ParameterPlace::Path | ParameterPlace::Cookie => None,
                ParameterPlace::Query => Some(CacheKey::Query(name)),
                ParameterPlace::Header => Some(CacheKey::Header(name)),
            }
        }))
        .collect();
    let Some(list) = &written.key else {
        return sorted(
            declared
                .into_iter()
                .filter(|part| !draft.is_credential(part))
                .collect(),
        );
    };
    let mut key = Vec::new();
    for (index, part) in list.iter().enumerate() {
        let at = at.item(index);
        let text = part.0.as_str();
        let part = match text.split_once('.') {
            Some(("path", name)) => CacheKey::Path(name.to_owned()),
            Some(("query", "*")) => CacheKey::AnyQuery,
            Some(("query", name)) => CacheKey::Query(name.to_owned()),
            Some((_, name)) => CacheKey::Header(name.to_ascii_lowercase()),
            None => continue,
        };
        let known = part == CacheKey::AnyQuery || declared.contains(&part);
        let place = at.place();
        if inside(&place, &context.owners) {
            if !known {
                let names = || declared.iter().map(key_text).collect::<Vec<_>>();
                reader.found.error(
                    "cache-key-undeclared",
                    place,
                    format!("`{}` is no parameter of this operation", brief(text)),
                    Lazily(
                        || match suggest::nearest(text, names().iter().map(String::as_str)) {
                            Some(name) => format!("did you mean `{name}`"),
                            None => "declare it under `parameters`".to_owned(),
                        },
                    ),
                );
            }
            key.push(part);
        } else {
            // a wide layer speaks to many operations: what this one does not declare cannot separate its answers,
            // except a header, which separates them all the same
            let entry = context
                .wide_keys
                .entry(place)
                .or_insert_with(|| (text.to_owned(), false));
            entry.1 |= known;
            if known || matches!(part, CacheKey::Header(_)) {
                key.push(part);
            }
        }
    }
    sorted(key)
}

fn sorted(mut key: Vec<CacheKey>) -> Vec<CacheKey> {
    key.sort();
    key.dedup();
    if key.contains(&CacheKey::AnyQuery) {
        key.retain(|part| !matches!(part, CacheKey::Query(_)));
    }
    key
}

fn key_text(part: &CacheKey) -> String {
    match part {
        CacheKey::Path(name) => format!("path.{name}"),
        CacheKey::Query(name) => format!("query.{name}"),
        CacheKey::AnyQuery => "query.*".to_owned(),
        CacheKey::Header(name) => format!("header.{name}"),
    }
}

/// Cross-origin rules, lists sorted; reported and left out where a browser would not take them.
pub(crate) fn read_cors(
    written: &native::Cors,
    at: At<'_>,
    reader: &mut Reader<'_>,
) -> Option<Cors> {
    let list = |written: &Option<Vec<String>>| {
        let mut list = written.clone().unwrap_or_default();
        list.sort();
        list.dedup();
        list
    };
    let cors = Cors {
        allow_origins: list(&written.allow_origins),
        allow_methods: list(&written.allow_methods),
        allow_headers: list(&written.allow_headers),
        expose_headers: list(&written.expose_headers),
        allow_credentials: written.allow_credentials.unwrap_or(false),
        max_age: written.max_age.map(|age| age.0),
    };
    let faults = cors::faults(&cors);
    for fault in &faults {
        reader.found.error(
            fault.code,
            at.member(fault.member).place_of(&fault.value),
            fault.message.clone(),
            fault.help,
        );
    }
    faults.is_empty().then_some(cors)
}

fn request_edits(
    written: &native::Operation,
    at: At<'_>,
    route: Route<'_>,
    reader: &mut Reader<'_>,
) -> Edits {
    let Some(edits) = written.request.as_ref().and_then(OrOff::on) else {
        return Edits::default();
    };
    let set = edits.set.iter().flatten();
    let set = set.filter_map(|(name, value)| Some((name.0.as_str(), value.on()?.as_str())));
    let remove = edits.remove.iter().flatten().map(|name| name.0.as_str());
    read_edits(set, remove, at, Scope::Request, route, reader)
}

fn response_edits(
    written: &native::Operation,
    at: At<'_>,
    route: Route<'_>,
    reader: &mut Reader<'_>,
) -> Edits {
    let Some(edits) = written.response.as_ref().and_then(OrOff::on) else {
        return Edits::default();
    };
    let set = edits.set.iter().flatten();
    let set = set.filter_map(|(name, value)| Some((name.0.as_str(), value.on()?.as_str())));
    let remove = edits.remove.iter().flatten().map(|name| name.0.as_str());
    read_edits(set, remove, at, Scope::Response, route, reader)
}

fn read_edits<'w>(
    set: impl Iterator<Item = (&'w str, &'w str)>,
    remove: impl Iterator<Item = &'w str>,
    at: At<'_>,
    scope: Scope,
    route: Route<'_>,
    reader: &mut Reader<'_>,
) -> Edits {
    let mut set: Vec<(Field, String)> = set
        .filter_map(|(name, value)| {
            let at = at.member("set").member(name);
            integration::field_entry(name, value, at, scope, route, reader)
        })
        .collect();
    let mut remove: Vec<Field> = remove
        .enumerate()
        .filter_map(|(index, name)| {
            integration::field(name, at.member("remove").item(index), reader)
        })
        .collect();
    set.sort();
    remove.sort();
    remove.dedup();
    Edits { set, remove }
}
