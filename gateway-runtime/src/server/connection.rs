//! One client's connection, from its acceptance to its end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::registry::{Doing, Verdict};
use super::service::{self, Front};
use super::wire::Wire;
use super::worker::{Open, Worker};
use super::{Events, Live};
use crate::exchange::Peer;
use crate::tls::Stream;

/// When the server drains, a connection without a request stays open for this long: one may be on its way, and closing would lose it.
pub(super) const GRACE: Duration = Duration::from_millis(300);
/// Longest TLS handshake (security requirement G21).
const HANDSHAKE: Duration = Duration::from_secs(10);
/// What the engine reads of a head beyond the document's limits, so that they are found and answered where requests are understood.
const SLACK: usize = 4 * 1024;
/// Least memory for a head, and the most that is read ahead of a slow reader.
const BUFFER: usize = 64 * 1024;
/// hyper's own limit of fields, kept in place and not on the heap.
const FIELDS_IN_PLACE: usize = 100;

/// Serves a connection to its end.
pub(super) async fn serve(worker: Arc<Worker>, tcp: TcpStream, peer: SocketAddr, _open: Open) {
    let doing = Arc::new(Doing::new(worker.coarse_now()));
    let waker = std::future::poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let _row = worker.registry.enter(doing.clone(), waker);
    let serving = Serving {
        worker: &worker,
        doing: &doing,
    };
    let (stream, alpn_http2, secure) = match &worker.shared.tls {
        None => (Stream::Plain(tcp), None, false),
        Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(tcp)).await {
            Ok(Ok((stream, http2))) => (stream, Some(http2), true),
            _ => {
                Events::count(&worker.shared.events.handshake_failed);
                return;
            }
        },
    };
    let mut wire = Wire::new(stream, worker.clone(), doing.clone());
    let http2 = match alpn_http2 {
        Some(http2) => http2,
        None => match serving.guarded(wire.speaks_http2()).await {
            Some(Ok(Some(http2))) => http2,
            _ => return,
        },
    };
    if http2 {
        doing.multiplexed();
    }
    let front = Front {
        worker: worker.clone(),
        doing: doing.clone(),
        peer: Peer::new(peer, secure),
    };
    let live = worker.shared.live();
    if http2 {
        let connection =
            http2_engine(&live).serve_connection(TokioIo::new(wire), service::of(front));
        serving
            .run(pin!(connection), http2::Connection::graceful_shutdown)
            .await;
    } else {
        let connection =
            http1_engine(&live).serve_connection(TokioIo::new(wire), service::of(front));
        serving
            .run(pin!(connection), http1::Connection::graceful_shutdown)
            .await;
    }
}

fn http1_engine(live: &Live) -> http1::Builder {
    let limits = &live.admission.limits;
    let head = limits.headers as usize + limits.uri as usize + SLACK;
    let mut engine = http1::Builder::new();
    // Heads are timed by the sweep: hyper's own timer would also end connections that are idle, and costs one timer a request.
    engine.max_buf_size(head.max(BUFFER)).max_header_size(head);
    if limits.header_count as usize > FIELDS_IN_PLACE {
        engine.max_headers(limits.header_count as usize + 1);
    }
    engine
}

fn http2_engine(live: &Live) -> http2::Builder<TokioExecutor> {
    let limits = &live.admission.limits;
    let mut engine = http2::Builder::new(TokioExecutor::new());
    engine
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2.streams)
        .initial_stream_window_size(limits.http2.stream_window)
        .initial_connection_window_size(limits.http2.connection_window)
        .max_header_list_size(limits.http2.header_list)
        .max_pending_accept_reset_streams(limits.http2.resets as usize)
        .max_local_error_reset_streams(limits.http2.resets as usize);
    engine
}

struct Serving<'w> {
    worker: &'w Arc<Worker>,
    doing: &'w Arc<Doing>,
}

impl Serving<'_> {
    /// Runs the engine until the connection is over, or is to end. `finish` has it take nothing more than what is in flight.
    async fn run<E>(&self, mut engine: Pin<&mut E>, finish: impl Fn(Pin<&mut E>))
    where
        E: Future<Output = hyper::Result<()>>,
    {
        let mut finishing = false;
        let mut grace = None;
        let ended = std::future::poll_fn(|cx| {
            loop {
                if let Poll::Ready(ended) = engine.as_mut().poll(cx) {
                    return Poll::Ready(Some(ended));
                }
                if self.is_over() {
                    // A polite end where the peer still listens: what is flushed at once is all it gets.
                    finish(engine.as_mut());
                    return Poll::Ready(match engine.as_mut().poll(cx) {
                        Poll::Ready(ended) => Some(ended),
                        Poll::Pending => None,
                    });
                }
                if finishing || !self.shall_finish(&mut grace, cx) {
                    return Poll::Pending;
                }
                finishing = true;
                finish(engine.as_mut());
            }
        })
        .await;
        if let Some(Err(fault)) = ended {
            self.count(&fault);
        }
    }

    /// Waits for what comes before the engine runs, under the same rules.
    async fn guarded<T>(&self, work: impl Future<Output = io::Result<T>>) -> Option<io::Result<T>> {
        let mut work = pin!(work);
        let mut grace = None;
        std::future::poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            if self.is_over() || self.shall_finish(&mut grace, cx) {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await
    }

    fn is_over(&self) -> bool {
        let events = &self.worker.shared.events;
        match self.doing.verdict() {
            Verdict::Stay => return false,
            Verdict::Idle => {}
            Verdict::SlowHead => Events::count(&events.head_timeout),
            Verdict::Stalled => Events::count(&events.stalled),
        }
        true
    }

    fn shall_finish(
        &self,
        grace: &mut Option<Pin<Box<tokio::time::Sleep>>>,
        cx: &mut Context<'_>,
    ) -> bool {
        if self.doing.is_last() {
            return true;
        }
        if !self.worker.shared.is_draining() {
            return false;
        }
        !self.doing.is_idle()
            || grace
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(GRACE)))
                .as_mut()
                .poll(cx)
                .is_ready()
    }

    /// What the engine answered by itself, before there was a request.
    fn count(&self, fault: &hyper::Error) {
        let events = &self.worker.shared.events;
        if fault.is_parse_too_large() {
            Events::count(&events.head_too_large);
        } else if fault.is_parse() {
            Events::count(&events.head_garbled);
        }
    }
}
