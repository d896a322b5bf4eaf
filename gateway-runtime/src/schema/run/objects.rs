//! Objects, a member at a time.

use crate::def::Messages;

use super::super::compare::{self, Hashed};
use super::super::cursor::Str;
use super::super::messages;
use super::super::program::{Member, ObjectPlan, PlanId};
use super::super::violation::Step;
use super::{BYTES_OF_A_STEP, REFUSED, Read, Runner, Scratch, Stop};

impl<'r> Runner<'r> {
    pub(super) fn object<const LOUD: bool>(
        &mut self,
        object: &'r ObjectPlan,
        at: usize,
        depth: usize,
        frame: Option<usize>,
    ) -> Result<Read, Stop> {
        let text = self.text;
        let mut ok = true;
        let seen = self.scratch.seen.len();
        self.scratch.seen.resize(seen + object.in_requests.len(), 0);
        let mut count = 0;
        let mut next = text.first(at, b'}');
        let end = loop {
            let start = match next {
                Ok(start) => start,
                Err(end) => break end,
            };
            let (name, value) = text.name(start)?;
            self.step(1 + (name.end - name.start) / BYTES_OF_A_STEP)?;
            let work = self.scratch.work.len();
            let (known, evaluated) = self.look_up(object, name);
            let named = known.map_or(0, |member| member.children.len());
            let several = named + (self.scratch.work.len() - work) > 1;
            self.again += usize::from(several);
            if LOUD {
                self.path.push(Step::Name(name));
            }
            let mut end = None;
            let mut kept = true;
            for plan in &object.property_names {
                kept &= self.run::<LOUD>(*plan, start, depth + 1, None)?.ok;
            }
            if let Some(member) = known {
                if let Some(bit) = member.bit {
                    self.scratch.seen[seen + bit / 64] |= 1 << (bit % 64);
                }
                for plan in &object.children[member.children.clone()] {
                    if !kept && !LOUD {
                        return Ok(REFUSED);
                    }
                    let read = self.run::<LOUD>(*plan, value, depth + 1, None)?;
                    kept &= read.ok;
                    end = Some(read.end);
                }
            }
            while self.scratch.work.len() > work
                && let Some(plan) = self.scratch.work.pop()
            {
                if !kept && !LOUD {
                    return Ok(REFUSED);
                }
                let read = self.run::<LOUD>(plan, value, depth + 1, None)?;
                kept &= read.ok;
                end = Some(read.end);
            }
            if !kept && !LOUD {
                return Ok(REFUSED);
            }
            if let Some(frame) = frame {
                if evaluated {
                    self.mark(frame, count);
                } else if let Some((plan, _)) = object.unevaluated
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
            ok &= kept;
            self.again -= usize::from(several);
            if LOUD {
                self.path.pop();
            }
            count += 1;
            let end = match end {
                Some(end) => end,
                None => self.skip(value, depth + 1)?,
            };
            next = text.next(end, b'}')?;
        };
        for (most, place) in &object.max {
            if count as u64 > *most {
                refuse!(
                    self,
                    ok,
                    end,
                    self.report(
                        *place,
                        "maxProperties",
                        messages::at_most(*most, "property", "properties")
                    )
                );
            }
        }
        for (least, place) in &object.min {
            if !self.has_names(at, depth, count, *least)? {
                refuse!(
                    self,
                    ok,
                    end,
                    self.report(
                        *place,
                        "minProperties",
                        messages::at_least(*least, "property", "properties")
                    )
                );
            }
        }
        if !self.has_required(object, seen) {
            if !LOUD {
                self.far = self.far.max(end);
                return Ok(REFUSED);
            }
            ok = false;
            self.report_required(object, seen)?;
        }
        for dependent in &object.dependent {
            if !self.is_seen(seen, dependent.when) {
                continue;
            }
            for bit in &dependent.then {
                if !self.is_seen(seen, *bit) {
                    refuse!(
                        self,
                        ok,
                        end,
                        self.report(
                            dependent.place,
                            "dependentRequired",
                            messages::dependent(
                                object.watched[*bit],
                                object.watched[dependent.when]
                            )
                        )
                    );
                }
            }
        }
        Ok(Read { ok, end })
    }

    /// What is known of a member by its name, with plans that other rules have for it in `work`, and whether a rule named it.
    #[inline]
    pub(super) fn look_up(
        &mut self,
        object: &'r ObjectPlan,
        name: Str,
    ) -> (Option<&'r Member>, bool) {
        let Scratch { room, work, .. } = &mut *self.scratch;
        let name = self.text.decoded(name, room);
        match object.names.find(name) {
            Some(known) => {
                let member = &object.members[known];
                let evaluated = member.declared
                    | (!member.settled && loosely(work, object, name, member.named_by));
                (Some(member), evaluated)
            }
            None => (None, loosely(work, object, name, 0)),
        }
    }

    pub(super) fn is_seen(&self, seen: usize, bit: usize) -> bool {
        let word = self.scratch.seen.get(seen + bit / 64);
        word.is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    pub(super) fn has_required(&self, object: &ObjectPlan, seen: usize) -> bool {
        let needed = match self.message {
            Messages::Requests | Messages::Both => &object.in_requests,
            Messages::Responses => &object.in_responses,
        };
        let seen = self.scratch.seen.get(seen..).unwrap_or_default();
        needed
            .iter()
            .zip(seen)
            .all(|(needed, seen)| needed & !seen == 0)
    }

    pub(super) fn report_required(&mut self, object: &ObjectPlan, seen: usize) -> Result<(), Stop> {
        for required in &object.required {
            let other = match self.message {
                Messages::Requests | Messages::Both => Messages::Responses,
                Messages::Responses => Messages::Requests,
            };
            if required.within != other && !self.is_seen(seen, required.bit) {
                let message = messages::required(object.watched[required.bit]);
                self.report(required.place, "required", message)?;
            }
        }
        Ok(())
    }

    /// Whether an object of `count` members has so many names.
    pub(super) fn has_names(
        &mut self,
        at: usize,
        depth: usize,
        count: usize,
        least: u64,
    ) -> Result<bool, Stop> {
        if (count as u64) < least || least < 2 {
            return Ok(count as u64 >= least);
        }
        let text = self.text;
        let from = self.scratch.hashes.len();
        let mut next = text.first(at, b'}');
        while let Ok(start) = next {
            let (name, value) = text.name(start)?;
            self.step(1 + (name.end - name.start) / BYTES_OF_A_STEP)?;
            let hash = compare::hash(text, start, &self.schemas.hasher);
            self.scratch.hashes.push(Hashed {
                hash,
                at: start,
                end: name.end + 1,
            });
            let end = self.skip(value, depth + 1)?;
            next = text.next(end, b'}')?;
        }
        let hashes = self.scratch.hashes.get_mut(from..).unwrap_or_default();
        hashes.sort_unstable();
        let keys = &self.schemas.hasher;
        let same = |pair: &&[Hashed]| match pair {
            [a, b] => a.hash == b.hash && a.equals(b, text, keys),
            _ => false,
        };
        let repeated = hashes.windows(2).filter(same).count();
        self.scratch.hashes.truncate(from);
        Ok((count - repeated) as u64 >= least)
    }
}

/// Puts the plans that rules have for members of this name, but not by this name, in `work`, and says whether there are any.
#[inline(never)]
fn loosely(work: &mut Vec<PlanId>, object: &ObjectPlan, name: &[u8], named_by: u64) -> bool {
    let mut evaluated = false;
    for (number, loose) in object.loose.iter().enumerate() {
        let mut named = named_by >> number & 1 == 1;
        for (pattern, plan) in &loose.patterns {
            if pattern.matches(name) {
                named = true;
                evaluated = true;
                work.push(*plan);
            }
        }
        if !named && let Some(plan) = loose.additional {
            evaluated = true;
            work.push(plan);
        }
    }
    evaluated
}
