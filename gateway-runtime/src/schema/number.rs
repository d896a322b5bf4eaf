//! Numbers of any length, exactly: sign, digits and the place of the point, borrowed from their text.
//!
//! Nothing is ever expanded: `1e1000000000` costs its eleven bytes. Exponents are kept up to ±2^60; numbers beyond that are
//! compared by their digits alone.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// Where exponents saturate, so that sums with lengths of texts cannot overflow.
const FAR: i64 = 1 << 60;

/// A number: 0.`head``tail` · 10^`point`, without zeros at either end; 0 has no digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimal<'t> {
    negative: bool,
    head: &'t [u8],
    tail: &'t [u8],
    point: i64,
}

impl<'t> Decimal<'t> {
    /// Reads a number as JSON writes it; what is no number is read as far as it is one.
    pub(super) fn read(text: &'t [u8]) -> Decimal<'t> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let end = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
        let (digits, exponent) = text.split_at(end.unwrap_or(text.len()));
        let dot = digits.iter().position(|&byte| byte == b'.');
        let (head, tail) = match dot {
            Some(dot) => (
                digits.get(..dot).unwrap_or_default(),
                digits.get(dot + 1..).unwrap_or_default(),
            ),
            None => (digits, &[][..]),
        };
        let mut number = Decimal {
            negative,
            head,
            tail,
            point: length(head) + self::exponent(exponent.get(1..).unwrap_or_default()),
        };
        number.normalise();
        number
    }

    fn normalise(&mut self) {
        while let [b'0', rest @ ..] = self.head {
            self.head = rest;
            self.point -= 1;
        }
        if self.head.is_empty() {
            while let [b'0', rest @ ..] = self.tail {
                self.tail = rest;
                self.point -= 1;
            }
        }
        while let [rest @ .., b'0'] = self.tail {
            self.tail = rest;
        }
        if self.tail.is_empty() {
            while let [rest @ .., b'0'] = self.head {
                self.head = rest;
            }
        }
        if self.is_zero() {
            self.negative = false;
            self.point = 0;
        }
    }

    fn digits(&self) -> impl Iterator<Item = u8> + use<'t> {
        self.head.iter().chain(self.tail).map(|digit| digit - b'0')
    }

    fn is_zero(&self) -> bool {
        self.head.is_empty() && self.tail.is_empty()
    }

    /// The exponent of the last digit: the number is its digits · 10^this.
    fn last(&self) -> i64 {
        self.point - length(self.head) - length(self.tail)
    }

    /// Whether it has no fraction.
    pub(super) fn is_integer(&self) -> bool {
        self.last() >= 0 || self.is_zero()
    }

    /// Whether it is an integer from `-2^(bits-1)` to `2^(bits-1) - 1`; at most 64 bits.
    pub(super) fn fits(&self, bits: u32) -> bool {
        if self.is_zero() {
            return true;
        }
        if !self.is_integer() || self.point > 19 {
            return false;
        }
        let mut size: u128 = self
            .digits()
            .fold(0, |size, digit| size * 10 + u128::from(digit));
        for _ in 0..self.last() {
            size *= 10;
        }
        let limit = 1_u128 << (bits - 1);
        if self.negative {
            size <= limit
        } else {
            size < limit
        }
    }
}

fn length(digits: &[u8]) -> i64 {
    i64::try_from(digits.len()).unwrap_or(FAR)
}

fn exponent(text: &[u8]) -> i64 {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let size = digits.iter().fold(0_i64, |size, digit| {
        (size.saturating_mul(10))
            .saturating_add(i64::from(digit.wrapping_sub(b'0')))
            .min(FAR)
    });
    if negative { -size } else { size }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.is_zero(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        sign(self).cmp(&sign(other)).then_with(|| {
            let size =
                (self.point.cmp(&other.point)).then_with(|| self.digits().cmp(other.digits()));
            if self.negative { size.reverse() } else { size }
        })
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal<'_> {}

impl Hash for Decimal<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.negative.hash(state);
        self.point.hash(state);
        for digit in self.digits() {
            digit.hash(state);
        }
    }
}

/// A number that is written with at most [`SHORT_DIGITS`] digits and without exponent: `size` · 10^-`scale`.
///
/// Most numbers of messages are, so they are compared without a second look at their digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Short {
    pub(super) size: i64,
    /// Digits behind the point; at most [`SHORT_DIGITS`].
    pub(super) scale: u8,
}

