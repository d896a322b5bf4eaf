//! `dev` over a real socket: serves, reloads what is saved, keeps serving when what is saved is broken.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::support::{BAD, Folder, GOOD, STAGES};

/// Longest wait for a line; a machine that is busy needs some of it, a test that passes none.
const PATIENCE: Duration = Duration::from_secs(30);

struct Dev {
    child: Child,
    lines: Receiver<String>,
    address: String,
}

impl Dev {
    fn start(folder: &Folder, arguments: &str) -> Dev {
        let mut child = folder
            .command()
            .args(["dev", "--listen", "127.0.0.1:0"])
            .args(arguments.split_whitespace())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            let lines = BufReader::new(stderr).lines().map_while(Result::ok);
            lines.for_each(|line| drop(sender.send(line)));
        });
        let mut dev = Dev {
            child,
            lines,
            address: String::new(),
        };
        let line = dev.line("serving ");
        let address = line.split("http://").nth(1).unwrap();
        dev.address = address.split(';').next().unwrap().trim().to_owned();
        dev
    }

    /// The next line that holds this text.
    #[track_caller]
    fn line(&self, part: &str) -> String {
        let mut before = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => before.push(line),
                Err(_) => panic!("no line holds `{part}`:\n{}", before.join("\n")),
            }
        }
    }

    /// Status and body.
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .unwrap();
        assert!(sent.success());
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_is_saved_is_served() {
    let folder = Folder::with(&[("api.yaml", GOOD)]);
    let mut dev = Dev::start(&folder, "api.yaml --mock");
    let (status, body) = dev.get("/books");
    assert_eq!((status, body.contains("42")), (200, true), "{body}");
    assert!(
        dev.line("GET /books").contains("200"),
        "a request is a line of the log"
    );
    assert_eq!(dev.get("/shelves").0, 404);

    folder.write("api.yaml", &GOOD.replace("/books:", "/shelves:"));
    dev.line("reloaded: 2 routes");
    assert_eq!((dev.get("/shelves").0, dev.get("/books").0), (200, 404));

    folder.write("api.yaml", BAD);
    dev.line("throttle-burst-zero");
    dev.line("not reloaded");
    assert_eq!(
        dev.get("/shelves").0,
        200,
        "the last good one is still served"
    );

    // Some editors write beside and rename, so that the file is another one and for a moment none.
    fs::remove_file(folder.path().join("api.yaml")).unwrap();
    folder.write("api.yaml.new", GOOD);
    fs::rename(
        folder.path().join("api.yaml.new"),
        folder.path().join("api.yaml"),
    )
    .unwrap();
    dev.line("reloaded: 2 routes");
    assert_eq!(dev.get("/books").0, 200);

    dev.signal("TERM");
    assert_eq!(dev.child.wait().unwrap().code(), Some(0));
}

#[test]
fn files_that_a_document_refers_to_are_watched_too() {
    let item = "get: { operationId: one, responses: { '200': { description: Fine. } }, x-gateway: { integration: { type: mock, responses: { default: { status: 204 } } } } }";
    let api =
        "openapi: 3.0.3\ninfo: { title: T, version: '1' }\npaths: { /one: { $ref: one.yaml } }\n";
    let folder = Folder::with(&[("api.yaml", api), ("one.yaml", item)]);
    let dev = Dev::start(&folder, "api.yaml");
    assert_eq!(dev.get("/one").0, 204);
    folder.write("one.yaml", &item.replace("204", "202"));
    dev.line("reloaded");
    assert_eq!(dev.get("/one").0, 202);
    // A file that is missing may turn up without any other being saved.
    folder.write("api.yaml", &api.replace("one.yaml", "two.yaml"));
    dev.line("not reloaded");
    folder.write("two.yaml", &item.replace("204", "203"));
    dev.line("reloaded");
    assert_eq!(dev.get("/one").0, 203);
}

#[test]
fn overlays_and_all_documents_are_watched_too() {
    let overlay = "overlay: 1.0.0\ninfo: { title: o, version: '1' }\nactions: [{ target: \"$.paths['/books']\", remove: true }]\n";
    let billing = GOOD.replace("/books", "/bills").replace("Book", "Bill");
    let folder = Folder::with(&[
        ("api.yaml", GOOD),
        ("billing.yaml", &billing),
        ("o.yaml", overlay),
    ]);
    let dev = Dev::start(
        &folder,
        "api.yaml billing.yaml --prefix billing.yaml=/pay --overlay o.yaml --mock",
    );
    let seen = || {
        [
            dev.get("/books").0,
            dev.get("/pay/bills").0,
            dev.get("/bills").0,
        ]
    };
    assert_eq!(seen(), [404, 200, 404]);
    folder.write("o.yaml", &overlay.replace("/books", "/bills"));
    dev.line("reloaded");
    assert_eq!(seen(), [200, 404, 404]);
    folder.write("billing.yaml", &billing.replace("/bills:", "/checks:"));
    dev.line("reloaded");
    assert_eq!(dev.get("/pay/checks").0, 200);
    folder.write("o.yaml", "overlay: 3");
    dev.line("overlay-version");
    dev.line("not reloaded");
    assert_eq!(dev.get("/books").0, 200);
}

#[test]
fn when_much_was_leaked_the_program_starts_itself_anew() {
    let folder = Folder::with(&[("api.yaml", GOOD)]);
    // One document is too much already: the first save is one too many.
    let dev = Dev::start(&folder, "api.yaml --mock -v --restart-after 1");
    assert_eq!(dev.get("/books").0, 200);
    folder.write("api.yaml", &GOOD.replace("/books:", "/shelves:"));
    dev.line("starting anew");
    let line = dev.line("serving ");
    assert!(line.contains(&dev.address), "another address: {line}");
    assert_eq!((dev.get("/shelves").0, dev.get("/books").0), (200, 404));

    // A document that is broken when the program would start anew leaves what is served as it is.
    folder.write("api.yaml", BAD);
    dev.line("throttle-burst-zero");
    dev.line("not reloaded");
    assert_eq!(dev.get("/shelves").0, 200);
    folder.write("api.yaml", GOOD);
    dev.line("serving ");
    assert_eq!(dev.get("/books").0, 200);
}

#[test]
fn stages_and_their_variables() {
    let folder = Folder::with(&[("api.yaml", STAGES)]);
    let dev = Dev::start(
        &folder,
        "api.yaml --stage prod --stage-var shop=http://127.0.0.1:9",
    );
    assert_eq!(dev.get("/files/x").0, 307);
    assert_eq!(dev.get("/books/1").0, 503, "nobody listens there");
    folder
        .run("dev api.yaml --stage nope")
        .check(2, &[], &["there is no stage `nope`"]);
}

#[test]
fn what_cannot_be_served_is_told() {
    let folder = Folder::with(&[
        ("bad.yaml", BAD),
        ("good.yaml", GOOD),
        ("none.yaml", &GOOD.replace("servers:", "x-servers:")),
    ]);
    folder
        .run("dev bad.yaml")
        .check(1, &[], &["throttle-burst-zero"]);
    folder
        .run("dev missing.yaml")
        .check(6, &[], &["cannot read `missing.yaml`"]);
    folder
        .run("dev good.yaml --listen nonsense")
        .check(2, &[], &["--listen"]);
    folder
        .run("dev none.yaml --listen 127.0.0.1:0")
        .check(2, &[], &["--upstream"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    folder
        .run(&format!("dev good.yaml --listen {address}"))
        .check(6, &[], &[&address.to_string()]);
}
