#![expect(clippy::unwrap_used, reason = "a test without its server should stop")]

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// A folder that goes away with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("gateway-codegen-fetch-{}-{number}", std::process::id());
        Scratch(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn certificates(owner: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway-runtime/tests/data");
    let chain = CertificateDer::pem_file_iter(data.join(format!("{owner}.crt"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(data.join(format!("{owner}.key"))).unwrap();
    (chain.map(Result::unwrap).collect(), key)
}

/// A server of this machine that gives every request one answer.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Server {
    fn start(owner: &str, answer: Vec<u8>) -> Server {
        let (chain, key) = certificates(owner);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                counter.fetch_add(1, Ordering::SeqCst);
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(connection, stream);
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut byte) {
                        Ok(1..) => head.push(byte[0]),
                        _ => break,
                    }
                }
                // The client may have seen enough before the end.
                let _ = stream.write_all(&answer).and_then(|()| stream.flush());
                if answer.is_empty() {
                    let _ = stream.read(&mut byte);
                }
            }
        });
        Server { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// One that may ask `localhost`, which is this server, and trusts its certificate.
    fn fetcher(&self, kept: &Scratch) -> Fetcher {
        let mut roots = RootCertStore::empty();
        for certificate in certificates("localhost").0 {
            roots.add(certificate).unwrap();
        }
        let address = self.address;
        Fetcher {
            roots: Ok(roots),
            names: Arc::new(move |_, _| Ok(vec![address])),
            may_ask: |_| true,
            ..Fetcher::new(&["localhost".to_owned()], kept.0.clone())
        }
    }
}

fn answer(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n{body}").into_bytes()
}

