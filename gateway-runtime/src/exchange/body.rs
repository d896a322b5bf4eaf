//! Bodies: pulled frame by frame, so that a slow reader slows its writer down, trailers included.
//!
//! Invariants: a body from a client never yields more than its limit and never pauses longer than its span; a body that could
//! not be read to its end says so with a [`BodyFault`], never by merely ending. Absent on purpose: compression, and bodies
//! that are read twice.

mod client;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use client::ClientBody;

use super::Headers;
use super::room::{Held, Room};
use crate::client::{LinkBody, StreamBody, Ticket};
use crate::h1::Outbox;
use crate::server::WireBody;
use crate::spare::Spare;

/// Why a body did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// The client's body is longer than the limit.
    TooLarge,
    /// The client paused too long.
    ClientTimeout,
    /// The client went away, or reset its stream.
    ClientGone,
    /// The client's framing is broken.
    ClientGarbled,
    /// The back end closed the connection inside its answer.
    UpstreamReset,
    /// The back end's framing is broken.
    UpstreamGarbled,
    /// The back end paused too long.
    UpstreamTimeout,
}

impl BodyFault {
    /// Whether a back end broke its answer off.
    pub(crate) fn is_upstreams(self) -> bool {
        self.cut().is_some()
    }

    /// The same, with the word for it in logs and metrics.
    pub(crate) fn cut(self) -> Option<Cut> {
        match self {
            BodyFault::UpstreamReset => Some(Cut::Reset),
            BodyFault::UpstreamGarbled => Some(Cut::Garbled),
            BodyFault::UpstreamTimeout => Some(Cut::Timeout),
            BodyFault::TooLarge
            | BodyFault::ClientTimeout
            | BodyFault::ClientGone
            | BodyFault::ClientGarbled => None,
        }
    }
}

/// How a back end broke off an answer that had begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Its framing is broken.
    Garbled,
    /// It closed the connection.
    Reset,
    /// It paused too long.
    Timeout,
}

impl Cut {
    /// The words for each, the same as of a request that got no answer at all.
    pub(crate) const LABELS: [&'static str; 3] =
        ["upstream_garbled", "upstream_reset", "upstream_timeout"];

    /// The place of its word among them.
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// Its word.
    pub(crate) fn label(self) -> &'static str {
        Cut::LABELS[self.index()]
    }
}

impl std::fmt::Display for BodyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            BodyFault::TooLarge => "the request body is too large",
            BodyFault::ClientTimeout => "the client paused too long",
            BodyFault::ClientGone => "the client went away",
            BodyFault::ClientGarbled => "the request body is not framed as HTTP wants it",
            BodyFault::UpstreamReset => "the back end closed the connection",
            BodyFault::UpstreamGarbled => "the answer is not framed as HTTP wants it",
            BodyFault::UpstreamTimeout => "the back end paused too long",
        })
    }
}

impl std::error::Error for BodyFault {}

/// The body of a message.
#[derive(Default)]
pub(crate) struct Body {
    kind: Kind,
}

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Full(Bytes),
    Short(Spare<Vec<u8>>),
    Trailed(Box<Trailed>),
    Client(Box<ClientBody>),
    Wire(Box<WireBody>),
    Upstream(Box<LinkBody>),
    Stream(Box<StreamBody>),
    Prefixed(Box<Prefixed>),
    Watched(Box<Watched>),
    /// Frames that a test sends.
    #[cfg(test)]
    Scripted(std::collections::VecDeque<Result<Frame<Bytes>, BodyFault>>),
}

/// What gathering a body within the room there is came to. Nothing is lost: other bodies begin with what was read.
pub(crate) enum Gathered {
    /// All of it.
    Whole(Whole),
    /// It is longer than was asked for.
    Longer(Body),
    /// There is no room for more of it.
    Crowded(Body),
}

