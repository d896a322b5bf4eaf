#![expect(clippy::unwrap_used, reason = "tests")]

use std::env;

use super::*;

/// A tree with a lock as `emit` makes it: digests of these files.
fn tree(files: &[(&str, &str)]) -> FileTree {
    let mut tree = FileTree::default();
    for (path, text) in files {
        tree.insert(path, *text);
    }
    let mut lock = String::from(
        "owner = \"gateway-codegen\"\ngenerator = \"1\"\nruntime = \"1\"\nlayout = 1\ndocument = \"d\"\n\
         [options]\nruntime = \"vendor\"\nworkspace = \"own\"\nwith = []\nonly-stages = []\n[files]\n",
    );
    for (path, text) in files {
        lock.push_str(&format!("{path:?} = {:?}\n", lock::digest(text)));
    }
    tree.insert(lock::NAME, lock);
    tree
}

/// A scratch folder that does not exist yet.
fn scratch(name: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!(
        "gateway-codegen-tree-{name}-{}",
        std::process::id()
    ));
    let _ = fs::remove_dir_all(&folder);
    folder
}

/// Every file below a folder.
fn listed(out: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                let path = path.strip_prefix(out).unwrap();
                files.push(path.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    files.sort();
    files
}

const ONE: &[(&str, &str)] = &[
    ("a.rs", "one\n"),
    ("src/b.rs", "one\n"),
    ("src/c/d.rs", "one\n"),
];
const TWO: &[(&str, &str)] = &[
    ("a.rs", "one\n"),
    ("src/b.rs", "two\n"),
    ("src/e.rs", "two\n"),
];

fn stale(state: State) -> Vec<(String, ChangeKind)> {
    match state {
        State::Stale(changes) => changes.into_iter().map(|c| (c.path, c.kind)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_changes_is_written_and_what_is_gone_is_deleted() {
    let out = scratch("life").join("deep/er");
    assert_eq!(stale(tree(ONE).diff(&out).unwrap()).len(), 4);
    assert!(!out.exists());
    let done = tree(ONE).write(&out, false).unwrap();
    assert_eq!(
        done.written,
        ["a.rs", "src/b.rs", "src/c/d.rs", "gateway.lock"]
    );
    assert_eq!(
        listed(&out),
        ["a.rs", "gateway.lock", "src/b.rs", "src/c/d.rs"]
    );
    assert_eq!(tree(ONE).diff(&out).unwrap(), State::Fresh);

    let changed = |out: &Path| fs::metadata(out.join("a.rs")).unwrap().modified().unwrap();
    let before = changed(&out);
    assert_eq!(
        stale(tree(TWO).diff(&out).unwrap()),
        [
            ("gateway.lock".to_owned(), ChangeKind::Changed),
            ("src/b.rs".to_owned(), ChangeKind::Changed),
            ("src/c/d.rs".to_owned(), ChangeKind::Removed),
            ("src/e.rs".to_owned(), ChangeKind::Added),
        ]
    );
    let done = tree(TWO).write(&out, false).unwrap();
    assert_eq!(done.written, ["src/b.rs", "src/e.rs", "gateway.lock"]);
    assert_eq!(done.deleted, ["src/c/d.rs"]);
    assert_eq!(done.unchanged, 1);
    assert_eq!(changed(&out), before);
    assert!(!out.join("src/c").exists());

    let done = tree(TWO).write(&out, false).unwrap();
    assert_eq!((done.written.len(), done.unchanged), (0, 4));
    fs::remove_dir_all(&out).unwrap();
}

#[test]
fn what_people_put_there_stays() {
    let out = scratch("theirs");
    tree(ONE).write(&out, false).unwrap();
    fs::write(out.join("src/c/mine.rs"), "mine").unwrap();
    fs::create_dir(out.join("target")).unwrap();
    assert_eq!(tree(ONE).diff(&out).unwrap(), State::Fresh);
    tree(TWO).write(&out, false).unwrap();
    assert!(listed(&out).contains(&"src/c/mine.rs".to_owned()));
    fs::remove_dir_all(&out).unwrap();
}

#[test]
fn an_edit_is_kept_unless_forced() {
    let out = scratch("edited");
    tree(ONE).write(&out, false).unwrap();
    fs::write(out.join("src/b.rs"), "mine\n").unwrap();
    fs::write(out.join("src/c/d.rs"), "mine\n").unwrap();
    // A file of theirs where a new one is to be.
    fs::write(out.join("src/e.rs"), "mine\n").unwrap();
    let edited = ["src/b.rs", "src/c/d.rs", "src/e.rs"].map(str::to_owned);
    let State::Edited {
        edited: found,
        changes,
    } = tree(TWO).diff(&out).unwrap()
    else {
        panic!("the edit was not seen");
    };
    assert_eq!(found, edited);
    assert!(
        changes
            .iter()
            .any(|change| change.to_string().contains("-mine"))
    );
    let refused = tree(TWO).write(&out, false).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "edited by hand: src/b.rs, src/c/d.rs, src/e.rs; move the change into the document, or use --force to overwrite"
    );
    assert_eq!(fs::read(out.join("src/b.rs")).unwrap(), b"mine\n");
    tree(TWO).write(&out, true).unwrap();
    assert_eq!(tree(TWO).diff(&out).unwrap(), State::Fresh);
    assert!(!out.join("src/c/d.rs").exists());
    fs::remove_dir_all(&out).unwrap();
}

#[test]
fn an_edit_that_says_what_would_be_written_is_none() {
    let out = scratch("same");
    tree(ONE).write(&out, false).unwrap();
    fs::write(out.join("src/b.rs"), "two\n").unwrap();
    fs::remove_file(out.join("a.rs")).unwrap();
    assert!(matches!(tree(TWO).diff(&out).unwrap(), State::Stale(_)));
    tree(TWO).write(&out, false).unwrap();
    assert_eq!(tree(TWO).diff(&out).unwrap(), State::Fresh);
    fs::remove_dir_all(&out).unwrap();
}

#[test]
fn cargo_may_rewrite_its_lock() {
    let out = scratch("cargo");
    let tree = tree(&[("Cargo.lock", "version = 4\n")]);
    tree.write(&out, false).unwrap();
    fs::write(out.join("Cargo.lock"), "version = 5\n").unwrap();
    assert_eq!(
        stale(tree.diff(&out).unwrap()),
        [("Cargo.lock".to_owned(), ChangeKind::Changed)]
    );
    tree.write(&out, false).unwrap();
    fs::remove_dir_all(&out).unwrap();
}

#[test]
fn a_folder_of_others_is_left_alone() {
    let out = scratch("foreign");
    fs::create_dir(&out).unwrap();
    tree(ONE).write(&out, false).unwrap();
    fs::remove_dir_all(&out).unwrap();

    fs::create_dir(&out).unwrap();
    fs::write(out.join("notes.txt"), "mine").unwrap();
    for force in [false, true] {
        let refused = tree(ONE).write(&out, force).unwrap_err();
        assert!(matches!(refused, TreeError::Foreign(_)), "{refused}");
    }
    for text in ["", "owner = \"other\"\n", "version = 3\n"] {
        fs::write(out.join(lock::NAME), text).unwrap();
        let refused = tree(ONE).write(&out, true).unwrap_err();
        assert!(matches!(refused, TreeError::Lock { .. }), "{refused}");
    }
    fs::remove_file(out.join(lock::NAME)).unwrap();
    assert_eq!(listed(&out), ["notes.txt"]);

    let file = out.join("notes.txt");
    let refused = tree(ONE).write(&file, true).unwrap_err();
    assert!(matches!(refused, TreeError::NotAFolder(_)), "{refused}");
    fs::remove_dir_all(&out).unwrap();
}

#[test]
fn a_merge_conflict_in_the_lock_is_solved_by_force() {
    let out = scratch("conflict");
    tree(ONE).write(&out, false).unwrap();
    let lock = fs::read_to_string(out.join(lock::NAME)).unwrap();
    let garbled = lock.replace("[files]\n", "[files]\n<<<<<<< ours\n");
    fs::write(out.join(lock::NAME), garbled).unwrap();
    let refused = tree(ONE).write(&out, false).unwrap_err();
    assert!(refused.to_string().contains("--force"), "{refused}");
    tree(TWO).write(&out, true).unwrap();
    assert_eq!(tree(TWO).diff(&out).unwrap(), State::Fresh);
    fs::remove_dir_all(&out).unwrap();
}

/// Every moment at which a run can end: after any number of its files, twice in a row, each time with another document.
#[test]
fn an_interrupted_run_is_finished_by_the_next() {
    const THREE: &[(&str, &str)] = &[("a.rs", "three\n"), ("src/b.rs", "three\n")];
    let out = scratch("interrupted");
    for first in 0..4 {
        for second in 0..4 {
            let _ = fs::remove_dir_all(&out);
            tree(ONE).write(&out, false).unwrap();
            for (files, done) in [(TWO, first), (THREE, second)] {
                let tree = tree(files);
                let known = Known::of(&out, false).unwrap();
                tree.remove_leftovers(&out, &known).unwrap();
                replace(&out, JOURNAL, known.journal(&tree).as_bytes()).unwrap();
                for (path, text) in files.iter().take(done) {
                    replace(&out, path, text.as_bytes()).unwrap();
                }
                // It ended while it wrote.
                let _ = fs::write(out.join(temporary(files[0].0)), "half");
            }
            let state = tree(ONE).diff(&out).unwrap();
            assert!(
                !matches!(state, State::Edited { .. }),
                "{first} {second}: {state:?}"
            );
            tree(ONE).write(&out, false).unwrap();
            assert_eq!(tree(ONE).diff(&out).unwrap(), State::Fresh);
            assert_eq!(
                listed(&out),
                ["a.rs", "gateway.lock", "src/b.rs", "src/c/d.rs"]
            );
        }
    }
    fs::remove_dir_all(&out).unwrap();
}

#[test]
fn a_first_run_may_be_interrupted_too() {
    let out = scratch("first");
    fs::create_dir(&out).unwrap();
    fs::write(out.join(temporary(JOURNAL)), "half").unwrap();
    tree(ONE).write(&out, false).unwrap();
    assert_eq!(
        listed(&out),
        ["a.rs", "gateway.lock", "src/b.rs", "src/c/d.rs"]
    );

    // Nothing but the journal and one file.
    fs::remove_file(out.join(lock::NAME)).unwrap();
    fs::remove_dir_all(out.join("src")).unwrap();
    let journal = Known::default().journal(&tree(ONE));
    fs::write(out.join(JOURNAL), journal).unwrap();
    tree(TWO).write(&out, false).unwrap();
    assert_eq!(
        listed(&out),
        ["a.rs", "gateway.lock", "src/b.rs", "src/e.rs"]
    );
    fs::remove_dir_all(&out).unwrap();
}

#[cfg(unix)]
#[test]
fn no_link_is_followed() {
    use std::os::unix::fs::symlink;

    let (out, elsewhere) = (scratch("links"), scratch("elsewhere"));
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("b.rs"), "theirs\n").unwrap();
    let refused = |message: &str| {
        for result in [
            tree(TWO).diff(&out).map(|_| ()),
            tree(TWO).write(&out, true).map(|_| ()),
        ] {
            let error = result.unwrap_err();
            assert!(matches!(error, TreeError::Link(_)), "{message}: {error}");
        }
        assert_eq!(listed(&elsewhere), ["b.rs"], "{message}");
        assert_eq!(
            fs::read(elsewhere.join("b.rs")).unwrap(),
            b"theirs\n",
            "{message}"
        );
    };
    for (link, target) in [
        ("src", elsewhere.clone()),
        ("a.rs", elsewhere.join("b.rs")),
        ("gateway.lock", elsewhere.join("b.rs")),
        ("src/c", elsewhere.clone()),
        ("src/e.rs", elsewhere.join("new.rs")),
        (JOURNAL, elsewhere.join("b.rs")),
    ] {
        let _ = fs::remove_dir_all(&out);
        tree(ONE).write(&out, false).unwrap();
        let place = out.join(link);
        let _ = fs::remove_dir_all(&place);
        let _ = fs::remove_file(&place);
        symlink(target, &place).unwrap();
        if link == "src/c" {
            // The old lock lists a file behind it, which is to be deleted.
            fs::write(elsewhere.join("d.rs"), "one\n").unwrap();
            let error = tree(TWO).write(&out, true).unwrap_err();
            assert!(matches!(error, TreeError::Link(_)), "{error}");
            fs::remove_file(elsewhere.join("d.rs")).unwrap();
        }
        refused(link);
    }
    // A temporary that someone prepared.
    let _ = fs::remove_dir_all(&out);
    tree(ONE).write(&out, false).unwrap();
    symlink(elsewhere.join("b.rs"), out.join(temporary("src/b.rs"))).unwrap();
    assert!(tree(TWO).write(&out, true).is_err());
    assert_eq!(fs::read(elsewhere.join("b.rs")).unwrap(), b"theirs\n");
    // The folder itself, where it leads nowhere.
    fs::remove_dir_all(&out).unwrap();
    symlink(elsewhere.join("none"), &out).unwrap();
    refused("the folder");
    fs::remove_file(&out).unwrap();
    fs::remove_dir_all(&elsewhere).unwrap();
}

#[test]
fn something_else_in_the_way_is_named() {
    let out = scratch("way");
    tree(ONE).write(&out, false).unwrap();
    fs::remove_file(out.join("a.rs")).unwrap();
    fs::create_dir(out.join("a.rs")).unwrap();
    let error = tree(ONE).write(&out, true).unwrap_err();
    assert!(matches!(error, TreeError::InTheWay(_)), "{error}");
    fs::remove_dir_all(&out).unwrap();
}

#[test]
fn a_tree_that_should_not_be_is_not_written() {
    let out = scratch("wrong");
    for path in ["../x", "/x", "a/../x", "a\\x", "c:x", ""] {
        let error = tree(&[(path, "")]).write(&out, true).unwrap_err();
        assert!(matches!(error, TreeError::Outside(_)), "{path}: {error}");
    }
    let error = tree(&[("Cargo.toml", "[package\n")])
        .write(&out, true)
        .unwrap_err();
    assert!(matches!(error, TreeError::Manifest { .. }), "{error}");
    assert!(!out.exists());
}
