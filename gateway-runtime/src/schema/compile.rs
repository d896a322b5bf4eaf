//! Rules → [`Plan`]s, when a gateway starts.
//!
//! Lists of rules wait in a queue until their turn, so that neither deep nor recursive schemas cost stack. Joining is bounded:
//! what would make a plan larger than [`MOST_RULES`] becomes a [`Branch`], so that chains of `allOf` cost no more than their sum.

use std::collections::{BTreeMap, BTreeSet};

use crate::def::{Format, Messages, Rule, Rules, SchemaId, Types};

use super::cursor::Text;
use super::number::{Decimal, Divisor, Short};
use super::pattern::Pattern;
use super::program::{
    ANYTHING, ArrayPart, Bound, Branch, Contains, Dependent, Enumeration, Loose, MOST_LOOSE,
    NumberCheck, PlaceId, PlaceStep, Plan, PlanId, Required, StringCheck,
};
use super::{Fault, Schemas};

/// Most rules that are joined in one plan.
const MOST_RULES: usize = 512;

/// Most lists inside each other that are joined in one plan.
const MOST_NESTED: usize = 8;

/// A plan that waits to be made.
#[derive(Debug)]
pub(super) struct Waiting {
    plan: PlanId,
    rules: Rules,
    place: PlaceId,
    schema: Option<SchemaId>,
}

/// What is known while a plan is made.
#[derive(Default)]
struct Draft {
    plan: Plan,
    /// Schemas of the table that were joined: a second time says nothing new.
    joined: BTreeSet<SchemaId>,
    rules: usize,
    nested: usize,
    /// Plans of each member, in the order of its names.
    children: Vec<Vec<PlanId>>,
    watched: BTreeMap<&'static str, usize>,
}

impl Schemas {
    /// The plan of a row of the table.
    pub(super) fn plan_of(&mut self, schema: SchemaId) -> Result<PlanId, Fault> {
        let mut schema = schema;
        // Schemas that only refer to another are that one; in a circle of them nothing is demanded.
        for _ in 0..=self.defs.len() {
            let row = index(schema);
            let (Some(def), Some(known)) = (self.defs.get(row), self.by_schema.get(row)) else {
                return Err(Fault {
                    place: String::new(),
                    message: format!("there is no schema {schema}"),
                });
            };
            if let Some(plan) = known {
                return Ok(*plan);
            }
            if def.anchors.is_empty() {
                if def.rules.is_empty() {
                    return Ok(ANYTHING);
                }
                if let [Rule::Ref(other)] = def.rules {
                    schema = *other;
                    continue;
                }
            }
            let place = self.place(None, PlaceStep::Schema(schema));
            let plan = self.wait(def.rules, place, Some(schema));
            self.by_schema[row] = Some(plan);
            for (_, anchor) in def.anchors {
                self.plan_of(*anchor)?;
            }
            return Ok(plan);
        }
        Ok(ANYTHING)
    }

    /// The plan of a list that stands inside another.
    fn plan(&mut self, rules: Rules, place: PlaceId, step: PlaceStep) -> Result<PlanId, Fault> {
        match rules {
            [] => Ok(ANYTHING),
            [Rule::Ref(schema)] => self.plan_of(*schema),
            _ => {
                let place = self.place(Some(place), step);
                let list = (place, rules.as_ptr().addr(), rules.len());
                if let Some(known) = self.by_list.get(&list) {
                    return Ok(*known);
                }
                let plan = self.wait(rules, place, None);
                self.by_list.insert(list, plan);
                Ok(plan)
            }
        }
    }

    pub(super) fn plan_at(&mut self, rules: Rules, place: PlaceId) -> Result<PlanId, Fault> {
        match rules {
            [] => Ok(ANYTHING),
            [Rule::Ref(schema)] => self.plan_of(*schema),
            _ => Ok(self.wait(rules, place, None)),
        }
    }

    fn plans(
        &mut self,
        lists: &'static [Rules],
        place: PlaceId,
        word: &'static str,
    ) -> Result<Vec<PlanId>, Fault> {
        (lists.iter().enumerate())
            .map(|(number, rules)| self.plan(rules, place, PlaceStep::Item(word, number)))
            .collect()
    }

