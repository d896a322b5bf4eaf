#![expect(clippy::unwrap_used, reason = "tests")]

mod policy;

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use http_body::Frame;

use super::*;
use crate::def::{
    AccessDef, ApiKind, CacheDef, CacheKey, CredentialDef, IntegrationDef, Invalidation, OnRefusal,
    OperationDef, ParameterDef, ParameterPlace, PolicyDef, header, path, query,
};
use crate::exchange::{Body, BodyFault, Buffered, FieldName, FieldValue, Headers, field};
use crate::testing::request;

/// Longer than any of these tests; a test that gets here has deadlocked.
const NEVER: Duration = Duration::from_secs(60);

const PLAIN: CacheDef = CacheDef {
    ttl: Duration::from_secs(60),
    key: &[],
    shared: false,
    statuses: &[200, 203, 204],
    override_upstream: false,
    invalidation: Invalidation::Nobody(OnRefusal::Ignore),
};

fn operation(
    parameters: &'static [ParameterDef],
    credentials: &'static [CredentialDef],
) -> &'static OperationDef {
    let access = if credentials.is_empty() {
        AccessDef::Public
    } else {
        AccessDef::Delegated(Box::leak(Box::new([credentials])))
    };
    Box::leak(Box::new(OperationDef {
        id: "getBook",
        method: "GET",
        path: "/books/{id}",
        tag: "books",
        summary: "",
        parameters,
        body: None,
        responses: &[],
        access,
        policy: PolicyDef {
            integration: IntegrationDef::NONE,
            ..PolicyDef::DEFAULT
        },
        example: None,
    }))
}

const fn credential(place: ParameterPlace, name: &'static str) -> CredentialDef {
    CredentialDef {
        scheme: "login",
        place,
        name,
        required: false,
    }
}

fn caching(def: CacheDef, operation: &'static OperationDef) -> Caching {
    Caching::new(def, "prod", operation, ApiKind::Plain).unwrap()
}

fn headers(lines: &[(&'static str, &'static str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in lines {
        headers.append(FieldName::from_static(name), FieldValue::from_static(value));
    }
    headers
}

fn piece(text: &'static str) -> Result<Frame<Bytes>, BodyFault> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

fn reply(status: u16, body: Body) -> Reply {
    Reply {
        status,
        headers: headers(&[("content-type", "text/plain")]),
        body,
    }
}

async fn text(reply: Reply) -> String {
    match reply.body.buffer(usize::MAX).await.unwrap() {
        Buffered::Whole(bytes, _) => String::from_utf8(bytes.to_vec()).unwrap(),
        Buffered::Longer(_) => panic!("longer than everything"),
    }
}

fn key(name: &str) -> Key {
    let mut key = key::KeyBuilder::new();
    key.part(name);
    key.finish()
}

fn kept() -> Caching {
    caching(PLAIN, operation(&[], &[]))
}

/// A call whose back end forbids nothing beyond what its answer shows.
async fn unforbidden(
    call: impl Future<Output = Result<Reply, Refusal>>,
) -> Result<(Reply, Option<Unkept>), Refusal> {
    Ok((call.await?, None))
}

fn deadline() -> Instant {
    Instant::now() + NEVER
}

/// Runs a future on a runtime of its own, as a worker does; a deadlock fails.
fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(NEVER, future).await.unwrap() })
}

/// A request as the pipeline serves it: the text of its answer, and what the cache did.
async fn served(
    cache: &Arc<Cache>,
    name: &str,
    call: impl Future<Output = Result<Reply, Refusal>>,
) -> (Result<String, Refusal>, &'static str) {
    let fill = match cache.look_up(key(name), cache.clock.now()) {
        Found::Hit(entry) => return (Ok(text(entry.reply()).await), "hit"),
        Found::Miss(fill) => fill,
        Found::Wait(waiter) => match waiter.wait().await {
            Ok(entry) => return (Ok(text(entry.reply()).await), "shared"),
            Err(fill) => fill,
        },
    };
    match fill
        .run(&kept(), deadline(), &Room::new(0), unforbidden(call))
        .await
    {
        Ok((reply, Kept::Yes)) => (Ok(text(reply).await), "kept"),
        Ok((reply, Kept::No(why))) => (Ok(text(reply).await), why.label()),
        Err(refusal) => (Err(refusal), "refused"),
    }
}

