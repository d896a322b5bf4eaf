//! Who judges credentials in Amazon's dialect. None of the judges is served yet, so each is refused where it is used.

use super::{member, not_served};
use crate::findings::{Findings, Place, brief};
use crate::load::Node;

/// The judge that a security scheme names or implies: where, and what it is.
pub(crate) fn judge(scheme: &Node<'_>, aws_document: bool) -> Option<(Place, String)> {
    if let Some(authorizer) = member(scheme, "authorizer") {
        let kind = authorizer
            .get("type")
            .and_then(|kind| kind.as_str())
            .unwrap_or("unknown");
        let what = match kind.to_ascii_lowercase().as_str() {
            "token" | "request" => "a Lambda authorizer".to_owned(),
            "cognito_user_pools" => "a Cognito authorizer".to_owned(),
            "jwt" => "a JWT authorizer".to_owned(),
            _ => format!("an authorizer of type `{}`", brief(kind)),
        };
        return Some((authorizer.key_place(), what));
    }
    if let Some(kind) = member(scheme, "authtype") {
        let name = kind.as_str().unwrap_or_default();
        if name.to_ascii_lowercase().starts_with("aws") {
            return Some((
                kind.place(),
                format!("the authorization type `{}`", brief(name)),
            ));
        }
    }
    let is = |name: &str, value: &str| {
        scheme
            .get(name)
            .and_then(|node| node.as_str())
            .is_some_and(|text| text.eq_ignore_ascii_case(value))
    };
    (aws_document && is("type", "apiKey") && is("in", "header") && is("name", "x-api-key")).then(
        || {
            (
                scheme.key_place(),
                "the key of a usage plan (`x-api-key`)".to_owned(),
            )
        },
    )
}

/// Whether `x-amazon-apigateway-auth` opens an operation, whatever `security` says.
pub(crate) fn is_open(operation: &Node<'_>) -> bool {
    auth(operation).is_some_and(|(_, kind)| kind.eq_ignore_ascii_case("NONE"))
}

/// Refuses an operation that IAM guards.
pub(super) fn refuse_iam(operation: &Node<'_>, found: &mut Findings) {
    let Some((node, kind)) = auth(operation) else {
        return;
    };
    if !kind.eq_ignore_ascii_case("NONE") {
        not_served(
            &node,
            format_args!("authorization of type `{}`", brief(kind)),
            found,
        );
    }
}

fn auth<'d>(operation: &Node<'d>) -> Option<(Node<'d>, &'d str)> {
    let node = member(operation, "auth")?;
    let kind = node.get("type").and_then(|kind| kind.as_str());
    Some((node, kind.unwrap_or("unknown")))
}
