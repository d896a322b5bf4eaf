//! A back end that answers when it is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// Bytes of what `/large` answers to GET.
pub(crate) const LARGE: usize = 64 << 20;

/// Runs until the test process ends.
pub(crate) struct BackEnd {
    pub(crate) address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    /// Requests that have come.
    requests: usize,
    /// Those for `/held`.
    held: usize,
    released: bool,
}

impl BackEnd {
    /// `/held` is answered once [`BackEnd::release`] is called, everything else at once; with the body `whole`, but for `GET /large`.
    pub(crate) fn start() -> BackEnd {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || while serve(&stream, &state).is_some() {});
            }
        });
        BackEnd { address, state }
    }

    /// Waits until so many requests are held.
    pub(crate) fn wait_held(&self, count: usize) {
        let (state, changed) = &*self.state;
        let waited = changed
            .wait_timeout_while(state.lock().unwrap(), Duration::from_secs(20), |state| {
                state.held < count
            })
            .unwrap();
        assert!(!waited.1.timed_out(), "{} of {count} came", waited.0.held);
    }

    /// Requests that have come so far.
    pub(crate) fn count(&self) -> usize {
        self.state.0.lock().unwrap().requests
    }

    /// Answers what is held, and everything from now on.
    pub(crate) fn release(&self) {
        let (state, changed) = &*self.state;
        state.lock().unwrap().released = true;
        changed.notify_all();
    }
}

fn serve(mut stream: &TcpStream, (state, changed): &(Mutex<State>, Condvar)) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).ok()? > 2 {
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().ok()?;
        }
        line.clear();
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).ok()?;
    state.lock().unwrap().requests += 1;
    if first.starts_with("GET /large ") {
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n").ok()?;
        let piece = vec![b'x'; 1 << 16];
        for _ in 0..LARGE / piece.len() {
            stream.write_all(&piece).ok()?;
        }
        return Some(());
    }
    if first.contains(" /held ") {
        let mut state = state.lock().unwrap();
        state.held += 1;
        changed.notify_all();
        drop(changed.wait_while(state, |state| !state.released).unwrap());
    }
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole")
        .ok()
}
