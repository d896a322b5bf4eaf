//! One connection to a back end, driven by whoever uses it: first by the request that is sent, then by the body of its answer.
//!
//! Both directions move at once: an answer may begin, and even end, while the request is still being sent.

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
use tokio::time::{Instant, Sleep};

use super::breaker::Counted;
use super::pool::Lease;
use super::{Endpoint, Outgoing, Ticket, UpstreamFault, resolve};
use crate::clock::Nanos;
use crate::exchange::{Body, BodyFault, Headers, later};
use crate::h1::{self, Decoder, Framing, Outbox, Piece, ResponseHead};
use crate::server::Worker;
use crate::spare::Spare;
use crate::tls::{self, SCRATCH, Stream};

/// Longest time for one of several addresses to take a connection, so that a silent one does not use up the whole deadline.
const CONNECT: Duration = Duration::from_secs(3);
/// Largest head of an answer.
const LARGEST_HEAD: usize = 64 * 1024;
/// Most bytes of a body that are read at once.
const LARGEST_READ: usize = 64 * 1024;
/// Most interim answers before the real one.
const INTERIM: usize = 16;

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
    idle_since: Nanos,
    /// Counts it, where connections are bounded for all workers.
    counted: Option<Counted>,
}

/// What is still to be sent of a request.
struct Upload {
    body: Body,
    chunked: bool,
    /// Bytes the head promised that are still to come.
    left: Option<u64>,
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
            body: Body::empty(),
            chunked: false,
            left: None,
            state: Sending::Done,
            pushed: 0,
        },
        silent: true,
        last: false,
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
        self.upload = Upload {
            chunked: framing == Framing::Chunked,
            left: match framing {
                Framing::Length(length) => Some(length),
                _ => None,
            },
            body,
            state: Sending::More,
            pushed: 0,
        };
        let mut interim = 0;
        poll_fn(|cx| {
            if let Poll::Ready(Err(fault)) = self.poll_upload(cx) {
                return Poll::Ready(Err(UpstreamFault::Body(fault)));
            }
            loop {
                let head = ready!(self.poll_head(cx))?;
                match head.status {
                    101 if websocket && head.survey.is_websocket() => {
                        self.upload = Upload::tunnel(std::mem::take(&mut outgoing.tunnel));
                        self.last = true;
                        return Poll::Ready(Ok(head));
                    }
                    // An upgrade that nobody asked for.
                    101 => return Poll::Ready(Err(UpstreamFault::Garbled)),
                    100..=199 if interim < INTERIM => interim += 1,
                    100..=199 => return Poll::Ready(Err(UpstreamFault::Garbled)),
                    _ => {
                        self.last = !head.survey.keeps_alive(head.version);
                        return Poll::Ready(Ok(head));
                    }
                }
            }
        })
        .await
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
        let mut ended = upload.body.is_end_stream() && !upload.chunked;
        loop {
            let mut waits = false;
            while !ended && !out.is_full() {
                match Pin::new(&mut upload.body).poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) => ended = upload.push(frame, out)?,
                    Poll::Ready(Some(Err(fault))) => return Poll::Ready(Err(fault)),
                    Poll::Ready(None) => {
                        ended = true;
                        if upload.chunked {
                            h1::last_chunk(out.text(), None);
                        }
                    }
                    Poll::Pending => {
                        waits = true;
                        break;
                    }
                }
            }
            match out.poll_flush(stream, cx) {
                Poll::Ready(Ok(())) if ended => {
                    upload.body = Body::empty();
                    upload.state = match upload.left {
                        // A body that is shorter than it said leaves the back end waiting.
                        Some(1..) => Sending::Stuck,
                        _ => Sending::Done,
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
        // What came behind an interim answer.
        self.ahead.extend_from_slice(&self.rest);
        self.rest = Spare::default();
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
                    let read = ready!(stream.poll_with(cx, |bytes| ahead.extend_from_slice(bytes)));
                    match read {
                        Ok(Some(())) => {}
                        Ok(None) => return Poll::Ready(Err(UpstreamFault::Reset)),
                        Err(fault) => return Poll::Ready(Err(broken(&fault))),
                    }
                }
                Err(_) => return Poll::Ready(Err(UpstreamFault::Garbled)),
            }
        }
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
    /// Bytes without any framing, until they end.
    fn tunnel(body: Body) -> Upload {
        Upload {
            body,
            chunked: false,
            left: None,
            state: Sending::More,
            pushed: 0,
        }
    }

    /// Writes a piece; tells whether it was the last.
    fn push(&mut self, frame: Frame<Bytes>, out: &mut Outbox) -> Result<bool, BodyFault> {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => {
                if let (true, Ok(trailers)) = (self.chunked, frame.into_trailers()) {
                    h1::last_chunk(out.text(), Some(&Headers::from_map(&trailers)));
                }
                return Ok(true);
            }
        };
        if let Some(left) = &mut self.left {
            // More than the head said would be read as another request.
            *left = left
                .checked_sub(data.len() as u64)
                .ok_or(BodyFault::ClientGarbled)?;
        }
        if data.is_empty() {
            return Ok(false);
        }
        self.pushed += data.len() as u64;
        if self.chunked {
            h1::chunk(out.text(), data.len());
            out.push(data);
            out.text().extend_from_slice(b"\r\n");
            Ok(false)
        } else {
            out.push(data);
            Ok(self.body.is_end_stream())
        }
    }
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

