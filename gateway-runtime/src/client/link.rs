//! One connection to a back end, driven by whoever uses it: first by the request that is sent, then by the body of its answer.
//!
//! Both directions move at once: an answer may begin, and even end, while the request is still being sent.

mod body;

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Body as _, Frame};
use tokio::net::TcpStream;

pub(crate) use body::LinkBody;

use super::breaker::Counted;
use super::{Endpoint, Outgoing, UpstreamFault, resolve};
use crate::clock::Nanos;
use crate::exchange::{Body, BodyFault, Coding, Headers, Length};
use crate::h1::{self, Decoder, Encoder, Framing, Outbox, Piece, ResponseHead};
use crate::server::Worker;
use crate::spare::Spare;
use crate::tls::{self, SCRATCH, Stream};

/// Longest time for one of several addresses to take a connection, so that a silent one does not use up the whole deadline.
const CONNECT: Duration = Duration::from_secs(3);
/// Largest head of an answer.
const LARGEST_HEAD: usize = 64 * 1024;
/// Most bytes of a body that are read at once.
const LARGEST_READ: usize = 64 * 1024;
/// Most interim answers before the real one, and most bytes of all of them.
const INTERIM: usize = 16;
const INTERIM_BYTES: usize = LARGEST_HEAD;

/// A connection.
pub(super) struct Link {
    stream: Stream,
    /// What was read and not used.
    ahead: BytesMut,
    /// What came with the head of an answer: often all of its body.
    rest: Spare<Vec<u8>>,
    out: Outbox,
    upload: Upload,
    /// Whether nothing of the answer has come yet.
    silent: bool,
    /// Whether the connection takes no other request.
    last: bool,
    /// Whether it has had a request before.
    kept: bool,
    /// How much will be written when all of the request's head is.
    asked: u64,
    /// Whether what was read of a head ends inside a line: then it need not be looked at again before the line ends.
    inside_line: bool,
    idle_since: Nanos,
    /// Counts it, where connections are bounded for all workers.
    counted: Option<Counted>,
}

/// What is still to be sent of a request.
struct Upload {
    body: Body,
    encoder: Encoder,
    state: Sending,
    /// Bytes that were handed to the socket's queue.
    pushed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    /// There is more.
    More,
    /// All of it is with the socket.
    Done,
    /// The back end takes no more; it may have answered all the same.
    Stuck,
}

/// A new connection, for the pool.
pub(super) async fn connect(
    worker: &Worker,
    endpoint: &Arc<Endpoint>,
) -> Result<Box<Link>, UpstreamFault> {
    worker.sweeps(endpoint);
    let counted = match endpoint.connections() {
        None => None,
        Some(connections) => Some(connections.count().await),
    };
    let mut link = connect_apart(worker, endpoint).await?;
    link.counted = counted;
    Ok(link)
}

/// A new connection that goes into no pool and does not count.
pub(super) async fn connect_apart(
    worker: &Worker,
    endpoint: &Arc<Endpoint>,
) -> Result<Box<Link>, UpstreamFault> {
    Ok(Box::new(Link {
        stream: stream(worker, endpoint).await?,
        ahead: BytesMut::new(),
        rest: Spare::default(),
        out: Outbox::default(),
        upload: Upload {
            state: Sending::Done,
            ..Upload::new(Framing::Empty, Body::empty())
        },
        silent: true,
        last: false,
        kept: false,
        asked: 0,
        inside_line: false,
        idle_since: worker.clock.now(),
        counted: None,
    }))
}

/// A new connection that nothing has been said on.
pub(super) async fn stream(
    worker: &Worker,
    endpoint: &Arc<Endpoint>,
) -> Result<Stream, UpstreamFault> {
    let addresses = resolve::addresses(worker, endpoint).await?;
    let tcp = connect_one_of(endpoint, &addresses).await?;
    // Small messages leave at once. A socket that cannot do it works all the same.
    let _ = tcp.set_nodelay(true);
    match endpoint.tls() {
        None => Ok(Stream::Plain(tcp)),
        Some(tls) => tls.connect(tcp).await.map_err(|_| UpstreamFault::Tls),
    }
}

