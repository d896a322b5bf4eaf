//! Certificates of back ends, while a gateway runs.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use gateway_tests::gateway::Gateway;
use gateway_tests::upstream::{Behaviour, Upstream};
use gateway_tests::wait::eventually;
use gateway_tests::{cases, tls};

use super::workspace;

#[test]
fn sighup_reads_certificates_for_back_ends_again_and_keeps_the_old_ones_if_it_must() {
    let folder = cases::scratch("certificates");
    let install = |name: &str, own: &str| {
        fs::copy(tls::file(own), folder.join(name)).unwrap();
    };
    install("ca.pem", "localhost.crt");
    install("own.pem", "other.crt");
    install("own.key", "other.key");
    // It closes each connection behind its answer, so that each request makes a new one.
    let closing: Behaviour =
        serde_yaml::from_str(r#"{ on: "*", body: known, headers: { connection: close } }"#)
            .unwrap();
    let back_end = Upstream::start(vec![closing], Some(tls::server("demanding")));
    let mut command = Command::new(workspace::binary("certificates"));
    command.current_dir(&folder);
    let url = format!("url=https://{}", back_end.address);
    let gateway =
        Gateway::start(command, &["--stage-var".to_owned(), url], &BTreeMap::new()).unwrap();
    let status = || {
        let mut connection = gateway.connect().unwrap();
        connection
            .send(b"GET /own HTTP/1.1\r\nhost: api.example\r\n\r\n")
            .unwrap();
        connection.read("GET").unwrap().unwrap().status
    };
    assert_eq!(
        status(),
        503,
        "its certificate is not the one that is wanted"
    );

    install("own.pem", "localhost.crt");
    install("own.key", "localhost.key");
    gateway.signal("HUP");
    eventually("the new certificate is shown", || status() == 200);

    fs::write(folder.join("own.key"), "nothing").unwrap();
    gateway.signal("HUP");
    let said = gateway.complaint().unwrap();
    assert!(
        said.contains("the old certificate stays in use: TLS of upstream `own`"),
        "{said}"
    );
    assert_eq!(status(), 200);

    install("own.key", "localhost.key");
    install("ca.pem", "other.crt");
    gateway.signal("HUP");
    eventually("the new authority alone is trusted", || status() == 503);
}
