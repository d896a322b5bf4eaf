//! HTTP/1.1 towards clients: one request after the other, each answered before the next is read.
//!
//! Invariants: what cannot be read, or could be read in two ways, is answered in the document's own words and the connection is
//! closed; nothing of it is forwarded. A connection is used again only if request and answer came to their ends. Whatever
//! the client sends of its next requests meanwhile is bounded.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame};
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep};

use super::registry::Verdict;
use super::service::{Front, InFlight, unharmed};
use super::wire::{BodyPiece, Broken, NoHead, Wire};
use super::{Events, Live};
use crate::exchange::{Body, BodyFault, Exchange, Head, Headers, Reply, field, later};
use crate::h1::{self, Decoder, Encoder, Framing, HeadFault};
use crate::refusal::{Refusal, Why};

/// What a head may have beyond the document's limits, so that they are found and answered where requests are understood.
const SLACK: usize = 4 * 1024;
/// Most of an unread body that is read for the connection's sake.
const UNREAD: usize = 64 * 1024;
/// How long, and for how many bytes, a closed connection is still read from, so that the client gets to see the answer: a socket
/// with unread bytes would be reset, and the answer with it.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 1 << 20;

type SharedWire = Arc<Mutex<Wire>>;

/// Serves a connection until it ends.
pub(super) async fn serve(front: Arc<Front>, wire: Wire) {
    let wire: SharedWire = Arc::new(Mutex::new(wire));
    let mut grace = None;
    loop {
        let Some(read) = poll_fn(|cx| next(&front, &wire, &mut grace, cx)).await else {
            return;
        };
        let mut answering = Answering::begin(Asking {
            front: front.clone(),
            wire: wire.clone(),
            read,
        });
        let after = poll_fn(|cx| answering.poll(cx)).await;
        answering.end();
        match after {
            After::Next => {}
            After::Over => return,
            After::Close => return close(&wire, false).await,
            After::Linger => return close(&wire, true).await,
        }
    }
}

/// What is to be answered.
struct Asking {
    front: Arc<Front>,
    wire: SharedWire,
    read: Result<Head, NoHead>,
}

/// An answer in the making. It has a place of its own, so that a connection that waits for its next request does not carry the
/// room of one that is busy. The thread keeps the places, each with a future that goes from one request to the next: it is
/// large, and to make it anew for each would be to copy it.
struct Answering {
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
    desk: Arc<Mutex<Desk>>,
}

/// What goes into such a place, and what comes out.
#[derive(Default)]
struct Desk {
    asking: Option<Asking>,
    after: Option<After>,
}

/// Places a thread keeps.
const PLACES: usize = 64;

thread_local! {
    static FREE: RefCell<Vec<Answering>> = const { RefCell::new(Vec::new()) };
}

impl Answering {
    fn begin(asking: Asking) -> Answering {
        let kept = FREE.try_with(|free| free.borrow_mut().pop()).ok().flatten();
        let place = kept.unwrap_or_else(|| {
            let desk = Arc::<Mutex<Desk>>::default();
            Answering {
                work: Box::pin(answer_all(desk.clone())),
                desk,
            }
        });
        place.desk.lock().asking = Some(asking);
        place
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<After> {
        // It does not end: after an answer it waits for the next one to make.
        let _ = self.work.as_mut().poll(cx);
        match self.desk.lock().after.take() {
            Some(after) => Poll::Ready(after),
            None => Poll::Pending,
        }
    }

    /// Gives the place back, after an answer.
    fn end(self) {
        // A thread that ends keeps nothing.
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            if free.len() < PLACES {
                free.push(self);
            }
        });
    }
}

/// Answers one request after the other.
async fn answer_all(desk: Arc<Mutex<Desk>>) {
    loop {
        let asking = poll_fn(|_| match desk.lock().asking.take() {
            Some(asking) => Poll::Ready(asking),
            None => Poll::Pending,
        });
        let after = answer(asking.await).await;
        desk.lock().after = Some(after);
    }
}

/// What comes after an answer.
enum After {
    /// Another request.
    Next,
    /// The end of the connection; all was read.
    Close,
    /// The end of the connection; the client may still be sending.
    Linger,
    /// The connection is of no use any more.
    Over,
}

