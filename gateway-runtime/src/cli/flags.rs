//! The table of flags: help, environment twins and parsing all read these rows.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::def::GatewayDef;
use crate::gateway;

/// One flag.
#[derive(Debug)]
pub(super) struct Flag {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    /// What it does, and what happens without it.
    help: &'static str,
}

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// Nothing: it is there or not.
    Nothing,
    /// One value.
    One(&'static str),
    /// A value each time it is given; in the environment, values with spaces between them.
    Many(&'static str),
}

const fn flag(name: &'static str, takes: Takes, help: &'static str) -> Flag {
    Flag { name, takes, help }
}

/// Every flag, in the order of the help.
pub(super) static FLAGS: &[Flag] = &[
    flag(
        "listen",
        Takes::Many("ADDR:PORT"),
        "Serve here [default: 127.0.0.1:8080]",
    ),
    flag(
        "upstream",
        Takes::Many("URL|NAME=URL"),
        "Send to URL what the document sends to its own server, or to the upstream NAME",
    ),
    flag(
        "stage",
        Takes::One("NAME"),
        "Serve this stage alone, at / [default: every stage at its mount]",
    ),
    flag(
        "stage-var",
        Takes::Many("NAME=VALUE"),
        "Give a stage variable another value",
    ),
    flag(
        "param",
        Takes::Many("NAME=VALUE"),
        "Give a parameter of the document its value",
    ),
    flag(
        "mock",
        Takes::Nothing,
        "Call no back end; answer with the document's examples",
    ),
    flag(
        "admin",
        Takes::One("ADDR:PORT|off"),
        "Serve /healthz, /readyz, /metrics and /routes here [default: 127.0.0.1:8081]",
    ),
    flag(
        "admin-token-file",
        Takes::One("FILE"),
        "The token callers of /metrics and /routes must show; needed where --admin is no loopback address",
    ),
    flag(
        "admin-host",
        Takes::Many("NAME"),
        "A host name of the admin listener, besides localhost and addresses",
    ),
    flag(
        "tls-cert",
        Takes::One("FILE"),
        "Serve TLS with this certificate chain (PEM); SIGHUP reads it again",
    ),
    flag("tls-key", Takes::One("FILE"), "Its private key (PEM)"),
    flag(
        "access-log",
        Takes::One("off|stdout|stderr|FILE"),
        "Write access logs there [default: as the document says]",
    ),
    flag(
        "workers",
        Takes::One("N"),
        "Threads that serve [default: one per core]",
    ),
    flag(
        "drain",
        Takes::One("DURATION"),
        "How long requests in flight may take after SIGTERM [default: 30s]",
    ),
    flag(
        "hand-over",
        Takes::One("FILE"),
        "Take the listening sockets from the gateway that holds this socket file, which then drains, and hold it for the next",
    ),
    flag(
        "allow-link-local",
        Takes::Nothing,
        "Call back ends at link-local addresses too, cloud metadata services among them",
    ),
    flag(
        "check",
        Takes::Nothing,
        "Read everything a start needs, report what is missing, and end",
    ),
    flag(
        "print-routes",
        Takes::Nothing,
        "Print what is served, and end",
    ),
    flag("version", Takes::Nothing, "Print the version, and end"),
    flag(
        "json",
        Takes::Nothing,
        "With --version or --print-routes: print JSON",
    ),
];

impl Flag {
    /// Its twin in the environment: `GATEWAY_STAGE_VAR` for `--stage-var`. What ends at once has none.
    pub(super) fn twin(&self) -> Option<String> {
        let once = matches!(self.name, "check" | "print-routes" | "version" | "json");
        (!once).then(|| {
            format!(
                "GATEWAY_{}",
                self.name.replace('-', "_").to_ascii_uppercase()
            )
        })
    }
}

/// The command line of a gateway.
pub(super) fn command(def: &GatewayDef) -> Command {
    let flags = FLAGS.iter().map(|flag| {
        let arg = Arg::new(flag.name).long(flag.name).help(match flag.twin() {
            Some(twin) => format!("{} [env: {twin}]", flag.help),
            None => flag.help.to_owned(),
        });
        match flag.takes {
            Takes::Nothing => arg.action(ArgAction::SetTrue),
            Takes::One(value) => arg.action(ArgAction::Set).value_name(value),
            Takes::Many(value) => arg.action(ArgAction::Append).value_name(value),
        }
    });
    Command::new(def.name)
        .about(format!("{} {}: an API gateway", def.title, def.version))
        .after_help(after_help(def))
        .disable_version_flag(true)
        .args(flags)
}

/// What stands below the flags: the parameters that this gateway asks for, and what signals do.
fn after_help(def: &GatewayDef) -> String {
    let mut help = String::new();
    if !def.parameters.is_empty() {
        help.push_str("Parameters:\n");
        for parameter in def.parameters {
            let about = match parameter.description {
                "" => String::new(),
                about => format!("{about} "),
            };
            let needed = match parameter.default {
                Some(default) => format!("[default: {default}]"),
                None => "[required]".to_owned(),
            };
            let (name, twin) = (parameter.name, gateway::twin(parameter.name));
            help.push_str(&format!(
                "  {name}\n          {about}{needed} [env: {twin}]\n"
            ));
        }
        help.push('\n');
    }
    help + "SIGTERM drains; SIGHUP reads certificates again."
}

/// The values that flags were given, the environment's where the command line has none.
pub(super) struct Given<'e> {
    matches: ArgMatches,
    variables: &'e dyn Fn(&str) -> Option<OsString>,
}

