//! Both ends of a gateway by the byte: a client that sends what no client would, a back end that answers what none would, and a
//! strict reading of all that comes out of either side. The cases are `tests/wire/*/*.yaml`.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde::Deserialize;

#[path = "../../gateway-runtime/src/h1/tests/reference.rs"]
pub mod reference;

use reference::{Body, Field, Length};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes as a case writes them: a text whose characters are one byte each, or a list of such texts, of repetitions, and of what
/// else is to be done between them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Script {
    /// One text.
    Text(String),
    /// One after the other.
    List(Vec<Part>),
}

/// A part of a script.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Part {
    /// A text.
    Text(String),
    /// A text so many times.
    Repeat {
        /// The text.
        repeat: String,
        /// How often.
        times: usize,
    },
    /// Wait for an answer with this status.
    Await {
        /// 100, or that of a whole answer.
        #[serde(rename = "await")]
        status: u16,
    },
    /// Say that nothing more will be sent.
    End {
        /// Always true.
        end: bool,
    },
}

/// What is done, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Wait for an answer with this status.
    Await(u16),
    /// Say that nothing more will be sent.
    End,
}

impl Script {
    /// All bytes of it.
    pub fn bytes(&self) -> Vec<u8> {
        let bytes = self.acts().into_iter().filter_map(|act| match act {
            Act::Send(bytes) => Some(bytes),
            Act::Await(_) | Act::End => None,
        });
        bytes.flatten().collect()
    }

    /// What is to be done.
    pub fn acts(&self) -> Vec<Act> {
        let parts = match self {
            Script::Text(text) => &[Part::Text(text.clone())][..],
            Script::List(parts) => parts,
        };
        let mut acts = Vec::new();
        for part in parts {
            let bytes = match part {
                Part::Text(text) => latin1(text),
                Part::Repeat { repeat, times } => latin1(repeat).repeat(*times),
                Part::Await { status } => {
                    acts.push(Act::Await(*status));
                    continue;
                }
                Part::End { .. } => {
                    acts.push(Act::End);
                    continue;
                }
            };
            match acts.last_mut() {
                Some(Act::Send(before)) => before.extend_from_slice(&bytes),
                _ => acts.push(Act::Send(bytes)),
            }
        }
        acts
    }
}

impl Default for Script {
    fn default() -> Script {
        Script::Text(String::new())
    }
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|char| u8::try_from(char).expect("a character of a script is one byte, as \\xff"))
        .collect()
}

/// In which pieces bytes are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pieces {
    /// At once.
    Whole,
    /// Byte by byte; of what is very long the beginning and the end.
    Bytes,
    /// In two, after so many bytes of all that is sent.
    Two(usize),
}

/// Bytes at the beginning and at the end that are sent one by one.
const SINGLE: usize = 160;

impl Pieces {
    /// Every way for so many bytes: whole, byte by byte, and in two at every seventh of them; of very many at sixty of them.
    pub fn all(length: usize) -> Vec<Pieces> {
        let step = 7.max(length / 60 + 1);
        [Pieces::Whole, Pieces::Bytes]
            .into_iter()
            .chain((step..length).step_by(step).map(Pieces::Two))
            .collect()
    }

    /// Sends `bytes`, before which `sent` others were sent. The other side may have closed: whoever reads finds out.
    fn send(self, mut stream: &TcpStream, bytes: &[u8], sent: usize) {
        let cut = match self {
            Pieces::Whole => 0,
            Pieces::Two(at) => at.saturating_sub(sent).min(bytes.len()),
            Pieces::Bytes => {
                let behind = bytes.len().saturating_sub(SINGLE);
                for (at, byte) in bytes.iter().enumerate() {
                    if at == SINGLE && behind > at {
                        let _ = stream.write_all(&bytes[at..behind]);
                    }
                    if (SINGLE..behind).contains(&at) {
                        continue;
                    }
                    if stream.write_all(&[*byte]).is_err() {
                        return;
                    }
                    pause(Duration::from_micros(50));
                }
                return;
            }
        };
        let (first, second) = bytes.split_at(cut);
        if !first.is_empty() && stream.write_all(first).is_ok() {
            pause(Duration::from_millis(1));
        }
        let _ = stream.write_all(second);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is sent in pieces should arrive in pieces"
)]
fn pause(time: Duration) {
    thread::sleep(time);
}

