//! More clients than places, and clients that ask for more than their share.

use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;

use super::*;

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const GATE: &[u8] = b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n";

/// So many connections, none of which ends by itself.
fn few(connections: u32) -> LimitsDef {
    LimitsDef {
        connections,
        header_timeout: PATIENCE,
        idle_timeout: PATIENCE,
        ..LIMITS
    }
}

impl Site {
    /// A connection with a request at the gate.
    fn busy(&self) -> TcpStream {
        let mut tcp = self.connect();
        tcp.write_all(GATE).unwrap();
        self.wait_entered();
        tcp
    }

    /// A connection whose request was answered.
    fn idle(&self) -> TcpStream {
        let mut tcp = self.connect();
        self.asks(&mut tcp);
        tcp
    }

    fn asks(&self, tcp: &mut TcpStream) {
        tcp.write_all(GET).unwrap();
        assert_eq!(one(tcp).1, "GET / HTTP/1.1");
    }

    fn over_limit(&self) -> u64 {
        self.events().over_limit.load(Ordering::Relaxed)
    }
}

#[test]
fn who_finds_no_place_is_told_so_and_the_connection_ends() {
    let site = site(few(2));
    let mut held = [site.busy(), site.busy()];
    for bytes in [
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabcGET / HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let answer = site.exchange(bytes);
        assert_eq!(body(&answer), "Busy", "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    // What is wrong with a request goes before.
    let answer = site.exchange("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(body(&answer), "BadHost", "{answer}");
    assert_eq!(site.over_limit(), 3);
    // Who says nothing is not listened to for long.
    assert_eq!(rest(&mut site.connect()), "");
    site.gate.add_permits(2);
    for tcp in &mut held {
        assert_eq!(one(tcp).1, "through");
    }
    drop(held);
    eventually("there is room again", || {
        site.running.shared().open_connections() == 0
    });
    site.idle();
    site.end();
}

#[test]
fn who_finds_no_place_to_be_told_so_is_closed_at_once() {
    let site = site(few(1));
    let held = site.busy();
    let mut told: Vec<TcpStream> = (0..300).map(|_| site.connect()).collect();
    eventually("all are accepted", || site.over_limit() == 300);
    let told_at_most = site.running.shared().crowd.told();
    assert!(told_at_most <= 256, "{told_at_most}");
    // Nobody stays, whether told or not.
    for tcp in &mut told {
        assert_eq!(rest(tcp), "");
    }
    eventually("all are gone", || site.running.shared().crowd.told() == 0);
    drop(held);
    site.end();
}

#[test]
fn the_connection_that_has_waited_longest_gives_way() {
    let site = site(few(3));
    let mut first = site.idle();
    std::thread::sleep(Duration::from_secs(2));
    let mut busy = site.busy();
    let mut second = site.idle();
    // All are taken; the busy one is of use, however long it has been there.
    let mut third = site.idle();
    assert_eq!(rest(&mut first), "");
    assert_eq!(site.events().gave_way.load(Ordering::Relaxed), 1);
    site.asks(&mut second);
    site.asks(&mut third);
    site.gate.add_permits(1);
    assert_eq!(one(&mut busy).1, "through");
    site.end();
}

#[test]
fn connections_that_never_asked_and_heads_without_an_end_give_way_too() {
    let site = site(few(2));
    let mut silent = site.connect();
    let mut slow = site.connect();
    slow.write_all(b"GET / HT").unwrap();
    eventually("both are there", || {
        site.running.shared().open_connections() == 2
    });
    std::thread::sleep(Duration::from_secs(3));
    let (_one, _other) = (site.idle(), site.idle());
    assert_eq!(rest(&mut silent), "");
    assert_eq!(rest(&mut slow), "");
    site.end();
}

#[test]
fn a_secure_connection_that_finds_no_place_is_closed_at_once() {
    let settings = Settings {
        tls: Some((data("localhost.crt"), data("localhost.key"))),
        ..settings()
    };
    let site = site_with(few(1), &settings);
    let mut first = site.connect();
    first.write_all(&[0x16, 3, 1]).unwrap();
    eventually("it is there", || {
        site.running.shared().open_connections() == 1
    });
    assert_eq!(rest(&mut site.connect()), "");
    assert_eq!(site.running.shared().crowd.told(), 0);
    site.end();
}

#[test]
fn streams_of_http2_are_no_way_to_more_places() {
    let site = site(LimitsDef {
        connections: 2,
        ..LIMITS
    });
    let address = site.address();
    block_on(async {
        let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
        let (sender, _driver) = http2(tcp).await;
        let ask = |path: &'static str| {
            let mut sender = sender.clone();
            async move { get(&mut sender, path).await }
        };
        let held = [ask("http://x/gate"), ask("http://x/gate")].map(tokio::spawn);
        for _ in 0..2 {
            site.entered.acquire().await.unwrap().forget();
        }
        assert_eq!(ask("http://x/").await, (400, "Busy".to_owned()));
        // What is wrong with a request goes before.
        let wrong = ask("http://x/a%2e%2e/..").await;
        assert_eq!(wrong, (400, "BadPath(DotSegment)".to_owned()));
        site.gate.add_permits(2);
        for answer in held {
            assert_eq!(answer.await.unwrap(), (200, "through".to_owned()));
        }
        assert_eq!(ask("http://x/").await.0, 200);
    });
    site.end();
}

#[test]
fn an_answer_over_http2_counts_until_its_client_has_taken_it() {
    let site = site(LimitsDef {
        connections: 1,
        ..LIMITS
    });
    let address = site.address();
    block_on(async {
        let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut sender, _driver) = http2(tcp).await;
        let request = http::Request::get("http://x/flood")
            .body(Empty::new())
            .unwrap();
        let mut flood = sender.send_request(request).await.unwrap().into_body();
        // Its head and all that the window lets through are here, and its body is one piece inside.
        flood.frame().await.unwrap().unwrap();
        assert_eq!(get(&mut sender, "http://x/").await.1, "Busy");
        drop(flood);
        while get(&mut sender, "http://x/").await.0 != 200 {}
    });
    site.end();
}

#[test]
fn a_client_that_sends_many_requests_at_once_does_not_keep_others_waiting() {
    // One worker, which stands still until all requests are there: then many of one client and one of another wait for it.
    const MANY: usize = 2000;
    let (ready, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let answered = Arc::new(AtomicUsize::new(0));
    let others_turn = Arc::new(AtomicUsize::new(0));
    let app: Handler = {
        let (answered, others_turn) = (answered.clone(), others_turn.clone());
        Arc::new(move |_, exchange, _| {
            match exchange.path() {
                "/still" => wait.lock().recv().unwrap(),
                "/other" => {
                    others_turn.store(answered.load(Ordering::Relaxed), Ordering::Relaxed);
                }
                _ => {
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            }
            Box::pin(async { Reply::new(204) }) as Handling
        })
    };
    let one_worker = Settings {
        workers: 1,
        ..settings()
    };
    let running = start(live(LIMITS, app), &one_worker, &Clock::system(), None).unwrap();
    let connect = || TcpStream::connect(running.addresses()[0]).unwrap();
    let (mut many, mut other) = (connect(), connect());
    let mut still = connect();
    // Both are accepted before the worker stands still.
    for tcp in [&mut many, &mut other] {
        tcp.write_all(b"GET /first HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        tcp.read_exact(&mut [0; 12]).unwrap();
    }
    answered.store(0, Ordering::Relaxed);
    still
        .write_all(b"GET /still HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    many.write_all(&b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(MANY))
        .unwrap();
    other
        .write_all(b"GET /other HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    ready.send(()).unwrap();
    eventually("all are answered", || {
        answered.load(Ordering::Relaxed) == MANY
    });
    let before = others_turn.load(Ordering::Relaxed);
    assert!(before <= 256, "{before} of one client went first");
    running.drain();
    running.wait();
}
