//! stub
use crate::def::Format;
pub(super) fn is(_: Format, _: &str) -> bool {
    true
}
pub(super) fn described(format: Format) -> &'static str {
    format.word()
}
