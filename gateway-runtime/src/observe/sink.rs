//! Where lines of access logs wait, and who writes them.
//!
//! Every worker writes its lines into a buffer of its own; a thread takes the buffers away every few milliseconds and writes
//! what is in them. So a request pays for the text of its line and an uncontended lock. A buffer that is full (a disk that
//! hangs, a pipe nobody reads) drops lines and counts them; no worker ever waits.
//!
//! Lines of one worker keep their order; those of two workers are in order up to [`GATHER`]. Absent on purpose: rotation (files
//! are only appended to, so copy and truncate).

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use parking_lot::Mutex;

use crate::settings::{AccessLogTo, StartFault};

/// Bytes that may wait for the writer, of all workers together.
const QUEUE_BYTES: usize = 16 << 20;
/// How long lines are gathered before they are written, when there are many; shorter where a buffer is half full before.
const GATHER: Duration = Duration::from_millis(20);
/// What a buffer keeps when it is empty.
const KEPT_BYTES: usize = 256 << 10;

/// The places that logs are written to, each opened once however many stages write there.
#[derive(Debug)]
pub(crate) struct Sinks {
    workers: usize,
    open: Vec<(AccessLogTo, Sink)>,
}

impl Sinks {
    /// None yet, for so many workers.
    pub(crate) fn new(workers: usize) -> Sinks {
        Sinks {
            workers,
            open: Vec::new(),
        }
    }

    /// The place for a log.
    pub(super) fn open(&mut self, target: AccessLogTo) -> Result<Sink, StartFault> {
        if let Some((_, sink)) = self.open.iter().find(|(known, _)| *known == target) {
            return Ok(sink.clone());
        }
        let writer: Box<dyn Write + Send> = match &target {
            AccessLogTo::Stderr => Box::new(io::stderr()),
            AccessLogTo::File(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                Box::new(file.map_err(|error| {
                    StartFault::new(
                        format!("the access log {} cannot be opened: {error}", path.display()),
                        "name a file that can be written with --access-log, or switch it off with --access-log off",
                    )
                })?)
            }
            AccessLogTo::Stdout | AccessLogTo::AsDocument | AccessLogTo::Off => {
                Box::new(io::stdout())
            }
        };
        let sink = Sink::start(writer, self.workers, GATHER)?;
        self.open.push((target, sink.clone()));
        Ok(sink)
    }

    #[cfg(test)]
    pub(super) fn has(&self, target: &AccessLogTo) -> bool {
        self.open.iter().any(|(known, _)| known == target)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Lines that were dropped because a buffer was full.
    pub(crate) fn dropped(&self) -> u64 {
        self.open
            .iter()
            .map(|(_, sink)| sink.0.shared.dropped.load(Ordering::Relaxed))
            .sum()
    }

    /// Waits until everything that was logged is written, but not longer than `patience`.
    pub(crate) fn flush(&self, patience: Duration) {
        let step = Duration::from_millis(5);
        let mut left = patience;
        while self.open.iter().any(|(_, sink)| sink.is_behind()) && !left.is_zero() {
            thread::park_timeout(step);
            left = left.saturating_sub(step);
        }
    }
}

/// Buffers with a thread at their end. The thread ends when nobody can write any more.
#[derive(Debug, Clone)]
pub(super) struct Sink(Arc<Open>);

#[derive(Debug)]
struct Open {
    shared: Arc<Shared>,
    writer: Thread,
}

#[derive(Debug)]
struct Shared {
    buffers: Box<[Buffer]>,
    /// Bytes that may wait in each.
    most: usize,
    /// Whether the writer waits to be woken.
    asleep: AtomicBool,
    /// Whether it has taken lines that are not written yet.
    writing: AtomicBool,
    closed: AtomicBool,
    dropped: AtomicU64,
}

/// Lines of one worker. On cache lines of its own, as no other worker writes there.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Buffer(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    count: u64,
}

