//! Conditions of templates: each is evaluated once.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::Call;
use super::functions::{Made, Reported};
use super::walk::{At, Walk};
use crate::findings::brief;

/// What is known of conditions.
#[derive(Debug, Default)]
pub(super) struct Conditions(BTreeMap<String, State>);

#[derive(Debug, Clone, Copy)]
enum State {
    /// It is being evaluated.
    Begun,
    Known(bool),
    /// It cannot be evaluated, which was said.
    Faulty,
}

impl Walk<'_> {
    /// Whether a condition holds.
    pub(super) fn condition(&mut self, name: &str, at: &At) -> Result<bool, Reported> {
        match self.evaluation.conditions.0.get(name) {
            Some(State::Known(truth)) => return Ok(*truth),
            Some(State::Faulty) => return Err(Reported),
            Some(State::Begun) => {
                return self.fault(
                    at,
                    "template-cycle",
                    format!("condition `{}` depends on itself", brief(name)),
                    "let it be decided by parameters",
                );
            }
            None => {}
        }
        let known = &mut self.evaluation.conditions.0;
        known.insert(name.to_owned(), State::Begun);
        let before = std::mem::take(&mut self.taken);
        let truth = self.decide(name, at);
        let taken = std::mem::replace(&mut self.taken, before);
        self.tell_guesses(taken, at);
        let state = truth
            .as_ref()
            .map_or(State::Faulty, |truth| State::Known(*truth));
        self.evaluation.conditions.0.insert(name.to_owned(), state);
        truth
    }

    fn decide(&mut self, name: &str, at: &At) -> Result<bool, Reported> {
        if let Some(value) = self.given(name) {
            return match value.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Ok(true),
                "false" | "no" | "0" => Ok(false),
                _ => self.fault(
                    at,
                    "parameter-value",
                    format!("condition `{}` is true or false", brief(name)),
                    format!("give `--param {}=true`", brief(name)),
                ),
            };
        }
        let template = Rc::clone(&self.evaluation.template);
        match template.conditions.get(name) {
            Some(condition) => {
                let at = template.at.member("Conditions").member(name);
                self.truth(condition, &at)
            }
            None => self.fault(
                at,
                "parameter-open",
                format!("nothing says whether condition `{}` holds", brief(name)),
                format!(
                    "say it: `--param {0}=true` or `--param {0}=false`",
                    brief(name)
                ),
            ),
        }
    }

    fn truth(&mut self, value: &Value, at: &At) -> Result<bool, Reported> {
        self.enter(at)?;
        let truth = self.judged(value, at);
        self.evaluation.budget.leave();
        truth
    }

    fn judged(&mut self, value: &Value, at: &At) -> Result<bool, Reported> {
        let Some(call) = Call::of(value) else {
            let help = "one of `Fn::Equals`, `Fn::And`, `Fn::Or`, `Fn::Not`, `Condition`";
            return self.fault(at, "template-function", "this is no condition", help);
        };
        let inside = at.member(call.member);
        let (name, argument) = (call.name.as_ref(), call.argument);
        let items = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        match (name, argument, items) {
            ("Condition", Value::String(name), _) => self.condition(name, at),
            ("Fn::Equals", _, [left, right]) => {
                let left = self.compared(left, &inside.item(0))?;
                let right = self.compared(right, &inside.item(1))?;
                Ok(left == right)
            }
            ("Fn::Not", _, [only]) => Ok(!self.truth(only, &inside.item(0))?),
            ("Fn::And" | "Fn::Or", _, [_, ..]) => {
                // One part that decides is enough, so that others may stay open.
                let decides = name == "Fn::Or";
                for (number, item) in items.iter().enumerate() {
                    if self.truth(item, &inside.item(number))? == decides {
                        return Ok(decides);
                    }
                }
                Ok(!decides)
            }
            _ => {
                let message = format!("`{}` is no condition of this form", brief(name));
                let help = "as in `Fn::Equals: [!Ref Stage, prod]`";
                self.fault(at, "template-function", message, help)
            }
        }
    }

    /// One side of a comparison.
    fn compared(&mut self, value: &Value, at: &At) -> Result<String, Reported> {
        match self.value(value, at)? {
            Made::List(items) => Ok(items.join(",")),
            Made::Scalar(scalar) => Ok(scalar.to_string()),
            Made::Nothing => Ok(String::new()),
            Made::Text(text) => match text.first_open() {
                None => Ok(text.written(|_| String::new())),
                Some(name) => {
                    let name = name.to_owned();
                    self.must_be_known(&name, at)
                }
            },
            Made::Part(..) | Made::File(..) => {
                self.fault(at, "template-function", "a text is wanted here", "")
            }
        }
    }
}
