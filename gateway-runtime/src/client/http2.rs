//! Back ends by HTTP/2: one connection per worker and target, shared by requests, on hyper's `conn`.
//!
//! Invariants are those of [`client`](super): a call ends by its deadline, and a request is sent twice by itself only if it is
//! idempotent, has no body, and an older connection turned out to be gone. HTTP/2 is agreed on inside TLS or known beforehand in the
//! clear; there is no way down to HTTP/1.1. Absent on purpose: WebSocket (a request for it goes as an ordinary one).

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, Version, header};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming as Received;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep};

use super::pool::Waiting;
use super::{Endpoint, Incoming, Outgoing, Ticket, UpstreamFault, is_idempotent, link};
use crate::clock::Nanos;
use crate::exchange::{Body, BodyFault, Headers, Survey, field, later, trailers_checked};
use crate::server::Worker;

/// Largest list of fields that an answer may have, as for HTTP/1.1.
const LARGEST_HEAD: u32 = 64 * 1024;
/// What a back end may send of one answer before it is passed on, and of all of one connection.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// After so long without a frame the back end is asked whether it is still there, and has so long to say so.
const ASK_AFTER: Duration = Duration::from_secs(20);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The connection of one worker to one target.
#[derive(Default)]
pub(super) struct Http2Slot {
    connection: Mutex<Option<Arc<Connection>>>,
    /// Held by the request that connects.
    connecting: tokio::sync::Mutex<()>,
    /// Requests whose answers have not begun, those that wait for a stream among them.
    waiting: Waiting,
}

struct Connection {
    sender: SendRequest<Body>,
    /// When a request last began, in nanoseconds of the clock.
    used: AtomicU64,
}

impl Http2Slot {
    fn usable(&self) -> Option<Arc<Connection>> {
        let mut slot = self.connection.lock();
        if slot.as_ref().is_some_and(|it| it.sender.is_closed()) {
            *slot = None;
        }
        slot.clone()
    }

    fn forget(&self, gone: &Arc<Connection>) {
        let mut slot = self.connection.lock();
        if slot.as_ref().is_some_and(|it| Arc::ptr_eq(it, gone)) {
            *slot = None;
        }
    }

    /// Closes the connection if it is idle for so long, or was closed. Tells whether there still is one.
    pub(super) fn sweep(&self, now: Nanos, idle: Duration) -> bool {
        let mut slot = self.connection.lock();
        let goes = slot.as_ref().is_some_and(|it| {
            let used = Nanos::new(it.used.load(Ordering::Relaxed));
            it.sender.is_closed() || Arc::strong_count(it) == 1 && now.since(used) >= idle
        });
        if goes {
            *slot = None;
        }
        slot.is_some()
    }
}

/// Sends a request and waits for the head of the answer, until `deadline`.
pub(super) async fn send(
    worker: &Worker,
    endpoint: &Arc<Endpoint>,
    slot: &Http2Slot,
    outgoing: &mut Outgoing,
    deadline: Nanos,
) -> Result<Incoming, UpstreamFault> {
    let _waits = slot.waiting.enter()?;
    let until = worker.clock.instant(deadline).into();
    let exchange = exchange(worker, endpoint, slot, outgoing);
    tokio::time::timeout_at(until, exchange)
        .await
        .unwrap_or(Err(UpstreamFault::Timeout))
}

async fn exchange(
    worker: &Worker,
    endpoint: &Arc<Endpoint>,
    slot: &Http2Slot,
    outgoing: &mut Outgoing,
) -> Result<Incoming, UpstreamFault> {
    let replayable = outgoing.body.is_empty() && is_idempotent(&outgoing.method);
    let head_only = outgoing.method == Method::HEAD;
    // What is gone is forgotten, and a new connection ends this.
    loop {
        let (connection, fresh) = connection(worker, endpoint, slot).await?;
        let now = worker.clock.now().get();
        connection.used.store(now, Ordering::Relaxed);
        let broken = watch(&mut outgoing.body);
        let request = request(endpoint, outgoing)?;
        match connection.sender.clone().send_request(request).await {
            Ok(response) => {
                let coarse = Arc::clone(&worker.coarse);
                return incoming(response, connection, head_only, broken, coarse);
            }
            Err(error) => match broken.get() {
                Some(fault) => return Err(UpstreamFault::Body(fault)),
                None if error.is_parse() => return Err(UpstreamFault::Garbled),
                None if !fresh && replayable => slot.forget(&connection),
                // What a stream or a connection was ended for says no more than that it was.
                None => return Err(UpstreamFault::Reset),
            },
        }
    }
}

