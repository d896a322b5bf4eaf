//! A reader of HTTP/1.1 as RFC 9112 has it: slow and plain, written from the RFC and not from the engine, so that the two can be
//! held against each other. The tests of the whole read with it what comes out of gateways.
//!
//! Where the RFC lets a reader choose, this one refuses; it repairs nothing. Two things are wider than the grammar, since they
//! cannot divide a message: a target may hold any byte that is no space and no control character, and so may a status text.

/// Name and value.
pub type Field = (Vec<u8>, Vec<u8>);

/// What was read, and how many bytes it had; `None`: it is not complete.
pub type Read<T> = Result<Option<(T, usize)>, &'static str>;

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// A token.
    pub method: Vec<u8>,
    /// As it was sent.
    pub target: Vec<u8>,
    /// 0 or 1, of HTTP/1.
    pub minor: u8,
    /// In order.
    pub fields: Vec<Field>,
}

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 100 to 999.
    pub status: u16,
    /// 0 or 1, of HTTP/1.
    pub minor: u8,
    /// In order.
    pub fields: Vec<Field>,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// After so many bytes.
    Bytes(u64),
    /// With its last chunk.
    Chunked,
    /// With the connection.
    Close,
}

/// A body, and what stood behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// Its bytes, out of their framing.
    pub data: Vec<u8>,
    /// Trailer fields, all of them.
    pub trailers: Vec<Field>,
}

/// Reads the head of a request (RFC 9112 §3).
pub fn request(bytes: &[u8]) -> Read<Request> {
    // Servers should take empty lines before a request (§2.2).
    let mut at = 0;
    while bytes[at..].starts_with(b"\r\n") {
        at += 2;
    }
    let Some((first, length)) = line(&bytes[at..])? else {
        return Ok(None);
    };
    at += length;
    let parts: Vec<&[u8]> = first.split(|byte| *byte == b' ').collect();
    let [method, target, version] = parts[..] else {
        return Err("a request line has three parts with one space between them");
    };
    if method.is_empty() || !method.iter().all(is_token) {
        return Err("the method is a token");
    }
    if target.is_empty() || target.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return Err("the target has no space and no control character");
    }
    if target.contains(&b'#') {
        return Err("the target has no fragment");
    }
    let minor = version_of(version)?;
    let Some((fields, length)) = fields(&bytes[at..])? else {
        return Ok(None);
    };
    let head = Request {
        method: method.to_vec(),
        target: target.to_vec(),
        minor,
        fields,
    };
    Ok(Some((head, at + length)))
}

/// Reads the head of an answer (§4).
pub fn answer(bytes: &[u8]) -> Read<Answer> {
    let Some((first, at)) = line(bytes)? else {
        return Ok(None);
    };
    let mut parts = first.splitn(3, |byte| *byte == b' ');
    let minor = version_of(parts.next().unwrap_or_default())?;
    let code = parts.next().unwrap_or_default();
    let text = parts.next().unwrap_or_default();
    if code.len() != 3 || !code.iter().all(u8::is_ascii_digit) || code[0] == b'0' {
        return Err("a status has three digits");
    }
    if text.iter().any(|byte| !is_text(byte)) {
        return Err("a status text has no control character");
    }
    let status = code
        .iter()
        .fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    let Some((fields, length)) = fields(&bytes[at..])? else {
        return Ok(None);
    };
    let head = Answer {
        status,
        minor,
        fields,
    };
    Ok(Some((head, at + length)))
}

/// Where the body of a request ends (§6.3).
pub fn request_length(head: &Request) -> Result<Length, &'static str> {
    Ok(length(&head.fields, head.minor)?.unwrap_or(Length::Bytes(0)))
}

/// Where the body of an answer ends (§6.3); `to_head` says that the request was HEAD.
pub fn answer_length(head: &Answer, to_head: bool) -> Result<Length, &'static str> {
    let length = length(&head.fields, head.minor)?;
    if to_head || matches!(head.status, 100..=199 | 204 | 304) {
        return Ok(Length::Bytes(0));
    }
    Ok(length.unwrap_or(Length::Close))
}

