//! A client that says exactly what it is told to, byte by byte, and reads one answer after another.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};

use crate::tls;

/// Header fields in order, names in lower case.
pub type Fields = Vec<(String, String)>;

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Fields in order, names in lower case.
    pub headers: Fields,
    /// Body, without transfer coding.
    pub body: Vec<u8>,
    /// Whether the body ended before its announced end.
    pub cut: bool,
    /// Whether the connection was seen to be closed behind it.
    pub closed: bool,
}

impl Answer {
    /// All values of a field, joined with `, `; `None` if it is absent.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self
            .headers
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What a connection runs over.
trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// A connection.
pub struct Connection {
    stream: BufReader<Box<dyn Stream>>,
}

impl Connection {
    /// Connects; reads wait 20 seconds at most.
    pub fn open(address: SocketAddr) -> std::io::Result<Connection> {
        Ok(Connection::over(connected(address)?))
    }

    /// Connects with TLS, and HTTP/1.1 inside it.
    pub fn open_secure(address: SocketAddr) -> std::io::Result<Connection> {
        let session = ClientConnection::new(tls::client("http/1.1"), tls::name())
            .map_err(std::io::Error::other)?;
        Ok(Connection::over(StreamOwned::new(
            session,
            connected(address)?,
        )))
    }

    fn over(stream: impl Stream + 'static) -> Connection {
        Connection {
            stream: BufReader::new(Box::new(stream)),
        }
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads one answer to a request with this method. `None`: the connection closed before one began.
    pub fn read(&mut self, method: &str) -> std::io::Result<Option<Answer>> {
        loop {
            let Some((status, headers)) = self.head()? else {
                return Ok(None);
            };
            if (100..200).contains(&status) && status != 101 {
                continue;
            }
            let mut answer = Answer {
                status,
                headers,
                body: Vec::new(),
                cut: false,
                closed: false,
            };
            if method != "HEAD" && status != 204 && status != 304 && status != 101 {
                self.body(&mut answer)?;
            }
            return Ok(Some(answer));
        }
    }

    /// Whatever comes until the connection ends.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A connection that was reset has ended too.
        let _ = self.stream.read_to_end(&mut bytes);
        bytes
    }

    /// Whether the other side has closed.
    pub fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0; 1]) {
            Ok(count) => count == 0,
            // Nothing came for as long as reads wait.
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }

    fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = Vec::new();
        match self.stream.read_until(b'\n', &mut line) {
            Ok(0) => return Ok(None),
            Err(error) if is_end(&error) => return Ok(None),
            other => other?,
        };
        Ok(Some(
            String::from_utf8_lossy(&line)
                .trim_end_matches(['\r', '\n'])
                .to_owned(),
        ))
    }

    fn head(&mut self) -> std::io::Result<Option<(u16, Fields)>> {
        let Some(first) = self.line()? else {
            return Ok(None);
        };
        let status = first
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .unwrap_or_else(|| panic!("no status line: {first}"));
        let mut headers = Vec::new();
        while let Some(line) = self.line()? {
            if line.is_empty() {
                return Ok(Some((status, headers)));
            }
            let (name, value) = line
                .split_once(':')
                .unwrap_or_else(|| panic!("no field: {line}"));
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        panic!("the head of an answer ended early: {first}")
    }

    fn body(&mut self, answer: &mut Answer) -> std::io::Result<()> {
        if answer.header("transfer-encoding").is_some() {
            loop {
                let Some(size) = self.line()? else {
                    answer.cut = true;
                    return Ok(());
                };
                let size = usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16)
                    .unwrap_or_else(|_| panic!("no chunk size: {size}"));
                if size == 0 {
                    while self.line()?.is_some_and(|line| !line.is_empty()) {}
                    return Ok(());
                }
                if !self.exactly(size, answer)? {
                    return Ok(());
                }
                self.line()?;
            }
        }
        if let Some(length) = answer.header("content-length") {
            let length = length
                .parse()
                .unwrap_or_else(|_| panic!("no length: {length}"));
            self.exactly(length, answer)?;
            return Ok(());
        }
        self.stream.read_to_end(&mut answer.body)?;
        Ok(())
    }

    /// Reads so many bytes; marks the answer as cut and returns false if there are fewer.
    fn exactly(&mut self, length: usize, answer: &mut Answer) -> std::io::Result<bool> {
        let from = answer.body.len();
        let read = self
            .stream
            .by_ref()
            .take(length as u64)
            .read_to_end(&mut answer.body);
        answer.cut = match read {
            Ok(_) => answer.body.len() - from < length,
            Err(error) if is_end(&error) => true,
            Err(error) => return Err(error),
        };
        Ok(!answer.cut)
    }
}

fn connected(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether the other side has gone: by a reset, or out of TLS without a word.
fn is_end(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::UnexpectedEof
    )
}