/// So many digits, and one more, fit into 64 bits.
pub(super) const SHORT_DIGITS: usize = 18;

const POWERS: [i64; SHORT_DIGITS + 1] = {
    let mut powers = [1; SHORT_DIGITS + 1];
    let mut power = 1;
    while power < powers.len() {
        powers[power] = powers[power - 1] * 10;
        power += 1;
    }
    powers
};

/// 10 to this power, if that is a short number.
fn power_of_ten(power: usize) -> Option<i64> {
    POWERS.get(power).copied()
}

impl Short {
    /// The number, if it is written without a fraction.
    #[inline]
    pub(super) fn integer(self) -> Option<i64> {
        (self.scale == 0).then_some(self.size)
    }

    /// Which of two is more. `None`: that is not to be seen without their digits.
    #[inline]
    pub(super) fn compare(self, other: Short) -> Option<Ordering> {
        if self.scale == other.scale {
            return Some(self.size.cmp(&other.size));
        }
        let ours = self.size.checked_mul(power_of_ten(other.scale.into())?)?;
        let theirs = other.size.checked_mul(power_of_ten(self.scale.into())?)?;
        Some(ours.cmp(&theirs))
    }
}

/// What numbers are to be multiples of: `size` · 10^`exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Divisor {
    size: u64,
    exponent: i64,
}

impl Divisor {
    /// Reads a divisor; `None`: it is not above 0, or has more than 18 digits that count.
    pub fn read(text: &str) -> Option<Divisor> {
        let number = Decimal::read(text.as_bytes());
        let digits = number.head.len() + number.tail.len();
        if number.negative || !(1..=18).contains(&digits) {
            return None;
        }
        let size = number
            .digits()
            .fold(0, |size, digit| size * 10 + u64::from(digit));
        Some(Divisor {
            size,
            exponent: number.last(),
        })
    }

    /// Whether a short number is an integral multiple. `None`: that is not to be seen without its digits.
    #[inline]
    pub(super) fn divides_short(&self, number: Short) -> Option<bool> {
        let size = i64::try_from(self.size).ok()?;
        let power = self.exponent.checked_add(number.scale.into())?;
        let factor = power_of_ten(usize::try_from(power.unsigned_abs()).ok()?)?;
        let (number, size) = if power < 0 {
            (number.size.checked_mul(factor)?, size)
        } else {
            (number.size, size.checked_mul(factor)?)
        };
        Some(number.checked_rem(size)? == 0)
    }

