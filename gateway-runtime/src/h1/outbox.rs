//! Bytes that wait to be written to one connection, in order.
//!
//! Small pieces are joined, large ones are sent from where they are. A connection that has nothing to write holds no memory here:
//! the text goes back to the thread's store when all is sent.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;

use crate::spare::Spare;

/// Pieces up to this length are copied: sending them apart costs more.
const SMALL: usize = 4 * 1024;
/// Bytes above which no more should be added before some are sent.
const FULL: usize = 64 * 1024;
/// Slices that are handed to the system at once.
const SLICES: usize = 16;

/// Bytes that wait to be written.
#[derive(Default)]
pub(crate) struct Outbox {
    /// All small pieces, one behind the other.
    text: Spare<Vec<u8>>,
    /// Bytes of the text that `parts` speak of; what is behind follows the last part.
    parted: usize,
    parts: VecDeque<Part>,
    /// Bytes of the first part, or of the text if there is none, that are sent.
    sent: usize,
    /// Bytes that were ever written.
    written: u64,
}

enum Part {
    Text { start: usize, end: usize },
    Bytes(Bytes),
}

impl Outbox {
    /// Where small pieces are written.
    pub(crate) fn text(&mut self) -> &mut Vec<u8> {
        if self.text.capacity() == 0 {
            self.text = Spare::taken();
        }
        &mut self.text
    }

    /// Adds bytes.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if bytes.len() <= SMALL {
            self.text().extend_from_slice(&bytes);
            return;
        }
        if self.text.len() > self.parted {
            self.parts.push_back(Part::Text {
                start: self.parted,
                end: self.text.len(),
            });
            self.parted = self.text.len();
        }
        self.parts.push_back(Part::Bytes(bytes));
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.parts.is_empty()
    }

    /// Bytes that were ever written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Whether enough waits that no more should be added.
    pub(crate) fn is_full(&self) -> bool {
        let large: usize = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text { .. } => 0,
                Part::Bytes(bytes) => bytes.len(),
            })
            .sum();
        self.text.len() + large >= FULL || self.parts.len() >= SLICES
    }

    /// Writes until all is sent.
    pub(crate) fn poll_flush<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let count = ready!(self.poll_write(stream, cx))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(count);
        }
        // TLS holds back what it has not been told to send; a plain socket has nothing to do.
        Pin::new(stream).poll_flush(cx)
    }

    fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let rest = self.text.get(self.parted..).unwrap_or_default();
        if self.parts.is_empty() {
            let rest = rest.get(self.sent..).unwrap_or_default();
            return Pin::new(stream).poll_write(cx, rest);
        }
        let mut slices = [IoSlice::new(&[]); SLICES + 1];
        let mut used = 0;
        let mut sent = self.sent;
        let parts = self.parts.iter().map(|part| match part {
            Part::Text { start, end } => self.text.get(*start..*end).unwrap_or_default(),
            Part::Bytes(bytes) => bytes,
        });
        for (slice, part) in slices.iter_mut().zip(parts.chain([rest])) {
            *slice = IoSlice::new(part.get(sent..).unwrap_or_default());
            sent = 0;
            used += 1;
        }
        Pin::new(stream).poll_write_vectored(cx, slices.get(..used).unwrap_or_default())
    }

    fn advance(&mut self, count: usize) {
        self.sent += count;
        self.written += count as u64;
        while let Some(part) = self.parts.front() {
            let length = match part {
                Part::Text { start, end } => end - start,
                Part::Bytes(bytes) => bytes.len(),
            };
            if self.sent < length {
                return;
            }
            self.sent -= length;
            self.parts.pop_front();
        }
        if self.parted + self.sent >= self.text.len() {
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.sent = 0;
        self.parted = 0;
        self.parts.clear();
        self.text = Spare::default();
    }
}
