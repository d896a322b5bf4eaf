//! What holds for the whole gateway: name, kind, limits, gateway responses.

use std::collections::BTreeMap;

use gateway_runtime::def::{ApiKind, EncodedSlash, ErrorDialect, ResponseType};
use gateway_runtime::expr::Scope;

use super::answers::media_type_of;
use super::native::{self, OrOff};
use super::reader::Reader;
use super::tree::At;
use crate::model::{GatewayResponse, Limits};
use crate::names;

/// Largest number that a size of 32 bits can have.
const LARGEST: u64 = u32::MAX as u64;

/// The gateway's name.
pub(crate) fn name(
    written: &native::Gateway,
    title: &str,
    at: At<'_>,
    reader: &mut Reader<'_>,
) -> String {
    let Some(name) = &written.name else {
        return names::package(title);
    };
    if !names::is_package(&name.0) {
        reader.found.error(
            "gateway-name",
            at.member("name").place(),
            format!("`{}` cannot be the name of a crate", name.0),
            format!("as in `{}`", names::package(&name.0)),
        );
    }
    name.0.clone()
}

/// The kind of API.
pub(crate) fn kind(written: &native::Gateway) -> ApiKind {
    match written.kind {
        None => ApiKind::Plain,
        Some(native::Kind::Rest) => ApiKind::Rest,
        Some(native::Kind::Http) => ApiKind::Http,
    }
}

/// The family of error answers.
pub(crate) fn errors(written: &native::Gateway) -> ErrorDialect {
    match written.errors {
        None | Some(native::Errors::Problem) => ErrorDialect::Problem,
        Some(native::Errors::Aws) => ErrorDialect::Aws,
    }
}

/// Networks whose forwarding headers are believed, sorted; a lone address is a network of one.
pub(crate) fn trusted_proxies(
    written: &native::Gateway,
    at: At<'_>,
    reader: &mut Reader<'_>,
) -> Vec<String> {
    let at = at.member("endpoint").member("trustedProxies");
    let list = written
        .endpoint
        .as_ref()
        .and_then(|e| e.trusted_proxies.as_ref());
    let mut networks = Vec::new();
    for (index, text) in list.into_iter().flatten().enumerate() {
        let network = text.parse::<ipnet::IpNet>().ok().or_else(|| {
            text.parse::<std::net::IpAddr>()
                .ok()
                .map(ipnet::IpNet::from)
        });
        match network {
            Some(network) => networks.push(network.trunc().to_string()),
            None => reader.found.error(
                "network",
                at.item(index).place(),
                format!("`{}` is no network", crate::findings::brief(text)),
                "as in `10.0.0.0/8` or `192.0.2.7`",
            ),
        }
    }
    networks.sort();
    networks.dedup();
    networks
}

/// What a client may ask.
pub(crate) fn limits(written: &native::Gateway, at: At<'_>, reader: &mut Reader<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(written) = &written.limits else {
        return limits;
    };
    let at = at.member("limits");
    let mut size = |into: &mut u32, written: Option<native::Size>, at: At<'_>, least: u64| {
        let Some(native::Size(size)) = written else {
            return;
        };
        match u32::try_from(size) {
            Ok(size) if u64::from(size) >= least => *into = size,
            _ => reader.found.error(
                "x-gateway-range",
                at.place(),
                format!("this limit is from {least} to {LARGEST} bytes"),
                "",
            ),
        }
    };
    size(
        &mut limits.headers,
        written.headers,
        at.member("headers"),
        1024,
    );
    size(&mut limits.uri, written.uri, at.member("uri"), 64);
    if let Some(http2) = &written.http2 {
        let at = at.member("http2");
        // RFC 9113 §6.9.2: a window is at most 2^31 - 1; below 1 KiB it only wastes frames
        size(
            &mut limits.http2_stream_window,
            http2.stream_window,
            at.member("streamWindow"),
            1024,
        );
        size(
            &mut limits.http2_connection_window,
            http2.connection_window,
            at.member("connectionWindow"),
            1024,
        );
        size(
            &mut limits.http2_header_list,
            http2.header_list,
            at.member("headerList"),
            1024,
        );
        for (window, name) in [
            (&mut limits.http2_stream_window, "streamWindow"),
            (&mut limits.http2_connection_window, "connectionWindow"),
        ] {
            if *window > i32::MAX.unsigned_abs() {
                reader.found.error(
                    "x-gateway-range",
                    at.member(name).place(),
                    "a flow-control window is below 2 GiB",
                    "",
                );
            }
        }
        limits.http2_streams = http2.streams.unwrap_or(limits.http2_streams);
        limits.http2_resets = http2.resets.unwrap_or(limits.http2_resets);
    }
    if let Some(native::Size(body)) = written.body {
        limits.body = body;
    }
    let mut time = |into: &mut std::time::Duration, written: Option<native::Time>, at: At<'_>| {
        let Some(native::Time(time)) = written else {
            return;
        };
        if time.is_zero() {
            reader.found.error(
                "x-gateway-range",
                at.place(),
                "this time is longer than nothing",
                "",
            );
        }
        *into = time;
    };
    time(
        &mut limits.header_timeout,
        written.header_timeout,
        at.member("headerTimeout"),
    );
    time(
        &mut limits.body_timeout,
        written.body_timeout,
        at.member("bodyTimeout"),
    );
    time(
        &mut limits.idle_timeout,
        written.idle_timeout,
        at.member("idleTimeout"),
    );
    limits.header_count = written.header_count.unwrap_or(limits.header_count);
    limits.requests_per_connection = written
        .requests_per_connection
        .unwrap_or(limits.requests_per_connection);
    limits.connections = written.connections.unwrap_or(limits.connections);
    let slash = written.paths.as_ref().and_then(|paths| paths.encoded_slash);
    limits.encoded_slash = match slash {
        None | Some(native::EncodedSlash::Refuse) => EncodedSlash::Refuse,
        Some(native::EncodedSlash::Keep) => EncodedSlash::Keep,
    };
    limits
}

/// Customised gateway responses.
pub(crate) fn responses(
    written: &native::Gateway,
    at: At<'_>,
    reader: &mut Reader<'_>,
) -> BTreeMap<ResponseType, GatewayResponse> {
    let at = at.member("responses");
    let mut responses = BTreeMap::new();
    for (name, response) in written.responses.iter().flatten() {
        let Some(response) = response.on() else {
            continue;
        };
        let Some(kind) = ResponseType::from_name(&name.0) else {
            continue;
        };
        let at = at.member(&name.0);
        let mut headers = Vec::new();
        for (name, value) in response.headers.iter().flatten() {
            let at = at.member("headers").member(&name.0);
            let value = value
                .on()
                .and_then(|value| reader.field_value(at, value, Scope::GatewayResponse, None));
            if let (Some(value), Some(name)) = (value, reader.field_name(at, &name.0)) {
                headers.push((name, value));
            }
        }
        headers.sort();
        headers.dedup_by(|a, b| a.0 == b.0);
        let mut bodies = Vec::new();
        for (media_type, body) in response.templates.iter().flatten() {
            let at = at.member("templates").member(media_type);
            let Some(body) = OrOff::on(body) else {
                continue;
            };
            let name = media_type_of(media_type, at, reader);
            let fine = reader
                .expr(at, body, Scope::GatewayResponse, None)
                .is_some();
            if let Some(name) = name.filter(|_| fine) {
                bodies.push((name, body.clone()));
            }
        }
        responses.insert(
            kind,
            GatewayResponse {
                status: response.status,
                headers,
                bodies,
                origin: at.place().into(),
            },
        );
    }
    responses
}
