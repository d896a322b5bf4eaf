//! Selection patterns: which answers of a back end a response mapping is for.
//!
//! A pattern is a regular expression over the whole status written in decimal, as Amazon API Gateway matches it for HTTP
//! integrations. Statuses are few, so a pattern is tried once on all of them when it is parsed and never runs again.

use std::fmt;

use regex::RegexBuilder;

/// Statuses a back end can answer, and so all that a pattern is tried on.
const STATUSES: std::ops::Range<u16> = 100..600;

/// Compiled size a pattern may have; one over three digits needs a hundredth of it.
const SIZE_LIMIT: usize = 64 * 1024;

/// A parsed selection pattern.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusPattern {
    matched: [u64; 8],
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, without a full stop.
    pub message: String,
}

impl StatusPattern {
    /// Parses a pattern. It matches a status only as a whole: `4` does not match 404, `4\d{2}` does.
    ///
    /// # Errors
    /// If it is no regular expression, uses look-around or back-references (which run in unbounded time), or is too large.
    pub fn parse(text: &str) -> Result<StatusPattern, Fault> {
        let whole = format!("^(?:{text})$");
        let regex = RegexBuilder::new(&whole)
            .size_limit(SIZE_LIMIT)
            .nest_limit(50)
            .build()
            .map_err(|error| Fault {
                message: explain(&error),
            })?;
        let mut matched = [0; 8];
        let mut digits = itoa::Buffer::new();
        for status in STATUSES {
            if regex.is_match(digits.format(status)) {
                let at = usize::from(status - STATUSES.start);
                matched[at / 64] |= 1 << (at % 64);
            }
        }
        Ok(StatusPattern { matched })
    }

    /// Whether answers with this status are meant.
    pub fn matches(&self, status: u16) -> bool {
        STATUSES.contains(&status) && {
            let at = usize::from(status - STATUSES.start);
            self.matched[at / 64] >> (at % 64) & 1 == 1
        }
    }

    /// Whether no status at all is meant: a mapping with this pattern can never be chosen.
    pub fn is_empty(&self) -> bool {
        self.matched == [0; 8]
    }
}

impl fmt::Debug for StatusPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(STATUSES.filter(|status| self.matches(*status)))
            .finish()
    }
}

fn explain(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
        // The last line of the library's drawing says what is wrong; the lines before show where.
        other => other.to_string().lines().last().map_or_else(
            || "the pattern is not a regular expression".to_owned(),
            |l| l.trim_start_matches("error: ").to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        reason = "a test that cannot parse its own pattern should stop"
    )]

    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_status() {
        for (pattern, yes, no) in [
            ("404", &[404][..], &[400, 405][..]),
            (r"4\d{2}", &[400, 499], &[399, 500]),
            (r"4\d\d|5\d\d", &[404, 503], &[200]),
            ("4", &[], &[400, 404]),
            (".*", &[100, 200, 599], &[]),
            ("[23].*", &[200, 302], &[404]),
        ] {
            let parsed = StatusPattern::parse(pattern).unwrap();
            for status in yes {
                assert!(parsed.matches(*status), "{pattern} should match {status}");
            }
            for status in no {
                assert!(
                    !parsed.matches(*status),
                    "{pattern} should not match {status}"
                );
            }
        }
    }

    #[test]
    fn statuses_that_no_back_end_answers_never_match() {
        let all = StatusPattern::parse(".*").unwrap();
        assert!(!all.matches(0) && !all.matches(99) && !all.matches(600) && !all.matches(u16::MAX));
        assert!(StatusPattern::parse("abc").unwrap().is_empty());
    }

    #[test]
    fn what_cannot_run_in_bounded_time_is_refused() {
        for bad in ["(", r"(?=4)\d+", r"(\d)\1", "a{100000}{100000}", "[z-a]"] {
            let fault = StatusPattern::parse(bad).unwrap_err();
            assert!(
                !fault.message.is_empty() && !fault.message.contains('\n'),
                "{bad}: {fault:?}"
            );
        }
    }
}
