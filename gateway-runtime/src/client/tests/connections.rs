//! Which connection takes a request: kept ones, new ones, and those that take none any more.

use std::pin::Pin;
use std::task::{Context, Waker};

use super::*;

#[test]
fn a_connection_that_was_closed_while_idle_costs_nothing() {
    // The first connection is closed after one answer, the second is used twice.
    for second in [get, || post("body")] {
        let backend = backend(vec![
            vec![Take, say(OK)],
            vec![Take, say(OK), Take, say(OK)],
        ]);
        let caller = Caller::of(&backend);
        assert_eq!(caller.fate(get()), "200 ok");
        // Long enough for the close to arrive.
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(caller.fate(second()), "200 ok");
        assert_eq!(caller.fate(get()), "200 ok");
        assert_eq!(backend.seen.lock().len(), 3);
    }
}

#[test]
fn a_connection_that_closes_on_the_second_request_is_tried_again_only_if_that_is_safe() {
    for (method, body, expected, seen) in [
        ("GET", "", "200 ok", 3),
        ("PUT", "", "200 ok", 3),
        ("DELETE", "", "200 ok", 3),
        ("POST", "", "Reset", 2),
        ("PUT", "body", "Reset", 2),
    ] {
        let backend = backend(vec![vec![Take, say(OK), Take], vec![Take, say(OK)]]);
        let caller = Caller::of(&backend);
        assert_eq!(caller.fate(get()), "200 ok");
        std::thread::sleep(LONG_IDLE * 2);
        let second = request(method, "/", Body::full(body));
        assert_eq!(caller.fate(second), expected, "{method} {body}");
        assert_eq!(backend.seen.lock().len(), seen, "{method} {body}");
    }
}

#[test]
fn a_new_connection_that_closes_is_not_tried_again() {
    let backend = backend(vec![vec![Take], vec![Take, say(OK)]]);
    assert_eq!(Caller::of(&backend).fate(get()), "Reset");
    assert_eq!(backend.seen.lock().len(), 1);
}

#[test]
fn places_are_bounded_and_waited_for_until_the_deadline() {
    // A chunked body has its connection until it is read.
    let chunked = say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    let backend = backend(vec![vec![Take, chunked, Take, say(OK)], vec![Hang]]);
    let caller = Caller::of(&backend);
    caller.endpoint.slot(0).shrink(1);
    let held = caller.call(get()).unwrap();
    assert_eq!(
        caller
            .call_within(get(), Duration::from_millis(50))
            .unwrap_err(),
        UpstreamFault::Overloaded
    );
    // The place comes free with the connection, and the one who waits gets both.
    let deadline = caller.worker.clock.now().plus(PATIENCE);
    let answer = caller.runtime.block_on(async {
        let mut request = get();
        let waiting = send(&caller.worker, &caller.endpoint, &mut request, deadline);
        let release = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            held.body.buffer(10).await
        };
        let (answer, _) = tokio::join!(waiting, release);
        answer
    });
    assert_eq!(answer.unwrap().status, 200);
    assert_eq!(backend.seen.lock().len(), 2);
}

#[test]
fn a_place_that_was_lost_with_a_stale_connection_is_waited_for_again() {
    // The kept connection ends with the second request, which then waits behind the third.
    let backend = backend(vec![vec![Take, say(OK), Take], vec![Take, Hang]]);
    let caller = Caller::of(&backend);
    caller.endpoint.slot(0).shrink(1);
    assert_eq!(caller.fate(get()), "200 ok");
    let now = caller.worker.clock.now();
    let (mut second, mut third) = (get(), get());
    let second = send(
        &caller.worker,
        &caller.endpoint,
        &mut second,
        now.plus(Duration::from_millis(500)),
    );
    let third = send(
        &caller.worker,
        &caller.endpoint,
        &mut third,
        now.plus(PATIENCE),
    );
    let fault = caller.runtime.block_on(async {
        tokio::select! {
            biased;
            answered = second => answered.unwrap_err(),
            _ = third => panic!("the third is not answered"),
        }
    });
    assert_eq!(fault, UpstreamFault::Overloaded);
}