    fn wait(&mut self, rules: Rules, place: PlaceId, schema: Option<SchemaId>) -> PlanId {
        let plan = number(self.plans.len());
        self.plans.push(Plan::default());
        self.waiting.push(Waiting {
            plan,
            rules,
            place,
            schema,
        });
        plan
    }

    /// Makes every plan that waits.
    pub(super) fn compile(&mut self) -> Result<(), Fault> {
        while let Some(waiting) = self.waiting.pop() {
            let mut draft = Draft::default();
            if let Some(schema) = waiting.schema {
                draft.joined.insert(schema);
                let def = self.defs.get(index(schema));
                draft.plan.anchors = def.map_or(&[][..], |def| def.anchors);
            }
            self.join(&mut draft, waiting.rules, waiting.place)?;
            self.plans[index(waiting.plan)] = draft.finish();
        }
        Ok(())
    }

    /// Adds a list of rules to a plan.
    fn join(&mut self, draft: &mut Draft, rules: Rules, place: PlaceId) -> Result<(), Fault> {
        draft.rules += rules.len();
        let mut loose: Option<usize> = None;
        let mut array: Option<usize> = None;
        for rule in rules {
            match *rule {
                Rule::Never => draft.plan.never = draft.plan.never.or(Some(place)),
                Rule::Types(types) => {
                    draft.plan.types.0 = draft.plan.types.0.and(types);
                    draft.plan.type_rules.push((types, place));
                }
                Rule::OrNull => draft.plan.or_null = true,
                Rule::Enum(texts) => {
                    let list = self.enumeration(texts, place)?;
                    draft.plan.enums.push((list, place));
                }
                Rule::Minimum(text) => {
                    let check = NumberCheck::Minimum(self.bound(text, place)?);
                    draft.plan.numbers.push((check, place));
                }
                Rule::Maximum(text) => {
                    let check = NumberCheck::Maximum(self.bound(text, place)?);
                    draft.plan.numbers.push((check, place));
                }
                Rule::ExclusiveMinimum(text) => {
                    let check = NumberCheck::ExclusiveMinimum(self.bound(text, place)?);
                    draft.plan.numbers.push((check, place));
                }
                Rule::ExclusiveMaximum(text) => {
                    let check = NumberCheck::ExclusiveMaximum(self.bound(text, place)?);
                    draft.plan.numbers.push((check, place));
                }
                Rule::MultipleOf(text) => {
                    self.is_number(text, place)?;
                    let Some(divisor) = Divisor::read(text) else {
                        return Err(self.fault(place, "`multipleOf` has no use for this number"));
                    };
                    let check = NumberCheck::MultipleOf { divisor, text };
                    draft.plan.numbers.push((check, place));
                }
                Rule::MinLength(least) => {
                    let check = StringCheck::MinLength(least);
                    draft.plan.strings.push((check, place));
                }
                Rule::MaxLength(most) => {
                    let check = StringCheck::MaxLength(most);
                    draft.plan.strings.push((check, place));
                }
                Rule::Pattern(text) => {
                    let check = StringCheck::Pattern(self.pattern(text, place)?);
                    draft.plan.strings.push((check, place));
                }
                Rule::Format(format) => match format {
                    Format::Int32 => {
                        let check = NumberCheck::Bits(32, format);
                        draft.plan.numbers.push((check, place));
                    }
                    Format::Int64 => {
                        let check = NumberCheck::Bits(64, format);
                        draft.plan.numbers.push((check, place));
                    }
                    _ => {
                        let check = StringCheck::Format(format);
                        draft.plan.strings.push((check, place));
                    }
                },
                Rule::MinItems(least) => draft.array().min.push((least, place)),
                Rule::MaxItems(most) => draft.array().max.push((most, place)),
                Rule::UniqueItems => draft.array().unique = Some(place),
                Rule::PrefixItems(lists) => {
                    let prefix = self.plans(lists, place, "prefixItems")?;
                    draft.array_part(&mut array).prefix = prefix;
                }
                Rule::Items(rules) => {
                    let items = self.plan(rules, place, PlaceStep::Word("items"))?;
                    draft.array_part(&mut array).items = Some(items);
                }
                Rule::Contains { rules, min, max } => {
                    let plan = self.plan(rules, place, PlaceStep::Word("contains"))?;
                    draft.array().contains.push(Contains {
                        plan,
                        min,
                        max,
                        place,
                    });
                }
                Rule::UnevaluatedItems(rules) => {
                    let plan = self.plan(rules, place, PlaceStep::Word("unevaluatedItems"))?;
                    draft.array().unevaluated = Some((plan, place));
                }
                Rule::MinProperties(least) => draft.object().min.push((least, place)),
                Rule::MaxProperties(most) => draft.object().max.push((most, place)),
                Rule::Required { within, names } => {
                    for name in names {
                        let bit = draft.watch(name);
                        draft
                            .object()
                            .required
                            .push(Required { bit, within, place });
                    }
                }
                Rule::Property(name, rules) => {
                    let plan = self.plan(rules, place, PlaceStep::Member("properties", name))?;
                    let member = draft.member(name);
                    draft.object().members[member].declared = true;
                    let children = &mut draft.children[member];
                    if plan != ANYTHING && !children.contains(&plan) {
                        children.push(plan);
                    }
                }
                Rule::PatternProperty(text, rules) => {
                    let step = PlaceStep::Member("patternProperties", text);
                    let plan = self.plan(rules, place, step)?;
                    let pattern = self.pattern(text, place)?;
                    draft.loose(&mut loose).patterns.push((pattern, plan));
                }
                Rule::AdditionalProperties(rules) => {
                    let step = PlaceStep::Word("additionalProperties");
                    let plan = self.plan(rules, place, step)?;
                    draft.loose(&mut loose).additional = Some(plan);
                }
                Rule::PropertyNames(rules) => {
                    let plan = self.plan(rules, place, PlaceStep::Word("propertyNames"))?;
                    draft.object().property_names.push(plan);
                }
                Rule::DependentRequired(name, others) => {
                    let when = draft.watch(name);
                    let then = others.iter().map(|other| draft.watch(other)).collect();
                    draft
                        .object()
                        .dependent
                        .push(Dependent { when, then, place });
                }
                Rule::DependentSchema(name, rules) => {
                    let step = PlaceStep::Member("dependentSchemas", name);
                    let plan = self.plan(rules, place, step)?;
                    let branch = Branch::Dependent(name, plan);
                    draft.plan.branches.push((branch, place));
                }
                Rule::UnevaluatedProperties(rules) => {
                    let step = PlaceStep::Word("unevaluatedProperties");
                    let plan = self.plan(rules, place, step)?;
                    draft.object().unevaluated = Some((plan, place));
                }
                Rule::AllOf(lists) => {
                    for (number, rules) in lists.iter().enumerate() {
                        self.also(draft, rules, place, PlaceStep::Item("allOf", number))?;
                    }
                }
                // One of one is all of them.
                Rule::AnyOf([rules]) => {
                    self.also(draft, rules, place, PlaceStep::Item("anyOf", 0))?;
                }
                Rule::OneOf([rules]) => {
                    self.also(draft, rules, place, PlaceStep::Item("oneOf", 0))?;
                }
                Rule::AnyOf(lists) => {
                    let plans = self.plans(lists, place, "anyOf")?;
                    draft.plan.branches.push((Branch::Any(plans), place));
                }
                Rule::OneOf(lists) => {
                    let plans = self.plans(lists, place, "oneOf")?;
                    draft.plan.branches.push((Branch::One(plans), place));
                }
                Rule::Not(rules) => {
                    let plan = self.plan(rules, place, PlaceStep::Word("not"))?;
                    draft.plan.branches.push((Branch::Not(plan), place));
                }
                Rule::If {
                    when,
                    then,
                    otherwise,
                } => {
                    let branch = Branch::If {
                        when: self.plan(when, place, PlaceStep::Word("if"))?,
                        then: self.plan(then, place, PlaceStep::Word("then"))?,
                        otherwise: self.plan(otherwise, place, PlaceStep::Word("else"))?,
                    };
                    draft.plan.branches.push((branch, place));
                }
                Rule::Discriminator { property, mapping } => {
                    let mut plans = Vec::with_capacity(mapping.len());
                    for (value, schema) in mapping {
                        plans.push((*value, self.plan_of(*schema)?));
                    }
                    plans.sort_unstable_by_key(|(value, _)| *value);
                    let mapping = plans;
                    let branch = Branch::Discriminator { property, mapping };
                    draft.plan.branches.push((branch, place));
                }
                Rule::Ref(schema) => self.also_schema(draft, schema, place)?,
                Rule::DynamicRef(name, schema) => {
                    let plan = self.plan_of(schema)?;
                    draft
                        .plan
                        .branches
                        .push((Branch::Dynamic(name, plan), place));
                }
            }
        }
        if let Some(loose) = loose {
            // Those of this list alone are not additional to it.
            for rule in rules {
                if let Rule::Property(name, _) = rule {
                    let member = draft.member(name);
                    draft.object().members[member].named_by |= 1 << loose;
                }
            }
        }
        Ok(())
    }

