//! The engine held against two other readers of the same bytes: the strict [`reference`], which was written from the RFC, and
//! hyper, which repairs. Whatever the bytes:
//!
//! - what the engine accepts, both accept, with the same method, fields and body, and the same first byte behind it;
//! - what the reference accepts, the engine accepts, but for what [`stricter`] writes down;
//! - bytes mean the same in whatever pieces they come;
//! - what is written for the back end reads as the request that came, and as nothing more.
//!
//! The oracles are plain functions over bytes. Every run feeds them the kept corpus (`corpus/`) and some hundred made inputs;
//! `tests/bench/fuzz.sh` feeds them for as long as one likes, and keeps inputs of a kind that was not seen before.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

use super::super::*;
use super::made::{Change, REQUEST_LINES, STATUS_LINES, changed, messages};
use super::reference::{self, Field};

/// Fields that are read; one more is read and refused where all limits are.
const FIELDS: usize = 100;

/// What the engine makes of bytes.
#[derive(Debug, Clone, PartialEq)]
enum Reading<H> {
    /// More has to come before anything can be said.
    Head,
    /// A head, and not the whole body.
    Body(H),
    /// All of it.
    Whole(H, Content),
    /// It is refused, for this reason.
    Refused(String),
}

/// A body as it was read.
#[derive(Debug, Clone, PartialEq)]
struct Content {
    data: Vec<u8>,
    trailers: Vec<Field>,
    /// Bytes of the message, head and framing included.
    used: usize,
}

/// A request's head.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    method: String,
    target: String,
    whole_uri: bool,
    fields: Vec<Field>,
    framing: Framing,
}

/// An answer's head.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    status: u16,
    fields: Vec<Field>,
    framing: Framing,
}

fn listed(headers: &crate::exchange::Headers) -> Vec<Field> {
    let fields = headers.iter();
    fields
        .map(|(name, value)| (name.to_vec(), value.to_vec()))
        .collect()
}

/// Reads a body that comes in pieces of `step` bytes.
fn content(framing: Framing, at: usize, bytes: &[u8], step: usize) -> Result<Option<Content>, ()> {
    let mut decoder = Decoder::new(framing);
    let mut read = Content {
        data: Vec::new(),
        trailers: Vec::new(),
        used: at,
    };
    let mut come = bytes.len().min(at + step);
    loop {
        match decoder.next(&bytes[read.used..come]).map_err(|_| ())? {
            Piece::Data { skip, length } => {
                read.used += skip;
                read.data
                    .extend_from_slice(&bytes[read.used..read.used + length]);
                read.used += length;
            }
            Piece::End { skip, trailers } => {
                read.used += skip;
                read.trailers = trailers.as_ref().map(listed).unwrap_or_default();
                return Ok(Some(read));
            }
            Piece::Nothing => {
                read.used = come;
                if come == bytes.len() {
                    return Ok(None);
                }
                come = bytes.len().min(come + step);
            }
        }
    }
}

fn request_of(bytes: &[u8], step: usize) -> Reading<Asked> {
    let (head, at) = match request(bytes, FIELDS) {
        Ok(None) => return Reading::Head,
        Err(fault) => return Reading::Refused(format!("{fault:?}")),
        Ok(Some(found)) => found,
    };
    let framing = match of_request(&head.survey, head.version) {
        Err(fault) => return Reading::Refused(format!("{fault:?}")),
        Ok(framing) => framing,
    };
    let asked = Asked {
        method: head.method.as_str().to_owned(),
        target: head.target.as_str().to_owned(),
        whole_uri: head.authority.is_some(),
        fields: listed(&head.headers),
        framing,
    };
    match content(framing, at, bytes, step) {
        Ok(Some(body)) => Reading::Whole(asked, body),
        Ok(None) => Reading::Body(asked),
        Err(()) => Reading::Refused("Garbled".to_owned()),
    }
}

