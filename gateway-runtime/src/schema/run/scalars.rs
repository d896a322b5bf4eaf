//! Numbers, strings and words.

use std::cmp::Ordering;

use crate::def::Types;

use super::super::cursor::{Number, Str};
use super::super::number::Decimal;
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
        match text.byte(at) {
            Some(b'"') => {
                let string = text.string(at)?;
                self.step((string.end - at) / BYTES_OF_A_STEP)?;
                let read = Read {
                    ok,
                    end: string.end + 1,
                };
                if !self.kind::<LOUD>(plan, at, Types::STRING, &mut ok)? {
                    return Ok(Read { ok, ..read });
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
                self.ended::<LOUD>(plan, at, depth, Types::STRING, Read { ok, ..read })
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
                    if !is_kept(check, number.small, || Decimal::read(text.bytes(at, end))) {
                        refuse!(self, ok, at, self.report_number(check, *place));
                    }
                }
                self.ended::<LOUD>(plan, at, depth, types, Read { ok, end })
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
                self.ended::<LOUD>(plan, at, depth, types, Read { ok, end })
            }
        }
    }

    /// The rest of what is demanded of a scalar.
    pub(super) fn ended<const LOUD: bool>(
        &mut self,
        plan: &'r Plan,
        at: usize,
        depth: usize,
        types: Types,
        read: Read,
    ) -> Result<Read, Stop> {
        if plan.branches.is_empty() {
            return Ok(read);
        }
        let (ok, _) = self.branches::<LOUD>(plan, at, depth, types, None)?;
        Ok(Read {
            ok: read.ok && ok,
            ..read
        })
    }

    /// Integer or not, if that makes a difference.
    pub(super) fn number_type(&self, plan: &Plan, at: usize, number: Number) -> Types {
        let integer = number.small.is_some()
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

    pub(super) fn keeps(&mut self, check: &StringCheck, string: Str) -> bool {
        let bytes = string.end - string.start;
        match check {
            // A character has one to four bytes, or up to twelve in escapes.
            StringCheck::MinLength(least) => {
                bytes as u64 >= *least
                    && (bytes as u64 / 12 >= *least || self.length(string) >= *least)
            }
            StringCheck::MaxLength(most) => bytes as u64 <= *most || self.length(string) <= *most,
            StringCheck::Pattern(pattern) => {
                pattern.matches(self.text.decoded(string, &mut self.scratch.room))
            }
            StringCheck::Format(format) => {
                let text = self.text.decoded(string, &mut self.scratch.room);
                std::str::from_utf8(text).is_ok_and(|text| super::super::format::is(*format, text))
            }
        }
    }

    /// Characters of a string.
    pub(super) fn length(&mut self, string: Str) -> u64 {
        let text = self.text.decoded(string, &mut self.scratch.room);
        text.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64
    }
}

/// Whether a number keeps a rule.
fn is_kept<'t>(check: &NumberCheck, small: Option<i64>, exact: impl Fn() -> Decimal<'t>) -> bool {
    let compared = |bound: &Bound| match (small, bound.small) {
        (Some(number), Some(bound)) => number.cmp(&bound),
        _ => exact().cmp(&bound.exact),
    };
    match check {
        NumberCheck::Minimum(bound) => compared(bound) != Ordering::Less,
        NumberCheck::Maximum(bound) => compared(bound) != Ordering::Greater,
        NumberCheck::ExclusiveMinimum(bound) => compared(bound) == Ordering::Greater,
        NumberCheck::ExclusiveMaximum(bound) => compared(bound) == Ordering::Less,
        NumberCheck::MultipleOf {
            divisor,
            small: divisor_small,
            ..
        } => match (small, divisor_small) {
            (Some(number), Some(divisor)) => number % divisor == 0,
            _ => divisor.divides(&exact()),
        },
        NumberCheck::Bits(bits, _) => match small {
            Some(number) => *bits == 64 || i32::try_from(number).is_ok(),
            None => exact().fits(*bits),
        },
    }
}
