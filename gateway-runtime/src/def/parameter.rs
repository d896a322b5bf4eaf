//! Parameters: where they stand, how their values are written there, and what they must be.

use super::Rules;

/// A parameter the document declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterDef {
    /// Where it stands.
    pub place: ParameterPlace,
    /// Its name; header names in lower case.
    pub name: &'static str,
    /// Whether a request has to have it.
    pub required: bool,
    /// Whether an empty value passes whatever the rules say (`allowEmptyValue`).
    pub empty: bool,
    /// How its value is written.
    pub style: Style,
    /// Whether each element or member stands for itself.
    pub explode: bool,
    /// What its value is.
    pub value: ValueDef,
}

/// What the value of a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueDef {
    /// Anything; where it is required, not blank. Amazon's gateways look no further.
    Any,
    /// Written in the parameter's style, and of these rules.
    Styled(Rules),
    /// A JSON text of these rules (`content`).
    Json(Rules),
}

/// Where a parameter or a credential stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParameterPlace {
    /// A segment of the path.
    Path,
    /// The query string.
    Query,
    /// A header field.
    Header,
    /// A cookie.
    Cookie,
}

/// How a value is written: the styles of OpenAPI, and what 2.0 has besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Style {
    /// `a,b`; exploded `k=a,l=b`.
    Simple,
    /// `.a.b`.
    Label,
    /// `;name=a,b`; exploded `;name=a;name=b`.
    Matrix,
    /// `name=a,b`; exploded `name=a&name=b`.
    Form,
    /// `name=a b`.
    Space,
    /// `name=a<tab>b` (2.0).
    Tab,
    /// `name=a|b`.
    Pipe,
    /// `name[k]=a&name[l]=b`.
    DeepObject,
}

impl ParameterDef {
    const fn at(place: ParameterPlace, name: &'static str) -> ParameterDef {
        let (style, explode) = Style::usual(place);
        ParameterDef {
            place,
            name,
            required: matches!(place, ParameterPlace::Path),
            empty: false,
            style,
            explode,
            value: ValueDef::Any,
        }
    }

    /// The same, demanded. One of the path always is.
    #[must_use]
    pub const fn required(mut self) -> ParameterDef {
        self.required = true;
        self
    }

    /// The same, but an empty value passes.
    #[must_use]
    pub const fn or_empty(mut self) -> ParameterDef {
        self.empty = true;
        self
    }

    /// The same, written otherwise than is usual at its place.
    #[must_use]
    pub const fn styled(mut self, style: Style, explode: bool) -> ParameterDef {
        self.style = style;
        self.explode = explode;
        self
    }

    /// The same, of these rules.
    #[must_use]
    pub const fn of(mut self, rules: Rules) -> ParameterDef {
        self.value = ValueDef::Styled(rules);
        self
    }

    /// The same, a JSON text of these rules.
    #[must_use]
    pub const fn json(mut self, rules: Rules) -> ParameterDef {
        self.value = ValueDef::Json(rules);
        self
    }
}

impl Style {
    /// The style of a place where the document names none, and whether it is exploded.
    pub const fn usual(place: ParameterPlace) -> (Style, bool) {
        match place {
            ParameterPlace::Path | ParameterPlace::Header => (Style::Simple, false),
            ParameterPlace::Query | ParameterPlace::Cookie => (Style::Form, true),
        }
    }
}

impl ParameterPlace {
    /// The word for it: `path`, `query`, `header` or `cookie`.
    pub const fn word(self) -> &'static str {
        match self {
            ParameterPlace::Path => "path",
            ParameterPlace::Query => "query",
            ParameterPlace::Header => "header",
            ParameterPlace::Cookie => "cookie",
        }
    }
}

/// `path("bookId")` in emitted tables.
pub const fn path(name: &'static str) -> ParameterDef {
    ParameterDef::at(ParameterPlace::Path, name)
}
/// `query("lang")` in emitted tables.
pub const fn query(name: &'static str) -> ParameterDef {
    ParameterDef::at(ParameterPlace::Query, name)
}
/// `header("accept-language")` in emitted tables.
pub const fn header(name: &'static str) -> ParameterDef {
    ParameterDef::at(ParameterPlace::Header, name)
}
/// `cookie("session")` in emitted tables.
pub const fn cookie(name: &'static str) -> ParameterDef {
    ParameterDef::at(ParameterPlace::Cookie, name)
}