fn answer_of(bytes: &[u8], step: usize) -> Reading<Said> {
    let (head, at) = match response(bytes) {
        Ok(None) => return Reading::Head,
        Err(fault) => return Reading::Refused(format!("{fault:?}")),
        Ok(Some(found)) => found,
    };
    let bodiless = matches!(head.status, 100..=199 | 204 | 304);
    let framing = match of_response(&head.survey, head.version, bodiless) {
        Err(fault) => return Reading::Refused(format!("{fault:?}")),
        Ok(framing) => framing,
    };
    let said = Said {
        status: head.status,
        fields: listed(&head.headers),
        framing,
    };
    match content(framing, at, bytes, step) {
        Ok(Some(body)) => Reading::Whole(said, body),
        Ok(None) => Reading::Body(said),
        Err(()) => Reading::Refused("Garbled".to_owned()),
    }
}

/// What of a message the reference reads: its head, and its body if it is there.
type Read<H> = reference::Read<(H, Option<reference::Body>)>;

fn reference_request(bytes: &[u8]) -> Read<reference::Request> {
    let Some((head, at)) = reference::request(bytes)? else {
        return Ok(None);
    };
    let length = reference::request_length(&head)?;
    Ok(Some(match reference::body(length, &bytes[at..])? {
        None => ((head, None), at),
        Some((body, more)) => ((head, Some(body)), at + more),
    }))
}

fn reference_answer(bytes: &[u8]) -> Read<reference::Answer> {
    let Some((head, at)) = reference::answer(bytes)? else {
        return Ok(None);
    };
    let length = reference::answer_length(&head, false)?;
    Ok(Some(match reference::body(length, &bytes[at..])? {
        None => ((head, None), at),
        Some((body, more)) => ((head, Some(body)), at + more),
    }))
}

/// What the engine refuses and the reference does not, on purpose.
fn stricter(bytes: &[u8], why: &str, fields: usize) -> bool {
    match why {
        // One URI and no other: of the web, in UTF-8, with a host.
        "Target" => true,
        "TooManyFields" => fields > FIELDS,
        // Zeros before the size of a chunk, and texts around chunks, have an end.
        "Garbled" => {
            bytes.len() > AROUND_CHUNKS
                || bytes
                    .windows(16)
                    .any(|part| part.iter().all(u8::is_ascii_hexdigit))
        }
        _ => false,
    }
}

/// Trailers as they may go on: all but those that come too late to be looked at.
fn judge_trailers(ours: &[Field], theirs: &[Field], bytes: &[u8]) {
    let mut rest = theirs.iter();
    for field in ours {
        assert!(
            rest.any(|known| known == field),
            "a trailer nobody sent: {field:?} of {}",
            bytes.escape_ascii()
        );
    }
}

