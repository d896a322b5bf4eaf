//! One client's connection, from its acceptance to its end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::crowd::{Counted, HEARING};
use super::registry::{Doing, Verdict};
use super::service::{self, Front};
use super::wire::Wire;
use super::worker::Worker;
use super::{Events, Live, http1};
use crate::def::LimitsDef;
use crate::exchange::Peer;
use crate::refusal::Refusal;
use crate::tls::Stream;

/// When the server drains, a connection without a request stays open for this long: one may be on its way, and closing would lose it.
pub(super) const GRACE: Duration = Duration::from_millis(300);
/// Longest TLS handshake (security requirement G21).
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Most bytes of an answer by HTTP/2 that wait for its client, as many as by HTTP/1.1.
const SENT_AHEAD: usize = 64 * 1024;

/// Serves a connection to its end.
pub(super) async fn serve(worker: Arc<Worker>, tcp: TcpStream, peer: SocketAddr, _place: Counted) {
    let doing = Arc::new(Doing::new(worker.coarse_now()));
    let waker = std::future::poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let _row = worker.registry().enter(doing.clone(), waker);
    let front = Arc::new(Front {
        worker: worker.clone(),
        doing: doing.clone(),
        peer: Peer::new(peer, worker.shared.tls.is_some()),
        crowded: false,
    });
    let (stream, alpn_http2) = match &worker.shared.tls {
        None => (Stream::Plain(tcp), None),
        // On the heap, so that connections do not carry its room afterwards.
        Some(tls) => {
            let handshake = tokio::time::timeout(HANDSHAKE, tls.accept(tcp));
            let handshake = async { handshake.await.unwrap_or_else(|late| Err(late.into())) };
            match Box::pin(front.guarded(handshake)).await {
                Some(Ok((stream, http2))) => (stream, Some(http2)),
                Some(Err(_)) => {
                    Events::count(&worker.shared.events.handshake_failed);
                    return;
                }
                None => return,
            }
        }
    };
    talk(front, Wire::new(stream, worker.clone(), doing), alpn_http2).await;
}

/// Answers a request of a connection that there is no place for, if it asks soon, and ends it.
pub(super) async fn tell(worker: Arc<Worker>, tcp: TcpStream, peer: SocketAddr, _place: Counted) {
    let doing = Arc::new(Doing::new(worker.coarse_now()));
    let front = Arc::new(Front {
        worker: worker.clone(),
        doing: doing.clone(),
        peer: Peer::new(peer, false),
        crowded: true,
    });
    let wire = Wire::new(Stream::Plain(tcp), worker, doing);
    let _ = tokio::time::timeout(HEARING, talk(front, wire, None)).await;
}

/// Serves what a client asks, in the HTTP that was agreed on or that it begins with.
async fn talk(front: Arc<Front>, mut wire: Wire, alpn_http2: Option<bool>) {
    let http2 = match alpn_http2 {
        Some(http2) => http2,
        None => {
            let told = std::future::poll_fn(|cx| wire.poll_speaks_http2(cx));
            match front.guarded(told).await {
                Some(Ok(Some(http2))) => http2,
                _ => return,
            }
        }
    };
    if !http2 {
        return http1::serve(front, wire).await;
    }
    front.doing.multiplexed();
    let live = front.worker.shared.live();
    let engine =
        http2_engine(&live).serve_connection(TokioIo::new(wire), service::of(front.clone()));
    // On the heap, so that connections of HTTP/1.1 do not carry its room.
    let finish = http2::Connection::graceful_shutdown;
    front.run(Box::pin(engine).as_mut(), finish).await;
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
        .max_send_buf_size(SENT_AHEAD)
        .max_pending_accept_reset_streams(limits.http2.resets as usize)
        .max_local_error_reset_streams(limits.http2.resets as usize);
    engine
}

/// The rules for a connection's end.
impl Front {
    /// Runs the engine for HTTP/2 until the connection is over, or is to end. `finish` has it take nothing more than what is in
    /// flight.
    async fn run<E: Future>(&self, mut engine: Pin<&mut E>, finish: impl Fn(Pin<&mut E>)) {
        let mut finishing = false;
        let mut grace = None;
        std::future::poll_fn(|cx| {
            loop {
                if engine.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                if self.is_over() {
                    // A polite end where the peer still listens: what is flushed at once is all it gets.
                    finish(engine.as_mut());
                    let _ = engine.as_mut().poll(cx);
                    return Poll::Ready(());
                }
                if finishing || !self.shall_finish(&mut grace, cx) {
                    return Poll::Pending;
                }
                finishing = true;
                finish(engine.as_mut());
            }
        })
        .await;
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

    /// What the sweep found.
    pub(super) fn verdict(&self) -> Verdict {
        self.doing.verdict()
    }

    /// Whether the connection takes no request after the one at hand, its so-many-eth.
    pub(super) fn has_enough(&self, requests: u32, limits: &LimitsDef) -> bool {
        requests >= limits.requests_per_connection
            || self.crowded
            || self.worker.shared.is_draining()
            || self.doing.verdict() != Verdict::Stay
    }

    /// What becomes of a request that is admitted by its own head.
    pub(super) fn admit(&self, admitted: Result<(), Refusal>) -> Result<(), Refusal> {
        match self.crowded {
            true => admitted.and(Err(Refusal::Busy)),
            false => admitted,
        }
    }

    /// Whether the connection is to end at once.
    pub(super) fn is_over(&self) -> bool {
        let events = &self.worker.shared.events;
        match self.doing.verdict() {
            Verdict::Stay => return false,
            // A request that came meanwhile is answered first.
            Verdict::Idle | Verdict::GiveWay | Verdict::SlowHead if !self.doing.is_idle() => {
                return false;
            }
            Verdict::Idle => {}
            Verdict::GiveWay => Events::count(&events.gave_way),
            Verdict::SlowHead => Events::count(&events.head_timeout),
            Verdict::Stalled => Events::count(&events.stalled),
        }
        true
    }

    /// Whether the connection is to end when nothing is in flight: the server drains.
    pub(super) fn shall_finish(
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
}
