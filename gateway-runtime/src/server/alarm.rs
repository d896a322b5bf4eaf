//! Deadlines of a worker: many that are set and taken back for each one that rings.
//!
//! A timer of the runtime is filed by its moment, which costs more than the request it guards does in routing. Here a deadline is
//! a row in a list; one task sleeps until the earliest that was there when it last looked, and looks again. Nearly all rows are
//! gone by then. An alarm rings a few milliseconds late at most.
//!
//! Absent on purpose: time that tests move. Alarms go by the system's clock, as timers do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock::{Clock, Nanos};

/// Deadlines of one worker.
#[derive(Default)]
pub(crate) struct Alarms {
    rows: Mutex<Rows>,
    /// When the task looks next; 0: there is no task yet.
    looks_at: AtomicU64,
    earlier: Notify,
}

#[derive(Default)]
struct Rows {
    rows: Vec<Row>,
    free: Vec<usize>,
}

struct Row {
    due: Nanos,
    /// `None`: it rang, or nobody waits.
    waker: Option<Waker>,
}

/// One deadline; taken back when it is dropped.
pub(crate) struct Alarm<'w> {
    alarms: &'w Arc<Alarms>,
    clock: &'w Clock,
    due: Nanos,
    /// Its row, from the first time that somebody had to wait.
    at: Option<usize>,
}

impl<'w> Alarm<'w> {
    /// An alarm for `due`. It costs nothing until somebody has to wait.
    pub(crate) fn new(alarms: &'w Arc<Alarms>, clock: &'w Clock, due: Nanos) -> Alarm<'w> {
        Alarm {
            alarms,
            clock,
            due,
            at: None,
        }
    }

    /// Whether it is due; wakes the task when it is.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut rows = self.alarms.rows.lock();
        match self.at.and_then(|at| rows.rows.get_mut(at)) {
            Some(Row {
                waker: Some(waker), ..
            }) => {
                waker.clone_from(cx.waker());
                Poll::Pending
            }
            Some(_) => Poll::Ready(()),
            None if self.clock.now() >= self.due => Poll::Ready(()),
            None => {
                self.at = Some(rows.enter(self.due, cx.waker().clone()));
                drop(rows);
                self.alarms.watch(self.due, self.clock);
                Poll::Pending
            }
        }
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if let Some(at) = self.at {
            self.alarms.rows.lock().leave(at);
        }
    }
}

impl Alarms {
    /// Has the task look at `due`, at the latest.
    fn watch(self: &Arc<Alarms>, due: Nanos, clock: &Clock) {
        let looks_at = self.looks_at.load(Ordering::Relaxed);
        if looks_at == 0 {
            self.looks_at.store(due.get().max(1), Ordering::Relaxed);
            tokio::spawn(Arc::clone(self).ring(clock.clone()));
        } else if due.get() < looks_at {
            self.looks_at.store(due.get(), Ordering::Relaxed);
            self.earlier.notify_one();
        }
    }

    async fn ring(self: Arc<Alarms>, clock: Clock) {
        loop {
            let at = Nanos::new(self.looks_at.load(Ordering::Relaxed));
            let sleep = tokio::time::sleep_until(clock.instant(at).into());
            tokio::select! {
                () = sleep => {
                    let next = self.rows.lock().ring(clock.now());
                    self.looks_at.store(next.get(), Ordering::Relaxed);
                }
                () = self.earlier.notified() => {}
            }
        }
    }
}

impl Rows {
    fn enter(&mut self, due: Nanos, waker: Waker) -> usize {
        let row = Row {
            due,
            waker: Some(waker),
        };
        match self.free.pop() {
            Some(at) => {
                if let Some(place) = self.rows.get_mut(at) {
                    *place = row;
                }
                at
            }
            None => {
                self.rows.push(row);
                self.rows.len() - 1
            }
        }
    }

    fn leave(&mut self, at: usize) {
        if let Some(row) = self.rows.get_mut(at) {
            row.waker = None;
        }
        self.free.push(at);
        // A storm of requests leaves no memory behind.
        if self.free.len() == self.rows.len() && self.rows.len() > 1024 {
            *self = Rows::default();
        }
    }

    /// Wakes who is due, and tells when the next is.
    fn ring(&mut self, now: Nanos) -> Nanos {
        let mut next = Nanos::MAX;
        for row in &mut self.rows {
            if row.waker.is_none() {
                continue;
            }
            if row.due > now {
                next = next.min(row.due);
            } else if let Some(waker) = row.waker.take() {
                waker.wake();
            }
        }
        next
    }
}
