#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;

use super::*;
use crate::listing::tests::LISTED;

/// A command line as a shell would split it, the environment before `--`.
fn parsed(line: &str) -> Result<Invocation, Rejected> {
    let (environment, arguments) = line.split_once("-- ").unwrap_or(("", line));
    let environment: HashMap<String, OsString> = environment
        .split(", ")
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let arguments = std::iter::once("bookstore")
        .chain(arguments.split_whitespace())
        .map(OsString::from);
    parse(&LISTED, arguments, &|name| environment.get(name).cloned())
}

/// What a command line changes of the defaults, member by member.
fn changed(line: &str) -> String {
    let invocation = match parsed(line) {
        Ok(invocation) => invocation,
        Err(Rejected::Wrong(messages)) => return messages.join("; "),
        Err(Rejected::Help(_)) => return "help".to_owned(),
    };
    let usual = Settings::default();
    let settings = invocation.settings;
    let mut changes = Vec::new();
    let mut note = |name: &str, differs: bool, value: String| {
        if differs {
            changes.push(format!("{name}={value}"));
        }
    };
    let action = format!("{:?}", invocation.action);
    note("action", invocation.action != Action::Serve, action);
    note(
        "listen",
        settings.listen != usual.listen,
        format!("{:?}", settings.listen),
    );
    note(
        "admin",
        settings.admin != usual.admin,
        format!("{:?}", settings.admin),
    );
    note(
        "token",
        invocation.admin_token_file.is_some(),
        format!("{:?}", invocation.admin_token_file),
    );
    note(
        "hosts",
        !settings.admin_hosts.is_empty(),
        format!("{:?}", settings.admin_hosts),
    );
    note(
        "stage",
        settings.stage.is_some(),
        format!("{:?}", settings.stage),
    );
    note(
        "vars",
        !settings.stage_vars.is_empty(),
        format!("{:?}", settings.stage_vars),
    );
    note(
        "upstreams",
        !settings.upstreams.is_empty(),
        format!("{:?}", settings.upstreams),
    );
    note("tls", settings.tls.is_some(), format!("{:?}", settings.tls));
    note(
        "log",
        settings.access_log != usual.access_log,
        format!("{:?}", settings.access_log),
    );
    note(
        "workers",
        settings.workers != usual.workers,
        settings.workers.to_string(),
    );
    note(
        "drain",
        settings.drain != usual.drain,
        format!("{:?}", settings.drain),
    );
    note("mock", settings.mock, "true".to_owned());
    note("link-local", settings.allow_link_local, "true".to_owned());
    changes.join(" ")
}