    /// Joins a list that holds as well, or makes a branch of it.
    fn also(
        &mut self,
        draft: &mut Draft,
        rules: Rules,
        place: PlaceId,
        step: PlaceStep,
    ) -> Result<(), Fault> {
        if let [Rule::Ref(schema)] = rules {
            return self.also_schema(draft, *schema, place);
        }
        if !draft.has_room_for(rules) {
            let plan = self.plan(rules, place, step)?;
            draft.also(plan, place);
            return Ok(());
        }
        let place = self.place(Some(place), step);
        draft.nested += 1;
        self.join(draft, rules, place)?;
        draft.nested -= 1;
        Ok(())
    }

    fn also_schema(
        &mut self,
        draft: &mut Draft,
        schema: SchemaId,
        place: PlaceId,
    ) -> Result<(), Fault> {
        let def = self.defs.get(index(schema));
        match def.filter(|def| def.anchors.is_empty() && draft.has_room_for(def.rules)) {
            Some(def) => {
                if draft.joined.insert(schema) {
                    let place = self.place(None, PlaceStep::Schema(schema));
                    draft.nested += 1;
                    self.join(draft, def.rules, place)?;
                    draft.nested -= 1;
                }
            }
            None => {
                let plan = self.plan_of(schema)?;
                draft.also(plan, place);
            }
        }
        Ok(())
    }

