//! Numbers, strings and words.

use std::cmp::Ordering;

use crate::def::Types;

use super::super::cursor::{Number, Str};
use super::super::number::{Decimal, Short};
use super::super::program::{Bound, Enumeration, NumberCheck, Plan, StringCheck};
use super::{BYTES_OF_A_STEP, REFUSED, Read, Runner, Stop};

impl<'r> Runner<'r> {
    pub(super) fn scalar<const LOUD: bool>(
        &mut self,
        plan: &'r Plan,
        at: usize,
        depth: usize,
    ) -> Result<Read, Stop> {
        let text = self.text;
        let mut ok = true;
        let (types, end) = match text.byte(at) {
            Some(b'"') => {
                let string = text.string(at)?;
                self.step((string.end - at) / BYTES_OF_A_STEP)?;
                let end = string.end + 1;
                if !self.kind::<LOUD>(plan, at, Types::STRING, &mut ok)? {
                    return Ok(Read { ok, end });
                }
                for (list, place) in &plan.enums {
                    if !self.lists_string(list, string) {
                        refuse!(self, ok, at, self.not_listed(list, *place));
                    }
                }
                for (check, place) in &plan.strings {
                    if !self.keeps(check, string) {
                        refuse!(self, ok, at, self.report_string(check, *place));
                        // A text that is too long, and may be very long, is not worth a pattern.
                        if let StringCheck::MaxLength(_) = check {
                            break;
                        }
                    }
                }
                (Types::STRING, end)
            }
            Some(b'-' | b'0'..=b'9') => {
                let number = text.number(at)?;
                let end = number.end;
                self.step((end - at) / BYTES_OF_A_STEP)?;
                let types = self.number_type(plan, at, number);
                if !self.kind::<LOUD>(plan, at, types, &mut ok)? {
                    return Ok(Read { ok, end });
                }
                for (list, place) in &plan.enums {
                    let exact = Decimal::read(text.bytes(at, end));
                    if list.numbers.binary_search(&exact).is_err() {
                        refuse!(self, ok, at, self.not_listed(list, *place));
                    }
                }
                for (check, place) in &plan.numbers {
                    if !is_kept(check, number.short, || Decimal::read(text.bytes(at, end))) {
                        refuse!(self, ok, at, self.report_number(check, *place));
                    }
                }
                (types, end)
            }
            first => {
                let end = text.literal(at)?;
                let types = match first {
                    Some(b'n') => Types::NULL,
                    _ => Types::BOOLEAN,
                };
                if plan.or_null && types == Types::NULL {
                    return Ok(Read { ok, end });
                }
                if !self.kind::<LOUD>(plan, at, types, &mut ok)? {
                    return Ok(Read { ok, end });
                }
                for (list, place) in &plan.enums {
                    let listed = match first {
                        Some(b'n') => list.null,
                        Some(b't') => list.yes,
                        _ => list.no,
                    };
                    if !listed {
                        refuse!(self, ok, at, self.not_listed(list, *place));
                    }
                }
                (types, end)
            }
        };
        if !plan.branches.is_empty() {
            ok &= self.branches::<LOUD>(plan, at, depth, types, None)?.0;
        }
        Ok(Read { ok, end })
    }

    /// Integer or not, if that makes a difference.
    #[inline]
    pub(super) fn number_type(&self, plan: &Plan, at: usize, number: Number) -> Types {
        let integer = number.short.and_then(Short::integer).is_some()
            || !plan.types.0.has(Types::NUMBER)
                && Decimal::read(self.text.bytes(at, number.end)).is_integer();
        if integer {
            Types::INTEGER
        } else {
            Types::FRACTION
        }
    }

    pub(super) fn lists_string(&mut self, list: &Enumeration, string: Str) -> bool {
        let string = self.text.decoded(string, &mut self.scratch.room);
        list.strings
            .binary_search_by(|known| (**known).cmp(string))
            .is_ok()
    }

    #[inline]
    pub(super) fn keeps(&mut self, check: &StringCheck, string: Str) -> bool {
        let bytes = string.end - string.start;
        match check {
            // A character has one to four bytes, or up to twelve in escapes.
            StringCheck::MinLength(least) => {
                bytes as u64 >= *least
                    && (bytes as u64 / 12 >= *least || self.length(string) >= *least)
            }
            StringCheck::MaxLength(most) => bytes as u64 <= *most || self.length(string) <= *most,
            StringCheck::Pattern(_) | StringCheck::Format(_) => self.looks_like(check, string),
        }
    }

    /// Whether a string has the pattern or the format that is demanded.
    fn looks_like(&mut self, check: &StringCheck, string: Str) -> bool {
        let text = self.text.decoded(string, &mut self.scratch.room);
        match check {
            StringCheck::Pattern(pattern) => pattern.matches(text),
            StringCheck::Format(format) => {
                std::str::from_utf8(text).is_ok_and(|text| super::super::format::is(*format, text))
            }
            StringCheck::MinLength(_) | StringCheck::MaxLength(_) => true,
        }
    }

    /// Characters of a string.
    pub(super) fn length(&mut self, string: Str) -> u64 {
        let text = self.text.decoded(string, &mut self.scratch.room);
        text.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64
    }
}

/// Whether a number keeps a rule.
fn is_kept<'t>(check: &NumberCheck, short: Option<Short>, exact: impl Fn() -> Decimal<'t>) -> bool {
    let compared = |bound: &Bound| match (short, bound.short) {
        (Some(number), Some(bound)) => number.compare(bound),
        _ => None,
    };
    let compared = |bound| compared(bound).unwrap_or_else(|| exact().cmp(&bound.exact));
    match check {
        NumberCheck::Minimum(bound) => compared(bound) != Ordering::Less,
        NumberCheck::Maximum(bound) => compared(bound) != Ordering::Greater,
        NumberCheck::ExclusiveMinimum(bound) => compared(bound) == Ordering::Greater,
        NumberCheck::ExclusiveMaximum(bound) => compared(bound) == Ordering::Less,
        NumberCheck::MultipleOf { divisor, .. } => short
            .and_then(|number| divisor.divides_short(number))
            .unwrap_or_else(|| divisor.divides(&exact())),
        NumberCheck::Bits(bits, _) => match short.and_then(Short::integer) {
            Some(number) => *bits == 64 || i32::try_from(number).is_ok(),
            None => exact().fits(*bits),
        },
    }
}
