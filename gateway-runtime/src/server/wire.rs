//! A client's connection: bytes that were read ahead, bytes that wait to be written, and notes for the sweep of what happens.
//!
//! Both engines use it. The one for HTTP/2 reads and writes through it; that for HTTP/1.1 takes heads and bodies out of it. A
//! connection that is idle holds no buffer: heads are read into one that the thread has for all its connections.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::registry::Doing;
use super::worker::Worker;
use crate::exchange::{Head, Headers};
use crate::h1::{self, Decoder, HeadFault, Outbox, Piece};
use crate::tls::{SCRATCH, Stream};

/// What a client that speaks HTTP/2 without having asked sends first (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Most bytes of further requests that are read while one is answered.
const AHEAD: usize = 16 * 1024;
/// Most bytes of a body that are read at once.
const LARGEST_READ: usize = 64 * 1024;

/// A client's connection.
pub(super) struct Wire {
    stream: Stream,
    worker: Arc<Worker>,
    doing: Arc<Doing>,
    /// What was read and not used.
    ahead: BytesMut,
    /// Bytes of it that were looked at as a part of a head.
    searched: usize,
    /// What is left of the body of the request at hand.
    pub(super) decoder: Decoder,
    /// What waits to be written.
    pub(super) out: Outbox,
    /// Wakes the task of the connection, which alone writes.
    owner: Option<Waker>,
    /// Whether the head of the answer at hand is written: no other may follow it.
    pub(super) answering: bool,
}

/// Why no head came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoHead {
    /// The client closed the connection.
    Closed,
    /// What came is none.
    Fault(HeadFault),
    /// It is longer than a head may be, and its first line alone is.
    TargetTooLong,
    /// It is longer than a head may be.
    TooLong,
    /// It did not come to its end in time.
    TooSlow,
}

impl Wire {
    pub(super) fn new(stream: Stream, worker: Arc<Worker>, doing: Arc<Doing>) -> Wire {
        Wire {
            stream,
            worker,
            doing,
            ahead: BytesMut::new(),
            searched: 0,
            decoder: Decoder::Done,
            out: Outbox::default(),
            owner: None,
            answering: false,
        }
    }

    /// Notes the task of the connection.
    pub(super) fn belongs_to(&mut self, waker: &Waker) {
        if self.owner.is_none() {
            self.owner = Some(waker.clone());
        }
    }

    /// Has the task of the connection look again, if `reader` is another one: towards HTTP/2, bodies are read by the task of the
    /// back end's connection, and a socket wakes one reader and one writer.
    fn wake_owner(&self, reader: &Waker) {
        if let Some(owner) = &self.owner
            && !owner.will_wake(reader)
        {
            owner.wake_by_ref();
        }
    }

    /// Tells a client that waits to go on.
    pub(super) fn say_continue(&mut self, reader: &Waker) {
        let text = self.out.text();
        text.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        self.wake_owner(reader);
    }

