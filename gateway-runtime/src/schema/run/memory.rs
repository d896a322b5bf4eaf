//! What a run remembers: verdicts about values that are read again, and which members and elements were looked at.

use super::super::compile::index;
use super::super::program::PlanId;
use super::{Memo, Read, Runner};

impl<'r> Runner<'r> {
    pub(super) fn known(&self, plan: PlanId, at: usize) -> Option<Read> {
        let memo = &self.scratch.memo;
        let known = memo.get(slot(plan, at, memo.len()))?;
        let same = known.stamp == self.scratch.stamp && known.plan == plan && index(known.at) == at;
        let end = index(known.end >> 1);
        same.then_some(Read {
            ok: known.end & 1 == 1,
            end,
        })
    }

    pub(super) fn remember(&mut self, plan: PlanId, at: usize, read: Read) {
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
    pub(super) fn frame(&mut self) -> usize {
        let frame = self.scratch.used_frames;
        self.scratch.used_frames += 1;
        match self.scratch.frames.get_mut(frame) {
            Some(frame) => frame.clear(),
            None => self.scratch.frames.push(Vec::new()),
        }
        frame
    }

    pub(super) fn mark(&mut self, frame: usize, ordinal: usize) {
        let frame = &mut self.scratch.frames[frame];
        let word = ordinal / 64;
        if frame.len() <= word {
            frame.resize(word + 1, 0);
        }
        frame[word] |= 1 << (ordinal % 64);
    }

    pub(super) fn is_marked(&self, frame: usize, ordinal: usize) -> bool {
        let word = self.scratch.frames[frame].get(ordinal / 64);
        word.is_some_and(|word| word >> (ordinal % 64) & 1 == 1)
    }

    /// Adds the marks of one frame to an earlier one.
    pub(super) fn merge(&mut self, from: usize, to: usize) {
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
}

fn slot(plan: PlanId, at: usize, slots: usize) -> usize {
    let hash = (at as u64 ^ u64::from(plan) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 40) as usize & slots.wrapping_sub(1)
}
