//! A server of its own for each test, over real sockets. The scene is here, the tests are beside it by their subject.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "the other end of a socket takes its time"
)]

mod crowd;
mod ends;
mod http1;
mod http2;
mod tls;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::Semaphore;

use super::service::{Handler, Handling};
use super::*;
use crate::def::{GatewayDef, LimitsDef};
use crate::exchange::{Body, Buffered, Exchange, FieldName, FieldValue, Reply};
use crate::refusal::Refusal;
use crate::testing::{GATEWAY, LIMITS};
use crate::tls::{ClientTls, Stream};

const TEXT: FieldValue = FieldValue::from_static("text/plain");

/// Long beyond what any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server whose answers depend on the path, and the gate that `/gate` waits at.
struct Site {
    running: Running,
    gate: Arc<Semaphore>,
    entered: Arc<Semaphore>,
}

fn app(gate: Arc<Semaphore>, entered: Arc<Semaphore>) -> Handler {
    Arc::new(move |_, exchange, admitted| {
        let (gate, entered) = (gate.clone(), entered.clone());
        Box::pin(answer(gate, entered, exchange, admitted)) as Handling
    })
}

async fn answer(
    gate: Arc<Semaphore>,
    entered: Arc<Semaphore>,
    mut exchange: Exchange,
    admitted: Result<(), Refusal>,
) -> Reply {
    if let Err(refusal) = admitted {
        // What panicked comes back as a fault of the gateway's own.
        let status = match refusal {
            Refusal::Internal => 500,
            _ => 400,
        };
        return Reply::new(status).with_body(TEXT, format!("{refusal:?}"));
    }
    match exchange.path() {
        "/panic" => panic!("asked to"),
        "/gate" => {
            entered.add_permits(1);
            gate.acquire().await.unwrap().forget();
            Reply::new(200).with_body(TEXT, "through")
        }
        "/echo" => match exchange.take_body().buffer(1 << 20).await {
            Ok(Buffered::Whole(bytes, trailers)) => {
                let mut reply = Reply::new(200);
                if let Some(trailers) = trailers {
                    for (name, value) in trailers.iter() {
                        reply.headers.append(
                            FieldName::from_bytes(name).unwrap(),
                            FieldValue::from_bytes(value).unwrap(),
                        );
                    }
                }
                reply.set_body(Body::full(bytes));
                reply
            }
            Ok(Buffered::Longer(_)) => Reply::new(200).with_body(TEXT, "longer"),
            Err(fault) => Reply::new(400).with_body(TEXT, format!("{fault:?}")),
        },
        "/flood" => Reply::new(200).with_body(TEXT, vec![b'x'; 64 << 20]),
        path => {
            let seen = format!("{} {path} {}", exchange.method(), exchange.version());
            Reply::new(200).with_body(TEXT, seen)
        }
    }
}

fn settings() -> Settings {
    Settings {
        listen: vec![([127, 0, 0, 1], 0).into()],
        workers: 2,
        drain: PATIENCE,
        ..Settings::default()
    }
}

fn live(limits: LimitsDef, app: Handler) -> Live {
    Live {
        app: App::Test(app),
        admission: Admission::new(&GatewayDef { limits, ..GATEWAY }),
    }
}

fn site_with(limits: LimitsDef, settings: &Settings) -> Site {
    let gate = Arc::new(Semaphore::new(0));
    let entered = Arc::new(Semaphore::new(0));
    let live = live(limits, app(gate.clone(), entered.clone()));
    Site {
        running: start(live, settings, &Clock::system(), None).unwrap(),
        gate,
        entered,
    }
}

fn site(limits: LimitsDef) -> Site {
    site_with(limits, &settings())
}

impl Site {
    fn address(&self) -> SocketAddr {
        self.running.addresses()[0]
    }

    fn connect(&self) -> TcpStream {
        let tcp = TcpStream::connect(self.address()).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_write_timeout(Some(PATIENCE)).unwrap();
        tcp
    }

    /// Sends bytes on a connection of their own, and reads to its end.
    fn exchange(&self, bytes: &str) -> String {
        let mut tcp = self.connect();
        tcp.write_all(bytes.as_bytes()).unwrap();
        rest(&mut tcp)
    }

    fn events(&self) -> &Events {
        &self.running.shared().events
    }

    /// Waits until a request stands at the gate.
    fn wait_entered(&self) {
        eventually("a request is in flight", || {
            let entered = self.entered.try_acquire();
            entered.map(|entered| entered.forget()).is_ok()
        });
    }

    fn end(self) {
        self.running.drain();
        self.running.wait();
    }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let clock = Clock::system();
    let until = clock.now().plus(PATIENCE);
    while !holds() {
        assert!(clock.now() < until, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What comes until the other side closes, or resets.
fn rest(tcp: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match tcp.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(fault) if fault.kind() == ErrorKind::ConnectionReset => break,
            Err(fault) => panic!("{fault}, after {:?}", String::from_utf8_lossy(&bytes)),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// One answer with `content-length`: its status line and its body.
fn one(tcp: &mut TcpStream) -> (String, String) {
    let mut head = String::new();
    let mut byte = [0];
    while !head.ends_with("\r\n\r\n") {
        tcp.read_exact(&mut byte).unwrap();
        head.push(char::from(byte[0]));
    }
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    tcp.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("none")
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// Runs a client.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(PATIENCE, work).await.unwrap() })
}

type Http2 = hyper::client::conn::http2::SendRequest<Empty<Bytes>>;

async fn http2<I>(io: I) -> (Http2, tokio::task::JoinHandle<hyper::Result<()>>)
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io))
            .await
            .unwrap();
    (sender, tokio::spawn(connection))
}

async fn get(sender: &mut Http2, uri: &str) -> (u16, String) {
    sender.ready().await.unwrap();
    let request = http::Request::get(uri).body(Empty::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
