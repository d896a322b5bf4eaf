//! A gateway as a process: `gateway-codegen dev`, or the binary of an emitted crate. Tests cannot tell which.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::tool;

/// A running gateway, ended when it is dropped.
pub struct Gateway {
    process: Child,
    /// Where requests go.
    pub address: SocketAddr,
    /// Where the admin listener is.
    pub admin: SocketAddr,
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

    fn start(
        mut command: Command,
        args: &[String],
        env: &BTreeMap<String, String>,
    ) -> Result<Gateway, String> {
        command
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .args(args)
            .envs(env)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = command
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let (say, hear) = mpsc::channel();
        let stderr = BufReader::new(process.stderr.take().expect("stderr is a pipe"));
        // Read to the end, so that the gateway never waits for a reader.
        thread::spawn(move || {
            stderr
                .lines()
                .map_while(Result::ok)
                .for_each(|line| drop(say.send(line)))
        });
        let (mut said, mut address, mut admin) = (String::new(), None, None);
        while address.is_none() || admin.is_none() {
            match hear.recv_timeout(Duration::from_secs(20)) {
                Ok(line) => {
                    if line.contains("serv") {
                        address = address.or_else(|| behind(&line, " http://"));
                        admin = admin.or_else(|| behind(&line, "; admin http://"));
                    }
                    said.push_str(&line);
                    said.push('\n');
                }
                Err(_) => {
                    let _ = process.kill();
                    let _ = process.wait();
                    return Err(said);
                }
            }
        }
        thread::spawn(move || hear.iter().for_each(drop));
        Ok(Gateway {
            process,
            address: address.expect("looked for"),
            admin: admin.expect("looked for"),
        })
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

fn behind(line: &str, mark: &str) -> Option<SocketAddr> {
    let rest = &line[line.find(mark)? + mark.len()..];
    rest.split(|c: char| c.is_whitespace() || c == '/' || c == ';')
        .next()?
        .parse()
        .ok()
}
