//! More clients than usual, and more than there can be.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use gateway_tests::client::{Answer, Connection};
use gateway_tests::gateway::Gateway;
use gateway_tests::wait::eventually;
use socket2::{Domain, Socket, Type};

use super::back_end::BackEnd;
use super::workspace;

const FREE: &[u8] = b"GET /free HTTP/1.1\r\nhost: api.example\r\n\r\n";
const HELD: &[u8] = b"GET /held HTTP/1.1\r\nhost: api.example\r\n\r\n";
/// An answer of the back end, as it comes through.
const WHOLE: &[u8] = b"\r\n\r\nwhole";
/// Connections that the document `process` allows.
const MOST: usize = 400;

fn start(name: &str, back_end: &BackEnd, more: &[&str]) -> Gateway {
    let upstream = format!("http://{}", back_end.address);
    let mut args = vec!["--upstream".to_owned(), upstream];
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    Gateway::emitted(&workspace::binary(name), &args, &BTreeMap::new()).unwrap()
}

/// Has this process open so many files, and tells how many it may.
fn open_files(wanted: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(wanted).min(wanted);
    let current = limit.current.unwrap_or(wanted);
    if current < most {
        let raised = Rlimit {
            current: Some(most),
            ..limit
        };
        setrlimit(Resource::Nofile, raised).unwrap();
    }
    current.max(most)
}

/// A connection from one of many addresses, so that ports do not run out.
fn connect_from(from: u8, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let address = SocketAddr::from((Ipv4Addr::new(127, 0, 0, from), 0));
    socket.bind(&address.into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let tcp = TcpStream::from(socket);
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    tcp
}

/// Asks on a connection that stays open.
fn ask(tcp: &mut TcpStream) {
    tcp.write_all(FREE).unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    while !answer.ends_with(WHOLE) {
        let count = tcp.read(&mut piece).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..count]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

fn open(gateway: &Gateway, request: &[u8]) -> Connection {
    let mut connection = gateway.connect().unwrap();
    connection.send(request).unwrap();
    connection
}

fn answer(connection: &mut Connection) -> Answer {
    connection.read("GET").unwrap().expect("an answer")
}

/// A number of `/metrics`, by its name and labels.
fn metric(gateway: &Gateway, name: &str) -> u64 {
    let mut connection = Connection::open(gateway.admin).unwrap();
    connection
        .send(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let text = answer(&mut connection).text();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse::<f64>().unwrap() as u64)
}

fn resident(gateway: &Gateway) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<usize>().unwrap() << 10
}

fn descriptors(gateway: &Gateway) -> usize {
    fs::read_dir(format!("/proc/{}/fd", gateway.id()))
        .unwrap()
        .count()
}

#[test]
fn ten_thousand_idle_connections_cost_little_and_hold_nobody_up() {
    // Fewer only where the system does not allow as many.
    let count = usize::try_from(open_files(12_000)).unwrap().min(12_000) - 2_000;
    let back_end = BackEnd::start();
    let gateway = start("crowd", &back_end, &[]);
    let address = gateway.address;
    ask(&mut connect_from(1, address));
    let before = resident(&gateway);
    let mut idle: Vec<TcpStream> = Vec::with_capacity(count);
    for at in 0..count {
        let mut tcp = connect_from(u8::try_from(at % 4).unwrap() + 2, address);
        ask(&mut tcp);
        idle.push(tcp);
    }
    let open = metric(&gateway, "gateway_open_connections");
    assert!(open >= count as u64, "{open} of {count} are open");
    let each = resident(&gateway).saturating_sub(before) / count;
    println!("{count} idle connections: {each} bytes each");
    assert!(each < 8 << 10, "{each} bytes for an idle connection");
    let mut fresh = connect_from(1, address);
    for tcp in idle.iter_mut().step_by(50) {
        ask(tcp);
        ask(&mut fresh);
    }
}

#[test]
fn a_storm_of_connections_leaves_nothing_behind() {
    const EACH: usize = 1000;
    let back_end = BackEnd::start();
    let gateway = start("crowd", &back_end, &[]);
    let address = gateway.address;
    let mut steady = connect_from(1, address);
    ask(&mut steady);
    let before = descriptors(&gateway);
    let over = AtomicBool::new(false);
    let asked = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut asked = 0;
            while !over.load(Ordering::Relaxed) {
                ask(&mut steady);
                asked += 1;
            }
            asked
        });
        let storms: Vec<_> = (2..6)
            .map(|from| scope.spawn(move || storm(from, EACH, address)))
            .collect();
        for storm in storms {
            storm.join().unwrap();
        }
        over.store(true, Ordering::Relaxed);
        asking.join().unwrap()
    });
    assert!(asked > 0, "nobody was served meanwhile");
    eventually("descriptors are back to what they were", || {
        descriptors(&gateway) == before
    });
    assert_eq!(metric(&gateway, "gateway_open_connections"), 1);
    ask(&mut steady);
}

