#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::assemble::defs;
use crate::assemble::tests::*;
use crate::model::Gateway;

fn emitted(gateway: &Gateway, options: &EmitOptions) -> FileTree {
    files(defs(gateway), options, "sha256:0")
}

#[test]
#[ignore = "writes a crate to look at"]
fn look() {
    let out = std::env::var("LOOK").unwrap();
    let options = EmitOptions {
        with_mock: true,
        ..EmitOptions::default()
    };
    emitted(&gateway(), &options)
        .write(out.as_ref(), true)
        .unwrap();
}
