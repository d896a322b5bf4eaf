//! stub
use super::draft::Draft;
use super::tree::Tree;
use crate::findings::{Findings, Place};
use crate::load::Node;
use crate::normalise::Api;

pub(crate) struct Document {
    used: bool,
    root: Option<Tree>,
}
impl Document {
    pub(crate) fn read(_api: &Api<'_>, _found: &mut Findings) -> Document {
        Document {
            used: false,
            root: None,
        }
    }
    pub(crate) fn used(&self) -> bool {
        self.used
    }
    pub(crate) fn root(&self) -> Option<&Tree> {
        self.root.as_ref()
    }
    pub(crate) fn operation(
        &self,
        _draft: &Draft<'_>,
        _found: &mut Findings,
    ) -> (Option<Tree>, Option<Tree>) {
        (None, None)
    }
}
pub(crate) fn judge(_node: &Node<'_>, _aws: bool) -> Option<(Place, String)> {
    None
}
pub(crate) fn no_integration(_draft: &Draft<'_>, _found: &mut Findings) {}
