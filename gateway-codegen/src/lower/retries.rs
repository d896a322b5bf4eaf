//! Whether and when a request that failed is sent again.

use std::time::Duration;

use super::draft::{Draft, inside};
use super::native::{self, RetryFailure};
use super::policy::Context;
use super::reader::Reader;
use super::tree::At;
use crate::model::{Integration, Retries, RetryOn};

/// Tries in all: a second one finds another target, a third one finds an outage.
const ATTEMPTS: u32 = 2;
/// Failures after which a back end surely or most likely did nothing.
const ON: [RetryOn; 4] = [
    RetryOn::Connect,
    RetryOn::Reset,
    RetryOn::Status(502),
    RetryOn::Status(503),
];
/// Share of requests that may be sent again, in thousandths: a back end in trouble gets a fifth more at most.
const BUDGET: u32 = 200;

/// What surrounds the retries of an operation.
pub(crate) struct Around<'a> {
    /// What is called.
    pub(crate) integration: &'a Integration,
    /// How long all tries may take.
    pub(crate) timeout: Duration,
}

pub(crate) fn read(
    written: &native::Retries,
    at: At<'_>,
    draft: &Draft<'_>,
    around: &Around<'_>,
    context: &Context<'_>,
    reader: &mut Reader<'_>,
) -> Retries {
    let mut on: Vec<RetryOn> = match &written.on {
        None => ON.to_vec(),
        Some(list) => list.iter().map(failure).collect(),
    };
    on.sort_unstable();
    on.dedup();
    if on.is_empty() {
        reader.once(
            "retries-on",
            at.member("on").place(),
            "there is no failure after which there is another try",
            "as in `[connect, reset, 502]`, or drop the retries",
        );
    }
    let budget = match &written.budget {
        None => BUDGET,
        Some(share) if share.thousandths() == 0 => {
            reader.once(
                "x-gateway-range",
                at.member("budget").place(),
                "a budget is from 0.1% to 100%",
                "drop the retries, if there are to be none",
            );
            BUDGET
        }
        Some(share) => share.thousandths(),
    };
    let per_try = written.per_try.map(|time| time.0);
    match per_try {
        Some(span) if span < Duration::from_millis(1) => reader.once(
            "x-gateway-range",
            at.member("perTry").place(),
            "the time for a try is 1ms or more",
            "",
        ),
        Some(span) if span >= around.timeout => reader.warn_once(
            "retries-per-try",
            at.member("perTry").place(),
            "one try may take all the time that the tries have together",
            "make it shorter than `timeout`, or that longer",
        ),
        _ => {}
    }
    if inside(&at.place(), &context.owners)
        && let Some(why) = idle(draft, around.integration)
    {
        reader.found.note(
            "retries-idle",
            at.place(),
            format!("this operation is never tried again: {why}"),
            "",
        );
    }
    Retries {
        attempts: written.attempts.unwrap_or(ATTEMPTS),
        on,
        per_try,
        budget,
    }
}

fn failure(written: &native::RetryOn) -> RetryOn {
    match written {
        native::RetryOn::Failure(RetryFailure::Connect) => RetryOn::Connect,
        native::RetryOn::Failure(RetryFailure::Reset) => RetryOn::Reset,
        native::RetryOn::Status(status) => RetryOn::Status(status.0),
    }
}

/// Why nothing is ever sent twice.
fn idle(draft: &Draft<'_>, integration: &Integration) -> Option<String> {
    let towards = match integration {
        Integration::Proxy { method, .. } => method.as_deref(),
        Integration::Http(http) => http.method.as_deref(),
        Integration::Mock { .. } | Integration::Redirect { .. } => {
            return Some("it calls no back end".to_owned());
        }
    };
    let method = towards.unwrap_or(&draft.method);
    let safe = matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "ANY");
    (!safe).then(|| format!("{method} may change something, and twice what was asked for once"))
}
