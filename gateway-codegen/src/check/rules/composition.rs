//! Rules of overlays, and of several documents as one.

use super::{Rule, error, warning};

/// Rules of overlays, and of several documents as one.
pub(super) const RULES: &[Rule] = &[
    error(
        "bundle-parameter-open",
        "A template that is to be bundled has a parameter without a value.",
        "A bundle is a plain document. Give the parameter its value with `--param NAME=VALUE`, or generate from the template itself.",
        "",
    ),
    error(
        "overlay-extends",
        "An overlay is for another document.",
        "`extends` is relative to the overlay. Correct it, or take it out: an overlay without it is applied to every document.",
        "extends: ./other.yaml",
    ),
    warning(
        "overlay-info-missing",
        "An overlay has no `info` with a title and a version.",
        "It is applied; the specification of overlays wants both, and other tools refuse an overlay without.",
        "",
    ),
    error(
        "overlay-malformed",
        "A file is no overlay, or an action of it cannot be read.",
        "An action is an object with a `target` and one of `update`, `copy` and `remove: true`.",
        "actions: [ { targt: $.info } ]",
    ),
    error(
        "overlay-mismatch",
        "An action cannot be applied to what it selects.",
        "Objects merge with objects, lists are put behind lists, single values replace single values. Remove what is of another kind first.",
        "{ target: $.paths, update: [] }",
    ),
    warning(
        "overlay-no-effect",
        "An action of an overlay changes nothing, whatever it selects.",
        "Give it an `update`, or `remove: true`.",
        "{ target: $.info }",
    ),
    error(
        "overlay-target",
        "A target is no JSONPath.",
        "RFC 9535 says how one is written. Names with other characters than letters, digits and `_` stand in brackets: `$.paths['/books']`.",
        "target: $.paths./books",
    ),
    warning(
        "overlay-target-unmatched",
        "A target selects nothing, so the action changes nothing.",
        "Often the document moved on. A target selects in the document's own file and does not look through a `$ref`.",
        "target: $.paths['/bookz']",
    ),
    error(
        "overlay-too-large",
        "Overlays add too much, or select for too long.",
        "All of them together may add 500,000 values and 64 MiB of text and look at 50,000,000 values; one action may change 100,000.",
        "{ target: '$..*..*..*', remove: true }",
    ),
    warning(
        "overlay-unknown-member",
        "A member of an overlay is not known and has no effect.",
        "Often it is a typing slip. `copy` is a member from `overlay: 1.1.0` on.",
        "{ target: $.info, updat: {} }",
    ),
    error(
        "overlay-version",
        "The version of an overlay is not known.",
        "Overlays 1.0 and 1.1 are read.",
        "overlay: 2.0.0",
    ),
    error(
        "prefix-default-route",
        "The route that takes what no other takes cannot be put below a prefix.",
        "Write a greedy path in its place: `/{rest+}`.",
        "/$default: {}",
    ),
    warning(
        "selection-unmatched",
        "A selector of `--include` or `--exclude` selects no operation.",
        "Names are compared exactly; a path is the one that is served, with its prefix.",
        "",
    ),
    error(
        "spec-clash",
        "Two documents of one gateway say different things where only one can hold.",
        "Say it in one of them, or the same in both. An overlay changes a document that is not yours.",
        "",
    ),
    error(
        "spec-route-twice",
        "Two documents of one gateway have the same operation.",
        "Put one of them below a path of its own with `--prefix SPEC=/PATH`, or leave an operation out with `--exclude`.",
        "",
    ),
    error(
        "spec-versions-differ",
        "The documents of one gateway are of different versions of OpenAPI.",
        "Bring them to one version.",
        "",
    ),
];
