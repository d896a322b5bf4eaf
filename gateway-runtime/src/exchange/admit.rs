//! Where a request becomes an [`Exchange`], or is refused because two readers could understand it differently.
//!
//! What is about meaning is decided here for every engine: one valid authority, one reading of the path, framing by a single
//! `chunked` or a length, fields of one connection taken out, `Expect` and `Max-Forwards` answered. Byte-level framing is the
//! engine's.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;

use super::{Body, Exchange, Head, Headers, Params, RequestId, Target, field, path};
use crate::clock::Nanos;
use crate::def::{GatewayDef, LimitsDef};
use crate::h1;
use crate::refusal::{Refusal, Why};

/// Longest method. The longest registered one has 17 letters (`UPDATEREDIRECTREF`).
const LONGEST_METHOD: usize = 32;

/// Longest authority: a name of 255 bytes, a colon and a port.
const LONGEST_AUTHORITY: usize = 261;

/// What requests are held to.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) limits: LimitsDef,
    trusted: Vec<IpNet>,
}

/// Who sits at the other end of the socket.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    address: IpAddr,
    secure: bool,
    /// The address as text: written once a connection, not once a request.
    text: Arc<str>,
}

impl Peer {
    /// The other end, and whether the connection to it is TLS.
    pub(crate) fn new(address: SocketAddr, secure: bool) -> Peer {
        // Where IPv4 comes in through a socket for IPv6, IPv4 is what is meant.
        let address = address.ip().to_canonical();
        Peer {
            address,
            secure,
            text: address.to_string().into(),
        }
    }
}

impl Admission {
    /// The rules of a document. Networks were checked when it was compiled; one that cannot be read trusts nobody.
    pub(crate) fn new(def: &GatewayDef) -> Admission {
        Admission {
            limits: def.limits,
            trusted: def
                .trusted_proxies
                .iter()
                .filter_map(|network| {
                    network
                        .parse()
                        .ok()
                        .or_else(|| network.parse().ok().map(IpAddr::into))
                })
                .collect(),
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }
}

impl Exchange {
    /// A request as an engine read it. Nothing may be done with it before it is [admitted](Exchange::admit).
    pub(crate) fn new(
        head: Head,
        body: Body,
        peer: &Peer,
        rules: &Admission,
        received: Nanos,
    ) -> Exchange {
        Exchange {
            id: RequestId::random(),
            received,
            prefix: 0,
            host_length: 0,
            host_lower: None,
            head,
            client: peer.address,
            peer: peer.text.clone(),
            from_proxy: !rules.trusted.is_empty() && rules.trusts(peer.address),
            secure: peer.secure,
            params: Params::default(),
            body,
            tunnel: Body::empty(),
            interim: None,
        }
    }

    /// Finds out what the request means, or why it may not mean anything.
    pub(crate) fn admit(&mut self, rules: &Admission) -> Result<(), Refusal> {
        judge(self, rules)
    }
}

fn judge(exchange: &mut Exchange, rules: &Admission) -> Result<(), Refusal> {
    let limits = &rules.limits;
    let survey = exchange.head.survey;
    if exchange.from_proxy {
        believe_proxy(exchange, rules);
    }
    let authority = exchange.head.authority.take();
    let target_length =
        exchange.head.target.as_str().len() + authority.as_ref().map_or(0, |text| text.len());
    set_authority(exchange, authority.as_deref())?;
    if target_length > limits.uri as usize {
        return Err(Refusal::UriTooLong);
    }
    if survey.bytes > limits.headers as usize
        || exchange.head.headers.len() > limits.header_count as usize
    {
        return Err(Refusal::HeadersTooLarge);
    }
    if exchange.head.method.as_str().len() > LONGEST_METHOD {
        return Err(Refusal::BadRequest(Why::Method));
    }
    if matches!(
        exchange.head.method,
        http::Method::CONNECT | http::Method::TRACE
    ) {
        return Err(Refusal::NotImplemented);
    }
    // RFC 9113 §8.2.1. HTTP/1.1 cannot send them, and who compares values would find them different.
    if exchange.head.version == http::Version::HTTP_2
        && (exchange.head.headers.iter()).any(|(_, value)| value != value.trim_ascii())
    {
        return Err(Refusal::BadRequest(Why::Field));
    }
    // The engine for HTTP/1.1 has asked already; HTTP/2 has no codings (RFC 9113 §8.2.2).
    h1::of_request(&survey, exchange.head.version)?;
    set_path(exchange, rules)?;
    if survey.expect {
        expectation(&exchange.head.headers)?;
        exchange.head.headers.remove(field::EXPECT);
    }
    if survey.max_forwards {
        max_forwards(exchange)?;
    }
    survey.strip(&mut exchange.head.headers);
    Ok(())
}

/// One valid authority. That of the target wins over `Host` (RFC 9112 §3.2.2); over HTTP/2 both must agree (RFC 9113 §8.3.1).
fn set_authority(exchange: &mut Exchange, target: Option<&str>) -> Result<(), Refusal> {
    let Head {
        headers,
        version,
        absolute,
        ..
    } = &mut exchange.head;
    {
        let mut hosts = headers.all(field::HOST);
        let host = hosts.next();
        if hosts.next().is_some() {
            return Err(Refusal::BadHost);
        }
        if let Some(authority) = target {
            if *version == http::Version::HTTP_2 {
                if host.is_some_and(|host| !host.eq_ignore_ascii_case(authority.as_bytes())) {
                    return Err(Refusal::BadHost);
                }
            } else if !*absolute {
                // An authority alone belongs to CONNECT.
                return Err(Refusal::BadRequest(Why::Target));
            } else if host.is_none_or(|host| host_length(host).is_none()) {
                return Err(Refusal::BadHost);
            }
        }
    }
    if let Some(authority) = target {
        headers.set_text(field::HOST, authority);
    }
    let authority = headers.get(field::HOST).ok_or(Refusal::BadHost)?;
    exchange.host_length = host_length(authority).ok_or(Refusal::BadHost)?;
    let host = exchange.host();
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        exchange.host_lower = Some(host.to_ascii_lowercase().into_boxed_str());
    }
    Ok(())
}

