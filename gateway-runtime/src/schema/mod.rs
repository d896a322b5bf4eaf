//! Validation: the rules of a document's schemas ([`crate::def::Rule`]), run over the bytes of a value.
//!
//! [`Schemas`] turns rules into programs when a gateway starts, and [`Schemas::check`] runs one over a text in a single pass,
//! without building the value and without allocating. Only what is refused is looked at again, to say why. Invariants: numbers
//! are compared exactly; every occurrence of a member that is written twice is checked; nesting, time and the memory of answers are
//! bounded whatever rules and texts say. Absent on purpose: dialects, references by name and everything else about documents,
//! which the generator has dealt with.

mod compare;
mod compile;
mod cursor;
mod ecma;
mod format;
mod messages;
mod names;
mod number;
mod pattern;
mod program;
mod run;
mod shape;
mod unicode;
mod violation;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::hash::RandomState;

use crate::def::{Messages, Rules, SchemaDef};

use compile::Waiting;
use cursor::Text;
use program::{ANYTHING, Place, PlaceId, PlaceStep, Plan, PlanId};
use run::{Runner, Stop};

pub use cursor::{MAX_DEPTH, Malformed};
pub use format::described;
pub use number::Divisor;
pub use pattern::{Pattern, PatternFault};
pub use run::{MAX_VIOLATIONS, Scratch};
pub use shape::Step;
pub use violation::{Violation, Violations};

/// The schemas of a gateway, ready to run.
#[derive(Debug)]
pub struct Schemas {
    defs: &'static [SchemaDef],
    plans: Vec<Plan>,
    places: Vec<Place>,
    /// Where schemas inside operations stand.
    roots: Vec<Box<str>>,
    by_schema: Vec<Option<PlanId>>,
    by_place: HashMap<Place, PlaceId>,
    /// Plans of lists inside others, by their place and address: a schema that is joined to many is compiled once.
    by_list: HashMap<(PlaceId, usize, usize), PlanId>,
    waiting: Vec<Waiting>,
    patterns: HashMap<&'static str, Pattern>,
    hasher: RandomState,
}

/// A schema that values are checked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root(PlanId);

/// Why rules make no program. The generator lets none pass of which this is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where the rules stand in the document.
    pub place: String,
    /// What is wrong, without a full stop.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for Fault {}

impl Schemas {
    /// Schemas over the gateway's table. Rows are made ready when something refers to them.
    ///
    /// # Errors
    /// None so far; the table is looked at when [`Schemas::add`] reaches it.
    pub fn new(defs: &'static [SchemaDef]) -> Result<Schemas, Fault> {
        Ok(Schemas {
            defs,
            plans: vec![Plan {
                anything: true,
                ..Plan::default()
            }],
            places: Vec::new(),
            roots: Vec::new(),
            by_schema: vec![None; defs.len()],
            by_place: HashMap::new(),
            by_list: HashMap::new(),
            waiting: Vec::new(),
            patterns: HashMap::new(),
            hasher: RandomState::new(),
        })
    }

    /// Makes a schema ready that stands inside an operation. `place` is where it stands in the document, for violations:
    /// `#/paths/~1books/post/requestBody/content/application~1json/schema`.
    ///
    /// # Errors
    /// If a pattern, a number or a link is not what the generator would have written.
    pub fn add(&mut self, place: &str, rules: Rules) -> Result<Root, Fault> {
        self.roots.push(place.into());
        let place = self.place(None, PlaceStep::Root(self.roots.len() - 1));
        let plan = self.plan_at(rules, place)?;
        self.compile()?;
        Ok(Root(plan))
    }

    /// Whether a schema accepts every value that is JSON.
    pub fn accepts_anything(&self, root: Root) -> bool {
        root.0 == ANYTHING
    }

    /// Checks a text: whether it is JSON, and what the schema demands. `message` says which way it goes, for members that
    /// are only read or only written.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn check(
        &self,
        root: Root,
        json: &[u8],
        message: Messages,
        scratch: &mut Scratch,
    ) -> Result<(), Violations> {
        let text = Text::new(json)?;
        let begin = text.begin()?;
        let mut runner = Runner::new(self, text, message, scratch);
        match runner.run::<false>(root.0, begin, 0, None) {
            Ok(read) if read.ok => return Ok(text.finish(read.end)?),
            Ok(_) => {}
            Err(Stop::Malformed(malformed)) => return Err(malformed.into()),
            Err(Stop::TooMuch | Stop::Enough) => return Err(Violations::TooComplex),
        }
        // Only what is JSON is worth a list.
        text.finish(text.skip(begin, 0)?)?;
        let mut runner = Runner::new(self, text, message, scratch);
        let more = runner.run::<true>(root.0, begin, 0, None).is_err();
        let mut list = runner.found;
        if list.is_empty() {
            list.push(Violation {
                pointer: String::new(),
                schema: String::new(),
                keyword: "",
                message: "does not match its schema".to_owned(),
            });
        }
        Err(Violations::Invalid { list, more })
    }

    fn place(&mut self, parent: Option<PlaceId>, step: PlaceStep) -> PlaceId {
        let place = Place { parent, step };
        let next = compile::number(self.places.len());
        let known = *self.by_place.entry(place).or_insert(next);
        if known == next {
            self.places.push(place);
        }
        known
    }

    /// Where a list of rules stands in the document.
    fn place_text(&self, place: PlaceId) -> String {
        let mut steps = Vec::new();
        let mut next = Some(place);
        while let Some(place) = next.and_then(|place| self.places.get(compile::index(place))) {
            steps.push(place.step);
            next = place.parent;
        }
        let mut text = String::new();
        for step in steps.into_iter().rev() {
            match step {
                PlaceStep::Schema(schema) => {
                    let def = self.defs.get(compile::index(schema));
                    text.push_str(def.map_or("", |def| def.place));
                }
                PlaceStep::Root(root) => {
                    text.push_str(self.roots.get(root).map_or("", |root| root));
                }
                PlaceStep::Word(word) => {
                    text.push('/');
                    text.push_str(word);
                }
                PlaceStep::Member(word, name) => {
                    text.push('/');
                    text.push_str(word);
                    text.push('/');
                    text.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
                PlaceStep::Item(word, number) => {
                    text.push_str(&format!("/{word}/{number}"));
                }
            }
        }
        text
    }

    /// The keyword that a list of rules belongs to.
    fn place_keyword(&self, place: PlaceId) -> &'static str {
        match self
            .places
            .get(compile::index(place))
            .map(|place| place.step)
        {
            Some(PlaceStep::Word(word) | PlaceStep::Member(word, _) | PlaceStep::Item(word, _)) => {
                word
            }
            Some(PlaceStep::Schema(_) | PlaceStep::Root(_)) | None => "",
        }
    }
}
