//! What an ordinary request costs in memory: nothing, once a worker has met one like it.
//!
//! Every allocation of this process is counted, so its client and its back end use fixed buffers only.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;

use gateway_codegen::findings::Findings;
use gateway_codegen::lower::schema;
use gateway_codegen::{assemble, load, understand};
use gateway_runtime::def::Messages;
use gateway_runtime::schema::{Schemas, Scratch};
use gateway_runtime::serve;
use gateway_runtime::settings::{AccessLogTo, Settings};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const REQUESTS: usize = 1000;
/// What a worker does by itself meanwhile: it looks at its connections now and then.
const BESIDES: usize = REQUESTS / 20;

const DOCUMENT: &str = r#"
openapi: 3.0.3
info: { title: Shop, version: "1" }
x-gateway:
  stages: { default: { mount: { path: / }, cache: { size: 1MiB }, accessLog: false } }
paths:
  /books/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string, pattern: '^[0-9]+$' } }]
    get:
      parameters:
        - { name: a, in: query, required: true, schema: { type: string, enum: [b, c] } }
        - { name: limit, in: query, schema: { type: integer, minimum: 1 } }
        - { name: tags, in: query, explode: false, schema: { type: array, items: { type: string, maxLength: 5 } } }
      x-gateway: { throttle: [{ rate: 100000, burst: 100000 }, { rate: 100000, burst: 100000, per: ip }] }
      responses: { "200": { description: a book } }
    post:
      responses: { "200": { description: a book } }
  /kept:
    get:
      x-gateway: { cache: { ttl: 1h } }
      responses: { "200": { description: always the same } }
"#;

/// Reads a head, with a body of `body` bytes behind it, into `room`.
fn read(tcp: &mut TcpStream, room: &mut [u8; 4096], body: usize) -> usize {
    let mut filled = 0;
    loop {
        let count = tcp.read(&mut room[filled..]).unwrap();
        if count == 0 {
            return 0;
        }
        filled += count;
        let head = room[..filled].windows(4).position(|end| end == b"\r\n\r\n");
        if head.is_some_and(|head| filled >= head + 4 + body) {
            return filled;
        }
    }
}

/// A back end that answers everything alike. Requests to `POST` bring a body of three bytes.
fn back_end() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut tcp = connection.unwrap();
            thread::spawn(move || {
                let mut room = [0; 4096];
                loop {
                    let filled = read(&mut tcp, &mut room, 0);
                    let whole = match room.starts_with(b"POST") {
                        true => room[..filled].ends_with(b"abc"),
                        false => true,
                    };
                    if filled == 0 {
                        return;
                    }
                    if !whole {
                        let _ = tcp.read(&mut room).unwrap();
                    }
                    tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello")
                        .unwrap();
                }
            });
        }
    });
    address
}

/// Allocations are those of the whole process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn a_good_body_is_checked_without_allocating() {
    let _alone = ALONE.lock().unwrap();
    let schema = r##"{
        "type": "object",
        "required": ["title", "price"],
        "properties": {
            "title": { "type": "string", "maxLength": 20, "pattern": "^[a-z\u00e9 ]+$" },
            "price": { "type": "number", "multipleOf": 0.01 },
            "tags": { "type": "array", "uniqueItems": true, "items": { "enum": ["a", "b", 3] } },
            "parts": { "type": "array", "items": { "$ref": "#" } },
            "kind": { "oneOf": [{ "type": "null" }, { "type": "object" }, { "type": "string", "format": "date" }] }
        },
        "unevaluatedProperties": false
    }"##;
    let body = br#"{"title":"caf\u00e9","price":19.99,"tags":["b",3,"a"],"kind":"2026-11-23",
        "parts":[{"title":"a","price":1e0,"kind":null},{"title":"b","price":1,"kind":{}}]}"#;
    let mut found = Findings::default();
    let document = load::text("schema.json", schema, &mut found).unwrap();
    let mut lowering = schema::Schemas::new(&document);
    let dialect = schema::Dialect::Json2020_12;
    let rules = lowering.rules(document.root().unwrap(), dialect, &mut found);
    assert!(found.is_empty(), "{found:?}");
    let (table, rules) = assemble::schemas(&lowering.finish(), &rules);
    let mut schemas = Schemas::new(table).unwrap();
    let root = schemas.add("#", rules).unwrap();
    let mut scratch = Scratch::default();
    let mut check = || schemas.check(root, body, Messages::Requests, &mut scratch);
    assert_eq!(check(), Ok(()));
    let region = Region::new(COUNTED);
    for _ in 0..REQUESTS {
        check().unwrap();
    }
    let allocated = region.change().allocations;
    assert!(
        allocated <= BESIDES,
        "{allocated} allocations in {REQUESTS} checks"
    );
}

#[test]
fn an_ordinary_request_allocates_nothing() {
    let _alone = ALONE.lock().unwrap();
    let mut found = Findings::default();
    let document = load::text("shop.yaml", DOCUMENT, &mut found).unwrap();
    let gateway = understand(&document, &mut found).unwrap();
    assert!(!found.has_errors());
    let settings = Settings {
        listen: vec![([127, 0, 0, 1], 0).into()],
        workers: 1,
        upstreams: vec![("default".to_owned(), format!("http://{}", back_end()))],
        access_log: AccessLogTo::Off,
        ..Settings::default()
    };
    let serving = serve::start(assemble::defs(&gateway), settings)
        .ok()
        .unwrap();
    let mut tcp = TcpStream::connect(serving.addresses()[0]).unwrap();
    let mut room = [0; 4096];
    let mut costs = Vec::with_capacity(4);
    for (name, request) in [
        (
            "proxied",
            &b"GET /books/7?a=b&limit=10&tags=x,y HTTP/1.1\r\nhost: shop.example\r\naccept: */*\r\nuser-agent: test\r\n\r\n"[..],
        ),
        (
            "kept",
            b"GET /kept HTTP/1.1\r\nhost: shop.example\r\naccept: */*\r\n\r\n",
        ),
    ] {
        let mut ask = |times| {
            for _ in 0..times {
                tcp.write_all(request).unwrap();
                assert_ne!(read(&mut tcp, &mut room, 5), 0);
                assert!(room.starts_with(b"HTTP/1.1 200"));
            }
        };
        ask(100);
        let region = Region::new(COUNTED);
        ask(REQUESTS);
        let stats = region.change();
        costs.push((name, stats.allocations + stats.reallocations));
    }
    assert!(
        costs.iter().all(|(_, count)| *count < BESIDES),
        "allocations of {REQUESTS} requests: {costs:?}"
    );
    serving.drain();
}