impl Sink {
    fn start(
        writer: Box<dyn Write + Send>,
        workers: usize,
        gather: Duration,
    ) -> Result<Sink, StartFault> {
        let workers = workers.max(1);
        let shared = Arc::new(Shared {
            buffers: (0..workers).map(|_| Buffer::default()).collect(),
            most: QUEUE_BYTES / workers,
            asleep: AtomicBool::new(false),
            writing: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        });
        let thread = thread::Builder::new().name("access-log".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.drain(writer, gather)
        });
        let thread = thread.map_err(|error| {
            StartFault::new(
                format!("no thread for the access log: {error}"),
                "raise the limit on threads of this process",
            )
        })?;
        Ok(Sink(Arc::new(Open {
            shared,
            writer: thread.thread().clone(),
        })))
    }

    /// Puts a line behind those of its worker.
    pub(super) fn send(&self, worker: usize, line: impl FnOnce(&mut Vec<u8>)) {
        let Open { shared, writer } = &*self.0;
        let Some(Buffer(buffer)) = shared.buffers.get(worker % shared.buffers.len()) else {
            return;
        };
        let crowded;
        {
            let mut lines = buffer.lock();
            let before = lines.bytes.len();
            line(&mut lines.bytes);
            if lines.bytes.len() > shared.most {
                lines.bytes.truncate(before);
                shared.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
            lines.count += 1;
            let half = shared.most / 2;
            crowded = before <= half && lines.bytes.len() > half;
        }
        // The writer says that it sleeps before it looks at the buffers for the last time. Where there is soon no room left it does
        // not rest either.
        let asleep = shared.asleep.load(Ordering::Acquire);
        if asleep && shared.asleep.swap(false, Ordering::AcqRel) || crowded {
            writer.unpark();
        }
    }

    fn is_behind(&self) -> bool {
        // In this order: a buffer is found empty by who comes after the writer, which had said that it writes.
        self.0.shared.has_lines() || self.0.shared.writing.load(Ordering::Acquire)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.writer.unpark();
    }
}

impl Shared {
    fn has_lines(&self) -> bool {
        self.buffers
            .iter()
            .any(|Buffer(lines)| lines.lock().count > 0)
    }

