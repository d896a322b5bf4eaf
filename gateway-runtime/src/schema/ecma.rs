//! Patterns of ECMA 262 → the language of the `regex` crate.
//!
//! Read with the meaning of the flag `u`, as JSON Schema asks; what only patterns without it may have (`\-`, a lone `{`) is
//! taken for what it says there, for documents are full of it. The result only tells whether a pattern matches, so groups do
//! not capture and quantifiers are not lazy. What needs backtracking, back-references and look-around, has no translation, but
//! for two forms that ask about the text as a whole: look-aheads behind a leading `^`, look-behinds before a closing `$`.
//! Invariants: linear in the pattern, nesting bounded by [`MAX_NESTED`], nothing panics.

use std::fmt::Write as _;

/// Most groups inside each other.
const MAX_NESTED: usize = 50;

/// Largest number of a quantifier.
const MAX_REPEATS: u32 = 1 << 20;

/// What JavaScript takes for whitespace, as members of a class.
const SPACES: &str =
    r"\t-\r\x20\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}";
const WORDS: &str = "0-9A-Za-z_";
const DIGITS: &str = "0-9";

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternFault {
    /// Where in the pattern, in bytes.
    pub offset: usize,
    /// What is wrong, without a full stop.
    pub message: String,
}

/// A pattern as questions; a text has to answer all of them as it should.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translated {
    pub(super) questions: Vec<Question>,
}

/// One question about a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Whether this regular expression matches somewhere, and whether it should.
    Matches(String, bool),
    /// Whether it has so many characters.
    Length(u32, Option<u32>),
}

/// Translates a pattern.
pub(super) fn translate(pattern: &str) -> Result<Translated, PatternFault> {
    let mut reader = Reader {
        pattern,
        at: 0,
        nested: 0,
    };
    let alternatives = reader.alternatives()?;
    if reader.at < pattern.len() {
        return reader.fault("`)` without `(`");
    }
    let questions = match <[Vec<Term>; 1]>::try_from(alternatives) {
        Ok([terms]) => single(terms)?,
        Err(alternatives) => vec![Question::Matches(joined(alternatives)?, true)],
    };
    Ok(Translated { questions })
}

/// Whether a text is a pattern at all.
pub(super) fn is_pattern(text: &str) -> bool {
    let mut reader = Reader {
        pattern: text,
        at: 0,
        nested: 0,
    };
    reader.alternatives().is_ok() && reader.at == text.len()
}

/// A part of a pattern that stands by itself.
#[derive(Debug)]
struct Term {
    offset: usize,
    kind: Kind,
    /// Fewest and most repetitions; `None`: no bound.
    repeats: (u32, Option<u32>),
}

