//! Dates and times of RFC 3339.

/// Reads from the front of a text; what does not fit is `None`.
struct Reader<'t>(&'t [u8]);

impl Reader<'_> {
    /// So many digits, as a number.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        digits.iter().try_fold(0, |number, digit| {
            let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
            Some(number * 10 + digit)
        })
    }

    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        bytes.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn date(&mut self) -> Option<()> {
        let year = self.digits(4)?;
        self.one_of(b"-")?;
        let month = self.digits(2)?;
        self.one_of(b"-")?;
        let day = self.digits(2)?;
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        (1..=days).contains(&day).then_some(())
    }

    fn time(&mut self) -> Option<()> {
        let hour = self.digits(2)?;
        self.one_of(b":")?;
        let minute = self.digits(2)?;
        self.one_of(b":")?;
        let second = self.digits(2)?;
        if self.one_of(b".").is_some() {
            self.digits(1)?;
            while self.digits_follow() {
                self.digits(1)?;
            }
        }
        let mut minutes = i64::from(hour * 60 + minute);
        match self.one_of(b"Zz+-")? {
            b'Z' | b'z' => {}
            sign => {
                let hours = self.digits(2)?;
                self.one_of(b":")?;
                let rest = self.digits(2)?;
                if hours > 23 || rest > 59 {
                    return None;
                }
                let offset = i64::from(hours * 60 + rest);
                minutes += if sign == b'+' { -offset } else { offset };
            }
        }
        // A second is inserted where the day ends in UTC, and nowhere else.
        let leap = second == 60 && minutes.rem_euclid(24 * 60) == 24 * 60 - 1;
        (hour < 24 && minute < 60 && (second < 60 || leap)).then_some(())
    }

    fn digits_follow(&self) -> bool {
        self.0.first().is_some_and(u8::is_ascii_digit)
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

pub(super) fn date(text: &str) -> bool {
    let mut reader = Reader(text.as_bytes());
    reader.date().and_then(|()| reader.end()).is_some()
}

pub(super) fn time(text: &str) -> bool {
    let mut reader = Reader(text.as_bytes());
    reader.time().and_then(|()| reader.end()).is_some()
}

pub(super) fn date_time(text: &str) -> bool {
    let mut reader = Reader(text.as_bytes());
    let mut read = || {
        reader.date()?;
        reader.one_of(b"Tt")?;
        reader.time()?;
        reader.end()
    };
    read().is_some()
}

/// RFC 3339 appendix A: units in their order, none left out between the first and the last.
pub(super) fn duration(text: &str) -> bool {
    let Some(text) = text.strip_prefix('P') else {
        return false;
    };
    if let Some(weeks) = text.strip_suffix('W') {
        return !weeks.is_empty() && weeks.bytes().all(|byte| byte.is_ascii_digit());
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let good_time = time.is_none_or(|time| !time.is_empty() && units(time, b"HMS"));
    (!date.is_empty() || time.is_some()) && units(date, b"YMD") && good_time
}

/// Numbers with these units, in this order and without gaps.
fn units(text: &str, order: &[u8]) -> bool {
    let mut last: Option<usize> = None;
    let mut digits = 0;
    for byte in text.bytes() {
        if byte.is_ascii_digit() {
            digits += 1;
            continue;
        }
        let Some(unit) = order.iter().position(|unit| *unit == byte) else {
            return false;
        };
        if digits == 0 || last.is_some_and(|last| unit != last + 1) {
            return false;
        }
        last = Some(unit);
        digits = 0;
    }
    digits == 0
}
