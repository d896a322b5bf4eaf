//! Calls to back ends that follow a script, over real sockets. The scene is here, the tests are beside it by their subject.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "the other end of a socket takes its time"
)]

mod addresses;
mod answers;
mod connections;
mod requests;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;

use bytes::Bytes;
use parking_lot::Mutex;

use super::*;
use crate::clock::Clock;
use crate::exchange::{Buffered, FieldName, FieldValue};
use crate::settings::Settings;
use crate::tls::ClientTls;

/// Long beyond what any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a back end does with one connection, in order.
#[derive(Clone)]
enum Act {
    /// Reads a head, and as much of a body as its fields or its last chunk say.
    Read,
    /// Reads no more than the beginning of a request.
    Glance,
    /// Reads what comes until there is the end of a head.
    Sip,
    /// Sends these bytes.
    Say(String),
    /// Sends this byte again and again, until nobody takes it.
    Flood(u8),
    /// Closes with a reset.
    Reset,
    /// Waits until the other side closes.
    Hang,
    /// Waits a little.
    Pause,
}
use Act::{Flood, Hang, Pause, Read as Take, Reset};

fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

/// A back end that follows one script per connection, and what it was sent.
struct Backend {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

fn backend(scripts: Vec<Vec<Act>>) -> Backend {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    std::thread::spawn(move || {
        for script in scripts {
            let (tcp, _) = listener.accept().unwrap();
            let log = log.clone();
            std::thread::spawn(move || follow(tcp, &script, &log));
        }
    });
    Backend { address, seen }
}

fn follow(mut tcp: TcpStream, script: &[Act], log: &Mutex<Vec<String>>) {
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    for act in script {
        match act {
            Take => match read_request(&mut tcp) {
                Some(request) => log.lock().push(request),
                None => return,
            },
            Act::Glance => tcp.read_exact(&mut [0; 100]).unwrap(),
            Act::Sip => {
                let mut piece = vec![0; 1 << 16];
                let mut end = [0; 4];
                while end != *b"\r\n\r\n" {
                    let Ok(count @ 1..) = tcp.read(&mut piece) else {
                        return;
                    };
                    let read = [&end[..], &piece[..count]].concat();
                    end.copy_from_slice(&read[read.len() - 4..]);
                }
            }
            Act::Say(text) => {
                if tcp.write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
            Flood(byte) => while tcp.write_all(&[*byte; 4096]).is_ok() {},
            Reset => {
                socket2::SockRef::from(&tcp)
                    .set_linger(Some(Duration::ZERO))
                    .unwrap();
                return;
            }
            Hang => {
                let _ = tcp.read(&mut [0; 1]);
            }
            Pause => std::thread::sleep(Duration::from_millis(60)),
        }
    }
}

fn read_request(tcp: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse::<usize>().unwrap());
            let done = if head.contains("transfer-encoding: chunked") {
                body.ends_with("\r\n\r\n") && body.contains("0\r\n")
            } else {
                body.len() >= length
            };
            if done {
                return Some(text.into_owned());
            }
        }
        if tcp.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
}

/// One caller: a worker and its back end.
struct Caller {
    worker: Worker,
    endpoint: Arc<Endpoint>,
    runtime: tokio::runtime::Runtime,
}

fn settings() -> Settings {
    Settings {
        workers: 1,
        ..Settings::default()
    }
}

fn calling(url: &str) -> Caller {
    Caller {
        worker: Worker::lonely(Clock::system()),
        endpoint: Arc::new(Endpoint::new("default", url, &settings()).unwrap()),
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap(),
    }
}

impl Caller {
    fn of(backend: &Backend) -> Caller {
        calling(&format!("http://{}", backend.address))
    }

    fn call_within(
        &self,
        mut request: Outgoing,
        span: Duration,
    ) -> Result<Incoming, UpstreamFault> {
        let deadline = self.worker.clock.now().plus(span);
        self.runtime.block_on(async {
            tokio::time::timeout(
                PATIENCE * 2,
                send(&self.worker, &self.endpoint, &mut request, deadline),
            )
            .await
            .expect("a call ends by its deadline")
        })
    }

    fn call(&self, request: Outgoing) -> Result<Incoming, UpstreamFault> {
        self.call_within(request, PATIENCE)
    }

    fn read(&self, body: Body) -> Result<(Bytes, Option<Headers>), BodyFault> {
        self.runtime.block_on(async {
            match body.buffer(1 << 20).await? {
                Buffered::Whole(bytes, trailers) => Ok((bytes, trailers)),
                Buffered::Longer(_) => panic!("more than asked for"),
            }
        })
    }

    /// Calls and reads: the status and the body, or what went wrong.
    fn fate(&self, request: Outgoing) -> String {
        let answer = match self.call(request) {
            Ok(answer) => answer,
            Err(fault) => return format!("{fault:?}"),
        };
        let mut body = answer.body;
        body.pause(Duration::from_millis(300));
        match self.read(body) {
            Ok((bytes, None)) => format!("{} {}", answer.status, String::from_utf8_lossy(&bytes)),
            Ok((bytes, Some(trailers))) => format!(
                "{} {} and {:?}",
                answer.status,
                String::from_utf8_lossy(&bytes),
                trailers.get_str("x-sum")
            ),
            Err(fault) => format!("{} {fault:?}", answer.status),
        }
    }
}

fn request(method: &str, path: &str, body: Body) -> Outgoing {
    Outgoing {
        method: method.parse().unwrap(),
        target: Target::parse(path).unwrap(),
        headers: Headers::new(),
        body,
        tunnel: Body::empty(),
        interim: None,
    }
}

fn get() -> Outgoing {
    request("GET", "/", Body::empty())
}

fn post(body: &'static str) -> Outgoing {
    request("POST", "/", Body::full(body))
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