    /// Writes until nobody can write lines any more. After a busy moment it rests, so that under load lines are written by the
    /// hundred and no worker has to wake it.
    fn drain(&self, mut writer: impl Write, gather: Duration) {
        let mut taken = Lines::default();
        // Whether the last line that was written may be a part of one.
        let mut torn = false;
        loop {
            let mut idle = true;
            for Buffer(lines) in &self.buffers {
                self.writing.store(true, Ordering::Release);
                std::mem::swap(&mut *lines.lock(), &mut taken);
                if taken.count > 0 {
                    idle = false;
                    let ended = if torn {
                        writer.write_all(b"\n")
                    } else {
                        Ok(())
                    };
                    let written = ended
                        .and_then(|()| writer.write_all(&taken.bytes))
                        .and_then(|()| writer.flush());
                    torn = written.is_err();
                    if torn {
                        // A log that cannot be written is no reason to stop serving: its lines count as dropped.
                        self.dropped.fetch_add(taken.count, Ordering::Relaxed);
                    }
                    taken.count = 0;
                    taken.bytes.clear();
                    taken.bytes.shrink_to(KEPT_BYTES);
                }
                self.writing.store(false, Ordering::Release);
            }
            if !idle {
                thread::park_timeout(gather);
                continue;
            }
            self.asleep.store(true, Ordering::Release);
            if !self.has_lines() {
                if self.closed.load(Ordering::Acquire) {
                    return;
                }
                thread::park();
            }
            self.asleep.store(false, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    #![expect(
        clippy::disallowed_methods,
        reason = "threads that have nothing to log for a while"
    )]

    use std::sync::mpsc;

    use super::*;

    /// A writer that takes nothing until it is let, and keeps what it got.
    struct Gate {
        open: mpsc::Receiver<()>,
        kept: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error means that the gate stays open from now on.
            let _ = self.open.recv();
            self.kept.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_hangs_drops_lines_and_never_makes_anyone_wait() {
        let (open, gate) = mpsc::channel();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let gate = Gate {
            open: gate,
            kept: Arc::clone(&kept),
        };
        let sink = Sink::start(Box::new(gate), 2, GATHER).unwrap();
        let sinks = Sinks {
            workers: 2,
            open: vec![(AccessLogTo::Stdout, sink.clone())],
        };
        let line = |lines: &mut Vec<u8>| lines.extend_from_slice(&[b'x'; 1 << 20]);
        for at in 0..40 {
            sink.send(at, line);
        }
        let dropped = sinks.dropped();
        // What the writer has taken waits no more.
        assert!((8..=24).contains(&dropped), "{dropped} dropped");
        drop(open);
        sinks.flush(Duration::from_secs(30));
        assert_eq!(kept.lock().len() as u64, (40 - dropped) << 20);
        // There is room again.
        sink.send(0, line);
        assert_eq!(sinks.dropped(), dropped);
    }

    #[test]
    fn lines_of_many_threads_are_whole_and_none_is_lost() {
        let (_, gate) = mpsc::channel();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let gate = Gate {
            open: gate,
            kept: Arc::clone(&kept),
        };
        let sink = Sink::start(Box::new(gate), 3, GATHER).unwrap();
        thread::scope(|scope| {
            for worker in 0..4 {
                let sink = &sink;
                scope.spawn(move || {
                    for at in 0..10_000 {
                        sink.send(worker, |lines| writeln!(lines, "{worker} {at}").unwrap());
                        if at % 1000 == 0 {
                            // The writer falls asleep now and then.
                            thread::sleep(GATHER * 3);
                        }
                    }
                });
            }
        });
        let sinks = Sinks {
            workers: 3,
            open: vec![(AccessLogTo::Stdout, sink)],
        };
        sinks.flush(Duration::from_secs(30));
        let text = String::from_utf8(kept.lock().clone()).unwrap();
        for worker in 0..4 {
            let own = format!("{worker} ");
            let lines = text.lines().filter_map(|line| line.strip_prefix(&own));
            let expected: Vec<String> = (0..10_000).map(|at: u32| at.to_string()).collect();
            assert_eq!(lines.collect::<Vec<_>>(), expected, "worker {worker}");
        }
        assert_eq!(sinks.dropped(), 0);
    }
    #[test]
    fn a_buffer_that_is_half_full_is_not_left_to_gather() {
        let (_, gate) = mpsc::channel();
        let gate = Gate {
            open: gate,
            kept: Arc::default(),
        };
        // It gathers for longer than anybody waits.
        let sink = Sink::start(Box::new(gate), 1, Duration::from_secs(3600)).unwrap();
        let sinks = Sinks {
            workers: 1,
            open: vec![(AccessLogTo::Stdout, sink.clone())],
        };
        for _ in 0..8 {
            sink.send(0, |lines| lines.resize(QUEUE_BYTES / 2 + 1, b'x'));
            sinks.flush(Duration::from_secs(30));
            assert!(!sink.is_behind());
        }
        assert_eq!(sinks.dropped(), 0);
    }

    /// A writer that takes a part of what it is first given, and no more of that.
    struct Torn(Arc<Mutex<Vec<u8>>>);

    impl Write for Torn {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut kept = self.0.lock();
            match kept.as_slice() {
                b"" => {
                    kept.extend_from_slice(&bytes[..3]);
                    Ok(3)
                }
                b"one" => {
                    kept.extend_from_slice(b"!");
                    Err(io::ErrorKind::StorageFull.into())
                }
                _ => {
                    kept.extend_from_slice(bytes);
                    Ok(bytes.len())
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_follows_half_a_line_is_a_line_of_its_own() {
        let kept = Arc::default();
        let writer = Box::new(Torn(Arc::clone(&kept)));
        let sink = Sink::start(writer, 1, GATHER).unwrap();
        let sinks = Sinks {
            workers: 1,
            open: vec![(AccessLogTo::Stdout, sink.clone())],
        };
        for line in ["one line\n", "another\n", "a third\n"] {
            sink.send(0, |lines| lines.extend_from_slice(line.as_bytes()));
            sinks.flush(Duration::from_secs(30));
        }
        assert_eq!(kept.lock().as_slice(), b"one!\nanother\na third\n");
        assert_eq!(sinks.dropped(), 1);
    }
}
