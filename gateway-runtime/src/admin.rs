//! The admin listener: health, readiness, metrics, routes.
//!
//! It has a thread and a runtime of its own, so that it answers while every worker is busy; it shares no router with the data
//! listeners, so that no path leads from one to the other.
//!
//! Who may ask: it is bound to a loopback address unless told otherwise, and does not start elsewhere without a token. Every
//! request must name a host this listener is known by (`localhost`, an address, a configured name), so that a page in a browser
//! cannot reach it through a name of its own (DNS rebinding). No answer carries a CORS field. `/healthz` and `/readyz` need no
//! token, since probes cannot keep one, and say nothing but that.
//!
//! Absent on purpose: anything that changes something, and TLS (put a proxy before it).

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::{constant_time, digest};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, watch};

use crate::server::Phase;
use crate::settings::{Secret, Settings, StartFault};

/// Connections at once; further ones wait to be accepted.
const CONNECTIONS: usize = 64;
/// How long a connection may last, whatever happens on it.
const LIFETIME: Duration = Duration::from_secs(60);
/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(5);

/// What can be asked about.
pub(crate) trait Subject: Send + Sync + 'static {
    /// Whether new requests are welcome.
    fn is_ready(&self) -> bool;
    /// Media type and text of the metrics.
    fn metrics(&self) -> (&'static str, String);
    /// The routes, as JSON.
    fn routes(&self) -> String;
}

/// Who may ask.
#[derive(Debug)]
struct Rules {
    token: Option<TokenDigest>,
    hosts: Vec<String>,
}

/// The digest of a token: tokens themselves are neither kept nor compared.
#[derive(Debug)]
struct TokenDigest([u8; digest::SHA256_OUTPUT_LEN]);

impl TokenDigest {
    fn of(token: &[u8]) -> TokenDigest {
        let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, token).as_ref());
        TokenDigest(bytes)
    }

    /// In a time that depends on what was presented only.
    fn matches(&self, presented: &[u8]) -> bool {
        let presented = TokenDigest::of(presented);
        constant_time::verify_slices_are_equal(&self.0, &presented.0).is_ok()
    }
}

/// What is wrong with the settings of the admin listener, if it has one.
pub(crate) fn fault(settings: &Settings) -> Option<StartFault> {
    let address = settings.admin?;
    if address.ip().to_canonical().is_loopback() || settings.admin_token.is_some() {
        return None;
    }
    Some(StartFault::new(
        format!(
            "the admin listener on {address} could be reached from other machines, and has no token"
        ),
        "give it one with --admin-token-file, or listen on a loopback address: --admin 127.0.0.1:8081",
    ))
}

/// Starts the admin listener, on a socket that was `claimed` from the gateway before if there is one; returns the socket once more.
/// It lasts as long as the process, or until the next gateway has it.
pub(crate) fn start(
    address: SocketAddr,
    claimed: Option<TcpListener>,
    token: Option<&Secret>,
    hosts: &[String],
    subject: Arc<dyn Subject>,
    mut phase: watch::Receiver<Phase>,
) -> Result<TcpListener, StartFault> {
    let fault = |error: io::Error| {
        StartFault::new(
            format!("the admin listener cannot listen on {address}: {error}"),
            "choose another address with --admin, or switch it off with --admin off",
        )
    };
    let listener = match claimed {
        Some(claimed) => claimed,
        None => TcpListener::bind(address).map_err(fault)?,
    };
    listener.set_nonblocking(true).map_err(fault)?;
    let again = listener.try_clone().map_err(fault)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(fault)?;
    let rules = Arc::new(Rules {
        token: token.map(|token| TokenDigest::of(token.expose().as_bytes())),
        hosts: hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
    });
    std::thread::Builder::new()
        .name("admin".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, rules, subject) => {}
                    // The next gateway answers here.
                    Ok(_) = phase.wait_for(|phase| *phase == Phase::HandedOver) => {}
                }
            });
        })
        .map_err(fault)?;
    Ok(again)
}

async fn serve(listener: TcpListener, rules: Arc<Rules>, subject: Arc<dyn Subject>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                // Out of file descriptors, most likely: some will come back.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (rules, subject) = (Arc::clone(&rules), Arc::clone(&subject));
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let response = answer(&rules, &*subject, &request);
                std::future::ready(Ok::<_, Infallible>(response))
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .max_buf_size(16 << 10)
                .serve_connection(TokioIo::new(stream), service);
            // A connection that ends badly is its peer's own affair.
            let _ = tokio::time::timeout(LIFETIME, connection).await;
            drop(place);
        });
    }
}

