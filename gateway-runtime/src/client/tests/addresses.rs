//! Who is called: addresses, names, certificates.

use super::*;

#[test]
fn back_ends_that_cannot_be_reached() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for (url, expected) in [
        (format!("http://127.0.0.1:{port}"), UpstreamFault::Refused),
        (format!("http://localhost:{port}"), UpstreamFault::Refused),
        (format!("https://127.0.0.1:{port}"), UpstreamFault::Refused),
        (
            "http://nobody.invalid".to_owned(),
            UpstreamFault::Unresolved,
        ),
        // Where clouds keep the credentials of a machine.
        (
            "http://169.254.169.254".to_owned(),
            UpstreamFault::Unresolved,
        ),
        ("http://[fe80::1]".to_owned(), UpstreamFault::Unresolved),
        (
            "http://[fd00:ec2::254]".to_owned(),
            UpstreamFault::Unresolved,
        ),
        (
            "http://[::ffff:169.254.169.254]".to_owned(),
            UpstreamFault::Unresolved,
        ),
        (
            "http://[64:ff9b::a9fe:a9fe]".to_owned(),
            UpstreamFault::Unresolved,
        ),
        (
            "http://[2002:a9fe:a9fe::]".to_owned(),
            UpstreamFault::Unresolved,
        ),
    ] {
        assert_eq!(calling(&url).call(get()).unwrap_err(), expected, "{url}");
    }
}

#[test]
fn addresses_of_back_ends() {
    for (url, expected) in [
        ("http://a.example", "Endpoint(u at \"a.example\")"),
        (
            "https://a.example:8443/base/",
            "Endpoint(u at \"a.example:8443\"/base)",
        ),
        ("http://[::1]:80/", "Endpoint(u at \"[::1]:80\")"),
    ] {
        let endpoint = Endpoint::new("u", url, &settings()).unwrap();
        assert_eq!(format!("{endpoint:?}"), expected);
    }
    for (url, expected) in [
        ("", "no address"),
        ("a.example", "neither `http://` nor `https://`"),
        ("/path", "neither `http://` nor `https://`"),
        ("ftp://a.example", "neither `http://` nor `https://`"),
        ("http://", "no address"),
        ("http://user:pw@a.example", "user name"),
        ("http://a.example?x=1", "query"),
        ("http://a.example:0", "host and port"),
        ("http://a.example:70000", "host and port"),
        ("http://a.example:", "host and port"),
        ("http://a b", "no address"),
    ] {
        let fault = Endpoint::new("u", url, &settings()).unwrap_err();
        assert!(fault.contains(expected), "{url}: {fault}");
    }
}

#[test]
fn targets_behind_a_base_path() {
    let endpoint = Endpoint::new("u", "http://a/base/", &settings()).unwrap();
    let target = Target::parse("/x?y=z").unwrap();
    assert_eq!(endpoint.join(target).unwrap().as_str(), "/base/x?y=z");
    for text in [
        "",
        "x",
        "/a b",
        "/a#b",
        "/\u{e4}",
        "/a\r\nb: c",
        "/a\0",
        "?x",
    ] {
        assert!(Target::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn certificates_of_back_ends_are_checked() {
    // A back end that speaks no TLS, and one whose certificate nobody trusts.
    let plain = backend(vec![vec![say("HTTP/1.1 200 OK\r\n\r\n")]]);
    let caller = calling(&format!("https://{}", plain.address));
    assert_eq!(caller.call(get()).unwrap_err(), UpstreamFault::Tls);

    let data = |name: &str| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(name)
    };
    let server =
        crate::tls::ServerTls::load(&data("localhost.crt"), &data("localhost.key")).unwrap();
    for (trusted, expected) in [("localhost.crt", "200 ok"), ("other.crt", "Tls")] {
        let mut caller = calling("https://localhost");
        caller.endpoint = Arc::new(
            Endpoint::new("default", "https://localhost", &settings())
                .unwrap()
                .with_tls(ClientTls::trusting("localhost", &data(trusted))),
        );
        let fate = caller.runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            Arc::get_mut(&mut caller.endpoint).unwrap().set_port(port);
            let serve = async {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let (tcp, _) = listener.accept().await.unwrap();
                if let Ok((mut stream, http2)) = server.accept(tcp).await {
                    assert!(!http2);
                    assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
                    stream.write_all(OK.as_bytes()).await.unwrap();
                    stream.flush().await.unwrap();
                }
            };
            let deadline = caller.worker.clock.now().plus(PATIENCE);
            let call = async {
                let mut request = get();
                match send(&caller.worker, &caller.endpoint, &mut request, deadline).await {
                    Ok(answer) => match answer.body.buffer(100).await {
                        Ok(Buffered::Whole(bytes, _)) => {
                            format!("{} {}", answer.status, String::from_utf8_lossy(&bytes))
                        }
                        other => format!("{:?}", other.err()),
                    },
                    Err(fault) => format!("{fault:?}"),
                }
            };
            tokio::join!(serve, call).1
        });
        assert_eq!(fate, expected, "{trusted}");
    }
}
