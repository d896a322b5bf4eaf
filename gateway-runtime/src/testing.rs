//! What tests of several steps make their requests and tables of.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot make its own request should stop"
)]

use std::time::Duration;

use crate::clock::Nanos;
use crate::def::{
    ApiKind, EncodedSlash, ErrorDialect, GatewayDef, Http2LimitsDef, LimitsDef, StageDef,
};
use crate::exchange::{Admission, Body, Exchange, Head, Peer};

/// Ordinary limits.
pub(crate) const LIMITS: LimitsDef = LimitsDef {
    body: 1 << 20,
    headers: 16 << 10,
    header_count: 100,
    uri: 8 << 10,
    requests_per_connection: 10_000,
    header_timeout: Duration::from_secs(10),
    body_timeout: Duration::from_secs(10),
    idle_timeout: Duration::from_secs(60),
    connections: 1000,
    http2: Http2LimitsDef {
        streams: 100,
        stream_window: 64 << 10,
        connection_window: 1 << 20,
        header_list: 16 << 10,
        resets: 100,
    },
    encoded_slash: EncodedSlash::Refuse,
};

/// A gateway without any route.
pub(crate) const GATEWAY: GatewayDef = GatewayDef {
    name: "bookstore",
    title: "Bookstore",
    version: "1",
    errors: ErrorDialect::Problem,
    kind: ApiKind::Plain,
    trusted_proxies: &[],
    limits: LIMITS,
    parameters: &[],
    upstreams: &[],
    stages: &[&StageDef::DEFAULT],
    routes: &[],
    cors: None,
    responses: &[],
    schemas: &[],
};

/// A request from 192.0.2.7 to `shop.example`.
pub(crate) fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Exchange {
    let mut request = http::Request::builder().method(method).uri(target);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "shop.example");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let peer = Peer::new(([192, 0, 2, 7], 4711).into(), false);
    let rules = Admission::new(&GATEWAY);
    let head = Head::from_parts(&parts);
    let mut exchange = Exchange::new(head, Body::empty(), &peer, &rules, Nanos::ZERO);
    exchange.admit(&rules).expect("an ordinary request");
    exchange
}
