//! Running a program over the bytes of a value.
//!
//! One code in two tempers: quiet, which stops at the first thing that is wrong and says only that; and loud, which runs after
//! a quiet refusal, goes on, and reports. Invariants: the stack is bounded by [`MAX_LEVELS`]; the work by [`Runner::steps`],
//! in proportion to the text; nothing is allocated on the way to a good verdict once [`Scratch`] has grown. A schema that is
//! asked about a value while it is being asked about that value holds as far as that question goes.

use std::cmp::Ordering;

use crate::def::{Messages, SchemaId, Types};

use super::compile::index;
use super::cursor::{MAX_DEPTH, Malformed, Number, SHALLOWER, Str, Text};
use super::number::Decimal;
use super::program::{
    ANYTHING, ArrayPlan, Branch, Enumeration, NumberCheck, ObjectPlan, PlaceId, Plan, PlanId,
    StringCheck,
};
use super::violation::{Step, Violation};
use super::{Schemas, compare, messages};

/// Most plans inside each other on the way to a value: 128 values, and the unions on the way.
const MAX_LEVELS: usize = 400;

/// Steps that every text has: a step is a value that is looked at, or [`BYTES_OF_A_STEP`] bytes that are read.
const STEPS: u64 = 1 << 20;

/// Steps for each byte of the text.
const STEPS_OF_A_BYTE: u64 = 32;

const BYTES_OF_A_STEP: usize = 32;

/// Up to so many elements are compared each with each.
const FEW: usize = 8;

/// Most violations that are told.
pub const MAX_VIOLATIONS: usize = 20;

/// Room that runs leave to those after them, so that none has to ask for it.
#[derive(Debug, Default)]
pub struct Scratch {
    room: Vec<u8>,
    /// Plans of the current member, innermost value last.
    work: Vec<PlanId>,
    /// Bits of watched members, innermost object last.
    seen: Vec<u64>,
    /// Members and elements that were looked at, by their ordinals.
    frames: Vec<Vec<u64>>,
    used_frames: usize,
    pub(super) hashes: Vec<(u64, usize)>,
    active: Vec<(PlanId, usize)>,
    scope: Vec<&'static [(&'static str, SchemaId)]>,
    memo: Vec<Memo>,
    stamp: u32,
}

/// What a plan said of a container.
#[derive(Debug, Clone, Copy, Default)]
struct Memo {
    stamp: u32,
    plan: PlanId,
    at: u32,
    /// Where it ended or was refused, and whether it was not.
    end: u32,
}

/// Why a run ended before its value did.
pub(super) enum Stop {
    Malformed(Malformed),
    /// It would take too long.
    TooMuch,
    /// There are violations enough.
    Enough,
}

impl From<Malformed> for Stop {
    fn from(malformed: Malformed) -> Stop {
        Stop::Malformed(malformed)
    }
}

/// What a run says of a value. The end holds unless a quiet run refuses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read {
    pub(super) ok: bool,
    pub(super) end: usize,
}

const REFUSED: Read = Read { ok: false, end: 0 };

pub(super) struct Runner<'r> {
    schemas: &'r Schemas,
    text: Text<'r>,
    message: Messages,
    scratch: &'r mut Scratch,
    steps: u64,
    level: usize,
    /// Values around this one that are read more than once: then so is it, and its verdicts are worth keeping.
    again: usize,
    /// Furthest place of what a quiet run refused.
    far: usize,
    /// Outermost question under way whose answer was assumed.
    assumed: usize,
    path: Vec<Step>,
    pub(super) found: Vec<Violation>,
}

/// Ends a quiet run; a loud one goes on.
macro_rules! refuse {
    ($self:ident, $ok:ident, $at:expr, $report:expr) => {{
        if !LOUD {
            $self.far = $self.far.max($at);
            return Ok(REFUSED);
        }
        $ok = false;
        $report?;
    }};
}

