//! What a document may cost the generator. Each runs under limits of the kernel: 1 GiB of memory, and as much of a processor as
//! its outcome allows. The generator that tests use is not optimised, so what is allowed here is more than a user ever pays.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use gateway_tests::{cases, tool};

/// Bytes of memory, as `ulimit -v` counts them: in KiB.
const MEMORY: u64 = 1 << 20;

/// Runs the generator in a folder with so many seconds of a processor.
fn run(folder: &Path, seconds: u64, args: &[&str]) -> Output {
    Command::new("sh")
        .args([
            "-c",
            "ulimit -v \"$1\" && ulimit -t \"$2\" && shift 2 && exec \"$@\"",
            "sh",
        ])
        .args([MEMORY.to_string(), seconds.to_string()])
        .arg(tool::path())
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

const HEAD: &str = "openapi: 3.0.3\ninfo: { title: Bounds, version: '1' }\nservers: [{ url: 'http://localhost:9000' }]\n";
const PATHS: &str =
    "paths: { /a: { get: { operationId: a, responses: { '200': { description: fine } } } } }\n";

/// Documents whose size says nothing about what they would cost.
fn hostile() -> Vec<(&'static str, String, i32)> {
    let mut aliases = format!("{HEAD}{PATHS}x-a0: &a0 [{}]\n", ["lol"; 9].join(", "));
    for level in 1..40 {
        let one = format!("*a{}", level - 1);
        writeln!(
            aliases,
            "x-a{level}: &a{level} [{}]",
            [one.as_str(); 9].join(", ")
        )
        .unwrap();
    }
    let mut merges = format!("{HEAD}{PATHS}x-m0: &m0 {{ a: 1 }}\n");
    for level in 1..40 {
        let one = format!("{{ <<: *m{} }}", level - 1);
        writeln!(merges, "x-m{level}: &m{level} {{ b: {one}, c: {one} }}").unwrap();
    }
    // Each schema names the next one twice: what they say in full is 2^60 values.
    let mut doubling = format!(
        "{HEAD}paths: {{ /a: {{ get: {{ operationId: a, responses: {{ '200': {{ description: fine, content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/S0' }} }} }} }} }} }} }} }}\ncomponents:\n  schemas:\n"
    );
    for level in 0..60 {
        let next = format!("{{ $ref: '#/components/schemas/S{}' }}", level + 1);
        writeln!(doubling, "    S{level}: {{ type: object, required: [a, b], properties: {{ a: {next}, b: {next} }} }}").unwrap();
    }
    doubling.push_str("    S60: { type: string }\n");
    // A parameter list that is referred to from every operation.
    let mut shared = format!("{HEAD}components:\n  parameters:\n");
    for number in 0..900 {
        writeln!(
            shared,
            "    p{number}: {{ name: p{number}, in: query, schema: {{ type: string }} }}"
        )
        .unwrap();
    }
    shared.push_str("paths:\n  /p:\n    parameters: &list\n");
    for number in 0..900 {
        writeln!(
            shared,
            "      - {{ $ref: '#/components/parameters/p{number}' }}"
        )
        .unwrap();
    }
    shared.push_str("    get: { responses: { '200': { description: fine } } }\n");
    for number in 0..900 {
        writeln!(shared, "  /p{number}: {{ $ref: '#/paths/~1p' }}").unwrap();
    }
    let chain: String = (0..5000)
        .map(|number| {
            format!(
                "    r{number}: {{ $ref: '#/components/responses/r{}' }}\n",
                number + 1
            )
        })
        .collect();
    let name = "n".repeat(60_000);
    let new = HEAD.replace("3.0.3", "3.1.0");
    let old = "swagger: '2.0'\ninfo: { title: Bounds, version: '1' }\n";
    // Every operation has a body of every media type.
    let types: String = (0..50_000).map(|number| format!("a/b{number},")).collect();
    let mut consumed = format!("{old}consumes: [{types}]\npaths:\n");
    for number in 0..2000 {
        writeln!(consumed, "  /p{number}: {{ post: {{ parameters: [{{ name: b, in: body, schema: {{}} }}], responses: {{}} }} }}").unwrap();
    }
    // Every schema has a name, and the next one refers to it.
    let mut named = format!("{new}{PATHS}components:\n  schemas:\n");
    for number in 0..20_000 {
        writeln!(named, "    S{number}: {{ $id: 'https://a.example/s{number}', $anchor: a{number}, properties: {{ a: {{ $ref: 's{}' }}, b: {{ $ref: '#a{number}' }} }} }}", number / 2).unwrap();
    }
    // Addresses inside addresses, each longer than the one around it, and many references at their end.
    let mut nested = format!("{new}{PATHS}components: {{ schemas: {{ A: ");
    for level in 0..50 {
        write!(
            nested,
            "{{ $id: '{}{level}/', properties: {{ a: ",
            "x".repeat(500)
        )
        .unwrap();
    }
    nested.push_str("{ properties: { ");
    for number in 0..5000 {
        write!(nested, "p{number}: {{ $ref: '#/p{number}' }}, ").unwrap();
    }
    nested.push_str("} }");
    nested.push_str(&" } }".repeat(50));
    nested.push_str(" } }\n");
    // A path item of many members that nobody knows, for many paths.
    let members: String = (0..20_000)
        .map(|number| format!("m{number}: 1, "))
        .collect();
    let mut members =
        format!("{new}components: {{ pathItems: {{ A: {{ {members} }} }} }}\npaths:\n");
    for number in 0..5000 {
        writeln!(
            members,
            "  /p{number}: {{ $ref: '#/components/pathItems/A' }}"
        )
        .unwrap();
    }
    vec![
        ("media-types-of-2.0", consumed, 1),
        ("names", named, 0),
        ("nested-names", nested, 1),
        ("unknown-members", members, 1),
        ("alias-bomb", aliases, 1),
        ("merge-bomb", merges, 1),
        (
            "flow-nesting",
            format!("{HEAD}x: {}", "[".repeat(200_000)),
            1,
        ),
        (
            "flow-map-nesting",
            format!("{HEAD}x: {}", "{a: ".repeat(200_000)),
            1,
        ),
        (
            "block-nesting",
            format!(
                "{HEAD}x:\n{}",
                (1..5000)
                    .map(|depth| format!("{}- \n", " ".repeat(depth)))
                    .collect::<String>()
            ),
            1,
        ),
        (
            "unclosed-quote",
            format!("{HEAD}x: \"{}", "a\n".repeat(500_000)),
            1,
        ),
        (
            "many-anchors",
            format!(
                "{HEAD}{PATHS}{}",
                (0..50_000).fold(String::new(), |mut text, number| {
                    writeln!(text, "x-{number}: &a{number} 1").unwrap();
                    text
                })
            ),
            0,
        ),
        (
            "duplicate-names",
            format!("{HEAD}{PATHS}{}", "x-a: 1\n".repeat(100_000)),
            1,
        ),
        (
            "long-names",
            format!("{HEAD}{PATHS}x-{name}: {{ {name}: {{ {name}: [] }} }}\n"),
            1,
        ),
        ("doubling-schemas", doubling, 0),
        ("shared-parameters", shared, 1),
        (
            "reference-chain",
            format!(
                "{HEAD}{PATHS}components:\n  responses:\n{chain}    r5000: {{ description: last }}\n"
            ),
            1,
        ),
        (
            "braces-in-a-path",
            format!(
                "{HEAD}paths: {{ '/{}': {{ get: {{ responses: {{ '200': {{ description: fine }} }} }} }} }}\n",
                "{a}-".repeat(20_000)
            ),
            1,
        ),
        (
            "expression-in-a-header",
            format!(
                "{HEAD}paths: {{ /a: {{ get: {{ operationId: a, responses: {{ '200': {{ description: fine }} }}, x-gateway: {{ request: {{ set: {{ header.x: '{}' }} }} }} }} }} }}\n",
                "${".repeat(200_000)
            ),
            1,
        ),
        (
            "status-pattern",
            format!(
                "{HEAD}paths: {{ /a: {{ get: {{ operationId: a, responses: {{ '200': {{ description: fine }} }}, x-gateway: {{ integration: {{ type: http, upstream: default, responses: {{ '{}': {{ status: 200 }}, default: {{ status: 200 }} }} }} }} }} }} }}\n",
                "(a{1000}){1000}".repeat(20)
            ),
            1,
        ),
    ]
}

#[test]
fn no_document_costs_out_of_proportion() {
    let folder = cases::scratch("bounds");
    let mut faults = Vec::new();
    for (name, text, expected) in hostile() {
        let file = format!("{name}.yaml");
        fs::write(folder.join(&file), text).unwrap();
        let done = run(&folder, 20, &["lint", &file, "-q", "--format", "short"]);
        let said = tool::stdout(&done) + &tool::stderr(&done);
        if done.status.code() != Some(expected) {
            let start: String = said.chars().take(600).collect();
            faults.push(format!(
                "{name}: {} instead of exit {expected}: {start}",
                done.status
            ));
        }
        if expected == 1
            && !said
                .lines()
                .any(|line| line.starts_with(&format!("{file}:")) && line.contains(": error["))
        {
            faults.push(format!("{name}: no finding at a place"));
        }
        if said.len() > 4 << 20 {
            faults.push(format!("{name}: {} bytes of findings", said.len()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn ten_thousand_operations_are_generated_in_proportion() {
    let folder = cases::scratch("ten-thousand");
    let mut text = format!("{HEAD}paths:\n");
    for number in 0..10_000 {
        writeln!(
            text,
            "  /shelves/{{shelf}}/books{number}/{{book}}:\n    get: {{ tags: [t{}], parameters: [{{ name: shelf, in: path, required: true, schema: {{ type: string }} }}, {{ name: book, in: path, required: true, schema: {{ type: string }} }}], responses: {{ '200': {{ description: fine }} }}, x-gateway: {{ throttle: {{ rate: 5, burst: 5 }} }} }}",
            number % 50
        )
        .unwrap();
    }
    fs::write(folder.join("large.yaml"), text).unwrap();
    let args = [
        "generate",
        "large.yaml",
        "--out",
        "out",
        "--workspace",
        "own",
        "-q",
    ];
    let done = run(&folder, 60, &args);
    assert!(
        done.status.success(),
        "{}: {}",
        done.status,
        tool::stderr(&done)
    );
    let routes = fs::read_to_string(folder.join("out/src/routes.rs")).unwrap();
    assert_eq!(routes.matches("route(").count(), 10_000);
}

#[test]
fn pipes_and_devices_are_not_read() {
    let folder = cases::scratch("pipes");
    let made = Command::new("mkfifo")
        .arg(folder.join("pipe.yaml"))
        .status();
    assert!(made.unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", folder.join("zero.yaml")).unwrap();
    let names = "paths: { /a: { $ref: 'pipe.yaml#/a' }, /b: { $ref: 'zero.yaml#/b' } }\n";
    fs::write(folder.join("names.yaml"), format!("{HEAD}{names}")).unwrap();
    for (document, expected) in [
        ("pipe.yaml", &["file-not-regular"][..]),
        ("zero.yaml", &["file-not-regular"]),
        ("names.yaml", &["file-not-regular", "ref-escapes"]),
    ] {
        // A pipe costs no processor while it is waited for; whoever waits is killed by this.
        let done = Command::new("timeout")
            .arg("20")
            .arg(tool::path())
            .args(["lint", document, "-q", "--format", "short"])
            .current_dir(&folder)
            .output()
            .unwrap();
        let said = tool::stdout(&done);
        assert_eq!(done.status.code(), Some(1), "{document}: {said}");
        for code in expected {
            assert!(
                said.contains(&format!("error[{code}]")),
                "{document}: {said}"
            );
        }
    }
}
