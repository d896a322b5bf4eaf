//! What reads a value again: unions, negations, conditions, and schemas that could not be joined.

use crate::def::Types;

use super::super::compile::index;
use super::super::messages;
use super::super::program::{ANYTHING, Branch, PlaceId, Plan, PlanId};
use super::super::violation::Step;
use super::{MAX_LEVELS, Read, Runner, Stop};

impl<'r> Runner<'r> {
    /// Everything for which the value is read again. The end, where a branch has seen it.
    pub(super) fn branches<const LOUD: bool>(
        &mut self,
        plan: &'r Plan,
        at: usize,
        depth: usize,
        types: Types,
        frame: Option<usize>,
    ) -> Result<(bool, Option<usize>), Stop> {
        let mut ok = true;
        let mut end = None;
        for (branch, place) in &plan.branches {
            let (kept, ended) = match branch {
                Branch::Also(plan) => {
                    let read = self.in_place::<LOUD>(*plan, at, depth, frame)?;
                    (read.ok, Some(read.end))
                }
                Branch::Dynamic(name, otherwise) => {
                    let plan = self.dynamic(name).unwrap_or(*otherwise);
                    let read = self.in_place::<LOUD>(plan, at, depth, frame)?;
                    (read.ok, Some(read.end))
                }
                Branch::Any(plans) => self.any::<LOUD>(plans, *place, at, depth, types, frame)?,
                Branch::One(plans) => self.one::<LOUD>(plans, *place, at, depth, types, frame)?,
                Branch::Not(plan) => {
                    let kept = !self.quietly(*plan, at, depth, None)?.ok;
                    if !kept {
                        self.far = self.far.max(at);
                    }
                    if LOUD && !kept {
                        self.report(*place, "not", messages::NOT.to_owned())?;
                    }
                    (kept, None)
                }
                Branch::If {
                    when,
                    then,
                    otherwise,
                } => {
                    let holds = self.quietly(*when, at, depth, frame)?.ok;
                    let plan = if holds { *then } else { *otherwise };
                    if plan == ANYTHING {
                        continue;
                    }
                    let read = self.in_place::<LOUD>(plan, at, depth, frame)?;
                    (read.ok, Some(read.end))
                }
                Branch::Dependent(name, plan) => {
                    if types != Types::OBJECT || !self.has_member(at, depth, name)? {
                        continue;
                    }
                    let read = self.in_place::<LOUD>(*plan, at, depth, frame)?;
                    (read.ok, Some(read.end))
                }
                Branch::Discriminator { property, mapping } if types == Types::OBJECT => {
                    self.discriminated::<LOUD>(property, mapping, *place, at, depth, frame)?
                }
                Branch::Discriminator { mapping, .. } => {
                    let mut kept = false;
                    for (_, plan) in mapping {
                        kept = kept || self.quietly(*plan, at, depth, None)?.ok;
                    }
                    if LOUD && !kept {
                        let types = messages::types(Types::OBJECT);
                        self.report(*place, "discriminator", types)?;
                    }
                    (kept, None)
                }
            };
            if kept || LOUD {
                end = end.or(ended);
            }
            ok &= kept;
            if !ok && !LOUD {
                return Ok((false, None));
            }
        }
        Ok((ok, end))
    }

    pub(super) fn any<const LOUD: bool>(
        &mut self,
        plans: &[PlanId],
        place: PlaceId,
        at: usize,
        depth: usize,
        types: Types,
        frame: Option<usize>,
    ) -> Result<(bool, Option<usize>), Stop> {
        let far = self.far;
        let mut end = None;
        let mut best = (at, None);
        for plan in plans {
            self.far = at;
            let read = self.union(*plan, at, depth, frame)?;
            if read.ok {
                end = Some(read.end);
                // What others have looked at counts as well.
                if frame.is_none() {
                    break;
                }
            } else if self.far > best.0 {
                best = (self.far, Some(*plan));
            }
        }
        if end.is_some() {
            self.far = far;
            return Ok((true, end));
        }
        self.far = far.max(best.0);
        if LOUD {
            let none = messages::NONE_OF_ANY;
            end = self.report_union(plans, best.1, place, "anyOf", none, at, depth, types)?;
        }
        Ok((false, end))
    }

    pub(super) fn one<const LOUD: bool>(
        &mut self,
        plans: &[PlanId],
        place: PlaceId,
        at: usize,
        depth: usize,
        types: Types,
        frame: Option<usize>,
    ) -> Result<(bool, Option<usize>), Stop> {
        let far = self.far;
        let mut end = None;
        let mut best = (at, None);
        for plan in plans {
            self.far = at;
            let read = self.union(*plan, at, depth, frame)?;
            if !read.ok {
                if self.far > best.0 {
                    best = (self.far, Some(*plan));
                }
            } else if end.is_some() {
                self.far = far.max(at);
                if LOUD {
                    self.report(place, "oneOf", messages::MORE_THAN_ONE.to_owned())?;
                }
                return Ok((false, end));
            } else {
                end = Some(read.end);
            }
        }
        if end.is_some() {
            self.far = far;
            return Ok((true, end));
        }
        self.far = far.max(best.0);
        if LOUD {
            let none = messages::NONE_OF_ONE;
            end = self.report_union(plans, best.1, place, "oneOf", none, at, depth, types)?;
        }
        Ok((false, end))
    }

