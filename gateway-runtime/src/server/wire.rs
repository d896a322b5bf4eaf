//! A client's connection as the engine reads and writes it: what was read to tell HTTP/2 from HTTP/1.1 comes first, and what happens
//! is noted for the sweep.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::registry::Doing;
use super::worker::Worker;
use crate::tls::Stream;

/// What a client that speaks HTTP/2 without having asked sends first (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A client's connection.
pub(super) struct Wire {
    stream: Stream,
    worker: Arc<Worker>,
    doing: Arc<Doing>,
    /// What was read ahead, and how much of it the engine has had.
    ahead: [u8; 24],
    read: u8,
    given: u8,
}

impl Wire {
    pub(super) fn new(stream: Stream, worker: Arc<Worker>, doing: Arc<Doing>) -> Wire {
        Wire {
            stream,
            worker,
            doing,
            ahead: [0; 24],
            read: 0,
            given: 0,
        }
    }

    /// Reads as much as it takes to tell whether the client speaks HTTP/2. `None`: it closed the connection before.
    pub(super) async fn speaks_http2(&mut self) -> io::Result<Option<bool>> {
        loop {
            let read = usize::from(self.read);
            let (seen, rest) = self.ahead.split_at_mut(read);
            if *seen != PREFACE[..read] {
                return Ok(Some(false));
            }
            if rest.is_empty() {
                return Ok(Some(true));
            }
            let count = self.stream.read(rest).await?;
            if count == 0 {
                return Ok(if read == 0 { None } else { Some(false) });
            }
            self.read += u8::try_from(count).unwrap_or(0);
            self.doing.read(self.worker.coarse_now());
        }
    }

    fn noted<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &written {
            Poll::Ready(_) => self.doing.wrote(self.worker.coarse_now()),
            Poll::Pending => self.doing.blocked(self.worker.coarse_now()),
        }
        written
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.given < this.read {
            let ahead = this
                .ahead
                .get(usize::from(this.given)..usize::from(this.read))
                .unwrap_or_default();
            let count = ahead.len().min(buf.remaining());
            buf.put_slice(ahead.get(..count).unwrap_or_default());
            this.given += u8::try_from(count).unwrap_or(0);
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
