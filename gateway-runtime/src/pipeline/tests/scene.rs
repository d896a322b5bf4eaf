//! Gateways, back ends and clients for the tests.

#![expect(
    clippy::disallowed_methods,
    reason = "back ends that hang, and a client that waits, have threads of their own"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::def::{
    AccessDef, GatewayDef, IntegrationDef, OperationDef, PolicyDef, ProxyDef, RouteDef, TargetDef,
    UpstreamDef,
};
use crate::gateway::Gateway;
use crate::server::{Running, serve as run};
use crate::settings::StartFault;
pub(super) use crate::settings::{AccessLogTo, Settings};
use crate::testing::GATEWAY;

/// Long enough for a slow machine, and never waited for where all is well.
const PATIENCE: Duration = Duration::from_secs(20);

/// The document's own server, which tests give at the start.
pub(super) static DEFAULT: UpstreamDef = UpstreamDef {
    name: "default",
    ..UpstreamDef::DEFAULT
};

/// Everything off, proxied to the document's server.
pub(super) const PROXY: PolicyDef = PolicyDef {
    integration: IntegrationDef::Proxy(ProxyDef {
        target: TargetDef::Upstream(&DEFAULT),
        method: None,
    }),
    timeout: PATIENCE,
    stream_idle: PATIENCE,
    ..PolicyDef::DEFAULT
};

/// An operation of a policy, leaked: tests may.
pub(super) fn operation(
    method: &'static str,
    path: &'static str,
    policy: PolicyDef,
) -> OperationDef {
    OperationDef {
        id: Box::leak(format!("{method} {path}").into_boxed_str()),
        method,
        path,
        tag: "default",
        summary: "",
        parameters: &[],
        body: None,
        responses: &[],
        access: AccessDef::Public,
        policy,
        example: None,
    }
}

/// A gateway of these operations and, for all else, `base`.
pub(super) fn gateway(operations: Vec<OperationDef>, base: GatewayDef) -> &'static GatewayDef {
    let routes: Vec<RouteDef> = operations
        .into_iter()
        .map(|operation| {
            let operation: &'static OperationDef = Box::leak(Box::new(operation));
            RouteDef {
                method: operation.method,
                path: operation.path,
                operation,
            }
        })
        .collect();
    Box::leak(Box::new(GatewayDef {
        upstreams: const { &[&DEFAULT] },
        routes: routes.leak(),
        ..base
    }))
}

/// A gateway of one operation.
pub(super) fn single(
    method: &'static str,
    path: &'static str,
    policy: PolicyDef,
) -> &'static GatewayDef {
    gateway(vec![operation(method, path, policy)], GATEWAY)
}

/// Settings with the document's server at this address.
pub(super) fn settings(upstream: Option<SocketAddr>) -> Settings {
    Settings {
        listen: vec![([127, 0, 0, 1], 0).into()],
        workers: 2,
        upstreams: upstream
            .map(|address| ("default".to_owned(), format!("http://{address}")))
            .into_iter()
            .collect(),
        access_log: AccessLogTo::Off,
        ..Settings::default()
    }
}

/// A gateway that serves.
pub(super) struct Site {
    running: Running,
    pub(super) gateway: Arc<Gateway>,
}

impl Site {
    pub(super) fn start(def: &'static GatewayDef, settings: &Settings) -> Site {
        Site::try_start(def, settings).unwrap()
    }

    pub(super) fn try_start(
        def: &'static GatewayDef,
        settings: &Settings,
    ) -> Result<Site, Vec<StartFault>> {
        let clock = Clock::system();
        let gateway = Gateway::start(def, settings, &clock)?;
        Ok(Site {
            running: run(gateway.clone(), settings, &clock, None)?,
            gateway,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.running.addresses()[0]
    }

    /// Sends a request without a body.
    pub(super) fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], "")
    }

    /// Sends a request.
    pub(super) fn send(&self, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
        let mut head = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|line| line.starts_with("host:")) {
            head.push_str("host: shop.example\r\n");
        }
        if !body.is_empty() {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        for line in headers {
            head.push_str(line);
            head.push_str("\r\n");
        }
        self.raw(&format!("{head}\r\n{body}"))
    }

    /// Sends bytes on a connection of their own, and reads what comes back.
    pub(super) fn raw(&self, bytes: &str) -> Answer {
        let mut tcp = TcpStream::connect(self.address()).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.write_all(bytes.as_bytes()).unwrap();
        let mut text = Vec::new();
        // A gateway may close before it has read all of a body that it refuses.
        let _ = tcp.read_to_end(&mut text);
        Answer::parse(&String::from_utf8_lossy(&text))
    }

    /// How often requests were refused for a reason.
    pub(super) fn refused(&self, reason: &str) -> u64 {
        let totals = self.gateway.counters.read();
        totals
            .refusals
            .iter()
            .find(|(label, _)| *label == reason)
            .map_or(0, |(_, count)| *count)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.running.drain();
    }
}

/// What a client got.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    fn parse(text: &str) -> Answer {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|status| status.parse().ok())
            .unwrap_or_default();
        Answer {
            status,
            headers: lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A back end. Paths say how it behaves; whatever it does not know, it answers with the request it got.
pub(super) struct BackEnd {
    pub(super) address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl BackEnd {
    pub(super) fn start() -> BackEnd {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        std::thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                let calls = counted.clone();
                std::thread::spawn(move || while serve(&tcp, &calls).is_some() {});
            }
        });
        BackEnd { address, calls }
    }

    /// Requests it got.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

fn serve(tcp: &TcpStream, calls: &AtomicUsize) -> Option<()> {
    let mut reader = BufReader::new(tcp);
    let mut head = String::new();
    loop {
        let before = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if head.len() - before <= 2 {
            break;
        }
    }
    let call = calls.fetch_add(1, Ordering::SeqCst) + 1;
    let length = head
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = head.split(' ').nth(1).unwrap_or_default();
    let behaviour = path
        .trim_start_matches('/')
        .split(['/', '?'])
        .next()
        .unwrap_or_default();
    let answer = |status: &str, more: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{more}\r\n{body}",
            body.len()
        )
    };
    let text = match behaviour {
        "reset" => return None,
        "garbage" => "220 mail.internal ready\r\n\r\n".to_owned(),
        "hang" => {
            std::thread::sleep(PATIENCE);
            return None;
        }
        "stall" => {
            let mut tcp = tcp;
            let _ = tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
            std::thread::sleep(PATIENCE);
            return None;
        }
        "half" => {
            let mut tcp = tcp;
            let _ = tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
            return None;
        }
        "count" => answer(
            "200 OK",
            "content-type: text/plain\r\nserver: secret/1.0\r\n",
            &format!("call {call}"),
        ),
        "teapot" => answer(
            "418 I'm a teapot",
            "content-type: text/plain\r\nx-error: short and stout\r\n",
            "no coffee",
        ),
        "open" => answer(
            "200 OK",
            "access-control-allow-origin: https://evil.example\r\n",
            "open",
        ),
        _ => answer(
            "200 OK",
            "content-type: text/plain\r\n",
            &format!("{}{}", head, String::from_utf8_lossy(&body)),
        ),
    };
    let mut tcp = tcp;
    tcp.write_all(text.as_bytes()).ok()
}

/// Waits for something that happens on another thread.
#[track_caller]
pub(super) fn eventually(what: &str, happened: impl Fn() -> bool) {
    for _ in 0..2000 {
        if happened() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("never: {what}");
}