/// What reading a whole body came to.
pub(crate) enum Buffered {
    /// All of it, with its trailers.
    Whole(Bytes, Option<Headers>),
    /// It is longer than was asked for. Nothing is lost: this body begins with what was read.
    Longer(Body),
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyEnd {
    /// Bytes that were read from it.
    pub(crate) bytes: u64,
    /// Whether it came to its end; if not, it broke off or its reader went away.
    pub(crate) complete: bool,
    /// Why it broke off, if it did so by itself.
    pub(crate) fault: Option<BodyFault>,
}

impl Body {
    /// No bytes.
    pub(crate) fn empty() -> Body {
        Body::default()
    }

    /// These bytes.
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
        let bytes = bytes.into();
        Body {
            kind: if bytes.is_empty() {
                Kind::Empty
            } else {
                Kind::Full(bytes)
            },
        }
    }

    /// These bytes, which are few.
    pub(crate) fn short(bytes: Spare<Vec<u8>>) -> Body {
        Body {
            kind: match bytes.is_empty() {
                true => Kind::Empty,
                false => Kind::Short(bytes),
            },
        }
    }

    /// Writes the body to `out`, if all of it is here; afterwards it is empty.
    pub(crate) fn write_whole(&mut self, out: &mut Outbox) -> bool {
        match std::mem::take(&mut self.kind) {
            Kind::Empty => {}
            Kind::Full(bytes) => out.push(bytes),
            Kind::Short(bytes) => out.text().extend_from_slice(&bytes),
            kind => {
                self.kind = kind;
                return false;
            }
        }
        true
    }

    /// What was read whole, as a body again.
    pub(crate) fn whole(bytes: Bytes, trailers: Option<Headers>) -> Body {
        match trailers {
            None => Body::full(bytes),
            Some(trailers) => Body {
                kind: Kind::Trailed(Box::new(Trailed {
                    bytes: Some(bytes),
                    trailers: Some(trailers),
                })),
            },
        }
    }

    /// A request's body, as the engine for HTTP/1.1 reads it.
    pub(crate) fn wire(body: WireBody) -> Body {
        Body {
            kind: Kind::Wire(Box::new(body)),
        }
    }

    /// A request's body, as the engine for HTTP/2 reads it.
    pub(crate) fn client(incoming: Incoming, limit: u64, pause: Duration) -> Body {
        if incoming.is_end_stream() {
            return Body::empty();
        }
        Body {
            kind: Kind::Client(Box::new(ClientBody::new(incoming, limit, pause))),
        }
    }

    /// An answer's body, as the client side reads it.
    pub(crate) fn upstream(body: LinkBody) -> Body {
        Body {
            kind: Kind::Upstream(Box::new(body)),
        }
    }

    /// An answer's body over HTTP/2.
    pub(crate) fn stream(body: StreamBody) -> Body {
        Body {
            kind: Kind::Stream(Box::new(body)),
        }
    }

    /// These frames, of unknown length.
    #[cfg(test)]
    pub(crate) fn scripted(
        frames: impl IntoIterator<Item = Result<Frame<Bytes>, BodyFault>>,
    ) -> Body {
        Body {
            kind: Kind::Scripted(frames.into_iter().collect()),
        }
    }

