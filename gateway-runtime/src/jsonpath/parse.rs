//! Text → [`Query`]: the grammar of RFC 9535 and the types of its functions, by recursive descent.

use serde_json::{Number, Value};

use super::function::{Function, Type};
use super::{
    Argument, Call, Comparable, Comparison, Fault, Inner, Logical, MAX_NESTING, MAX_QUERY, Query,
    Segment, Selector,
};

/// Largest index either way: what every reader of JSON can tell apart (section 2.1).
const MAX_INDEX: i64 = (1 << 53) - 1;

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// At the first byte that fits nothing.
    pub fn parse(text: &str) -> Result<Query, Fault> {
        if text.len() > MAX_QUERY {
            return Err(Fault {
                offset: MAX_QUERY,
                message: "a query has at most 64 KiB".to_owned(),
            });
        }
        let mut parser = Parser {
            text,
            at: 0,
            nesting: 0,
        };
        if !parser.take("$") {
            return parser.fault("a query begins with `$`");
        }
        let segments = parser.segments()?;
        if parser.at < text.len() {
            return parser.fault("here a segment begins with `.` or `[`");
        }
        Ok(Query { segments })
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    nesting: usize,
}

/// What stands in a filter or as an argument, before it is known what it is to be.
enum Expression {
    Literal(Value),
    Query(Inner),
    Call(Call),
    Logical(Logical),
}

type Parsed<T> = Result<T, Fault>;

