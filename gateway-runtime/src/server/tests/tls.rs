//! TLS, and the certificates it shows.

use super::*;

#[test]
fn tls_with_either_version_and_no_other_certificate() {
    let site = site_with(
        LIMITS,
        &Settings {
            tls: Some((data("localhost.crt"), data("localhost.key"))),
            ..settings()
        },
    );
    let address = site.address();
    block_on(async {
        let connect = || tokio::net::TcpStream::connect(address);
        let trusting = ClientTls::trusting("localhost", &data("localhost.crt"));
        let stream = trusting.connect(connect().await.unwrap()).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let request = http::Request::get("/a")
            .header("host", "localhost")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);

        let stream = trusting
            .with_http2()
            .connect(connect().await.unwrap())
            .await;
        let (mut sender, _) = http2(stream.unwrap()).await;
        assert_eq!(
            get(&mut sender, "https://localhost/b").await.1,
            "GET /b HTTP/2.0"
        );

        let doubting = ClientTls::trusting("localhost", &data("other.crt"));
        assert!(doubting.connect(connect().await.unwrap()).await.is_err());
        let elsewhere = ClientTls::trusting("example.com", &data("localhost.crt"));
        assert!(elsewhere.connect(connect().await.unwrap()).await.is_err());
    });
    // No TLS at all.
    assert!(
        !site
            .exchange("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .contains("HTTP")
    );
    eventually("failed handshakes are counted", || {
        site.events().handshake_failed.load(Ordering::Relaxed) == 3
    });
    site.end();
}

#[test]
fn certificates_are_read_again_and_bad_ones_are_not_taken() {
    let folder = std::env::temp_dir().join(format!("gateway-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (certificate, key) = (folder.join("crt"), folder.join("key"));
    let install = |name: &str| {
        std::fs::copy(data(&format!("{name}.crt")), &certificate).unwrap();
        std::fs::copy(data(&format!("{name}.key")), &key).unwrap();
    };
    install("localhost");
    let site = site_with(
        LIMITS,
        &Settings {
            tls: Some((certificate.clone(), key.clone())),
            ..settings()
        },
    );
    let address = site.address();
    let shows = |name: &str| {
        let trusting = ClientTls::trusting("localhost", &data(&format!("{name}.crt")));
        block_on(async move {
            let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
            let stream: std::io::Result<Stream> = trusting.connect(tcp).await;
            stream.is_ok()
        })
    };
    assert!(shows("localhost") && !shows("other"));
    install("other");
    assert_eq!(site.running.shared().reload_tls(), []);
    assert!(shows("other") && !shows("localhost"));
    // A key that does not belong to the certificate.
    std::fs::copy(data("localhost.key"), &key).unwrap();
    let fault = site.running.shared().reload_tls().remove(0);
    assert!(fault.message.contains("cannot be used together"), "{fault}");
    std::fs::write(&certificate, "nothing").unwrap();
    assert_eq!(site.running.shared().reload_tls().len(), 1);
    assert!(shows("other"));
    site.end();
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn missing_certificates_are_faults_of_the_start() {
    let gate = Arc::new(Semaphore::new(0));
    let faults = start(
        live(LIMITS, app(gate.clone(), gate)),
        &Settings {
            tls: Some((data("absent.crt"), data("localhost.key"))),
            ..settings()
        },
        &Clock::system(),
        None,
    )
    .err()
    .unwrap();
    assert!(faults[0].message.contains("absent.crt"), "{}", faults[0]);
}
