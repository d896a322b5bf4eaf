//! What passes through is not gathered.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use gateway_tests::gateway::Gateway;

use super::back_end::{BackEnd, LARGE};
use super::workspace;

/// The most memory that the process had at any time, in bytes.
pub(crate) fn most(gateway: &Gateway) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.id())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib << 10
}

fn start(back_end: &BackEnd) -> Gateway {
    let args = [
        "--upstream".to_owned(),
        format!("http://{}", back_end.address),
    ];
    Gateway::emitted(&workspace::binary("process"), &args, &BTreeMap::new()).unwrap()
}

/// Sends a head, then a body of so many bytes, and returns how many bytes come back behind the head of the answer.
fn exchange(gateway: &Gateway, head: &str, body: usize) -> usize {
    let mut tcp = TcpStream::connect(gateway.address).unwrap();
    tcp.write_all(head.as_bytes()).unwrap();
    let piece = vec![b'x'; 1 << 16];
    let mut left = body;
    while left > 0 {
        let count = left.min(piece.len());
        tcp.write_all(&piece[..count]).unwrap();
        left -= count;
    }
    let mut answer = Vec::new();
    let mut piece = vec![0; 1 << 16];
    let mut seen = 0;
    loop {
        let count = tcp.read(&mut piece).unwrap();
        if count == 0 {
            break;
        }
        seen += count;
        if answer.len() < 4096 {
            answer.extend_from_slice(&piece[..count]);
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.starts_with("HTTP/1.1 200"),
        "{}",
        answer.lines().next().unwrap_or_default()
    );
    seen - answer.find("\r\n\r\n").unwrap() - 4
}

#[test]
fn large_bodies_pass_through_and_memory_stays_flat() {
    let back_end = BackEnd::start();
    let gateway = start(&back_end);
    let warm = "GET /free HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n";
    assert_eq!(exchange(&gateway, warm, 0), 5);
    let before = most(&gateway);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let down = "GET /large HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n";
                assert_eq!(exchange(&gateway, down, 0), LARGE);
            });
            scope.spawn(|| {
                let up = format!("POST /large HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\ncontent-length: {LARGE}\r\n\r\n");
                assert_eq!(exchange(&gateway, &up, LARGE), 5);
            });
        }
    });
    let grown = most(&gateway) - before;
    // Eight bodies of 64 MiB; what is in flight of each is a small part of one.
    assert!(grown < 32 << 20, "{grown} bytes more");
}

#[test]
fn nobody_can_have_much_kept_by_not_reading() {
    let back_end = BackEnd::start();
    let gateway = start(&back_end);
    let before = most(&gateway);
    let mut deaf: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut tcp = TcpStream::connect(gateway.address).unwrap();
            tcp.write_all(b"GET /large HTTP/1.1\r\nhost: api.example\r\n\r\n")
                .unwrap();
            tcp
        })
        .collect();
    for tcp in &mut deaf {
        // The answer has begun: whatever the gateway keeps of it, it keeps now.
        tcp.read_exact(&mut [0; 1]).unwrap();
    }
    let warm = "GET /free HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n";
    assert_eq!(exchange(&gateway, warm, 0), 5);
    let grown = most(&gateway) - before;
    assert!(grown < 50 << 18, "{grown} bytes for 50 clients");
}
