//! Parameters of an operation: its own and those of its path item, and how they match the path's template.

use std::collections::HashSet;
use std::mem::Discriminant;

use gateway_runtime::path::Pattern;
use openapiv3::Parameter;

use crate::findings::Findings;
use crate::load::Node;
use crate::suggest;

use super::{ParameterSource, read};

/// Most parameters of one list.
const MAX_PARAMETERS: usize = 1000;

/// The parameters of a path item or of an operation, and whether these are all that it declares.
pub(super) fn of<'d>(holder: Node<'d>, found: &mut Findings) -> (Vec<ParameterSource<'d>>, bool) {
    let mut parameters = Vec::new();
    let mut all = true;
    let Some(list) = holder.get("parameters").map(|list| list.follow()) else {
        return (parameters, all);
    };
    if !list.is_array() && !list.value().is_null() {
        found.warning(
            "parameter-malformed",
            list.place(),
            "`parameters` is not a list; it is left out",
            "write a list of parameters",
        );
    }
    if list.items().count() > MAX_PARAMETERS {
        found.error(
            "document-too-large",
            list.place(),
            "the list has more than 1,000 parameters",
            "no request has that many: look for what generated them",
        );
        return (parameters, false);
    }
    let mut known = HashSet::new();
    for written in list.items() {
        let node = written.follow();
        if node.reference().is_some() {
            all = false; // dangling: reported when references were resolved
            continue;
        }
        let Some(parameter) = read::parameter(node, found) else {
            all = false;
            continue;
        };
        if known.insert(identity(&parameter)) {
            parameters.push((parameter, node));
            continue;
        }
        let name = &parameter.parameter_data_ref().name;
        found.warning(
            "parameter-duplicate",
            written.place(),
            format!("the parameter `{name}` is declared twice; the first one counts"),
            "keep one of the two",
        );
    }
    (parameters, all)
}

/// Adds those of the path item that the operation does not declare itself.
pub(super) fn inherit<'d>(own: &mut Vec<ParameterSource<'d>>, shared: &[ParameterSource<'d>]) {
    let known: HashSet<_> = own
        .iter()
        .map(|(parameter, _)| identity(parameter))
        .collect();
    let others = shared
        .iter()
        .filter(|(parameter, _)| !known.contains(&identity(parameter)));
    own.extend(others.cloned());
}

/// What makes two parameters one: the same name in the same place (names of header fields know no case).
fn identity(parameter: &Parameter) -> (Discriminant<Parameter>, String) {
    let name = &parameter.parameter_data_ref().name;
    let name = match parameter {
        Parameter::Header { .. } => name.to_ascii_lowercase(),
        _ => name.clone(),
    };
    (std::mem::discriminant(parameter), name)
}

/// Path parameters are declared and in the template, or neither.
pub(super) fn match_template(
    path: &str,
    node: Node<'_>,
    parameters: &[ParameterSource<'_>],
    found: &mut Findings,
) {
    // A template that cannot be parsed is reported where routes are made.
    let Ok(pattern) = Pattern::parse(path) else {
        return;
    };
    let names: HashSet<&str> = pattern.params().map(bare).collect();
    let declared: HashSet<&str> = parameters
        .iter()
        .filter(|(parameter, _)| matches!(parameter, Parameter::Path { .. }))
        .map(|(parameter, _)| bare(&parameter.parameter_data_ref().name))
        .collect();
    for name in pattern.params().map(bare) {
        if !declared.contains(name) {
            found.warning(
                "path-parameter-undeclared",
                node.key_place(),
                format!("`{{{name}}}` of `{path}` is not declared as a parameter"),
                format!(
                    "declare it: `- {{ name: {name}, in: path, required: true, schema: {{ type: string }} }}`"
                ),
            );
        }
    }
    for (parameter, at) in parameters {
        let name = &parameter.parameter_data_ref().name;
        if matches!(parameter, Parameter::Path { .. }) && !names.contains(bare(name)) {
            // Only of a template that somebody wrote by hand: the work is a product of both lengths.
            let short = names.len() <= 20 && name.len() <= 100;
            let open = pattern.params().map(bare).filter(|n| !declared.contains(n));
            let help = match suggest::nearest(name, open.filter(|_| short)) {
                Some(near) => format!("did you mean `{near}`"),
                None => "take the parameter away, or put it into the path".to_owned(),
            };
            found.warning(
                "path-parameter-unknown",
                at.place(),
                format!("the path `{path}` has no `{{{name}}}`"),
                help,
            );
        }
    }
}

/// A name without what marks a greedy or an exploded parameter (`{proxy+}`, `{ids*}`).
fn bare(name: &str) -> &str {
    name.trim_end_matches(['+', '*'])
}
