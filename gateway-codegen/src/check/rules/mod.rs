//! Every rule, as rows of a table: findings, `explain` and the reference page read the same rows.

mod amazon;
mod composition;
mod document;
mod gateway;
mod schema;
mod security;
mod template;

#[cfg(test)]
mod tests;

use crate::findings::Severity;

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The code, as it stands in a finding.
    pub code: &'static str,
    /// How bad a finding with this code is, at its worst.
    pub severity: Severity,
    /// What it says, one sentence.
    pub purpose: &'static str,
    /// Why that matters, and what to do.
    pub help: &'static str,
    /// A line of a document that it finds; empty where one line cannot show it.
    pub example: &'static str,
}

const fn error(
    code: &'static str,
    purpose: &'static str,
    help: &'static str,
    example: &'static str,
) -> Rule {
    Rule {
        code,
        severity: Severity::Error,
        purpose,
        help,
        example,
    }
}

const fn warning(
    code: &'static str,
    purpose: &'static str,
    help: &'static str,
    example: &'static str,
) -> Rule {
    Rule {
        code,
        severity: Severity::Warning,
        purpose,
        help,
        example,
    }
}

const fn note(
    code: &'static str,
    purpose: &'static str,
    help: &'static str,
    example: &'static str,
) -> Rule {
    Rule {
        code,
        severity: Severity::Note,
        purpose,
        help,
        example,
    }
}

/// The families: rules of documents, of schemas, of `x-gateway` and the gateway it means, of Amazon's family, of security
/// smells, of templates.
const FAMILIES: &[&[Rule]] = &[
    document::RULES,
    composition::RULES,
    schema::RULES,
    gateway::RULES,
    amazon::RULES,
    security::RULES,
    template::RULES,
];

/// How many rules there are.
const COUNT: usize = {
    let mut count = 0;
    let mut families = FAMILIES;
    while let [family, others @ ..] = families {
        count += family.len();
        families = others;
    }
    count
};

/// All of them in one list.
const fn all() -> [Rule; COUNT] {
    let mut all = [document::RULES[0]; COUNT];
    let mut at = 0;
    let mut families = FAMILIES;
    while let [family, others @ ..] = families {
        let mut rest = *family;
        while let [rule, after @ ..] = rest {
            all[at] = *rule;
            at += 1;
            rest = after;
        }
        families = others;
    }
    all
}

/// Every rule.
pub static RULES: &[Rule] = &all();

/// The rule of a code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code == code)
}

impl Rule {
    /// What a code means, as text for people.
    pub fn explain(&self) -> String {
        let mut text = format!(
            "{}[{}]: {}\n\n{}\n",
            self.severity.name(),
            self.code,
            self.purpose,
            self.help
        );
        if !self.example.is_empty() {
            text.push_str("\nFound in:\n");
            for line in self.example.lines() {
                text.push_str("    ");
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }
}