    /// Whether a number is an integral multiple.
    pub(super) fn divides(&self, number: &Decimal<'_>) -> bool {
        if number.is_zero() {
            return true;
        }
        // The digits of a number do not end in 0, so no power of ten can be taken out of them.
        let Some(mut power) = number
            .last()
            .checked_sub(self.exponent)
            .and_then(|power| u64::try_from(power).ok())
        else {
            return false;
        };
        // Eighteen digits and one more fit into 64 bits.
        let mut rest = number
            .digits()
            .fold(0, |rest, digit| (rest * 10 + u64::from(digit)) % self.size);
        let times = |a: u64, b: u64| {
            let product = u128::from(a) * u128::from(b) % u128::from(self.size);
            u64::try_from(product).unwrap_or_default()
        };
        let mut factor = 10 % self.size;
        while power > 0 {
            if power & 1 == 1 {
                rest = times(rest, factor);
            }
            power >>= 1;
            if power > 0 {
                factor = times(factor, factor);
            }
        }
        rest == 0
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot begin should stop")]
mod tests {
    use super::super::cursor::Text;
    use super::*;

    fn read(text: &str) -> Decimal<'_> {
        Decimal::read(text.as_bytes())
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let ordered = [
            "-1e400",
            "-18446744073709551617",
            "-18446744073709551616",
            "-1.5",
            "-1",
            "-0.001",
            "0",
            "1e-1000000000",
            "0.1",
            "0.11",
            "1",
            "1.5",
            "9",
            "10",
            "18446744073709551616",
            "18446744073709551617",
            "1e400",
            "1e1000000000",
        ];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(read(a).cmp(&read(b)), i.cmp(&j), "{a} {b}");
            }
        }
    }

    #[test]
    fn spellings_of_a_number_are_equal() {
        for (a, b) in [
            ("0", "-0.000e7"),
            ("1", "1.0"),
            ("100", "1e2"),
            ("0.001", "1E-3"),
            ("1230", "0.00123e6"),
            ("-5", "-50e-1"),
        ] {
            assert_eq!(read(a), read(b), "{a} {b}");
        }
    }

    #[test]
    fn integers_have_no_fraction() {
        for text in ["0", "-0.0", "1.0", "1e400", "1200e-2", "0e-5"] {
            assert!(read(text).is_integer(), "{text}");
        }
        assert!(!read("1.5").is_integer() && !read("1e-1").is_integer());
    }

    #[test]
    fn integers_of_so_many_bits() {
        for (text, small, large) in [
            ("2147483647", true, true),
            ("2147483648", false, true),
            ("-2147483648", true, true),
            ("-2147483649", false, true),
            ("9223372036854775807", false, true),
            ("9223372036854775808", false, false),
            ("-9223372036854775808", false, true),
            ("-9223372036854775809", false, false),
            ("1e9", true, true),
            ("1e18", false, true),
            ("1e19", false, false),
            ("1e1000000000", false, false),
            ("1.5", false, false),
            ("0.0", true, true),
        ] {
            assert_eq!(
                (read(text).fits(32), read(text).fits(64)),
                (small, large),
                "{text}"
            );
        }
    }

    #[test]
    fn multiples() {
        for (number, divisor, is) in [
            ("10", "2", true),
            ("7", "2", false),
            ("0", "3", true),
            ("0.3", "0.1", true),
            ("19.99", "0.01", true),
            ("0.0075", "0.0001", true),
            ("0.00751", "0.0001", false),
            ("1e308", "0.123456789", false),
            ("1e1000000000", "2", true),
            ("1e1000000000", "3", false),
            ("18446744073709551617", "1", true),
            ("4.5", "1.5", true),
            ("35", "1.5", false),
            ("-20", "5e0", true),
            ("1000", "1e3", true),
            ("100", "1e3", false),
        ] {
            let divisor = Divisor::read(divisor);
            assert_eq!(
                divisor.map(|divisor| divisor.divides(&read(number))),
                Some(is),
                "{number}"
            );
        }
        for none in ["0", "-1", "0.0", "1234567890123456789"] {
            assert_eq!(Divisor::read(none), None);
        }
    }

    #[test]
    fn short_numbers_say_what_their_digits_say() {
        let texts = [
            "0",
            "-0",
            "0.0",
            "1",
            "-1",
            "1.0",
            "10",
            "0.1",
            "-0.1",
            "0.10",
            "0.01",
            "19.99",
            "20",
            "19.990",
            "0.3",
            "3",
            "0.000000000000000001",
            "-0.000000000000000003",
            "0.25",
            "7.5",
            "999999999999999999",
            "-999999999999999999",
            "99999999999999999.9",
            "1.5e3",
            "1e2",
            "1000000000000000000",
            "0.1234567890123456789",
            "9223372036854775807",
        ];
        let short = |text: &str| Text::of(text).number(0).unwrap().short;
        let mut compared = 0;
        for (a, b) in texts.iter().flat_map(|a| texts.iter().map(move |b| (a, b))) {
            let (Some(first), Some(second)) = (short(a), short(b)) else {
                continue;
            };
            if let Some(order) = first.compare(second) {
                assert_eq!(order, read(a).cmp(&read(b)), "{a} {b}");
                compared += 1;
            }
            if let Some(divisor) = Divisor::read(b)
                && let Some(divides) = divisor.divides_short(first)
            {
                assert_eq!(divides, divisor.divides(&read(a)), "{a} by {b}");
            }
        }
        assert!(compared > 300, "only {compared} pairs were compared");
    }

    #[test]
    fn ordinary_numbers_are_short() {
        let short = |text: &str| Text::of(text).number(0).unwrap().short;
        let (size, scale) = (-1999, 2);
        assert_eq!(short("-19.99"), Some(Short { size, scale }));
        assert_eq!(short("0.1").and_then(Short::integer), None);
        assert_eq!(short("7").and_then(Short::integer), Some(7));
        for long in ["1e2", "1000000000000000000", "0.123456789012345678"] {
            assert_eq!(short(long), None, "{long}");
        }
        let cents = Divisor::read("0.01").unwrap();
        assert_eq!(
            short("19.99").and_then(|n| cents.divides_short(n)),
            Some(true)
        );
        assert_eq!(
            short("19.995").and_then(|n| cents.divides_short(n)),
            Some(false)
        );
    }
}