#[test]
fn who_waits_for_a_place_is_bounded() {
    let backend = backend(Vec::new());
    let caller = Caller::of(&backend);
    caller.endpoint.slot(0).shrink(0);
    let deadline = caller.worker.clock.now().plus(PATIENCE);
    let mut requests: Vec<Outgoing> = (0..=pool::MOST_WAITING).map(|_| get()).collect();
    caller.runtime.block_on(async {
        let mut calls: Vec<_> = requests
            .iter_mut()
            .map(|request| Box::pin(send(&caller.worker, &caller.endpoint, request, deadline)))
            .collect();
        let mut poll = |at: usize| {
            let call: Pin<&mut _> = calls[at].as_mut();
            call.poll(&mut Context::from_waker(Waker::noop()))
        };
        for at in 0..pool::MOST_WAITING {
            assert!(poll(at).is_pending(), "{at}");
        }
        let beyond = poll(pool::MOST_WAITING).map(|answered| answered.unwrap_err());
        assert_eq!(beyond, Poll::Ready(UpstreamFault::Overloaded));
    });
}

#[test]
fn an_answer_that_is_dropped_takes_its_connection_with_it() {
    let backend = backend(vec![
        vec![
            Take,
            say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"),
            Hang,
        ],
        vec![Take, say(OK)],
    ]);
    let caller = Caller::of(&backend);
    drop(caller.call(get()).unwrap());
    assert_eq!(caller.fate(get()), "200 ok");
}

#[test]
fn the_sweep_closes_what_the_other_side_has_closed() {
    let backend = backend(vec![vec![Take, say(OK)]]);
    let caller = Caller::of(&backend);
    caller.fate(get());
    let swept = |caller: &Caller| {
        caller.runtime.block_on(async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            sweep(0, &caller.endpoint, caller.worker.clock.now())
        })
    };
    assert!(!swept(&caller), "nothing is left");
}

#[test]
fn the_sweep_closes_what_was_idle_too_long() {
    let backend = backend(vec![vec![Take, say(OK), Hang]]);
    let caller = Caller::of(&backend);
    caller.fate(get());
    let now = caller.worker.clock.now();
    let sweep_at = |later| {
        caller
            .runtime
            .block_on(async { sweep(0, &caller.endpoint, now.plus(later)) })
    };
    assert!(sweep_at(Duration::from_secs(40)));
    assert!(!sweep_at(Duration::from_secs(60)));
}

/// A head that no socket takes at once.
fn giant(method: &str) -> Outgoing {
    let mut giant = request(method, "/", Body::empty());
    let value = FieldValue::from_maybe_shared(vec![b'x'; 32 << 20]).unwrap();
    giant.headers.set(FieldName::from_static("x"), value);
    giant
}

#[test]
fn what_was_said_before_the_request_was_heard_is_no_answer_to_it() {
    let refused = "HTTP/1.1 431 Too large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno";
    for (answer, expected) in [
        (OK, "Garbled"),
        ("HTTP/1.1 103 Early\r\n\r\n", "Garbled"),
        ("HTTP/1.1 431 x\r\ncontent-length: 2\r\n\r\nno", "Garbled"),
        // It has heard enough.
        (refused, "431 no"),
    ] {
        let backend = backend(vec![vec![Act::Glance, say(answer), Hang, Pause]]);
        assert_eq!(Caller::of(&backend).fate(giant("GET")), expected);
    }
    // On a kept connection it was meant for somebody else, and nothing of the request was acted on.
    for (method, expected) in [("GET", "200 ok"), ("POST", "Reset")] {
        for unasked in [OK, refused] {
            let backend = backend(vec![
                vec![Take, say(OK), Act::Glance, say(unasked), Hang, Pause],
                vec![Act::Sip, say(OK)],
            ]);
            let caller = Caller::of(&backend);
            assert_eq!(caller.fate(get()), "200 ok");
            assert_eq!(caller.fate(giant(method)), expected, "{unasked}");
        }
    }
}

#[test]
fn a_connection_that_is_told_to_be_idle_for_too_long_costs_nothing() {
    let idle = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    for (method, expected) in [("GET", "200 ok"), ("POST", "408 ")] {
        let backend = backend(vec![
            vec![Take, say(OK), Take, say(idle)],
            vec![Take, say(OK)],
        ]);
        let caller = Caller::of(&backend);
        assert_eq!(caller.fate(get()), "200 ok");
        let second = request(method, "/", Body::empty());
        assert_eq!(caller.fate(second), expected);
    }
    // On a new one it is the answer.
    let backend = backend(vec![vec![Take, say(idle)]]);
    assert_eq!(Caller::of(&backend).fate(get()), "408 ");
}

#[test]
fn what_came_unasked_is_found_before_the_next_request() {
    for second in [get, || post("body")] {
        let backend = backend(vec![
            vec![Take, say(OK), Pause, say(OK), Hang],
            vec![
                Take,
                say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfresh"),
            ],
        ]);
        let caller = Caller::of(&backend);
        assert_eq!(caller.fate(get()), "200 ok");
        // Nobody looks at the sockets meanwhile.
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(caller.fate(second()), "200 fresh");
    }
}