impl Parser<'_> {
    fn fault<T>(&self, message: impl Into<String>) -> Parsed<T> {
        self.fault_at(self.at, message)
    }

    fn fault_at<T>(&self, offset: usize, message: impl Into<String>) -> Parsed<T> {
        Err(Fault {
            offset,
            message: message.into(),
        })
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
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
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn enter(&mut self) -> Parsed<()> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return self.fault(format!("the query is nested more than {MAX_NESTING} deep"));
        }
        Ok(())
    }

    fn segments(&mut self) -> Parsed<Vec<Segment>> {
        let mut segments = Vec::new();
        loop {
            let before = self.at;
            self.blanks();
            if self.take("..") {
                let selectors = match self.peek() {
                    Some('[') => self.brackets()?,
                    _ => vec![self.shorthand()?],
                };
                segments.push(Segment {
                    descendants: true,
                    selectors,
                });
            } else if self.take(".") {
                let selectors = vec![self.shorthand()?];
                segments.push(Segment {
                    descendants: false,
                    selectors,
                });
            } else if self.peek() == Some('[') {
                let selectors = self.brackets()?;
                segments.push(Segment {
                    descendants: false,
                    selectors,
                });
            } else {
                self.at = before;
                return Ok(segments);
            }
        }
    }

    /// What follows a dot: `*` or a name.
    fn shorthand(&mut self) -> Parsed<Selector> {
        if self.take("*") {
            return Ok(Selector::Wildcard);
        }
        let first = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
        let start = self.at;
        if !self.peek().is_some_and(first) {
            return self.fault("here stands a name or `*`; other names go in brackets: `['a-b']`");
        }
        while self.peek().is_some_and(|c| first(c) || c.is_ascii_digit()) {
            self.next();
        }
        let name = self.text.get(start..self.at).unwrap_or_default();
        Ok(Selector::Name(name.to_owned()))
    }

    fn brackets(&mut self) -> Parsed<Vec<Selector>> {
        self.take("[");
        let mut selectors = Vec::new();
        loop {
            self.blanks();
            selectors.push(self.selector()?);
            self.blanks();
            if self.take("]") {
                return Ok(selectors);
            }
            if !self.take(",") {
                return self.fault("here stands `,` or `]`");
            }
        }
    }

    fn selector(&mut self) -> Parsed<Selector> {
        match self.peek() {
            Some('\'' | '"') => self.string().map(Selector::Name),
            Some('*') => {
                self.at += 1;
                Ok(Selector::Wildcard)
            }
            Some('?') => {
                self.at += 1;
                self.blanks();
                let start = self.at;
                let test = self.or()?;
                self.logical(test, start).map(Selector::Filter)
            }
            Some('-' | '0'..='9' | ':') => self.index_or_slice(),
            _ => self
                .fault("here stands a name in quotes, an index, a slice, `*` or `?` with a test"),
        }
    }

    fn index_or_slice(&mut self) -> Parsed<Selector> {
        let start = self.integer_if_any()?;
        let after = self.at;
        self.blanks();
        if !self.take(":") {
            self.at = after;
            return match start {
                Some(index) => Ok(Selector::Index(index)),
                None => self.fault("here stands an index"),
            };
        }
        self.blanks();
        let end = self.integer_if_any()?;
        let after = self.at;
        self.blanks();
        let mut step = None;
        if self.take(":") {
            let after = self.at;
            self.blanks();
            step = self.integer_if_any()?;
            if step.is_none() {
                self.at = after;
            }
        } else {
            self.at = after;
        }
        Ok(Selector::Slice {
            start,
            end,
            step: step.unwrap_or(1),
        })
    }

    fn integer_if_any(&mut self) -> Parsed<Option<i64>> {
        if !matches!(self.peek(), Some('-' | '0'..='9')) {
            return Ok(None);
        }
        let start = self.at;
        self.take("-");
        let digits = self.digits();
        let text = self.text.get(start..self.at).unwrap_or_default();
        let good = digits > 0
            && text != "-0"
            && (digits == 1 || !text.trim_start_matches('-').starts_with('0'));
        match text.parse::<i64>() {
            Ok(number) if good && (-MAX_INDEX..=MAX_INDEX).contains(&number) => Ok(Some(number)),
            _ => self.fault_at(
                start,
                "this is no index: digits without zeros before them, at most 2^53 - 1",
            ),
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some('0'..='9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn string(&mut self) -> Parsed<String> {
        let start = self.at;
        let Some(quote) = self.next() else {
            return self.fault("here stands a text in quotes");
        };
        let mut text = String::new();
        loop {
            let at = self.at;
            match self.next() {
                None => return self.fault_at(start, "this text has no end"),
                Some(c) if c == quote => return Ok(text),
                Some('\\') => text.push(self.escaped(quote, at)?),
                Some(c) if c < ' ' => {
                    return self.fault_at(at, "control characters are escaped: `\\n`, `\\u001f`");
                }
                Some(c) => text.push(c),
            }
        }
    }

    fn escaped(&mut self, quote: char, at: usize) -> Parsed<char> {
        Ok(match self.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('/') => '/',
            Some('\\') => '\\',
            Some(c) if c == quote => c,
            Some('u') => {
                let unit = self.hex(at)?;
                let code = match unit {
                    0xD800..=0xDBFF => {
                        let low = if self.take("\\u") { self.hex(at)? } else { 0 };
                        if !(0xDC00..=0xDFFF).contains(&low) {
                            return self.fault_at(at, "this is half of a character");
                        }
                        0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
                    }
                    unit => unit,
                };
                match char::from_u32(code) {
                    Some(c) => c,
                    None => return self.fault_at(at, "this is half of a character"),
                }
            }
            _ => return self.fault_at(at, "there is no such escape"),
        })
    }

    fn hex(&mut self, at: usize) -> Parsed<u32> {
        let digits = self.rest().get(..4).unwrap_or_default();
        let good = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        match u32::from_str_radix(digits, 16) {
            Ok(unit) if good => {
                self.at += 4;
                Ok(unit)
            }
            _ => self.fault_at(at, "after `\\u` come four hexadecimal digits"),
        }
    }

    fn or(&mut self) -> Parsed<Expression> {
        self.chain("||", Self::and, Logical::Or)
    }

    fn and(&mut self) -> Parsed<Expression> {
        self.chain("&&", Self::basic, Logical::And)
    }

    /// Tests with an operator between them; one alone stays what it is.
    fn chain(
        &mut self,
        operator: &str,
        part: impl Fn(&mut Self) -> Parsed<Expression>,
        whole: impl FnOnce(Vec<Logical>) -> Logical,
    ) -> Parsed<Expression> {
        let mut start = self.at;
        let mut last = part(self)?;
        let mut tests = Vec::new();
        loop {
            let after = self.at;
            self.blanks();
            if !self.take(operator) {
                self.at = after;
                break;
            }
            tests.push(self.logical(last, start)?);
            self.blanks();
            start = self.at;
            last = part(self)?;
        }
        if tests.is_empty() {
            return Ok(last);
        }
        tests.push(self.logical(last, start)?);
        Ok(Expression::Logical(whole(tests)))
    }

    /// A comparison, a test, or something in parentheses.
    fn basic(&mut self) -> Parsed<Expression> {
        if self.take("!") {
            self.blanks();
            let start = self.at;
            self.enter()?;
            let negated = match self.peek() {
                Some('(') => self.parentheses()?,
                _ => {
                    let operand = self.operand()?;
                    self.logical(operand, start)?
                }
            };
            self.nesting -= 1;
            return Ok(Expression::Logical(Logical::Not(Box::new(negated))));
        }
        if self.peek() == Some('(') {
            return self.parentheses().map(Expression::Logical);
        }
        let start = self.at;
        let left = self.operand()?;
        let after = self.at;
        self.blanks();
        let Some(comparison) = self.comparison() else {
            self.at = after;
            return Ok(left);
        };
        let left = self.comparable(left, start)?;
        self.blanks();
        let start = self.at;
        let right = self.operand()?;
        let right = self.comparable(right, start)?;
        Ok(Expression::Logical(Logical::Compare(
            left, comparison, right,
        )))
    }

    fn parentheses(&mut self) -> Parsed<Logical> {
        self.enter()?;
        self.take("(");
        self.blanks();
        let start = self.at;
        let inside = self.or()?;
        let inside = self.logical(inside, start)?;
        self.blanks();
        if !self.take(")") {
            return self.fault("here stands `)`");
        }
        self.nesting -= 1;
        Ok(inside)
    }

    fn comparison(&mut self) -> Option<Comparison> {
        [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ]
        .into_iter()
        .find_map(|(text, comparison)| self.take(text).then_some(comparison))
    }

    /// A literal, a query or a function call.
    fn operand(&mut self) -> Parsed<Expression> {
        match self.peek() {
            Some('\'' | '"') => self.string().map(|text| Expression::Literal(text.into())),
            Some('-' | '0'..='9') => self.number().map(Expression::Literal),
            Some(start @ ('@' | '$')) => {
                self.at += 1;
                self.enter()?;
                let segments = self.segments()?;
                self.nesting -= 1;
                Ok(Expression::Query(Inner {
                    absolute: start == '$',
                    segments,
                }))
            }
            Some('a'..='z') => self.word(),
            _ => self
                .fault("here stands a literal, a query that begins with `@` or `$`, or a function"),
        }
    }

    fn number(&mut self) -> Parsed<Value> {
        let start = self.at;
        self.take("-");
        let whole = self.at;
        let digits = self.digits();
        let mut good = digits > 0
            && (digits == 1 || !self.text.get(whole..).is_some_and(|t| t.starts_with('0')));
        if self.take(".") {
            good &= self.digits() > 0;
        }
        if self.take("e") || self.take("E") {
            let _ = self.take("+") || self.take("-");
            good &= self.digits() > 0;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        match text.parse::<Number>() {
            Ok(number) if good => Ok(Value::Number(number)),
            _ => self.fault_at(start, "this is no number"),
        }
    }

    /// `true`, `false`, `null`, or a function with its arguments.
    fn word(&mut self) -> Parsed<Expression> {
        let start = self.at;
        while matches!(self.peek(), Some('a'..='z' | '0'..='9' | '_')) {
            self.at += 1;
        }
        let word = self.text.get(start..self.at).unwrap_or_default().to_owned();
        if self.peek() != Some('(') {
            return match word.as_str() {
                "true" => Ok(Expression::Literal(Value::Bool(true))),
                "false" => Ok(Expression::Literal(Value::Bool(false))),
                "null" => Ok(Expression::Literal(Value::Null)),
                _ => self.fault_at(start, "texts stand in quotes, and names behind `@.`"),
            };
        }
        let known = Function::ALL.iter().find(|(name, _)| *name == word);
        let Some((_, function)) = known else {
            let names: Vec<&str> = Function::ALL.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "there is no function of this name; one of {}",
                names.join(", ")
            );
            return self.fault_at(start, message);
        };
        self.at += 1;
        self.enter()?;
        let mut arguments = Vec::new();
        let mut closed = false;
        for (number, wanted) in function.parameters().iter().enumerate() {
            self.blanks();
            if number > 0 {
                if !self.take(",") {
                    break;
                }
                self.blanks();
            }
            let start = self.at;
            if self.peek() == Some(')') {
                break;
            }
            let argument = self.or()?;
            arguments.push(self.argument(argument, *wanted, start)?);
        }
        self.blanks();
        if arguments.len() == function.parameters().len() {
            closed = self.take(")");
        }
        if !closed {
            let count = function.parameters().len();
            let plural = if count == 1 { "" } else { "s" };
            return self.fault(format!("`{word}` has {count} argument{plural}"));
        }
        self.nesting -= 1;
        Ok(Expression::Call(Call {
            function: *function,
            arguments,
        }))
    }

    fn argument(&self, written: Expression, wanted: Type, start: usize) -> Parsed<Argument> {
        match wanted {
            Type::Nodes => match written {
                Expression::Query(query) => Ok(Argument::Nodes(query)),
                _ => self.fault_at(start, "this argument is a query"),
            },
            Type::Value | Type::Logical => self.comparable(written, start).map(Argument::Value),
        }
    }

    fn comparable(&self, written: Expression, start: usize) -> Parsed<Comparable> {
        match written {
            Expression::Literal(value) => Ok(Comparable::Literal(value)),
            Expression::Query(query) if query.is_singular() => Ok(Comparable::Query(query)),
            Expression::Query(_) => self.fault_at(
                start,
                "this query may select several nodes and has no value; `value(…)` or `count(…)` of it has one",
            ),
            Expression::Call(call) if call.function.result() == Type::Value => {
                Ok(Comparable::Call(call))
            }
            Expression::Call(_) | Expression::Logical(_) => {
                self.fault_at(start, "this is true or false and has no value to compare")
            }
        }
    }

    fn logical(&self, written: Expression, start: usize) -> Parsed<Logical> {
        match written {
            Expression::Logical(test) => Ok(test),
            Expression::Query(query) => Ok(Logical::Exists(query)),
            Expression::Call(call) if call.function.result() == Type::Logical => {
                Ok(Logical::Call(call))
            }
            Expression::Call(_) => self.fault_at(
                start,
                "this function gives a value: compare it with something",
            ),
            Expression::Literal(_) => self.fault_at(
                start,
                "a literal alone is no test: compare it with something",
            ),
        }
    }
}