/// Connections that are closed at once, in the middle of a head, and behind a request; politely or not.
fn storm(from: u8, count: usize, address: SocketAddr) {
    for at in 0..count {
        let mut tcp = connect_from(from, address);
        let said: &[u8] = match at % 3 {
            0 => b"",
            1 => b"GET /free HTTP/1.1\r\nho",
            _ => b"GET /nowhere HTTP/1.1\r\nhost: api.example\r\n\r\n",
        };
        tcp.write_all(said).unwrap();
        if at % 2 == 0 {
            Socket::from(tcp).set_linger(Some(Duration::ZERO)).unwrap();
        }
    }
}

#[test]
fn who_finds_no_place_is_told_when_to_come_again_and_that_is_logged_and_counted() {
    let back_end = BackEnd::start();
    let gateway = start("process", &back_end, &["--access-log", "stdout"]);
    let mut held: Vec<Connection> = (0..MOST).map(|_| open(&gateway, HELD)).collect();
    back_end.wait_held(MOST);
    let mut beyond = open(&gateway, FREE);
    let told = answer(&mut beyond);
    assert_eq!(told.status, 503);
    assert_eq!(told.header("retry-after").as_deref(), Some("1"));
    assert_eq!(told.header("connection").as_deref(), Some("close"));
    let content_type = told.header("content-type");
    assert_eq!(content_type.as_deref(), Some("application/problem+json"));
    assert!(told.text().contains("Retry-After"), "{}", told.text());
    assert!(beyond.is_closed());
    let line = gateway.line().expect("a line of the log");
    assert!(line.contains("503"), "{line}");
    assert_eq!(
        metric(&gateway, "gateway_refusals_total{reason=\"busy\"}"),
        1
    );
    let ended = "gateway_connections_ended_total{reason=\"over_limit\"}";
    assert_eq!(metric(&gateway, ended), 1);
    back_end.release();
    for connection in &mut held {
        assert_eq!(answer(connection).status, 200);
    }
}

#[test]
fn a_client_that_holds_all_connections_idle_locks_nobody_out() {
    let back_end = BackEnd::start();
    let gateway = start("process", &back_end, &[]);
    let mut idle: Vec<TcpStream> = (0..MOST)
        .map(|_| connect_from(2, gateway.address))
        .collect();
    for tcp in &mut idle {
        ask(tcp);
    }
    // Two sweeps see them idle.
    let mut others = Vec::new();
    eventually("somebody else is served", || {
        let mut other = open(&gateway, FREE);
        let served = answer(&mut other).status == 200;
        others.push(other);
        served
    });
    // More than a few, and all of those stay.
    for _ in 0..MOST / 2 {
        let mut other = open(&gateway, FREE);
        assert_eq!(answer(&mut other).status, 200);
        others.push(other);
    }
    let ended = "gateway_connections_ended_total{reason=\"gave_way\"}";
    eventually("each is counted", || {
        metric(&gateway, ended) == MOST as u64 / 2 + 1
    });
}

#[test]
fn too_few_descriptors_are_told_of_and_survived() {
    let back_end = BackEnd::start();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 96 && exec \"$0\" \"$@\""])
        .arg(workspace::binary("crowd"));
    let args = [
        "--workers".to_owned(),
        "1".to_owned(),
        "--upstream".to_owned(),
        format!("http://{}", back_end.address),
    ];
    let gateway = Gateway::start(command, &args, &BTreeMap::new()).unwrap();
    let warning = "warning: open files are enough for 48 connections, not for the 20000 of `limits.connections`";
    assert!(gateway.preface.starts_with(warning), "{}", gateway.preface);
    // Each asks for a descriptor more, towards the back end: there are not as many.
    let mut crowd: Vec<Connection> = (0..200).map(|_| open(&gateway, HELD)).collect();
    back_end.wait_held(8);
    back_end.release();
    let mut fates: BTreeMap<Option<u16>, usize> = BTreeMap::new();
    for connection in &mut crowd {
        let fate = connection.read("GET").ok().flatten();
        *fates.entry(fate.map(|fate| fate.status)).or_default() += 1;
    }
    assert!(fates[&Some(200)] >= 8, "{fates:?}");
    let known = [None, Some(200), Some(503)];
    assert!(fates.keys().all(|fate| known.contains(fate)), "{fates:?}");
    drop(crowd);
    eventually("all is as before", || {
        metric(&gateway, "gateway_open_connections") == 0
    });
    assert_eq!(answer(&mut open(&gateway, FREE)).status, 200);
}