#[derive(Debug)]
enum Kind {
    /// `^`
    Start,
    /// `$`
    End,
    /// `\b`
    Boundary,
    /// One character of some.
    Character(String),
    /// A group.
    Group(String),
    /// `(?=…)`, `(?!…)`: what has to follow here, or must not.
    Ahead(String, bool),
    /// `(?<=…)`, `(?<!…)`
    Behind(String, bool),
    /// What cannot be translated.
    Foreign(&'static str),
}

/// One sequence of terms as questions about the whole text.
fn single(mut terms: Vec<Term>) -> Result<Vec<Question>, PatternFault> {
    let mut questions = Vec::new();
    if matches!(terms.first(), Some(term) if matches!(term.kind, Kind::Start)) {
        let ahead = |term: &Term| matches!(term.kind, Kind::Ahead(..));
        while terms.get(1).is_some_and(ahead) {
            if let Kind::Ahead(inner, wanted) = terms.remove(1).kind {
                questions.push(Question::Matches(format!("^(?:{inner})"), wanted));
            }
        }
    }
    if matches!(terms.last(), Some(term) if matches!(term.kind, Kind::End)) {
        let behind = |term: &Term| matches!(term.kind, Kind::Behind(..));
        while terms.len() >= 2 && terms.get(terms.len() - 2).is_some_and(behind) {
            if let Kind::Behind(inner, wanted) = terms.remove(terms.len() - 2).kind {
                questions.push(Question::Matches(format!("(?:{inner})$"), wanted));
            }
        }
    }
    match terms.as_slice() {
        // Nothing but so many of some characters: counting is cheaper than as many states.
        [
            Term {
                kind: Kind::Start, ..
            },
            Term {
                kind: Kind::Character(class),
                repeats: (least, most),
                ..
            },
            Term {
                kind: Kind::End, ..
            },
        ] if *least > 1 || most.is_some_and(|most| most > 1) => {
            questions.push(Question::Length(*least, *most));
            questions.push(Question::Matches(format!("^{class}*$"), true));
        }
        // Without an anchor, more than the fewest are never needed.
        [
            Term {
                kind: Kind::Character(class),
                repeats: (least, _),
                ..
            },
        ] => {
            if *least > 0 {
                questions.push(Question::Matches(format!("{class}{{{least}}}"), true));
            }
        }
        _ => {
            let text = sequence(terms)?;
            if !matches!(text.as_str(), "" | "^" | "$") {
                questions.push(Question::Matches(text, true));
            }
        }
    }
    Ok(questions)
}

fn joined(alternatives: Vec<Vec<Term>>) -> Result<String, PatternFault> {
    let parts: Result<Vec<String>, PatternFault> = alternatives.into_iter().map(sequence).collect();
    Ok(parts?.join("|"))
}

fn sequence(terms: Vec<Term>) -> Result<String, PatternFault> {
    let mut text = String::new();
    for term in terms {
        let (least, most) = term.repeats;
        match term.kind {
            Kind::Start => text.push('^'),
            Kind::End => text.push('$'),
            Kind::Boundary => text.push_str(r"(?-u:\b)"),
            Kind::Character(inner) => text.push_str(&inner),
            Kind::Group(inner) => {
                text.push_str("(?:");
                text.push_str(&inner);
                text.push(')');
            }
            Kind::Ahead(..) | Kind::Behind(..) => {
                return Err(PatternFault {
                    offset: term.offset,
                    message: "look-around can be checked behind a leading `^` or before a closing `$` alone"
                        .to_owned(),
                });
            }
            Kind::Foreign(what) => {
                return Err(PatternFault {
                    offset: term.offset,
                    message: what.to_owned(),
                });
            }
        }
        // Writing to a String cannot fail.
        let _ = match (least, most) {
            (1, Some(1)) => Ok(()),
            (0, None) => write!(text, "*"),
            (1, None) => write!(text, "+"),
            (0, Some(1)) => write!(text, "?"),
            (least, None) => write!(text, "{{{least},}}"),
            (least, Some(most)) if least == most => write!(text, "{{{least}}}"),
            (least, Some(most)) => write!(text, "{{{least},{most}}}"),
        };
    }
    Ok(text)
}

struct Reader<'p> {
    pattern: &'p str,
    at: usize,
    nested: usize,
}

impl<'p> Reader<'p> {
    fn fault<T>(&self, message: &str) -> Result<T, PatternFault> {
        Err(PatternFault {
            offset: self.at.min(self.pattern.len()),
            message: message.to_owned(),
        })
    }

    fn rest(&self) -> &'p str {
        self.pattern.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take(&mut self, text: &str) -> bool {
        let there = self.rest().starts_with(text);
        if there {
            self.at += text.len();
        }
        there
    }

    fn alternatives(&mut self) -> Result<Vec<Vec<Term>>, PatternFault> {
        let mut all = Vec::new();
        let mut terms = Vec::new();
        loop {
            match self.peek() {
                None | Some(')') => {
                    all.push(terms);
                    return Ok(all);
                }
                Some('|') => {
                    self.at += 1;
                    all.push(std::mem::take(&mut terms));
                }
                Some(_) => {
                    let term = self.term()?;
                    terms.push(term);
                }
            }
        }
    }