    /// Asks a plan of a union, and keeps what it looked at if it holds.
    pub(super) fn union(
        &mut self,
        plan: PlanId,
        at: usize,
        depth: usize,
        frame: Option<usize>,
    ) -> Result<Read, Stop> {
        self.again += 1;
        let used = self.scratch.used_frames;
        let own = frame.map(|_| self.frame());
        let read = self.in_place::<false>(plan, at, depth, own)?;
        if read.ok
            && let (Some(own), Some(frame)) = (own, frame)
        {
            self.merge(own, frame);
        }
        self.scratch.used_frames = used;
        self.again -= 1;
        Ok(read)
    }

    /// Asks a plan whose refusal is no fault.
    pub(super) fn quietly(
        &mut self,
        plan: PlanId,
        at: usize,
        depth: usize,
        frame: Option<usize>,
    ) -> Result<Read, Stop> {
        let far = self.far;
        let read = self.union(plan, at, depth, frame)?;
        self.far = far;
        Ok(read)
    }

    /// Asks another plan about the same value.
    pub(super) fn in_place<const LOUD: bool>(
        &mut self,
        plan: PlanId,
        at: usize,
        depth: usize,
        marks: Option<usize>,
    ) -> Result<Read, Stop> {
        let active = &self.scratch.active;
        let here = active.iter().rev().take_while(|(_, place)| *place == at);
        if let Some(back) = here.into_iter().position(|(asked, _)| *asked == plan) {
            self.assumed = self.assumed.min(active.len() - 1 - back);
            let end = self.skip(at, depth)?;
            return Ok(Read { ok: true, end });
        }
        if self.level >= MAX_LEVELS {
            return Err(Stop::TooMuch);
        }
        let asked = self.scratch.active.len();
        self.scratch.active.push((plan, at));
        self.level += 1;
        let read = self.run::<LOUD>(plan, at, depth, marks)?;
        self.level -= 1;
        self.scratch.active.truncate(asked);
        if self.assumed >= asked {
            self.assumed = usize::MAX;
        }
        Ok(read)
    }

    /// What the outermost schema resource calls by this name.
    pub(super) fn dynamic(&self, name: &str) -> Option<PlanId> {
        let mut anchors = self.scratch.scope.iter().copied().flatten();
        let (_, schema) = anchors.find(|(known, _)| *known == name)?;
        *self.schemas.by_schema.get(index(*schema))?
    }

    pub(super) fn has_member(&mut self, at: usize, depth: usize, name: &str) -> Result<bool, Stop> {
        let text = self.text;
        let mut found = false;
        let mut next = text.first(at, b'}');
        while let Ok(start) = next {
            let (known, value) = text.name(start)?;
            self.step(1)?;
            found |= text.decoded(known, &mut self.scratch.room) == name.as_bytes();
            let end = self.skip(value, depth + 1)?;
            next = text.next(end, b'}')?;
        }
        Ok(found)
    }

    pub(super) fn discriminated<const LOUD: bool>(
        &mut self,
        property: &'static str,
        mapping: &[(&'static str, PlanId)],
        place: PlaceId,
        at: usize,
        depth: usize,
        frame: Option<usize>,
    ) -> Result<(bool, Option<usize>), Stop> {
        let text = self.text;
        let mut ok = true;
        let mut ended = None;
        let mut found = false;
        let mut next = text.first(at, b'}');
        while let Ok(start) = next {
            let (name, value) = text.name(start)?;
            self.step(1)?;
            if text.decoded(name, &mut self.scratch.room) == property.as_bytes() {
                found = true;
                let plan = match text.string(value) {
                    Ok(string) => {
                        let string = text.decoded(string, &mut self.scratch.room);
                        let at =
                            mapping.binary_search_by(|(known, _)| known.as_bytes().cmp(string));
                        at.ok().and_then(|at| mapping.get(at))
                    }
                    Err(_) => None,
                };
                match plan {
                    Some((_, plan)) => {
                        let read = self.in_place::<LOUD>(*plan, at, depth, frame)?;
                        ok &= read.ok;
                        ended = Some(read.end);
                    }
                    None => {
                        ok = false;
                        self.far = self.far.max(value);
                        if LOUD {
                            self.path.push(Step::Name(name));
                            let known = mapping.iter().map(|(known, _)| *known);
                            self.report(place, "discriminator", messages::discriminated(known))?;
                            self.path.pop();
                        }
                    }
                }
                if !ok && !LOUD {
                    return Ok((false, None));
                }
            }
            let end = self.skip(value, depth + 1)?;
            next = text.next(end, b'}')?;
        }
        if !found {
            self.far = self.far.max(at);
            ok = false;
            if LOUD {
                self.report(place, "discriminator", messages::undiscriminated(property))?;
            }
        }
        Ok((ok, ended))
    }
}
