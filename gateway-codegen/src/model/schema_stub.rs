#![allow(missing_docs)]
use gateway_runtime::def::{Messages, Types};
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    Types(Types),
    Required {
        within: Messages,
        names: Vec<String>,
    },
    Property(String, Vec<Rule>),
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema;
