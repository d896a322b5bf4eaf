//! A folder to work in, and the program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A document that is fine: two operations, one of them throttled.
pub(crate) const GOOD: &str = include_str!("sessions/shared/good.yaml");

/// A document with one fault.
pub(crate) const BAD: &str = include_str!("sessions/shared/bad.yaml");

/// A document with two stages.
pub(crate) const STAGES: &str = include_str!("sessions/shared/stages.yaml");

/// A folder that is gone when the test is over.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// An empty folder of its own.
    pub(crate) fn new() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("gateway-codegen-cli-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Folder {
        let folder = Folder::new();
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The program in this folder.
    pub(crate) fn command(&self) -> Command {
        self.quiet(env!("CARGO_BIN_EXE_gateway-codegen").as_ref())
    }

    /// Runs a command line in this folder, with the program on the path.
    pub(crate) fn shell(&self, line: &str) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_gateway-codegen"));
        let mut path = program.parent().unwrap().as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = self.quiet("sh".as_ref());
        command.env("PATH", path).args(["-c", line]);
        command.output().unwrap()
    }

    /// A command in this folder, without anything of the environment that could speak to the program.
    fn quiet(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.0)
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GATEWAY_")) {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program; arguments are separated by blanks.
    pub(crate) fn run(&self, arguments: &str) -> Ran {
        Ran::of(
            self.command()
                .args(arguments.split_whitespace())
                .output()
                .unwrap(),
            arguments,
        )
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) arguments: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output, arguments: &str) -> Ran {
        Ran {
            arguments: arguments.to_owned(),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Every text must stand there; one that begins with `!` must not. An empty list: nothing may.
    #[track_caller]
    pub(crate) fn check(&self, code: i32, stdout: &[&str], stderr: &[&str]) {
        let shown = format!(
            "gateway-codegen {}\nexit code {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.arguments, self.code, self.stdout, self.stderr
        );
        assert_eq!(self.code, Some(code), "{shown}");
        for (name, text, wanted) in [
            ("stdout", &self.stdout, stdout),
            ("stderr", &self.stderr, stderr),
        ] {
            assert!(
                !wanted.is_empty() || text.is_empty(),
                "{name} is not empty\n{shown}"
            );
            for part in wanted {
                match part.strip_prefix('!') {
                    Some(part) => assert!(!text.contains(part), "{name} has `{part}`\n{shown}"),
                    None => assert!(text.contains(part), "{name} lacks `{part}`\n{shown}"),
                }
            }
        }
    }
}