    fn term(&mut self) -> Result<Term, PatternFault> {
        let offset = self.at;
        let kind = match self.next() {
            Some('^') => Kind::Start,
            Some('$') => Kind::End,
            Some('.') => Kind::Character(r"[^\n\r\x{2028}\x{2029}]".to_owned()),
            Some('(') => self.group()?,
            Some('[') => Kind::Character(self.class()?),
            Some('\\') => self.escape()?,
            Some('*' | '+' | '?') => {
                self.at = offset;
                return self.fault("there is nothing to repeat");
            }
            Some('{') if self.is_quantifier(offset) => {
                self.at = offset;
                return self.fault("there is nothing to repeat");
            }
            Some(character) => Kind::Character(literal(u32::from(character))),
            None => return self.fault("the pattern ends too early"),
        };
        let before = self.at;
        let repeats = self.quantifier()?;
        if self.at > before
            && !matches!(kind, Kind::Character(_) | Kind::Group(_) | Kind::Foreign(_))
        {
            self.at = before;
            return self.fault("there is nothing to repeat");
        }
        Ok(Term {
            offset,
            kind,
            repeats,
        })
    }

    fn is_quantifier(&self, at: usize) -> bool {
        let mut reader = Reader {
            pattern: self.pattern,
            at,
            nested: 0,
        };
        !matches!(reader.braces(), Ok(None))
    }