/// The worker's connection, and whether it is new.
async fn connection(
    worker: &Worker,
    endpoint: &Arc<Endpoint>,
    slot: &Http2Slot,
) -> Result<(Arc<Connection>, bool), UpstreamFault> {
    if let Some(connection) = slot.usable() {
        return Ok((connection, false));
    }
    let _connecting = slot.connecting.lock().await;
    if let Some(connection) = slot.usable() {
        return Ok((connection, true));
    }
    worker.sweeps(endpoint);
    let connection = Arc::new(connect(worker, endpoint).await?);
    *slot.connection.lock() = Some(connection.clone());
    Ok((connection, true))
}

async fn connect(worker: &Worker, endpoint: &Arc<Endpoint>) -> Result<Connection, UpstreamFault> {
    let stream = link::stream(worker, endpoint).await?;
    let (sender, driver) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_header_list_size(LARGEST_HEAD)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(ASK_AFTER)
        .keep_alive_timeout(ANSWER_WITHIN)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| UpstreamFault::Reset)?;
    // Ends when the connection does, or when nobody can send on it any more.
    tokio::spawn(async move {
        let _ = driver.await;
    });
    Ok(Connection {
        sender,
        used: AtomicU64::new(worker.clock.now().get()),
    })
}

/// Whether a target answers well, asked on a connection of its own.
pub(super) async fn ask_apart(
    worker: &Worker,
    endpoint: &Arc<Endpoint>,
    outgoing: &mut Outgoing,
) -> Result<u16, UpstreamFault> {
    let mut connection = connect(worker, endpoint).await?;
    let request = request(endpoint, outgoing)?;
    let answered = connection.sender.send_request(request).await;
    answered
        .map(|response| response.status().as_u16())
        .map_err(|_| UpstreamFault::Reset)
}

/// The request as hyper takes it; its body is taken out of `outgoing`.
fn request(endpoint: &Endpoint, outgoing: &mut Outgoing) -> Result<Request<Body>, UpstreamFault> {
    let mut fields = outgoing.headers.to_map();
    // The authority says it, and the body.
    fields.remove(header::HOST);
    fields.remove(header::CONTENT_LENGTH);
    fields.remove(header::CONNECTION);
    fields.remove(header::UPGRADE);
    let scheme = if endpoint.tls().is_some() {
        "https"
    } else {
        "http"
    };
    let uri = |authority: &str| {
        format!("{scheme}://{authority}{}", outgoing.target.as_str()).parse::<http::Uri>()
    };
    let own = endpoint.authority().to_str().unwrap_or_default();
    let host = outgoing.headers.get_str(field::HOST.as_str());
    // A `Host` that a document makes of what a client sent may be none.
    let uri = host
        .filter(|host| host.parse::<http::uri::Authority>().is_ok())
        .and_then(|host| uri(host).ok())
        .map_or_else(|| uri(own), Ok)
        .map_err(|_| UpstreamFault::Garbled)?;
    let mut request = Request::new(std::mem::take(&mut outgoing.body));
    *request.method_mut() = outgoing.method.clone();
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    *request.headers_mut() = fields;
    Ok(request)
}

