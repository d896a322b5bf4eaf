//! Operations and the routes that lead to them.

use super::{BodyDef, ParameterDef, ParameterPlace, PolicyDef, ResponseDef, Text};

/// One operation of the document.
#[derive(Debug, PartialEq)]
pub struct OperationDef {
    /// `operationId`, or a name made from method and path; unique.
    pub id: &'static str,
    /// The method as written (`GET`), or `ANY` for every method not declared beside it.
    pub method: &'static str,
    /// The path template as written.
    pub path: &'static str,
    /// First tag, or `default`.
    pub tag: &'static str,
    /// `summary`, one line.
    pub summary: &'static str,
    /// Declared parameters, in the document's order.
    pub parameters: &'static [ParameterDef],
    /// What its requests carry; `None`: the document says nothing of it.
    pub body: Option<BodyDef>,
    /// What its answers are, the more specific status first; empty where no stage checks them.
    pub responses: &'static [ResponseDef],
    /// Who may call it.
    pub access: AccessDef,
    /// What happens to its requests, unless a stage overrides it.
    pub policy: PolicyDef,
    /// What `--mock` answers, if the crate was generated with examples.
    pub example: Option<ExampleDef>,
}

/// One row of the routing table.
#[derive(Debug, PartialEq)]
pub struct RouteDef {
    /// `GET`, …, or `ANY`.
    pub method: &'static str,
    /// The path pattern ([`crate::path`]).
    pub path: &'static str,
    /// Where it leads.
    pub operation: &'static OperationDef,
}

/// One row of the routing table: `route("GET", "/pets/{petId}", &pets::SHOW_PET)`.
pub const fn route(
    method: &'static str,
    path: &'static str,
    operation: &'static OperationDef,
) -> RouteDef {
    RouteDef {
        method,
        path,
        operation,
    }
}

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessDef {
    /// Anyone: the document asks for no credential.
    Public,
    /// The back end decides; the gateway forwards the credential untouched. One of these alternatives, each a list of
    /// credentials that belong together; an empty alternative means that no credential is fine too.
    Delegated(&'static [&'static [CredentialDef]]),
}

/// A credential that a security scheme declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialDef {
    /// Name of the security scheme.
    pub scheme: &'static str,
    /// Where the credential stands.
    pub place: ParameterPlace,
    /// Name of the field, the query parameter or the cookie; header names in lower case.
    pub name: &'static str,
    /// Whether the gateway answers 401 when it is absent (`x-gateway: { require: true }`).
    pub required: bool,
}

/// `credential("login", header("authorization"), false)` in emitted tables: the last says whether it is required.
pub const fn credential(
    scheme: &'static str,
    parameter: ParameterDef,
    required: bool,
) -> CredentialDef {
    CredentialDef {
        scheme,
        place: parameter.place,
        name: parameter.name,
        required,
    }
}

/// An example answer out of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExampleDef {
    /// Status.
    pub status: u16,
    /// Media type; empty: no body.
    pub media_type: &'static str,
    /// Body.
    pub body: Text,
}