impl<'r> Runner<'r> {
    pub(super) fn new(
        schemas: &'r Schemas,
        text: Text<'r>,
        message: Messages,
        scratch: &'r mut Scratch,
    ) -> Runner<'r> {
        scratch.work.clear();
        scratch.seen.clear();
        scratch.used_frames = 0;
        scratch.hashes.clear();
        scratch.active.clear();
        scratch.scope.clear();
        scratch.stamp = scratch.stamp.wrapping_add(1);
        if scratch.stamp == 0 {
            scratch.memo.clear();
            scratch.stamp = 1;
        }
        Runner {
            schemas,
            text,
            message,
            scratch,
            steps: STEPS + STEPS_OF_A_BYTE * text.len() as u64,
            level: 0,
            again: 0,
            far: 0,
            assumed: usize::MAX,
            path: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Runs a plan on the value that begins at `at`, inside `depth` others. `marks` collects what was looked at.
    pub(super) fn run<const LOUD: bool>(
        &mut self,
        id: PlanId,
        at: usize,
        depth: usize,
        marks: Option<usize>,
    ) -> Result<Read, Stop> {
        let schemas = self.schemas;
        let plan = &schemas.plans[index(id)];
        if plan.anything {
            let end = self.skip(at, depth)?;
            return Ok(Read { ok: true, end });
        }
        self.step(1)?;
        if !plan.anchors.is_empty() {
            self.scratch.scope.push(plan.anchors);
        }
        let read = match self.text.byte(at) {
            Some(b'{' | b'[') => self.container::<LOUD>(id, plan, at, depth, marks),
            _ => self.scalar::<LOUD>(plan, at, depth),
        };
        if !plan.anchors.is_empty() {
            self.scratch.scope.pop();
        }
        read
    }

    fn scalar<const LOUD: bool>(
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
                    if !list.numbers.contains(&exact) {
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
    fn ended<const LOUD: bool>(
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
    fn number_type(&self, plan: &Plan, at: usize, number: Number) -> Types {
        let integer = number.small.is_some()
            || !plan.types.0.has(Types::NUMBER)
                && Decimal::read(self.text.bytes(at, number.end)).is_integer();
        if integer {
            Types::INTEGER
        } else {
            Types::FRACTION
        }
    }

    /// Whether the value is of a type that the plan accepts; otherwise nothing else is said of it.
    #[inline]
    fn kind<const LOUD: bool>(
        &mut self,
        plan: &Plan,
        at: usize,
        types: Types,
        ok: &mut bool,
    ) -> Result<bool, Stop> {
        if plan.types.0.has(types) && plan.never.is_none() {
            return Ok(true);
        }
        *ok = false;
        if !LOUD {
            self.far = self.far.max(at);
            return Ok(false);
        }
        if let Some(place) = plan.never {
            self.report_here(place, messages::NEVER)?;
        }
        for (accepted, place) in &plan.type_rules {
            if !accepted.has(types) {
                self.report(*place, "type", messages::types(*accepted))?;
            }
        }
        Ok(false)
    }

    fn container<const LOUD: bool>(
        &mut self,
        id: PlanId,
        plan: &'r Plan,
        at: usize,
        depth: usize,
        marks: Option<usize>,
    ) -> Result<Read, Stop> {
        if depth >= MAX_DEPTH {
            let expected = SHALLOWER;
            return Err(Malformed {
                offset: at,
                expected,
            }
            .into());
        }
        if self.level >= MAX_LEVELS {
            return Err(Stop::TooMuch);
        }
        let keep = self.again > 0 && marks.is_none() && self.scratch.scope.is_empty();
        if keep && LOUD {
            // What is fine needs no second look.
            let read = self.container::<false>(id, plan, at, depth, None)?;
            if read.ok {
                return Ok(read);
            }
        }
        let keep = keep && !LOUD;
        if keep && let Some(known) = self.known(id, at) {
            if !known.ok {
                self.far = self.far.max(known.end);
            }
            return Ok(known);
        }
        let assumed = std::mem::replace(&mut self.assumed, usize::MAX);
        let far = std::mem::replace(&mut self.far, at);
        let work = self.scratch.work.len();
        let seen = self.scratch.seen.len();
        let hashes = self.scratch.hashes.len();
        let frames = self.scratch.used_frames;
        let path = self.path.len();
        let again = self.again;
        self.again += usize::from(!plan.branches.is_empty());
        self.level += 1;
        let read = self.parts::<LOUD>(plan, at, depth, marks)?;
        self.level -= 1;
        self.again = again;
        self.scratch.work.truncate(work);
        self.scratch.seen.truncate(seen);
        self.scratch.hashes.truncate(hashes);
        self.scratch.used_frames = frames;
        self.path.truncate(path);
        if keep && self.assumed == usize::MAX {
            let end = if read.ok { read.end } else { self.far };
            self.remember(id, at, Read { end, ..read });
        }
        self.assumed = self.assumed.min(assumed);
        self.far = self.far.max(far);
        Ok(read)
    }

    /// All that is demanded of an array or an object.
    fn parts<const LOUD: bool>(
        &mut self,
        plan: &'r Plan,
        at: usize,
        depth: usize,
        marks: Option<usize>,
    ) -> Result<Read, Stop> {
        let is_object = self.text.byte(at) == Some(b'{');
        let types = if is_object {
            Types::OBJECT
        } else {
            Types::ARRAY
        };
        let mut ok = true;
        if !self.kind::<LOUD>(plan, at, types, &mut ok)? {
            let end = if LOUD { self.skip(at, depth)? } else { at };
            return Ok(Read { ok, end });
        }
        for (list, place) in &plan.enums {
            if !self.lists_container(list, at, depth)? {
                refuse!(self, ok, at, self.not_listed(list, *place));
            }
        }
        let object = plan.object.as_deref().filter(|_| is_object);
        let array = plan.array.as_deref().filter(|_| !is_object);
        let unevaluated = object.is_some_and(|object| object.unevaluated.is_some())
            || array.is_some_and(|array| array.unevaluated.is_some());
        let frame = if unevaluated {
            Some(self.frame())
        } else {
            marks
        };
        let mut end = None;
        if !plan.branches.is_empty() {
            let (kept, ended) = self.branches::<LOUD>(plan, at, depth, types, frame)?;
            if !kept && !LOUD {
                return Ok(REFUSED);
            }
            ok &= kept;
            end = ended;
        }
        let read = match (object, array, end) {
            (Some(object), _, _) => self.object::<LOUD>(object, at, depth, frame)?,
            (_, Some(array), _) => self.array::<LOUD>(array, at, depth, frame)?,
            (_, _, Some(end)) => Read { ok: true, end },
            _ => Read {
                ok: true,
                end: self.skip(at, depth)?,
            },
        };
        ok &= read.ok;
        if ok
            && unevaluated
            && let (Some(frame), Some(marks)) = (frame, marks)
        {
            self.merge(frame, marks);
        }
        Ok(Read { ok, ..read })
    }

    fn object<const LOUD: bool>(
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
            let named = known.map_or(0, |known| object.members[known].children.len());
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
            if let Some(member) = known.map(|known| &object.members[known]) {
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

    /// The number of a member's name, with plans that other rules have for it in `work`, and whether a rule named it.
    #[inline]
    fn look_up(&mut self, object: &'r ObjectPlan, name: Str) -> (Option<usize>, bool) {
        let Scratch { room, work, .. } = &mut *self.scratch;
        let name = self.text.decoded(name, room);
        let known = object.names.find(name);
        let member = known.map(|known| &object.members[known]);
        let mut evaluated = member.is_some_and(|member| member.declared);
        let named_by = member.map_or(0, |member| member.named_by);
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
        (known, evaluated)
    }

    fn is_seen(&self, seen: usize, bit: usize) -> bool {
        let word = self.scratch.seen.get(seen + bit / 64);
        word.is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    fn has_required(&self, object: &ObjectPlan, seen: usize) -> bool {
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

    fn report_required(&mut self, object: &ObjectPlan, seen: usize) -> Result<(), Stop> {
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

    fn array<const LOUD: bool>(
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
                self.scratch.hashes.push((0, value));
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
    fn repeats(&mut self, from: usize) -> bool {
        let text = self.text;
        let elements = self.scratch.hashes.get_mut(from..).unwrap_or_default();
        if elements.len() <= FEW {
            // Few are compared faster than hashed.
            let mut rest = &*elements;
            while let [(_, first), others @ ..] = rest {
                let same = |(_, other): &(u64, usize)| compare::equal(text, *first, text, *other);
                if others.iter().any(same) {
                    return true;
                }
                rest = others;
            }
            return false;
        }
        for (hash, at) in elements.iter_mut() {
            *hash = compare::hash(text, *at, &self.schemas.hasher);
        }
        elements.sort_unstable();
        // Equal hashes are equal values but by a chance that nobody can bring about, so neighbours suffice.
        elements.windows(2).any(|pair| match pair {
            [(a, first), (b, second)] => a == b && compare::equal(text, *first, text, *second),
            _ => false,
        })
    }

    /// Whether an object of `count` members has so many names.
    fn has_names(
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
            self.scratch.hashes.push((hash, start));
            let end = self.skip(value, depth + 1)?;
            next = text.next(end, b'}')?;
        }
        let hashes = self.scratch.hashes.get_mut(from..).unwrap_or_default();
        hashes.sort_unstable();
        let same = |pair: &&[(u64, usize)]| match pair {
            [(a, first), (b, second)] => a == b && compare::equal(text, *first, text, *second),
            _ => false,
        };
        let repeated = hashes.windows(2).filter(same).count();
        self.scratch.hashes.truncate(from);
        Ok((count - repeated) as u64 >= least)
    }

    /// Everything for which the value is read again. The end, where a branch has seen it.
    fn branches<const LOUD: bool>(
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

    fn any<const LOUD: bool>(
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

    fn one<const LOUD: bool>(
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
    fn union(
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
    fn quietly(
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
    fn in_place<const LOUD: bool>(
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
    fn dynamic(&self, name: &str) -> Option<PlanId> {
        let mut anchors = self.scratch.scope.iter().copied().flatten();
        let (_, schema) = anchors.find(|(known, _)| *known == name)?;
        *self.schemas.by_schema.get(index(*schema))?
    }

    fn has_member(&mut self, at: usize, depth: usize, name: &str) -> Result<bool, Stop> {
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

    fn discriminated<const LOUD: bool>(
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

    fn lists_string(&mut self, list: &Enumeration, string: Str) -> bool {
        let string = self.text.decoded(string, &mut self.scratch.room);
        list.strings
            .binary_search_by(|known| (**known).cmp(string))
            .is_ok()
    }

    fn lists_container(
        &mut self,
        list: &Enumeration,
        at: usize,
        depth: usize,
    ) -> Result<bool, Stop> {
        // Comparing reads on its own, and needs a value that is JSON.
        let end = self.skip(at, depth)?;
        for known in &list.containers {
            self.step(1 + (end - at).min(known.len()) / BYTES_OF_A_STEP)?;
            if compare::equal(Text::of(known), 0, self.text, at) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn keeps(&mut self, check: &StringCheck, string: Str) -> bool {
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
                std::str::from_utf8(text).is_ok_and(|text| super::format::is(*format, text))
            }
        }
    }

    /// Characters of a string.
    fn length(&mut self, string: Str) -> u64 {
        let text = self.text.decoded(string, &mut self.scratch.room);
        text.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64
    }

    /// Behind the value that begins here, whatever it is.
    #[inline]
    fn skip(&mut self, at: usize, depth: usize) -> Result<usize, Stop> {
        let end = self.text.skip(at, depth)?;
        self.step((end - at) / BYTES_OF_A_STEP)?;
        Ok(end)
    }

    #[inline]
    fn step(&mut self, steps: usize) -> Result<(), Stop> {
        match self.steps.checked_sub(steps as u64) {
            Some(rest) => {
                self.steps = rest;
                Ok(())
            }
            None => Err(Stop::TooMuch),
        }
    }

    fn known(&self, plan: PlanId, at: usize) -> Option<Read> {
        let memo = &self.scratch.memo;
        let known = memo.get(slot(plan, at, memo.len()))?;
        let same = known.stamp == self.scratch.stamp && known.plan == plan && index(known.at) == at;
        let end = index(known.end >> 1);
        same.then_some(Read {
            ok: known.end & 1 == 1,
            end,
        })
    }

    fn remember(&mut self, plan: PlanId, at: usize, read: Read) {
        let memo = &mut self.scratch.memo;
        let wanted = (self.text.len() / 8).next_power_of_two().clamp(64, 65_536);
        if memo.len() < wanted {
            memo.clear();
            memo.resize(wanted, Memo::default());
        }
        let slot = slot(plan, at, memo.len());
        let (Ok(at), Ok(end)) = (u32::try_from(at), u32::try_from(read.end)) else {
            return;
        };
        memo[slot] = Memo {
            stamp: self.scratch.stamp,
            plan,
            at,
            end: end << 1 | u32::from(read.ok),
        };
    }

    /// An empty frame.
    fn frame(&mut self) -> usize {
        let frame = self.scratch.used_frames;
        self.scratch.used_frames += 1;
        match self.scratch.frames.get_mut(frame) {
            Some(frame) => frame.clear(),
            None => self.scratch.frames.push(Vec::new()),
        }
        frame
    }

    fn mark(&mut self, frame: usize, ordinal: usize) {
        let frame = &mut self.scratch.frames[frame];
        let word = ordinal / 64;
        if frame.len() <= word {
            frame.resize(word + 1, 0);
        }
        frame[word] |= 1 << (ordinal % 64);
    }

    fn is_marked(&self, frame: usize, ordinal: usize) -> bool {
        let word = self.scratch.frames[frame].get(ordinal / 64);
        word.is_some_and(|word| word >> (ordinal % 64) & 1 == 1)
    }

    /// Adds the marks of one frame to an earlier one.
    fn merge(&mut self, from: usize, to: usize) {
        let (before, behind) = self.scratch.frames.split_at_mut(from);
        let (Some(to), Some(from)) = (before.get_mut(to), behind.first()) else {
            return;
        };
        if to.len() < from.len() {
            to.resize(from.len(), 0);
        }
        for (to, from) in to.iter_mut().zip(from) {
            *to |= from;
        }
    }

    fn not_listed(&mut self, list: &Enumeration, place: PlaceId) -> Result<(), Stop> {
        let keyword = if list.texts.len() == 1 {
            "const"
        } else {
            "enum"
        };
        self.report(place, keyword, messages::listed(list.texts))
    }

    fn report_string(&mut self, check: &StringCheck, place: PlaceId) -> Result<(), Stop> {
        let (keyword, message) = messages::string(check);
        self.report(place, keyword, message)
    }

    fn report_number(&mut self, check: &NumberCheck, place: PlaceId) -> Result<(), Stop> {
        let (keyword, message) = messages::number(check);
        self.report(place, keyword, message)
    }

    /// Reports what a union's best plan finds, or that there is no best one. Returns the end of the value.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a union knows when it fails"
    )]
    fn report_union(
        &mut self,
        plans: &[PlanId],
        best: Option<PlanId>,
        place: PlaceId,
        keyword: &'static str,
        none: &'static str,
        at: usize,
        depth: usize,
        types: Types,
    ) -> Result<Option<usize>, Stop> {
        let schemas = self.schemas;
        let accepts = |plan: &PlanId| schemas.plans[index(*plan)].types.0;
        let mut of_type = plans.iter().filter(|plan| accepts(plan).has(types));
        let only = match (of_type.next(), of_type.next()) {
            (Some(only), None) => Some(*only),
            _ => None,
        };
        if let Some(plan) = best.or(only) {
            let before = self.found.len();
            let read = self.in_place::<true>(plan, at, depth, None)?;
            if self.found.len() > before {
                return Ok(Some(read.end));
            }
        }
        let all = plans.iter().map(accepts).fold(Types::NONE, Types::or);
        let message = if all.has(types) {
            none.to_owned()
        } else {
            messages::types(all)
        };
        self.report(place, keyword, message)?;
        Ok(Some(self.skip(at, depth)?))
    }

    /// Reports a demand that a list of rules makes by a keyword of its own.
    fn report(
        &mut self,
        place: PlaceId,
        keyword: &'static str,
        message: String,
    ) -> Result<(), Stop> {
        let mut at = self.schemas.place_text(place);
        at.push('/');
        at.push_str(keyword);
        self.add(at, keyword, message)
    }

    /// Reports a demand that a whole schema makes.
    fn report_here(&mut self, place: PlaceId, message: &str) -> Result<(), Stop> {
        let at = self.schemas.place_text(place);
        let keyword = self.schemas.place_keyword(place);
        let message = messages::never(keyword).unwrap_or(message);
        self.add(at, keyword, message.to_owned())
    }

    fn add(&mut self, schema: String, keyword: &'static str, message: String) -> Result<(), Stop> {
        let violation = Violation {
            pointer: super::violation::pointer(self.text, &self.path),
            schema,
            keyword,
            message,
        };
        if self.found.contains(&violation) {
            return Ok(());
        }
        if self.found.len() >= MAX_VIOLATIONS {
            return Err(Stop::Enough);
        }
        self.found.push(violation);
        Ok(())
    }
}

fn slot(plan: PlanId, at: usize, slots: usize) -> usize {
    let hash = (at as u64 ^ u64::from(plan) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 40) as usize & slots.wrapping_sub(1)
}

/// Whether a number keeps a rule.
fn is_kept<'t>(check: &NumberCheck, small: Option<i64>, exact: impl Fn() -> Decimal<'t>) -> bool {
    let compared = |bound: &super::program::Bound| match (small, bound.small) {
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
