//! The functions of section 2.4: their names and the types of their parameters and results.

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Length,
    Count,
    Match,
    Search,
    Value,
}

/// Types of section 2.4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Value,
    Logical,
    Nodes,
}

impl Function {
    pub(super) const ALL: &'static [(&'static str, Function)] = &[
        ("length", Function::Length),
        ("count", Function::Count),
        ("match", Function::Match),
        ("search", Function::Search),
        ("value", Function::Value),
    ];

    pub(super) fn parameters(self) -> &'static [Type] {
        match self {
            Function::Length => &[Type::Value],
            Function::Count | Function::Value => &[Type::Nodes],
            Function::Match | Function::Search => &[Type::Value, Type::Value],
        }
    }

    pub(super) fn result(self) -> Type {
        match self {
            Function::Length | Function::Count | Function::Value => Type::Value,
            Function::Match | Function::Search => Type::Logical,
        }
    }
}
