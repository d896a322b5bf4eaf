//! Bodies taken out of their framing (RFC 9112 §6 and §7).

use super::{AROUND_CHUNKS, Framing, head};
use crate::exchange::Headers;

/// What is left of a body.
#[derive(Debug)]
pub(crate) enum Decoder {
    /// Nothing.
    Done,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked(Chunks),
    /// All there is until the connection ends.
    Close,
}

/// Where in a chunked body the next byte stands.
#[derive(Debug)]
pub(crate) struct Chunks {
    at: At,
    /// Bytes of the chunk that are still to come; while its size is read, the size so far.
    left: u64,
    /// Digits of the size so far: leading zeros have no end of their own.
    digits: u8,
    /// Bytes of extensions and trailers so far.
    around: usize,
    trailers: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first digit of a size.
    Size,
    /// Behind a digit.
    Digits,
    /// White space behind the size, which RFC 9112 §7.1.1 lets stand before an extension.
    Gap,
    Extension,
    SizeEnd,
    Data,
    DataEnd,
    DataEndLf,
    Trailers,
}

/// What the next bytes are.
#[derive(Debug)]
pub(crate) enum Piece {
    /// After `skip` bytes of framing, so many bytes of the body, at least one.
    Data {
        /// Bytes of framing.
        skip: usize,
        /// Bytes of the body.
        length: usize,
    },
    /// All bytes that are there are framing.
    Nothing,
    /// The end, after `skip` bytes of framing, with what stands behind the last chunk.
    End {
        /// Bytes of framing.
        skip: usize,
        /// Trailer fields.
        trailers: Option<Headers>,
    },
}

/// The body breaks its own framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Garbled;

/// Digits of a chunk's size, so that it fits into 60 bits.
const MOST_DIGITS: u8 = 15;

impl Decoder {
    /// For a body that ends so.
    pub(crate) fn new(framing: Framing) -> Decoder {
        match framing {
            Framing::Empty => Decoder::Done,
            Framing::Length(length) => Decoder::Length(length),
            Framing::Chunked => Decoder::Chunked(Chunks {
                at: At::Size,
                left: 0,
                digits: 0,
                around: 0,
                trailers: Vec::new(),
            }),
            Framing::Close => Decoder::Close,
        }
    }

    /// Whether the body has come to its end.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Decoder::Done)
    }

    /// Bytes that are still to come, where that is known.
    pub(crate) fn left(&self) -> Option<u64> {
        match self {
            Decoder::Done => Some(0),
            Decoder::Length(left) => Some(*left),
            Decoder::Chunked(_) | Decoder::Close => None,
        }
    }

    /// Tells what the next bytes are. The caller takes what is told of off the front, and asks again.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Result<Piece, Garbled> {
        let end = Piece::End {
            skip: 0,
            trailers: None,
        };
        match self {
            Decoder::Done => Ok(end),
            Decoder::Length(0) => {
                *self = Decoder::Done;
                Ok(end)
            }
            _ if bytes.is_empty() => Ok(Piece::Nothing),
            Decoder::Length(left) => {
                let length = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                *left -= length as u64;
                if *left == 0 {
                    *self = Decoder::Done;
                }
                Ok(Piece::Data { skip: 0, length })
            }
            Decoder::Close => Ok(Piece::Data {
                skip: 0,
                length: bytes.len(),
            }),
            Decoder::Chunked(chunks) => {
                let piece = chunks.next(bytes)?;
                if matches!(piece, Piece::End { .. }) {
                    *self = Decoder::Done;
                }
                Ok(piece)
            }
        }
    }

    /// The connection has ended; tells whether the body has, too.
    pub(crate) fn ends_here(&mut self) -> bool {
        if matches!(self, Decoder::Close) {
            *self = Decoder::Done;
        }
        self.is_done()
    }
}

impl Chunks {
    fn next(&mut self, bytes: &[u8]) -> Result<Piece, Garbled> {
        for (skip, &byte) in bytes.iter().enumerate() {
            self.at = match (self.at, byte) {
                (At::Size | At::Digits, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                    let digit = char::from(byte).to_digit(16).unwrap_or_default();
                    self.digits += 1;
                    if self.digits > MOST_DIGITS {
                        return Err(Garbled);
                    }
                    self.left = self.left << 4 | u64::from(digit);
                    At::Digits
                }
                (At::Digits | At::Extension, b'\r') => At::SizeEnd,
                (At::Digits | At::Gap, b';') => At::Extension,
                (At::Digits | At::Gap, b' ' | b'\t') => {
                    self.count(1)?;
                    At::Gap
                }
                (At::Extension, b'\t' | b' '..=b'~' | 0x80..) => {
                    self.count(1)?;
                    At::Extension
                }
                (At::SizeEnd, b'\n') => {
                    self.digits = 0;
                    if self.left == 0 {
                        At::Trailers
                    } else {
                        At::Data
                    }
                }
                (At::Data, _) => {
                    let there = bytes.len() - skip;
                    let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(there);
                    self.left -= length as u64;
                    if self.left == 0 {
                        self.at = At::DataEnd;
                    }
                    return Ok(Piece::Data { skip, length });
                }
                (At::DataEnd, b'\r') => At::DataEndLf,
                (At::DataEndLf, b'\n') => At::Size,
                (At::Trailers, _) => {
                    self.count(1)?;
                    self.trailers.push(byte);
                    let section = self.trailers.as_slice();
                    if section == b"\r\n" {
                        return Ok(Piece::End {
                            skip: skip + 1,
                            trailers: None,
                        });
                    }
                    if section.ends_with(b"\r\n\r\n") {
                        let trailers = head::trailers(section).map_err(|_| Garbled)?;
                        return Ok(Piece::End {
                            skip: skip + 1,
                            trailers: trailers.into_trailers(),
                        });
                    }
                    At::Trailers
                }
                _ => return Err(Garbled),
            };
        }
        Ok(Piece::Nothing)
    }

    fn count(&mut self, bytes: usize) -> Result<(), Garbled> {
        self.around += bytes;
        if self.around > AROUND_CHUNKS {
            return Err(Garbled);
        }
        Ok(())
    }
}