/// The oracle of requests. Returns what kind of input it was.
fn judge_request(bytes: &[u8]) -> String {
    let shown = bytes.escape_ascii();
    let ours = request_of(bytes, usize::MAX / 2);
    let theirs = reference_request(bytes);
    match (&ours, &theirs) {
        (Reading::Head, Ok(None) | Err(_)) => {}
        (Reading::Body(asked), Ok(Some(((head, None), _)))) => judge_head(asked, head),
        (Reading::Body(_), Err(_)) => {}
        (Reading::Whole(asked, body), Ok(Some(((head, Some(known)), used)))) => {
            judge_head(asked, head);
            assert_eq!((&body.data, body.used), (&known.data, *used), "{shown}");
            judge_trailers(&body.trailers, &known.trailers, bytes);
            judge_forwarded(asked, body);
        }
        (Reading::Refused(_), Ok(None) | Err(_)) => {}
        // Seen before the line is complete.
        (Reading::Refused(why), Ok(Some(((_, None), _)))) if why == "Garbled" => {}
        (Reading::Refused(why), Ok(Some(((head, _), _))))
            if stricter(bytes, why, head.fields.len()) => {}
        _ => panic!("{ours:?} and {theirs:?} of {shown}"),
    }
    for step in [1, 2, 7] {
        assert_eq!(request_of(bytes, step), ours, "steps of {step}: {shown}");
    }
    judge_prefixes(bytes, |part| {
        request(part, FIELDS).map(|found| found.map(|(_, at)| at))
    });
    let hyper = hyper_reads(bytes);
    if let Reading::Whole(asked, body) = &ours
        && asked.method != "CONNECT"
        && asked.fields.len() <= FIELDS
        // Paths are judged where requests are understood; hyper refuses some characters at once.
        && asked.target.parse::<http::Uri>().is_ok()
    {
        let (method, fields, data) = hyper
            .as_ref()
            .unwrap_or_else(|| panic!("hyper does not read {shown}"));
        assert_eq!(method, &asked.method, "{shown}");
        assert_eq!(fields, &unordered(&asked.fields), "{shown}");
        assert_eq!(data, &body.data, "{shown}");
    }
    let kind = match &ours {
        Reading::Head => "head".to_owned(),
        Reading::Body(asked) => format!("body {:?}", std::mem::discriminant(&asked.framing)),
        Reading::Whole(asked, body) => format!(
            "whole {:?} {} {} {}",
            std::mem::discriminant(&asked.framing),
            asked.whole_uri,
            asked.fields.len().min(3),
            body.trailers.len().min(2)
        ),
        Reading::Refused(why) => why.clone(),
    };
    let theirs = match theirs {
        Ok(None) => "more",
        Ok(Some(_)) => "fine",
        Err(why) => why,
    };
    format!("{kind}, {theirs}, {}", hyper.is_some())
}

fn judge_head(ours: &Asked, known: &reference::Request) {
    assert_eq!(ours.method.as_bytes(), known.method);
    assert_eq!(ours.fields, known.fields);
    if !ours.whole_uri && known.target.starts_with(b"/") {
        assert_eq!(ours.target.as_bytes(), known.target);
    }
    let length = reference::request_length(known).unwrap();
    let framing = match ours.framing {
        Framing::Empty => reference::Length::Bytes(0),
        Framing::Length(length) => reference::Length::Bytes(length),
        Framing::Chunked => reference::Length::Chunked,
        Framing::Close => reference::Length::Close,
    };
    assert_eq!(framing, length);
}

/// Writes a request as it goes on, and reads it as a back end does.
fn judge_forwarded(asked: &Asked, body: &Content) {
    let mut headers = crate::exchange::Headers::new();
    for (name, value) in &asked.fields {
        headers.append(
            crate::exchange::FieldName::from_bytes(name).unwrap(),
            crate::exchange::FieldValue::from_bytes(value).unwrap(),
        );
    }
    let method = http::Method::from_bytes(asked.method.as_bytes()).unwrap();
    let mut out = Outbox::default();
    request_head(
        out.text(),
        &method,
        &asked.target,
        &headers,
        asked.framing,
        false,
    );
    let mut encoder = Encoder::new(asked.framing);
    for piece in body.data.chunks(9) {
        let piece = Bytes::copy_from_slice(piece);
        encoder.put(Frame::data(piece), &mut out).unwrap();
    }
    encoder.end(&mut out);
    assert_eq!(encoder, Encoder::Whole);
    // Pieces so small are all text.
    let out = out.text();
    let read = reference_request(out);
    let Ok(Some(((head, Some(known)), used))) = read else {
        panic!("{read:?} of {}", out.escape_ascii());
    };
    assert_eq!(used, out.len(), "{}", out.escape_ascii());
    assert_eq!(known.data, body.data);
    assert_eq!(
        (head.method, head.target),
        (
            asked.method.clone().into_bytes(),
            asked.target.clone().into_bytes()
        )
    );
    let framing: [&[u8]; 3] = [b"connection", b"content-length", b"transfer-encoding"];
    let kept = |fields: &[Field]| {
        let is = |name: &[u8]| framing.iter().any(|known| known.eq_ignore_ascii_case(name));
        let fields = fields.iter().filter(|(name, _)| !is(name));
        fields
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
            .collect::<Vec<Field>>()
    };
    assert_eq!(kept(&head.fields), kept(&asked.fields));
}