async fn connect_one_of(
    endpoint: &Endpoint,
    addresses: &[SocketAddr],
) -> Result<TcpStream, UpstreamFault> {
    for (at, address) in addresses.iter().enumerate() {
        let last = at + 1 == addresses.len();
        let connecting = TcpStream::connect(address);
        let connected = if last {
            // The deadline of the request holds.
            connecting.await
        } else {
            tokio::time::timeout(CONNECT, connecting)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        };
        match connected {
            Ok(stream) => {
                if at > 0 {
                    endpoint.names().prefer(*address);
                }
                return Ok(stream);
            }
            // This process has no descriptor left, which says nothing of the back end.
            Err(fault) if is_shortage(&fault) => return Err(UpstreamFault::Overloaded),
            Err(_) => {}
        }
    }
    Err(UpstreamFault::Refused)
}

/// What it means that there is nothing more to read of a head.
fn broken(fault: &io::Error) -> UpstreamFault {
    match tls::is_tls_fault(fault) {
        true => UpstreamFault::Tls,
        false => UpstreamFault::Reset,
    }
}

fn is_shortage(fault: &io::Error) -> bool {
    use rustix::io::Errno;
    let fault = fault.raw_os_error().map(Errno::from_raw_os_error);
    matches!(fault, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS))
}

impl Link {
    pub(super) fn idle_since(&self) -> Nanos {
        self.idle_since
    }

    pub(super) fn rest(&mut self, now: Nanos) {
        self.kept = true;
        self.idle_since = now;
    }

    /// Whether the other side has not closed an idle connection, and has sent nothing unasked, as far as is known.
    pub(super) fn is_open(&mut self) -> bool {
        unhindered(|cx| self.stream.poll_with(cx, |_| ())).is_pending()
    }

    /// The same, asked of the system.
    pub(super) fn is_surely_open(&mut self) -> bool {
        !self.stream.has_news()
    }

    /// Whether request and answer came to their ends, so that another request may follow.
    pub(super) fn is_reusable(&self) -> bool {
        !self.last && self.upload.state == Sending::Done && self.ahead.is_empty()
    }

    /// Whether the last request surely did not reach the back end's application: nothing was answered.
    pub(super) fn is_silent(&self) -> bool {
        self.silent
    }

    /// Sends a request and waits for the head of its answer, interim ones left out. The body is taken out of the request. After a
    /// fault, and if this future is dropped, the connection is of no use: drop it too.
    pub(super) async fn send(
        &mut self,
        outgoing: &mut Outgoing,
    ) -> Result<ResponseHead, UpstreamFault> {
        let body = std::mem::take(&mut outgoing.body);
        let websocket = !outgoing.tunnel.is_empty();
        let framing = match body.len() {
            Some(0) => Framing::Empty,
            Some(length) => Framing::Length(length),
            None => Framing::Chunked,
        };
        h1::request_head(
            self.out.text(),
            &outgoing.method,
            outgoing.target.as_str(),
            &outgoing.headers,
            framing,
            websocket,
        );
        self.silent = true;
        self.upload = Upload::new(framing, body);
        // Nothing else waits to be written.
        self.asked = self.out.written() + self.out.text().len() as u64;
        let (mut interim, mut interim_bytes) = (0, 0);
        poll_fn(|cx| {
            if let Poll::Ready(Err(fault)) = self.poll_upload(cx) {
                return Poll::Ready(Err(UpstreamFault::Body(fault)));
            }
            loop {
                let head = ready!(self.poll_head(cx))?;
                if !self.is_asked() {
                    self.judge_unasked(&head)?;
                }
                match head.status {
                    101 if websocket && head.survey.is_websocket() => {
                        // Bytes without any framing, until they end.
                        let tunnel = std::mem::take(&mut outgoing.tunnel);
                        self.upload = Upload::new(Framing::Close, tunnel);
                        self.last = true;
                        return Poll::Ready(Ok(head));
                    }
                    // An upgrade that nobody asked for.
                    101 => return Poll::Ready(Err(UpstreamFault::Garbled)),
                    100..=199 => {
                        interim += 1;
                        interim_bytes += head.survey.bytes;
                        let flood = interim > INTERIM || interim_bytes > INTERIM_BYTES;
                        if flood || announces_body(&head) {
                            return Poll::Ready(Err(UpstreamFault::Garbled));
                        }
                        // The gateway says itself when a body is wanted, and asks no back end to (RFC 9110 §10.1.1).
                        if let (101..=199, Some(hints)) = (head.status, &outgoing.interim) {
                            hints.pass(head);
                        }
                    }
                    _ => {
                        self.last = !head.survey.keeps_alive(head.version);
                        return Poll::Ready(Ok(head));
                    }
                }
            }
        })
        .await
    }