    /// Whether it is known to have no bytes.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.kind, Kind::Empty)
    }

    /// Its length, if all of it is here already.
    pub(crate) fn whole_len(&self) -> Option<u64> {
        match &self.kind {
            Kind::Empty => Some(0),
            Kind::Full(bytes) => Some(bytes.len() as u64),
            Kind::Short(bytes) => Some(bytes.len() as u64),
            _ => None,
        }
    }

    /// Its length, if known.
    pub(crate) fn len(&self) -> Option<u64> {
        self.size_hint().exact()
    }

    /// Lowers (never raises) the most bytes a request's body may have. Other bodies have no limit.
    pub(crate) fn limit(&mut self, most: u64) {
        match &mut self.kind {
            Kind::Wire(body) => body.limit(most),
            Kind::Client(body) => body.limit(most),
            _ => {}
        }
    }

    /// Sets the longest pause of an answer's body. Others have their own, or none.
    pub(crate) fn pause(&mut self, longest: Duration) {
        match &mut self.kind {
            Kind::Upstream(body) => body.pause(longest),
            Kind::Stream(body) => body.pause(longest),
            _ => {}
        }
    }

    /// Has a request to a back end end with this body: at once, if all of the answer is here.
    pub(crate) fn hold(&mut self, ticket: Option<Ticket>) {
        match (&mut self.kind, ticket) {
            (Kind::Upstream(body), Some(ticket)) => body.hold(ticket),
            (Kind::Stream(body), Some(ticket)) => body.hold(ticket),
            _ => {}
        }
    }

    /// The same body; `watch` is called once, when it has ended or is dropped.
    #[must_use]
    pub(crate) fn watched(self, watch: impl FnOnce(BodyEnd) + Send + Sync + 'static) -> Body {
        Body {
            kind: Kind::Watched(Box::new(Watched {
                inner: self,
                bytes: 0,
                watch: Some(Box::new(watch)),
            })),
        }
    }

    /// Reads the whole body, if it has at most `most` bytes. For bodies that are small, or that nobody else has a say in; others
    /// are to [`gather`](Body::gather).
    pub(crate) async fn buffer(mut self, most: usize) -> Result<Buffered, BodyFault> {
        Ok(match self.read(most, None).await? {
            Read::Whole(bytes, trailers, _) => Buffered::Whole(bytes, trailers),
            Read::Longer(body) | Read::Crowded(body) => Buffered::Longer(body),
        })
    }

    /// Reads the whole body, if it has at most `most` bytes and there is room for them.
    pub(crate) async fn gather(
        mut self,
        most: usize,
        room: &Arc<Room>,
    ) -> Result<Gathered, BodyFault> {
        let read = self.read(most, Some(room)).await?;
        Ok(Gathered::of(read, room))
    }

    /// The same of an answer, which is to be there by `until`: otherwise its back end has paused too long.
    pub(crate) async fn gather_by(
        mut self,
        most: usize,
        room: &Arc<Room>,
        until: Instant,
    ) -> Result<Gathered, BodyFault> {
        match tokio::time::timeout_at(until, self.read(most, Some(room))).await {
            Ok(read) => Ok(Gathered::of(read?, room)),
            Err(_) => {
                self.expire();
                Err(BodyFault::UpstreamTimeout)
            }
        }
    }

    /// The back end of an answer has paused too long.
    fn expire(&mut self) {
        match &mut self.kind {
            Kind::Upstream(body) => body.expire(),
            Kind::Stream(body) => body.expire(),
            Kind::Prefixed(body) => body.inner.expire(),
            Kind::Watched(body) => body.inner.expire(),
            _ => {}
        }
    }

    /// Takes what is read of the body out of it.
    async fn read(&mut self, most: usize, room: Option<&Arc<Room>>) -> Result<Read, BodyFault> {
        match &mut self.kind {
            Kind::Empty => return Ok(Read::Whole(Bytes::new(), None, None)),
            // What is here has its room already, or needs none.
            Kind::Full(bytes) if bytes.len() <= most => {
                return Ok(Read::Whole(std::mem::take(bytes), None, None));
            }
            Kind::Short(bytes) if bytes.len() <= most => {
                return Ok(Read::Whole(Bytes::copy_from_slice(bytes), None, None));
            }
            Kind::Full(_) | Kind::Short(_) => return Ok(Read::Longer(std::mem::take(self))),
            _ => {}
        }
        if self.size_hint().lower() > most as u64 {
            return Ok(Read::Longer(std::mem::take(self)));
        }
        let mut held = room.map(Held::none);
        let mut read = Vec::new();
        let mut only: Option<Bytes> = None;
        let mut trailers = None;
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut *self).poll_frame(cx)).await
        {
            match frame?.into_data() {
                Ok(data) => {
                    let so_far = read.len() + only.as_ref().map_or(0, Bytes::len);
                    let length = so_far + data.len();
                    let fits = length <= most;
                    if !fits || !held.as_mut().is_none_or(|held| held.reach(length)) {
                        // Taken from the end.
                        let prefix = vec![data, only.unwrap_or_else(|| Bytes::from(read))];
                        let body = Body {
                            kind: Kind::Prefixed(Box::new(Prefixed {
                                prefix,
                                inner: std::mem::take(self),
                            })),
                        };
                        return Ok(match fits {
                            true => Read::Crowded(body),
                            false => Read::Longer(body),
                        });
                    }
                    // Most bodies are one frame: these are never copied.
                    if so_far == 0 {
                        only = Some(data);
                    } else {
                        if let Some(first) = only.take() {
                            read.extend_from_slice(&first);
                        }
                        read.extend_from_slice(&data);
                    }
                }
                Err(frame) => {
                    if let Ok(map) = frame.into_trailers() {
                        trailers = Some(Headers::from_map(&map));
                    }
                }
            }
        }
        let bytes = only.unwrap_or_else(|| Bytes::from(read));
        Ok(Read::Whole(bytes, trailers, held))
    }
}

