//! A gateway as a process: `gateway-codegen dev`, or the binary of an emitted crate. Tests cannot tell which.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::client::Connection;
use crate::tool;

/// A running gateway, ended when it is dropped.
pub struct Gateway {
    process: Child,
    /// Where requests go.
    pub address: SocketAddr,
    /// Where the admin listener is.
    pub admin: SocketAddr,
    /// Whether requests go there through TLS.
    pub secure: bool,
    /// What it said on standard error before it served.
    pub preface: String,
    stdout: Mutex<Receiver<String>>,
    stderr: Mutex<Receiver<String>>,
}

impl Gateway {
    /// Serves a document in process.
    pub fn dev(
        spec: &Path,
        args: &[String],
        env: &BTreeMap<String, String>,
    ) -> Result<Gateway, String> {
        let mut command = Command::new(tool::path());
        command.arg("dev").arg(spec);
        Gateway::start(command, args, env)
    }

    /// Starts the binary of an emitted crate.
    pub fn emitted(
        binary: &Path,
        args: &[String],
        env: &BTreeMap<String, String>,
    ) -> Result<Gateway, String> {
        Gateway::start(Command::new(binary), args, env)
    }

    /// Starts any command that is a gateway, at addresses of its own unless they are among the arguments.
    pub fn start(
        mut command: Command,
        args: &[String],
        env: &BTreeMap<String, String>,
    ) -> Result<Gateway, String> {
        for flag in ["--listen", "--admin"] {
            if !args.iter().any(|arg| arg == flag) {
                command.args([flag, "127.0.0.1:0"]);
            }
        }
        command
            .args(args)
            .envs(env)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let stdout = lines(process.stdout.take().expect("stdout is a pipe"));
        let stderr = lines(process.stderr.take().expect("stderr is a pipe"));
        let (mut said, mut serves) = (String::new(), None);
        while serves.is_none() {
            match stderr.recv_timeout(PATIENCE) {
                Ok(line) => {
                    serves = Serves::read(&line);
                    if serves.is_none() {
                        said.push_str(&line);
                        said.push('\n');
                    }
                }
                Err(_) => {
                    let _ = process.kill();
                    let _ = process.wait();
                    return Err(said);
                }
            }
        }
        let Serves {
            address,
            admin,
            secure,
        } = serves.expect("looked for");
        Ok(Gateway {
            process,
            address,
            admin,
            secure,
            preface: said,
            stdout: Mutex::new(stdout),
            stderr: Mutex::new(stderr),
        })
    }

    /// Opens a connection as its clients do.
    pub fn connect(&self) -> std::io::Result<Connection> {
        match self.secure {
            true => Connection::open_secure(self.address),
            false => Connection::open(self.address),
        }
    }

    /// The next line of its standard output. `None`: none came for 20 seconds, or it has closed it.
    pub fn line(&self) -> Option<String> {
        self.stdout.lock().unwrap().recv_timeout(PATIENCE).ok()
    }

    /// The next line of its standard error, behind the one that says where it serves.
    pub fn complaint(&self) -> Option<String> {
        self.stderr.lock().unwrap().recv_timeout(PATIENCE).ok()
    }

    /// The process' id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal by name (`TERM`, `HUP`).
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.id().to_string()])
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "kill -{name} failed"
        );
    }

    /// Waits for the process to end by itself and returns its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.process.wait().ok().and_then(|status| status.code())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a gateway says when it serves.
struct Serves {
    address: SocketAddr,
    admin: SocketAddr,
    secure: bool,
}

impl Serves {
    fn read(line: &str) -> Option<Serves> {
        let (public, _) = line.split_once("; admin ")?;
        let secure = behind(public, " https://");
        Some(Serves {
            address: secure.or_else(|| behind(public, " http://"))?,
            admin: behind(line, "; admin http://")?,
            secure: secure.is_some(),
        })
    }
}

/// The lines of a pipe, which is read to its end, so that the process never waits for a reader.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (say, hear) = mpsc::channel();
    thread::spawn(move || {
        BufReader::new(pipe)
            .lines()
            .map_while(Result::ok)
            .for_each(|line| drop(say.send(line)))
    });
    hear
}

fn behind(line: &str, mark: &str) -> Option<SocketAddr> {
    let rest = &line[line.find(mark)? + mark.len()..];
    rest.split(|c: char| c.is_whitespace() || c == '/' || c == ';')
        .next()?
        .parse()
        .ok()
}
