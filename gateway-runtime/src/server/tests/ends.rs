//! How connections and the server end.

use super::*;

#[test]
fn a_head_that_does_not_come_to_its_end_closes_the_connection() {
    let site = site(LimitsDef {
        header_timeout: Duration::from_millis(80),
        ..LIMITS
    });
    for (bytes, answer) in [
        // Who has said nothing is told nothing.
        ("", ""),
        ("P", ""),
        ("PRI * HTTP/2.0\r\n", ""),
        ("GET / HT", "RequestTimeout"),
        ("GET / HTTP/1.1\r\nhost: x\r\n", "RequestTimeout"),
    ] {
        assert_eq!(body(&site.exchange(bytes)), answer, "{bytes:?}");
    }
    // Also the second head of a connection.
    let mut tcp = site.connect();
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    one(&mut tcp);
    tcp.write_all(b"GET / HT").unwrap();
    assert_eq!(body(&rest(&mut tcp)), "RequestTimeout");
    eventually("each is counted", || {
        site.events().head_timeout.load(Ordering::Relaxed) == 6
    });
    site.end();
}

#[test]
fn an_idle_connection_is_closed_but_not_counted_as_slow() {
    let site = site(LimitsDef {
        idle_timeout: Duration::from_millis(80),
        ..LIMITS
    });
    let mut tcp = site.connect();
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    one(&mut tcp);
    assert_eq!(rest(&mut tcp), "");
    // One that waits for its answer is not idle.
    let mut waiting = site.connect();
    waiting
        .write_all(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    site.wait_entered();
    std::thread::sleep(Duration::from_millis(300));
    site.gate.add_permits(1);
    assert_eq!(one(&mut waiting).1, "through");
    assert_eq!(site.events().head_timeout.load(Ordering::Relaxed), 0);
    site.end();
}

#[test]
fn a_client_that_does_not_read_is_not_waited_for() {
    let site = site(LimitsDef {
        idle_timeout: Duration::from_millis(80),
        ..LIMITS
    });
    let mut tcp = site.connect();
    tcp.write_all(b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    eventually("it is given up", || {
        site.events().stalled.load(Ordering::Relaxed) == 1
            && site.running.shared().open_connections() == 0
    });
    site.end();
}

#[test]
fn a_client_that_reads_slowly_is_waited_for() {
    let site = site(LimitsDef {
        idle_timeout: Duration::from_secs(1),
        ..LIMITS
    });
    let mut tcp = site.connect();
    tcp.write_all(b"GET /flood HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    // The whole of it takes several times as long as nothing may be read.
    let mut room = vec![0; 1 << 20];
    let mut all = 0;
    loop {
        match tcp.read(&mut room).unwrap() {
            0 => break,
            count => all += count,
        }
        std::thread::sleep(Duration::from_millis(40));
    }
    assert!(all > 64 << 20, "{all} bytes");
    assert_eq!(site.events().stalled.load(Ordering::Relaxed), 0);
    site.end();
}

#[test]
fn a_panic_is_one_answer_and_no_more() {
    let site = site(LIMITS);
    let mut tcp = site.connect();
    let mut other = site.connect();
    other
        .write_all(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    site.wait_entered();
    for _ in 0..3 {
        tcp.write_all(b"GET /panic HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        assert!(one(&mut tcp).0.starts_with("HTTP/1.1 500"));
    }
    tcp.write_all(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    assert_eq!(one(&mut tcp).1, "GET /a HTTP/1.1");
    site.gate.add_permits(1);
    assert_eq!(one(&mut other).1, "through");
    assert_eq!(site.events().panics.load(Ordering::Relaxed), 3);
    site.end();
}

#[test]
fn draining_finishes_what_is_in_flight_and_takes_nothing_new() {
    let site = site(LIMITS);
    let mut busy = site.connect();
    busy.write_all(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    site.wait_entered();
    let mut idle = site.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    one(&mut idle);
    site.running.drain();
    // A request that was on its way when draining began is still answered, as the last of its connection.
    idle.write_all(b"GET /late HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let late = rest(&mut idle);
    assert!(
        late.contains("connection: close") && late.contains("GET /late"),
        "{late}"
    );
    eventually("nobody listens", || {
        TcpStream::connect(site.address()).is_err()
    });
    site.gate.add_permits(1);
    let answer = rest(&mut busy);
    assert_eq!(body(&answer), "through");
    assert!(answer.contains("connection: close"), "{answer}");
    site.running.wait();
    assert_eq!(site.running.shared().open_connections(), 0);
}

#[test]
fn draining_ends_though_a_request_does_not() {
    let site = site_with(
        LIMITS,
        &Settings {
            drain: Duration::from_millis(400),
            ..settings()
        },
    );
    let mut busy = site.connect();
    busy.write_all(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    site.wait_entered();
    site.running.drain();
    site.running.wait();
    assert_eq!(rest(&mut busy), "");
}

#[test]
fn an_address_in_use_is_a_fault_that_says_so() {
    let site = site(LIMITS);
    let gate = Arc::new(Semaphore::new(0));
    let again = start(
        live(LIMITS, app(gate.clone(), gate)),
        &Settings {
            listen: vec![site.address()],
            ..settings()
        },
        &Clock::system(),
        None,
    );
    let faults = again.err().unwrap();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].message.contains("in use"), "{}", faults[0]);
    site.end();
}

#[test]
fn what_is_served_can_be_replaced() {
    let site = site(LIMITS);
    let mut tcp = site.connect();
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    one(&mut tcp);
    site.running.serve(live(
        LIMITS,
        Arc::new(|_, _, _| Box::pin(async { Reply::new(200).with_body(TEXT, "new") }) as Handling),
    ));
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert_eq!(one(&mut tcp).1, "new");
    site.end();
}
