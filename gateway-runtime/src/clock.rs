//! The time.
//!
//! The only module that reads the system's clocks: everything else is given a [`Clock`] or a [`Nanos`], so that tests move
//! time instead of waiting for it. Invariants: [`Clock::now`] never runs backwards, and all real clocks of a process agree,
//! so readings of different workers can be compared.
//!
//! Absent on purpose: timers (tokio has them) and time zones (everything here is UTC).

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A reading of the monotonic clock: nanoseconds since the process first asked. Lasts for 584 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nanos(u64);

impl Nanos {
    /// The first moment.
    pub const ZERO: Nanos = Nanos(0);
    /// Later than everything.
    pub const MAX: Nanos = Nanos(u64::MAX);

    /// The moment this many nanoseconds after [`Nanos::ZERO`].
    pub const fn new(nanos: u64) -> Nanos {
        Nanos(nanos)
    }

    /// Nanoseconds since [`Nanos::ZERO`].
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The moment `span` later; [`Nanos::MAX`] if there is none.
    #[must_use]
    pub fn plus(self, span: Duration) -> Nanos {
        Nanos(self.0.saturating_add(nanos(span)))
    }

    /// Time from `earlier` to `self`; zero if `earlier` is later.
    pub const fn since(self, earlier: Nanos) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A span in nanoseconds, the largest number if it has more.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// Where time is asked for. Cloning is cheap; clones of a manual clock move together.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System(Instant),
    Manual(Arc<AtomicU64>),
}

/// What a manual clock's calendar says at [`Nanos::ZERO`]: 2030-01-01T00:00:00Z, a Tuesday.
pub const MANUAL_EPOCH_MILLIS: u64 = 1_893_456_000_000;

impl Clock {
    /// The system's clocks.
    pub fn system() -> Clock {
        static START: OnceLock<Instant> = OnceLock::new();
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the clock everyone else asks"
        )]
        let start = *START.get_or_init(Instant::now);
        Clock(Source::System(start))
    }

    /// A clock that stands still until it is moved. It starts at [`Nanos::ZERO`].
    pub fn manual() -> Clock {
        Clock(Source::Manual(Arc::default()))
    }

    /// Moves a manual clock forward. A system clock is not impressed.
    pub fn advance(&self, span: Duration) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(nanos(span), Ordering::SeqCst);
        }
    }

    /// The monotonic time.
    pub fn now(&self) -> Nanos {
        match &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the clock everyone else asks"
            )]
            Source::System(start) => Nanos(nanos(Instant::now().saturating_duration_since(*start))),
            Source::Manual(now) => Nanos(now.load(Ordering::SeqCst)),
        }
    }

    /// The calendar: milliseconds since 1970-01-01T00:00:00Z. May jump when the system's time is set.
    pub fn unix_millis(&self) -> u64 {
        match &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the clock everyone else asks"
            )]
            Source::System(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |span| {
                    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
                }),
            Source::Manual(now) => {
                MANUAL_EPOCH_MILLIS.saturating_add(now.load(Ordering::SeqCst) / 1_000_000)
            }
        }
    }

    /// The calendar as a `Date` field has it. Written once a second per thread.
    pub fn http_date(&self) -> HttpDate {
        thread_local! {
            static LAST: Cell<(u64, HttpDate)> = const { Cell::new((u64::MAX, HttpDate([b' '; 29]))) };
        }
        let second = self.unix_millis() / 1000;
        let (written, date) = LAST.get();
        if written == second {
            return date;
        }
        let date = Civil::from_unix(second).http_date();
        LAST.set((second, date));
        date
    }

    /// `moment` in the terms of timers. Only meaningful for system clocks; timers do not follow a manual one.
    pub fn instant(&self, moment: Nanos) -> Instant {
        let start = match &self.0 {
            Source::System(start) => *start,
            Source::Manual(_) => match Clock::system().0 {
                Source::System(start) => start,
                Source::Manual(_) => unreachable!("the system's clock is a system clock"),
            },
        };
        // A century from now is "never" to every timer, and what `Instant` cannot add is later still.
        const CENTURY: u64 = 100 * 365 * 86_400 * 1_000_000_000;
        start + Duration::from_nanos(moment.0.min(CENTURY))
    }
}

/// A date in the form of RFC 9110 §5.6.7: `Tue, 01 Jan 2030 00:00:00 GMT`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HttpDate([u8; 29]);

