//! One run of the program: its configuration, how it speaks, how it ends.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use gateway_codegen::check;
use gateway_codegen::config::{Config, FILE_NAME, Threshold};
use gateway_codegen::findings::{Level, Severity};
use serde_json::json;

use super::fetch::{self, Fetcher};
use super::{Color, Format, Global, output};

/// How a run ends. The order is that of precedence: of several ends the last one here counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// All is well.
    Fine,
    /// The crate is not what the document says.
    Stale,
    /// A generated file was edited by hand.
    EditedByHand,
    /// The document has findings.
    Findings,
    /// Input, output or cargo failed.
    Failed,
    /// Asked for in a way that cannot be answered.
    Invocation,
}

/// One run of the program.
pub(crate) struct Session {
    global: Global,
    configuration: OnceCell<Configuration>,
    origin: PathBuf,
}

/// The configuration file as it was found, and what the flags make of it.
pub(crate) struct Configuration {
    /// Folder the file stands in, to which its paths are relative.
    pub(crate) folder: PathBuf,
    /// What it says; nothing where there is no file.
    pub(crate) config: Config,
    /// The file, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// What becomes of the findings of a rule, where it differs from the rule's own severity.
    pub(crate) levels: BTreeMap<String, Level>,
    /// The mildest finding that makes a run fail.
    pub(crate) fail_on: Threshold,
    /// Folder that references may not leave, where it is not the document's.
    pub(crate) root: Option<PathBuf>,
    /// Fetches files of other hosts, where any may be asked.
    pub(crate) fetcher: Option<Fetcher>,
}

impl Session {
    /// Begins a run: the working folder and the colours are set for the whole process.
    pub(crate) fn start(global: Global) -> Result<Session, Exit> {
        match global.color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
        .write_global();
        let session = Session {
            global,
            configuration: OnceCell::new(),
            origin: std::env::current_dir().unwrap_or_default(),
        };
        if let Some(folder) = &session.global.folder
            && let Err(error) = std::env::set_current_dir(folder)
        {
            let message = format!("cannot work in `{}`: {error}", folder.display());
            return Err(session.fail(message));
        }
        Ok(session)
    }

    /// The folder the program was started in, before `-C`.
    pub(crate) fn origin(&self) -> &Path {
        &self.origin
    }

    /// How messages and tables are printed.
    pub(crate) fn format(&self) -> Format {
        self.global.format
    }

    /// Whether only errors are wanted.
    pub(crate) fn quiet(&self) -> bool {
        self.global.quiet
    }

    /// Whether notes are wanted too.
    pub(crate) fn verbose(&self) -> bool {
        self.global.verbose
    }

    /// Values of parameters that flags or the environment give, as written.
    pub(crate) fn param(&self) -> Result<Vec<(String, String)>, Exit> {
        if !self.global.param.is_empty() {
            return Ok(self.global.param.clone());
        }
        let text = std::env::var("GATEWAY_CODEGEN_PARAM").unwrap_or_default();
        let pairs = text.split_ascii_whitespace().map(super::route::pair);
        let pairs: Result<Vec<(String, String)>, String> = pairs.collect();
        pairs.map_err(|form| self.refuse(format!("GATEWAY_CODEGEN_PARAM takes {form}"), ""))
    }

    /// The file of parameters that a flag or the environment names.
    pub(crate) fn params(&self) -> Option<&Path> {
        self.global.params.as_deref()
    }

    /// The resource that a flag or the environment names.
    pub(crate) fn resource(&self) -> Option<&str> {
        self.global.resource.as_deref()
    }

    /// The configuration; read when it is first asked for, so that verbs that need none work beside a broken one.
    pub(crate) fn configuration(&self) -> Result<&Configuration, Exit> {
        if let Some(configuration) = self.configuration.get() {
            return Ok(configuration);
        }
        let configuration = self.read_configuration()?;
        Ok(self.configuration.get_or_init(|| configuration))
    }