/// What was read of a body.
enum Read {
    Whole(Bytes, Option<Headers>, Option<Held>),
    Longer(Body),
    Crowded(Body),
}

impl Gathered {
    fn of(read: Read, room: &Arc<Room>) -> Gathered {
        match read {
            Read::Whole(bytes, trailers, held) => Gathered::Whole(Whole {
                bytes,
                trailers,
                held: held.unwrap_or_else(|| Held::none(room)),
            }),
            Read::Longer(body) => Gathered::Longer(body),
            Read::Crowded(body) => Gathered::Crowded(body),
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.kind {
            Kind::Empty => "Body::Empty",
            Kind::Full(_) => "Body::Full",
            Kind::Short(_) => "Body::Short",
            Kind::Trailed(_) => "Body::Trailed",
            Kind::Client(_) => "Body::Client",
            Kind::Wire(_) => "Body::Wire",
            Kind::Upstream(_) => "Body::Upstream",
            Kind::Stream(_) => "Body::Stream",
            Kind::Prefixed(_) => "Body::Prefixed",
            Kind::Watched(_) => "Body::Watched",
            #[cfg(test)]
            Kind::Scripted(_) => "Body::Scripted",
        })
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = self.get_mut();
        match &mut this.kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                this.kind = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Kind::Short(bytes) => {
                let bytes = Bytes::copy_from_slice(bytes);
                this.kind = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Kind::Trailed(body) => Poll::Ready(body.next().map(Ok)),
            Kind::Client(body) => body.poll_frame(cx),
            Kind::Wire(body) => body.poll_frame(cx),
            Kind::Upstream(body) => body.poll_frame(cx),
            Kind::Stream(body) => body.poll_frame(cx),
            Kind::Prefixed(body) => match body.prefix.pop() {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None => Pin::new(&mut body.inner).poll_frame(cx),
            },
            Kind::Watched(body) => body.poll_frame(cx),
            #[cfg(test)]
            Kind::Scripted(frames) => Poll::Ready(frames.pop_front()),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Full(_) | Kind::Short(_) => false,
            Kind::Trailed(body) => body.bytes.is_none() && body.trailers.is_none(),
            Kind::Client(body) => body.is_end_stream(),
            Kind::Wire(body) => body.is_end_stream(),
            Kind::Upstream(body) => body.is_end_stream(),
            Kind::Stream(body) => body.is_end_stream(),
            Kind::Prefixed(body) => body.prefix.is_empty() && body.inner.is_end_stream(),
            Kind::Watched(body) => body.inner.is_end_stream(),
            #[cfg(test)]
            Kind::Scripted(frames) => frames.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Short(bytes) => SizeHint::with_exact(bytes.len() as u64),
            // Said to be unknown, since a body with a length has no trailers (RFC 9112 §7.1.2).
            Kind::Trailed(_) => SizeHint::default(),
            Kind::Client(body) => body.size_hint(),
            Kind::Wire(body) => hint(body.length()),
            Kind::Upstream(body) => hint(body.length()),
            Kind::Stream(body) => body.size_hint(),
            Kind::Prefixed(body) => {
                let before: u64 = body.prefix.iter().map(|bytes| bytes.len() as u64).sum();
                let inner = body.inner.size_hint();
                let mut hint = SizeHint::new();
                hint.set_lower(inner.lower().saturating_add(before));
                if let Some(upper) = inner.upper() {
                    hint.set_upper(upper.saturating_add(before));
                }
                hint
            }
            Kind::Watched(body) => body.inner.size_hint(),
            #[cfg(test)]
            Kind::Scripted(_) => SizeHint::default(),
        }
    }
}

