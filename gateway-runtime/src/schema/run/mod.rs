//! Running a program over the bytes of a value.
//!
//! One code in two tempers: quiet, which stops at the first thing that is wrong and says only that; and loud, which runs after
//! a quiet refusal, goes on, and reports. Invariants: the stack is bounded by [`MAX_LEVELS`]; the work by [`Runner::steps`],
//! in proportion to the text; nothing is allocated on the way to a good verdict once [`Scratch`] has grown. A schema that is
//! asked about a value while it is being asked about that value holds as far as that question goes.

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

mod arrays;
mod branches;
mod memory;
mod objects;
mod report;
mod scalars;

use crate::def::{Messages, SchemaId, Types};

use super::Schemas;
use super::compare::{self, Hashed};
use super::compile::index;
use super::cursor::{MAX_DEPTH, Malformed, SHALLOWER, Text};
use super::messages;
use super::program::{Enumeration, Plan, PlanId};
use super::violation::{Step, Violation};

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
    /// Values that must not be equal, innermost container last.
    hashes: Vec<Hashed>,
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

    fn lists_container(
        &mut self,
        list: &Enumeration,
        at: usize,
        depth: usize,
    ) -> Result<bool, Stop> {
        if list.containers.is_empty() {
            return Ok(false);
        }
        // Hashing reads on its own, and needs a value that is JSON.
        self.skip(at, depth)?;
        let keys = &self.schemas.hasher;
        let value = compare::hash(self.text, at, keys);
        for known in &list.containers {
            self.step(1 + known.len() / BYTES_OF_A_STEP)?;
            if compare::hash(Text::of(known), 0, keys) == value {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
