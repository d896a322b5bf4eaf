//! A back end that behaves as a case tells it to: well, or not at all.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde::Deserialize;

/// What the back end does with requests of one method and path.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Behaviour {
    /// `GET /path?query`, `* /path`, or `*`: the first that fits is taken.
    pub on: String,
    /// Status; 200 if absent.
    #[serde(default)]
    pub status: Option<u16>,
    /// Header fields.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body.
    #[serde(default)]
    pub body: String,
    /// Wait so many milliseconds before answering.
    #[serde(default)]
    pub after_ms: u64,
    /// Instead of an answer, these very bytes, then the connection is closed.
    #[serde(default)]
    pub raw: Option<String>,
    /// Instead of an answer, a fault.
    #[serde(default)]
    pub fault: Option<Fault>,
}

/// A way to misbehave.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Never answers.
    Hang,
    /// Resets the connection without a byte.
    Reset,
    /// Closes the connection without a byte.
    Close,
    /// Closes inside the head.
    MidHead,
    /// Announces more body than it sends, then closes.
    MidBody,
    /// Sends the head and a little of the body, then nothing.
    Stall,
}

/// A request as the back end saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `GET /path?query`.
    pub line: String,
    /// Fields in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

impl Seen {
    /// All values of a field, joined with `, `.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self
            .headers
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

/// A running back end. It runs until the test process ends, unless it is killed.
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    behaviours: Arc<Mutex<Arc<Vec<Behaviour>>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    life: Mutex<Arc<Life>>,
}

/// What ends when a back end is killed.
#[derive(Default)]
struct Life {
    over: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Upstream {
    /// Starts a back end, behind TLS if there is a configuration for it.
    pub fn start(behaviours: Vec<Behaviour>, tls: Option<Arc<ServerConfig>>) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let upstream = Upstream {
            address: listener.local_addr().unwrap(),
            tls,
            behaviours: Arc::new(Mutex::new(Arc::new(behaviours))),
            seen: Arc::default(),
            life: Mutex::default(),
        };
        upstream.listen(listener);
        upstream
    }