fn answer<B>(rules: &Rules, subject: &dyn Subject, request: &Request<B>) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let plain = |status: StatusCode, text: &'static str| response(status, TEXT, text.into());
    if !rules.knows_host(request) {
        return plain(
            StatusCode::MISDIRECTED_REQUEST,
            "not known by this name; see --admin-host\n",
        );
    }
    let path = request.uri().path();
    if !matches!(path, "/healthz" | "/readyz" | "/metrics" | "/routes") {
        return plain(StatusCode::NOT_FOUND, "/healthz /readyz /metrics /routes\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n");
        refusal
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    match path {
        "/healthz" => plain(StatusCode::OK, "ok\n"),
        "/readyz" if subject.is_ready() => plain(StatusCode::OK, "ready\n"),
        "/readyz" => plain(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        _ if !rules.admits(request) => {
            let mut refusal = plain(StatusCode::UNAUTHORIZED, "a token is needed\n");
            refusal.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"admin\""),
            );
            refusal
        }
        "/metrics" => {
            let (media_type, text) = subject.metrics();
            response(StatusCode::OK, media_type, text)
        }
        _ => response(StatusCode::OK, "application/json", subject.routes()),
    }
}

fn response(status: StatusCode, media_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    response
}

impl Rules {
    /// Whether the request names a host that this listener is known by, and no other.
    fn knows_host<B>(&self, request: &Request<B>) -> bool {
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return false;
        };
        let target = request.uri().authority().map(http::uri::Authority::as_str);
        host.to_str().is_ok_and(|host| self.knows(host)) && target.is_none_or(|t| self.knows(t))
    }

    fn knows(&self, authority: &str) -> bool {
        let Ok(authority) = authority.parse::<http::uri::Authority>() else {
            return false;
        };
        if authority.as_str().contains('@') {
            return false;
        }
        let host = authority.host();
        let literal = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        literal.parse::<IpAddr>().is_ok()
            || host.eq_ignore_ascii_case("localhost")
            || self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    /// Whether the request shows the token, if there is one.
    fn admits<B>(&self, request: &Request<B>) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let mut fields = request.headers().get_all(header::AUTHORIZATION).iter();
        let (Some(field), None) = (fields.next(), fields.next()) else {
            return false;
        };
        let presented = field.as_bytes().split_at_checked("Bearer ".len());
        presented.is_some_and(|(scheme, presented)| {
            scheme.eq_ignore_ascii_case(b"Bearer ") && token.matches(presented.trim_ascii())
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[derive(Default)]
    struct Pretend {
        draining: AtomicBool,
    }

    impl Subject for Pretend {
        fn is_ready(&self) -> bool {
            !self.draining.load(Ordering::SeqCst)
        }
        fn metrics(&self) -> (&'static str, String) {
            ("text/x-metrics", "metrics\n".to_owned())
        }
        fn routes(&self) -> String {
            "[]\n".to_owned()
        }
    }

    fn listening(token: Option<&str>, hosts: &[&str]) -> (SocketAddr, Arc<Pretend>) {
        let subject = Arc::new(Pretend::default());
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let token = token.map(Secret::new);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let (_, phase) = watch::channel(Phase::Serving);
        let socket = start(
            address,
            None,
            token.as_ref(),
            &hosts,
            subject.clone(),
            phase,
        )
        .unwrap();
        let bound = socket.local_addr().unwrap();
        (bound, subject)
    }

    /// The whole answer to these bytes.
    fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// The status of a request with these lines after its first.
    fn status(address: SocketAddr, first: &str, lines: &[&str]) -> String {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let answer = ask(
            address,
            &format!("{first} HTTP/1.1\r\nconnection: close\r\n{lines}\r\n"),
        );
        answer.get(9..12).unwrap_or(&answer).to_owned()
    }

    #[test]
    fn what_is_there() {
        let (address, subject) = listening(None, &[]);
        for (first, expected) in [
            ("GET /healthz", "200"),
            ("HEAD /healthz", "200"),
            ("GET /readyz", "200"),
            ("GET /metrics", "200"),
            ("GET /routes", "200"),
            ("GET /", "404"),
            ("GET /healthz/", "404"),
            ("GET /books", "404"),
            ("POST /healthz", "405"),
            ("DELETE /metrics", "405"),
            ("OPTIONS /metrics", "405"),
        ] {
            assert_eq!(
                status(address, first, &["host: localhost"]),
                expected,
                "{first}"
            );
        }
        subject.draining.store(true, Ordering::SeqCst);
        assert_eq!(status(address, "GET /readyz", &["host: localhost"]), "503");
        assert_eq!(status(address, "GET /healthz", &["host: localhost"]), "200");
    }

    #[test]
    fn only_by_a_name_it_has() {
        let (address, _) = listening(None, &["Metrics.internal"]);
        for (host, expected) in [
            ("localhost", "200"),
            ("LocalHost:8081", "200"),
            ("127.0.0.1:8081", "200"),
            ("10.1.2.3", "200"),
            ("[::1]:8081", "200"),
            ("metrics.INTERNAL:80", "200"),
            ("evil.example", "421"),
            ("localhost.evil.example", "421"),
            ("127.0.0.1.evil.example", "421"),
            ("evil.example@localhost", "421"),
            ("localhost@evil.example", "421"),
            ("", "421"),
        ] {
            let host = format!("host: {host}");
            assert_eq!(
                status(address, "GET /metrics", &[&host]),
                expected,
                "{host}"
            );
            assert_eq!(
                status(address, "GET /healthz", &[&host]),
                expected,
                "{host}"
            );
        }
        assert_eq!(status(address, "GET /metrics", &[]), "421");
        let two = ["host: localhost", "host: evil.example"];
        assert_eq!(status(address, "GET /metrics", &two), "421");
        let absolute = "GET http://evil.example/metrics";
        assert_eq!(status(address, absolute, &["host: localhost"]), "421");
    }

    #[test]
    fn only_with_the_token() {
        let (address, _) = listening(Some("open sesame"), &[]);
        for (field, expected) in [
            ("authorization: Bearer open sesame", "200"),
            ("authorization: bearer open sesame", "200"),
            ("authorization: Bearer open sesam", "401"),
            ("authorization: Bearer open sesamee", "401"),
            ("authorization: Bearer ", "401"),
            ("authorization: Basic open sesame", "401"),
            ("authorization: open sesame", "401"),
            ("authorization: B", "401"),
            ("x-token: open sesame", "401"),
        ] {
            for path in ["GET /metrics", "GET /routes"] {
                let lines = ["host: localhost", field];
                assert_eq!(status(address, path, &lines), expected, "{path} {field}");
            }
        }
        let twice = [
            "host: localhost",
            "authorization: Bearer open sesame",
            "authorization: Bearer x",
        ];
        assert_eq!(status(address, "GET /metrics", &twice), "401");
        // Probes have none.
        assert_eq!(status(address, "GET /healthz", &["host: 10.0.0.1"]), "200");
        assert_eq!(status(address, "GET /readyz", &["host: 10.0.0.1"]), "200");
    }

    #[test]
    fn no_page_may_read_it() {
        let (address, _) = listening(None, &[]);
        let answer = ask(
            address,
            "GET /metrics HTTP/1.1\r\nhost: localhost\r\norigin: https://evil.example\r\nconnection: close\r\n\r\n",
        )
        .to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 200"));
        assert!(!answer.contains("access-control-"), "{answer}");
        assert!(!answer.contains("\r\nserver:"), "{answer}");
        for field in [
            "cache-control: no-store",
            "content-type: text/x-metrics",
            "cross-origin-resource-policy: same-origin",
            "x-content-type-options: nosniff",
        ] {
            assert!(answer.contains(field), "{field} is not in {answer}");
        }
    }

    #[test]
    fn elsewhere_than_on_loopback_only_with_a_token() {
        for (address, token, refused) in [
            ("127.0.0.1:8081", None, false),
            ("127.8.8.8:8081", None, false),
            ("[::1]:8081", None, false),
            ("[::ffff:127.0.0.1]:8081", None, false),
            ("0.0.0.0:8081", None, true),
            ("[::]:8081", None, true),
            ("10.0.0.1:8081", None, true),
            ("0.0.0.0:8081", Some("token"), false),
        ] {
            let settings = Settings {
                admin: Some(address.parse().unwrap()),
                admin_token: token.map(Secret::new),
                ..Settings::default()
            };
            assert_eq!(fault(&settings).is_some(), refused, "{address} {token:?}");
        }
        let none = Settings {
            admin: None,
            ..Settings::default()
        };
        assert_eq!(fault(&none), None);
    }

    #[test]
    fn an_address_in_use_is_a_fault_that_says_what_to_do() {
        let (address, subject) = listening(None, &[]);
        let (_, phase) = watch::channel(Phase::Serving);
        let fault = start(address, None, None, &[], subject, phase).unwrap_err();
        assert!(fault.message.contains(&address.to_string()), "{fault}");
        assert!(fault.help.contains("--admin"), "{fault}");
    }
}
