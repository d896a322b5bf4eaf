//! What is wrong with a document beyond single values.

pub(crate) mod addresses;
pub(crate) mod cors;
pub(crate) mod headers;

/// STUB
pub struct Rule {
    /// x
    pub id: &'static str,
    /// x
    pub purpose: &'static str,
}
/// STUB
pub static RULES: &[Rule] = &[];
/// STUB
pub fn run(_: &crate::model::Gateway, _: &mut crate::findings::Findings) {}
