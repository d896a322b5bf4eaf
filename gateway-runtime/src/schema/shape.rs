//! What a schema lets a value look like, for readers of texts that have no types: parameters and forms.

use crate::def::Types;

use super::compile::index;
use super::program::{Branch, Plan, PlanId};
use super::{Root, Schemas};

/// Most plans that are looked at for one answer; beyond it, everything is possible.
const MOST_PLANS: usize = 1000;

/// A step from a value to one inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'s> {
    /// To the member of this name.
    Property(&'s str),
    /// To this element, counted from 0.
    Item(usize),
}

impl Schemas {
    /// Types that a value below a root may be of; `steps` lead to it. It may be more than what in the end is accepted, and is
    /// never less.
    pub fn types(&self, root: Root, steps: &[Step<'_>]) -> Types {
        let mut budget = MOST_PLANS;
        self.types_of(root.0, steps, &mut budget)
    }

    fn types_of(&self, id: PlanId, steps: &[Step<'_>], budget: &mut usize) -> Types {
        let Some(plan) = self.plans.get(index(id)) else {
            return Types::ALL;
        };
        let Some(rest) = budget.checked_sub(1) else {
            return Types::ALL;
        };
        *budget = rest;
        if plan.never.is_some() {
            return Types::NONE;
        }
        let mut types = match steps.split_first() {
            None => own_types(plan),
            Some((step, rest)) => self.types_behind(plan, *step, rest, budget),
        };
        for (branch, _) in &plan.branches {
            let accepted = match branch {
                Branch::Also(plan) | Branch::Dynamic(_, plan) => {
                    self.types_of(*plan, steps, budget)
                }
                Branch::Any(plans) | Branch::One(plans) => {
                    self.union_of(plans.iter().copied(), steps, budget)
                }
                Branch::Discriminator { mapping, .. } => {
                    self.union_of(mapping.iter().map(|(_, plan)| *plan), steps, budget)
                }
                Branch::Not(_) | Branch::If { .. } | Branch::Dependent(..) => Types::ALL,
            };
            types = types.and(accepted);
        }
        if plan.or_null && steps.is_empty() {
            types = types.or(Types::NULL);
        }
        types
    }

    fn union_of(
        &self,
        plans: impl Iterator<Item = PlanId>,
        steps: &[Step<'_>],
        budget: &mut usize,
    ) -> Types {
        let mut types = Types::NONE;
        for plan in plans {
            types = types.or(self.types_of(plan, steps, budget));
            if types == Types::ALL {
                break;
            }
        }
        types
    }

    fn types_behind(
        &self,
        plan: &Plan,
        step: Step<'_>,
        rest: &[Step<'_>],
        budget: &mut usize,
    ) -> Types {
        let mut types = Types::ALL;
        let mut narrow = |id| types = types.and(self.types_of(id, rest, budget));
        match step {
            Step::Property(name) => {
                if !plan.types.0.has(Types::OBJECT) {
                    return Types::NONE;
                }
                let Some(object) = &plan.object else {
                    return Types::ALL;
                };
                let member = object.names.find(name.as_bytes());
                let member = member.and_then(|member| object.members.get(member));
                if let Some(member) = member {
                    let children = object.children.get(member.children.clone());
                    children
                        .unwrap_or_default()
                        .iter()
                        .copied()
                        .for_each(&mut narrow);
                }
                let named_by = member.map_or(0, |member| member.named_by);
                for (number, loose) in object.loose.iter().enumerate() {
                    let mut named = named_by >> number & 1 == 1;
                    for (pattern, plan) in &loose.patterns {
                        if pattern.matches(name.as_bytes()) {
                            named = true;
                            narrow(*plan);
                        }
                    }
                    if !named && let Some(plan) = loose.additional {
                        narrow(plan);
                    }
                }
            }
            Step::Item(at) => {
                if !plan.types.0.has(Types::ARRAY) {
                    return Types::NONE;
                }
                for part in plan.array.iter().flat_map(|array| &array.parts) {
                    if let Some(plan) = part.prefix.get(at).copied().or(part.items) {
                        narrow(plan);
                    }
                }
            }
        }
        types
    }

    /// Names of the members that a schema and those it is made of declare, sorted.
    pub fn properties(&self, root: Root) -> Vec<&'static str> {
        let mut names = Vec::new();
        let mut open = vec![root.0];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id) || seen.len() > MOST_PLANS {
                continue;
            }
            let Some(plan) = self.plans.get(index(id)) else {
                continue;
            };
            if let Some(object) = &plan.object {
                let members = object.names.all().iter().zip(&object.members);
                let declared = members.filter(|(_, member)| member.declared);
                names.extend(declared.map(|(name, _)| *name));
            }
            for (branch, _) in &plan.branches {
                match branch {
                    Branch::Also(plan) | Branch::Dynamic(_, plan) | Branch::Dependent(_, plan) => {
                        open.push(*plan)
                    }
                    Branch::Any(plans) | Branch::One(plans) => open.extend(plans),
                    Branch::Discriminator { mapping, .. } => {
                        open.extend(mapping.iter().map(|(_, plan)| *plan));
                    }
                    Branch::If {
                        then, otherwise, ..
                    } => open.extend([*then, *otherwise]),
                    Branch::Not(_) => {}
                }
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Types that the rules of a plan themselves accept.
fn own_types(plan: &Plan) -> Types {
    let mut types = plan.types.0;
    for (list, _) in &plan.enums {
        let mut listed = Types::NONE;
        for (there, kind) in [
            (list.null, Types::NULL),
            (list.yes || list.no, Types::BOOLEAN),
            (!list.strings.is_empty(), Types::STRING),
            (list.numbers.iter().any(|n| n.is_integer()), Types::INTEGER),
            (!list.numbers.iter().all(|n| n.is_integer()), Types::NUMBER),
            (
                list.containers.iter().any(|c| c.starts_with('[')),
                Types::ARRAY,
            ),
            (
                list.containers.iter().any(|c| c.starts_with('{')),
                Types::OBJECT,
            ),
        ] {
            if there {
                listed = listed.or(kind);
            }
        }
        types = types.and(listed);
    }
    types
}
