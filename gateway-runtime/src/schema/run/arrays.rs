//! Arrays, an element at a time.

use super::super::compare::{self, Hashed};
use super::super::messages;
use super::super::program::{ANYTHING, ArrayPlan};
use super::super::violation::Step;
use super::{BYTES_OF_A_STEP, FEW, REFUSED, Read, Runner, Stop};

impl<'r> Runner<'r> {
    pub(super) fn array<const LOUD: bool>(
        &mut self,
        array: &'r ArrayPlan,
        at: usize,
        depth: usize,
        frame: Option<usize>,
    ) -> Result<Read, Stop> {
        let text = self.text;
        let mut ok = true;
        let hashes = self.scratch.hashes.len();
        // Elements that each `contains` has found, behind the bits of objects around this array.
        let found = self.scratch.seen.len();
        self.scratch.seen.resize(found + array.contains.len(), 0);
        self.again += usize::from(array.parts.len() > 1);
        let mut count: usize = 0;
        let mut next = text.first(at, b']');
        let end = loop {
            let value = match next {
                Ok(value) => value,
                Err(end) => break end,
            };
            self.step(1)?;
            if LOUD {
                self.path.push(Step::Index(count));
            }
            let mut end = None;
            let mut kept = true;
            let mut evaluated = false;
            for part in &array.parts {
                let Some(plan) = part.prefix.get(count).copied().or(part.items) else {
                    continue;
                };
                evaluated = true;
                if plan == ANYTHING {
                    continue;
                }
                let read = self.run::<LOUD>(plan, value, depth + 1, None)?;
                if !read.ok && !LOUD {
                    return Ok(REFUSED);
                }
                kept &= read.ok;
                end = Some(read.end);
            }
            for (number, contains) in array.contains.iter().enumerate() {
                if self.quietly(contains.plan, value, depth + 1, None)?.ok {
                    self.scratch.seen[found + number] += 1;
                    evaluated = true;
                }
            }
            if let Some(frame) = frame {
                if evaluated {
                    self.mark(frame, count);
                } else if let Some((plan, _)) = array.unevaluated
                    && !self.is_marked(frame, count)
                {
                    let read = self.run::<LOUD>(plan, value, depth + 1, None)?;
                    if !read.ok && !LOUD {
                        return Ok(REFUSED);
                    }
                    kept &= read.ok;
                    end = Some(read.end);
                    self.mark(frame, count);
                }
            }
            let end = match end {
                Some(end) => end,
                None => self.skip(value, depth + 1)?,
            };
            if array.unique.is_some() {
                self.step((end - value) / BYTES_OF_A_STEP)?;
                self.scratch.hashes.push(Hashed {
                    hash: 0,
                    at: value,
                    end,
                });
            }
            ok &= kept;
            if LOUD {
                self.path.pop();
            }
            count += 1;
            next = text.next(end, b']')?;
        };
        for (most, place) in &array.max {
            if count as u64 > *most {
                refuse!(
                    self,
                    ok,
                    end,
                    self.report(
                        *place,
                        "maxItems",
                        messages::at_most(*most, "element", "elements")
                    )
                );
            }
        }
        for (least, place) in &array.min {
            if (count as u64) < *least {
                refuse!(
                    self,
                    ok,
                    end,
                    self.report(
                        *place,
                        "minItems",
                        messages::at_least(*least, "element", "elements")
                    )
                );
            }
        }
        if let Some(place) = array.unique
            && self.repeats(hashes)
        {
            refuse!(
                self,
                ok,
                end,
                self.report(place, "uniqueItems", messages::UNIQUE.to_owned())
            );
        }
        for (number, contains) in array.contains.iter().enumerate() {
            let found = self.scratch.seen[found + number];
            if found < contains.min {
                refuse!(
                    self,
                    ok,
                    end,
                    self.report(
                        contains.place,
                        if contains.min == 1 {
                            "contains"
                        } else {
                            "minContains"
                        },
                        messages::contains_least(contains.min)
                    )
                );
            }
            if let Some(most) = contains.max
                && found > most
            {
                refuse!(
                    self,
                    ok,
                    end,
                    self.report(contains.place, "maxContains", messages::contains_most(most))
                );
            }
        }
        Ok(Read { ok, end })
    }

    /// Whether two of the elements that stand behind `from` are equal.
    pub(super) fn repeats(&mut self, from: usize) -> bool {
        let (text, keys) = (self.text, &self.schemas.hasher);
        let elements = self.scratch.hashes.get_mut(from..).unwrap_or_default();
        if elements.len() <= FEW {
            // Few are compared faster than hashed.
            let mut rest = &*elements;
            while let [first, others @ ..] = rest {
                if others.iter().any(|other| first.equals(other, text, keys)) {
                    return true;
                }
                rest = others;
            }
            return false;
        }
        for element in elements.iter_mut() {
            element.hash = compare::hash(text, element.at, keys);
        }
        elements.sort_unstable();
        // Equal hashes are equal values but by a chance that nobody can bring about, so neighbours suffice.
        elements.windows(2).any(|pair| match pair {
            [a, b] => a.hash == b.hash && a.equals(b, text, keys),
            _ => false,
        })
    }
}
