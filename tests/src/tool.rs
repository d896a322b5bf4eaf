//! The command line under test, as a process.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use crate::cases;

/// The target folder this test was built in.
pub fn target() -> PathBuf {
    // …/target/<profile>/deps/<test>
    let exe = std::env::current_exe().expect("a test knows its own file");
    exe.ancestors()
        .nth(3)
        .expect("tests are built below a target folder")
        .to_owned()
}

/// `cargo`, for the checkout, sharing this test's target folder.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.env("CARGO_TARGET_DIR", target());
    // What cargo tells a test of itself would be taken for wishes by a cargo below it.
    cargo.env_remove("RUSTC_WORKSPACE_WRAPPER");
    cargo
}

/// The built `gateway-codegen`, built now if it is not fresh.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let done = cargo()
            .args([
                "build",
                "--quiet",
                "--locked",
                "-p",
                "gateway-codegen",
                "--bin",
                "gateway-codegen",
            ])
            .current_dir(cases::root())
            .output()
            .expect("cargo runs");
        assert!(
            done.status.success(),
            "gateway-codegen does not build:\n{}",
            String::from_utf8_lossy(&done.stderr)
        );
        target().join("debug").join("gateway-codegen")
    })
}

/// Runs `gateway-codegen` in a folder.
pub fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(path())
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env_remove("RUST_BACKTRACE")
        .output()
        .expect("gateway-codegen runs")
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("messages are UTF-8")
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("output is UTF-8")
}