    fn listen(&self, listener: TcpListener) {
        let life = Arc::new(Life::default());
        *self.life.lock().unwrap() = life.clone();
        let (log, behaviours) = (self.seen.clone(), self.behaviours.clone());
        let tls = self.tls.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if life.over.load(Ordering::SeqCst) {
                    return;
                }
                let twin = stream.try_clone().expect("a socket can be cloned");
                life.open.lock().unwrap().push(twin);
                let (log, behaviours) = (log.clone(), behaviours.clone());
                let mut wire = Wire::new(stream, tls.clone());
                thread::spawn(move || {
                    while let Ok(true) = answer(&mut wire, &behaviours, &log) {}
                    let _ = wire.tcp.shutdown(Shutdown::Both);
                });
            }
        });
    }

    /// Has it behave otherwise from the next request on.
    pub fn behave(&self, behaviours: Vec<Behaviour>) {
        *self.behaviours.lock().unwrap() = Arc::new(behaviours);
    }

    /// Ends it: nobody listens at its address any more, and its connections break off.
    pub fn kill(&self) {
        let life = self.life.lock().unwrap().clone();
        life.over.store(true, Ordering::SeqCst);
        // Wakes the listener, which then goes; a second one finds nobody.
        while TcpStream::connect(self.address).is_ok() {
            thread::yield_now();
        }
        for stream in life.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Starts it again at the same address.
    pub fn revive(&self) {
        self.listen(TcpListener::bind(self.address).expect("its port is still free"));
    }

    /// Whether it was asked so many times since [`Upstream::take_seen`] was last called.
    pub fn has_seen(&self, count: usize) -> bool {
        self.seen.lock().unwrap().len() >= count
    }

    /// What it was asked since the last call.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// A connection to the back end.
struct Wire {
    tcp: TcpStream,
    tls: Option<Box<StreamOwned<ServerConnection, TcpStream>>>,
}

impl Wire {
    fn new(tcp: TcpStream, tls: Option<Arc<ServerConfig>>) -> Wire {
        let tls = tls.map(|config| {
            let session = ServerConnection::new(config).expect("the configuration is complete");
            let twin = tcp.try_clone().expect("a socket can be cloned");
            Box::new(StreamOwned::new(session, twin))
        });
        Wire { tcp, tls }
    }
}

impl Read for Wire {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        match &mut self.tls {
            Some(tls) => tls.read(bytes),
            None => self.tcp.read(bytes),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.tls {
            Some(tls) => tls.write(bytes),
            None => self.tcp.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match &mut self.tls {
            Some(tls) => tls.flush(),
            None => self.tcp.flush(),
        }
    }
}

/// Answers one request; false: the connection is over.
fn answer(
    stream: &mut Wire,
    behaviours: &Mutex<Arc<Vec<Behaviour>>>,
    log: &Mutex<Vec<Seen>>,
) -> std::io::Result<bool> {
    let Some(seen) = request(&mut BufReader::new(&mut *stream))? else {
        return Ok(false);
    };
    let behaviours = behaviours.lock().unwrap().clone();
    let behaviour = behaviours.iter().find(|b| fits(&b.on, &seen.line)).cloned();
    let is_head = seen.line.starts_with("HEAD ");
    log.lock().unwrap().push(seen);
    let Some(behaviour) = behaviour else {
        write!(
            stream,
            "HTTP/1.1 501 Not Scripted\r\ncontent-length: 0\r\n\r\n"
        )?;
        return Ok(true);
    };
    if behaviour.after_ms > 0 {
        #[expect(
            clippy::disallowed_methods,
            reason = "a back end that is slow on purpose"
        )]
        thread::sleep(Duration::from_millis(behaviour.after_ms));
    }
    if let Some(raw) = &behaviour.raw {
        stream.write_all(raw.as_bytes())?;
        return end(&stream.tcp);
    }
    match behaviour.fault {
        None => {}
        Some(Fault::Hang) => {
            // Until the gateway gives up.
            let _ = stream.read(&mut [0; 1]);
            return Ok(false);
        }
        Some(Fault::Reset) => {
            reset(&stream.tcp);
            return Ok(false);
        }
        Some(Fault::Close) => return end(&stream.tcp),
        Some(Fault::MidHead) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-le")?;
            return end(&stream.tcp);
        }
        Some(Fault::MidBody) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this")?;
            return end(&stream.tcp);
        }
        Some(Fault::Stall) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this")?;
            let _ = stream.read(&mut [0; 1]);
            return Ok(false);
        }
    }
    let status = behaviour.status.unwrap_or(200);
    let mut head = format!("HTTP/1.1 {status} Said So\r\n");
    for (name, value) in &behaviour.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if status != 204 && status != 304 {
        head.push_str(&format!("content-length: {}\r\n", behaviour.body.len()));
    }
    head.push_str("\r\n");
    if !is_head && status != 204 && status != 304 {
        head.push_str(&behaviour.body);
    }
    stream.write_all(head.as_bytes())?;
    Ok(true)
}

fn end(mut stream: &TcpStream) -> std::io::Result<bool> {
    let _ = stream.shutdown(Shutdown::Write);
    let mut rest = Vec::new();
    let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
    let _ = stream.read_to_end(&mut rest);
    Ok(false)
}

/// Closing with unread data in the socket makes the kernel send RST; one byte is left there on purpose.
fn reset(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Read);
    let _ = stream.shutdown(Shutdown::Both);
}

fn fits(pattern: &str, line: &str) -> bool {
    match pattern.split_once(' ') {
        _ if pattern == "*" => true,
        Some(("*", path)) => line.split_once(' ').is_some_and(|(_, asked)| asked == path),
        _ => pattern == line,
    }
}

fn request(reader: &mut impl BufRead) -> std::io::Result<Option<Seen>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let line = first
        .trim_end()
        .rsplit_once(' ')
        .map_or("", |(line, _)| line)
        .to_owned();
    let mut headers = Vec::new();
    loop {
        let mut field = String::new();
        reader.read_line(&mut field)?;
        let field = field.trim_end();
        let Some((name, value)) = field.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen {
        line,
        headers,
        body: String::new(),
    };
    let mut body = Vec::new();
    if seen.header("transfer-encoding").is_some() {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim().split(';').next().unwrap_or_default(), 16)
                .unwrap_or(0);
            reader.by_ref().take(size as u64).read_to_end(&mut body)?;
            let mut rest = String::new();
            reader.read_line(&mut rest)?;
            if rest.is_empty() {
                return Ok(None);
            }
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = seen
        .header("content-length")
        .and_then(|n| n.parse::<u64>().ok())
    {
        reader.by_ref().take(length).read_to_end(&mut body)?;
        if (body.len() as u64) < length {
            // The gateway gave up on it: not a request that was asked.
            return Ok(None);
        }
    }
    seen.body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(seen))
}