/// Waits for the next head; `None`: the connection is over.
fn next(
    front: &Front,
    wire: &SharedWire,
    grace: &mut Option<Pin<Box<Sleep>>>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Head, NoHead>>> {
    let live = front.worker.shared.live();
    let limits = &live.admission.limits;
    let most_bytes = limits.headers as usize + limits.uri as usize + SLACK;
    let mut wire = wire.lock();
    match wire.poll_head(most_bytes, limits.header_count as usize, cx) {
        Poll::Ready(Err(NoHead::Closed)) => Poll::Ready(None),
        Poll::Ready(read) => Poll::Ready(Some(read)),
        Poll::Pending => {
            if wire.has_read_ahead() {
                if front.verdict() == Verdict::SlowHead {
                    return Poll::Ready(Some(Err(NoHead::TooSlow)));
                }
                // Its first bytes may have come during an answer, when nobody waited for them.
                front.doing.read(front.worker.coarse_now());
            }
            if front.is_over() || front.shall_finish(grace, cx) {
                return Poll::Ready(None);
            }
            Poll::Pending
        }
    }
}

/// Answers a request, or what is none.
async fn answer(asking: Asking) -> After {
    let Asking { front, wire, read } = asking;
    let requests = front.doing.begin();
    wire.lock().answering = false;
    let in_flight = InFlight(front);
    let (front, wire) = (&*in_flight.0, &wire);
    let worker = &front.worker;
    let live = worker.shared.live();
    let (asked, mut exchange, admitted) = admitted(front, &live, wire, read);
    let Some(reply) = handled(front, &live, wire, &mut exchange, admitted).await else {
        return After::Over;
    };
    let limits = &live.admission.limits;
    if front.has_enough(requests, limits) {
        front.doing.finish();
    }
    // A body that nobody wanted is read if it is small; the connection is of no further use otherwise.
    drop((exchange.take_body(), exchange.take_interim()));
    let whole = poll_fn(|cx| {
        // Here, in the loop, and in the body if somebody still has it.
        let shared = Arc::strong_count(wire) > 2;
        let mut wire = wire.lock();
        Poll::Ready(wire.decoder.is_done() || !shared && wire.discard_body(UNREAD, cx))
    })
    .await;
    let whole = whole && reply.status != 101;
    let framing = framing(&reply, &asked);
    // What ends with its connection has no other end (RFC 9112 §6.3).
    let ends = framing != Some(Framing::Close);
    let keep_alive = asked.keep_alive && whole && ends && !front.doing.is_last();
    let written = write(front, wire, &asked, framing, keep_alive, reply).await;
    match (written, keep_alive, whole) {
        (Written::Whole, true, _) => After::Next,
        (Written::Whole, false, true) => After::Close,
        (Written::Whole, false, false) => After::Linger,
        (Written::Broken, ..) => After::Over,
    }
}

/// What of a request decides how its answer is written.
struct Asked {
    keep_alive: bool,
    version: http::Version,
    head_only: bool,
}

fn admitted(
    front: &Front,
    live: &Live,
    wire: &SharedWire,
    read: Result<Head, NoHead>,
) -> (Asked, Exchange, Result<(), Refusal>) {
    let rules = &live.admission;
    let received = front.worker.clock.now();
    let (head, keep_alive, framed) = match read {
        Ok(head) => {
            let framing = h1::of_request(&head.survey, head.version).map_err(Refusal::from);
            let keep_alive = head.survey.keeps_alive(head.version);
            (head, keep_alive, framing)
        }
        Err(fault) => {
            let refusal = fault.refusal(&front.worker.shared.events);
            (Head::unread(), false, Err(refusal))
        }
    };
    match framed {
        Ok(framing) => {
            let mut asked = Asked {
                keep_alive,
                version: head.version,
                head_only: head.method == http::Method::HEAD,
            };
            let body = match framing {
                Framing::Empty => Body::empty(),
                _ => {
                    wire.lock().decoder = Decoder::new(framing);
                    Body::wire(WireBody {
                        wire: wire.clone(),
                        // An interim answer is nothing that HTTP/1.0 knows (RFC 9110 §10.1.1).
                        expected: head.survey.expect && head.version == http::Version::HTTP_11,
                        length: match framing {
                            Framing::Length(length) => Some(length),
                            _ => None,
                        },
                        left: rules.limits.body,
                        pause: Some(rules.limits.body_timeout),
                        tunnel: false,
                        timer: None,
                        done: false,
                    })
                }
            };
            // RFC 6455 §4.1, and RFC 9110 §7.8 of HTTP/1.0.
            let websocket = framing == Framing::Empty
                && head.method == http::Method::GET
                && head.version == http::Version::HTTP_11
                && head.survey.is_websocket();
            let mut exchange = Exchange::new(head, body, &front.peer, rules, received);
            // HTTP/1.0 knows no interim answer (RFC 9110 §15.2).
            if asked.version == http::Version::HTTP_11 {
                exchange.offer_interim(Interim(wire.clone()));
            }
            if websocket {
                exchange.offer_tunnel(Body::wire(WireBody::tunnel(wire.clone())));
            }
            let admitted = front.admit(exchange.admit(rules));
            if let Err(Refusal::BadRequest(_) | Refusal::BadHost | Refusal::BadPath(_)) = admitted {
                // Whoever made this request may have made it of two.
                asked.keep_alive = false;
            }
            (asked, exchange, admitted)
        }
        Err(refusal) => {
            // Where the next request begins is not known.
            let asked = Asked {
                keep_alive: false,
                version: head.version,
                head_only: head.method == http::Method::HEAD,
            };
            wire.lock().decoder = Decoder::Close;
            let exchange = Exchange::new(head, Body::empty(), &front.peer, rules, received);
            (asked, exchange, Err(refusal))
        }
    }
}

impl NoHead {
    /// What the client is told.
    fn refusal(self, events: &Events) -> Refusal {
        match self {
            NoHead::TooSlow => {
                Events::count(&events.head_timeout);
                Refusal::RequestTimeout
            }
            NoHead::TargetTooLong => Refusal::UriTooLong,
            NoHead::TooLong | NoHead::Fault(HeadFault::TooManyFields) => Refusal::HeadersTooLarge,
            NoHead::Fault(fault) => Refusal::BadRequest(match fault {
                HeadFault::Method => Why::Method,
                HeadFault::Target => Why::Target,
                HeadFault::Field => Why::Field,
                HeadFault::TooManyFields | HeadFault::Head => Why::Head,
            }),
            NoHead::Closed => Refusal::ClientGone,
        }
    }
}

/// Where interim answers of a back end go: to the client at once, before the answer that is being made. Behind that one's head
/// they would be a part of its body, so nobody gets them then.
pub(crate) struct Interim(SharedWire);

impl std::fmt::Debug for Interim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interim")
    }
}

