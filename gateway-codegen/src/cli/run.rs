//! `run`: from a document to a running gateway, built as it would be in production.
//!
//! The crate lies in a cache folder and is built in a target folder that all of them share, and this program too where it
//! was not installed, so that what they have in common is compiled once. One lock covers both: of two runs at the same time the second waits.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, IsTerminal as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gateway_codegen::compose::Input;
use gateway_codegen::config::{Extra, Workspace};
use gateway_codegen::emit::lock;
use gateway_codegen::tree::FileTree;

use super::generate::{Options, make};
use super::input::Composition;
use super::{Exit, Session};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen run api.yaml
  gateway-codegen run api.yaml --mock      its examples answer, no back end does
  gateway-codegen run api.yaml -- --listen 0.0.0.0:8080 --workers 4
  gateway-codegen run api.yaml -- --help   every flag of the gateway

The crate is kept in $XDG_CACHE_HOME/gateway-codegen (~/.cache/gateway-codegen).";

/// Build the gateway of a document and start it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Run {
    /// OpenAPI documents of one gateway
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,
    #[command(flatten)]
    composition: Composition,
    /// Answer with the document's examples; no back end is called
    #[arg(long)]
    mock: bool,
    /// Serve this stage alone, at `/`
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// Name of the crate and the binary [default: the document's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Flags for the gateway itself
    #[arg(last = true, value_name = "GATEWAY FLAGS")]
    arguments: Vec<OsString>,
}

pub(crate) fn run(session: &Session, verb: &Run) -> Exit {
    match binary(session, verb) {
        Ok(binary) => start(session, verb, &binary),
        Err(exit) => exit,
    }
}

/// The gateway takes this process over: signals reach it, and its exit code is ours.
fn start(session: &Session, verb: &Run, binary: &Path) -> Exit {
    let mut command = Command::new(binary);
    if verb.mock {
        command.arg("--mock");
    }
    if let Some(stage) = &verb.stage {
        command.arg("--stage").arg(stage);
    }
    let error = command.args(&verb.arguments).exec();
    session.fail(format!("cannot start `{}`: {error}", binary.display()))
}

/// The built gateway.
fn binary(session: &Session, verb: &Run) -> Result<PathBuf, Exit> {
    let options = Options {
        name: verb.name.clone(),
        workspace: Some(Workspace::Own),
        with: verb.mock.then_some(Extra::Mock).into_iter().collect(),
        ..Options::default()
    };
    let cache = cache_folder().ok_or_else(|| {
        session.refuse(
            "there is no folder for caches",
            "set HOME or XDG_CACHE_HOME",
        )
    })?;
    let input = session.input(&verb.specs, &verb.composition)?;
    let tree = make(session, &input, &cache, &options)?;
    let Some(name) = package_name(&tree) else {
        return Err(session.fail("the generated manifest has no name: please report this"));
    };
    let failed = |action: &str, path: &Path, error: io::Error| {
        session.fail(format!("cannot {action} `{}`: {error}", path.display()))
    };
    fs::create_dir_all(&cache).map_err(|error| failed("create", &cache, error))?;
    // Held until this process ends or becomes the gateway: locks are not handed on.
    let _lock = lock_folder(session, &cache).map_err(|error| failed("lock", &cache, error))?;

    let home = cache.join(home_name(&name, &input));
    let (krate, binary) = (home.join("crate"), home.join(&name));
    // The folder is ours alone, so what was edited in it is of no worth to anybody.
    tree.write(&krate, true)
        .map_err(|error| session.fail(error.to_string()))?;
    let target = beside_this_program().unwrap_or_else(|| cache.join("target"));
    freshen(&tree, &name, &krate, &target).map_err(|error| failed("prepare", &target, error))?;
    cargo(session, &krate, &target)?;
    // A copy of its own: the shared folder has one place for all gateways of this name.
    let built = target.join("release").join(&name);
    let new = home.join(".new");
    let copied = fs::copy(&built, &new).and_then(|_| fs::rename(&new, &binary));
    copied.map_err(|error| failed("copy", &built, error))?;
    Ok(binary)
}

fn cache_folder() -> Option<PathBuf> {
    let from = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    let base = from("XDG_CACHE_HOME").or_else(|| Some(from("HOME")?.join(".cache")))?;
    Some(base.join("gateway-codegen"))
}

