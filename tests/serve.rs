//! Gateways over real sockets: `serve/<name>/spec.yaml` is served by `dev` and as an emitted crate, and both answer what
//! `exchanges.yaml` says: to clients, to its back end, to its admin listener, in its access log. Adding a case needs no Rust.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::thread;
use std::time::Duration;

use gateway_tests::cases;
use gateway_tests::client::{Answer, Connection};
use gateway_tests::emitted::Workspace;
use gateway_tests::gateway::Gateway;
use gateway_tests::upstream::{Behaviour, Seen, Upstream};
use gateway_tests::{pattern, tls};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Case {
    /// Served in one of the two ways only: `dev` has neither the binary's flags nor its access log.
    #[serde(default)]
    only: Option<Way>,
    /// More arguments of `generate`.
    #[serde(default)]
    generate: Vec<String>,
    /// Arguments of the gateway, filled as values of `env` are; `{upstream}` is the back end's address, `{closed}` one where nobody
    /// listens, `{crt}` and `{key}` are files of a certificate for `localhost` and its key, `{crt-text}` and `{key-text}` what is in
    /// them.
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    upstream: Vec<Behaviour>,
    /// The back end is behind TLS, and shows the certificate of `localhost` or `other`; `demanding`: that of `localhost`, and wants the same
    /// of its clients.
    #[serde(default)]
    upstream_tls: Option<String>,
    /// By what its requests are sent: every one by each of these, with the same outcome.
    #[serde(default = "http1_alone")]
    by: Vec<Protocol>,
    /// More back ends by name; `{upstream.NAME}` is the address of one.
    #[serde(default)]
    back_ends: BTreeMap<String, Vec<Behaviour>>,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Way {
    Dev,
    Emitted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Protocol {
    #[serde(rename = "http/1.1")]
    Http1,
    /// As agreed inside TLS, or by prior knowledge in clear.
    #[serde(rename = "h2")]
    Http2,
}

fn http1_alone() -> Vec<Protocol> {
    vec![Protocol::Http1]
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Step {
    /// `GET /path`.
    #[serde(default)]
    send: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
    /// Instead of the three: these very bytes.
    #[serde(default)]
    raw: Option<String>,
    /// Sent to the admin listener.
    #[serde(default)]
    admin: bool,
    /// Instead of what the case says.
    #[serde(default)]
    by: Option<Vec<Protocol>>,
    /// Sent as if there were no TLS; no answer may come.
    #[serde(default)]
    clear: bool,
    /// Sent again until the answer is as expected: for what a gateway does after its answer.
    #[serde(default)]
    eventually: bool,
    /// So many at once, each on its own connection; all must answer the same.
    #[serde(default)]
    times: Option<usize>,
    /// Before the step: back ends that behave otherwise from now on.
    #[serde(default)]
    now: BTreeMap<String, Vec<Behaviour>>,
    /// Before the step: a back end that ends.
    #[serde(default)]
    kill: Option<String>,
    /// A back end that ends while the requests of the step are under way.
    #[serde(default)]
    kill_meanwhile: Option<String>,
    /// Before the step: a back end that ended and starts again.
    #[serde(default)]
    revive: Option<String>,
    expect: Expect,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Expect {
    /// 0: the connection is closed without an answer. Of several requests: that of each.
    #[serde(default)]
    status: Option<u16>,
    /// Of several requests that differ: how many have which.
    #[serde(default)]
    statuses: BTreeMap<u16, usize>,
    /// Of several requests: whether all answers have one body.
    #[serde(default)]
    alike: bool,
    /// `null`: absent; `*`: present with any value; `~part`: holds the part.
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    contains: Vec<String>,
    #[serde(default)]
    lacks: Vec<String>,
    /// Whole lines of the body; see `pattern` for what may stand in them.
    #[serde(default)]
    lines: Vec<String>,
    /// What the emitted binary writes into its access log for this step, in any order.
    #[serde(default)]
    log: Vec<String>,
    /// The body ends before its announced end.
    #[serde(default)]
    cut: bool,
    /// Behind the answer the gateway closes the connection.
    #[serde(default)]
    closed: bool,
    /// What the back end saw meanwhile: how many requests, and the last of them.
    #[serde(default)]
    upstream: Option<ExpectUpstream>,
    /// The same for back ends with names; checks of their health are not counted.
    #[serde(default)]
    back_ends: BTreeMap<String, ExpectUpstream>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ExpectUpstream {
    count: usize,
    #[serde(default)]
    line: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    #[serde(default)]
    body: Option<String>,
}

#[test]
fn dev_and_the_emitted_binary_answer_as_expected() {
    let folders = cases::folders("serve", "exchanges.yaml");
    let mut faults = Vec::new();
    let mut workspace = Workspace::new("serve");
    for folder in &folders {
        let case = read(folder);
        let more: Vec<&str> = case.generate.iter().map(String::as_str).collect();
        let spec = folder.join("spec.yaml");
        if let Err(fault) = workspace.add_with(&crate_name(folder), &spec, &more) {
            faults.push(format!(
                "── {}: does not generate ──\n{fault}",
                cases::name(folder)
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    workspace
        .build()
        .unwrap_or_else(|error| panic!("the emitted crates do not build:\n{error}"));
    // Cases wait for timeouts more than they compute.
    let results: Vec<_> = thread::scope(|scope| {
        let started: Vec<_> = folders
            .iter()
            .map(|folder| scope.spawn(|| run(folder, &workspace)))
            .collect();
        started
            .into_iter()
            .map(|case| {
                case.join()
                    .unwrap_or_else(|_| vec!["a helper panicked; see above".to_owned()])
            })
            .collect()
    });
    for (folder, found) in folders.iter().zip(results) {
        faults.extend(
            found
                .into_iter()
                .map(|fault| format!("── {} ── {fault}", cases::name(folder))),
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn crate_name(folder: &Path) -> String {
    format!("serve-{}", cases::name(folder))
}

fn read(folder: &Path) -> Case {
    let text = fs::read_to_string(folder.join("exchanges.yaml")).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
}

/// Runs a case both ways and returns what went wrong.
fn run(folder: &Path, workspace: &Workspace) -> Vec<String> {
    let case = read(folder);
    let mut faults = Vec::new();
    for way in [Way::Dev, Way::Emitted] {
        if case.only.is_some_and(|only| only != way) {
            continue;
        }
        let upstream = Upstream::start(
            case.upstream.clone(),
            case.upstream_tls.as_deref().map(tls::server),
        );
        let named: BTreeMap<&str, Upstream> = case
            .back_ends
            .iter()
            .map(|(name, behaviours)| (name.as_str(), Upstream::start(behaviours.clone(), None)))
            .collect();
        let filled = |text: &String| {
            let file = |name| tls::file(name).display().to_string();
            let mut text = text.clone();
            for (name, back_end) in &named {
                text = text.replace(
                    &format!("{{upstream.{name}}}"),
                    &back_end.address.to_string(),
                );
            }
            for (mark, name) in [
                ("{crt-text}", "localhost.crt"),
                ("{key-text}", "localhost.key"),
                ("{other-crt-text}", "other.crt"),
                ("{other-key-text}", "other.key"),
            ] {
                if text.contains(mark) {
                    text = text.replace(mark, &fs::read_to_string(tls::file(name)).unwrap());
                }
            }
            text.replace("{upstream}", &upstream.address.to_string())
                .replace("{port}", &upstream.address.port().to_string())
                .replace("{closed}", &closed().to_string())
                .replace("{crt}", &file("localhost.crt"))
                .replace("{key}", &file("localhost.key"))
        };
        let args: Vec<String> = case.args.iter().map(filled).collect();
        let env = case
            .env
            .iter()
            .map(|(name, value)| (name.clone(), filled(value)))
            .collect();
        let gateway = match way {
            Way::Dev => Gateway::dev(&folder.join("spec.yaml"), &args, &env),
            Way::Emitted => Gateway::emitted(&workspace.binary(&crate_name(folder)), &args, &env),
        };
        let mut gateway = match gateway {
            Ok(gateway) => gateway,
            Err(said) => {
                faults.push(format!("{way:?} does not start:\n{said}"));
                continue;
            }
        };
        let steps = case.steps.iter().enumerate().flat_map(|(number, step)| {
            let protocols = step.protocols(&case.by);
            protocols.map(move |protocol| (number, step, protocol))
        });
        for (number, step, protocol) in steps {
            upstream.take_seen();
            prepare(step, &named);
            let mut wrong = judged(step, protocol, &gateway, &upstream, &named);
            for _ in 0..if step.eventually { 400 } else { 0 } {
                if wrong.is_empty() {
                    break;
                }
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a client that asks again after a while"
                )]
                thread::sleep(Duration::from_millis(50));
                wrong = judged(step, protocol, &gateway, &upstream, &named);
            }
            if way == Way::Emitted {
                wrong.extend(judge_log(&step.expect.log, &gateway));
            }
            if !wrong.is_empty() {
                let asked = step.raw.as_deref().unwrap_or(&step.send);
                faults.push(format!(
                    "{way:?}, step {} ({asked}) by {protocol:?}:\n    {}",
                    number + 1,
                    wrong.join("\n    ")
                ));
            }
        }
        if way == Way::Emitted && case.steps.iter().any(|step| !step.expect.log.is_empty()) {
            gateway.signal("TERM");
            let _ = gateway.wait();
            while let Some(line) = gateway.line() {
                faults.push(format!("no step expects this line in the log: {line}"));
            }
        }
    }
    faults
}

/// Does with the back ends what a step wants before its requests.
fn prepare(step: &Step, named: &BTreeMap<&str, Upstream>) {
    for (name, behaviours) in &step.now {
        named[name.as_str()].behave(behaviours.clone());
    }
    if let Some(name) = &step.kill {
        named[name.as_str()].kill();
    }
    if let Some(name) = &step.revive {
        named[name.as_str()].revive();
    }
    for back_end in named.values() {
        back_end.take_seen();
    }
}

/// Takes a step, and returns what is wrong with it.
fn judged(
    step: &Step,
    protocol: Protocol,
    gateway: &Gateway,
    upstream: &Upstream,
    named: &BTreeMap<&str, Upstream>,
) -> Vec<String> {
    let answers = thread::scope(|scope| {
        if let Some(name) = &step.kill_meanwhile {
            scope.spawn(|| {
                // Its part of the requests is with it, and it has not answered them.
                let back_end = &named[name.as_str()];
                gateway_tests::wait::eventually("a request", || back_end.has_seen(1));
                back_end.kill();
            });
        }
        ask(step, protocol, gateway)
    });
    let mut wrong: Vec<String> = answers
        .iter()
        .flat_map(|answer| judge(&step.expect, answer.as_ref()))
        .collect();
    wrong.extend(judge_together(&step.expect, &answers));
    if let Some(expect) = &step.expect.upstream {
        wrong.extend(judge_upstream(expect, &upstream.take_seen()));
    }
    for (name, back_end) in named {
        let mut seen = back_end.take_seen();
        seen.retain(|seen| seen.header("user-agent").as_deref() != Some("gateway-health-check"));
        if let Some(expect) = step.expect.back_ends.get(*name) {
            let found = judge_upstream(expect, &seen);
            wrong.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
        }
    }
    wrong
}

/// Waits for as many lines as are expected, and finds one for each.
fn judge_log(expected: &[String], gateway: &Gateway) -> Vec<String> {
    let mut lines: Vec<String> = expected.iter().map_while(|_| gateway.line()).collect();
    let mut wrong = Vec::new();
    for line in expected {
        match lines.iter().position(|came| pattern::fits(line, came)) {
            Some(at) => drop(lines.remove(at)),
            None => wrong.push(format!("the log lacks {line}; it has {lines:#?}")),
        }
    }
    wrong
}

/// An address where nobody listens.
fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
}

impl Step {
    /// By what it is sent; `all` is what the case says. Bytes as they stand are those of HTTP/1.1, and so is what is no API's.
    fn protocols<'s>(&'s self, all: &'s [Protocol]) -> impl Iterator<Item = Protocol> + 's {
        let plain = self.raw.is_some() || self.admin || self.clear;
        let all = self.by.as_deref().unwrap_or(all).iter().copied();
        all.filter(move |protocol| !plain || *protocol == Protocol::Http1)
    }
}

fn ask(step: &Step, protocol: Protocol, gateway: &Gateway) -> Vec<Option<Answer>> {
    thread::scope(|scope| {
        let asked: Vec<_> = (0..step.times.unwrap_or(1))
            .map(|_| {
                scope.spawn(|| match protocol {
                    Protocol::Http1 => http1(step, gateway),
                    Protocol::Http2 => http2(step, gateway),
                })
            })
            .collect();
        asked
            .into_iter()
            .map(|answer| answer.join().unwrap())
            .collect()
    })
}

fn http2(step: &Step, gateway: &Gateway) -> Option<Answer> {
    let (method, target) = step.send.split_once(' ').unwrap();
    let scheme = if gateway.secure { "https" } else { "http" };
    let is_host = |name: &str| name.eq_ignore_ascii_case("host");
    let host = step.headers.iter().find(|(name, _)| is_host(name));
    let host = host.map_or("api.example", |(_, host)| host);
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("{scheme}://{host}{target}"));
    for (name, value) in &step.headers {
        if !is_host(name) {
            request = request.header(name, value);
        }
    }
    let body = step.body.clone().unwrap_or_default();
    gateway_tests::http2::ask(
        gateway.address,
        gateway.secure,
        request.body(body.into()).unwrap(),
    )
}

fn http1(step: &Step, gateway: &Gateway) -> Option<Answer> {
    let mut connection = match () {
        () if step.admin => Connection::open(gateway.admin),
        () if step.clear => Connection::open(gateway.address),
        () => gateway.connect(),
    }
    .unwrap();
    let method = step
        .raw
        .as_deref()
        .unwrap_or(&step.send)
        .split(' ')
        .next()
        .unwrap_or_default()
        .to_owned();
    let bytes = step.raw.clone().unwrap_or_else(|| {
        let mut text = format!("{} HTTP/1.1\r\n", step.send);
        if !step
            .headers
            .keys()
            .any(|name| name.eq_ignore_ascii_case("host"))
        {
            text.push_str("host: api.example\r\n");
        }
        for (name, value) in &step.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &step.body {
            text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        } else {
            text.push_str("\r\n");
        }
        text
    });
    connection.send(bytes.as_bytes()).unwrap();
    if step.clear {
        let said = String::from_utf8_lossy(&connection.rest()).into_owned();
        assert!(!said.contains("HTTP/"), "an answer came: {said}");
        return None;
    }
    let mut answer = connection.read(&method).unwrap();
    if let Some(answer) = &mut answer
        && step.expect.closed
    {
        answer.closed = connection.is_closed();
    }
    answer
}

fn judge(expect: &Expect, answer: Option<&Answer>) -> Vec<String> {
    let Some(answer) = answer else {
        return if expect.status == Some(0) {
            Vec::new()
        } else {
            vec!["the connection closed without an answer".to_owned()]
        };
    };
    let mut wrong = Vec::new();
    if let Some(expected) = expect.status
        && answer.status != expected
    {
        wrong.push(format!(
            "status {} instead of {expected}: {}",
            answer.status,
            answer.text()
        ));
    }
    fields(&expect.headers, |name| answer.header(name), "", &mut wrong);
    let text = answer.text();
    if let Some(body) = &expect.body
        && text != *body
    {
        wrong.push(format!("body {text:?} instead of {body:?}"));
    }
    for part in expect.contains.iter().filter(|part| !text.contains(*part)) {
        wrong.push(format!("body lacks {part:?}: {text}"));
    }
    for part in expect.lacks.iter().filter(|part| text.contains(*part)) {
        wrong.push(format!("body holds {part:?}: {text}"));
    }
    for line in &expect.lines {
        if !text.lines().any(|came| pattern::fits(line, came)) {
            wrong.push(format!("body lacks the line {line}: {text}"));
        }
    }
    if expect.closed && !answer.closed {
        wrong.push("the connection stays open".to_owned());
    }
    if answer.cut != expect.cut {
        wrong.push(format!(
            "the body was {}cut",
            if answer.cut { "" } else { "not " }
        ));
    }
    wrong
}

fn judge_together(expect: &Expect, answers: &[Option<Answer>]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for answer in answers {
        *statuses
            .entry(answer.as_ref().map_or(0, |answer| answer.status))
            .or_default() += 1;
    }
    let expected = &expect.statuses;
    if expect.status.is_none() && *expected != statuses {
        wrong.push(format!("statuses {statuses:?} instead of {expected:?}"));
    }
    let mut bodies: Vec<String> = answers.iter().flatten().map(Answer::text).collect();
    bodies.sort();
    bodies.dedup();
    if expect.alike && bodies.len() > 1 {
        wrong.push(format!("different bodies: {bodies:?}"));
    }
    wrong
}

fn judge_upstream(expect: &ExpectUpstream, seen: &[Seen]) -> Vec<String> {
    let mut wrong = Vec::new();
    if seen.len() != expect.count {
        wrong.push(format!(
            "the back end saw {} requests instead of {}",
            seen.len(),
            expect.count
        ));
    }
    if let Some(last) = seen.last() {
        if let Some(line) = &expect.line
            && last.line != *line
        {
            wrong.push(format!(
                "the back end saw {:?} instead of {line:?}",
                last.line
            ));
        }
        if let Some(body) = &expect.body
            && last.body != *body
        {
            wrong.push(format!(
                "the back end saw body {:?} instead of {body:?}",
                last.body
            ));
        }
        fields(
            &expect.headers,
            |name| last.header(name),
            "at the back end ",
            &mut wrong,
        );
    }
    wrong
}

fn fields(
    expected: &BTreeMap<String, Option<String>>,
    actual: impl Fn(&str) -> Option<String>,
    side: &str,
    wrong: &mut Vec<String>,
) {
    for (name, value) in expected {
        let came = actual(name);
        let fine = match (value.as_deref(), came.as_deref()) {
            (None, came) => came.is_none(),
            (Some("*"), came) => came.is_some(),
            (Some(value), Some(came)) => value
                .strip_prefix('~')
                .map_or(came == value, |part| came.contains(part)),
            (Some(_), None) => false,
        };
        if !fine {
            wrong.push(format!("{side}{name} is {came:?} instead of {value:?}"));
        }
    }
}
