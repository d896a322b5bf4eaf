//! Command lines that end by themselves, and all that they print.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use gateway_tests::{cases, tls};

use super::workspace;

#[test]
fn command_lines_say_what_their_sessions_show() {
    // Somebody else's, for as long as this test runs.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let names = Names(vec![
        ("{taken}", taken.local_addr().unwrap().to_string()),
        ("{crt}", shown(&tls::file("localhost.crt"))),
        ("{key}", shown(&tls::file("localhost.key"))),
        ("{other-key}", shown(&tls::file("other.key"))),
        ("{absent}", "/absent".to_owned()),
    ]);
    let mut faults = Vec::new();
    for folder in cases::folders("start", "session.txt") {
        let binary = workspace::binary(cases::name(&folder));
        let file = folder.join("session.txt");
        let commands = fs::read_to_string(&file).unwrap();
        let mut session = String::new();
        for line in commands.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let said = names.hidden(&run(&binary, &names.filled(line)));
            write!(session, "$ {line}\n{said}\n").unwrap();
        }
        assert!(!session.is_empty(), "{} has no command", file.display());
        assert!(
            !session
                .lines()
                .any(|line| !line.starts_with("$ ") && line.contains("hunter2")),
            "a secret is printed:\n{session}"
        );
        faults.extend(cases::compare(&file, &session));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn shown(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// What differs from machine to machine, and what stands for it in a session.
struct Names(Vec<(&'static str, String)>);

impl Names {
    fn filled(&self, text: &str) -> String {
        let fill = |text: String, (name, value): &(&str, String)| text.replace(name, value);
        self.0.iter().fold(text.to_owned(), fill)
    }

    fn hidden(&self, text: &str) -> String {
        let hide = |text: String, (name, value): &(&str, String)| text.replace(value, name);
        self.0.iter().fold(text.to_owned(), hide)
    }
}

/// Standard output, standard error and exit code of a line such as `GATEWAY_MOCK=1 gateway --check`.
fn run(binary: &Path, line: &str) -> String {
    let mut words = line.split(' ');
    let variables: Vec<(&str, &str)> = words
        .by_ref()
        .take_while(|word| *word != "gateway")
        .map(|word| word.split_once('=').expect("a variable, or `gateway`"))
        .collect();
    let mut process = Command::new(binary)
        .args(words)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (out, err) = (
        whole(process.stdout.take().unwrap()),
        whole(process.stderr.take().unwrap()),
    );
    let mut code = None;
    for _ in 0..400 {
        code = process.try_wait().unwrap();
        if code.is_some() {
            break;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a test that waits for another process, but not for ever"
        )]
        thread::sleep(Duration::from_millis(50));
    }
    let end = match code {
        Some(code) => format!(
            "exit {}",
            code.code()
                .map_or("by a signal".to_owned(), |code| code.to_string())
        ),
        None => {
            let _ = process.kill();
            "does not end".to_owned()
        }
    };
    format!("{}{}{end}\n", out.join().unwrap(), err.join().unwrap())
}

fn whole(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}