/// Bytes of an authority that are its host; `None` if it is no `host [":" port]` (RFC 3986 §3.2.2, without user information,
/// escapes and sub-delims, which no name in use has).
fn host_length(authority: &[u8]) -> Option<usize> {
    if authority.is_empty() || authority.len() > LONGEST_AUTHORITY {
        return None;
    }
    let (length, port) = if authority.first() == Some(&b'[') {
        let end = memchr::memchr(b']', authority)?;
        let literal = std::str::from_utf8(authority.get(1..end)?).ok()?;
        literal.parse::<std::net::Ipv6Addr>().ok()?;
        (end + 1, authority.get(end + 1..)?)
    } else {
        let end = memchr::memchr(b':', authority).unwrap_or(authority.len());
        let name = authority.get(..end)?;
        let fine =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if name.is_empty() || name.first() == Some(&b'.') || !name.iter().all(fine) {
            return None;
        }
        (end, authority.get(end..)?)
    };
    match port {
        [] => Some(length),
        [b':', digits @ ..] => {
            let number = digits.iter().try_fold(0_u16, |number, digit| {
                let digit = digit.is_ascii_digit().then(|| u16::from(digit - b'0'))?;
                number.checked_mul(10)?.checked_add(digit)
            })?;
            (number > 0).then_some(length)
        }
        _ => None,
    }
}

fn set_path(exchange: &mut Exchange, rules: &Admission) -> Result<(), Refusal> {
    let sent = exchange.head.target.path();
    if !sent.starts_with('/') {
        // `*`, of OPTIONS or of anything else: no route can have it.
        return Err(Refusal::BadRequest(Why::Target));
    }
    let path = path::normalise(sent, rules.limits.encoded_slash).map_err(Refusal::BadPath)?;
    let query = exchange.head.target.query().map(path::tidy_query);
    if matches!(path, std::borrow::Cow::Borrowed(_))
        && !matches!(query, Some(std::borrow::Cow::Owned(_)))
    {
        return Ok(());
    }
    let mut text = path.into_owned();
    if let Some(query) = query {
        text.push('?');
        text.push_str(&query);
    }
    exchange.head.target = Target::parse(&text).map_err(|_| Refusal::BadRequest(Why::Target))?;
    Ok(())
}

fn expectation(headers: &Headers) -> Result<(), Refusal> {
    if headers
        .all(field::EXPECT)
        .all(|value| value.eq_ignore_ascii_case(b"100-continue"))
    {
        Ok(())
    } else {
        Err(Refusal::ExpectationFailed)
    }
}

/// `Max-Forwards` is only for OPTIONS and TRACE (RFC 9110 §7.6.2); elsewhere it is ignored. At zero the request may not be
/// forwarded, and answering in the back end's name would be a lie: the gateway answers that it does not serve this.
fn max_forwards(exchange: &mut Exchange) -> Result<(), Refusal> {
    if exchange.head.method != http::Method::OPTIONS {
        return Ok(());
    }
    let left: u32 = exchange
        .head
        .headers
        .get_str(field::MAX_FORWARDS)
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or(Refusal::BadRequest(Why::MaxForwards))?;
    let less = left.checked_sub(1).ok_or(Refusal::NotImplemented)?;
    exchange
        .head
        .headers
        .set_number(field::MAX_FORWARDS, less.into());
    Ok(())
}

/// What a trusted proxy says of its client. Hops are read from the right, the nearest first, up to the first that is not
/// trusted: everything to the left of it could be invented (security requirement G22).
fn believe_proxy(exchange: &mut Exchange, rules: &Admission) {
    let mut client = exchange.client;
    let lines: Vec<&[u8]> = exchange.head.headers.all(field::X_FORWARDED_FOR).collect();
    let hops = lines
        .iter()
        .rev()
        .flat_map(|line| line.rsplit(|byte| *byte == b','));
    for hop in hops {
        let Some(address) = hop_address(hop.trim_ascii()) else {
            break;
        };
        client = address;
        if !rules.trusts(address) {
            break;
        }
    }
    exchange.client = client;
    let proto = exchange
        .head
        .headers
        .all(field::X_FORWARDED_PROTO)
        .last()
        .and_then(|line| line.rsplit(|byte| *byte == b',').next())
        .map(<[u8]>::trim_ascii);
    match proto {
        Some(proto) if proto.eq_ignore_ascii_case(b"https") => exchange.secure = true,
        Some(proto) if proto.eq_ignore_ascii_case(b"http") => exchange.secure = false,
        _ => {}
    }
}

/// An address as proxies write it: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn hop_address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?;
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .ok()
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}