fn new_cache() -> (Arc<Cache>, Clock) {
    let clock = Clock::manual();
    (Cache::new(64 << 20, clock.clone()), clock)
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn many_equal_misses_make_one_call() {
    const THREADS: usize = 4;
    const TASKS: usize = 50;
    let (cache, _) = new_cache();
    let calls = Arc::new(AtomicUsize::new(0));
    let start = Barrier::new(THREADS);
    let answers: Vec<(Result<String, Refusal>, &str)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    run(async {
                        let tasks: Vec<_> = (0..TASKS)
                            .map(|_| {
                                let (cache, calls) = (Arc::clone(&cache), Arc::clone(&calls));
                                tokio::spawn(async move {
                                    let waiting = Arc::clone(&cache);
                                    let call = async move {
                                        calls.fetch_add(1, Ordering::SeqCst);
                                        // The back end answers when everyone else waits for it.
                                        until(|| {
                                            waiting.flights.waiting(&key("k"))
                                                == THREADS * TASKS - 1
                                        })
                                        .await;
                                        Ok(reply(200, Body::full("answer")))
                                    };
                                    served(&cache, "k", call).await
                                })
                            })
                            .collect();
                        let mut answers = Vec::new();
                        for task in tasks {
                            answers.push(task.await.unwrap());
                        }
                        answers
                    })
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(answers.len(), THREADS * TASKS);
    assert!(
        answers
            .iter()
            .all(|(text, _)| text.as_deref() == Ok("answer"))
    );
    assert_eq!(answers.iter().filter(|(_, how)| *how == "kept").count(), 1);
    assert_eq!(cache.flights.len(), 0);
}

#[test]
fn one_call_per_key_in_any_interleaving() {
    const THREADS: usize = 4;
    const KEYS: usize = 64;
    let (cache, _) = new_cache();
    let calls: Vec<AtomicUsize> = (0..KEYS).map(|_| AtomicUsize::new(0)).collect();
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (cache, calls, start) = (&cache, &calls, &start);
            scope.spawn(move || {
                start.wait();
                run(async {
                    for round in 0..KEYS {
                        // Two threads go up, two go down: they meet in the middle of calls and after them.
                        let n = if thread % 2 == 0 {
                            round
                        } else {
                            KEYS - 1 - round
                        };
                        let call = async {
                            calls[n].fetch_add(1, Ordering::SeqCst);
                            thread::yield_now();
                            Ok(reply(200, Body::full("answer")))
                        };
                        let (answer, _) = served(cache, &n.to_string(), call).await;
                        assert_eq!(answer.as_deref(), Ok("answer"));
                    }
                });
            });
        }
    });
    for (n, calls) in calls.iter().enumerate() {
        assert_eq!(calls.load(Ordering::SeqCst), 1, "key {n}");
    }
}