    fn quantifier(&mut self) -> Result<(u32, Option<u32>), PatternFault> {
        let repeats = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => match self.braces()? {
                Some(repeats) => {
                    self.take("?");
                    return Ok(repeats);
                }
                None => return Ok((1, Some(1))),
            },
            _ => return Ok((1, Some(1))),
        };
        self.at += 1;
        self.take("?");
        Ok(repeats)
    }

    /// `{n}`, `{n,}`, `{n,m}`; anything else in braces is text.
    fn braces(&mut self) -> Result<Option<(u32, Option<u32>)>, PatternFault> {
        let start = self.at;
        self.at += 1;
        let least = self.decimal();
        let most = if self.take(",") {
            match self.decimal() {
                Some(most) => Some(most),
                None if self.peek() == Some('}') => None,
                None => {
                    self.at = start;
                    return Ok(None);
                }
            }
        } else {
            least
        };
        let (Some(least), true) = (least, self.take("}")) else {
            self.at = start;
            return Ok(None);
        };
        if most.is_some_and(|most| most < least) {
            self.at = start;
            return self.fault("the numbers of this quantifier are out of order");
        }
        if least > MAX_REPEATS || most.is_some_and(|most| most > MAX_REPEATS) {
            self.at = start;
            return self.fault("this quantifier is too large");
        }
        Ok(Some((least, most)))
    }

    fn decimal(&mut self) -> Option<u32> {
        let rest = self.rest();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let text = rest.get(..digits).filter(|text| !text.is_empty())?;
        self.at += digits;
        Some(text.parse().unwrap_or(u32::MAX))
    }

    fn group(&mut self) -> Result<Kind, PatternFault> {
        let start = self.at - 1;
        self.nested += 1;
        if self.nested > MAX_NESTED {
            return self.fault("groups are nested too deep");
        }
        #[derive(Clone, Copy)]
        enum Form {
            Plain,
            Ahead(bool),
            Behind(bool),
        }
        let form = if self.take("?:") {
            Form::Plain
        } else if self.take("?=") {
            Form::Ahead(true)
        } else if self.take("?!") {
            Form::Ahead(false)
        } else if self.take("?<=") {
            Form::Behind(true)
        } else if self.take("?<!") {
            Form::Behind(false)
        } else if self.take("?<") {
            self.group_name()?;
            Form::Plain
        } else if self.peek() == Some('?') {
            return self.fault("ECMA 262 has no group that begins like this");
        } else {
            Form::Plain
        };
        let alternatives = self.alternatives()?;
        if !self.take(")") {
            self.at = start;
            return self.fault("`(` without `)`");
        }
        self.nested -= 1;
        let inner = match joined(alternatives) {
            Ok(inner) => inner,
            // It is a pattern, but not one for us; whether the rest is one is still to be seen.
            Err(_) => {
                return Ok(Kind::Foreign(
                    "look-around or a back-reference inside a group cannot be checked",
                ));
            }
        };
        Ok(match form {
            Form::Plain => Kind::Group(inner),
            Form::Ahead(wanted) => Kind::Ahead(inner, wanted),
            Form::Behind(wanted) => Kind::Behind(inner, wanted),
        })
    }

    fn group_name(&mut self) -> Result<(), PatternFault> {
        let rest = self.rest();
        let Some(end) = rest.find('>') else {
            return self.fault("the name of the group has no end");
        };
        let name = rest.get(..end).unwrap_or_default();
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
        if name.is_empty() || name.starts_with(|c: char| c.is_numeric()) || !name.chars().all(word)
        {
            return self.fault("this is not a name for a group");
        }
        self.at += end + 1;
        Ok(())
    }

    /// Behind a backslash, outside of a class.
    fn escape(&mut self) -> Result<Kind, PatternFault> {
        Ok(match self.peek() {
            Some('b') => {
                self.at += 1;
                Kind::Boundary
            }
            Some('B') => {
                self.at += 1;
                // It would be found inside of characters that have several bytes.
                Kind::Foreign("`\\B` cannot be checked")
            }
            Some('1'..='9') => {
                self.decimal();
                Kind::Foreign("back-references cannot be checked")
            }
            Some('k') => {
                self.at += 1;
                if !self.take("<") {
                    return self.fault("`\\k` names no group");
                }
                self.group_name()?;
                Kind::Foreign("back-references cannot be checked")
            }
            _ => match self.atom()? {
                Atom::One(code) => Kind::Character(literal(code)),
                Atom::Set(set) => Kind::Character(format!("[{set}]")),
            },
        })
    }

    /// What an escape stands for, its backslash read.
    fn atom(&mut self) -> Result<Atom, PatternFault> {
        let start = self.at.saturating_sub(1);
        let Some(character) = self.next() else {
            return self.fault("the pattern ends with a backslash");
        };
        Ok(match character {
            'd' => Atom::Set(DIGITS.to_owned()),
            'D' => Atom::Set(format!("[^{DIGITS}]")),
            'w' => Atom::Set(WORDS.to_owned()),
            'W' => Atom::Set(format!("[^{WORDS}]")),
            's' => Atom::Set(SPACES.to_owned()),
            'S' => Atom::Set(format!("[^{SPACES}]")),
            't' => Atom::One(9),
            'n' => Atom::One(10),
            'v' => Atom::One(11),
            'f' => Atom::One(12),
            'r' => Atom::One(13),
            '0' if !self.rest().starts_with(|c: char| c.is_ascii_digit()) => Atom::One(0),
            'c' => match self.next() {
                Some(letter) if letter.is_ascii_alphabetic() => Atom::One(u32::from(letter) % 32),
                _ => {
                    self.at = start;
                    return self.fault("`\\c` needs a letter");
                }
            },
            'x' => match self.hexadecimal(2) {
                Some(code) => Atom::One(code),
                None => {
                    self.at = start;
                    return self.fault("`\\x` needs two hexadecimal digits");
                }
            },
            'u' => match self.unicode() {
                Some(code) => Atom::One(code),
                None => {
                    self.at = start;
                    return self.fault("`\\u` needs four hexadecimal digits");
                }
            },
            'p' | 'P' => {
                let rest = self.rest();
                let name = rest
                    .strip_prefix('{')
                    .and_then(|rest| Some(rest.split_once('}')?.0));
                let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '=');
                match name {
                    Some(name) if !name.is_empty() && name.chars().all(word) => {
                        self.at += name.len() + 2;
                        Atom::Set(format!("\\{character}{{{name}}}"))
                    }
                    _ => {
                        self.at = start;
                        return self.fault("`\\p` needs the name of a property: `\\p{Letter}`");
                    }
                }
            }
            letter if letter.is_alphanumeric() => {
                self.at = start;
                return self.fault("ECMA 262 has no such escape");
            }
            other => Atom::One(u32::from(other)),
        })
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest().get(..digits)?;
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += digits;
        u32::from_str_radix(text, 16).ok()
    }

    /// Four hexadecimal digits, with its other half if it is one of a surrogate pair, or `{X…}`.
    fn unicode(&mut self) -> Option<u32> {
        if let Some(rest) = self.rest().strip_prefix('{') {
            let (digits, _) = rest.split_once('}')?;
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            let code = u32::from_str_radix(digits, 16).ok()?;
            self.at += digits.len() + 2;
            return (code <= 0x10_ffff).then_some(code);
        }
        let first = self.hexadecimal(4)?;
        if (0xd800..0xdc00).contains(&first) {
            let before = self.at;
            if self.take("\\u")
                && let Some(second @ 0xdc00..=0xdfff) = self.hexadecimal(4)
            {
                return Some(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            }
            self.at = before;
        }
        Some(first)
    }

    /// A class, its bracket read.
    fn class(&mut self) -> Result<String, PatternFault> {
        let start = self.at - 1;
        let negated = self.take("^");
        let mut members = String::new();
        loop {
            if self.take("]") {
                break;
            }
            let from = match self.class_atom() {
                Ok(atom) => atom,
                Err(_) if self.at >= self.pattern.len() => {
                    self.at = start;
                    return self.fault("`[` without `]`");
                }
                Err(fault) => return Err(fault),
            };
            let dash = self.at;
            if self.take("-") && self.peek().is_some_and(|next| next != ']') {
                let to = self.class_atom()?;
                match (&from, &to) {
                    (Atom::One(from), Atom::One(to)) if from > to => {
                        self.at = dash;
                        return self.fault("the ends of this range are out of order");
                    }
                    (Atom::One(from), Atom::One(to)) => range(*from, *to, &mut members),
                    // No range at all: all three stand for themselves.
                    _ => {
                        from.add(&mut members);
                        members.push_str("\\-");
                        to.add(&mut members);
                    }
                }
            } else {
                self.at = dash;
                from.add(&mut members);
            }
        }
        Ok(match (members.is_empty(), negated) {
            (true, true) => "(?s:.)".to_owned(),
            (true, false) => r"[^\x{0}-\x{10ffff}]".to_owned(),
            (false, true) => format!("[^{members}]"),
            (false, false) => format!("[{members}]"),
        })
    }

    fn class_atom(&mut self) -> Result<Atom, PatternFault> {
        match self.next() {
            Some('\\') => match self.peek() {
                Some('b') => {
                    self.at += 1;
                    Ok(Atom::One(8))
                }
                _ => self.atom(),
            },
            Some(character) => Ok(Atom::One(u32::from(character))),
            None => self.fault("the pattern ends too early"),
        }
    }
}

/// A character, or members of a class.
enum Atom {
    One(u32),
    Set(String),
}

impl Atom {
    fn add(&self, members: &mut String) {
        match self {
            Atom::One(code) => range(*code, *code, members),
            Atom::Set(set) => members.push_str(set),
        }
    }
}

/// Adds a range to a class, but for surrogates, which no text in UTF-8 has.
fn range(from: u32, to: u32, members: &mut String) {
    for (from, to) in [(from, to.min(0xd7ff)), (from.max(0xe000), to)] {
        if from > to {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = if from == to {
            write!(members, "{}", code(from))
        } else {
            write!(members, "{}-{}", code(from), code(to))
        };
    }
}

/// One character outside of a class.
fn literal(code_point: u32) -> String {
    if (0xd800..0xe000).contains(&code_point) {
        // Half a character is in no text.
        return r"[^\x{0}-\x{10ffff}]".to_owned();
    }
    code(code_point)
}

fn code(code: u32) -> String {
    match char::from_u32(code) {
        Some(plain) if plain.is_ascii_alphanumeric() => plain.to_string(),
        _ => format!("\\x{{{code:x}}}"),
    }
}