/// What is known of the beginning of some bytes stays so when more of them come.
fn judge_prefixes<E: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    read: impl Fn(&[u8]) -> Result<Option<usize>, E>,
) {
    let whole = read(bytes);
    let end = match whole {
        Ok(Some(end)) => end,
        _ => bytes.len(),
    };
    for length in 0..=end.min(400) {
        match read(&bytes[..length]) {
            Ok(None) => {}
            Ok(Some(at)) => assert_eq!(Ok(Some(at)), whole, "{}", bytes.escape_ascii()),
            Err(_) => {
                assert!(whole.is_err(), "{} at {length}", bytes.escape_ascii());
                return;
            }
        }
    }
}

/// The oracle of answers. Returns what kind of input it was.
fn judge_answer(bytes: &[u8]) -> String {
    let shown = bytes.escape_ascii();
    let ours = answer_of(bytes, usize::MAX / 2);
    let theirs = reference_answer(bytes);
    let same = |said: &Said, head: &reference::Answer| {
        assert_eq!(
            (said.status, &said.fields),
            (head.status, &head.fields),
            "{shown}"
        );
    };
    match (&ours, &theirs) {
        (Reading::Head, Ok(None) | Err(_)) => {}
        (Reading::Body(said), Ok(Some(((head, None), _)))) => same(said, head),
        (Reading::Body(_), Err(_)) => {}
        (Reading::Whole(said, body), Ok(Some(((head, Some(known)), used)))) => {
            same(said, head);
            assert_eq!((&body.data, body.used), (&known.data, *used), "{shown}");
            judge_trailers(&body.trailers, &known.trailers, bytes);
        }
        (Reading::Refused(_), Ok(None) | Err(_)) => {}
        // Seen before the line is complete.
        (Reading::Refused(why), Ok(Some(((_, None), _)))) if why == "Garbled" => {}
        (Reading::Refused(why), Ok(Some(((head, _), _))))
            if stricter(bytes, why, head.fields.len()) => {}
        _ => panic!("{ours:?} and {theirs:?} of {shown}"),
    }
    for step in [1, 2, 7] {
        assert_eq!(answer_of(bytes, step), ours, "steps of {step}: {shown}");
    }
    judge_prefixes(bytes, |part| {
        response(part).map(|found| found.map(|(_, at)| at))
    });
    let kind = match &ours {
        Reading::Head => "head".to_owned(),
        Reading::Body(said) => format!("body {:?}", std::mem::discriminant(&said.framing)),
        Reading::Whole(said, body) => format!(
            "whole {:?} {} {} {}",
            std::mem::discriminant(&said.framing),
            said.status / 100,
            said.fields.len().min(3),
            body.trailers.len().min(2)
        ),
        Reading::Refused(why) => why.clone(),
    };
    let theirs = match theirs {
        Ok(None) => "more",
        Ok(Some(_)) => "fine",
        Err(why) => why,
    };
    format!("{kind}, {theirs}")
}

/// Method, fields by name, and body.
type Hypers = (String, BTreeMap<String, Vec<Vec<u8>>>, Vec<u8>);

fn unordered(fields: &[Field]) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut map: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (name, value) in fields {
        let name = String::from_utf8(name.to_ascii_lowercase()).unwrap();
        map.entry(name).or_default().push(value.clone());
    }
    map
}

