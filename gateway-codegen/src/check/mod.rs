//! What is wrong with a document beyond single values.

pub(crate) mod addresses;
pub(crate) mod cors;
pub(crate) mod headers;
