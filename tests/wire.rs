//! What HTTP/1.1 can be broken with, sent by clients (`wire/requests/*.yaml`) and by back ends (`wire/answers/*.yaml`): each case
//! whole, byte by byte, and cut in two at many places, with the same outcome. Adding a case needs no Rust.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::iter;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gateway_tests::cases;
use gateway_tests::client::Connection;
use gateway_tests::emitted::Workspace;
use gateway_tests::gateway::Gateway;
use gateway_tests::wire::reference::{Field, values};
use gateway_tests::wire::{Act, Answers, Got, Pieces, Received, Recorder, Script, Talk, Then};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RequestCase {
    name: String,
    send: Script,
    /// The statuses of all answers, in order; instead of one, several that are as good.
    answers: Vec<Status>,
    /// Why the gateway refused, as its log and its metrics say; of several answers the last.
    #[serde(default)]
    reason: Option<String>,
    /// Fields of the last answer.
    #[serde(default)]
    fields: BTreeMap<String, Option<String>>,
    then: Client,
    /// All that the back end received.
    #[serde(default)]
    received: Vec<Expected>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Client {
    /// The gateway closes the connection.
    Closed,
    /// The connection takes another request.
    Open,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Status {
    One(u16),
    Any(Vec<u16>),
}

impl Status {
    fn is(&self, status: u16) -> bool {
        match self {
            Status::One(one) => *one == status,
            Status::Any(any) => any.contains(&status),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Expected {
    line: Script,
    /// `null`: absent.
    #[serde(default)]
    fields: BTreeMap<String, Option<String>>,
    #[serde(default)]
    body: Script,
    /// Trailer fields.
    #[serde(default)]
    trailers: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AnswerCase {
    name: String,
    /// The client's method; GET if absent.
    #[serde(default)]
    method: Option<String>,
    /// The client's version; HTTP/1.1 if absent.
    #[serde(default)]
    version: Option<String>,
    /// What the back end answers.
    send: Script,
    #[serde(default = "keep")]
    then: Then,
    /// All that comes before the answer.
    #[serde(default)]
    interim: Vec<Interim>,
    status: u16,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, Option<String>>,
    #[serde(default)]
    body: Option<String>,
    /// The answer has begun, and ends before its end.
    #[serde(default)]
    cut: bool,
    /// Never sent in pieces: what stands behind an answer is seen if it comes with it, and nobody can see it before it comes.
    #[serde(default)]
    at_once: bool,
}

fn keep() -> Then {
    Then::Keep
}

/// An answer before the answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Interim {
    status: u16,
    /// So often.
    #[serde(default = "once")]
    times: usize,
    #[serde(default)]
    fields: BTreeMap<String, Option<String>>,
}

fn once() -> usize {
    1
}

/// The cases of all files of a folder, each with the name of its file.
fn read<C: DeserializeOwned>(folder: &str) -> Vec<(String, C)> {
    let mut files: Vec<_> = fs::read_dir(cases::root().join("tests/wire").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let cases: Vec<C> = serde_yaml::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let subject = file.file_stem().unwrap().to_str().unwrap().to_owned();
        found.extend(cases.into_iter().map(|case| (subject.clone(), case)));
    }
    assert!(found.len() > 50, "only {} cases of {folder}", found.len());
    found
}

/// A gateway with a back end of its own, so that whatever reaches it belongs to the case at hand.
struct Lane {
    gateway: Gateway,
    back_end: Recorder,
    /// Status and reason of every answer so far, and what it answered.
    answered: Vec<(u16, Option<String>, String)>,
}

impl Lane {
    fn start() -> Lane {
        static BUILT: OnceLock<Workspace> = OnceLock::new();
        let workspace = BUILT.get_or_init(|| {
            let mut workspace = Workspace::new("wire");
            let spec = cases::root().join("tests/wire/spec.yaml");
            workspace.add("wire", &spec).unwrap();
            workspace.build().unwrap_or_else(|said| panic!("{said}"));
            workspace
        });
        let back_end = Recorder::start();
        let args = [
            "--upstream".to_owned(),
            format!("http://{}", back_end.address),
            "--workers".to_owned(),
            "1".to_owned(),
        ];
        let gateway = Gateway::emitted(&workspace.binary("wire"), &args, &BTreeMap::new()).unwrap();
        Lane {
            gateway,
            back_end,
            answered: Vec::new(),
        }
    }

    /// Looks whether log and metrics say of every answer what it was, and nothing else.
    fn account(mut self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut counted: BTreeMap<String, usize> = BTreeMap::new();
        for (status, reason, what) in &self.answered {
            let line = self.gateway.line().unwrap_or_default();
            let reason = reason.as_deref();
            let begins = format!(
                r#"{{"status":{status},"error":"{}","#,
                reason.unwrap_or("-")
            );
            if !line.starts_with(&begins) {
                faults.push(format!("{what}: the log has {line} instead of {begins}"));
                // All others would be shifted.
                return faults;
            }
            if let Some(reason) = reason {
                *counted.entry(reason.to_owned()).or_default() += 1;
            }
        }
        let mut admin = Connection::open(self.gateway.admin).unwrap();
        admin
            .send(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .unwrap();
        let metrics = admin.read("GET").unwrap().unwrap().text();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for line in metrics.lines() {
            // An answer that broke off was none of the gateway's own, and is counted apart.
            let series = ["gateway_refusals_total", "gateway_answers_cut_total"]
                .iter()
                .find_map(|name| line.strip_prefix(name)?.strip_prefix("{reason=\""));
            if let Some((reason, count)) = series.and_then(|series| series.split_once("\"} ")) {
                *seen.entry(reason.to_owned()).or_default() += count.parse::<usize>().unwrap();
            }
        }
        seen.retain(|_, count| *count > 0);
        if seen != counted {
            faults.push(format!("counted are {seen:?}, not {counted:?}"));
        }
        self.gateway.signal("TERM");
        if self.gateway.wait() != Some(0) {
            faults.push("the gateway does not end well".to_owned());
        }
        if let Some(line) = self.gateway.line() {
            faults.push(format!("the log has one line too many: {line}"));
        }
        faults
    }
}

/// Takes all cases, several at a time, and reports what was not as expected.
fn run<C: Sync>(all: &[(String, C)], take: impl Fn(&mut Lane, &C) -> Vec<String> + Sync) {
    let next = AtomicUsize::new(0);
    let faults: Vec<String> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut lane = Lane::start();
                    let mut faults = Vec::new();
                    while let Some((subject, case)) = all.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let found = take(&mut lane, case);
                        faults.extend(found.iter().map(|fault| format!("{subject}: {fault}")));
                        if !found.is_empty() {
                            // What is wrong with this one is not to be found again in the next.
                            lane = Lane::start();
                        }
                    }
                    faults.extend(lane.account());
                    faults
                })
            })
            .collect();
        lanes
            .into_iter()
            .flat_map(|lane| lane.join().unwrap())
            .collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn requests_are_understood_once_or_refused() {
    let all: Vec<(String, RequestCase)> = read("requests");
    run(&all, |lane, case| {
        for pieces in Pieces::all(case.send.bytes().len()) {
            if let Err(fault) = ask(lane, case, pieces) {
                return vec![format!("{}, {pieces:?}: {fault}", case.name)];
            }
        }
        Vec::new()
    });
}

fn ask(lane: &mut Lane, case: &RequestCase, pieces: Pieces) -> Result<(), String> {
    let what = format!("{}, {pieces:?}", case.name);
    let mut talk = Talk::open(lane.gateway.address).map_err(|error| error.to_string())?;
    let acts = case.send.acts();
    let to_head = matches!(acts.first(), Some(Act::Send(bytes)) if bytes.starts_with(b"HEAD "));
    let mut got: Vec<Got> = Vec::new();
    for act in &acts {
        match act {
            Act::Send(bytes) => talk.send(bytes, pieces),
            Act::End => talk.end(),
            Act::Await(status) => {
                let Some(answer) = talk.next(to_head)? else {
                    return Err(format!("closed instead of {status}"));
                };
                if answer.status != *status {
                    return Err(format!("{} instead of {status}", answer.status));
                }
                if answer.status >= 200 {
                    got.push(answer);
                }
            }
        }
    }
    while got.len() < case.answers.len() {
        match talk.next(to_head)? {
            Some(answer) if answer.status < 200 => return Err("an interim answer".to_owned()),
            Some(answer) => got.push(answer),
            None => break,
        }
    }
    let mut received = lane.back_end.take()?;
    for (at, answer) in got.iter().enumerate() {
        let last = at + 1 == case.answers.len();
        let reason = case.reason.clone().filter(|_| last);
        lane.answered.push((answer.status, reason, what.clone()));
    }
    let statuses: Vec<u16> = got.iter().map(|answer| answer.status).collect();
    let as_expected = statuses.len() == case.answers.len()
        && iter::zip(&case.answers, &statuses).all(|(expected, status)| expected.is(*status));
    if !as_expected {
        return Err(format!("{statuses:?} instead of {:?}", case.answers));
    }
    if let Some(answer) = got.iter().find(|answer| answer.cut) {
        return Err(format!("an answer {} is cut", answer.status));
    }
    if let Some(answer) = got.last() {
        judge_fields(&case.fields, &answer.fields)?;
    }
    if case.then == Client::Open {
        // Whatever is left of the case would be answered first, or would stand before this request.
        talk.send(
            b"GET /next HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            Pieces::Whole,
        );
        let answer = talk
            .next(false)?
            .ok_or("the connection does not stay open")?;
        lane.answered.push((answer.status, None, what));
        if (answer.status, answer.text().as_str()) != (200, "whole") {
            return Err(format!("what follows is answered {}", answer.status));
        }
        let next = lane.back_end.take()?;
        let lines: Vec<&str> = next.iter().map(|request| request.line.as_str()).collect();
        if lines != ["GET /next"] {
            return Err(format!("the back end received {lines:?} afterwards"));
        }
    }
    let rest = talk.rest()?;
    if !rest.is_empty() {
        return Err(format!(
            "{} comes behind the last answer",
            rest.escape_ascii()
        ));
    }
    received.extend(lane.back_end.take()?);
    judge_received(&case.received, &received)
}

fn judge_received(expected: &[Expected], received: &[Received]) -> Result<(), String> {
    let lines: Vec<&str> = received.iter().map(|seen| seen.line.as_str()).collect();
    let wanted: Vec<String> = expected
        .iter()
        .map(|seen| text(&seen.line.bytes()))
        .collect();
    if lines != wanted {
        return Err(format!(
            "the back end received {lines:?} instead of {wanted:?}"
        ));
    }
    for (expected, seen) in iter::zip(expected, received) {
        judge_forwarded(seen, &expected.fields)?;
        judge_fields(&expected.fields, &seen.fields)?;
        let body = String::from_utf8_lossy(&seen.body.data);
        if seen.body.data != expected.body.bytes() {
            return Err(format!("the back end received the body {body:?}"));
        }
        let trailers: BTreeMap<String, String> = seen
            .body
            .trailers
            .iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect();
        if trailers != expected.trailers {
            return Err(format!("the back end received the trailers {trailers:?}"));
        }
    }
    Ok(())
}

/// What holds of every request that goes further, besides what the strict reader of the back end has looked at already.
fn judge_forwarded(
    seen: &Received,
    expected: &BTreeMap<String, Option<String>>,
) -> Result<(), String> {
    for name in [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "upgrade",
        "http2-settings",
        "expect",
    ] {
        // But for what a case says otherwise.
        if !expected.contains_key(name) && !values(&seen.fields, name).is_empty() {
            return Err(format!("{name} reaches the back end"));
        }
    }
    for name in ["host", "via", "x-forwarded-for"] {
        if values(&seen.fields, name).len() != 1 {
            return Err(format!("{name} reaches the back end other than once"));
        }
    }
    Ok(())
}

fn judge_fields(
    expected: &BTreeMap<String, Option<String>>,
    fields: &[Field],
) -> Result<(), String> {
    for (name, expected) in expected {
        let found = values(fields, name);
        let joined = (!found.is_empty()).then(|| {
            let found: Vec<String> = found.iter().map(|value| text(value)).collect();
            found.join(", ")
        });
        let fits = match expected.as_deref() {
            Some("*") => joined.is_some(),
            other => other == joined.as_deref(),
        };
        if !fits {
            return Err(format!("{name} is {joined:?} instead of {expected:?}"));
        }
    }
    Ok(())
}

/// Bytes as a case writes them.
fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

#[test]
fn answers_are_understood_once_or_refused() {
    let all: Vec<(String, AnswerCase)> = read("answers");
    run(&all, |lane, case| {
        let ways = match case.at_once {
            true => vec![Pieces::Whole],
            false => Pieces::all(case.send.bytes().len()),
        };
        for pieces in ways {
            if let Err(fault) = receive(lane, case, pieces) {
                return vec![format!("{}, {pieces:?}: {fault}", case.name)];
            }
        }
        Vec::new()
    });
}

fn judge_interim(expected: &[Interim], before: &[Got]) -> Result<(), String> {
    let expected: Vec<&Interim> = expected
        .iter()
        .flat_map(|interim| iter::repeat_n(interim, interim.times))
        .collect();
    let statuses: Vec<u16> = before.iter().map(|answer| answer.status).collect();
    let wanted: Vec<u16> = expected.iter().map(|interim| interim.status).collect();
    if statuses != wanted {
        return Err(format!("{statuses:?} instead of {wanted:?} come before"));
    }
    for (expected, answer) in iter::zip(expected, before) {
        judge_fields(&expected.fields, &answer.fields)?;
        judge_returned(answer)?;
        for name in ["connection", "content-length", "transfer-encoding"] {
            if !values(&answer.fields, name).is_empty() {
                return Err(format!("{name} stands in an interim answer"));
            }
        }
    }
    Ok(())
}

/// What holds of every answer that goes back.
fn judge_returned(answer: &Got) -> Result<(), String> {
    for name in [
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "upgrade",
    ] {
        if !values(&answer.fields, name).is_empty() {
            return Err(format!("{name} reaches the client"));
        }
    }
    Ok(())
}

fn receive(lane: &mut Lane, case: &AnswerCase, pieces: Pieces) -> Result<(), String> {
    let what = format!("{}, {pieces:?}", case.name);
    let bytes = match &case.send.acts()[..] {
        [] => Vec::new(),
        [Act::Send(bytes)] => bytes.clone(),
        other => return Err(format!("a back end does nothing but send: {other:?}")),
    };
    lane.back_end.answer(Answers {
        bytes,
        pieces,
        then: case.then,
    });
    let method = case.method.as_deref().unwrap_or("GET");
    let mut talk = Talk::open(lane.gateway.address).map_err(|error| error.to_string())?;
    let version = case.version.as_deref().unwrap_or("HTTP/1.1");
    // HTTP/1.0 keeps no connection that is not asked to stay.
    let stay = match version {
        "HTTP/1.0" => "connection: keep-alive\r\n",
        _ => "",
    };
    let request = format!("{method} /case {version}\r\nhost: a\r\n{stay}\r\n");
    talk.send(request.as_bytes(), Pieces::Whole);
    let mut before = Vec::new();
    let answer = loop {
        let next = talk.next(method == "HEAD")?;
        match next.ok_or("the connection closes without an answer")? {
            next if next.status < 200 => before.push(next),
            answer => break answer,
        }
    };
    lane.answered
        .push((answer.status, case.reason.clone(), what.clone()));
    if answer.status != case.status {
        return Err(format!(
            "{} instead of {}: {}",
            answer.status,
            case.status,
            answer.text()
        ));
    }
    judge_interim(&case.interim, &before)?;
    judge_fields(&case.fields, &answer.fields)?;
    judge_returned(&answer)?;
    if answer.cut != case.cut {
        return Err(format!("cut: {}", answer.cut));
    }
    if let Some(body) = &case.body
        && text(&answer.body) != *body
    {
        return Err(format!(
            "the body {:?} instead of {body:?}",
            text(&answer.body)
        ));
    }
    // Nothing of the answer is left anywhere: the next one is the next one, here or on another connection.
    let closed = answer.cut
        || values(&answer.fields, "connection")
            .iter()
            .any(|value| value.eq_ignore_ascii_case(b"close"));
    if closed {
        let rest = talk.rest()?;
        if !rest.is_empty() {
            return Err(format!("{} comes behind the answer", rest.escape_ascii()));
        }
        talk = Talk::open(lane.gateway.address).map_err(|error| error.to_string())?;
    }
    talk.send(
        b"GET /next HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        Pieces::Whole,
    );
    let next = talk.next(false)?.ok_or("no next answer")?;
    lane.answered.push((next.status, None, what));
    let rest = talk.rest()?;
    if (next.status, next.text().as_str(), rest.is_empty()) != (200, "whole", true) {
        return Err(format!(
            "what follows is answered {} {:?} {}",
            next.status,
            next.text(),
            rest.escape_ascii()
        ));
    }
    let mut received: Vec<String> = lane
        .back_end
        .take()?
        .into_iter()
        .map(|request| request.line)
        .collect();
    if case.then == Then::Close {
        // The next request may be on its way when the connection is closed; then it is sent once more.
        received.dedup();
    }
    if received != [format!("{method} /case"), "GET /next".to_owned()] {
        return Err(format!("the back end received {received:?}"));
    }
    Ok(())
}