/// Why an answer is not taken.
fn fault(answer: Vec<u8>) -> String {
    let kept = Scratch::new();
    let server = Server::start("localhost", answer);
    let fetcher = Fetcher {
        time: Duration::from_secs(2),
        ..server.fetcher(&kept)
    };
    match fetcher.fetch("https://localhost/a.yaml") {
        Err(NotFetched::Failed(why)) => {
            assert!(!kept.0.exists(), "nothing is kept of what was not taken");
            why
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_fetched_is_kept_and_not_asked_for_again() {
    let kept = Scratch::new();
    let server = Server::start("localhost", answer("200 OK\r\ncontent-length: 5", "a: 1\n"));
    let fetcher = server.fetcher(&kept);
    for _ in 0..2 {
        let bytes = fetcher.fetch("https://localhost/specs/a.yaml?v=1").unwrap();
        assert_eq!(bytes, b"a: 1\n");
    }
    assert_eq!(server.asked(), 1);
    let files: Vec<_> = std::fs::read_dir(kept.0.join("localhost"))
        .unwrap()
        .collect();
    let [file] = files.as_slice() else {
        panic!("{files:?}");
    };
    let name = file.as_ref().unwrap().file_name();
    assert!(name.to_str().unwrap().ends_with("-a.yaml"), "{name:?}");
    // Another query is another file.
    fetcher.fetch("https://localhost/specs/a.yaml?v=2").unwrap();
    assert_eq!(server.asked(), 2);

    let offline = Fetcher {
        names: Arc::new(|_, _| Err(io::Error::other("there is no network"))),
        ..server.fetcher(&kept)
    };
    let again = offline.fetch("https://localhost/specs/a.yaml?v=1").unwrap();
    assert_eq!(again, b"a: 1\n");
    let Err(NotFetched::Failed(why)) = offline.fetch("https://localhost/b") else {
        panic!("it has no network");
    };
    assert_eq!(why, "its host is not found: there is no network");
}

#[test]
fn addresses_of_this_machine_are_not_connected_to() {
    let kept = Scratch::new();
    let server = Server::start("localhost", answer("200 OK", ""));
    let inside = server.address;
    for addresses in [
        vec![inside],
        vec![SocketAddr::from(([1, 1, 1, 1], 443)), inside],
    ] {
        let guarded = Fetcher {
            may_ask: public::is_public,
            names: Arc::new(move |_, _| Ok(addresses.clone())),
            ..server.fetcher(&kept)
        };
        let Err(NotFetched::Failed(why)) = guarded.fetch("https://localhost/a") else {
            panic!("it is asked");
        };
        assert_eq!(
            why,
            "its host has the address 127.0.0.1, which is none of the public network"
        );
    }
    assert_eq!(server.asked(), 0);
    // As it is made for a run: the same guard, and an address in place of a name.
    let real = Fetcher::new(&["127.0.0.1".to_owned()], kept.0.clone());
    let Err(NotFetched::Failed(why)) = real.fetch("https://127.0.0.1/a") else {
        panic!("it is asked");
    };
    assert!(why.contains("none of the public network"), "{why}");
}

#[test]
fn answers_that_are_not_taken() {
    let why = fault(answer("302 Found\r\nlocation: https://localhost/b", ""));
    assert_eq!(
        why,
        "it is answered 302 Found, and redirects are not followed"
    );
    let why = fault(answer("404 Not Found", ""));
    assert_eq!(why, "it is answered 404 Not Found");
    let why = fault(answer("200 OK\r\ncontent-encoding: gzip", "x"));
    assert_eq!(why, "the answer is compressed, which was not asked for");
    let large = "x".repeat(MAX_BYTES + 1);
    assert_eq!(fault(answer("200 OK", &large)), "it is larger than 10 MiB");
    let announced = answer("200 OK\r\ncontent-length: 99", "short");
    assert_ne!(fault(announced), "");
    assert_ne!(fault(b"nothing of HTTP\r\n\r\n".to_vec()), "");
    assert_eq!(fault(Vec::new()), "it took longer than 2 s");
}

#[test]
fn who_cannot_be_trusted_is_not_asked() {
    let kept = Scratch::new();
    let server = Server::start("other", answer("200 OK", "a: 1"));
    let Err(NotFetched::Failed(why)) = server.fetcher(&kept).fetch("https://localhost/a") else {
        panic!("it is trusted");
    };
    assert!(why.contains("certificate"), "{why}");
}

#[test]
fn only_named_hosts_are_asked() {
    let kept = Scratch::new();
    let fetcher = Fetcher::new(
        &["a.example".to_owned(), "b.example:8443".to_owned()],
        kept.0.clone(),
    );
    let allowed = |address: &str| fetcher.allows(&Asked::read(address).unwrap());
    assert!(allowed("https://a.example/x"));
    assert!(allowed("https://A.Example:443/x"));
    assert!(allowed("https://b.example:8443/x"));
    for other in [
        "https://a.example:8443/x",
        "https://b.example/x",
        "https://x.a.example/x",
        "https://a.example.evil/x",
    ] {
        assert!(!allowed(other), "{other}");
    }
    assert_eq!(
        fetcher.fetch("https://c.example:1/x"),
        Err(NotFetched::NotAllowed(
            "allow it with `--allow-ref-host c.example:1`, or save the file beside the document"
                .to_owned()
        ))
    );
    for odd in [
        "https://user@a.example/x",
        "https:///x",
        "https://a b/x",
        "https://a.example:x/",
    ] {
        assert!(
            matches!(fetcher.fetch(odd), Err(NotFetched::Failed(_))),
            "{odd}"
        );
    }
}

#[test]
fn hosts_are_read() {
    assert_eq!(host("Specs.Example"), Ok("specs.example".to_owned()));
    assert_eq!(host("specs.example:443"), Ok("specs.example".to_owned()));
    assert_eq!(
        host("specs.example:8443"),
        Ok("specs.example:8443".to_owned())
    );
    for wrong in [
        "",
        "https://a.example",
        "a.example/x",
        "*.example",
        "u@a.example",
        "a b",
    ] {
        assert!(host(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_no_file_in_the_folder_is_not_read() {
    let kept = Scratch::new();
    let server = Server::start("localhost", answer("200 OK", "a: 1"));
    let file = kept
        .0
        .join("localhost")
        .join(file_name("https://localhost/a"));
    std::fs::create_dir_all(&file).unwrap();
    let Err(NotFetched::Failed(why)) = server.fetcher(&kept).fetch("https://localhost/a") else {
        panic!("it is read");
    };
    assert!(why.ends_with("is not a regular file"), "{why}");
}