fn incoming(
    response: Response<Received>,
    connection: Arc<Connection>,
    head_only: bool,
    broken: Broken,
    coarse: Arc<AtomicU64>,
) -> Result<Incoming, UpstreamFault> {
    let (head, received) = response.into_parts();
    if head.headers.get_all(header::CONTENT_LENGTH).iter().count() > 1 {
        return Err(UpstreamFault::Garbled);
    }
    let mut headers = Headers::from_map(&head.headers);
    Survey::of(&headers).strip(&mut headers);
    let status = head.status.as_u16();
    if status == 204 {
        headers.remove(field::CONTENT_LENGTH);
    }
    // Some back ends send a body where there is none.
    let bodiless = head_only || status == 204 || status == 304;
    let body = match bodiless || received.is_end_stream() {
        true => Body::empty(),
        false => Body::stream(StreamBody {
            received,
            pause: None,
            timer: None,
            done: false,
            broken,
            _connection: connection,
            ticket: None,
            coarse,
        }),
    };
    Ok(Incoming {
        status,
        headers,
        body,
    })
}

/// Why the body of a request broke off, once it has: hyper tells of the stream's end alone.
#[derive(Default)]
struct Broken(Option<Arc<OnceLock<BodyFault>>>);

impl Broken {
    fn get(&self) -> Option<BodyFault> {
        self.0.as_ref()?.get().copied()
    }
}

/// Has a body tell why it breaks off.
fn watch(body: &mut Body) -> Broken {
    if body.is_empty() {
        return Broken::default();
    }
    let broken = Arc::new(OnceLock::new());
    let told = Arc::clone(&broken);
    *body = std::mem::take(body).watched(move |end| {
        if let Some(fault) = end.fault {
            let _ = told.set(fault);
        }
    });
    Broken(Some(broken))
}

/// The body of an answer. If it is dropped before its end, its stream is reset.
pub(crate) struct StreamBody {
    received: Received,
    pause: Option<Duration>,
    /// Made at the first pause: an answer that is there already costs no timer.
    timer: Option<Pin<Box<Sleep>>>,
    done: bool,
    /// How the request's body fares meanwhile: if it breaks off, hyper resets the stream of both.
    broken: Broken,
    /// While an answer is under way, its connection is not idle.
    _connection: Arc<Connection>,
    ticket: Option<Ticket>,
    /// The worker's coarse time.
    coarse: Arc<AtomicU64>,
}

impl StreamBody {
    /// Has a request end with this body.
    pub(crate) fn hold(&mut self, ticket: Ticket) {
        self.ticket = Some(ticket);
    }

    /// Sets the longest pause between two pieces.
    pub(crate) fn pause(&mut self, longest: Duration) {
        self.pause = Some(longest);
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if self.done {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.received).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.timer = None;
                let frame = trailers_checked(frame);
                if self.received.is_end_stream() {
                    self.end(true);
                }
                Poll::Ready(frame.map(Ok))
            }
            Poll::Ready(Some(Err(_))) => self.fail(BodyFault::UpstreamReset),
            // To hyper a stream that is reset without an error has ended; its body has not.
            Poll::Ready(None) if !self.received.is_end_stream() => {
                self.fail(BodyFault::UpstreamReset)
            }
            Poll::Ready(None) => {
                self.end(true);
                Poll::Ready(None)
            }
            Poll::Pending => {
                let Some(pause) = self.pause else {
                    return Poll::Pending;
                };
                let timer = self.timer.get_or_insert_with(|| {
                    Box::pin(tokio::time::sleep_until(later(Instant::now(), pause)))
                });
                std::task::ready!(timer.as_mut().poll(cx));
                self.fail(BodyFault::UpstreamTimeout)
            }
        }
    }

    /// The answer is not waited for any longer.
    pub(crate) fn expire(&mut self) {
        let _ = self.fail(BodyFault::UpstreamTimeout);
    }

    /// The answer breaks off: for this, unless the request's body broke off before.
    fn fail(&mut self, fault: BodyFault) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let fault = self.broken.get().unwrap_or(fault);
        if fault.is_upstreams() {
            self.end(false);
        }
        self.done = true;
        self.ticket = None;
        Poll::Ready(Some(Err(fault)))
    }

    fn end(&mut self, well: bool) {
        self.done = true;
        if let Some(mut ticket) = self.ticket.take() {
            ticket.ended(well, Nanos::new(self.coarse.load(Ordering::Relaxed)));
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.done || self.received.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.received.size_hint()
    }
}

#[cfg(test)]
mod tests;
