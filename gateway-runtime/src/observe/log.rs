//! Access logs: one line per request, never in its way.
//!
//! A line is an expression of the document, written when its request has ended, behind those that already wait for the writer
//! ([`super::sink`]).
//!
//! Invariant: a line holds no control character, whatever a client sent: values are escaped as in a JSON string, and an absent
//! value is `-`. Absent on purpose: bodies.

use crate::def::{AccessLogDef, LogTarget};
use crate::expr::{Escape, Expr, Piece, Scope, Source, Text, Variable};
use crate::settings::{AccessLogTo, StartFault};

use super::sink::{Sink, Sinks};

/// Longest line; what is beyond is cut.
const LONGEST_LINE: usize = 16 << 10;

/// The access log of one stage.
#[derive(Debug)]
pub(crate) struct AccessLog {
    /// The format, as it is on one line.
    pieces: Box<[Piece]>,
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
            pieces: one_line(&format),
            sink: sinks.open(target)?,
        }))
    }

    /// Whether a line needs header fields of the back end's answer.
    pub(crate) fn needs_answer_fields(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Value(Source::ResponseHeader(_))))
    }

    /// Logs a request of a worker.
    pub(crate) fn write<'v>(&self, worker: usize, value: impl FnMut(&Source) -> Option<Text<'v>>) {
        self.sink
            .send(worker, |lines| line(&self.pieces, lines, value));
    }
}

/// A document may break its format over lines; the log does not.
fn one_line(format: &Expr) -> Box<[Piece]> {
    let without_breaks = |text: &str| text.replace(|c: char| c.is_ascii_control(), " ");
    let mut pieces = format.pieces().to_vec();
    for piece in &mut pieces {
        if let Piece::Text(text) = piece {
            *text = without_breaks(text);
        }
    }
    if let Some(Piece::Text(last)) = pieces.last_mut() {
        last.truncate(last.trim_end_matches(' ').len());
        last.push('\n');
    } else {
        pieces.push(Piece::Text("\n".to_owned()));
    }
    pieces.into()
}

/// Writes one line behind those that are there, its end included.
fn line<'v>(
    pieces: &[Piece],
    lines: &mut Vec<u8>,
    mut value: impl FnMut(&Source) -> Option<Text<'v>>,
) {
    let start = lines.len();
    for piece in pieces {
        match piece {
            Piece::Text(text) => lines.extend_from_slice(text.as_bytes()),
            Piece::Value(source) => match value(source) {
                None => lines.push(b'-'),
                // A JSON string already, quotes included, made of the gateway's own texts.
                Some(text) if *source == Source::Context(Variable::ErrorMessageString) => {
                    lines.extend(text.iter().filter(|b| !b.is_ascii_control()));
                }
                Some(text) => Escape::Json.write(lines, &text),
            },
        }
        if lines.len() - start > LONGEST_LINE {
            cut(lines, start + LONGEST_LINE);
            lines.push(b'\n');
            return;
        }
    }
}

/// Cuts a text, between two characters.
fn cut(line: &mut Vec<u8>, mut at: usize) {
    while line.get(at).is_some_and(|b| b & 0xC0 == 0x80) {
        at -= 1;
    }
    line.truncate(at);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn logged(format: &str, value: &[u8]) -> String {
        let format = Expr::parse(format, Scope::AccessLog).unwrap();
        let mut written = b"before".to_vec();
        line(&one_line(&format), &mut written, |source| match source {
            Source::Context(
                Variable::Status | Variable::ResponseLength | Variable::ResponseLatency,
            ) => Some(Text::Found(b"200")),
            Source::Context(Variable::ErrorMessageString) => Some(Text::Found(b"\"no\"")),
            Source::Query(_) => None,
            _ => Some(Text::Found(value)),
        });
        let text = String::from_utf8(written).unwrap();
        text.strip_prefix("before").unwrap().to_owned()
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

    #[test]
    fn who_logs_where() {
        let in_document = AccessLogDef {
            to: LogTarget::Stderr,
            format: "${context.status}",
        };
        let mut sinks = Sinks::new(2);
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
                assert!(sinks.has(&target));
            }
        }
        assert_eq!(sinks.len(), 2, "each place is opened once");
    }

    #[test]
    fn files_are_appended_to_and_faults_say_what_to_do() {
        let folder = std::env::temp_dir().join(format!("gateway-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("access.log");
        std::fs::write(&path, "before\n").unwrap();
        let mut sinks = Sinks::new(2);
        let log = AccessLog::open(None, &AccessLogTo::File(path.clone()), &mut sinks)
            .unwrap()
            .unwrap();
        assert!(!log.needs_answer_fields());
        log.write(1, |_| None);
        sinks.flush(Duration::from_secs(30));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("before\n{\"time\":\"-\""), "{text}");
        let fault =
            AccessLog::open(None, &AccessLogTo::File(folder.clone()), &mut sinks).unwrap_err();
        assert!(fault.help.contains("--access-log"), "{fault}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
