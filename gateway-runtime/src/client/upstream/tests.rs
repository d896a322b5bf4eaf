#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use http::Method;

use super::*;
use crate::clock::Clock;
use crate::def::{BreakerDef, RetriesDef, RetryOn, UpstreamTargetDef};
use crate::exchange::{BodyFault, Headers, Room};
use crate::settings::Settings;

/// Long beyond what any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A back end that gives one answer to every request, and counts its connections: all there were, and those that are open.
struct Backend {
    address: SocketAddr,
    all: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

fn backend(answer: &'static str) -> Backend {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let backend = Backend {
        address: listener.local_addr().unwrap(),
        all: Arc::default(),
        open: Arc::default(),
    };
    let (all, open) = (backend.all.clone(), backend.open.clone());
    std::thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            all.fetch_add(1, Ordering::SeqCst);
            open.fetch_add(1, Ordering::SeqCst);
            let open = open.clone();
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while tcp.read(&mut bytes).is_ok_and(|read| read > 0) {
                    tcp.write_all(answer.as_bytes()).unwrap();
                }
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    backend
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
const FAILED: &str = "HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n";

/// A back end of these targets, called by so many workers.
fn upstream(def: UpstreamDef, addresses: &[SocketAddr]) -> Arc<Upstream> {
    let settings = Settings {
        workers: 2,
        ..Settings::default()
    };
    let parts = addresses.iter().map(|address| Part {
        label: address.to_string(),
        endpoint: Endpoint::new("u", &format!("http://{address}"), &settings).unwrap(),
        weight: 1,
    });
    Arc::new(Upstream::new(Box::leak(Box::new(def)), parts.collect()).unwrap())
}

fn breaker(breaker: BreakerDef) -> UpstreamDef {
    UpstreamDef {
        targets: &[UpstreamTargetDef { url: "", weight: 1 }],
        breaker: Some(breaker),
        ..UpstreamDef::DEFAULT
    }
}

fn workers() -> [Worker; 2] {
    let clock = Clock::system();
    let mut second = Worker::lonely(clock.clone());
    second.index = 1;
    [Worker::lonely(clock), second]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

async fn get(
    worker: &Worker,
    upstream: &Arc<Upstream>,
    retries: Option<&Retries>,
) -> (Result<Incoming, UpstreamFault>, Tries) {
    let mut outgoing = Outgoing {
        method: Method::GET,
        target: Target::parse("/").unwrap(),
        headers: Headers::new(),
        body: Body::empty(),
        tunnel: Body::empty(),
        interim: None,
    };
    let call = Call {
        worker,
        deadline: worker.clock.now().plus(PATIENCE),
        retries,
        key: None,
    };
    let mut tries = Tries::default();
    let answered = upstream.call(call, &mut outgoing, &mut tries).await;
    (answered, tries)
}

#[test]
fn a_bound_on_connections_holds_over_workers_and_targets() {
    let (a, b) = (backend(OK), backend(OK));
    let upstream = upstream(
        breaker(BreakerDef {
            connections: Some(1),
            pending: None,
            requests: None,
        }),
        &[a.address, b.address],
    );
    let workers = workers();
    runtime().block_on(async {
        for turn in 0..8 {
            // Each worker comes to each target; what the others keep idle makes way.
            let worker = &workers[turn / 2 % 2];
            let answered = get(worker, &upstream, None).await.0.unwrap();
            assert_eq!(answered.status, 200);
        }
    });
    // A target sees the end of a connection some time after it was closed.
    let open = || a.open.load(Ordering::SeqCst) + b.open.load(Ordering::SeqCst);
    let since = workers[0].clock.now();
    while open() > 1 {
        assert!(workers[0].clock.now().since(since) < PATIENCE);
        std::thread::yield_now();
    }
    assert_eq!(open(), 1);
    assert_eq!(
        a.all.load(Ordering::SeqCst) + b.all.load(Ordering::SeqCst),
        8
    );
}

#[test]
fn a_request_counts_until_its_answer_has_ended() {
    let backend = backend(CHUNKED);
    let upstream = upstream(
        breaker(BreakerDef {
            connections: None,
            pending: None,
            requests: Some(1),
        }),
        &[backend.address],
    );
    let [worker, _] = workers();
    let load = || upstream.targets()[0].standing.load.load(Ordering::Relaxed);
    runtime().block_on(async {
        for ends in [true, false] {
            let first = get(&worker, &upstream, None).await.0.unwrap();
            assert_eq!(load(), 1);
            let beyond = get(&worker, &upstream, None).await.0;
            assert_eq!(beyond.unwrap_err(), UpstreamFault::Tripped);
            if ends {
                assert!(first.body.buffer(100).await.is_ok());
            } else {
                drop(first);
            }
            assert_eq!(load(), 0);
        }
    });
    assert_eq!(upstream.refused(), [("requests", 2)]);
}

#[test]
fn an_answer_that_is_not_whole_in_time_is_its_targets_fault() {
    let backend = backend("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhalf");
    let upstream = upstream(UpstreamDef::DEFAULT, &[backend.address; 2]);
    let [worker, _] = workers();
    let read = runtime().block_on(async {
        let answer = get(&worker, &upstream, None).await.0.unwrap();
        let now = tokio::time::Instant::now();
        answer.body.gather_by(100, &Room::new(0), now).await
    });
    assert_eq!(read.err(), Some(BodyFault::UpstreamTimeout));
    let failed = |at: usize| {
        upstream.targets()[at]
            .standing
            .failed
            .load(Ordering::Relaxed)
    };
    assert_eq!(failed(0) + failed(1), 1);
}

#[test]
fn who_gets_a_request() {
    let addresses = [7, 8].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let outlier = Some(OutlierDef {
        consecutive: 1,
        eject: Duration::from_secs(30),
    });
    // Who is not well, who is left alone, who was tried; who may be picked.
    for (unwell, ejected, tried, expected) in [
        (&[][..], &[][..], &[][..], &[0, 1][..]),
        (&[], &[0], &[], &[1]),
        // Ejections leave nobody: they do not count.
        (&[], &[0, 1], &[], &[0, 1]),
        (&[1], &[0], &[], &[0]),
        (&[0], &[], &[], &[1]),
        // Checks leave nobody: nobody is asked.
        (&[0, 1], &[], &[], &[]),
        // Another one, if there is one.
        (&[], &[], &[0], &[1]),
        (&[1], &[], &[0], &[0]),
        (&[], &[1], &[0], &[0]),
        (&[], &[], &[0, 1], &[0, 1]),
    ] {
        let upstream = upstream(
            UpstreamDef {
                outlier,
                ..UpstreamDef::DEFAULT
            },
            &addresses,
        );
        let now = Nanos::new(1_000);
        for at in unwell {
            upstream.targets()[*at].standing.set_well(false);
        }
        for at in ejected {
            upstream.targets()[*at]
                .standing
                .failed(outlier.as_ref(), now);
        }
        let tried = tried
            .iter()
            .fold(Targets::NONE, |tried, at: &usize| tried.with(*at));
        let mut picked: Vec<usize> = (0..8)
            .filter_map(|_| upstream.pick(now, tried, None).ok())
            .collect();
        picked.sort_unstable();
        picked.dedup();
        assert_eq!(picked, expected, "{unwell:?} {ejected:?} {tried:?}");
    }
}

static RETRIES: RetriesDef = RetriesDef {
    attempts: 3,
    on: &[RetryOn::Status(502)],
    per_try: None,
    budget: 200,
};

#[test]
fn another_try_is_another_target_until_one_is_good() {
    let (bad, good) = (backend(FAILED), backend(OK));
    let upstream = upstream(UpstreamDef::DEFAULT, &[bad.address, good.address]);
    let retries = Retries::new(&RETRIES);
    let [worker, _] = workers();
    runtime().block_on(async {
        for _ in 0..6 {
            let (answered, tries) = get(&worker, &upstream, Some(&retries)).await;
            assert_eq!(answered.unwrap().status, 200);
            assert!(tries.again <= 1 && !tries.unfunded);
        }
    });
    let standing = |at: usize| &upstream.targets()[at].standing;
    assert_eq!(
        standing(0).failed.load(Ordering::Relaxed),
        standing(1).retries.load(Ordering::Relaxed)
    );
    assert_eq!(standing(1).requests.load(Ordering::Relaxed), 6);
    assert_eq!(standing(0).load.load(Ordering::Relaxed), 0);
}

#[test]
fn an_answer_that_is_tried_again_is_a_success_where_it_is_no_failure() {
    static ASKED_TO_WAIT: RetriesDef = RetriesDef {
        on: &[RetryOn::Status(429)],
        ..RETRIES
    };
    let outlier = OutlierDef {
        consecutive: 2,
        eject: Duration::from_secs(30),
    };
    let backend = backend("HTTP/1.1 429 No\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
    let def = UpstreamDef {
        outlier: Some(outlier),
        ..UpstreamDef::DEFAULT
    };
    let upstream = upstream(def, &[backend.address]);
    let retries = Retries::new(&ASKED_TO_WAIT);
    let [worker, _] = workers();
    let standing = &upstream.targets()[0].standing;
    let fails = || {
        let now = worker.clock.now();
        standing.failed(Some(&outlier), now);
        standing.is_ejected(now)
    };
    assert!(!fails());
    let (answered, tries) = runtime().block_on(get(&worker, &upstream, Some(&retries)));
    assert_eq!((answered.unwrap().status, tries.again), (429, 2));
    // Not the second in a row.
    assert!(!fails());
    assert!(fails());
}

#[test]
fn a_plain_back_end_is_tried_again_too_and_its_last_answer_counts() {
    let bad = backend(FAILED);
    let endpoint = Endpoint::new(
        "u",
        &format!("http://{}", bad.address),
        &Settings::default(),
    );
    let upstream = Arc::new(Upstream::plain("u", endpoint.unwrap()));
    let retries = Retries::new(&RETRIES);
    let [worker, _] = workers();
    let (answered, tries) = runtime().block_on(get(&worker, &upstream, Some(&retries)));
    assert_eq!((answered.unwrap().status, tries.again), (502, 2));
}
