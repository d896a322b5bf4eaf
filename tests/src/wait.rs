//! Waiting for other processes, which say nothing when they are done.

use std::thread;
use std::time::Duration;

/// Waits until something holds.
///
/// # Panics
/// After 20 seconds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a test that waits for another process"
        )]
        thread::sleep(Duration::from_millis(50));
    }
    panic!("not in 20 seconds: {what}");
}
