//! Where the binary can run: as anybody, on a file system that takes nothing.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use gateway_tests::client::Connection;
use gateway_tests::gateway::Gateway;

use super::back_end::BackEnd;
use super::workspace;

/// An account without any right.
const NOBODY: u32 = 65_534;

#[test]
fn it_runs_as_anybody_where_nothing_can_be_written() {
    let home = std::env::temp_dir().join(format!("gateway-read-only-{}", std::process::id()));
    fs::create_dir_all(&home).unwrap();
    let binary = home.join("gateway");
    fs::copy(workspace::binary("process"), &binary).unwrap();
    fs::set_permissions(&home, Permissions::from_mode(0o555)).unwrap();

    let back_end = BackEnd::start();
    // A limit of nothing: the kernel ends whoever writes a byte into any file. Pipes have no such limit.
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -f 0 && exec \"$@\"", "sh"])
        .arg(&binary)
        .current_dir(&home)
        .env_clear()
        .env("HOME", &home)
        .env("TMPDIR", &home);
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    let upstream = format!("http://{}", back_end.address);
    let args = ["--upstream".to_owned(), upstream];
    let mut gateway = Gateway::start(command, &args, &BTreeMap::new()).unwrap();
    for (address, host, path) in [
        (gateway.address, "api.example", "/free"),
        (gateway.address, "api.example", "/nowhere"),
        (gateway.admin, "localhost", "/metrics"),
    ] {
        let mut connection = Connection::open(address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        connection.send(request.as_bytes()).unwrap();
        let answer = connection.read("GET").unwrap().unwrap();
        let expected = if path == "/nowhere" { 404 } else { 200 };
        assert_eq!(answer.status, expected, "{path}");
    }
    let owner = fs::metadata(format!("/proc/{}", gateway.id()))
        .unwrap()
        .uid();
    assert_ne!(owner, 0, "it runs without rights");
    gateway.signal("TERM");
    assert_eq!(gateway.wait(), Some(0));
    assert_eq!(names(&home), ["gateway"], "nothing was written");
    fs::set_permissions(&home, Permissions::from_mode(0o755)).unwrap();
    fs::remove_dir_all(&home).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