    fn pattern(&mut self, text: &'static str, place: PlaceId) -> Result<Pattern, Fault> {
        if let Some(known) = self.patterns.get(text) {
            return Ok(known.clone());
        }
        match Pattern::parse(text) {
            Ok(pattern) => {
                self.patterns.insert(text, pattern.clone());
                Ok(pattern)
            }
            Err(fault) => Err(self.fault(place, &fault.message)),
        }
    }

    fn is_number(&self, text: &'static str, place: PlaceId) -> Result<Option<Short>, Fault> {
        match Text::of(text).number(0) {
            Ok(number) if number.end == text.len() => Ok(number.short),
            _ => Err(self.fault(place, "a number is expected")),
        }
    }

    fn bound(&self, text: &'static str, place: PlaceId) -> Result<Bound, Fault> {
        let short = self.is_number(text, place)?;
        Ok(Bound {
            text,
            exact: Decimal::read(text.as_bytes()),
            short,
        })
    }

    fn enumeration(
        &self,
        texts: &'static [&'static str],
        place: PlaceId,
    ) -> Result<Enumeration, Fault> {
        let mut list = Enumeration {
            texts,
            ..Enumeration::default()
        };
        for value in texts {
            let text = Text::of(value);
            let end = text.begin().and_then(|at| text.skip(at, 0));
            if end != Ok(value.len()) {
                return Err(self.fault(place, "a value of `enum` is not JSON"));
            }
            match value.as_bytes() {
                [b'"', ..] => {
                    if let Ok(string) = text.string(0) {
                        let mut room = Vec::new();
                        list.strings.push(text.decoded(string, &mut room).into());
                    }
                }
                [b't', ..] => list.yes = true,
                [b'f', ..] => list.no = true,
                [b'n', ..] => list.null = true,
                [b'{' | b'[', ..] => list.containers.push(value),
                number => list.numbers.push(Decimal::read(number)),
            }
        }
        list.strings.sort_unstable();
        list.numbers.sort_unstable();
        Ok(list)
    }

    fn fault(&self, place: PlaceId, message: &str) -> Fault {
        Fault {
            place: self.place_text(place),
            message: message.to_owned(),
        }
    }
}

