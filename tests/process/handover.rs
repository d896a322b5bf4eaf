//! A gateway that takes another's place: no connection is refused, no request is lost.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use gateway_tests::client::Connection;
use gateway_tests::gateway::Gateway;
use gateway_tests::wait::eventually;

use super::back_end::BackEnd;
use super::workspace;

fn file(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("gateway-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder.join("hand-over")
}

fn start(back_end: &BackEnd, file: &Path, args: &[String]) -> Gateway {
    let mut all = vec![
        "--upstream".to_owned(),
        format!("http://{}", back_end.address),
        "--hand-over".to_owned(),
        file.display().to_string(),
    ];
    all.extend_from_slice(args);
    Gateway::emitted(&workspace::binary("process"), &all, &BTreeMap::new()).unwrap()
}

/// The flags by which a gateway listens where `other` does.
fn like(other: &Gateway, workers: usize) -> Vec<String> {
    [
        ("--listen", other.address.to_string()),
        ("--admin", other.admin.to_string()),
        ("--workers", workers.to_string()),
    ]
    .into_iter()
    .flat_map(|(flag, value)| [flag.to_owned(), value])
    .collect()
}

/// The status of a request; `None`: the connection was closed before an answer began.
fn ask(connection: &mut Connection) -> Option<u16> {
    connection
        .send(b"GET /free HTTP/1.1\r\nhost: api.example\r\n\r\n")
        .ok()?;
    let answer = connection.read("GET").ok()??;
    assert_eq!((answer.text().as_str(), answer.cut), ("whole", false));
    Some(answer.status)
}

/// Ends the clients, also where the test fails.
struct Stop<'o>(&'o AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_next_gateway_takes_over_under_load() {
    let back_end = BackEnd::start();
    let file = file("load");
    let mut serving = start(&back_end, &file, &["--workers".to_owned(), "2".to_owned()]);
    let (address, admin) = (serving.address, serving.admin);
    let over = AtomicBool::new(false);
    let (whole, lost) = thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|number| {
                let over = &over;
                scope.spawn(move || {
                    let (mut whole, mut lost) = (0_u32, Vec::new());
                    while !over.load(Ordering::Relaxed) {
                        let mut connection = match Connection::open(address) {
                            Ok(connection) => connection,
                            Err(refused) => {
                                lost.push(format!("refused: {refused}"));
                                continue;
                            }
                        };
                        // Half of them come with a connection for each request.
                        for turn in 0..if number % 2 == 0 { 1 } else { 50 } {
                            match ask(&mut connection) {
                                Some(200) => whole += 1,
                                // A kept connection that is closed while nothing is on it: the client asks again.
                                None if turn > 0 => break,
                                other => lost.push(format!("turn {turn}: {other:?}")),
                            }
                        }
                    }
                    (whole, lost)
                })
            })
            .collect();
        let stop = Stop(&over);
        // More workers, then fewer: sockets are neither lost nor too few.
        for workers in [3, 1, 2] {
            let next = start(&back_end, &file, &like(&serving, workers));
            assert_eq!((next.address, next.admin), (address, admin));
            assert_eq!(serving.wait(), Some(0), "the one before has drained");
            serving = next;
        }
        drop(stop);
        clients
            .into_iter()
            .fold((0, Vec::new()), |(whole, mut lost), client| {
                let (more, others) = client.join().unwrap();
                lost.extend(others);
                (whole + more, lost)
            })
    });
    assert!(lost.is_empty(), "{} of {whole}: {lost:#?}", lost.len());
    assert!(whole > 0);
    serving.signal("TERM");
    assert_eq!(serving.wait(), Some(0));
    assert!(!file.exists(), "the last one leaves no file");
    assert!(TcpStream::connect(address).is_err(), "nor a socket");
}

#[test]
fn what_is_in_flight_ends_where_it_began() {
    let back_end = BackEnd::start();
    let file = file("flight");
    let mut first = start(&back_end, &file, &[]);
    let mut held = first.connect().unwrap();
    held.send(b"GET /held HTTP/1.1\r\nhost: api.example\r\n\r\n")
        .unwrap();
    back_end.wait_held(1);
    let second = start(&back_end, &file, &like(&first, 2));
    eventually("the second one answers for both", || {
        let mut admin = Connection::open(second.admin).unwrap();
        admin
            .send(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .unwrap();
        // Both listen there until the first one stops, which may close what it has just been sent.
        let answer = admin.read("GET").ok().flatten();
        answer.is_some_and(|answer| answer.status == 200)
    });
    back_end.release();
    let answer = held.read("GET").unwrap().unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "whole"));
    assert_eq!(first.wait(), Some(0));
    let mut connection = second.connect().unwrap();
    assert_eq!(ask(&mut connection), Some(200));
}

#[test]
fn a_gateway_that_cannot_serve_takes_nothing() {
    let back_end = BackEnd::start();
    let file = file("fault");
    let first = start(&back_end, &file, &[]);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // It takes the sockets, but cannot have the other address it wants.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut args = like(&first, 1);
    args.extend([
        "--listen".to_owned(),
        taken.local_addr().unwrap().to_string(),
    ]);
    args.extend([
        "--upstream".to_owned(),
        format!("http://{}", back_end.address),
    ]);
    args.extend(["--hand-over".to_owned(), file.display().to_string()]);
    let failed = std::process::Command::new(workspace::binary("process"))
        .args(&args)
        .output()
        .unwrap();
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let mut connection = first.connect().unwrap();
    assert_eq!(ask(&mut connection), Some(200));
    assert!(file.exists());
}
