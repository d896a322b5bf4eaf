//! What a loud run says.

use crate::def::Types;

use super::super::compile::index;
use super::super::messages;
use super::super::program::{Enumeration, NumberCheck, PlaceId, PlanId, StringCheck};
use super::super::violation::{Violation, pointer};
use super::{MAX_VIOLATIONS, Runner, Stop};

impl<'r> Runner<'r> {
    pub(super) fn not_listed(&mut self, list: &Enumeration, place: PlaceId) -> Result<(), Stop> {
        let keyword = if list.texts.len() == 1 {
            "const"
        } else {
            "enum"
        };
        self.report(place, keyword, messages::listed(list.texts))
    }

    pub(super) fn report_string(
        &mut self,
        check: &StringCheck,
        place: PlaceId,
    ) -> Result<(), Stop> {
        let (keyword, message) = messages::string(check);
        self.report(place, keyword, message)
    }

    pub(super) fn report_number(
        &mut self,
        check: &NumberCheck,
        place: PlaceId,
    ) -> Result<(), Stop> {
        let (keyword, message) = messages::number(check);
        self.report(place, keyword, message)
    }

    /// Reports what a union's best plan finds, or that there is no best one. Returns the end of the value.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a union knows when it fails"
    )]
    pub(super) fn report_union(
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
    pub(super) fn report(
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
    pub(super) fn report_here(&mut self, place: PlaceId, message: &str) -> Result<(), Stop> {
        let at = self.schemas.place_text(place);
        let keyword = self.schemas.place_keyword(place);
        let message = messages::never(keyword).unwrap_or(message);
        self.add(at, keyword, message.to_owned())
    }

    pub(super) fn add(
        &mut self,
        schema: String,
        keyword: &'static str,
        message: String,
    ) -> Result<(), Stop> {
        let violation = Violation {
            pointer: pointer(self.text, &self.path),
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
