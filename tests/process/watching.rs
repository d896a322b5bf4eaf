//! Who watches a gateway is answered while those it serves are not.

use std::collections::BTreeMap;
use std::net::TcpStream;

use gateway_tests::client::{Answer, Connection};
use gateway_tests::gateway::Gateway;
use gateway_tests::wait::eventually;

use super::back_end::BackEnd;
use super::workspace;

fn ask(gateway: &Gateway, path: &str) -> Answer {
    let mut connection = Connection::open(gateway.admin).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    connection.send(request.as_bytes()).unwrap();
    connection.read("GET").unwrap().expect("an answer")
}

#[test]
fn health_is_answered_while_every_request_hangs_and_connections_storm() {
    let back_end = BackEnd::start();
    let upstream = format!("http://{}", back_end.address);
    let args = [
        "--upstream".to_owned(),
        upstream,
        "--workers".to_owned(),
        "1".to_owned(),
    ];
    let gateway = Gateway::emitted(&workspace::binary("process"), &args, &BTreeMap::new()).unwrap();
    // Every place for a connection is taken: by requests that hang, and by clients that say nothing.
    let mut held = Vec::new();
    for _ in 0..32 {
        let mut connection = gateway.connect().unwrap();
        connection
            .send(b"GET /held HTTP/1.1\r\nhost: api.example\r\n\r\n")
            .unwrap();
        held.push(connection);
    }
    back_end.wait_held(32);
    let mut storm = Vec::new();
    for round in 0..20 {
        for _ in 0..25 {
            storm.push(TcpStream::connect(gateway.address).unwrap());
        }
        assert_eq!(ask(&gateway, "/healthz").status, 200, "round {round}");
        assert_eq!(ask(&gateway, "/readyz").status, 200, "round {round}");
    }
    eventually("the storm is beyond what the document allows", || {
        let metrics = ask(&gateway, "/metrics");
        assert_eq!(metrics.status, 200);
        // Who came too late, and whose silence made room for others.
        ["over_limit", "gave_way"].iter().any(|reason| {
            let row = format!("gateway_connections_ended_total{{reason=\"{reason}\"}} ");
            let text = metrics.text();
            let count = text.lines().find_map(|line| line.strip_prefix(&row));
            count.is_some_and(|count| count != "0")
        })
    });
    back_end.release();
    for connection in &mut held {
        assert_eq!(connection.read("GET").unwrap().unwrap().status, 200);
    }
}