impl HttpDate {
    /// As text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A moment in the form of the common log format and of `context.requestTime`: `01/Jan/2030:00:00:00 +0000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogTime([u8; 26]);

impl LogTime {
    /// As text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The moment this many seconds after 1970-01-01T00:00:00Z, for a log. Written once a second per thread.
pub fn common_log(second: u64) -> LogTime {
    thread_local! {
        static LAST: Cell<(u64, LogTime)> = const { Cell::new((u64::MAX, LogTime([b' '; 26]))) };
    }
    let (written, time) = LAST.get();
    if written == second {
        return time;
    }
    let time = Civil::from_unix(second).common_log();
    LAST.set((second, time));
    time
}

impl fmt::Debug for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A moment of the Gregorian calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// Year, at most 9999.
    pub year: u32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59.
    pub second: u32,
    /// Days since Sunday, 0 to 6.
    pub weekday: u32,
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

impl Civil {
    /// The calendar at this many seconds after 1970-01-01T00:00:00Z. Stops at the end of the year 9999.
    pub fn from_unix(seconds: u64) -> Civil {
        let seconds = seconds.min(253_402_300_799);
        let days = seconds / 86_400;
        let rest = (seconds % 86_400) as u32;
        // Howard Hinnant's "days to civil": years of 400 that begin in March, so that the leap day comes last.
        let shifted = days + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        Civil {
            year: year as u32,
            month: month as u32,
            day: (day_of_year - (153 * march_month + 2) / 5 + 1) as u32,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            weekday: ((days + 4) % 7) as u32,
        }
    }

    fn month_name(&self) -> &'static str {
        MONTHS
            .get(self.month as usize - 1)
            .copied()
            .unwrap_or_default()
    }

    /// `Tue, 01 Jan 2030 00:00:00 GMT` (RFC 9110 §5.6.7).
    pub fn http_date(&self) -> HttpDate {
        let weekday = WEEKDAYS
            .get(self.weekday as usize)
            .copied()
            .unwrap_or_default();
        let text = format!(
            "{weekday}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
            self.day,
            self.month_name(),
            self.year,
            self.hour,
            self.minute,
            self.second
        );
        let mut date = HttpDate([b' '; 29]);
        for (to, from) in date.0.iter_mut().zip(text.as_bytes()) {
            *to = *from;
        }
        date
    }

    fn common_log(&self) -> LogTime {
        let text = format!(
            "{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000",
            self.day,
            self.month_name(),
            self.year,
            self.hour,
            self.minute,
            self.second
        );
        let mut time = LogTime([b' '; 26]);
        for (to, from) in time.0.iter_mut().zip(text.as_bytes()) {
            *to = *from;
        }
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        // Checked against `date -u -d @N`.
        for (seconds, date, log) in [
            (
                0,
                "Thu, 01 Jan 1970 00:00:00 GMT",
                "01/Jan/1970:00:00:00 +0000",
            ),
            (
                784_111_777,
                "Sun, 06 Nov 1994 08:49:37 GMT",
                "06/Nov/1994:08:49:37 +0000",
            ),
            (
                951_782_400,
                "Tue, 29 Feb 2000 00:00:00 GMT",
                "29/Feb/2000:00:00:00 +0000",
            ),
            (
                951_868_800,
                "Wed, 01 Mar 2000 00:00:00 GMT",
                "01/Mar/2000:00:00:00 +0000",
            ),
            (
                1_893_456_000,
                "Tue, 01 Jan 2030 00:00:00 GMT",
                "01/Jan/2030:00:00:00 +0000",
            ),
            (
                4_107_542_399,
                "Sun, 28 Feb 2100 23:59:59 GMT",
                "28/Feb/2100:23:59:59 +0000",
            ),
            (
                u64::MAX,
                "Fri, 31 Dec 9999 23:59:59 GMT",
                "31/Dec/9999:23:59:59 +0000",
            ),
        ] {
            let civil = Civil::from_unix(seconds);
            assert_eq!(civil.http_date().as_str(), date);
            assert_eq!(civil.common_log().as_str(), log);
            assert_eq!(common_log(seconds).as_str(), log);
        }
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual();
        let twin = clock.clone();
        assert_eq!(clock.now(), Nanos::ZERO);
        twin.advance(Duration::from_millis(1500));
        assert_eq!(clock.now(), Nanos::new(1_500_000_000));
        assert_eq!(clock.unix_millis(), MANUAL_EPOCH_MILLIS + 1500);
        assert_eq!(clock.http_date().as_str(), "Tue, 01 Jan 2030 00:00:01 GMT");
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.http_date().as_str(), "Tue, 01 Jan 2030 00:00:02 GMT");
    }

    #[test]
    fn system_clocks_agree_and_never_run_backwards() {
        let (a, b) = (Clock::system(), Clock::system());
        let first = a.now();
        let second = b.now();
        let third = a.now();
        assert!(first <= second && second <= third);
        a.advance(Duration::from_secs(3600));
        assert!(a.now().since(third) < Duration::from_secs(3600));
    }

    #[test]
    fn moments_saturate() {
        assert_eq!(Nanos::MAX.plus(Duration::MAX), Nanos::MAX);
        assert_eq!(Nanos::ZERO.since(Nanos::MAX), Duration::ZERO);
        assert!(Clock::system().instant(Nanos::MAX) > Clock::system().instant(Nanos::ZERO));
    }
}