/// Ten requests for one key, of which the first one's call ends as `first` says once the other nine wait. Each of the others'
/// calls ends only when all nine are being made: served one after the other, they would never end.
fn nine_after(
    first: fn() -> Result<Reply, Refusal>,
) -> Vec<(Result<String, Refusal>, &'static str)> {
    run(async {
        let (cache, _) = new_cache();
        let under_way = Arc::new(AtomicUsize::new(0));
        let leader = {
            let (cache, waiting) = (Arc::clone(&cache), Arc::clone(&cache));
            tokio::spawn(async move {
                served(&cache, "k", async move {
                    until(|| waiting.flights.waiting(&key("k")) == 9).await;
                    first()
                })
                .await
            })
        };
        tokio::task::yield_now().await;
        let others: Vec<_> = (0..9)
            .map(|_| {
                let (cache, under_way) = (Arc::clone(&cache), Arc::clone(&under_way));
                tokio::spawn(async move {
                    served(&cache, "k", async move {
                        under_way.fetch_add(1, Ordering::SeqCst);
                        until(|| under_way.load(Ordering::SeqCst) == 9).await;
                        Ok(reply(200, Body::full("own")))
                    })
                    .await
                })
            })
            .collect();
        let mut answers = vec![leader.await.unwrap()];
        for other in others {
            answers.push(other.await.unwrap());
        }
        assert_eq!(cache.flights.len(), 0);
        answers
    })
}

#[test]
fn an_answer_that_is_not_kept_makes_nobody_wait_in_line() {
    let answers = nine_after(|| {
        let mut answer = reply(200, Body::full("for one person"));
        answer
            .headers
            .append(field::SET_COOKIE, FieldValue::from_static("a=b"));
        Ok(answer)
    });
    assert_eq!(answers[0], (Ok("for one person".to_owned()), "set_cookie"));
    assert!(
        answers[1..]
            .iter()
            .all(|a| *a == (Ok("own".to_owned()), "kept"))
    );
}

#[test]
fn a_call_that_fails_makes_nobody_wait_in_line() {
    for fault in [Refusal::UpstreamRefused, Refusal::UpstreamTimeout] {
        let answers = match fault {
            Refusal::UpstreamRefused => nine_after(|| Err(Refusal::UpstreamRefused)),
            _ => nine_after(|| Err(Refusal::UpstreamTimeout)),
        };
        assert_eq!(answers[0], (Err(fault), "refused"));
        assert!(
            answers[1..]
                .iter()
                .all(|a| *a == (Ok("own".to_owned()), "kept"))
        );
    }
}

#[test]
fn a_body_that_breaks_off_is_never_kept() {
    let answers = nine_after(|| {
        Ok(reply(
            200,
            Body::scripted([piece("half"), Err(BodyFault::UpstreamReset)]),
        ))
    });
    assert_eq!(answers[0], (Err(Refusal::UpstreamReset), "refused"));
    assert!(answers[1..].iter().all(|a| a.0.as_deref() == Ok("own")));
}

#[test]
fn when_the_leader_goes_away_one_of_those_who_wait_takes_over() {
    run(async {
        let (cache, _) = new_cache();
        let calls = Arc::new(AtomicUsize::new(0));
        let request = |answers: bool| {
            let (cache, calls) = (Arc::clone(&cache), Arc::clone(&calls));
            tokio::spawn(async move {
                served(&cache, "k", async move {
                    calls.fetch_add(1, Ordering::SeqCst);
                    if !answers {
                        std::future::pending::<()>().await;
                    }
                    Ok(reply(200, Body::full("answer")))
                })
                .await
            })
        };
        let leader = request(false);
        until(|| calls.load(Ordering::SeqCst) == 1).await;
        // The first in line has gone away too when its turn comes.
        let impatient = request(true);
        until(|| cache.flights.waiting(&key("k")) == 1).await;
        let patient: Vec<_> = (0..8).map(|_| request(true)).collect();
        until(|| cache.flights.waiting(&key("k")) == 9).await;
        impatient.abort();
        assert!(impatient.await.unwrap_err().is_cancelled());
        leader.abort();
        assert!(leader.await.unwrap_err().is_cancelled());
        let mut how = Vec::new();
        for request in patient {
            let (answer, cache) = request.await.unwrap();
            assert_eq!(answer.as_deref(), Ok("answer"));
            how.push(cache);
        }
        assert_eq!(
            calls.load(Ordering::SeqCst),
            2,
            "the first call, and one more"
        );
        assert_eq!(how.iter().filter(|how| **how == "shared").count(), 7);
        assert_eq!(cache.flights.len(), 0);
    });
}

