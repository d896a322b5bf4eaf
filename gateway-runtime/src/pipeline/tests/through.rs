//! Requests of HTTP/1.1 to a back end of HTTP/2, which is a gateway too: bodies are then read by another task than the client's.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::scene::{BackEnd, PROXY, Site, operation, settings, single};
use crate::def::{
    GatewayDef, IntegrationDef, PolicyDef, ProxyDef, RouteDef, TargetDef, UpstreamDef,
};
use crate::testing::GATEWAY;

static INNER: UpstreamDef = UpstreamDef {
    name: "default",
    http2: true,
    ..UpstreamDef::DEFAULT
};

/// A gateway before the one at `inner`.
fn outer(inner: &Site) -> Site {
    let operation = Box::leak(Box::new(operation(
        "POST",
        "/echo",
        PolicyDef {
            integration: IntegrationDef::Proxy(ProxyDef {
                target: TargetDef::Upstream(&INNER),
                method: None,
            }),
            ..PROXY
        },
    )));
    let routes = Box::leak(Box::new([RouteDef {
        method: "POST",
        path: "/echo",
        operation,
    }]));
    let def = Box::leak(Box::new(GatewayDef {
        name: "outer",
        upstreams: const { &[&INNER] },
        routes,
        ..GATEWAY
    }));
    Site::start(def, &settings(Some(inner.address())))
}

fn until(tcp: &mut TcpStream, end: &str) -> String {
    let mut heard = Vec::new();
    let mut byte = [0];
    while !heard.ends_with(end.as_bytes()) {
        assert_eq!(tcp.read(&mut byte).unwrap(), 1, "{}", heard.escape_ascii());
        heard.push(byte[0]);
    }
    String::from_utf8(heard).unwrap()
}

#[test]
fn a_client_that_waits_to_send_is_told_to_and_is_heard() {
    let back_end = BackEnd::start();
    let inner = Site::start(
        single("POST", "/echo", PROXY),
        &settings(Some(back_end.address)),
    );
    let outer = outer(&inner);
    let mut tcp = TcpStream::connect(outer.address()).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for (framing, body) in [
        ("content-length: 5", "hello"),
        ("transfer-encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
    ] {
        let head =
            format!("POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n{framing}\r\n\r\n");
        tcp.write_all(head.as_bytes()).unwrap();
        assert_eq!(until(&mut tcp, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
        for byte in body.as_bytes() {
            tcp.write_all(&[*byte]).unwrap();
        }
        let answer = until(&mut tcp, "\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        until(&mut tcp, "\r\n\r\n");
        // The back end takes a body with a length alone.
        let rest = match framing.starts_with("content") {
            true => "hello",
            false => "",
        };
        until(&mut tcp, rest);
    }
}
