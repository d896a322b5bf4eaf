//! Connections that become those of WebSocket, and those that must not.

#![expect(
    clippy::disallowed_methods,
    reason = "a client that pauses has a thread of its own"
)]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

use super::scene::{PROXY, Site, eventually, gateway, operation, settings, single};
use crate::def::{ApiKind, ErrorDialect, GatewayDef, PolicyDef};
use crate::testing::GATEWAY;

const ASK: &str = "GET /chat HTTP/1.1\r\nhost: shop.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n";
const AGREE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A back end that answers a request's head with `answer`, and what follows with the same in upper case.
struct Peer {
    address: SocketAddr,
    /// All that came on each connection.
    seen: Arc<Mutex<Vec<String>>>,
}

fn peer(answer: &'static str) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let all = seen.clone();
    thread::spawn(move || {
        for (at, connection) in listener.incoming().enumerate() {
            let mut tcp = connection.unwrap();
            all.lock().push(String::new());
            let all = all.clone();
            thread::spawn(move || {
                let mut room = [0; 4096];
                let mut answered = false;
                while let Ok(count @ 1..) = tcp.read(&mut room) {
                    let text = String::from_utf8_lossy(&room[..count]).into_owned();
                    all.lock()[at].push_str(&text);
                    if answered {
                        if text == "bye" {
                            return;
                        }
                        tcp.write_all(text.to_uppercase().as_bytes()).unwrap();
                    } else if all.lock()[at].contains("\r\n\r\n") {
                        answered = true;
                        tcp.write_all(answer.as_bytes()).unwrap();
                    }
                }
            });
        }
    });
    Peer { address, seen }
}

struct Client(TcpStream);

impl Client {
    fn of(site: &Site) -> Client {
        let tcp = TcpStream::connect(site.address()).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client(tcp)
    }

    fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// Reads until what came ends so.
    fn hear(&mut self, end: &str) -> String {
        let mut heard = Vec::new();
        let mut byte = [0];
        while !heard.ends_with(end.as_bytes()) {
            assert_eq!(self.0.read(&mut byte).unwrap(), 1, "{heard:?}");
            heard.push(byte[0]);
        }
        String::from_utf8(heard).unwrap()
    }

    fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest);
        String::from_utf8(rest).unwrap()
    }
}

#[test]
fn both_sides_speak_until_one_closes() {
    let peer = peer(AGREE);
    let site = Site::start(single("GET", "/chat", PROXY), &settings(Some(peer.address)));
    let mut client = Client::of(&site);
    client.say(ASK);
    let head = client.hear("\r\n\r\n").to_ascii_lowercase();
    assert!(
        head.starts_with("http/1.1 101 switching protocols\r\n"),
        "{head}"
    );
    for line in [
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-accept: ",
    ] {
        assert_eq!(
            head.matches(&format!("\r\n{line}")).count(),
            1,
            "{line} in {head}"
        );
    }
    assert!(
        !head.contains("content-length") && !head.contains("transfer-encoding"),
        "{head}"
    );
    for word in ["one", "two", "\0\u{1}"] {
        client.say(word);
        assert_eq!(client.hear(&word.to_uppercase()), word.to_uppercase());
    }
    client.say("bye");
    assert_eq!(client.rest(), "");
    let asked = peer.seen.lock()[0].to_ascii_lowercase();
    for line in [
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
    ] {
        assert_eq!(
            asked.matches(&format!("\r\n{line}\r\n")).count(),
            1,
            "{line} in {asked}"
        );
    }
}

#[test]
fn what_a_back_end_says_with_its_agreement_is_heard() {
    const AGREE_AND_SPEAK: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\
                                   welcome";
    let peer = peer(AGREE_AND_SPEAK);
    let site = Site::start(single("GET", "/chat", PROXY), &settings(Some(peer.address)));
    let mut client = Client::of(&site);
    client.say(ASK);
    client.hear("\r\n\r\n");
    assert_eq!(client.hear("welcome"), "welcome");
    client.say("one");
    assert_eq!(client.hear("ONE"), "ONE");
}

#[test]
fn a_client_that_leaves_takes_the_connection_with_it() {
    let peer = peer(AGREE);
    let site = Site::start(single("GET", "/chat", PROXY), &settings(Some(peer.address)));
    let mut client = Client::of(&site);
    client.say(ASK);
    client.hear("\r\n\r\n");
    client.say("hello");
    client.hear("HELLO");
    client.0.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.rest(), "");
    eventually("the request has ended", || {
        let totals = site.gateway.counters.read();
        totals
            .operations
            .iter()
            .map(|row| row.classes[0])
            .sum::<u64>()
            == 1
    });
}

#[test]
fn nothing_is_sent_ahead_of_the_agreement() {
    // A back end that does not agree would take it for a request that was never looked at.
    let peer = peer("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno");
    let site = Site::start(single("GET", "/chat", PROXY), &settings(Some(peer.address)));
    let mut client = Client::of(&site);
    client.say(&format!(
        "{ASK}GET /hidden HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n"
    ));
    let answers = client.rest();
    let statuses: Vec<&str> = answers
        .matches("HTTP/1.1 200")
        .chain(answers.matches("HTTP/1.1 404"))
        .collect();
    assert_eq!(statuses, ["HTTP/1.1 200", "HTTP/1.1 404"], "{answers}");
    assert!(!peer.seen.lock().concat().contains("/hidden"));
}

#[test]
fn what_is_no_websocket_is_not_upgraded() {
    const AMAZON: GatewayDef = GatewayDef {
        kind: ApiKind::Rest,
        errors: ErrorDialect::Aws,
        ..GATEWAY
    };
    for (base, asked) in [
        (GATEWAY, ASK.replace(": websocket", ": h2c")),
        (GATEWAY, ASK.replace(": websocket", ": websocket, h2c")),
        (
            GATEWAY,
            ASK.replace("Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket"),
        ),
        (GATEWAY, ASK.replace("keep-alive, Upgrade", "keep-alive")),
        (
            GATEWAY,
            ASK.replace("GET /chat HTTP/1.1", "GET /chat HTTP/1.0")
                .replace("keep-alive, Upgrade", "close"),
        ),
        (
            GATEWAY,
            ASK.replace("GET /chat HTTP/1.1", "GET /chat HTTP/1.0"),
        ),
        (AMAZON, ASK.to_owned()),
    ] {
        let peer = peer(AGREE);
        let site = Site::start(
            gateway(vec![operation("GET", "/chat", PROXY)], base),
            &settings(Some(peer.address)),
        );
        let mut client = Client::of(&site);
        client.say(&asked.replace("keep-alive", "close"));
        // An agreement that nobody asked for.
        assert!(client.rest().starts_with("HTTP/1.1 50"), "{asked}");
        let seen = peer.seen.lock()[0].to_ascii_lowercase();
        assert!(!seen.contains("\r\nupgrade:"), "{seen}");
    }
}

#[test]
fn silence_ends_it_and_speech_on_either_side_does_not() {
    let peer = peer(AGREE);
    let policy = PolicyDef {
        stream_idle: Duration::from_millis(300),
        ..PROXY
    };
    let site = Site::start(
        single("GET", "/chat", policy),
        &settings(Some(peer.address)),
    );
    let mut client = Client::of(&site);
    client.say(ASK);
    client.hear("\r\n\r\n");
    for _ in 0..5 {
        thread::sleep(Duration::from_millis(100));
        client.say("still here");
        client.hear("STILL HERE");
    }
    assert_eq!(client.rest(), "");
}
