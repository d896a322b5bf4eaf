#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails may panic"
)]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

mod far;
mod named;

use super::{Sources, references, references_from};
use crate::findings::Findings;
use crate::load::tests::report;
use crate::load::{self, Document};

/// A folder of files that goes away with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("gateway-codegen-{}-{number}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        fs::create_dir_all(&folder.0).unwrap();
        for (name, text) in files {
            let path = folder.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn resolve(&self, entry: &str) -> (Document, Findings) {
        self.resolve_from(entry, Sources::default())
    }

    fn resolve_from(&self, entry: &str, sources: Sources<'_>) -> (Document, Findings) {
        let mut found = Findings::default();
        let document = load::read(&self.0.join(entry), &mut found).unwrap();
        let document = references_from(document, sources, &mut found);
        (document, found)
    }

    /// `file:line:column code` of every finding.
    fn report(&self, entry: &str) -> Vec<String> {
        let (document, found) = self.resolve(entry);
        let list = found.sorted();
        let mut files = list.iter().map(|f| {
            let name = &document.files[f.place.file].name;
            name.rsplit('/').next().unwrap().to_owned()
        });
        let report = report(&document, &found);
        report
            .into_iter()
            .map(|line| format!("{}:{line}", files.next().unwrap()))
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn check(yaml: &str, expected: &[&str]) {
    let mut found = Findings::default();
    let document = load::text("api.yaml", yaml, &mut found).unwrap();
    let document = references(document, &mut found);
    assert_eq!(report(&document, &found), expected, "{found:?}");
}

/// Where `follow` ends from a place of the first file.
#[track_caller]
fn follows(document: &Document, from: &str, expected: &str) {
    let node = document.root().unwrap().at(from).unwrap().follow();
    let place = node.place();
    let name = document.files[place.file].name.rsplit('/').next().unwrap();
    assert_eq!(format!("{name}#{}", place.pointer), expected);
}

#[test]
fn references_inside_the_document() {
    check(
        "a: {$ref: '#/b'}\nb: {$ref: '#/c~1d/0'}\nc/d: [1]\ne: {$ref: '#/c~1d'}\nf: {$ref: '#/c%2Fd'}\n",
        &["5:11 ref-dangling"],
    );
    check("a: {$ref: '#'}\n", &[]);
    check("a: {$ref: '#/%C3%BC x'}\nü x: 1\n", &[]);
}

#[test]
fn a_reference_is_followed_to_its_end() {
    let mut found = Findings::default();
    let yaml = "a: {$ref: '#/b'}\nb: {$ref: '#/c~1d/0'}\nc/d: [{x: 1}]\nlost: {$ref: '#/no'}\nself: {$ref: '#/self'}\n";
    let document = references(
        load::text("api.yaml", yaml, &mut found).unwrap(),
        &mut found,
    );
    follows(&document, "/a", "api.yaml#/c~1d/0");
    follows(&document, "/c~1d/0", "api.yaml#/c~1d/0");
    follows(&document, "/lost", "api.yaml#/lost");
    follows(&document, "/self", "api.yaml#/self");
}

#[test]
fn a_dangling_reference_is_one_error_at_its_first_place() {
    check(
        "a: {$ref: '#/no'}\nb: [{$ref: '#/no'}]\nc: {$ref: '#/nope'}\n",
        &["1:11 ref-dangling", "3:11 ref-dangling"],
    );
    check("a: {$ref: '#name'}\n", &["1:11 ref-dangling"]);
    check("a: {$ref: Book}\n", &["1:11 ref-file-missing"]);
    check(
        "a: {$ref: 1}\nb: {$ref: {}}\n",
        &["1:11 ref-not-text", "2:11 ref-not-text"],
    );
}

#[test]
fn help_names_what_was_probably_meant() {
    let help = |reference: &str| {
        let mut found = Findings::default();
        let yaml = format!(
            "a: {{$ref: '{reference}'}}\ncomponents: {{schemas: {{Book/s: {{type: object}}}}}}\n"
        );
        let document = load::text("api.yaml", yaml, &mut found).unwrap();
        references(document, &mut found);
        found.sorted()[0].help.clone()
    };
    assert_eq!(
        help("#/components/schemas/Book~1"),
        "did you mean `#/components/schemas/Book~1s`"
    );
    assert_eq!(
        help("#/component/schemas/Book~1s/type"),
        "did you mean `#/components/schemas/Book~1s/type`"
    );
    assert_eq!(
        help("#/components/schemas/Elephant"),
        "declare it, or correct the reference"
    );
}

#[test]
fn cycles_of_references_are_errors_and_recursive_schemas_are_not() {
    check(
        "a: {$ref: '#/b'}\nb: {$ref: '#/a'}\nc: {$ref: '#/a'}\n",
        &["1:11 ref-cycle"],
    );
    check("a: {$ref: '#/a'}\n", &["1:11 ref-cycle"]);
    check(
        "a: {properties: {next: {$ref: '#/a'}, b: {$ref: '#/b'}}}\nb: {items: {$ref: '#/a'}}\n",
        &[],
    );
    let chain = |length: usize| {
        let links = (0..length).map(|n| format!("a{n}: {{$ref: '#/a{}'}}\n", n + 1));
        links.collect::<String>() + &format!("a{length}: {{}}\n")
    };
    check(&chain(64), &[]);
    check(&chain(67), &["1:12 ref-cycle"]);
}

#[test]
fn data_holds_no_references() {
    check(
        "example: {$ref: '#/no'}\ndefault: {$ref: '#/no'}\nenum: [{$ref: '#/no'}]\nconst: {$ref: '#/no'}\n",
        &[],
    );
    check("examples: [{$ref: '#/no'}]\n", &[]);
    check("examples: {a: {value: {$ref: '#/no'}}}\n", &[]);
    check("examples: {a: {$ref: '#/no'}}\n", &["1:22 ref-dangling"]);
    check(
        "x-thing: {$ref: '#/no'}\nx-gateway: {a: [{$ref: '#/no'}]}\n",
        &[],
    );
    check(
        "x-amazon-apigateway-integration: {$ref: '#/no', a: {$ref: '#/other'}}\n",
        &["1:41 ref-dangling"],
    );
    check(
        "x-amazon-apigateway-any-method: {responses: {200: {$ref: '#/no'}}}\n",
        &["1:58 ref-dangling"],
    );
    // What a reference to an example leads to is data as well.
    check(
        "components:\n  examples: {a: {value: {$ref: 'http://x/y'}}, b: {$ref: '#/components/examples/a'}}\nexamples: {c: {$ref: '#/components/examples/b'}}\n",
        &[],
    );
    // A schema that a reference finds in data is a schema.
    check(
        "a: {$ref: '#/x-schemas/A'}\nx-schemas: {A: {items: {$ref: '#/no'}}}\n",
        &["2:31 ref-dangling"],
    );
}

#[test]
fn names_that_look_like_words_are_names() {
    check(
        "properties: {$ref: {type: string}, default: {$ref: '#/no'}, example: {$ref: '#/no'}}\n",
        &["1:52 ref-dangling"],
    );
    check(
        "properties: {x-a: {$ref: '#/no'}}\n",
        &["1:26 ref-dangling"],
    );
    check(
        "responses: {default: {$ref: '#/no'}, x-a: {$ref: '#/nope'}}\n",
        &["1:29 ref-dangling"],
    );
    check(
        "properties: {properties: {properties: {default: {$ref: '#/no'}}}}\n",
        &["1:56 ref-dangling"],
    );
    check("paths: {$ref: '#/no'}\n", &["1:15 ref-dangling"]);
}

#[test]
fn nothing_is_fetched() {
    check(
        "a: {$ref: 'https://example.com/a.yaml#/A'}\nb: {$ref: 'http://localhost/'}\nc: {$ref: 'file:///etc/passwd'}\nd: {$ref: '//host/x'}\ne: {$ref: 'urn:x'}\n",
        &[
            "1:11 ref-remote",
            "2:11 ref-remote",
            "3:11 ref-remote",
            "4:11 ref-remote",
            "5:11 ref-remote",
        ],
    );
}

#[test]
fn files_are_read_relative_to_the_one_that_names_them() {
    let folder = Folder::new(&[
        (
            "api.yaml",
            "a: {$ref: 'parts/one.yaml#/A'}\nb: {$ref: ./parts/../parts/one.yaml}\nc: {$ref: 'parts/a%20b.json#/x'}\n",
        ),
        (
            "parts/one.yaml",
            "A: {$ref: 'two.json#/B'}\nback: {$ref: '../api.yaml#/b'}\n",
        ),
        ("parts/two.json", "{\"B\": {\"type\": \"object\"}}"),
        ("parts/a b.json", "{\"x\": {}}"),
    ]);
    let (document, found) = folder.resolve("api.yaml");
    assert_eq!(report(&document, &found), Vec::<String>::new());
    let names = document
        .files
        .iter()
        .map(|file| file.name.rsplit('/').next().unwrap());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["api.yaml", "one.yaml", "a b.json", "two.json"]
    );
    follows(&document, "/a", "two.json#/B");
    follows(&document, "/b", "one.yaml#");
}

#[test]
fn faults_in_other_files_stand_there() {
    let folder = Folder::new(&[
        (
            "api.yaml",
            "a: {$ref: 'b.yaml#/A'}\nc: {$ref: 'c.json#/x'}\nd: {$ref: 'c.json#/y'}\n",
        ),
        (
            "b.yaml",
            "A:\n  items: {$ref: '#/no'}\nunused: {$ref: '#/neither'}\n",
        ),
        ("c.json", "{"),
    ]);
    assert_eq!(
        folder.report("api.yaml"),
        ["b.yaml:2:17 ref-dangling", "c.json:1:1 json-syntax"]
    );
}

#[test]
fn nothing_outside_of_the_folder_is_read() {
    let folder = Folder::new(&[
        ("secret.yaml", "S: {}\n"),
        (
            "spec/api.yaml",
            "a: {$ref: '../secret.yaml#/S'}\nb: {$ref: '/etc/passwd'}\nc: {$ref: 'x/../../secret.yaml'}\nd: {$ref: '%2e%2e/other.yaml'}\ne: {$ref: '../spec/in.yaml'}\nf: {$ref: '../secret.yaml#/T'}\n",
        ),
        ("spec/in.yaml", "x: 1\n"),
    ]);
    assert_eq!(
        folder.report("spec/api.yaml"),
        [
            "api.yaml:1:11 ref-escapes",
            "api.yaml:2:11 ref-escapes",
            "api.yaml:3:11 ref-escapes",
            "api.yaml:4:11 ref-escapes",
        ]
    );
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_not_followed() {
    let folder = Folder::new(&[
        ("secret.yaml", "S: {}\n"),
        (
            "spec/api.yaml",
            "a: {$ref: 'link.yaml#/S'}\nb: {$ref: 'in.yaml#/S'}\nc: {$ref: 'up/secret.yaml'}\n",
        ),
        ("spec/real.yaml", "S: {}\n"),
    ]);
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(folder.0.join(to), folder.0.join("spec").join(name)).unwrap();
    };
    link("secret.yaml", "link.yaml");
    link("spec/real.yaml", "in.yaml");
    link("", "up");
    assert_eq!(
        folder.report("spec/api.yaml"),
        ["api.yaml:1:11 ref-escapes", "api.yaml:3:11 ref-escapes"]
    );
}

#[test]
fn what_is_no_file_is_reported_at_the_reference() {
    let folder = Folder::new(&[
        (
            "api.yaml",
            "a: {$ref: sub}\nb: {$ref: 'none.yaml#/A'}\nc: {$ref: 'none.yaml#/B'}\nd: {$ref: \"a\\0b\"}\n",
        ),
        ("sub/x.yaml", "{}"),
    ]);
    assert_eq!(
        folder.report("api.yaml"),
        [
            "api.yaml:1:11 file-not-regular",
            "api.yaml:2:11 ref-file-missing",
            "api.yaml:4:11 ref-escapes",
        ]
    );
}

#[test]
fn a_root_widens_the_folder_and_no_more() {
    let folder = Folder::new(&[
        ("secret.yaml", "S: {}\n"),
        (
            "all/spec/api.yaml",
            "a: {$ref: '../common/c.yaml#/C'}\nb: {$ref: '../../secret.yaml#/S'}\nc: {$ref: '/etc/passwd'}\n",
        ),
        ("all/common/c.yaml", "C: {$ref: '../spec/api.yaml#/d'}\n"),
        ("other/x.yaml", "a: 1\n"),
    ]);
    let with_root = |root: &str| {
        let root = folder.0.join(root);
        let sources = Sources {
            root: Some(&root),
            remote: None,
        };
        let (document, found) = folder.resolve_from("all/spec/api.yaml", sources);
        let names: Vec<String> = document.files.iter().map(|f| f.name.clone()).collect();
        (report(&document, &found), names)
    };
    let (said, names) = with_root("all");
    assert_eq!(
        said,
        ["2:11 ref-escapes", "3:11 ref-escapes", "1:11 ref-dangling"]
    );
    assert!(names[1].ends_with("/all/common/c.yaml"), "{names:?}");
    assert!(!names[1].contains(".."), "{names:?}");
    let (said, _) = with_root("other");
    assert!(said.contains(&"1:1 ref-escapes".to_owned()), "{said:?}");
    assert!(said.contains(&"1:11 ref-escapes".to_owned()), "{said:?}");
}

#[test]
fn files_have_the_names_that_one_would_write() {
    use std::path::Path;
    let relative = |folder: &str, file: &str| load::relative(Path::new(folder), Path::new(file));
    assert_eq!(relative("/a/b", "/a/b/c/d.yaml"), "c/d.yaml");
    assert_eq!(relative("/a/b", "/a/c.yaml"), "../c.yaml");
    assert_eq!(relative("/a/b", "/x/y.yaml"), "../../x/y.yaml");
}

#[test]
fn thousands_of_files() {
    let count = 2000;
    let mut files = vec![(
        "api.yaml".to_owned(),
        (0..count)
            .map(|n| format!("s{n}: {{$ref: 'parts/part%20{n}.yaml#/Part'}}\n"))
            .collect::<String>(),
    )];
    for n in 0..count {
        let next = (n + 1) % count;
        files.push((
            format!("parts/part {n}.yaml"),
            format!("Part: {{properties: {{next: {{$ref: './part%20{next}.yaml#/Part'}}, up: {{$ref: '../api.yaml#/s0'}}}}}}\n"),
        ));
    }
    let borrowed: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let folder = Folder::new(&borrowed);
    let (document, found) = folder.resolve("api.yaml");
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(document.files.len(), count + 1);
    follows(&document, "/s1999", "part 1999.yaml#/Part");
}

proptest! {
    #[test]
    fn no_reference_leaves_the_folder(reference in "(\\.\\.|\\.|/|in|out|\\.yaml|%2e|%2F|\\\\|#|~1|:|%00|é){0,8}") {
        let folder = Folder::new(&[("out.yaml", "secret: 1\n"), ("d/in.yaml", "{}\n"), ("d/api.json", "{}")]);
        let api = serde_json::json!({"a": {"$ref": reference}});
        fs::write(folder.0.join("d/api.json"), api.to_string()).unwrap();
        let (document, _) = folder.resolve("d/api.json");
        let real = folder.0.join("d").canonicalize().unwrap();
        for file in &document.files {
            prop_assert!(file.path.canonicalize().unwrap().starts_with(&real), "{:?}", file.path);
        }
        document.root().unwrap().at("/a").unwrap().follow();
    }
}