impl<'e> Given<'e> {
    pub(super) fn new(
        matches: ArgMatches,
        variables: &'e dyn Fn(&str) -> Option<OsString>,
    ) -> Given<'e> {
        Given { matches, variables }
    }

    /// The values of a flag, with the name under which each can be found again.
    pub(super) fn all(&self, name: &'static str) -> Result<Vec<(String, String)>, String> {
        let given: Vec<String> = self
            .matches
            .get_many::<String>(name)
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        if !given.is_empty() {
            let flag = format!("--{name}");
            return Ok(given.into_iter().map(|v| (flag.clone(), v)).collect());
        }
        let Some((twin, text)) = self.environment(name)? else {
            return Ok(Vec::new());
        };
        let many = FLAGS
            .iter()
            .any(|flag| flag.name == name && matches!(flag.takes, Takes::Many(_)));
        Ok(if many {
            text.split_ascii_whitespace()
                .map(|value| (twin.clone(), value.to_owned()))
                .collect()
        } else {
            vec![(twin, text)]
        })
    }

    /// The value of a variable of the environment. An empty one counts as absent: that is how deployment tools unset them.
    pub(super) fn variable(&self, name: &str) -> Result<Option<String>, String> {
        match (self.variables)(name) {
            None => Ok(None),
            Some(text) if text.is_empty() => Ok(None),
            Some(text) => match text.into_string() {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(format!("{name} is not UTF-8")),
            },
        }
    }

    /// The value of a flag that takes one.
    pub(super) fn one(&self, name: &'static str) -> Result<Option<(String, String)>, String> {
        Ok(self.all(name)?.pop())
    }

    /// Whether a flag is there.
    pub(super) fn is_set(&self, name: &'static str) -> Result<bool, String> {
        if self.matches.get_flag(name) {
            return Ok(true);
        }
        match self.environment(name)? {
            None => Ok(false),
            Some((twin, text)) => match text.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Ok(true),
                "0" | "false" | "no" | "off" => Ok(false),
                _ => Err(format!("{twin} is neither true nor false")),
            },
        }
    }

    fn environment(&self, name: &str) -> Result<Option<(String, String)>, String> {
        let flag = FLAGS.iter().find(|flag| flag.name == name);
        let Some(twin) = flag.and_then(Flag::twin) else {
            return Ok(None);
        };
        let text = self.variable(&twin)?;
        Ok(text.map(|text| (twin, text)))
    }
}
