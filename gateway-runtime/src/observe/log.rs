//! Access logs: one line per request, never in its way.
//!
//! A line is an expression of the document, evaluated when its request has ended. It goes into a queue; a thread of its own
//! writes. A queue that is full (a disk that hangs, a pipe nobody reads) drops lines and counts them; no worker ever waits.
//!
//! Invariant: a line holds no control character, whatever a client sent: values are escaped as in a JSON string, and an absent
//! value is `-`. Absent on purpose: rotation (files are only appended to, so copy and truncate), and bodies.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::def::{AccessLogDef, LogTarget};
use crate::expr::{Escape, Expr, Piece, Scope, Source, Variable};
use crate::settings::{AccessLogTo, StartFault};

/// Lines that may wait for the writer.
const QUEUE_LINES: usize = 65_536;
/// Bytes that may wait for the writer.
const QUEUE_BYTES: usize = 16 << 20;
/// Longest line; what is beyond is cut.
const LONGEST_LINE: usize = 16 << 10;
/// How long lines are gathered before they are written, when there are many.
const GATHER: Duration = Duration::from_millis(20);

/// The access log of one stage.
#[derive(Debug)]
pub(crate) struct AccessLog {
    format: Expr,
    sink: Sink,
}

impl AccessLog {
    /// The log of a stage, opened. `None`: it has none.
    pub(crate) fn open(
        def: Option<&AccessLogDef>,
        to: &AccessLogTo,
        sinks: &mut Sinks,
    ) -> Result<Option<AccessLog>, StartFault> {
        let target = match (to, def) {
            (AccessLogTo::Off, _) | (AccessLogTo::AsDocument, None) => return Ok(None),
            (AccessLogTo::AsDocument, Some(def)) => match def.to {
                LogTarget::Stdout => AccessLogTo::Stdout,
                LogTarget::Stderr => AccessLogTo::Stderr,
                LogTarget::File(path) => AccessLogTo::File(path.into()),
            },
            (target, _) => target.clone(),
        };
        let text = def.map_or(AccessLogDef::FORMAT, |def| def.format);
        let format = Expr::parse(text, Scope::AccessLog).map_err(|fault| {
            StartFault::new(
                format!(
                    "the access log's format is wrong at byte {}: {}",
                    fault.offset, fault.message
                ),
                "generate the crate again with the gateway-codegen that belongs to this runtime",
            )
        })?;
        Ok(Some(AccessLog {
            format,
            sink: sinks.open(target)?,
        }))
    }

    /// Whether a line needs header fields of the back end's answer.
    pub(crate) fn needs_answer_fields(&self) -> bool {
        self.format
            .sources()
            .any(|source| matches!(source, Source::ResponseHeader(_)))
    }

    /// Logs a request.
    pub(crate) fn write<'v>(&self, value: impl FnMut(&Source) -> Option<Cow<'v, [u8]>>) {
        self.sink.send(line(&self.format, value));
    }
}

/// One line, its end included.
fn line<'v>(format: &Expr, mut value: impl FnMut(&Source) -> Option<Cow<'v, [u8]>>) -> Vec<u8> {
    let mut line = Vec::with_capacity(384);
    for piece in format.pieces() {
        match piece {
            // A document may break its format over lines; the log does not.
            Piece::Text(text) => line.extend(
                text.bytes()
                    .map(|b| if b.is_ascii_control() { b' ' } else { b }),
            ),
            Piece::Value(source) => match value(source) {
                None => line.push(b'-'),
                // A JSON string already, quotes included, made of the gateway's own texts.
                Some(text) if *source == Source::Context(Variable::ErrorMessageString) => {
                    line.extend(text.iter().filter(|b| !b.is_ascii_control()));
                }
                Some(text) => Escape::Json.write(&mut line, &text),
            },
        }
        if line.len() > LONGEST_LINE {
            cut(&mut line, LONGEST_LINE);
            break;
        }
    }
    while line.last() == Some(&b' ') {
        line.pop();
    }
    line.push(b'\n');
    line
}

