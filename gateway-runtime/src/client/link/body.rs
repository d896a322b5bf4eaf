//! Bodies of answers, read from the connection they come on while the rest of their request is still sent.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::time::{Instant, Sleep};

use super::Link;
use crate::client::Ticket;
use crate::client::pool::Lease;
use crate::exchange::{BodyFault, later};
use crate::h1::{Decoder, Framing};

/// The body of an answer, with the connection it comes from. At its end the connection goes back into the pool; if it is
/// dropped before, the connection is closed, since the rest of the answer is still in it.
pub(crate) struct LinkBody {
    decoder: Decoder,
    link: Option<(Box<Link>, Lease)>,
    /// Bytes that are still to come, if that is known.
    length: Option<u64>,
    /// Whether both sides speak freely: then it also ends when the client does.
    tunnel: bool,
    /// Bytes of the client's by the last look.
    pushed: u64,
    pause: Option<Duration>,
    /// Made at the first pause: an answer that is there already costs no timer.
    timer: Option<(Pin<Box<Sleep>>, Instant)>,
}

impl LinkBody {
    pub(in crate::client) fn new(framing: Framing, link: Box<Link>, lease: Lease) -> LinkBody {
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
    pub(in crate::client) fn tunnel(mut link: Box<Link>, lease: Lease) -> LinkBody {
        // A back end may speak at once, behind its agreement.
        link.read_on();
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
        // While a back end is sent more of the request, nobody waits for it.
        if link.upload.pushed != self.pushed {
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

    /// The answer is not waited for any longer.
    pub(crate) fn expire(&mut self) {
        let _ = self.fail(BodyFault::UpstreamTimeout);
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

#[cfg(test)]
mod tests;
