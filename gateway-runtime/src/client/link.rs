//! One connection to a back end, driven by whoever uses it.
//!
//! hyper hands out two ends: one that takes requests and one that moves bytes. Here both are polled by the same task: the
//! moving end with the task's own waker, the taking end with a waker that does nothing, since it can only become ready
//! while the moving end is polled. So one event on the socket is one wake-up. The waker that does nothing must never meet
//! Tokio's cooperative budget, which defers a ready channel by waking later: see [`unhindered`].

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::pool::Lease;
use super::{Upstream, UpstreamFault, resolve};
use crate::clock::Nanos;
use crate::exchange::{Body, BodyFault, later};
use crate::server::Worker;
use crate::tls::Stream;

/// Longest time for one of several addresses to take a connection, so that a silent one does not use up the whole deadline.
const CONNECT: Duration = Duration::from_secs(3);
/// Largest head of an answer, and the most that is read ahead of a slow client. hyper's own limit of 100 fields holds too: more
/// would cost two allocations an answer.
const LARGEST_HEAD: usize = 64 * 1024;

/// A connection.
pub(super) struct Link {
    sender: http1::SendRequest<Body>,
    connection: http1::Connection<TokioIo<Stream>, Body>,
    ended: bool,
    idle_since: Nanos,
}

/// Why a request was not answered.
pub(super) enum SendFault {
    /// The connection was closed before anything was written. Here is the request again.
    NotSent(Box<Request<Body>>),
    /// It failed after that.
    Failed(UpstreamFault),
}

/// A new connection.
pub(super) async fn connect(
    worker: &Worker,
    upstream: &Arc<Upstream>,
) -> Result<Box<Link>, UpstreamFault> {
    worker.sweeps(upstream);
    let addresses = resolve::addresses(worker, upstream).await?;
    let tcp = connect_one_of(upstream, &addresses).await?;
    // Small messages leave at once. A socket that cannot do it works all the same.
    let _ = tcp.set_nodelay(true);
    let stream = match upstream.tls() {
        None => Stream::Plain(tcp),
        Some(tls) => tls.connect(tcp).await.map_err(|_| UpstreamFault::Tls)?,
    };
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(LARGEST_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| UpstreamFault::Reset)?;
    Ok(Box::new(Link {
        sender,
        connection,
        ended: false,
        idle_since: worker.clock.now(),
    }))
}

async fn connect_one_of(
    upstream: &Upstream,
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
        if let Ok(stream) = connected {
            if at > 0 {
                upstream.names().prefer(*address);
            }
            return Ok(stream);
        }
    }
    Err(UpstreamFault::Refused)
}

impl Link {
    pub(super) fn idle_since(&self) -> Nanos {
        self.idle_since
    }

    pub(super) fn rest(&mut self, now: Nanos) {
        self.idle_since = now;
    }

    /// Moves bytes. The result is ready when the connection is over; what went wrong was told to the taking end.
    fn drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.ended && Pin::new(&mut self.connection).poll(cx).is_ready() {
            self.ended = true;
        }
        if self.ended {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Whether the other side has not closed an idle connection, and has sent nothing unasked.
    pub(super) fn is_open(&mut self) -> bool {
        self.settle()
    }

    /// Lets the connection finish what it can without waiting; tells whether it can take a request.
    pub(super) fn settle(&mut self) -> bool {
        let _ = unhindered(|cx| self.drive(cx));
        !self.ended && self.sender.is_ready()
    }

    /// Sends a request and waits for the head of its answer. Dropping this future leaves the connection unusable: drop it too.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<hyper::body::Incoming>, SendFault> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let sent = std::future::poll_fn(|cx| {
            let over = if !self.ended && Pin::new(&mut self.connection).poll(cx).is_ready() {
                self.ended = true;
                true
            } else {
                self.ended
            };
            match unhindered(|cx| answer.as_mut().poll(cx)) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending if over => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        match sent {
            Some(Ok(response)) => Ok(response),
            Some(Err(mut fault)) => Err(match fault.take_message() {
                Some(request) => SendFault::NotSent(Box::new(request)),
                None => SendFault::Failed(head_fault(&fault.into_error())),
            }),
            None => Err(SendFault::Failed(UpstreamFault::Reset)),
        }
    }
}

/// Polls without a waker and outside Tokio's cooperative budget: a channel that has run out of budget says "pending" and
/// wakes the task later, and that wake would be lost.
fn unhindered<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    let polled = std::future::poll_fn(|cx| Poll::Ready(poll(cx)));
    match pin!(tokio::task::unconstrained(polled)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Poll::Pending,
    }
}

/// What a failure before the head of an answer means.
fn head_fault(error: &hyper::Error) -> UpstreamFault {
    if let Some(fault) = cause::<BodyFault>(error) {
        return UpstreamFault::Body(*fault);
    }
    if error.is_parse() {
        return UpstreamFault::Garbled;
    }
    UpstreamFault::Reset
}

/// What a failure inside an answer's body means.
fn body_fault(error: &hyper::Error) -> BodyFault {
    match cause::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            BodyFault::UpstreamGarbled
        }
        _ => BodyFault::UpstreamReset,
    }
}

fn cause<E: std::error::Error + 'static>(error: &hyper::Error) -> Option<&E> {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(found) = cause.downcast_ref::<E>() {
            return Some(found);
        }
        source = cause.source();
    }
    None
}

/// The body of an answer, with the connection it comes from. At its end the connection goes back into the pool; if it is
/// dropped before, the connection is closed, since the rest of the answer is still in it.
pub(crate) struct LinkBody {
    incoming: hyper::body::Incoming,
    link: Option<(Box<Link>, Lease)>,
    pause: Option<Duration>,
    /// Made at the first pause: an answer that is there already costs no timer.
    timer: Option<(Pin<Box<Sleep>>, Instant)>,
    failed: bool,
}

impl LinkBody {
    pub(super) fn new(incoming: hyper::body::Incoming, link: Box<Link>, lease: Lease) -> LinkBody {
        LinkBody {
            incoming,
            link: Some((link, lease)),
            pause: None,
            timer: None,
            failed: false,
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
        if self.failed {
            return Poll::Ready(None);
        }
        // Asking first tells the connection that there is room; what it then reads is fetched by asking again.
        let mut frame = unhindered(|cx| Pin::new(&mut self.incoming).poll_frame(cx));
        if frame.is_pending()
            && let Some((link, _)) = &mut self.link
        {
            let over = link.drive(cx).is_ready();
            frame = unhindered(|cx| Pin::new(&mut self.incoming).poll_frame(cx));
            if frame.is_pending() && over {
                return self.fail(BodyFault::UpstreamReset);
            }
        }
        match frame {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some((_, last)) = &mut self.timer {
                    *last = Instant::now();
                }
                if self.incoming.is_end_stream() {
                    self.release();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let fault = body_fault(&error);
                self.fail(fault)
            }
            Poll::Ready(None) => {
                self.release();
                Poll::Ready(None)
            }
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
        self.failed = true;
        self.link = None;
        Poll::Ready(Some(Err(fault)))
    }

    fn release(&mut self) {
        if let Some((link, lease)) = self.link.take() {
            lease.give_back(link);
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.failed || self.incoming.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
