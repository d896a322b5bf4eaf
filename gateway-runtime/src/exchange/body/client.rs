//! Bodies of requests as the engine for HTTP/2 reads them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::{BodyFault, later, trailers_checked};

/// A request's body over HTTP/2, with its limit and its longest pause.
pub(super) struct ClientBody {
    incoming: Incoming,
    left: u64,
    pause: Duration,
    /// Made at the first pause: a body that is there already costs no timer.
    timer: Option<Pin<Box<Sleep>>>,
    done: bool,
}

impl ClientBody {
    pub(super) fn new(incoming: Incoming, limit: u64, pause: Duration) -> ClientBody {
        ClientBody {
            incoming,
            left: limit,
            pause,
            timer: None,
            done: false,
        }
    }

    /// Lowers (never raises) the most bytes it may have.
    pub(super) fn limit(&mut self, most: u64) {
        self.left = self.left.min(most);
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.done || self.incoming.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if self.done {
            return Poll::Ready(None);
        }
        if self.incoming.size_hint().lower() > self.left {
            return self.fail(BodyFault::TooLarge);
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.timer = None;
                if let Some(data) = frame.data_ref() {
                    match self.left.checked_sub(data.len() as u64) {
                        Some(left) => self.left = left,
                        None => return self.fail(BodyFault::TooLarge),
                    }
                }
                let frame = trailers_checked(frame);
                // Of trailers alone none may be left.
                self.done |= frame.is_none();
                Poll::Ready(frame.map(Ok))
            }
            Poll::Ready(Some(Err(error))) => {
                let fault = client_fault(&error);
                self.fail(fault)
            }
            // To hyper a stream that is reset without an error has ended; its body has not.
            Poll::Ready(None) if !self.incoming.is_end_stream() => self.fail(BodyFault::ClientGone),
            Poll::Ready(None) => {
                self.done = true;
                Poll::Ready(None)
            }
            Poll::Pending => {
                let pause = self.pause;
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

fn client_fault(error: &hyper::Error) -> BodyFault {
    // A reset stream and a closed connection are nobody's bad framing; all else that hyper finds in a body is.
    if error.is_canceled() || error.is_closed() || error.is_incomplete_message() {
        return BodyFault::ClientGone;
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return match io.kind() {
                std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput => {
                    BodyFault::ClientGarbled
                }
                _ => BodyFault::ClientGone,
            };
        }
        source = cause.source();
    }
    BodyFault::ClientGone
}
