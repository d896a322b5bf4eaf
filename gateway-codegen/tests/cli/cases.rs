//! Every verb, every exit code.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::support::{BAD, Folder, GOOD, Ran, STAGES};

/// Arguments, exit code, what standard output and standard error hold.
type Case<'c> = (&'c str, i32, &'c [&'c str], &'c [&'c str]);

/// Runs the cases one after the other in one folder.
#[track_caller]
fn check(files: &[(&str, &str)], cases: &[Case<'_>]) {
    let folder = Folder::with(files);
    for (arguments, code, stdout, stderr) in cases {
        folder.run(arguments).check(*code, stdout, stderr);
    }
}

const TOML: &str = "[[gateway]]\nspec = \"good.yaml\"\nout = \"gateway\"\n";

#[test]
fn lint() {
    check(
        &[("good.yaml", GOOD), ("bad.yaml", BAD), ("not.yaml", "a: [")],
        &[
            ("lint good.yaml", 0, &["!error", "note"], &[]),
            (
                "lint good.yaml --allow validation-not-served",
                0,
                &[],
                &["good.yaml: no findings"],
            ),
            (
                "lint bad.yaml",
                1,
                &["bad.yaml:8:", "throttle-burst-zero", "1 error"],
                &[],
            ),
            (
                "lint good.yaml bad.yaml not.yaml",
                1,
                &["good.yaml", "bad.yaml:8:", "not.yaml:"],
                &[],
            ),
            (
                "lint bad.yaml --format short",
                1,
                &["bad.yaml:8:", ": error[throttle-burst-zero]: "],
                &[],
            ),
            (
                "lint bad.yaml -q",
                1,
                &["throttle-burst-zero", "!note["],
                &[],
            ),
            ("lint good.yaml -q", 0, &[], &[]),
            ("lint missing.yaml", 6, &[], &["cannot read `missing.yaml`"]),
            (
                "lint missing.yaml bad.yaml",
                6,
                &["bad.yaml"],
                &["missing.yaml"],
            ),
            ("lint", 2, &[], &["no document to lint"]),
            (
                "lint good.yaml --deny nonsense",
                2,
                &[],
                &["there is no rule `nonsense`"],
            ),
            (
                "lint good.yaml --deny throttle-burst-zer",
                2,
                &[],
                &["did you mean `throttle-burst-zero`"],
            ),
            (
                "lint bad.yaml --allow throttle-burst-zero",
                1,
                &["error[throttle-burst-zero]"],
                &["they stay errors"],
            ),
        ],
    );
}

#[test]
fn findings_for_programs() {
    let folder = Folder::with(&[("good.yaml", GOOD), ("bad.yaml", BAD)]);
    let ran = folder.run("lint bad.yaml bad.yaml good.yaml --format json");
    ran.check(1, &["["], &[]);
    let list: Vec<serde_json::Value> = serde_json::from_str(&ran.stdout).unwrap();
    let errors: Vec<_> = list.iter().filter(|f| f["severity"] == "error").collect();
    assert_eq!(errors.len(), 2, "{list:#?}");
    for error in errors {
        assert_eq!(error["code"], "throttle-burst-zero");
        assert_eq!(
            (&error["file"], &error["line"]),
            (&"bad.yaml".into(), &8.into())
        );
        assert_eq!(
            error["pointer"],
            "/paths/~1books/get/x-gateway/throttle/burst"
        );
    }
}

#[test]
fn levels_and_the_threshold() {
    // A document without a server is fine but for a note.
    let noted = GOOD.replace("servers:", "x-servers:");
    let folder = Folder::with(&[("noted.yaml", &noted)]);
    let ran = folder.run("lint noted.yaml --format json");
    let list: Vec<serde_json::Value> = serde_json::from_str(&ran.stdout).unwrap();
    let note = list
        .iter()
        .find(|f| f["severity"] == "note")
        .expect("a note");
    let code = note["code"].as_str().unwrap();

    folder.run("lint noted.yaml").check(0, &["note"], &[]);
    folder
        .run("lint noted.yaml --fail-on note")
        .check(1, &["note"], &[]);
    folder
        .run("lint noted.yaml --fail-on warning")
        .check(0, &["note"], &[]);
    folder
        .run(&format!("lint noted.yaml --deny {code}"))
        .check(1, &["error"], &[]);
    folder
        .run(&format!("lint noted.yaml --warn {code} --fail-on warning"))
        .check(1, &["warning"], &[]);
    folder
        .run(&format!("lint noted.yaml --allow {code} --deny {code}"))
        .check(2, &[], &["has two levels"]);
    // Generating is not for those who read notes, unless they asked.
    folder.run("routes noted.yaml").check(0, &["getBook"], &[]);
    folder
        .run("routes noted.yaml -v")
        .check(0, &["getBook"], &[code]);
    folder
        .run("routes noted.yaml --fail-on note")
        .check(1, &[], &[code]);

    // The file says it, a variable overrides the file, a flag the variable.
    folder.write(
        "gateway-codegen.toml",
        &format!("[lint]\ndeny = [\"{code}\"]\n"),
    );
    folder.run("lint noted.yaml").check(1, &["error"], &[]);
    folder
        .run(&format!("lint noted.yaml --allow {code}"))
        .check(0, &["!error"], &[]);
    folder.write("gateway-codegen.toml", "[lint]\nfail-on = \"note\"\n");
    folder.run("lint noted.yaml").check(1, &["note"], &[]);
    let with_variable = |arguments: &str| {
        let mut command = folder.command();
        command
            .env("GATEWAY_CODEGEN_FAIL_ON", "warning")
            .args(arguments.split(' '));
        Ran::of(command.output().unwrap(), arguments)
    };
    with_variable("lint noted.yaml").check(0, &["note"], &[]);
    with_variable("lint noted.yaml --fail-on note").check(1, &["note"], &[]);
}

#[test]
fn generate() {
    let folder = Folder::with(&[("good.yaml", GOOD), ("bad.yaml", BAD)]);
    folder
        .run("generate good.yaml --out gateway --check")
        .check(4, &["+++ b/src/routes.rs"], &["would change"]);
    assert!(!folder.path().join("gateway").exists(), "--check wrote");
    folder
        .run("generate good.yaml --out gateway --dry-run")
        .check(0, &["+++ b/src/routes.rs"], &["would change"]);
    assert!(!folder.path().join("gateway").exists(), "--dry-run wrote");

    folder
        .run("generate good.yaml --out gateway")
        .check(0, &[], &["gateway: ", " files written"]);
    let lock = folder.read("gateway/gateway.lock");
    folder
        .run("generate good.yaml --out gateway")
        .check(0, &[], &["nothing changed"]);
    folder
        .run("generate good.yaml --out gateway --check")
        .check(0, &[], &["up to date"]);
    folder
        .run("generate good.yaml --out gateway --check -q")
        .check(0, &[], &[]);

    // Comments change nothing, a rate does, and a faulty document leaves the folder alone.
    folder.write("good.yaml", &format!("# A comment.\n{GOOD}"));
    folder
        .run("generate good.yaml --out gateway --check")
        .check(0, &[], &["up to date"]);
    folder.write("good.yaml", &GOOD.replace("rate: 5", "rate: 6"));
    let stale: &[&str] = &[
        "--- a/gateway.surface",
        "+++ b/gateway.surface",
        "\n-",
        "\n+",
        "!b/runtime/",
    ];
    folder
        .run("generate good.yaml --out gateway --check")
        .check(4, stale, &["would change"]);
    folder
        .run("generate good.yaml --out gateway --dry-run")
        .check(0, stale, &["would change"]);
    folder
        .run("generate bad.yaml --out gateway")
        .check(1, &[], &["throttle-burst-zero"]);
    assert_eq!(folder.read("gateway/gateway.lock"), lock);
    let ran = folder.run("generate good.yaml --out gateway");
    ran.check(
        0,
        &[],
        &[
            "files written",
            " unchanged",
            "  gateway.surface",
            "!b/runtime/",
        ],
    );

    // Edited by hand.
    let edited = folder.read("gateway/src/routes.rs") + "// mine\n";
    folder.write("gateway/src/routes.rs", &edited);
    let said: &[&str] = &["edited by hand: src/routes.rs"];
    folder
        .run("generate good.yaml --out gateway --check")
        .check(5, &["-// mine"], said);
    folder
        .run("generate good.yaml --out gateway --dry-run")
        .check(5, &["-// mine"], said);
    folder
        .run("generate good.yaml --out gateway")
        .check(5, &[], said);
    assert_eq!(folder.read("gateway/src/routes.rs"), edited);
    folder
        .run("generate good.yaml --out gateway --force")
        .check(0, &[], &["1 file written"]);
    folder
        .run("generate good.yaml --out gateway --check")
        .check(0, &[], &["up to date"]);

    // Invocations that cannot be answered.
    folder.write("theirs/file", "");
    for (arguments, part) in [
        ("generate", "no document to generate from"),
        ("generate good.yaml", "where to?"),
        ("generate good.yaml --out theirs", "theirs"),
        ("generate good.yaml --out good.yaml", "not a folder"),
        (
            "generate good.yaml --out x --name Loud",
            "`Loud` cannot be the name",
        ),
        (
            "generate good.yaml --out x --runtime nowhere",
            "`nowhere` names no runtime",
        ),
        (
            "generate good.yaml --out x --only-stage defaul",
            "did you mean `default`",
        ),
        (
            "generate good.yaml --out x --check --force",
            "cannot be used with",
        ),
        (
            "generate good.yaml --out x --workspace theirs",
            "own or member",
        ),
        ("generate good.yaml --out x --with lambda", "mock"),
    ] {
        folder.run(arguments).check(2, &[], &[part]);
    }
    assert!(!folder.path().join("x").exists());
    folder
        .run("generate good.yaml --out good.yaml/below")
        .check(6, &[], &["good.yaml"]);
}

#[test]
fn options_of_generate_are_recorded() {
    let folder = Folder::with(&[("stages.yaml", STAGES)]);
    folder
        .run("generate stages.yaml --out g --name other --with mock --only-stage prod --runtime git=https://git.example/r#abc")
        .check(0, &[], &["written"]);
    let manifest = folder.read("g/Cargo.toml");
    assert!(
        manifest.contains("name = \"other\"") && manifest.contains("rev = \"abc\""),
        "{manifest}"
    );
    let surface = folder.read("g/gateway.surface");
    assert!(
        surface.contains("\nprod ") && !surface.contains("\ndev "),
        "{surface}"
    );
    let lock = folder.read("g/gateway.lock");
    assert!(
        lock.contains("\"mock\"") && lock.contains("\"prod\""),
        "{lock}"
    );
}

#[test]
fn inside_a_workspace_somebody_has_to_choose() {
    let folder = Folder::with(&[
        ("Cargo.toml", "[workspace]\nmembers = []\n"),
        ("services/good.yaml", GOOD),
    ]);
    let inside: &[&str] = &[
        "lies inside the workspace",
        "--workspace member",
        "--workspace own",
    ];
    folder
        .run("-C services generate good.yaml --out gateway")
        .check(2, &[], inside);
    folder
        .run("-C services generate good.yaml --out gateway --workspace own")
        .check(0, &[], &["written"]);
    assert!(
        folder
            .read("services/gateway/Cargo.toml")
            .contains("[workspace]")
    );
    folder
        .run("-C services generate good.yaml --out gateway --workspace member")
        .check(0, &[], &["written"]);
    assert!(
        !folder
            .read("services/gateway/Cargo.toml")
            .contains("[workspace]")
    );

    let alone = Folder::with(&[("good.yaml", GOOD)]);
    alone
        .run("generate good.yaml --out gateway --workspace member")
        .check(0, &[], &["warning: there is no workspace around"]);
}

#[test]
fn gateways_of_the_file() {
    let two = format!(
        "{TOML}[[gateway]]\nspec = \"stages.yaml\"\nout = \"staged\"\nonly-stage = [\"prod\"]\n"
    );
    let folder = Folder::with(&[
        ("good.yaml", GOOD),
        ("stages.yaml", STAGES),
        ("gateway-codegen.toml", &two),
    ]);
    folder.run("check").check(
        4,
        &["+++ b/src/routes.rs"],
        &["gateway is not what", "staged is not what"],
    );
    folder
        .run("generate")
        .check(0, &[], &["gateway: ", "staged: "]);
    folder.run("check").check(0, &[], &["2 gateways fine"]);
    folder
        .run("lint")
        .check(0, &["good.yaml", "stages.yaml", "!error"], &[]);
    // A document named by itself has the options of its entry.
    folder
        .run("generate stages.yaml --check")
        .check(0, &[], &["staged: up to date"]);
    folder
        .run("generate --out x")
        .check(2, &[], &["for one document"]);
    // From elsewhere, paths are still those of the file's folder.
    fs::create_dir_all(folder.path().join("sub")).unwrap();
    folder
        .run("-C sub check --config ../gateway-codegen.toml")
        .check(0, &[], &["2 gateways fine"]);

    // One is edited, the other has findings: 1 comes before 5, and both are told.
    folder.write("staged/src/api.rs", "");
    folder
        .run("check")
        .check(5, &["src/api.rs"], &["edited by hand"]);
    folder.write("good.yaml", BAD);
    folder.run("check").check(
        1,
        &["src/api.rs"],
        &["edited by hand", "throttle-burst-zero"],
    );
    fs::remove_file(folder.path().join("good.yaml")).unwrap();
    folder.run("check").check(
        6,
        &["src/api.rs"],
        &["edited by hand", "cannot read `good.yaml`"],
    );
}

#[test]
fn a_broken_configuration_is_told_at_its_line() {
    check(
        &[
            (
                "gateway-codegen.toml",
                "[[gateway]]\nspec = \"a\"\nout = \"b\"\nworkspce = \"own\"\n",
            ),
            ("empty.toml", ""),
            ("good.yaml", GOOD),
        ],
        &[
            (
                "check",
                2,
                &[],
                &[
                    "gateway-codegen.toml:4:1: error: there is no key `workspce`",
                    "did you mean `workspace`",
                ],
            ),
            ("lint good.yaml", 2, &[], &["gateway-codegen.toml:4:1"]),
            ("check --config empty.toml", 2, &[], &["lists no gateway"]),
            (
                "check --config missing.toml",
                6,
                &[],
                &["cannot read `missing.toml`"],
            ),
            ("-C missing check", 6, &[], &["cannot work in `missing`"]),
            // What needs no configuration works beside a broken one.
            (
                "explain throttle-burst-zero",
                0,
                &["throttle-burst-zero"],
                &[],
            ),
            ("schema config", 0, &["only-stage"], &[]),
        ],
    );
    check(
        &[],
        &[("check", 2, &[], &["there is no gateway-codegen.toml here"])],
    );
}

#[test]
fn explain() {
    check(
        &[],
        &[
            (
                "explain",
                0,
                &["CODE", "throttle-burst-zero", "x-gateway-unknown-member"],
                &[],
            ),
            (
                "explain throttle-burst-zero",
                0,
                &["throttle-burst-zero", "!x-gateway-unknown-member"],
                &[],
            ),
            (
                "explain throttle-burst-zero --format json",
                0,
                &["\"code\": \"throttle-burst-zero\""],
                &[],
            ),
            ("explain nonsense", 2, &[], &["there is no rule `nonsense`"]),
        ],
    );
}

#[test]
fn routes() {
    check(
        &[
            ("good.yaml", GOOD),
            ("stages.yaml", STAGES),
            ("bad.yaml", BAD),
        ],
        &[
            (
                "routes good.yaml",
                0,
                &[
                    "METHOD",
                    "/books/{bookId}",
                    "getBook",
                    "public",
                    "5/10@ip",
                    "http://localhost:9000/base",
                ],
                &[],
            ),
            (
                "routes good.yaml --format short",
                0,
                &["default GET /books", "!METHOD"],
                &[],
            ),
            (
                "routes stages.yaml",
                0,
                &["stage dev", "stage prod", "7/7", "redirect 307"],
                &[],
            ),
            (
                "routes stages.yaml --stage dev",
                0,
                &["stage dev", "!stage prod", "!7/7"],
                &[],
            ),
            (
                "routes stages.yaml --stage dve",
                2,
                &[],
                &["did you mean `dev`"],
            ),
            ("routes bad.yaml", 1, &[], &["throttle-burst-zero"]),
            ("routes missing.yaml", 6, &[], &["missing.yaml"]),
            ("routes", 2, &[], &["<SPEC>"]),
        ],
    );
    let folder = Folder::with(&[("stages.yaml", STAGES)]);
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(&folder.run("routes stages.yaml --format json").stdout).unwrap();
    let prod: Vec<_> = rows.iter().filter(|row| row["stage"] == "prod").collect();
    assert_eq!((rows.len(), prod.len()), (4, 2));
    assert_eq!(
        (&prod[0]["operation"], &prod[0]["throttle"]),
        (&"getBook".into(), &"7/7".into())
    );
}

#[test]
fn route() {
    check(
        &[("good.yaml", GOOD), ("stages.yaml", STAGES)],
        &[
            (
                "route good.yaml GET /books/42?x=1",
                0,
                &[
                    "getBook: One book.",
                    "bookId = 42",
                    "GET http://localhost:9000/base/books/42?x=1",
                ],
                &[],
            ),
            (
                "route good.yaml get /books",
                0,
                &["listBooks", "5/10@ip"],
                &[],
            ),
            (
                "route good.yaml DELETE /books",
                1,
                &["405", "allowed", "GET, HEAD"],
                &[],
            ),
            (
                "route good.yaml GET /boks",
                1,
                &["404", "nearest    GET /books"],
                &[],
            ),
            ("route good.yaml GET /books/../admin", 1, &["400"], &[]),
            (
                "route good.yaml GET books",
                2,
                &[],
                &["`books` is no address"],
            ),
            ("route good.yaml GET", 2, &[], &["<URL>"]),
            (
                "route stages.yaml GET /dev/books/a%20b",
                0,
                &["dev at /dev", "GET http://localhost:9000/b/a%20b"],
                &[],
            ),
            (
                "route stages.yaml GET https://api.example.com/v1/books/1",
                0,
                &["prod at /v1", "7/7", "GET https://shop.example.com/b/1"],
                &[],
            ),
            (
                "route stages.yaml GET /v1/books/1 -H Host:api.example.com",
                0,
                &["prod at /v1"],
                &[],
            ),
            (
                "route stages.yaml GET /v1/books/1",
                1,
                &["404", "no stage is mounted there", "api.example.com/v1"],
                &[],
            ),
            (
                "route stages.yaml GET /books/1 --stage prod --stage-var shop=http://s:1",
                0,
                &["GET http://s:1/b/1"],
                &[],
            ),
            (
                "route stages.yaml GET /dev/files/a/b",
                0,
                &["getFile", "proxy = a/b", "https://files.example/a/b"],
                &[],
            ),
            (
                "route stages.yaml GET / --stage nope",
                2,
                &[],
                &["there is no stage `nope`"],
            ),
            (
                "route good.yaml GET /books/42 --format json",
                0,
                &["\"operation\": \"getBook\""],
                &[],
            ),
        ],
    );
}

#[test]
fn run_builds_and_becomes_the_gateway() {
    // In the place of cargo: it "builds" a gateway that prints its arguments and ends with 7.
    let cargo = r#"#!/bin/sh
echo "$@" >> "$CARGO_LOG"
while [ $# -gt 0 ]; do
  case "$1" in
    --target-dir) target="$2" ;;
    --manifest-path) manifest="$2" ;;
  esac
  shift
done
grep -q 'name = "broken"' "$manifest" && { echo 'error: it does not build' >&2; exit 101; }
mkdir -p "$target/release"
printf '#!/bin/sh\necho "$@"\nexit 7\n' > "$target/release/shop"
chmod +x "$target/release/shop"
"#;
    let folder = Folder::with(&[("good.yaml", GOOD), ("bad.yaml", BAD), ("cargo", cargo)]);
    let here = |name: &str| folder.path().join(name);
    fs::set_permissions(here("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
    let run = |arguments: &str, cargo: &str| {
        let mut command = folder.command();
        command
            .env("XDG_CACHE_HOME", here("cache"))
            .env("CARGO", here(cargo))
            .env("CARGO_LOG", here("log"))
            .args(arguments.split(' '));
        Ran::of(command.output().unwrap(), arguments)
    };
    run(
        "run good.yaml --mock --stage default -- --workers 1",
        "cargo",
    )
    .check(7, &["--mock --stage default --workers 1"], &[]);
    run("run good.yaml", "cargo").check(7, &["!--mock"], &[]);
    assert!(
        folder
            .read("log")
            .contains("build --release --locked --manifest-path")
    );
    let homes: Vec<_> = fs::read_dir(here("cache/gateway-codegen"))
        .unwrap()
        .collect();
    assert_eq!(
        homes.len(),
        3,
        "a crate, the shared target, the lock: {homes:?}"
    );

    run("run bad.yaml", "cargo").check(1, &[], &["throttle-burst-zero"]);
    run("run good.yaml --name broken", "cargo").check(
        6,
        &[],
        &["it does not build", "cargo failed"],
    );
    run("run good.yaml", "missing").check(6, &[], &["cannot start", "`run` needs Rust"]);
    run("run missing.yaml", "cargo").check(6, &[], &["cannot read `missing.yaml`"]);
}

#[test]
fn schemas() {
    let folder = Folder::new();
    for (subject, part) in [
        ("extension", "throttle"),
        ("config", "only-stage"),
        ("findings", "severity"),
    ] {
        let ran = folder.run(&format!("schema {subject}"));
        ran.check(0, &[part], &[]);
        let schema: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert!(schema["$schema"].is_string(), "{subject}");
    }
    folder
        .run("schema nonsense")
        .check(2, &[], &["extension", "config", "findings"]);
}

#[test]
fn init() {
    let folder = Folder::new();
    folder.run("init").check(
        0,
        &[],
        &[
            "wrote gateway-codegen.toml",
            "wrote api.yaml",
            "dev api.yaml",
        ],
    );
    folder
        .run("check")
        .check(4, &["+++"], &["not what the document says"]);
    folder.run("generate").check(0, &[], &["gateway: "]);
    folder.run("check").check(0, &[], &["1 gateway fine"]);
    let before = folder.read("gateway-codegen.toml");
    folder.run("init").check(
        2,
        &[],
        &[
            "`gateway-codegen.toml` is already there",
            "nothing was written",
        ],
    );
    assert_eq!(folder.read("gateway-codegen.toml"), before);

    let folder = Folder::with(&[("specs/my \"shop\".yaml", GOOD)]);
    let output = folder
        .command()
        .args(["init", "specs/my \"shop\".yaml"])
        .output()
        .unwrap();
    Ran::of(output, "init …").check(0, &[], &["wrote gateway-codegen.toml", "!api.yaml"]);
    folder.run("generate").check(0, &[], &["gateway: "]);
    folder
        .run("init missing.yaml")
        .check(2, &[], &["there is no document `missing.yaml`"]);

    let folder = Folder::with(&[("api.yaml", "")]);
    folder
        .run("init")
        .check(2, &[], &["`api.yaml` is already there"]);
    assert!(
        !folder.path().join("gateway-codegen.toml").exists(),
        "half of it was written"
    );
}

#[test]
fn help_completions_and_pages() {
    check(
        &[],
        &[
            ("--version", 0, &["gateway-codegen 0."], &[]),
            (
                "--help",
                0,
                &["Exit codes:", "generate", "Examples:", "--fail-on"],
                &[],
            ),
            ("", 2, &[], &["Usage:"]),
            ("generat", 2, &[], &["generate"]),
            ("completion bash", 0, &["generate", "--only-stage"], &[]),
            ("completion tcsh", 2, &[], &["bash"]),
            ("man", 0, &[".TH gateway-codegen 1"], &[]),
            ("man --out pages", 0, &[], &["wrote the pages"]),
        ],
    );
    let folder = Folder::new();
    folder.run("man --out pages").check(0, &[], &["pages"]);
    assert!(
        folder
            .read("pages/gateway-codegen-generate.1")
            .contains("dry")
    );
    for verb in [
        "generate",
        "dev",
        "run",
        "lint",
        "check",
        "explain",
        "routes",
        "route",
        "init",
        "schema",
        "completion",
        "man",
    ] {
        let ran = folder.run(&format!("{verb} --help"));
        ran.check(0, &["Examples:", "Usage:", "Global options:"], &[]);
        let longest = ran.stdout.lines().map(|line| line.chars().count()).max();
        assert!(
            longest <= Some(120),
            "{verb}: a line of {longest:?} characters\n{}",
            ran.stdout
        );
    }
}

#[test]
fn colours_are_for_those_who_want_them() {
    let folder = Folder::with(&[("bad.yaml", BAD)]);
    let colored = |arguments: &str, no_color: bool| {
        let mut command = folder.command();
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let output = command.args(arguments.split(' ')).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains('\u{1b}')
    };
    assert!(colored("lint bad.yaml --color always", false));
    assert!(
        colored("lint bad.yaml --color always", true),
        "the flag wins"
    );
    assert!(!colored("lint bad.yaml --color never", false));
    assert!(!colored("lint bad.yaml", false), "this is no terminal");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    let folder = Folder::with(&[("good.yaml", GOOD)]);
    let mut child = folder
        .command()
        .args(["generate", "good.yaml", "--out", "gateway", "--dry-run"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
}