#[test]
fn command_lines() {
    let rows = "
        |
        --listen 0.0.0.0:80 | listen=[0.0.0.0:80]
        --listen=0.0.0.0:80 --listen [::]:80 | listen=[0.0.0.0:80, [::]:80]
        GATEWAY_LISTEN=127.0.0.1:1 [::1]:2 -- | listen=[127.0.0.1:1, [::1]:2]
        GATEWAY_LISTEN=127.0.0.1:1 -- --listen 127.0.0.1:3 | listen=[127.0.0.1:3]
        GATEWAY_LISTEN= -- |
        --listen 8080 | --listen takes an address and a port such as 0.0.0.0:8080 or [::]:8080, not `8080`
        GATEWAY_LISTEN=nowhere -- | GATEWAY_LISTEN takes an address and a port such as 0.0.0.0:8080 or [::]:8080, not `nowhere`
        --admin off | admin=None
        --admin [::1]:9 | admin=Some([::1]:9)
        --admin OFF | --admin takes an address and a port such as 0.0.0.0:8080 or [::]:8080, not `OFF`
        --admin-token-file t --admin-host a --admin-host b | token=Some(\"t\") hosts=[\"a\", \"b\"]
        --upstream http://a:1/b?c=d | upstreams=[(\"default\", \"http://a:1/b?c=d\")]
        --upstream cat=https://a --upstream dog=HTTP://b | upstreams=[(\"cat\", \"https://a\"), (\"dog\", \"HTTP://b\")]
        GATEWAY_UPSTREAM=http://a cat=http://b -- | upstreams=[(\"default\", \"http://a\"), (\"cat\", \"http://b\")]
        --upstream ftp://a | --upstream takes a URL or NAME=URL, the URL with http:// or https://
        --upstream =http://a | --upstream takes a URL or NAME=URL, the URL with http:// or https://
        --upstream cat=a | --upstream takes a URL or NAME=URL, the URL with http:// or https://
        --stage prod --stage-var a=b=c --stage-var d= | stage=Some(\"prod\") vars=[(\"a\", \"b=c\"), (\"d\", \"\")]
        --stage-var hunter2 | --stage-var takes NAME=VALUE
        --stage-var =hunter2 | --stage-var takes NAME=VALUE
        --tls-cert c --tls-key k | tls=Some((\"c\", \"k\"))
        GATEWAY_TLS_KEY=k -- --tls-cert c | tls=Some((\"c\", \"k\"))
        --tls-cert c | --tls-cert and --tls-key belong together
        --access-log off | log=Off
        --access-log stderr | log=Stderr
        --access-log a.log | log=File(\"a.log\")
        --workers 7 | workers=7
        --workers 0 | --workers takes a number from 1 to 1024, not `0`
        --workers many | --workers takes a number from 1 to 1024, not `many`
        --drain 500ms | drain=500ms
        --drain 90 | drain=90s
        --drain 2m | drain=120s
        --drain 25h | --drain takes a duration such as 500ms, 30s or 2m, not `25h`
        --drain s | --drain takes a duration such as 500ms, 30s or 2m, not `s`
        --drain 99999999999999999999h | --drain takes a duration such as 500ms, 30s or 2m, not `99999999999999999999h`
        --mock --allow-link-local | mock=true link-local=true
        GATEWAY_MOCK=yes -- | mock=true
        GATEWAY_MOCK=0 -- |
        GATEWAY_MOCK=perhaps -- | GATEWAY_MOCK is neither true nor false
        --check | action=Check
        --print-routes --stage dev | action=PrintRoutes { json: false } stage=Some(\"dev\")
        --version | action=Version { json: false }
        --version --json | action=Version { json: true }
        --json | --json goes with --version or --print-routes
        --check --version | only one of --version, --print-routes and --check can be done
        GATEWAY_CHECK=1 -- |
        --workers 0 --drain x | --workers takes a number from 1 to 1024, not `0`; --drain takes a duration such as 500ms, 30s or 2m, not `x`
        --stages prod | unexpected argument '--stages' found
        extra | unexpected argument 'extra' found
        --listen | a value is required for '--listen <ADDR:PORT>' but none was supplied
        --help | help
    ";
    for row in rows.lines().filter(|row| !row.trim().is_empty()) {
        let (line, expected) = row.split_once('|').unwrap();
        // Values have bars too: the last cell is what follows the last one with a space on both sides.
        let (line, expected) = row.rsplit_once(" | ").unwrap_or((line, expected));
        assert_eq!(
            changed(&format!("{} ", line.trim())),
            expected.trim(),
            "{line}"
        );
    }
}

#[test]
fn the_help_has_every_flag_and_every_twin() {
    let Err(Rejected::Help(help)) = parsed("--help") else {
        panic!("no help");
    };
    // Lines are broken where the terminal ends.
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for flag in flags::FLAGS {
        assert!(help.contains(&format!("--{}", flag.name)), "{help}");
        if let Some(twin) = flag.twin() {
            assert!(help.contains(&format!("[env: {twin}]")), "{twin}: {help}");
        }
    }
    assert!(help.contains("Bookstore 1"));
}

/// What a run that ends by itself prints, and its status.
fn ran(line: &str) -> (String, String, u8) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = run(&LISTED, parsed(line).unwrap(), &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(out), text(err), status)
}

#[test]
fn what_is_printed_holds_no_secret() {
    for line in [
        "--version",
        "--version --json",
        "--print-routes",
        "--print-routes --json",
        "--check",
    ] {
        let (out, err, status) = ran(&format!("GATEWAY_STAGE_VAR=token=hunter2 -- {line}"));
        assert!(
            !out.contains("hunter2") && !err.contains("hunter2"),
            "{out}{err}"
        );
        assert!(!out.is_empty() || line == "--check");
        assert_eq!(status, u8::from(line == "--check" && !err.is_empty()));
    }
    let (out, ..) = ran("--version --json");
    let version: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(version["name"], "bookstore");
    assert_eq!(ran("--version").0.split(' ').next(), Some("bookstore"));
    assert_eq!(ran("--print-routes --stage dev").0.lines().count(), 2);
}

#[test]
fn tokens() {
    let folder = std::env::temp_dir().join(format!("gateway-token-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("token");
    for (text, expected) in [
        ("open-sesame", Some("open-sesame")),
        ("open-sesame\n", Some("open-sesame")),
        ("open-sesame\r\n", Some("open-sesame")),
        ("open sesame", None),
        ("open\nsesame", None),
        ("\n", None),
        ("", None),
    ] {
        std::fs::write(&file, text).unwrap();
        let token = read_token(&file);
        assert_eq!(
            token.as_ref().ok().map(Secret::expose),
            expected,
            "{text:?}"
        );
        if let Err(fault) = token {
            assert!(!fault.to_string().contains("sesame"), "{fault}");
        }
    }
    assert!(read_token(&folder.join("absent")).is_err());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn faults_of_a_start_come_all_at_once() {
    let (out, err, status) = ran(
        "--check --admin 0.0.0.0:8081 --access-log /nowhere/at/all --tls-cert /no/chain --tls-key /no/key",
    );
    assert_eq!((out.as_str(), status), ("", 1));
    for part in ["0.0.0.0:8081", "/nowhere/at/all", "/no/chain"] {
        assert!(err.contains(part), "{part} is not in {err}");
    }
    let starting = |with: &str| err.lines().filter(|line| line.starts_with(with)).count();
    assert_eq!((starting("error: "), starting("  help: ")), (3, 3), "{err}");
}
