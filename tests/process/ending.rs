//! How the binary ends, and what SIGHUP does.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::thread;

use gateway_tests::client::{Answer, Connection};
use gateway_tests::gateway::Gateway;
use gateway_tests::wait::eventually;
use gateway_tests::{cases, tls};

use super::back_end::BackEnd;
use super::workspace;

fn start(back_end: &BackEnd, args: &[&str]) -> Gateway {
    let mut all = vec![
        "--upstream".to_owned(),
        format!("http://{}", back_end.address),
    ];
    all.extend(args.iter().map(|arg| (*arg).to_owned()));
    Gateway::emitted(&workspace::binary("process"), &all, &BTreeMap::new()).unwrap()
}

fn get(connection: &mut Connection, path: &str) -> Option<Answer> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: api.example\r\n\r\n");
    connection.send(request.as_bytes()).ok()?;
    connection.read("GET").ok()?
}

/// Asks for what the back end holds, without waiting for it.
fn ask_held(gateway: &Gateway) -> Connection {
    let mut connection = gateway.connect().unwrap();
    connection
        .send(b"GET /held HTTP/1.1\r\nhost: api.example\r\n\r\n")
        .unwrap();
    connection
}

/// What `/readyz` answers.
fn readiness(gateway: &Gateway) -> Option<u16> {
    let mut connection = Connection::open(gateway.admin).ok()?;
    connection
        .send(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .ok()?;
    Some(connection.read("GET").ok()??.status)
}

fn wait_draining(gateway: &Gateway) {
    let mut seen = Vec::new();
    eventually("it says that it drains", || {
        let now = readiness(gateway);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        // It may have ended already only if something is wrong.
        assert!(
            now.is_some(),
            "the admin listener is gone; before: {seen:?}"
        );
        now == Some(503)
    });
}

#[test]
fn sigterm_lets_what_is_in_flight_finish() {
    for signal in ["TERM", "INT"] {
        let back_end = BackEnd::start();
        let mut gateway = start(&back_end, &[]);
        let mut idle = gateway.connect().unwrap();
        assert_eq!(get(&mut idle, "/free").unwrap().status, 200);
        let mut held: Vec<Connection> = (0..8).map(|_| ask_held(&gateway)).collect();
        back_end.wait_held(8);
        assert_eq!(readiness(&gateway), Some(200));

        gateway.signal(signal);
        wait_draining(&gateway);
        eventually("it listens no more", || {
            TcpStream::connect(gateway.address).is_err()
        });
        assert!(idle.is_closed(), "an idle connection stays open");

        back_end.release();
        for connection in &mut held {
            let answer = connection.read("GET").unwrap().expect("an answer");
            assert_eq!((answer.status, answer.text().as_str()), (200, "whole"));
            assert_eq!(answer.header("connection").as_deref(), Some("close"));
            assert!(!answer.cut && connection.is_closed());
        }
        assert_eq!(gateway.wait(), Some(0), "after SIG{signal}");
        let lines: Vec<String> = std::iter::from_fn(|| gateway.line()).collect();
        assert_eq!(lines.len(), 9, "every request has its line: {lines:#?}");
    }
}

#[test]
fn no_answer_is_cut_by_sigterm_under_load() {
    let back_end = BackEnd::start();
    let mut gateway = start(&back_end, &[]);
    let address = gateway.address;
    let (whole, broken): (usize, Vec<Answer>) = thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn(move || {
                    let (mut whole, mut broken) = (0, Vec::new());
                    // Until nobody listens any more.
                    while let Ok(mut connection) = Connection::open(address) {
                        // Half of them come with a connection for each request.
                        for _ in 0..if number % 2 == 0 { 1 } else { 100 } {
                            match get(&mut connection, "/free") {
                                Some(answer)
                                    if answer.status == 200 && answer.text() == "whole" =>
                                {
                                    whole += 1;
                                    if answer.header("connection").is_some() {
                                        break;
                                    }
                                }
                                Some(answer) => broken.push(answer),
                                // Closed before an answer began: the client knows that it may ask elsewhere.
                                None => break,
                            }
                        }
                    }
                    (whole, broken)
                })
            })
            .collect();
        // It serves when it is told to stop.
        for _ in 0..200 {
            gateway.line().expect("a line for each request");
        }
        gateway.signal("TERM");
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .fold((0, Vec::new()), |mut all, (whole, broken)| {
                all.1.extend(broken);
                (all.0 + whole, all.1)
            })
    });
    assert_eq!(broken, [], "answers that are not whole");
    assert!(whole >= 200, "{whole} answers");
    assert_eq!(gateway.wait(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let back_end = BackEnd::start();
    let mut gateway = start(&back_end, &["--drain", "10m"]);
    let mut held = ask_held(&gateway);
    back_end.wait_held(1);
    gateway.signal("TERM");
    wait_draining(&gateway);
    gateway.signal("TERM");
    assert_eq!(gateway.wait(), Some(130));
    assert!(held.read("GET").unwrap().is_none());
}

#[test]
fn draining_has_an_end_though_a_request_has_none() {
    let back_end = BackEnd::start();
    let mut gateway = start(&back_end, &["--drain", "300ms"]);
    let mut held = ask_held(&gateway);
    back_end.wait_held(1);
    gateway.signal("TERM");
    assert_eq!(gateway.wait(), Some(0));
    assert!(held.read("GET").unwrap().is_none());
}

#[test]
fn sighup_reads_the_certificate_again_and_keeps_the_old_one_if_it_must() {
    let folder = cases::scratch("sighup");
    let (crt, key) = (folder.join("crt"), folder.join("key"));
    let install = |name: &str| {
        fs::copy(tls::file(&format!("{name}.crt")), &crt).unwrap();
        fs::copy(tls::file(&format!("{name}.key")), &key).unwrap();
    };
    install("other");
    let back_end = BackEnd::start();
    let files = [crt.to_str().unwrap(), key.to_str().unwrap()];
    let gateway = start(&back_end, &["--tls-cert", files[0], "--tls-key", files[1]]);
    // The client trusts `localhost` alone.
    let answers = || {
        let mut connection = gateway.connect().unwrap();
        get(&mut connection, "/free").is_some_and(|answer| answer.status == 200)
    };
    assert!(!answers());
    install("localhost");
    gateway.signal("HUP");
    eventually("the new certificate is shown", answers);
    let mut open = gateway.connect().unwrap();
    assert_eq!(get(&mut open, "/free").unwrap().status, 200);

    fs::write(&crt, "nothing").unwrap();
    gateway.signal("HUP");
    let said = gateway.complaint().unwrap();
    assert!(said.contains("the old certificate stays in use"), "{said}");
    assert!(answers());
    install("other");
    gateway.signal("HUP");
    eventually("the next certificate is shown", || !answers());
    // Reading it again closed nobody's connection.
    assert_eq!(get(&mut open, "/free").unwrap().status, 200);
}