fn hint(length: Option<u64>) -> SizeHint {
    length.map_or_else(SizeHint::default, SizeHint::with_exact)
}

/// A body that is there, with trailers behind it.
struct Trailed {
    bytes: Option<Bytes>,
    trailers: Option<Headers>,
}

/// A body that was read whole.
pub(crate) struct Whole {
    /// Its bytes.
    pub(crate) bytes: Bytes,
    /// Its trailers.
    pub(crate) trailers: Option<Headers>,
    /// Their room.
    held: Held,
}

impl Whole {
    /// The same as a body again, with its room until it has been written.
    pub(crate) fn body(self) -> Body {
        Body::whole(self.held.keep(self.bytes), self.trailers)
    }

    /// Its bytes for who has a bound of its own: their room is free at once.
    pub(crate) fn released(self) -> Bytes {
        match self.held.is_owner(&self.bytes) {
            true => self.bytes,
            // They were read before, and have their room with them.
            false => Bytes::copy_from_slice(&self.bytes),
        }
    }
}

impl Trailed {
    fn next(&mut self) -> Option<Frame<Bytes>> {
        if let Some(bytes) = self.bytes.take() {
            return Some(Frame::data(bytes));
        }
        let trailers = self.trailers.take()?;
        Some(Frame::trailers(trailers.to_map()))
    }
}

/// A frame of HTTP/2 as it may be passed on: of trailers, those that may stand there ([`Headers::into_trailers`]).
pub(crate) fn trailers_checked(frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
    match frame.into_trailers() {
        Ok(sent) => {
            let trailers = Headers::from_map(&sent).into_trailers()?;
            Some(Frame::trailers(trailers.to_map()))
        }
        Err(frame) => Some(frame),
    }
}

/// The moment `span` after `now`; a year later if there is none.
pub(crate) fn later(now: Instant, span: Duration) -> Instant {
    now.checked_add(span)
        .unwrap_or_else(|| now + Duration::from_secs(86_400 * 365))
}

/// A body of which a part was read already. The pieces stand in reverse order.
struct Prefixed {
    prefix: Vec<Bytes>,
    inner: Body,
}

struct Watched {
    inner: Body,
    bytes: u64,
    watch: Option<Box<dyn FnOnce(BodyEnd) + Send + Sync>>,
}

impl Watched {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.bytes += data.len() as u64;
                }
                if self.inner.is_end_stream() {
                    self.end(true, None);
                }
            }
            Some(Err(fault)) => self.end(false, Some(*fault)),
            None => self.end(true, None),
        }
        Poll::Ready(frame)
    }

    fn end(&mut self, complete: bool, fault: Option<BodyFault>) {
        if let Some(watch) = self.watch.take() {
            watch(BodyEnd {
                bytes: self.bytes,
                complete,
                fault,
            });
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // An empty body is never polled.
        let complete = self.inner.is_end_stream();
        self.end(complete, None);
    }
}