#[test]
fn when_all_go_away_nothing_is_left() {
    run(async {
        let (cache, _) = new_cache();
        let request = || {
            let cache = Arc::clone(&cache);
            tokio::spawn(async move { served(&cache, "k", std::future::pending()).await })
        };
        let requests: Vec<_> = (0..5).map(|_| request()).collect();
        until(|| cache.flights.waiting(&key("k")) == 4).await;
        for request in requests {
            request.abort();
            assert!(request.await.unwrap_err().is_cancelled());
        }
        assert_eq!(cache.flights.len(), 0);
    });
}

#[test]
fn an_answer_serves_for_its_time() {
    run(async {
        let (cache, clock) = new_cache();
        let fresh = |text: &'static str| std::future::ready(Ok(reply(200, Body::full(text))));
        assert_eq!(
            served(&cache, "k", fresh("one")).await,
            (Ok("one".to_owned()), "kept")
        );
        clock.advance(PLAIN.ttl - Duration::from_nanos(1));
        assert_eq!(
            served(&cache, "k", fresh("two")).await,
            (Ok("one".to_owned()), "hit")
        );
        clock.advance(Duration::from_nanos(1));
        assert_eq!(
            served(&cache, "k", fresh("three")).await,
            (Ok("three".to_owned()), "kept")
        );
    });
}

#[test]
fn after_an_answer_that_is_not_kept_requests_do_not_wait_for_each_other() {
    run(async {
        let (cache, clock) = new_cache();
        let refused = std::future::ready(Ok(reply(500, Body::full("broken"))));
        assert_eq!(
            served(&cache, "k", refused).await,
            (Ok("broken".to_owned()), "status")
        );
        let found = |cache: &Arc<Cache>| match cache.look_up(key("k"), clock.now()) {
            Found::Hit(_) => "hit",
            Found::Miss(Fill { lead: Some(_), .. }) => "leads",
            Found::Miss(_) => "alone",
            Found::Wait(_) => "waits",
        };
        assert_eq!((found(&cache), found(&cache)), ("alone", "alone"));
        // The first answer that can be kept ends that; so does time.
        let good = std::future::ready(Ok(reply(200, Body::full("good"))));
        let Found::Miss(fill) = cache.look_up(key("k"), clock.now()) else {
            panic!("there is nothing to hit");
        };
        let broken = std::future::ready(Ok(reply(500, Body::full("broken"))));
        assert_eq!(served(&cache, "k", good).await.1, "kept");
        fill.run(&kept(), deadline(), &Room::new(0), unforbidden(broken))
            .await
            .unwrap();
        assert_eq!(
            found(&cache),
            "hit",
            "a later failure does not push a good answer out"
        );

        let refused = std::future::ready(Ok(reply(500, Body::full("broken"))));
        assert_eq!(served(&cache, "other", refused).await.1, "status");
        clock.advance(PARALLEL_FOR);
        assert!(matches!(
            cache.look_up(key("other"), clock.now()),
            Found::Miss(Fill { lead: Some(_), .. })
        ));
    });
}

#[test]
fn a_fresh_answer_replaces_what_is_kept_unless_it_is_a_failure() {
    run(async {
        let (cache, clock) = new_cache();
        let answer =
            |status, text: &'static str| std::future::ready(Ok(reply(status, Body::full(text))));
        served(&cache, "k", answer(200, "old")).await.0.unwrap();
        let refreshed = |status, text| {
            let fill = cache.refresh(key("k"));
            async move {
                fill.run(
                    &kept(),
                    deadline(),
                    &Room::new(0),
                    unforbidden(answer(status, text)),
                )
                .await
            }
        };
        let hit = || async { text(cache.peek(&key("k"), clock.now()).unwrap().reply()).await };
        refreshed(500, "broken").await.unwrap();
        assert_eq!(hit().await, "old");
        refreshed(200, "new").await.unwrap();
        assert_eq!(hit().await, "new");
    });
}

