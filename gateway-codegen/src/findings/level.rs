//! How strictly a repository judges: rules made errors, made warnings, or silenced.

use std::collections::BTreeMap;

use super::{Findings, Severity};

/// What becomes of the findings of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// They are errors.
    Deny,
    /// They are warnings.
    Warn,
    /// They are not reported.
    Allow,
}

impl Findings {
    /// The findings as a repository judges them. Errors stay what they are: nothing can be generated from a document
    /// that has one, whatever anybody allows.
    #[must_use]
    pub fn judged(self, levels: &BTreeMap<String, Level>) -> Findings {
        let judged = self.list.into_iter().filter_map(|mut finding| {
            if finding.severity != Severity::Error {
                match levels.get(finding.code) {
                    Some(Level::Deny) => finding.severity = Severity::Error,
                    Some(Level::Warn) => finding.severity = Severity::Warning,
                    Some(Level::Allow) => return None,
                    None => {}
                }
            }
            Some(finding)
        });
        Findings {
            list: judged.collect(),
        }
    }

    /// The findings of these severities.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(Severity) -> bool) -> Findings {
        let list = self.list.iter().filter(|f| wanted(f.severity)).cloned();
        Findings {
            list: list.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Place;

    #[test]
    fn levels_change_everything_but_errors() {
        let mut found = Findings::default();
        found.error("e", Place::default(), "", "");
        found.warning("w", Place::default(), "", "");
        found.note("n", Place::default(), "", "");
        let judged = |level: Level| {
            let levels = ["e", "w", "n"].map(|code| (code.to_owned(), level));
            let judged = found.clone().judged(&BTreeMap::from(levels));
            let mut list: Vec<_> = judged
                .sorted()
                .iter()
                .map(|f| (f.code, f.severity))
                .collect();
            list.sort();
            list
        };
        use Severity::{Error, Warning};
        assert_eq!(
            judged(Level::Deny),
            [("e", Error), ("n", Error), ("w", Error)]
        );
        assert_eq!(
            judged(Level::Warn),
            [("e", Error), ("n", Warning), ("w", Warning)]
        );
        assert_eq!(judged(Level::Allow), [("e", Error)]);
    }
}
