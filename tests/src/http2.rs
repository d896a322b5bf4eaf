//! A client that speaks HTTP/2: by agreement inside TLS, by prior knowledge in clear.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::client::Answer;
use crate::tls;

/// Sends one request on a connection of its own. `None`: no answer came.
///
/// # Panics
/// If the server inside TLS does not agree to HTTP/2.
pub fn ask(address: SocketAddr, secure: bool, request: http::Request<Bytes>) -> Option<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let work = async {
        let tcp = TcpStream::connect(address).await.ok()?;
        if !secure {
            return exchange(tcp, request).await;
        }
        let stream = TlsConnector::from(tls::client("h2"))
            .connect(tls::name(), tcp)
            .await
            .ok()?;
        assert_eq!(
            stream.get_ref().1.alpn_protocol(),
            Some(&b"h2"[..]),
            "HTTP/2 is offered and not taken"
        );
        exchange(stream, request).await
    };
    runtime
        .block_on(async { tokio::time::timeout(Duration::from_secs(20), work).await })
        .expect("an answer within 20 seconds")
}

async fn exchange<I>(io: I, request: http::Request<Bytes>) -> Option<Answer>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(io))
        .await
        .ok()?;
    tokio::spawn(connection);
    sender.ready().await.ok()?;
    let response = sender.send_request(request.map(Full::new)).await.ok()?;
    let (head, mut body) = response.into_parts();
    let mut answer = Answer {
        status: head.status.as_u16(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect(),
        body: Vec::new(),
        cut: false,
        closed: false,
    };
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => answer
                .body
                .extend(frame.into_data().unwrap_or_default().as_ref()),
            Err(_) => {
                answer.cut = true;
                break;
            }
        }
    }
    Some(answer)
}