#[test]
fn what_is_too_large_or_has_trailers_is_passed_on_whole() {
    run(async {
        let (cache, _) = new_cache();
        let half: &'static str = Box::leak("x".repeat(700_000).into_boxed_str());
        let large = std::future::ready(Ok(reply(
            200,
            Body::scripted([piece(half), piece(half), piece("end")]),
        )));
        let (answer, how) = served(&cache, "large", large).await;
        let answer = answer.unwrap();
        assert_eq!((answer.len(), how), (1_400_003, "too_large"));
        assert!(answer.ends_with("xend"));

        let mut trailers = http::HeaderMap::new();
        trailers.insert("checksum", FieldValue::from_static("1"));
        let Found::Miss(fill) = cache.look_up(key("trailers"), Nanos::ZERO) else {
            panic!("there is nothing to hit");
        };
        let call = std::future::ready(Ok(reply(
            200,
            Body::scripted([piece("text"), Ok(Frame::trailers(trailers))]),
        )));
        let (reply, kept) = fill
            .run(&kept(), deadline(), &Room::new(0), unforbidden(call))
            .await
            .unwrap();
        assert!(matches!(kept, Kept::No(Unkept::Trailers)));
        let Buffered::Whole(body, Some(trailers)) = reply.body.buffer(100).await.unwrap() else {
            panic!("the trailers are gone");
        };
        assert_eq!(
            (&body[..], trailers.get("checksum")),
            (&b"text"[..], Some(&b"1"[..]))
        );
    });
}

#[test]
fn bytes_are_bounded_and_what_is_used_stays() {
    const SIZE: u64 = 1 << 20;
    let cache = Cache::new(SIZE, Clock::manual());
    let put = |name: &str, length: usize| {
        let entry = Entry::new(
            200,
            Headers::new(),
            Bytes::from(vec![0; length]),
            Nanos::MAX,
        );
        cache.store.put(key(name), Arc::new(entry));
    };
    for n in 0..1000 {
        put(&n.to_string(), 10_000);
        assert!(cache.bytes() <= SIZE, "{} bytes after {n}", cache.bytes());
        cache.peek(&key("0"), Nanos::ZERO);
    }
    // At least most of the room is used, and what each request asked for is still there.
    assert!(cache.entries() > 80, "{} entries", cache.entries());
    assert!(cache.peek(&key("0"), Nanos::ZERO).is_some());
    // Fields and keys weigh too.
    for n in 0..10_000 {
        put(&format!("empty {n}"), 0);
        assert!(cache.bytes() <= SIZE);
    }
    assert!(cache.entries() < 4096);
}

#[test]
fn the_largest_answer_fits_into_a_cache_of_a_few() {
    let cache = Cache::new(4 << 20, Clock::manual());
    let entry = Entry::new(
        200,
        Headers::new(),
        Bytes::from(vec![0; 1_000_000]),
        Nanos::MAX,
    );
    cache.store.put(key("large"), Arc::new(entry));
    assert!(cache.peek(&key("large"), Nanos::ZERO).is_some());
}

#[test]
fn what_a_mapping_no_longer_shows_still_forbids() {
    run(async {
        let (cache, clock) = new_cache();
        let Found::Miss(fill) = cache.look_up(key("k"), clock.now()) else {
            panic!("there is nothing to hit");
        };
        let call = async { Ok((reply(200, Body::full("mapped")), Some(Unkept::Private))) };
        let (answer, how) = fill
            .run(&kept(), deadline(), &Room::new(0), call)
            .await
            .unwrap();
        assert!(matches!(how, Kept::No(Unkept::Private)));
        assert_eq!(text(answer).await, "mapped");
        assert!(cache.peek(&key("k"), clock.now()).is_none());
    });
}
