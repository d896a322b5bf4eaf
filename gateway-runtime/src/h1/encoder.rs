//! Bodies put into their framing (RFC 9112 §6 and §7): the one writer of them, towards clients and towards back ends.

use bytes::Bytes;
use http_body::Frame;

use super::{Framing, Outbox, write};
use crate::exchange::Headers;

/// What is still to be written of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoder {
    /// Nothing: all is written that the head speaks of.
    Whole,
    /// Nothing more can be: the body was shorter than its head said, or longer, or broke off. The reader cannot go on behind it.
    Broken,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
    /// All there is until the connection ends.
    Close,
}

/// There are more bytes than the head said. They would be read as another message, so none of them is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Encoder {
    /// For a body that is framed so.
    pub(crate) fn new(framing: Framing) -> Encoder {
        match framing {
            Framing::Empty => Encoder::Length(0),
            Framing::Length(length) => Encoder::Length(length),
            Framing::Chunked => Encoder::Chunked,
            Framing::Close => Encoder::Close,
        }
    }

    /// Whether nothing more is to be put.
    pub(crate) fn is_done(self) -> bool {
        matches!(self, Encoder::Whole | Encoder::Broken)
    }

    /// Queues a piece. Trailers are the last one; where there is no place for them they are dropped (RFC 9110 §6.5.1).
    pub(crate) fn put(&mut self, frame: Frame<Bytes>, out: &mut Outbox) -> Result<(), TooLong> {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => {
                let trailers = frame.into_trailers().ok();
                let trailers = trailers.map(|trailers| Headers::from_map(&trailers));
                self.finish(trailers.as_ref(), out);
                return Ok(());
            }
        };
        // A chunk without bytes would be the last one.
        if data.is_empty() {
            return Ok(());
        }
        match self {
            Encoder::Length(left) => match left.checked_sub(data.len() as u64) {
                Some(less) => {
                    *left = less;
                    out.push(data);
                }
                None => {
                    *self = Encoder::Broken;
                    return Err(TooLong);
                }
            },
            Encoder::Chunked => {
                chunk(out.text(), data.len());
                out.push(data);
                out.text().extend_from_slice(b"\r\n");
            }
            Encoder::Close => out.push(data),
            Encoder::Whole | Encoder::Broken => return Err(TooLong),
        }
        Ok(())
    }

    /// The body has come to its end.
    pub(crate) fn end(&mut self, out: &mut Outbox) {
        self.finish(None, out);
    }

    fn finish(&mut self, trailers: Option<&Headers>, out: &mut Outbox) {
        *self = match self {
            Encoder::Length(1..) | Encoder::Broken => Encoder::Broken,
            Encoder::Chunked => {
                last_chunk(out.text(), trailers);
                Encoder::Whole
            }
            Encoder::Length(_) | Encoder::Close | Encoder::Whole => Encoder::Whole,
        };
    }

    /// The body has broken off.
    pub(crate) fn abort(&mut self) {
        *self = Encoder::Broken;
    }
}

/// Writes what stands before the bytes of a chunk. Behind them stands CR LF.
pub(super) fn chunk(out: &mut Vec<u8>, length: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut shift = (usize::BITS - length.leading_zeros()).div_ceil(4).max(1);
    while shift > 0 {
        shift -= 1;
        out.push(DIGITS[length >> (4 * shift) & 15]);
    }
    out.extend_from_slice(b"\r\n");
}

fn last_chunk(out: &mut Vec<u8>, trailers: Option<&Headers>) {
    out.extend_from_slice(b"0\r\n");
    if let Some(trailers) = trailers {
        write::fields(out, trailers);
    }
    out.extend_from_slice(b"\r\n");
}
