//! Files of other hosts, fetched by somebody who only pretends to.

use std::cell::RefCell;

use super::{Folder, report};
use crate::resolve::{NotFetched, Remote, Sources};

/// Answers from a list, and remembers what it was asked.
struct Pretended {
    files: Vec<(&'static str, Vec<u8>)>,
    asked: RefCell<Vec<String>>,
}

impl Pretended {
    fn new(files: &[(&'static str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(name, text)| (*name, text.as_bytes().to_vec()));
        Pretended {
            files: files.collect(),
            asked: RefCell::new(Vec::new()),
        }
    }
}

impl Remote for Pretended {
    fn fetch(&self, address: &str) -> Result<Vec<u8>, NotFetched> {
        self.asked.borrow_mut().push(address.to_owned());
        if !address.starts_with("https://books.example/") {
            return Err(NotFetched::NotAllowed("allow it".to_owned()));
        }
        let file = self.files.iter().find(|(name, _)| *name == address);
        file.map(|(_, bytes)| bytes.clone())
            .ok_or_else(|| NotFetched::Failed("404".to_owned()))
    }
}

fn resolve(pretended: &Pretended, entry: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
    let folder = Folder::new(&[("api.yaml", entry), ("secret.yaml", "S: {}\n")]);
    let sources = Sources {
        root: None,
        remote: Some(pretended),
    };
    let (document, found) = folder.resolve_from("api.yaml", sources);
    let read = document
        .files
        .iter()
        .skip(1)
        .filter(|file| !file.root.is_null());
    let names = read.map(|file| file.name.clone());
    (
        report(&document, &found),
        names.collect(),
        pretended.asked.borrow().clone(),
    )
}

#[test]
fn files_of_other_hosts_are_read_once_each() {
    let pretended = Pretended::new(&[
        (
            "https://books.example/v1/a.yaml",
            "A: {$ref: '../b%20c.json#/B'}\nB: {$ref: '#/A'}\n",
        ),
        ("https://books.example/b%20c.json", "{\"B\": {}}"),
    ]);
    let (said, names, asked) = resolve(
        &pretended,
        "a: {$ref: 'https://books.example/v1/a.yaml#/A'}\nb: {$ref: 'https://books.example/v1/x/../a.yaml#/B'}\n",
    );
    assert_eq!(said, Vec::<String>::new());
    assert_eq!(
        names,
        [
            "https://books.example/v1/a.yaml",
            "https://books.example/b%20c.json"
        ]
    );
    assert_eq!(asked, names);
}

#[test]
fn what_cannot_be_fetched_is_one_finding() {
    let pretended = Pretended::new(&[]);
    let (said, _, asked) = resolve(
        &pretended,
        "a: {$ref: 'https://books.example/none'}\nb: {$ref: 'https://other.example/x'}\nc: {$ref: 'http://books.example/plain'}\nd: {$ref: 'https://books.example/none#/B'}\n",
    );
    assert_eq!(
        said,
        ["1:11 ref-fetch", "2:11 ref-remote", "3:11 ref-remote"]
    );
    // Without TLS nobody is even asked.
    assert_eq!(
        asked,
        ["https://books.example/none", "https://other.example/x"]
    );
}

#[test]
fn what_was_fetched_refers_to_no_file_of_this_machine() {
    let pretended = Pretended::new(&[(
        "https://books.example/a.yaml",
        "A: {$ref: 'secret.yaml#/S'}\nB: {$ref: 'file:///etc/passwd'}\nC: {$ref: '/etc/passwd'}\nD: {$ref: '//other.example/x'}\nE: {$ref: '../../../../secret.yaml'}\n",
    )]);
    let refs: String = ["A", "B", "C", "D", "E"]
        .iter()
        .map(|name| format!("{name}: {{$ref: 'https://books.example/a.yaml#/{name}'}}\n"))
        .collect();
    let (said, names, asked) = resolve(&pretended, &refs);
    assert_eq!(
        said,
        [
            "1:11 ref-fetch",
            "2:11 ref-remote",
            "3:11 ref-fetch",
            "4:11 ref-remote",
        ]
    );
    assert_eq!(names, ["https://books.example/a.yaml"]);
    assert_eq!(
        asked,
        [
            "https://books.example/a.yaml",
            "https://books.example/secret.yaml",
            "https://books.example/etc/passwd",
            "https://other.example/x",
        ]
    );
}

#[test]
fn the_number_of_fetches_is_bounded() {
    struct Endless;
    impl Remote for Endless {
        fn fetch(&self, address: &str) -> Result<Vec<u8>, NotFetched> {
            Ok(format!("a: {{$ref: '{address}x#/a'}}\n").into_bytes())
        }
    }
    let folder = Folder::new(&[("api.yaml", "a: {$ref: 'https://books.example/x#/a'}\n")]);
    let sources = Sources {
        root: None,
        remote: Some(&Endless),
    };
    let (document, found) = folder.resolve_from("api.yaml", sources);
    assert_eq!(document.files.len(), 101);
    let said = report(&document, &found);
    assert!(said.contains(&"1:11 ref-remote".to_owned()), "{said:?}");
}
