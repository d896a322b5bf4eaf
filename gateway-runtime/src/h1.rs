//! HTTP/1.1 as functions over bytes: heads are read and written, bodies taken out of their framing and put into it.
//!
//! Nothing here knows sockets, clocks or tasks; [`crate::server`] and [`crate::client`] do the reading and writing around it.
//! What two readers could understand differently is refused, not repaired (RFC 9112): a line that ends in LF alone, a folded
//! line, white space before a colon, a length that is no plain number or stands twice, a coding that is not one `chunked`.
//! Invariant: what is written comes from parsed parts alone, never from bytes as they came.

mod body;
mod encoder;
mod framing;
mod head;
mod outbox;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use body::{Decoder, Piece};
pub(crate) use encoder::Encoder;
pub(crate) use framing::{Framing, of_request, of_response};
pub(crate) use head::{HeadFault, ResponseHead, request, response};
pub(crate) use outbox::Outbox;
pub(crate) use write::{interim_head, request_head, response_head};

/// Most bytes of chunk extensions of a body, and of its trailer section (security requirement G5).
const AROUND_CHUNKS: usize = 16 * 1024;