impl Draft {
    /// Whether a list may be joined, rather than become a branch.
    fn has_room_for(&self, rules: Rules) -> bool {
        let alone = |rule: &Rule| {
            matches!(
                rule,
                Rule::UnevaluatedItems(_) | Rule::UnevaluatedProperties(_) | Rule::OrNull
            )
        };
        let loose = self.plan.object.as_ref().map_or(0, |o| o.loose.len());
        self.nested < MOST_NESTED
            && self.rules + rules.len() <= MOST_RULES
            && loose + self.nested + 1 < MOST_LOOSE
            && !rules.iter().any(alone)
    }

    fn also(&mut self, plan: PlanId, place: PlaceId) {
        let known = |branch: &Branch| matches!(branch, Branch::Also(known) if *known == plan);
        if plan != ANYTHING && !self.plan.branches.iter().any(|(branch, _)| known(branch)) {
            self.plan.branches.push((Branch::Also(plan), place));
        }
    }

    fn object(&mut self) -> &mut super::program::ObjectPlan {
        self.plan.object.get_or_insert_default()
    }

    fn array(&mut self) -> &mut super::program::ArrayPlan {
        self.plan.array.get_or_insert_default()
    }

    /// What the current list says of elements.
    fn array_part(&mut self, part: &mut Option<usize>) -> &mut ArrayPart {
        let parts = &mut self.array().parts;
        let at = *part.get_or_insert_with(|| {
            parts.push(ArrayPart::default());
            parts.len() - 1
        });
        &mut parts[at]
    }

    /// What the current list says of members it does not name.
    fn loose(&mut self, loose: &mut Option<usize>) -> &mut Loose {
        let all = &mut self.object().loose;
        let at = *loose.get_or_insert_with(|| {
            all.push(Loose::default());
            all.len() - 1
        });
        &mut all[at]
    }

    fn member(&mut self, name: &'static str) -> usize {
        let object = self.plan.object.get_or_insert_default();
        let member = object.names.add(name);
        if member == object.members.len() {
            object.members.push(super::program::Member::default());
            self.children.push(Vec::new());
        }
        member
    }

    fn watch(&mut self, name: &'static str) -> usize {
        let member = self.member(name);
        let object = self.plan.object.get_or_insert_default();
        let bit = *self.watched.entry(name).or_insert_with(|| {
            object.watched.push(name);
            object.watched.len() - 1
        });
        object.members[member].bit = Some(bit);
        bit
    }

    fn finish(mut self) -> Plan {
        // What is cheap is asked first.
        self.plan.strings.sort_by_key(|(check, _)| match check {
            StringCheck::MinLength(_) | StringCheck::MaxLength(_) => 0,
            StringCheck::Pattern(_) | StringCheck::Format(_) => 1,
        });
        if let Some(object) = &mut self.plan.object {
            for (member, children) in object.members.iter_mut().zip(self.children) {
                let start = object.children.len();
                object.children.extend(children);
                member.children = start..object.children.len();
                member.settled = object.loose.iter().enumerate().all(|(number, loose)| {
                    let named = member.named_by >> number & 1 == 1;
                    loose.patterns.is_empty() && (named || loose.additional.is_none())
                });
            }
            let words = object.watched.len().div_ceil(64);
            object.in_requests = vec![0; words];
            object.in_responses = vec![0; words];
            for Required { bit, within, .. } in &object.required {
                let (word, bit) = (bit / 64, 1 << (bit % 64));
                if *within != Messages::Responses {
                    object.in_requests[word] |= bit;
                }
                if *within != Messages::Requests {
                    object.in_responses[word] |= bit;
                }
            }
        }
        let plan = &mut self.plan;
        plan.anything = plan.never.is_none()
            && plan.types.0 == Types::ALL
            && plan.enums.is_empty()
            && plan.numbers.is_empty()
            && plan.strings.is_empty()
            && plan.object.is_none()
            && plan.array.is_none()
            && plan.branches.is_empty();
        self.plan
    }
}

pub(super) fn index(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
