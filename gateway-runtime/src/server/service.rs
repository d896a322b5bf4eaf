//! Where an engine hands a request over and takes the answer.

use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};

use super::crowd::Counted;
use super::registry::Doing;
use super::worker::Worker;
use super::{Events, Live};
use crate::clock::Nanos;
use crate::exchange::{Body, BodyFault, Exchange, Head, Peer, Reply};
use crate::gateway::Gateway;
use crate::pipeline;
use crate::refusal::Refusal;

/// What answers.
pub(crate) enum App {
    /// A document's gateway.
    Gateway(Arc<Gateway>),
    /// A function, for tests of what is around it.
    #[cfg(test)]
    Test(Handler),
}

/// A function that answers.
#[cfg(test)]
pub(crate) type Handler =
    Arc<dyn Fn(Arc<Worker>, Exchange, Result<(), Refusal>) -> Handling + Send + Sync>;

/// What such a function is doing.
#[cfg(test)]
pub(crate) type Handling = Pin<Box<dyn Future<Output = Reply> + Send>>;

impl App {
    async fn handle(
        &self,
        worker: &Arc<Worker>,
        exchange: &mut Exchange,
        admitted: Result<(), Refusal>,
    ) -> Reply {
        match self {
            App::Gateway(gateway) => pipeline::handle(worker, gateway, exchange, admitted).await,
            #[cfg(test)]
            App::Test(handler) => handler(worker.clone(), exchange.take(), admitted).await,
        }
    }
}

/// What the requests of one connection have in common.
pub(super) struct Front {
    pub(super) worker: Arc<Worker>,
    pub(super) doing: Arc<Doing>,
    pub(super) peer: Peer,
    /// Whether there is no place for it, and it is only told so.
    pub(super) crowded: bool,
}

/// The service of a connection of HTTP/2, as hyper calls it.
pub(super) fn of(
    front: Arc<Front>,
) -> impl Service<Request<Incoming>, Response = Response<Outbound>, Error = Infallible, Future: Send>
{
    service_fn(move |request| answer(front.clone(), request))
}

async fn answer(
    front: Arc<Front>,
    request: Request<Incoming>,
) -> Result<Response<Outbound>, Infallible> {
    let requests = front.doing.begin();
    let in_flight = InFlight(front);
    let front = &*in_flight.0;
    let worker = &front.worker;
    let live = worker.shared.live();
    let limits = &live.admission.limits;
    let received = worker.clock.now();
    let (parts, incoming) = request.into_parts();
    let body = Body::client(incoming, limits.body, limits.body_timeout);
    let head = Head::from_parts(&parts);
    let mut exchange = Exchange::new(head, body, &front.peer, &live.admission, received);
    let stream = worker.shared.stream(limits);
    let place = stream.as_ref().map(|_| ()).ok_or(Refusal::Busy);
    // What is wrong with a request goes before.
    let admitted = front.admit(exchange.admit(&live.admission)).and(place);
    let reply = unharmed(worker, &live, &mut exchange, admitted).await;
    if front.has_enough(requests, limits) {
        front.doing.finish();
    }
    Ok(response(reply, in_flight, stream))
}

/// Handles a request. A panic there is a bug, but of this one request: it is answered 500 and nothing else is harmed.
pub(super) async fn unharmed(
    worker: &Arc<Worker>,
    live: &Live,
    exchange: &mut Exchange,
    admitted: Result<(), Refusal>,
) -> Reply {
    {
        // Pinned where it is made: it is large, and every move of it would be a copy.
        let handling = pin!(live.app.handle(worker, exchange, admitted));
        if let Some(reply) = caught(handling).await {
            return reply;
        }
    }
    Events::count(&worker.shared.events.panics);
    // In the document's own words, if that is not what panics.
    let mut handling = Box::pin(live.app.handle(worker, exchange, Err(Refusal::Internal)));
    match caught(handling.as_mut()).await {
        Some(reply) => reply,
        None => Reply::new(500),
    }
}

/// What a future comes to; `None` if it panicked.
async fn caught<T>(mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    std::future::poll_fn(|cx| {
        // What was under way is dropped with the future, and what is shared is left only in states that hold.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(polled) => polled.map(Some),
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}

fn response(reply: Reply, in_flight: InFlight, stream: Option<Counted>) -> Response<Outbound> {
    let Reply {
        status,
        headers,
        body,
    } = reply;
    let mut response = Response::new(Outbound {
        body,
        ahead: Bytes::new(),
        broken: None,
        offered: None,
        in_flight,
        _stream: stream,
    });
    response.body_mut().offer();
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers.to_map();
    response
}

/// A request under way, from its head to the last byte of its answer.
pub(super) struct InFlight(pub(super) Arc<Front>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.doing.end(self.0.worker.coarse_now());
    }
}

/// Most bytes of an answer that the engine is given at once. It takes a piece when the client takes any of it, and lets go of a
/// body with its last piece: so this is what may still be unsent of an answer that no longer counts. The largest frame that every
/// client takes (RFC 9113 §4.2).
const PIECE: usize = 16 * 1024;

/// An answer's body as the engine reads it.
pub(super) struct Outbound {
    body: Body,
    /// What was read of it and not handed out.
    ahead: Bytes,
    /// Why the body breaks off, told to the engine one turn later.
    broken: Option<BodyFault>,
    /// Since when the client has not taken what there is of it. The engine asks for more when it does.
    offered: Option<Nanos>,
    in_flight: InFlight,
    _stream: Option<Counted>,
}

impl Outbound {
    fn offer(&mut self) {
        let Front { worker, doing, .. } = &*self.in_flight.0;
        let now = worker.coarse_now();
        doing.offer(now);
        self.offered = Some(now);
    }

    fn taken(&mut self) {
        if let Some(then) = self.offered.take() {
            self.in_flight.0.doing.taken(then);
        }
    }

    /// The next of what was read.
    fn piece(&mut self) -> Frame<Bytes> {
        self.offer();
        let length = self.ahead.len().min(PIECE);
        Frame::data(self.ahead.split_to(length))
    }
}

impl Drop for Outbound {
    fn drop(&mut self) {
        self.taken();
    }
}

impl http_body::Body for Outbound {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        self.taken();
        if let Some(fault) = self.broken.take() {
            return Poll::Ready(Some(Err(fault)));
        }
        if !self.ahead.is_empty() {
            return Poll::Ready(Some(Ok(self.piece())));
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(match frame.into_data() {
                Ok(data) => {
                    self.ahead = data;
                    self.piece()
                }
                Err(frame) => frame,
            }))),
            // The engine drops what it has not written yet when a body breaks off, the head included, and the client would see
            // no answer at all. So it gets a turn to write first.
            Poll::Ready(Some(Err(fault))) => {
                self.broken = Some(fault);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => frame,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.broken.is_none() && self.ahead.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (ahead, behind) = (self.ahead.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        if let Some(upper) = behind.upper() {
            hint.set_upper(upper.saturating_add(ahead));
        }
        hint.set_lower(behind.lower().saturating_add(ahead));
        hint
    }
}
