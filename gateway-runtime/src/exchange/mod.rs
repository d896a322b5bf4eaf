//! One request and its answer, as every step sees them.
//!
//! An [`Exchange`] owns its page and has no lifetime; steps never see the types of the HTTP engine behind it, so that the engine
//! can be replaced without touching a step. [`Exchange::admit`] enforces what a request may mean; one that it refused is only
//! there to be answered, logged and counted.
//!
//! Invariants: there is exactly one valid authority; the path is in normal form and routing, cache key and back end use this
//! one text; fields that belong to one connection are gone; the client's address is the socket's peer unless trusted proxies
//! are named. Absent on purpose: anything a step decided. Steps keep their own state.

mod admit;
mod body;
pub(crate) mod claims;
mod fields;
mod head;
pub(crate) mod path;
mod reply;
mod room;
mod target;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

pub(crate) use admit::{Admission, Peer};
pub(crate) use body::{Body, BodyFault, Buffered, Cut, Gathered, later, trailers_checked};
pub(crate) use fields::{Coding, FieldName, FieldValue, Headers, Length, Names, Survey, field};
pub(crate) use head::Head;
pub(crate) use reply::Reply;
pub(crate) use room::Room;
pub(crate) use target::{BadTarget, Target};

use crate::clock::Nanos;
use crate::route::Spans;
use crate::server::Interim;

/// A request on its way through the gateway.
#[derive(Debug)]
pub(crate) struct Exchange {
    id: RequestId,
    received: Nanos,
    head: Head,
    /// Bytes of the path before the API's own: the stage's mount.
    prefix: usize,
    /// Bytes of the authority that are the host.
    host_length: usize,
    /// The host in lower case, if it was not sent so.
    host_lower: Option<Box<str>>,
    client: IpAddr,
    peer: Arc<str>,
    from_proxy: bool,
    secure: bool,
    params: Params,
    body: Body,
    tunnel: Body,
    interim: Option<Interim>,
}

impl Exchange {
    /// The request's id.
    pub(crate) fn id(&self) -> &RequestId {
        &self.id
    }

    /// When the head was complete.
    pub(crate) fn received(&self) -> Nanos {
        self.received
    }

    /// The method, upper case for all that are standard.
    pub(crate) fn method(&self) -> &str {
        self.head.method.as_str()
    }