impl Interim {
    /// Passes one on. It is left out where the client does not read and enough waits for it already.
    pub(crate) fn pass(&self, status: u16, headers: &Headers) {
        let mut wire = self.0.lock();
        if !wire.answering && !wire.out.is_full() {
            h1::interim_head(wire.out.text(), status, headers);
        }
    }
}

/// Has the request handled; `None`: the client went away meanwhile, and the handling with it.
async fn handled(
    front: &Front,
    live: &Live,
    wire: &SharedWire,
    exchange: &mut Exchange,
    admitted: Result<(), Refusal>,
) -> Option<Reply> {
    // Pinned where it is made: it is large, and every move of it would be a copy.
    let mut handling = pin!(unharmed(&front.worker, live, exchange, admitted));
    poll_fn(|cx| {
        if let Poll::Ready(reply) = handling.as_mut().poll(cx) {
            return Poll::Ready(Some(reply));
        }
        let mut wire = wire.lock();
        wire.belongs_to(cx.waker());
        // What goes before the answer does not wait for it.
        let broken = !wire.out.is_empty() && matches!(wire.poll_out(cx), Poll::Ready(Err(_)));
        if broken || wire.poll_gone(cx).is_ready() || front.is_over() {
            return Poll::Ready(None);
        }
        Poll::Pending
    })
    .await
}

/// How far an answer came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// To its end.
    Whole,
    /// Not to its end: the client cannot go on here.
    Broken,
}

/// Writes an answer.
async fn write(
    front: &Front,
    wire: &SharedWire,
    asked: &Asked,
    framing: Option<Framing>,
    keep_alive: bool,
    reply: Reply,
) -> Written {
    let Reply {
        status,
        headers,
        mut body,
    } = reply;
    let connection = match (keep_alive, asked.version) {
        (false, _) => "close",
        (true, http::Version::HTTP_10) => "keep-alive",
        (true, _) => "",
    };
    let date = front.worker.clock.http_date();
    let whole = {
        let mut wire = wire.lock();
        wire.answering = true;
        let out = &mut wire.out;
        h1::response_head(out.text(), status, &headers, framing, connection, &date);
        body.write_whole(out)
    };
    drop(headers);
    let mut encoder = match framing {
        _ if whole => Encoder::Whole,
        // What is said of the body of an answer to HEAD is not what is sent.
        Some(framing) if !asked.head_only => Encoder::new(framing),
        _ => Encoder::new(Framing::Empty),
    };
    poll_fn(|cx| {
        loop {
            let mut waits = false;
            // No lock is held here: a body may read from this very connection.
            while !encoder.is_done() && !wire.lock().out.is_full() {
                if body.is_end_stream() {
                    encoder.end(&mut wire.lock().out);
                    break;
                }
                let Poll::Ready(frame) = Pin::new(&mut body).poll_frame(cx) else {
                    waits = true;
                    break;
                };
                let out = &mut wire.lock().out;
                match frame {
                    // One that is too long is broken from here on.
                    Some(Ok(frame)) => drop(encoder.put(frame, out)),
                    Some(Err(_)) => encoder.abort(),
                    None => encoder.end(out),
                }
            }
            let mut wire = wire.lock();
            match wire.poll_out(cx) {
                Poll::Ready(Ok(())) if encoder.is_done() => {
                    return Poll::Ready(match encoder {
                        Encoder::Whole => Written::Whole,
                        _ => Written::Broken,
                    });
                }
                Poll::Ready(Ok(())) if !waits => continue,
                Poll::Ready(Ok(())) | Poll::Pending => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Written::Broken),
            }
            if wire.poll_gone(cx).is_ready() || front.is_over() {
                return Poll::Ready(Written::Broken);
            }
            return Poll::Pending;
        }
    })
    .await
}

