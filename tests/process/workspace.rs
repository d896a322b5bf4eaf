//! The crates of these tests, built once for all of them.

use std::path::PathBuf;
use std::sync::OnceLock;

use gateway_tests::cases;
use gateway_tests::emitted::Workspace;

/// The binary of `start/<name>`.
pub(crate) fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<Workspace> = OnceLock::new();
    let workspace = BUILT.get_or_init(|| {
        let mut workspace = Workspace::new("start");
        for folder in cases::folders("start", "spec.yaml") {
            workspace
                .add(&crate_name(cases::name(&folder)), &folder.join("spec.yaml"))
                .unwrap_or_else(|said| panic!("{}: {said}", folder.display()));
        }
        workspace.build().unwrap_or_else(|said| panic!("{said}"));
        workspace
    });
    workspace.binary(&crate_name(name))
}

fn crate_name(name: &str) -> String {
    format!("start-{name}")
}