    /// Reads as much as it takes to tell whether the client speaks HTTP/2. `None`: it closed the connection before.
    pub(super) fn poll_speaks_http2(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<bool>>> {
        loop {
            let seen = self.ahead.len().min(PREFACE.len());
            if seen > 0 && self.ahead.get(..seen) != PREFACE.get(..seen) {
                return Poll::Ready(Ok(Some(false)));
            }
            if seen == PREFACE.len() {
                return Poll::Ready(Ok(Some(true)));
            }
            if ready!(self.poll_read_ahead(cx))? == 0 {
                return Poll::Ready(Ok((seen > 0).then_some(false)));
            }
        }
    }

    /// Reads a request's head of at most `most_bytes` and `most_fields`.
    pub(super) fn poll_head(
        &mut self,
        most_bytes: usize,
        most_fields: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Head, NoHead>> {
        if self.ahead.is_empty() {
            // The plain case: a whole head at once, taken from where it was read.
            let read = ready!(self.poll_scratch(cx, |ahead, bytes| {
                let parsed = h1::request(bytes, most_fields);
                let used = match &parsed {
                    Ok(Some((_, length))) => *length,
                    _ => 0,
                };
                ahead.extend_from_slice(bytes.get(used..).unwrap_or_default());
                parsed
            }));
            match read {
                Err(_) | Ok(None) => return Poll::Ready(Err(NoHead::Closed)),
                Ok(Some(Ok(Some((head, _))))) => return Poll::Ready(Ok(head)),
                Ok(Some(Err(fault))) => return Poll::Ready(Err(NoHead::Fault(fault))),
                Ok(Some(Ok(None))) => self.searched = self.ahead.len(),
            }
        }
        loop {
            // A head that comes in drops is not read again for every drop, but for every line: it is refused as soon as one is faulty.
            let full = self.ahead.len() >= most_bytes;
            if full || self.searched == 0 || self.has_new_line() {
                match h1::request(&self.ahead, most_fields) {
                    Ok(Some((head, length))) => {
                        self.searched = 0;
                        self.ahead.advance(length);
                        self.tidy();
                        return Poll::Ready(Ok(head));
                    }
                    Ok(None) if full => return Poll::Ready(Err(self.too_long())),
                    Ok(None) => {}
                    Err(fault) => return Poll::Ready(Err(NoHead::Fault(fault))),
                }
            }
            self.searched = self.ahead.len();
            match ready!(self.poll_read_ahead(cx)) {
                Ok(0) | Err(_) => return Poll::Ready(Err(NoHead::Closed)),
                Ok(_) => {}
            }
        }
    }

    fn has_new_line(&self) -> bool {
        let new = self.ahead.get(self.searched..).unwrap_or_default();
        memchr::memchr(b'\n', new).is_some()
    }

    fn too_long(&self) -> NoHead {
        match memchr::memchr(b'\n', &self.ahead) {
            None => NoHead::TargetTooLong,
            Some(_) => NoHead::TooLong,
        }
    }

    /// Whether anything of a head, or of a body that nobody waits for, is here.
    pub(super) fn has_read_ahead(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// The next piece of the body at hand: its bytes, or its end with what trails it.
    pub(super) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyPiece, Broken>> {
        loop {
            match self
                .decoder
                .next(&self.ahead)
                .map_err(|_| Broken::Garbled)?
            {
                Piece::Data { skip, length } => {
                    self.ahead.advance(skip);
                    let data = self.ahead.split_to(length).freeze();
                    self.tidy();
                    if self.decoder.is_done() {
                        self.wake_owner(cx.waker());
                    }
                    return Poll::Ready(Ok(BodyPiece::Data(data)));
                }
                Piece::End { skip, trailers } => {
                    self.ahead.advance(skip);
                    self.tidy();
                    self.wake_owner(cx.waker());
                    return Poll::Ready(Ok(BodyPiece::End(trailers)));
                }
                Piece::Nothing => self.ahead.clear(),
            }
            let read = match self.decoder.left() {
                Some(left) if left > SCRATCH as u64 => {
                    let most = usize::try_from(left)
                        .unwrap_or(LARGEST_READ)
                        .min(LARGEST_READ);
                    self.ahead.reserve(most);
                    let read = ready!(tokio_util::io::poll_read_buf(
                        Pin::new(&mut self.stream),
                        cx,
                        &mut self.ahead
                    ));
                    self.doing.read(self.worker.coarse_now());
                    read
                }
                _ => ready!(self.poll_read_ahead(cx)),
            };
            if read.map_err(|_| Broken::Gone)? == 0 {
                return Poll::Ready(match self.decoder.ends_here() {
                    true => Ok(BodyPiece::End(None)),
                    // An incomplete message (RFC 9112 §8), whose sender may still read why it was refused. One that has left looks
                    // the same from here.
                    false => Err(Broken::Garbled),
                });
            }
        }
    }

    /// Throws away what is left of the body, as far as it is here and not more than `most` bytes; tells whether that was all.
    pub(super) fn discard_body(&mut self, mut most: usize, cx: &mut Context<'_>) -> bool {
        while !self.decoder.is_done() {
            match self.poll_body(cx) {
                Poll::Ready(Ok(BodyPiece::Data(data))) if data.len() <= most => most -= data.len(),
                Poll::Ready(Ok(BodyPiece::End(_))) => {}
                _ => break,
            }
        }
        self.decoder.is_done()
    }

    /// Whether the client has gone away. What it sent of further requests is kept, up to a bound.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // While a body is awaited, whoever reads it finds out.
        while self.decoder.is_done() && self.ahead.len() < AHEAD {
            match ready!(self.poll_read_ahead(cx)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
        Poll::Pending
    }

    /// Writes until nothing waits.
    pub(super) fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let before = self.out.written();
        let written = self.out.poll_flush(&mut self.stream, cx);
        let now = self.worker.coarse_now();
        // Who reads slowly is not who does not read: every byte that goes begins the wait anew.
        if written.is_ready() || self.out.written() > before {
            self.doing.wrote(now);
        }
        if written.is_pending() {
            self.doing.blocked(now);
        }
        written
    }

    /// Says that nothing more will be written.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// Reads and throws away; the number of bytes, 0 at the end.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.ahead = BytesMut::new();
        let read = ready!(self.poll_scratch(cx, |_, bytes| bytes.len()))?;
        Poll::Ready(Ok(read.unwrap_or(0)))
    }

    /// Reads what has come; the number of bytes, 0 at the end.
    fn poll_read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let read = ready!(self.poll_scratch(cx, |ahead, bytes| {
            ahead.extend_from_slice(bytes);
            bytes.len()
        }))?;
        Poll::Ready(Ok(read.unwrap_or(0)))
    }

    /// Reads into the thread's buffer and has `take` look at it; `None` at the end.
    fn poll_scratch<T>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut BytesMut, &[u8]) -> T,
    ) -> Poll<io::Result<Option<T>>> {
        let Wire { stream, ahead, .. } = self;
        let read = ready!(stream.poll_with(cx, |bytes| take(ahead, bytes)));
        if matches!(read, Ok(Some(_))) {
            self.doing.read(self.worker.coarse_now());
        }
        Poll::Ready(read)
    }

    /// Holds no memory while nothing is read ahead.
    fn tidy(&mut self) {
        if self.ahead.is_empty() {
            self.ahead = BytesMut::new();
        }
    }
}

/// A piece of a body.
pub(super) enum BodyPiece {
    Data(bytes::Bytes),
    End(Option<Headers>),
}

/// Why a body broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// The client has gone away.
    Gone,
    /// Its framing is broken, or it ended too early.
    Garbled,
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ahead.is_empty() {
            let count = this.ahead.len().min(buf.remaining());
            buf.put_slice(&this.ahead.split_to(count));
            this.tidy();
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            this.doing.read(this.worker.coarse_now());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Wire {
    fn noted<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &written {
            Poll::Ready(_) => self.doing.wrote(self.worker.coarse_now()),
            Poll::Pending => self.doing.blocked(self.worker.coarse_now()),
        }
        written
    }
}