/// An answer as the client saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// Status.
    pub status: u16,
    /// Fields.
    pub fields: Vec<Field>,
    /// Body.
    pub body: Vec<u8>,
    /// Whether the connection ended inside the body.
    pub cut: bool,
}

impl Got {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection of a client that reads strictly.
pub struct Talk {
    stream: TcpStream,
    read: Vec<u8>,
    ended: bool,
    sent: usize,
}

impl Talk {
    /// Connects.
    pub fn open(address: SocketAddr) -> std::io::Result<Talk> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Talk {
            stream,
            read: Vec::new(),
            ended: false,
            sent: 0,
        })
    }

    /// Sends bytes. That nobody takes them shows when an answer is read.
    pub fn send(&mut self, bytes: &[u8], pieces: Pieces) {
        pieces.send(&self.stream, bytes, self.sent);
        self.sent += bytes.len();
    }

    /// The same connection, for a thread that sends while this one reads.
    pub fn twin(&self) -> std::io::Result<TcpStream> {
        self.stream.try_clone()
    }

    /// Says that nothing more will be sent.
    pub fn end(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads an answer, interim ones too; `to_head`: to HEAD. `None`: the connection ended before one began.
    pub fn next(&mut self, to_head: bool) -> Result<Option<Got>, String> {
        let (head, taken) = loop {
            let read = reference::answer(&self.read);
            match read.map_err(|why| format!("no answer: {why}: {}", shown(&self.read)))? {
                Some(found) => break found,
                None if self.ended && self.read.is_empty() => return Ok(None),
                None if self.ended => {
                    return Err(format!("a head without an end: {}", shown(&self.read)));
                }
                None => self.fill()?,
            }
        };
        self.read.drain(..taken);
        let length = reference::answer_length(&head, to_head)
            .map_err(|why| format!("no framing: {why}: {head:?}"))?;
        let mut got = Got {
            status: head.status,
            fields: head.fields,
            body: Vec::new(),
            cut: false,
        };
        loop {
            let read = reference::body(length, &self.read);
            match read.map_err(|why| format!("no body: {why}: {}", shown(&self.read)))? {
                Some((body, taken)) => {
                    self.read.drain(..taken);
                    got.body = body.data;
                    got.fields.extend(body.trailers);
                    return Ok(Some(got));
                }
                None if self.ended => {
                    got.cut = length != Length::Close;
                    got.body = std::mem::take(&mut self.read);
                    return Ok(Some(got));
                }
                None => self.fill()?,
            }
        }
    }

    /// Everything else that comes until the connection ends.
    pub fn rest(&mut self) -> Result<Vec<u8>, String> {
        while !self.ended {
            self.fill()?;
        }
        Ok(std::mem::take(&mut self.read))
    }

    fn fill(&mut self) -> Result<(), String> {
        let mut piece = [0; 1 << 14];
        match self.stream.read(&mut piece) {
            Ok(0) => self.ended = true,
            Ok(count) => self.read.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.ended = true,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(format!("nothing comes behind {}", shown(&self.read))),
        }
        Ok(())
    }
}

/// The beginning of what was read.
pub fn shown(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(200)].escape_ascii().to_string()
}

/// A request as the back end received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Method and target.
    pub line: String,
    /// Fields.
    pub fields: Vec<Field>,
    /// Whether it came in chunks.
    pub chunked: bool,
    /// Body and trailers.
    pub body: Body,
}

/// How the back end answers what is not `/next`.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The very bytes.
    pub bytes: Vec<u8>,
    /// How they are sent.
    pub pieces: Pieces,
    /// What comes behind them.
    pub then: Then,
}

/// What a back end does behind its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// It keeps the connection.
    Keep,
    /// It closes the connection.
    Close,
    /// It resets the connection.
    Reset,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    faults: Vec<String>,
    answers: Option<Answers>,
}

