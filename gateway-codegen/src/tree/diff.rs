//! Changes of files as unified diffs.

use std::collections::HashMap;
use std::fmt;

use similar::TextDiff;

/// A file that is to be written or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Relative, `/`-separated.
    pub path: String,
    /// What is to happen to it.
    pub kind: ChangeKind,
    pub(super) old: Option<Vec<u8>>,
    pub(super) new: Option<Vec<u8>>,
}

/// What is to happen to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is not there.
    Added,
    /// It is there with other bytes.
    Changed,
    /// It is there and does not belong there any more.
    Removed,
}

/// Most comparisons of lines for one file; beyond them it is shown as replaced as a whole. Two documents that have nothing
/// to do with each other would otherwise keep `--check` busy for minutes.
const BUDGET: usize = 200_000_000;

impl Change {
    /// Lines of the file before and after.
    pub fn lines(&self) -> (usize, usize) {
        let count = |bytes: &Option<Vec<u8>>| {
            let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default());
            text.lines().count()
        };
        (count(&self.old), count(&self.new))
    }
}

/// The unified diff, as `patch` and `git apply` take it.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &Option<Vec<u8>>| {
            String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned()
        };
        let (old, new) = (text(&self.old), text(&self.new));
        let name = |side: &str, there: bool| match there {
            true => format!("{side}/{}", self.path),
            false => "/dev/null".to_owned(),
        };
        let (from, to) = (name("a", self.old.is_some()), name("b", self.new.is_some()));
        if effort(&old, &new) > BUDGET {
            return replaced(f, (&from, &old), (&to, &new));
        }
        let diff = TextDiff::from_lines(&old, &new);
        write!(f, "{}", diff.unified_diff().header(&from, &to))
    }
}

/// Lines times differing lines, which is what the search costs.
fn effort(old: &str, new: &str) -> usize {
    let mut balance: HashMap<&str, isize> = HashMap::new();
    let mut lines = 0;
    for line in old.lines() {
        *balance.entry(line).or_default() += 1;
        lines += 1;
    }
    for line in new.lines() {
        *balance.entry(line).or_default() -= 1;
        lines += 1;
    }
    let differing: usize = balance.values().map(|n| n.unsigned_abs()).sum();
    differing.saturating_mul(lines)
}

fn replaced(f: &mut fmt::Formatter<'_>, old: (&str, &str), new: (&str, &str)) -> fmt::Result {
    writeln!(f, "--- {}\n+++ {}", old.0, new.0)?;
    let (before, after) = (old.1.lines().count(), new.1.lines().count());
    writeln!(f, "@@ -1,{before} +1,{after} @@")?;
    for line in old.1.lines() {
        writeln!(f, "-{line}")?;
    }
    for line in new.1.lines() {
        writeln!(f, "+{line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(old: Option<&str>, new: Option<&str>) -> Change {
        Change {
            path: "src/x.rs".to_owned(),
            kind: ChangeKind::Changed,
            old: old.map(Into::into),
            new: new.map(Into::into),
        }
    }

    #[test]
    fn one_line_in_the_middle() {
        let shown = change(Some("a\nb\nc\n"), Some("a\nx\nc\n")).to_string();
        assert_eq!(
            shown,
            "--- a/src/x.rs\n+++ b/src/x.rs\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"
        );
    }

    #[test]
    fn files_that_come_and_go() {
        assert_eq!(
            change(None, Some("a\n")).to_string(),
            "--- /dev/null\n+++ b/src/x.rs\n@@ -0,0 +1 @@\n+a\n"
        );
        assert_eq!(
            change(Some("a\n"), None).to_string(),
            "--- a/src/x.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
        );
    }

    #[test]
    fn texts_without_a_common_line_are_not_searched() {
        let text = |prefix: &str| -> String {
            let lines = (0..20_000).map(|n| format!("{prefix}{n}\n"));
            lines.collect()
        };
        let (old, new) = (text("a"), text("b"));
        assert!(effort(&old, &new) > BUDGET);
        let shown = change(Some(&old), Some(&new)).to_string();
        assert!(shown.contains("\n@@ -1,20000 +1,20000 @@\n-a0\n"));
        assert_eq!(shown.lines().count(), 40_003);
    }
}