/// Cuts a text, between two characters.
fn cut(line: &mut Vec<u8>, mut at: usize) {
    while line.get(at).is_some_and(|b| b & 0xC0 == 0x80) {
        at -= 1;
    }
    line.truncate(at);
}

/// The places that logs are written to, each opened once however many stages write there.
#[derive(Debug, Default)]
pub(crate) struct Sinks {
    open: Vec<(AccessLogTo, Sink)>,
}

impl Sinks {
    fn open(&mut self, target: AccessLogTo) -> Result<Sink, StartFault> {
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
        let sink = Sink::start(writer)?;
        self.open.push((target, sink.clone()));
        Ok(sink)
    }

    /// Lines that were dropped because a queue was full.
    pub(crate) fn dropped(&self) -> u64 {
        self.open
            .iter()
            .map(|(_, sink)| sink.shared.dropped.load(Ordering::Relaxed))
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

/// A queue with a thread at its end.
#[derive(Debug, Clone)]
struct Sink {
    queue: SyncSender<Vec<u8>>,
    shared: Arc<SinkState>,
}

#[derive(Debug, Default)]
struct SinkState {
    /// Bytes that wait.
    waiting: AtomicUsize,
    dropped: AtomicU64,
}

impl Sink {
    fn start(writer: Box<dyn Write + Send>) -> Result<Sink, StartFault> {
        let (queue, lines) = sync_channel(QUEUE_LINES);
        let shared = Arc::new(SinkState::default());
        let state = Arc::clone(&shared);
        thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || {
                drain(
                    &lines,
                    &mut BufWriter::with_capacity(64 << 10, writer),
                    &state,
                )
            })
            .map_err(|error| {
                StartFault::new(
                    format!("no thread for the access log: {error}"),
                    "raise the limit on threads of this process",
                )
            })?;
        Ok(Sink { queue, shared })
    }

    fn send(&self, line: Vec<u8>) {
        let length = line.len();
        let waiting = self.shared.waiting.fetch_add(length, Ordering::AcqRel);
        if waiting + length > QUEUE_BYTES || self.queue.try_send(line).is_err() {
            self.shared.waiting.fetch_sub(length, Ordering::AcqRel);
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn is_behind(&self) -> bool {
        self.shared.waiting.load(Ordering::Acquire) > 0
    }
}

/// Writes until all senders are gone. After a busy moment it rests, so that under load lines are written by the hundred and
/// no worker has to wake it.
fn drain(lines: &Receiver<Vec<u8>>, writer: &mut impl Write, state: &SinkState) {
    const BATCH: usize = 1024;
    while let Ok(first) = lines.recv() {
        let (mut count, mut bytes, mut failed) = (0, 0, false);
        for line in std::iter::once(first).chain(lines.try_iter()).take(BATCH) {
            count += 1;
            bytes += line.len();
            failed |= writer.write_all(&line).is_err();
        }
        failed |= writer.flush().is_err();
        if failed {
            // A log that cannot be written is no reason to stop serving: its lines count as dropped.
            state.dropped.fetch_add(count, Ordering::Relaxed);
        }
        state.waiting.fetch_sub(bytes, Ordering::AcqRel);
        if count < BATCH as u64 {
            thread::park_timeout(GATHER);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::mpsc;

    use parking_lot::Mutex;
    use proptest::prelude::*;

    use super::*;

    fn logged(format: &str, value: &[u8]) -> String {
        let format = Expr::parse(format, Scope::AccessLog).unwrap();
        let line = line(&format, |source| match source {
            Source::Context(
                Variable::Status | Variable::ResponseLength | Variable::ResponseLatency,
            ) => Some(Cow::Borrowed(b"200")),
            Source::Context(Variable::ErrorMessageString) => Some(Cow::Borrowed(b"\"no\"")),
            Source::Query(_) => None,
            _ => Some(Cow::Borrowed(value)),
        });
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn lines() {
        for (format, value, expected) in [
            ("${context.status}", "200", "200\n"),
            ("a ${query.q} b", "x", "a - b\n"),
            ("\"${context.path}\"", "/a\"b\\c", "\"/a\\\"b\\\\c\"\n"),
            ("${header.x}", "a\r\nb\u{1b}[31m", "a\\r\\nb\\u001b[31m\n"),
            ("${header.x}", "\u{9b}31m\u{2028}", "\\u009b31m\\u2028\n"),
            ("one\ntwo\n", "", "one two\n"),
            ("${context.error.messageString}", "", "\"no\"\n"),
        ] {
            assert_eq!(logged(format, value.as_bytes()), expected, "{format}");
        }
    }

    #[test]
    fn the_default_format_is_one_object_per_line() {
        let text = logged(AccessLogDef::FORMAT, b"a\"b");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["path"], "a\"b");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let line = logged("${header.x}", "ü".repeat(LONGEST_LINE).as_bytes());
        assert!(line.len() <= LONGEST_LINE + 1 && line.len() >= LONGEST_LINE - 1);
        assert!(line.ends_with("ü\n"));
    }

    proptest! {
        #[test]
        fn no_control_character_gets_out(value in prop::collection::vec(any::<u8>(), 0..200)) {
            let line = logged("\"${header.x}\"", &value);
            let text = line.strip_suffix('\n').unwrap();
            prop_assert!(!text.chars().any(char::is_control), "{text:?}");
            prop_assert!(serde_json::from_str::<String>(text).is_ok());
        }
    }

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
        let sink = Sink::start(Box::new(Gate {
            open: gate,
            kept: Arc::clone(&kept),
        }))
        .unwrap();
        let sinks = Sinks {
            open: vec![(AccessLogTo::Stdout, sink.clone())],
        };
        let line = vec![b'x'; 1 << 20];
        for _ in 0..40 {
            sink.send(line.clone());
        }
        let dropped = sinks.dropped();
        assert!((24..40).contains(&dropped), "{dropped} dropped");
        drop(open);
        sinks.flush(Duration::from_secs(30));
        assert_eq!(kept.lock().len() as u64, (40 - dropped) << 20);
        // There is room again.
        sink.send(line);
        assert_eq!(sinks.dropped(), dropped);
    }

    #[test]
    fn who_logs_where() {
        let in_document = AccessLogDef {
            to: LogTarget::Stderr,
            format: "${context.status}",
        };
        let mut sinks = Sinks::default();
        for (def, to, expected) in [
            (None, AccessLogTo::AsDocument, None),
            (Some(&in_document), AccessLogTo::Off, None),
            (
                Some(&in_document),
                AccessLogTo::AsDocument,
                Some(AccessLogTo::Stderr),
            ),
            (
                Some(&in_document),
                AccessLogTo::Stdout,
                Some(AccessLogTo::Stdout),
            ),
            (None, AccessLogTo::Stdout, Some(AccessLogTo::Stdout)),
        ] {
            let log = AccessLog::open(def, &to, &mut sinks).unwrap();
            assert_eq!(log.is_some(), expected.is_some());
            if let Some(target) = expected {
                assert!(sinks.open.iter().any(|(known, _)| *known == target));
            }
        }
        assert_eq!(sinks.open.len(), 2, "each place is opened once");
    }

    #[test]
    fn files_are_appended_to_and_faults_say_what_to_do() {
        let folder = std::env::temp_dir().join(format!("gateway-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("access.log");
        std::fs::write(&path, "before\n").unwrap();
        let mut sinks = Sinks::default();
        let log = AccessLog::open(None, &AccessLogTo::File(path.clone()), &mut sinks)
            .unwrap()
            .unwrap();
        assert!(!log.needs_answer_fields());
        log.write(|_| None);
        sinks.flush(Duration::from_secs(30));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("before\n{\"time\":\"-\""), "{text}");
        let fault =
            AccessLog::open(None, &AccessLogTo::File(folder.clone()), &mut sinks).unwrap_err();
        assert!(fault.help.contains("--access-log"), "{fault}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