/// A back end that writes down what reaches it. It runs until the test process ends.
pub struct Recorder {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Recorder {
    /// Starts one. `/next` and, unless it is told otherwise, all else is answered with 200 and the body `whole`.
    pub fn start() -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().unwrap();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                thread::spawn(move || record(&stream, &state));
            }
        });
        Recorder { address, state }
    }

    /// How it answers from now on.
    pub fn answer(&self, answers: Answers) {
        self.state.lock().unwrap().answers = Some(answers);
    }

    /// The whole requests that came since the last call; the error is what came and is none. What broke off was not received.
    pub fn take(&self) -> Result<Vec<Received>, String> {
        let mut state = self.state.lock().unwrap();
        let faults = std::mem::take(&mut state.faults);
        let received = std::mem::take(&mut state.received);
        match faults.is_empty() {
            true => Ok(received),
            false => Err(faults.join("; ")),
        }
    }
}

/// Reads requests from a connection and answers them.
fn record(mut stream: &TcpStream, state: &Mutex<State>) {
    let _ = stream.set_nodelay(true);
    let mut read = Vec::new();
    let mut piece = [0; 1 << 14];
    loop {
        match request(&read) {
            Ok(Some((received, taken))) => {
                read.drain(..taken);
                let next = received.line.ends_with(" /next");
                let head = received.line.starts_with("HEAD ");
                let answers = {
                    let mut state = state.lock().unwrap();
                    state.received.push(received);
                    state.answers.clone().filter(|_| !next)
                };
                match answers {
                    None => {
                        let body = if head { "" } else { "whole" };
                        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{body}");
                        if stream.write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                    }
                    Some(answers) => {
                        answers.pieces.send(stream, &answers.bytes, 0);
                        match answers.then {
                            Then::Keep => {}
                            Then::Close => {
                                let _ = stream.shutdown(Shutdown::Write);
                            }
                            Then::Reset => return reset(stream),
                        }
                    }
                }
                continue;
            }
            Ok(None) => {}
            Err(why) => {
                let fault = format!("the back end received {}: {why}", shown(&read));
                state.lock().unwrap().faults.push(fault);
                return;
            }
        }
        match stream.read(&mut piece) {
            Ok(count @ 1..) => read.extend_from_slice(&piece[..count]),
            _ => return,
        }
    }
}

/// Closes a connection so that the other side sees a reset, not an end.
pub fn reset(stream: &TcpStream) {
    let stream = socket2::SockRef::from(stream);
    let _ = stream.set_linger(Some(Duration::ZERO));
}

/// A back end that does with each connection what it is told to, each on a thread of its own. It runs until the test process ends.
pub fn back_end(handle: impl Fn(&TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().unwrap();
    let handle = Arc::new(handle);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = handle.clone();
            thread::spawn(move || handle(&stream));
        }
    });
    address
}

/// The next whole request of a connection to a back end; `read` is what was read and not used. `None`: there is none any more.
///
/// # Panics
/// If what comes is no request.
pub fn receive(mut stream: &TcpStream, read: &mut Vec<u8>) -> Option<Received> {
    let mut piece = vec![0; 1 << 16];
    loop {
        match request(read) {
            Ok(Some((received, taken))) => {
                read.drain(..taken);
                return Some(received);
            }
            Ok(None) => {}
            Err(why) => panic!("the back end received {}: {why}", shown(read)),
        }
        match stream.read(&mut piece) {
            Ok(count @ 1..) => read.extend_from_slice(&piece[..count]),
            _ => return None,
        }
    }
}

fn request(bytes: &[u8]) -> Result<Option<(Received, usize)>, &'static str> {
    let Some((head, taken)) = reference::request(bytes)? else {
        return Ok(None);
    };
    if bytes.starts_with(b"\r\n") {
        return Err("no line stands before a request");
    }
    let length = reference::request_length(&head)?;
    let Some((body, more)) = reference::body(length, &bytes[taken..])? else {
        return Ok(None);
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let received = Received {
        line: format!("{} {}", text(&head.method), text(&head.target)),
        chunked: length == Length::Chunked,
        fields: head.fields,
        body,
    };
    Ok(Some((received, taken + more)))
}
