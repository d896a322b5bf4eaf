//! HTTP/2, by a client that is hyper.

use super::*;

#[test]
fn http2_with_prior_knowledge() {
    let site = site(LIMITS);
    block_on(async {
        let tcp = tokio::net::TcpStream::connect(site.address())
            .await
            .unwrap();
        let (mut sender, _) = http2(tcp).await;
        for path in ["/a", "/b"] {
            let (status, body) = get(&mut sender, &format!("http://x{path}")).await;
            assert_eq!((status, body), (200, format!("GET {path} HTTP/2.0")));
        }
        assert_eq!(get(&mut sender, "http://x/a%2e%2e/..").await.0, 400);
        assert_eq!(get(&mut sender, "http://x/panic").await.0, 500);
        assert_eq!(get(&mut sender, "http://x/c").await.0, 200);
    });
    site.end();
}

#[test]
fn http2_streams_in_flight_outlive_draining() {
    let site = site(LIMITS);
    block_on(async {
        let tcp = tokio::net::TcpStream::connect(site.address())
            .await
            .unwrap();
        let (mut sender, connection) = http2(tcp).await;
        let mut twin = sender.clone();
        let busy = tokio::spawn(async move { get(&mut twin, "http://x/gate").await });
        site.entered.acquire().await.unwrap().forget();
        site.running.drain();
        site.gate.add_permits(1);
        assert_eq!(busy.await.unwrap().1, "through");
        // GOAWAY: the connection ends without a fault, and takes nothing more.
        connection.await.unwrap().unwrap();
        assert!(sender.ready().await.is_err());
    });
    site.running.wait();
}

#[test]
fn http2_connections_end_after_their_share_of_requests() {
    let site = site(LimitsDef {
        requests_per_connection: 2,
        ..LIMITS
    });
    block_on(async {
        let tcp = tokio::net::TcpStream::connect(site.address())
            .await
            .unwrap();
        let (mut sender, connection) = http2(tcp).await;
        get(&mut sender, "http://x/a").await;
        get(&mut sender, "http://x/b").await;
        connection.await.unwrap().unwrap();
    });
    site.end();
}