    /// The method, as it can be sent on.
    pub(crate) fn verb(&self) -> &http::Method {
        &self.head.method
    }

    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`.
    pub(crate) fn version(&self) -> &'static str {
        match self.head.version {
            http::Version::HTTP_10 => "HTTP/1.0",
            http::Version::HTTP_2 => "HTTP/2.0",
            _ => "HTTP/1.1",
        }
    }

    /// Host and port as the client asked for them: `Host`, `:authority` or the authority of an absolute target.
    pub(crate) fn authority(&self) -> &str {
        self.head.headers.get_str(field::HOST).unwrap_or_default()
    }

    /// The host in lower case, and what stands behind it in the authority: nothing, or a colon and the port.
    pub(crate) fn host_and_port(&self) -> (&str, &str) {
        let (host, port) = self
            .authority()
            .split_at_checked(self.host_length)
            .unwrap_or_default();
        (self.host_lower.as_deref().unwrap_or(host), port)
    }

    /// The host in lower case, without port.
    pub(crate) fn host(&self) -> &str {
        self.host_and_port().0
    }

    /// The whole path in normal form. Begins with `/`.
    pub(crate) fn path(&self) -> &str {
        self.head.target.path()
    }

    /// The path inside the stage. Begins with `/`.
    pub(crate) fn local_path(&self) -> &str {
        match self.path().get(self.prefix..) {
            None | Some("") => "/",
            Some(path) => path,
        }
    }

    /// Says that the first `prefix` bytes of the path lead to the stage. They end before a slash, or with the path.
    pub(crate) fn enter(&mut self, prefix: usize) {
        self.prefix = prefix;
    }

    /// The query as it came, without `?`; `None` if the target has no `?`.
    pub(crate) fn query(&self) -> Option<&str> {
        self.head.target.query()
    }

    /// Path and query as they would be forwarded.
    pub(crate) fn target(&self) -> &Target {
        &self.head.target
    }

    /// All values of a query parameter, decoded, in order. A parameter without `=` has the empty value.
    pub(crate) fn query_values<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = Cow<'a, str>> + 'a {
        self.query_pairs()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// All values of a query parameter, decoded byte by byte, in order: for who tells requests apart by them.
    pub(crate) fn query_bytes<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = Cow<'a, [u8]>> + 'a {
        self.raw_query_pairs()
            .filter(move |(key, _)| path::decode_query(key) == name)
            .map(|(_, value)| path::decode_query_bytes(value))
    }

    /// The names of all query parameters, decoded, in order, as often as they come.
    pub(crate) fn query_names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.query_pairs().map(|(key, _)| key)
    }

    /// Every query parameter with its value, decoded, in order.
    pub(crate) fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.raw_query_pairs()
            .map(|(key, value)| (path::decode_query(key), path::decode_query(value)))
    }

    /// Every query parameter with its value, as they were sent, in order.
    pub(crate) fn raw_query_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query()
            .unwrap_or_default()
            .split('&')
            .filter(|piece| !piece.is_empty())
            .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
    }

    /// The first value of a header field; the name in lower case.
    pub(crate) fn header(&self, lower_name: &str) -> Option<&[u8]> {
        self.head.headers.get(lower_name)
    }

    /// All values of a header field, in order; the name in lower case.
    pub(crate) fn header_values<'x>(&'x self, lower_name: &str) -> impl Iterator<Item = &'x [u8]> {
        self.head.headers.all(lower_name)
    }

    /// The header fields. `Host` is always the authority; fields of one connection are gone.
    pub(crate) fn headers(&self) -> &Headers {
        &self.head.headers
    }

    /// Removes a header field; the name in lower case.
    pub(crate) fn remove_header(&mut self, lower_name: &str) {
        self.head.headers.remove(lower_name);
    }

    /// The first cookie of this name.
    pub(crate) fn cookie(&self, name: &str) -> Option<&[u8]> {
        self.cookies()
            .find_map(|(known, value)| (known == name.as_bytes()).then_some(value))
    }

    /// Every cookie with its value, in order.
    pub(crate) fn cookies(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.head.headers.all(field::COOKIE).flat_map(|line| {
            line.split(|byte| *byte == b';').filter_map(|pair| {
                let pair = pair.trim_ascii();
                let at = memchr::memchr(b'=', pair)?;
                let (name, value) = pair.split_at_checked(at)?;
                Some((name, value.get(1..)?))
            })
        })
    }

    /// The client's address: the socket's peer, or the rightmost untrusted hop where the peer is a trusted proxy.
    pub(crate) fn client(&self) -> IpAddr {
        self.client
    }

    /// The address at the other end of the socket: the client's, or that of the proxy before us.
    pub(crate) fn peer(&self) -> &str {
        &self.peer
    }

    /// Whether the socket's peer is a trusted proxy, so that its forwarding fields are continued and not replaced.
    pub(crate) fn is_from_proxy(&self) -> bool {
        self.from_proxy
    }

    /// Whether the client used TLS, towards us or, as a trusted proxy says, towards it.
    pub(crate) fn secure(&self) -> bool {
        self.secure
    }

    /// Notes what the route found; spans are of [`local_path`](Exchange::local_path).
    pub(crate) fn set_params(&mut self, params: Params) {
        self.params = params;
    }

    /// A path parameter as it stands in the normal path: what has to be escaped is.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let (start, end) = self.params.find(name)?;
        self.local_path().get(start..end)
    }

    /// All of it, for who needs it longer than the engine keeps it. What stays is of no use.
    pub(crate) fn take(&mut self) -> Exchange {
        let spent = Exchange {
            head: Head::unread(),
            host_lower: None,
            params: Params::default(),
            body: Body::empty(),
            tunnel: Body::empty(),
            interim: None,
            peer: self.peer.clone(),
            ..*self
        };
        let taken = std::mem::replace(self, spent);
        Exchange {
            // Of use until there is an answer.
            interim: None,
            ..taken
        }
    }

    /// The body; afterwards it is empty.
    pub(crate) fn take_body(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }

    /// Puts back a body that was read to its end.
    pub(crate) fn set_body(&mut self, body: Body) {
        self.body = body;
    }

    /// What the client sends once the connection has become one of WebSocket; empty if it did not ask for that. Nothing of it
    /// may be read before the back end has agreed: until then these bytes are the client's next request.
    pub(crate) fn take_tunnel(&mut self) -> Body {
        std::mem::take(&mut self.tunnel)
    }

    /// The client asks for the connection to become one of WebSocket.
    pub(crate) fn offer_tunnel(&mut self, tunnel: Body) {
        self.tunnel = tunnel;
    }

    /// Where interim answers to the request go, if its client can be sent any. May not be kept longer than the request is
    /// being handled.
    pub(crate) fn take_interim(&mut self) -> Option<Interim> {
        self.interim.take()
    }

    /// The client can be sent interim answers.
    pub(crate) fn offer_interim(&mut self, interim: Interim) {
        self.interim = Some(interim);
    }

    /// Lowers (never raises) the most bytes the body may have.
    pub(crate) fn limit_body(&mut self, most: u64) {
        self.body.limit(most);
    }

    /// Whether there is no body.
    pub(crate) fn body_is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// The body's length, if it is known before the body is read.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.body.len()
    }
}

/// 122 random bits, written as a UUID of version 4. Tells requests apart; it is no secret and cannot be one. Kept as its text,
/// since every request needs that several times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RequestId([u8; 36]);

impl RequestId {
    /// A new one.
    pub(crate) fn random() -> RequestId {
        /// Where the digits of each byte stand between the hyphens.
        const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let bits = fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
        let mut text = [b'-'; 36];
        for (place, byte) in PLACES.into_iter().zip(bits.to_be_bytes()) {
            text[place] = DIGITS[usize::from(byte >> 4)];
            text[place + 1] = DIGITS[usize::from(byte & 15)];
        }
        RequestId(text)
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// As the bytes of its text.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Path parameters, and where their texts stand in the path inside the stage.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params {
    /// The route's path, which has the names.
    path: &'static str,
    spans: Spans,
}

impl Params {
    /// The parameters of a route's path, and the bytes where each begins and ends.
    pub(crate) fn new(path: &'static str, spans: Spans) -> Params {
        Params { path, spans }
    }

    fn find(&self, name: &str) -> Option<(usize, usize)> {
        let path = self.path.as_bytes();
        let ends = |rest: &[u8]| rest.starts_with(b"}") || rest.starts_with(b"+}");
        let position = memchr::memchr_iter(b'{', path).position(|open| {
            let known = path.get(open + 1..).unwrap_or_default();
            known.strip_prefix(name.as_bytes()).is_some_and(ends)
        })?;
        self.spans.get(position)
    }
}