    /// Whether all of the request's head is with the socket.
    fn is_asked(&self) -> bool {
        self.out.written() >= self.asked
    }

    /// Judges an answer that began before the request's head was written.
    ///
    /// It is not an answer to this request, which nobody can have read. On a kept connection it was meant for whatever was there
    /// before, or for nobody: the connection counts as closed, and nothing of the request was acted on. On a new one a back end may
    /// refuse a head before it has read all of it, and then closes; nothing else makes sense there.
    ///
    /// What came between the look at the idle connection and the write of a head that was taken at once is not seen here: both happen
    /// in one turn of the worker, and from outside such bytes are those of a very quick answer.
    fn judge_unasked(&mut self, head: &ResponseHead) -> Result<(), UpstreamFault> {
        if self.kept {
            self.silent = true;
            return Err(UpstreamFault::Reset);
        }
        match head.status >= 400 && !head.survey.keeps_alive(head.version) {
            true => Ok(()),
            false => Err(UpstreamFault::Garbled),
        }
    }

    /// Sends what is left of the request. A back end that takes no more is not a fault here: it may have answered.
    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyFault>> {
        let Link {
            stream,
            out,
            upload,
            ..
        } = self;
        if upload.state != Sending::More {
            return Poll::Ready(Ok(()));
        }
        loop {
            let mut waits = false;
            while !upload.encoder.is_done() && !out.is_full() {
                if upload.body.is_end_stream() {
                    upload.encoder.end(out);
                    break;
                }
                match Pin::new(&mut upload.body).poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) => upload.put(frame, out)?,
                    Poll::Ready(Some(Err(fault))) => return Poll::Ready(Err(fault)),
                    Poll::Ready(None) => upload.encoder.end(out),
                    Poll::Pending => {
                        waits = true;
                        break;
                    }
                }
            }
            match out.poll_flush(stream, cx) {
                Poll::Ready(Ok(())) if upload.encoder.is_done() => {
                    upload.body = Body::empty();
                    upload.state = match upload.encoder {
                        Encoder::Whole => Sending::Done,
                        // A body that is shorter than it said leaves the back end waiting.
                        _ => Sending::Stuck,
                    };
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(())) if !waits => {}
                Poll::Ready(Ok(())) | Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => {
                    upload.body = Body::empty();
                    upload.state = Sending::Stuck;
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<ResponseHead, UpstreamFault>> {
        self.read_on();
        loop {
            let parsed = if self.ahead.is_empty() {
                let Link {
                    stream,
                    ahead,
                    rest,
                    ..
                } = self;
                let read = ready!(stream.poll_with(cx, |bytes| {
                    let parsed = h1::response(bytes);
                    match &parsed {
                        Ok(Some((_, length))) if *length < bytes.len() => {
                            *rest = Spare::taken();
                            rest.extend_from_slice(bytes.get(*length..).unwrap_or_default());
                        }
                        Ok(None) => ahead.extend_from_slice(bytes),
                        _ => {}
                    }
                    parsed.map(|found| found.map(|(head, _)| head))
                }));
                match read {
                    Ok(Some(parsed)) => parsed,
                    Ok(None) => return Poll::Ready(Err(UpstreamFault::Reset)),
                    Err(fault) => return Poll::Ready(Err(broken(&fault))),
                }
            } else if self.inside_line && self.ahead.len() < LARGEST_HEAD {
                Ok(None)
            } else {
                match h1::response(&self.ahead) {
                    // However it came: the last read may have gone far beyond.
                    Ok(Some((_, length))) if length > LARGEST_HEAD => {
                        return Poll::Ready(Err(UpstreamFault::Garbled));
                    }
                    parsed => parsed.map(|found| {
                        found.map(|(head, length)| {
                            self.ahead.advance(length);
                            head
                        })
                    }),
                }
            };
            self.silent = false;
            match parsed {
                Ok(Some(head)) => return Poll::Ready(Ok(head)),
                Ok(None) if self.ahead.len() >= LARGEST_HEAD => {
                    return Poll::Ready(Err(UpstreamFault::Garbled));
                }
                Ok(None) => {
                    let Link { stream, ahead, .. } = self;
                    let read = ready!(stream.poll_with(cx, |bytes| {
                        ahead.extend_from_slice(bytes);
                        memchr::memchr(b'\n', bytes).is_none()
                    }));
                    // A head that comes in drops is not read again for every drop.
                    self.inside_line = match read {
                        Ok(Some(inside_line)) => inside_line,
                        Ok(None) => return Poll::Ready(Err(UpstreamFault::Reset)),
                        Err(fault) => return Poll::Ready(Err(broken(&fault))),
                    };
                }
                Err(_) => return Poll::Ready(Err(UpstreamFault::Garbled)),
            }
        }
    }

    /// What came behind a head is read next.
    pub(super) fn read_on(&mut self) {
        self.ahead.extend_from_slice(&self.rest);
        self.rest = Spare::default();
    }

    /// The whole body, if all of it came with the head and nothing else did.
    pub(super) fn take_body(&mut self, framing: Framing) -> Option<Body> {
        if self.ahead.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            match framing {
                Framing::Empty if rest.is_empty() => return Some(Body::empty()),
                Framing::Length(length) if rest.len() as u64 == length => {
                    return Some(Body::short(rest));
                }
                _ => self.ahead.extend_from_slice(&rest),
            }
        }
        (framing == Framing::Empty).then(Body::empty)
    }

    fn poll_body(
        &mut self,
        decoder: &mut Decoder,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Frame<Bytes>>, BodyFault>> {
        loop {
            let piece = decoder.next(&self.ahead);
            match piece.map_err(|_| BodyFault::UpstreamGarbled)? {
                Piece::Data { skip, length } => {
                    self.ahead.advance(skip);
                    let data = self.ahead.split_to(length).freeze();
                    return Poll::Ready(Ok(Some(Frame::data(data))));
                }
                Piece::End { skip, trailers } => {
                    self.ahead.advance(skip);
                    let trailers =
                        trailers.map(|trailers: Headers| Frame::trailers(trailers.to_map()));
                    return Poll::Ready(Ok(trailers));
                }
                Piece::Nothing => self.ahead.clear(),
            }
            let most = match decoder.left() {
                Some(left) => usize::try_from(left)
                    .unwrap_or(LARGEST_READ)
                    .min(LARGEST_READ),
                None => SCRATCH,
            };
            self.ahead.reserve(most);
            let read = ready!(tokio_util::io::poll_read_buf(
                Pin::new(&mut self.stream),
                cx,
                &mut self.ahead
            ));
            match read {
                Ok(1..) => {}
                Ok(0) if decoder.ends_here() => {
                    self.last = true;
                    return Poll::Ready(Ok(None));
                }
                Ok(_) | Err(_) => return Poll::Ready(Err(BodyFault::UpstreamReset)),
            }
        }
    }
}

impl Upload {
    fn new(framing: Framing, body: Body) -> Upload {
        Upload {
            body,
            encoder: Encoder::new(framing),
            state: Sending::More,
            pushed: 0,
        }
    }

    fn put(&mut self, frame: Frame<Bytes>, out: &mut Outbox) -> Result<(), BodyFault> {
        self.pushed += frame.data_ref().map_or(0, Bytes::len) as u64;
        let put = self.encoder.put(frame, out);
        put.map_err(|_| BodyFault::ClientGarbled)
    }
}

/// Whether an interim answer speaks of a body, which it cannot have (RFC 9110 §15.2): others might look for the answer behind it.
fn announces_body(head: &ResponseHead) -> bool {
    !matches!(head.survey.length, Length::Absent | Length::Bytes(0))
        || head.survey.coding != Coding::Absent
}

/// Polls without a waker and outside Tokio's cooperative budget: a socket that has run out of budget says "pending" and
/// wakes the task later, and that wake would be lost.
fn unhindered<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    let polled = poll_fn(|cx| Poll::Ready(poll(cx)));
    match pin!(tokio::task::unconstrained(polled)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Poll::Pending,
    }
}