/// The first request that hyper reads from bytes, if it is whole.
fn hyper_reads(bytes: &[u8]) -> Option<Hypers> {
    let read = Arc::new(Mutex::new(None));
    let seen = read.clone();
    let service =
        hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let seen = seen.clone();
            async move {
                let (parts, body) = request.into_parts();
                let first = seen.lock().unwrap().is_none();
                if first {
                    *seen.lock().unwrap() = Some(None);
                    let body = body.collect().await?.to_bytes().to_vec();
                    let fields: Vec<Field> = parts
                        .headers
                        .iter()
                        .map(|(name, value)| {
                            (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec())
                        })
                        .collect();
                    let found = (parts.method.as_str().to_owned(), unordered(&fields), body);
                    *seen.lock().unwrap() = Some(Some(found));
                }
                Ok::<_, hyper::Error>(http::Response::new(Empty::<Bytes>::new()))
            }
        });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mut near, far) = tokio::io::duplex(1 << 17);
        near.write_all(&bytes[..bytes.len().min(1 << 16)])
            .await
            .unwrap();
        near.shutdown().await.unwrap();
        // How the connection ends does not matter.
        let _ = hyper::server::conn::http1::Builder::new()
            .half_close(true)
            .serve_connection(TokioIo::new(far), service)
            .await;
    });
    let found = read.lock().unwrap().take();
    found.flatten()
}

/// Remembers kinds of inputs. Where `KEEP_CORPUS` is set, the first of each kind that the corpus does not have goes into it.
struct Kept {
    file: PathBuf,
    kinds: Option<Mutex<BTreeSet<String>>>,
}

impl Kept {
    fn new(group: &str, judge: fn(&[u8]) -> String) -> Kept {
        let kinds = std::env::var_os("KEEP_CORPUS").map(|_| {
            let known = corpus(group);
            Mutex::new(known.iter().map(|bytes| judge(bytes)).collect())
        });
        Kept {
            file: corpus_file(group),
            kinds,
        }
    }

    fn note(&self, kind: String, bytes: &[u8]) {
        let Some(kinds) = &self.kinds else { return };
        if kinds.lock().unwrap().insert(kind) {
            let mut file = fs::OpenOptions::new()
                .append(true)
                .open(&self.file)
                .unwrap();
            let line = format!("{}\n", bytes.escape_ascii());
            file.write_all(line.as_bytes()).unwrap();
        }
    }
}

fn corpus_file(group: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/h1/tests/corpus/{group}.txt"))
}

/// The inputs of a group of the corpus: one a line, escaped as Rust does it.
fn corpus(group: &str) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(corpus_file(group)).unwrap();
    let inputs: Vec<Vec<u8>> = text.lines().map(unescaped).collect();
    assert!(inputs.len() > 100, "{group} has {} inputs", inputs.len());
    inputs
}

fn unescaped(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next().unwrap() {
                b'r' => b'\r',
                b'n' => b'\n',
                b't' => b'\t',
                b'x' => {
                    let digits: String = rest.by_ref().take(2).map(char::from).collect();
                    u8::from_str_radix(&digits, 16).unwrap()
                }
                other => other,
            },
            plain => plain,
        });
    }
    bytes
}

#[test]
fn the_corpus_is_read_alike() {
    for bytes in corpus("requests") {
        judge_request(&bytes);
    }
    for bytes in corpus("answers") {
        judge_answer(&bytes);
    }
}

#[test]
fn made_requests_are_read_alike() {
    let kept = Kept::new("requests", judge_request);
    proptest!(|(bytes in messages(REQUEST_LINES))| kept.note(judge_request(&bytes), &bytes));
}

#[test]
fn made_answers_are_read_alike() {
    let kept = Kept::new("answers", judge_answer);
    proptest!(|(bytes in messages(STATUS_LINES))| kept.note(judge_answer(&bytes), &bytes));
}

#[test]
fn changes_of_the_corpus_are_read_alike() {
    let all = corpus("requests");
    let kept = Kept::new("requests", judge_request);
    proptest!(|(from in any::<prop::sample::Index>(), changes in prop::collection::vec(any::<Change>(), 1..6))| {
        let bytes = changed(all[from.index(all.len())].clone(), &changes);
        kept.note(judge_request(&bytes), &bytes);
    });
}