/// The body of an answer, with the connection it comes from. At its end the connection goes back into the pool; if it is
/// dropped before, the connection is closed, since the rest of the answer is still in it.
pub(crate) struct LinkBody {
    decoder: Decoder,
    link: Option<(Box<Link>, Lease)>,
    /// Bytes that are still to come, if that is known.
    length: Option<u64>,
    /// Whether both sides speak freely: then it also ends when the client does, and what the client sends is no pause.
    tunnel: bool,
    /// Bytes of the client's by the last look.
    pushed: u64,
    pause: Option<Duration>,
    /// Made at the first pause: an answer that is there already costs no timer.
    timer: Option<(Pin<Box<Sleep>>, Instant)>,
}

impl LinkBody {
    pub(super) fn new(framing: Framing, link: Box<Link>, lease: Lease) -> LinkBody {
        let decoder = Decoder::new(framing);
        LinkBody {
            length: decoder.left(),
            decoder,
            tunnel: false,
            pushed: 0,
            link: Some((link, lease)),
            pause: None,
            timer: None,
        }
    }

    /// All that the back end sends, while all that the client sends goes there.
    pub(super) fn tunnel(link: Box<Link>, lease: Lease) -> LinkBody {
        LinkBody {
            tunnel: true,
            ..LinkBody::new(Framing::Close, link, lease)
        }
    }

    /// Has a request end with this body.
    pub(crate) fn hold(&mut self, ticket: Ticket) {
        if let Some((_, lease)) = &mut self.link {
            lease.hold(ticket);
        }
    }

    /// Sets the longest pause between two pieces.
    pub(crate) fn pause(&mut self, longest: Duration) {
        self.pause = Some(longest);
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let Some((link, _)) = &mut self.link else {
            return Poll::Ready(None);
        };
        match link.poll_upload(cx) {
            Poll::Ready(Err(fault)) => return self.fail(fault),
            Poll::Ready(Ok(())) if self.tunnel => {
                self.link = None;
                return Poll::Ready(None);
            }
            _ => {}
        }
        if self.tunnel && link.upload.pushed != self.pushed {
            self.pushed = link.upload.pushed;
            if let Some((_, last)) = &mut self.timer {
                *last = Instant::now();
            }
        }
        match link.poll_body(&mut self.decoder, cx) {
            Poll::Ready(Ok(frame)) => {
                if let Some((_, last)) = &mut self.timer {
                    *last = Instant::now();
                }
                if let (Some(length), Some(data)) =
                    (&mut self.length, frame.as_ref().and_then(Frame::data_ref))
                {
                    *length = length.saturating_sub(data.len() as u64);
                }
                if self.decoder.is_done() {
                    self.release();
                }
                Poll::Ready(frame.map(Ok))
            }
            Poll::Ready(Err(fault)) => self.fail(fault),
            Poll::Pending => match self.pause {
                Some(pause) => self.poll_pause(pause, cx),
                None => Poll::Pending,
            },
        }
    }

    fn poll_pause(
        &mut self,
        pause: Duration,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let (timer, last) = self.timer.get_or_insert_with(|| {
            let now = Instant::now();
            (Box::pin(tokio::time::sleep_until(later(now, pause))), now)
        });
        while timer.as_mut().poll(cx).is_ready() {
            // Pieces that came meanwhile did not move the timer, only the moment it counts from.
            let due = later(*last, pause);
            if due <= timer.deadline() {
                return self.fail(BodyFault::UpstreamTimeout);
            }
            timer.as_mut().reset(due);
        }
        Poll::Pending
    }

    fn fail(&mut self, fault: BodyFault) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if let Some((_, mut lease)) = self.link.take()
            && fault.is_upstreams()
        {
            lease.ended(false);
        }
        Poll::Ready(Some(Err(fault)))
    }

    fn release(&mut self) {
        if let Some((link, mut lease)) = self.link.take() {
            lease.ended(true);
            lease.give_back(link);
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.link.is_none()
    }

    /// Bytes that are still to come, if that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }
}