/// The target folder this program was built in, where it was: what it links is what its gateways link, and is not compiled
/// again. An installed program has none.
fn beside_this_program() -> Option<PathBuf> {
    let exe = std::env::current_exe().ok()?;
    let release = exe.parent().filter(|folder| folder.ends_with("release"))?;
    let target = release.parent()?;
    // Cargo marks its target folders so.
    target
        .join("CACHEDIR.TAG")
        .is_file()
        .then(|| target.to_owned())
}

/// Two documents may have one name; their crates are told apart by where the documents lie.
fn home_name(name: &str, input: &Input) -> String {
    let mut what = format!("{:?}", (&input.selection, &input.overlays));
    if input.overlays.is_empty() && input.selection.is_all() {
        what.clear();
    }
    for spec in &input.specs {
        let place = fs::canonicalize(&spec.path).unwrap_or_else(|_| spec.path.clone());
        what = format!("{}{}{what}", place.to_string_lossy(), spec.prefix);
    }
    let digest = lock::digest(what.as_bytes());
    let digits: String = digest
        .trim_start_matches("sha256:")
        .chars()
        .take(8)
        .collect();
    format!("{name}-{digits}")
}

fn package_name(tree: &FileTree) -> Option<String> {
    let manifest = String::from_utf8_lossy(tree.get("Cargo.toml")?);
    let manifest: toml::Table = toml::from_str(&manifest).ok()?;
    Some(manifest.get("package")?.get("name")?.as_str()?.to_owned())
}

fn lock_folder(session: &Session, cache: &Path) -> io::Result<File> {
    let file = File::create(cache.join("lock"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            session.say("waiting for another build to end");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(file)
}

/// Makes cargo notice that what it built last under these names was something else. In a shared target folder it tells
/// crates apart by name, relative path and time: of two gateways of one name, or two versions of the runtime, it would
/// take the one for the other where the newer build is of older files.
fn freshen(tree: &FileTree, name: &str, krate: &Path, target: &Path) -> io::Result<()> {
    fs::create_dir_all(target)?;
    let of = |inside: &dyn Fn(&str) -> bool| {
        let files = tree.iter().filter(|(path, _)| inside(path));
        let digests = files.map(|(path, bytes)| format!("{path} {}\n", lock::digest(bytes)));
        lock::digest(digests.collect::<String>())
    };
    let runtime = of(&|path| path.starts_with("runtime/"));
    let own = format!(
        "{} {}",
        krate.display(),
        of(&|path| !path.starts_with("runtime/"))
    );
    for (stamp, now, sources) in [
        (
            "runtime.stamp".to_owned(),
            runtime,
            &["runtime/src/lib.rs"][..],
        ),
        (
            format!("{name}.stamp"),
            own,
            &["src/lib.rs", "src/main.rs"][..],
        ),
    ] {
        let stamp = target.join(stamp);
        if fs::read_to_string(&stamp).is_ok_and(|last| last == now) {
            continue;
        }
        for source in sources {
            let file = File::options().append(true).open(krate.join(source))?;
            file.set_modified(now_on_disk(&stamp)?)?;
        }
        fs::write(&stamp, now)?;
    }
    Ok(())
}

/// The time as the file system sees it.
fn now_on_disk(stamp: &Path) -> io::Result<std::time::SystemTime> {
    fs::write(stamp, "")?;
    fs::metadata(stamp)?.modified()
}

fn cargo(session: &Session, krate: &Path, target: &Path) -> Result<(), Exit> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(krate.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .env_remove("CARGO_BUILD_TARGET")
        .stdin(Stdio::null())
        // What cargo prints there would be taken for the gateway's.
        .stdout(Stdio::null());
    if session.quiet() || !io::stderr().is_terminal() && !session.verbose() {
        command.arg("--quiet");
    } else {
        session.say(format!("building in {}", krate.display()));
    }
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(session.fail(format!("cargo failed ({status})"))),
        Err(error) => Err(session.fail(format!(
            "cannot start `{}`: {error}; `run` needs Rust, `dev` does not",
            Path::new(&cargo).display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_one_name_have_folders_of_their_own() {
        let [a, b] = ["/x/a.yaml", "/x/b.yaml"].map(|spec| home_name("shop", &Input::of(spec)));
        assert_ne!(a, b);
        assert!(
            a.starts_with("shop-") && a.len() == "shop-".len() + 8,
            "{a}"
        );
    }
}
