//! What the process is told from outside.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use super::Shared;
use crate::settings::StartFault;

/// Status of a process that was told twice: as shells report one that was interrupted.
const TOLD_TWICE: i32 = 130;

/// Starts a thread that acts on signals: SIGTERM and SIGINT drain, the second one ends the process, SIGHUP reads the certificates
/// again.
pub(super) fn obey(shared: Arc<Shared>) -> Result<(), StartFault> {
    let fault = |fault: std::io::Error| {
        StartFault::new(
            format!("signals cannot be listened for: {fault}"),
            "check the limits on threads and open files",
        )
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(fault)?;
    let (mut terminate, mut interrupt, mut hang_up) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::terminate()).map_err(fault)?,
            signal(SignalKind::interrupt()).map_err(fault)?,
            signal(SignalKind::hangup()).map_err(fault)?,
        )
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        Some(()) = terminate.recv() => stop(&shared),
                        Some(()) = interrupt.recv() => stop(&shared),
                        Some(()) = hang_up.recv() => reload(&shared),
                        else => return,
                    }
                }
            });
        })
        .map_err(fault)?;
    Ok(())
}

fn stop(shared: &Shared) {
    if shared.is_draining() {
        std::process::exit(TOLD_TWICE);
    }
    shared.start_draining();
}

fn reload(shared: &Shared) {
    for fault in shared.reload_tls() {
        eprintln!("the old certificate stays in use: {fault}");
    }
}