/// How the body of an answer is framed; `None`: there is none, and nothing is said of it.
fn framing(reply: &Reply, asked: &Asked) -> Option<Framing> {
    let Reply {
        status,
        headers,
        body,
    } = reply;
    match status {
        // From here on both sides speak freely.
        101 => return Some(Framing::Close),
        100..=199 | 204 | 304 => return None,
        _ => {}
    }
    if asked.head_only {
        // What the answer to GET would say, if that is known.
        let length = headers.get_str(field::CONTENT_LENGTH)?.parse().ok()?;
        return Some(match length {
            0 => Framing::Empty,
            length => Framing::Length(length),
        });
    }
    Some(match body.len() {
        Some(0) => Framing::Empty,
        Some(length) => Framing::Length(length),
        None if asked.version == http::Version::HTTP_10 => Framing::Close,
        None => Framing::Chunked,
    })
}

/// Ends a connection so that the client sees all that was written.
async fn close(wire: &SharedWire, linger: bool) {
    let closing = async {
        if poll_fn(|cx| wire.lock().poll_close(cx)).await.is_err() || !linger {
            return;
        }
        let mut left = LINGER_BYTES;
        while let Ok(read @ 1..) = poll_fn(|cx| wire.lock().poll_discard(cx)).await {
            match left.checked_sub(read) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    // A client that does not listen is not waited for.
    let _ = tokio::time::timeout(LINGER, closing).await;
}

/// The body of a request, with its limit and its longest pause.
pub(crate) struct WireBody {
    wire: SharedWire,
    /// Whether the client waits to be told to send it.
    expected: bool,
    /// Bytes that are still to come, if that is known.
    length: Option<u64>,
    /// Bytes that may still come.
    left: u64,
    /// The longest pause; `None`: whoever reads it has one of its own.
    pause: Option<Duration>,
    /// Whether it is all that the client sends from its first look on, whatever it means.
    tunnel: bool,
    /// Made at the first pause: a body that is there already costs no timer.
    timer: Option<Pin<Box<Sleep>>>,
    done: bool,
}

impl WireBody {
    fn tunnel(wire: SharedWire) -> WireBody {
        WireBody {
            wire,
            expected: false,
            length: None,
            left: u64::MAX,
            pause: None,
            tunnel: true,
            timer: None,
            done: false,
        }
    }

    /// Lowers the most bytes it may have.
    pub(crate) fn limit(&mut self, most: u64) {
        self.left = self.left.min(most);
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.done
    }

    /// Its length, if that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if self.done {
            return Poll::Ready(None);
        }
        if self.length.is_some_and(|length| length > self.left) {
            return self.fail(BodyFault::TooLarge);
        }
        let polled = {
            let mut wire = self.wire.lock();
            if std::mem::take(&mut self.tunnel) {
                wire.decoder = Decoder::Close;
            }
            let expected = std::mem::take(&mut self.expected) && !wire.answering;
            if expected && !wire.has_read_ahead() {
                wire.say_continue(cx.waker());
            }
            wire.poll_body(cx)
        };
        match polled {
            Poll::Ready(Ok(BodyPiece::Data(data))) => {
                self.timer = None;
                let bytes = data.len() as u64;
                let Some(left) = self.left.checked_sub(bytes) else {
                    return self.fail(BodyFault::TooLarge);
                };
                self.left = left;
                if let Some(length) = &mut self.length {
                    *length = length.saturating_sub(bytes);
                    self.done = *length == 0;
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Poll::Ready(Ok(BodyPiece::End(trailers))) => {
                self.done = true;
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers.to_map()))))
            }
            Poll::Ready(Err(Broken::Gone)) => self.fail(BodyFault::ClientGone),
            Poll::Ready(Err(Broken::Garbled)) => self.fail(BodyFault::ClientGarbled),
            Poll::Pending => {
                let Some(pause) = self.pause else {
                    return Poll::Pending;
                };
                let timer = self.timer.get_or_insert_with(|| {
                    Box::pin(tokio::time::sleep_until(later(Instant::now(), pause)))
                });
                ready!(timer.as_mut().poll(cx));
                self.fail(BodyFault::ClientTimeout)
            }
        }
    }

    fn fail(&mut self, fault: BodyFault) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        self.done = true;
        Poll::Ready(Some(Err(fault)))
    }
}

#[cfg(test)]
mod tests;