/// Reads a body (§6, §7.1). One that ends with the connection is never complete.
pub fn body(length: Length, bytes: &[u8]) -> Read<Body> {
    let mut body = Body::default();
    let mut at = 0;
    match length {
        Length::Close => return Ok(None),
        Length::Bytes(count) => {
            return Ok(usize::try_from(count).ok().and_then(|count| {
                body.data = bytes.get(..count)?.to_vec();
                Some((body, count))
            }));
        }
        Length::Chunked => {}
    }
    loop {
        let Some((head, taken)) = line(&bytes[at..])? else {
            return Ok(None);
        };
        at += taken;
        let size = chunk_size(head)?;
        if size == 0 {
            break;
        }
        let Some(data) = bytes.get(at..at + size) else {
            return Ok(None);
        };
        body.data.extend_from_slice(data);
        at += size;
        match bytes.get(at..).unwrap_or_default() {
            [] | [b'\r'] => return Ok(None),
            [b'\r', b'\n', ..] => at += 2,
            _ => return Err("a chunk ends with CR LF"),
        }
    }
    let Some((trailers, taken)) = fields(&bytes[at..])? else {
        return Ok(None);
    };
    body.trailers = trailers;
    Ok(Some((body, at + taken)))
}

/// Values of a field, in order.
pub fn values<'f>(fields: &'f [Field], name: &str) -> Vec<&'f [u8]> {
    fields
        .iter()
        .filter(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| value.as_slice())
        .collect()
}

/// A line without its CR LF. Neither of the two stands anywhere else (§2.2).
fn line(bytes: &[u8]) -> Read<&[u8]> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return Ok(None);
    };
    match bytes[..end].strip_suffix(b"\r") {
        None => Err("a line ends with CR LF"),
        Some(line) if line.contains(&b'\r') => Err("CR stands before LF only"),
        Some(line) => Ok(Some((line, end + 1))),
    }
}

/// Field lines with the empty line behind them (§5).
fn fields(bytes: &[u8]) -> Read<Vec<Field>> {
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let Some((line, length)) = line(&bytes[at..])? else {
            return Ok(None);
        };
        at += length;
        if line.is_empty() {
            return Ok(Some((fields, at)));
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Err("a field line has a colon");
        };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().all(is_token) {
            return Err("a field name is a token right before its colon");
        }
        if !value.iter().all(is_text) {
            return Err("a field value has no control character");
        }
        fields.push((name.to_vec(), trimmed(value).to_vec()));
    }
}

fn length(fields: &[Field], minor: u8) -> Result<Option<Length>, &'static str> {
    let codings = values(fields, "transfer-encoding");
    let lengths = values(fields, "content-length");
    match (&codings[..], &lengths[..]) {
        ([], []) => Ok(None),
        ([], [digits]) => {
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return Err("a length is digits");
            }
            let text = String::from_utf8_lossy(digits);
            let number = text.parse().map_err(|_| "a length has 64 bits")?;
            Ok(Some(Length::Bytes(number)))
        }
        ([coding], []) if minor == 1 && coding.eq_ignore_ascii_case(b"chunked") => {
            Ok(Some(Length::Chunked))
        }
        ([], _) => Err("one length"),
        (_, []) => Err("one coding, chunked, of HTTP/1.1"),
        _ => Err("a length or a coding"),
    }
}

/// The size in the first line of a chunk (§7.1). Of extensions (§7.1.1) only where they begin matters.
fn chunk_size(head: &[u8]) -> Result<usize, &'static str> {
    let digits = head.iter().take_while(|byte| byte.is_ascii_hexdigit());
    let digits = &head[..digits.count()];
    let behind = trimmed(&head[digits.len()..]);
    let gap = behind.is_empty() && digits.len() < head.len();
    if digits.is_empty() || gap || !(behind.is_empty() || behind.starts_with(b";")) {
        return Err("a chunk begins with its size");
    }
    if !behind.iter().all(is_text) {
        return Err("an extension has no control character");
    }
    let text = String::from_utf8_lossy(digits);
    match usize::from_str_radix(&text, 16) {
        Ok(size) if size < 1 << 60 => Ok(size),
        _ => Err("a chunk is not larger than anything"),
    }
}

fn version_of(version: &[u8]) -> Result<u8, &'static str> {
    match version {
        b"HTTP/1.0" => Ok(0),
        b"HTTP/1.1" => Ok(1),
        _ => Err("the version is HTTP/1.0 or HTTP/1.1"),
    }
}

/// Without spaces and tabs around it.
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// RFC 9110 §5.6.2.
fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

/// RFC 9110 §5.5.
fn is_text(byte: &u8) -> bool {
    !matches!(byte, 0..=0x08 | 0x0a..=0x1f | 0x7f)
}
