//! The emitted binary as a process: what it says when it does not start (`start/<name>/session.txt`), how it ends, and where it
//! runs. `UPDATE_EXPECTED=1 cargo test -p gateway-tests --test process` rewrites the sessions.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod process {
    pub(crate) mod back_end;
    mod certificates;
    mod ending;
    mod faults;
    mod handover;
    mod http2;
    mod interim;
    pub(crate) mod memory;
    mod overload;
    mod place;
    mod session;
    mod watching;
    pub(crate) mod workspace;
}
