use super::*;

#[test]
fn queries_are_changed_without_touching_the_rest() {
    let edits = |remove: &[&'static str], set: &[(&'static str, &str)]| QueryEdits {
        remove: remove.to_vec(),
        set: set
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect(),
    };
    for (queries, edits, expected) in [
        ([None, None], edits(&[], &[]), "/"),
        ([Some("a=1"), None], edits(&[], &[]), "/?a=1"),
        (
            [Some("a=1"), Some("b=%zz&&c")],
            edits(&[], &[]),
            "/?a=1&b=%zz&&c",
        ),
        (
            [None, Some("a=1&%61=2&b=%20&a")],
            edits(&["a"], &[]),
            "/?b=%20",
        ),
        (
            [Some("a=1"), Some("a=2&b=3")],
            edits(&[], &[("a", "4")]),
            "/?b=3&a=4",
        ),
        ([None, Some("a=1&b=2")], edits(&[], &[("a", "")]), "/?b=2"),
        ([None, None], edits(&[], &[("a b&", "1")]), "/?a%20b%26=1"),
        (
            [None, Some("d=0")],
            edits(&[], &[("a", "1"), ("b", "1")]).then(edits(&["a", "d"], &[("b", "2")])),
            "/?b=2",
        ),
    ] {
        let mut target = "/".to_owned();
        edits.write(queries, &mut target);
        assert_eq!(target, expected, "{queries:?} {edits:?}");
    }
}
