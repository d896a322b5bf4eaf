//! Where a request becomes an [`Exchange`], or is refused because two readers could understand it differently.
//!
//! What is about meaning is decided here for every engine: one valid authority, one reading of the path, framing by a single
//! `chunked` or a length, fields of one connection taken out, `Expect` and `Max-Forwards` answered. Byte-level framing is the
//! engine's. One thing cannot be seen here: hyper drops a `Content-Length` that stands beside `Transfer-Encoding`; what is
//! forwarded then is framed anew as `chunked` alone, so that no back end sees both.

use std::net::{IpAddr, SocketAddr};

use http::request::Parts;
use ipnet::IpNet;

use super::{Body, Exchange, FieldValue, Headers, Params, Refused, RequestId, Survey, field, path};
use crate::client::Target;
use crate::clock::Nanos;
use crate::def::{GatewayDef, LimitsDef};
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
    /// The address as a field's value: written once a connection, not once a request.
    text: FieldValue,
}

impl Peer {
    /// The other end, and whether the connection to it is TLS.
    pub(crate) fn new(address: SocketAddr, secure: bool) -> Peer {
        // Where IPv4 comes in through a socket for IPv6, IPv4 is what is meant.
        let address = address.ip().to_canonical();
        Peer {
            address,
            secure,
            // An address is digits, letters, dots and colons.
            text: FieldValue::from_str(&address.to_string()).unwrap_or(FieldValue::from_static("")),
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

/// Makes an exchange of a request's head, or tells why not.
pub(crate) fn admit(
    parts: Parts,
    body: Body,
    peer: &Peer,
    rules: &Admission,
    received: Nanos,
) -> Result<Exchange, Box<Refused>> {
    let Parts {
        method,
        uri,
        version,
        headers,
        ..
    } = parts;
    let headers = Headers::from_map(headers);
    let uri = uri.into_parts();
    let address = peer.address;
    let mut exchange = Exchange {
        id: RequestId::random(),
        received,
        method,
        version,
        target: uri
            .path_and_query
            .map_or_else(Target::root, Target::from_engine),
        prefix: 0,
        authority: FieldValue::from_static(""),
        host_length: 0,
        host_lower: None,
        headers,
        keep_head: false,
        client: address,
        peer: peer.text.clone(),
        from_proxy: !rules.trusted.is_empty() && rules.trusts(address),
        secure: peer.secure,
        params: Params::default(),
        body,
    };
    match judge(
        &mut exchange,
        uri.authority.as_ref(),
        uri.scheme.is_some(),
        rules,
    ) {
        Ok(()) => Ok(exchange),
        Err(refusal) => Err(Box::new(Refused { refusal, exchange })),
    }
}

fn judge(
    exchange: &mut Exchange,
    authority: Option<&http::uri::Authority>,
    absolute: bool,
    rules: &Admission,
) -> Result<(), Refusal> {
    let limits = &rules.limits;
    let survey = Survey::of(&exchange.headers);
    if exchange.from_proxy {
        believe_proxy(exchange, rules);
    }
    set_authority(exchange, authority, absolute)?;
    let target_length =
        exchange.target.as_str().len() + authority.map_or(0, |authority| authority.as_str().len());
    if target_length > limits.uri as usize {
        return Err(Refusal::UriTooLong);
    }
    if survey.bytes > limits.headers as usize
        || exchange.headers.len() > limits.header_count as usize
    {
        return Err(Refusal::HeadersTooLarge);
    }
    if exchange.method.as_str().len() > LONGEST_METHOD {
        return Err(Refusal::BadRequest(Why::Method));
    }
    if matches!(exchange.method, http::Method::CONNECT | http::Method::TRACE) {
        return Err(Refusal::NotImplemented);
    }
    if survey.transfer_encoding {
        single_chunked(exchange)?;
    }
    set_path(exchange, rules)?;
    if survey.expect {
        expectation(&exchange.headers)?;
        exchange.headers.remove(field::EXPECT);
    }
    if survey.max_forwards {
        max_forwards(exchange)?;
    }
    survey.strip(&mut exchange.headers);
    Ok(())
}

/// One valid authority. That of the target wins over `Host` (RFC 9112 §3.2.2); over HTTP/2 both must agree (RFC 9113 §8.3.1).
fn set_authority(
    exchange: &mut Exchange,
    target: Option<&http::uri::Authority>,
    absolute: bool,
) -> Result<(), Refusal> {
    let mut hosts = exchange.headers.all(field::HOST);
    let (host, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(Refusal::BadHost);
    }
    drop(hosts);
    let value = match (target, host) {
        (Some(authority), host) => {
            let text = authority.as_str();
            if exchange.version == http::Version::HTTP_2 {
                if host.is_some_and(|host| !host.eq_ignore_ascii_case(text.as_bytes())) {
                    return Err(Refusal::BadHost);
                }
            } else if !absolute {
                // An authority alone belongs to CONNECT.
                return Err(Refusal::BadRequest(Why::Target));
            } else if host.is_none_or(|host| host_length(host).is_none()) {
                return Err(Refusal::BadHost);
            }
            FieldValue::from_str(text).map_err(|_| Refusal::BadHost)?
        }
        (None, Some(_)) => exchange
            .headers
            .value(field::HOST)
            .cloned()
            .ok_or(Refusal::BadHost)?,
        (None, None) => return Err(Refusal::BadHost),
    };
    exchange.host_length = host_length(value.as_bytes()).ok_or(Refusal::BadHost)?;
    if target.is_some() {
        exchange.headers.set(field::HOST, value.clone());
    }
    exchange.authority = value;
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
            let number: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
            // `parse` takes a sign.
            (number > 0 && digits.iter().all(u8::is_ascii_digit)).then_some(length)
        }
        _ => None,
    }
}

/// Framing is by one `chunked` or by a length, never by anything else (RFC 9112 §6.1, without its other codings).
fn single_chunked(exchange: &Exchange) -> Result<(), Refusal> {
    let mut values = exchange.headers.all(field::TRANSFER_ENCODING);
    let single = values
        .next()
        .is_some_and(|value| value.eq_ignore_ascii_case(b"chunked"))
        && values.next().is_none();
    if !single || exchange.version != http::Version::HTTP_11 {
        return Err(Refusal::BadRequest(Why::TransferEncoding));
    }
    if exchange.headers.contains(field::CONTENT_LENGTH) {
        return Err(Refusal::BadRequest(Why::Length));
    }
    Ok(())
}

fn set_path(exchange: &mut Exchange, rules: &Admission) -> Result<(), Refusal> {
    let sent = exchange.target.path();
    if !sent.starts_with('/') {
        // `*`, of OPTIONS or of anything else: no route can have it.
        return Err(Refusal::BadRequest(Why::Target));
    }
    let path = path::normalise(sent, rules.limits.encoded_slash).map_err(Refusal::BadPath)?;
    let query = exchange.target.query().map(path::tidy_query);
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
    exchange.target = Target::parse(text).map_err(|_| Refusal::BadRequest(Why::Target))?;
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
    if exchange.method != http::Method::OPTIONS {
        return Ok(());
    }
    let left: u32 = exchange
        .headers
        .get_str(field::MAX_FORWARDS)
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or(Refusal::BadRequest(Why::MaxForwards))?;
    let less = left.checked_sub(1).ok_or(Refusal::NotImplemented)?;
    exchange
        .headers
        .set(field::MAX_FORWARDS, FieldValue::from(less));
    Ok(())
}

/// What a trusted proxy says of its client. Hops are read from the right, the nearest first, up to the first that is not
/// trusted: everything to the left of it could be invented (security requirement G22).
fn believe_proxy(exchange: &mut Exchange, rules: &Admission) {
    let mut client = exchange.client;
    let lines: Vec<&[u8]> = exchange.headers.all(field::X_FORWARDED_FOR).collect();
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