    fn read_configuration(&self) -> Result<Configuration, Exit> {
        let path = self.global.config.as_deref();
        let file = path.unwrap_or(Path::new(FILE_NAME));
        let text = match std::fs::read_to_string(file) {
            Ok(text) => Some(text),
            Err(error) if path.is_none() && error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                return Err(self.fail(format!("cannot read `{}`: {error}", file.display())));
            }
        };
        let mut config = Config::default();
        if let Some(text) = &text {
            config = Config::parse(text).map_err(|faults| {
                for fault in faults {
                    let place = format!("{}:{}:{}", file.display(), fault.line, fault.column);
                    self.message("error", Some(&place), &fault.message, &fault.help);
                }
                Exit::Invocation
            })?;
        }
        let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
        let root = &self.global.root;
        let root = root
            .clone()
            .or(config.refs.root.as_ref().map(|root| folder.join(root)));
        if let Some(root) = root.as_ref().filter(|root| !root.is_dir()) {
            let message = format!(
                "`{}` is no folder that `$ref`s could stay in",
                root.display()
            );
            return Err(self.refuse(
                message,
                "name one that holds the document and all that it refers to",
            ));
        }
        Ok(Configuration {
            root,
            fetcher: self.fetcher(&config, &folder)?,
            levels: self.levels(&config)?,
            fail_on: self
                .global
                .fail_on
                .map(Threshold::from)
                .or(config.lint.fail_on)
                .unwrap_or_default(),
            folder,
            file: text.is_some().then(|| file.to_path_buf()),
            config,
        })
    }

    /// Who fetches files of other hosts; `None`: nobody does.
    fn fetcher(&self, config: &Config, folder: &Path) -> Result<Option<Fetcher>, Exit> {
        let mut hosts = self.global.allow_ref_host.clone();
        if hosts.is_empty() {
            for host in &config.refs.allow_hosts {
                let read = fetch::host(host);
                hosts.push(read.map_err(|fault| self.refuse(format!("[refs]: {fault}"), ""))?);
            }
        }
        if hosts.is_empty() {
            return Ok(None);
        }
        let kept = match (&self.global.ref_cache, &config.refs.cache) {
            (Some(flag), _) => flag.clone(),
            (None, Some(written)) => folder.join(written),
            (None, None) => folder.join(fetch::KEPT),
        };
        Ok(Some(Fetcher::new(&hosts, kept)))
    }

    /// Flags win over the file; within one of them a rule has one level.
    fn levels(&self, config: &Config) -> Result<BTreeMap<String, Level>, Exit> {
        let lint = &config.lint;
        let global = &self.global;
        let mut levels = BTreeMap::new();
        for (source, lists) in [
            ("[lint]", [&lint.deny, &lint.warn, &lint.allow]),
            ("--", [&global.deny, &global.warn, &global.allow]),
        ] {
            let mut said: BTreeMap<&str, Level> = BTreeMap::new();
            for (list, level) in lists
                .into_iter()
                .zip([Level::Deny, Level::Warn, Level::Allow])
            {
                for code in list {
                    let Some(rule) = check::rule(code) else {
                        return Err(self.no_rule(code));
                    };
                    if rule.severity == Severity::Error && level != Level::Deny {
                        self.warn(
                            format!("`{code}` finds errors, and they stay errors"),
                            "nothing can be generated from a document that has one",
                        );
                    }
                    if said
                        .insert(code, level)
                        .is_some_and(|before| before != level)
                    {
                        let message = format!("{source}: `{code}` has two levels");
                        return Err(self.refuse(message, "say deny, warn or allow, once"));
                    }
                }
            }
            levels.extend(
                said.into_iter()
                    .map(|(code, level)| (code.to_owned(), level)),
            );
        }
        Ok(levels)
    }

    /// Says that the invocation is wrong.
    pub(crate) fn refuse(&self, message: impl AsRef<str>, help: impl AsRef<str>) -> Exit {
        self.message("error", None, message.as_ref(), help.as_ref());
        Exit::Invocation
    }

    /// Says that input, output or another program failed.
    pub(crate) fn fail(&self, message: impl AsRef<str>) -> Exit {
        self.message("error", None, message.as_ref(), "");
        Exit::Failed
    }

    /// Says what is wrong, where the caller knows how the run ends.
    pub(crate) fn problem(&self, message: impl AsRef<str>, help: impl AsRef<str>) {
        self.message("error", None, message.as_ref(), help.as_ref());
    }

    /// Says something worth acting on.
    pub(crate) fn warn(&self, message: impl AsRef<str>, help: impl AsRef<str>) {
        if !self.quiet() {
            self.message("warning", None, message.as_ref(), help.as_ref());
        }
    }

    /// Says what was done.
    pub(crate) fn say(&self, message: impl AsRef<str>) {
        if !self.quiet() && self.format() != Format::Json {
            output::to_stderr(&format!("{}\n", message.as_ref()));
        }
    }

    /// Says what is being done, where details are wanted.
    pub(crate) fn detail(&self, message: impl AsRef<str>) {
        if self.verbose() {
            self.say(message);
        }
    }

    /// Hands the run's product to standard output. A reader that has seen enough and closed it is no fault.
    pub(crate) fn data(&self, text: &str) -> Exit {
        let mut out = anstream::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                self.fail(format!("cannot write to standard output: {error}"))
            }
            _ => Exit::Fine,
        }
    }

    fn message(&self, severity: &str, place: Option<&str>, message: &str, help: &str) {
        let text = match self.format() {
            Format::Json => {
                let mut object = json!({ "severity": severity, "message": message });
                if let Some(place) = place {
                    object["place"] = place.into();
                }
                if !help.is_empty() {
                    object["help"] = help.into();
                }
                format!("{object}\n")
            }
            Format::Human | Format::Short | Format::Sarif | Format::Github => {
                let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
                let style = output::severity(severity);
                let gap = if self.format() == Format::Human {
                    "\n  help: "
                } else {
                    "; help: "
                };
                let help = if help.is_empty() {
                    String::new()
                } else {
                    format!("{gap}{help}")
                };
                format!("{place}{style}{severity}{style:#}: {message}{help}\n")
            }
        };
        output::to_stderr(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_have_the_documented_precedence() {
        use Exit::*;
        let documented = [Invocation, Failed, Findings, EditedByHand, Stale, Fine];
        assert!(documented.is_sorted_by(|a, b| a > b));
    }
}
