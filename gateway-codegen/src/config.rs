//! `gateway-codegen.toml`: which gateways a repository holds, and how strictly their documents are judged.
//!
//! Everything wrong with the file is reported at its line and column, in one run. Paths in it are relative to the folder
//! it stands in. Absent on purpose: anything about how a gateway behaves; that stands in the document.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use crate::findings::Severity;
use crate::suggest;

/// Name of the file, looked for in the working folder.
pub const FILE_NAME: &str = "gateway-codegen.toml";

/// The configuration of a repository that holds gateways.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "gateway-codegen.toml")]
pub struct Config {
    /// The gateways: `check` judges them all, `generate` without a document generates them all.
    pub gateway: Vec<GatewayEntry>,
    /// How strictly documents are judged.
    pub lint: LintEntry,
    /// Where files may come from that documents refer to.
    pub refs: RefsEntry,
}

/// One gateway: a document and the folder of its crate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GatewayEntry {
    /// The OpenAPI document, or a list of several that are served by one gateway.
    pub spec: Specs,
    /// Folder of the emitted crate.
    pub out: PathBuf,
    /// Paths that documents are put below, by document as it is listed under `spec`.
    #[serde(default)]
    pub prefix: BTreeMap<PathBuf, String>,
    /// OpenAPI Overlays that change the documents first, in this order.
    #[serde(default)]
    pub overlays: Vec<PathBuf>,
    /// Operations that are taken in: `tag:NAME`, `op:OPERATION_ID` or `path:GLOB`. Default: all.
    #[serde(default)]
    pub include: Vec<String>,
    /// Operations of those that are left out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Name of the crate and the binary. Default: the document's.
    #[serde(default)]
    pub name: Option<String>,
    /// Where the crate takes the runtime from: `vendor` (default), `path=DIR` or `git=URL#REV`.
    #[serde(default)]
    pub runtime: Option<String>,
    /// Whether the crate is a workspace of its own (default) or a member of the one around it.
    #[serde(default)]
    pub workspace: Option<Workspace>,
    /// What is compiled in though the document does not ask for it.
    #[serde(default)]
    pub with: Vec<Extra>,
    /// Values of the document's parameters.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// File with further values, as JSON or YAML.
    #[serde(default)]
    pub params_file: Option<PathBuf>,
    /// The API to take out of a template that has several: its logical id.
    #[serde(default)]
    pub resource: Option<String>,
    /// Stages that are compiled in. Default: all.
    #[serde(default)]
    pub only_stage: Vec<String>,
}

/// One document or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Specs {
    /// One.
    One(PathBuf),
    /// Several, served by one gateway.
    Several(Vec<PathBuf>),
}

impl Specs {
    /// The documents.
    pub fn list(&self) -> &[PathBuf] {
        match self {
            Specs::One(spec) => std::slice::from_ref(spec),
            Specs::Several(specs) => specs,
        }
    }
}

/// Whose workspace an emitted crate belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Workspace {
    /// Its own: it builds wherever it lies.
    Own,
    /// The one of the folder it lies in.
    Member,
}

/// What is compiled in though the document does not ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Extra {
    /// The document's examples, which the binary answers with under `--mock`.
    Mock,
}

/// Where files may come from that documents refer to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RefsEntry {
    /// Folder that `$ref`s may not leave. Default: the document's.
    pub root: Option<PathBuf>,
    /// Hosts that files are fetched from, over HTTPS. Default: none.
    pub allow_hosts: Vec<String>,
    /// Folder in which fetched files are kept, and read from. Default: `.gateway-codegen/refs`.
    pub cache: Option<PathBuf>,
}

/// How strictly documents are judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LintEntry {
    /// Rules whose findings are errors.
    pub deny: Vec<String>,
    /// Rules whose findings are warnings.
    pub warn: Vec<String>,
    /// Rules whose findings are not reported.
    pub allow: Vec<String>,
    /// The mildest finding that makes a run fail. Default: `error`.
    pub fail_on: Option<Threshold>,
}

/// The mildest finding that makes a run fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Threshold {
    /// Errors only.
    #[default]
    Error,
    /// Warnings too.
    Warning,
    /// Notes too.
    Note,
}

impl Threshold {
    /// Whether a finding of this severity makes a run fail.
    pub fn reached_by(self, severity: Severity) -> bool {
        match self {
            Threshold::Error => severity == Severity::Error,
            Threshold::Warning => severity != Severity::Note,
            Threshold::Note => true,
        }
    }
}

/// Something wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to write instead; empty: the message says it.
    pub help: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: error: {}", self.line, self.column, self.message)?;
        if self.help.is_empty() {
            Ok(())
        } else {
            write!(f, "; help: {}", self.help)
        }
    }
}

impl Config {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// Everything that is not TOML, no known key, of the wrong type, or said twice; sorted by place, never empty.
    pub fn parse(text: &str) -> Result<Config, Vec<Fault>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut faults: Vec<Fault> = errors.iter().map(|e| from_toml(text, e)).collect();
        if faults.is_empty() {
            let schema = Self::schema();
            let mut walk = Walk {
                text,
                schema: &schema,
                faults: &mut faults,
            };
            walk.table(table.get_ref(), &schema, "");
        }
        if faults.is_empty() {
            match toml::from_str::<Config>(text) {
                Ok(config) => {
                    repeated_folders(text, table.get_ref(), &mut faults);
                    if faults.is_empty() {
                        return Ok(config);
                    }
                }
                Err(error) => faults.push(from_toml(text, &error)),
            }
        }
        faults.sort_by_key(|fault| (fault.line, fault.column));
        Err(faults)
    }

    /// The JSON Schema of the file, for editors.
    pub fn schema() -> Value {
        schemars::schema_for!(Config).to_value()
    }

    /// The entry of some documents: the one that lists just these, or that begins with the only one given. All paths are
    /// compared below `folder`, the one the file stands in.
    pub fn entry(&self, folder: &Path, specs: &[PathBuf]) -> Option<&GatewayEntry> {
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        let wanted: Vec<PathBuf> = specs.iter().map(|spec| real(spec)).collect::<Option<_>>()?;
        self.gateway.iter().find(|entry| {
            let listed = entry.spec.list().iter();
            let listed: Option<Vec<PathBuf>> =
                listed.map(|spec| real(&folder.join(spec))).collect();
            listed.is_some_and(|listed| match wanted.as_slice() {
                [only] => listed.first() == Some(only),
                several => listed == several,
            })
        })
    }
}

/// Looks for keys that the schema does not know. The types themselves are judged by serde.
struct Walk<'a> {
    text: &'a str,
    schema: &'a Value,
    faults: &'a mut Vec<Fault>,
}

impl Walk<'_> {
    fn table(&mut self, table: &DeTable<'_>, schema: &Value, at: &str) {
        let Some(known) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        for (key, value) in table {
            let name = key.get_ref();
            let Some(schema) = known.get(name.as_ref()) else {
                let place = if at.is_empty() {
                    "here".to_owned()
                } else {
                    format!("in {at}")
                };
                self.faults.push(fault(
                    self.text,
                    key.span(),
                    format!("there is no key `{name}` {place}"),
                    suggest::help(name, known.keys().map(String::as_str)),
                ));
                continue;
            };
            self.value(value.get_ref(), schema, &format!("`{name}`"));
        }
    }

    fn value(&mut self, value: &DeValue<'_>, schema: &Value, at: &str) {
        let schema = self.followed(schema);
        if let Some(table) = value.as_table() {
            self.table(table, &schema, at);
        } else if let Some(items) = value.as_array()
            && let Some(schema) = schema.get("items")
        {
            for item in items {
                self.value(item.get_ref(), schema, at);
            }
        }
    }

    /// The schema that a `$ref` of schemars names; schemars writes no others than `#/$defs/NAME`.
    fn followed(&self, schema: &Value) -> Value {
        let named = schema.get("$ref").and_then(Value::as_str);
        let target = named.and_then(|name| self.schema.pointer(name.strip_prefix('#')?));
        target.unwrap_or(schema).clone()
    }
}

/// Two gateways must not be written into one folder.
fn repeated_folders(text: &str, table: &DeTable<'_>, faults: &mut Vec<Fault>) {
    let gateways = table.get("gateway").and_then(|v| v.get_ref().as_array());
    let mut seen: Vec<&str> = Vec::new();
    for out in gateways
        .into_iter()
        .flatten()
        .filter_map(|gateway| gateway.get_ref().get("out"))
    {
        let Some(folder) = out.get_ref().as_str().map(|f| f.trim_end_matches('/')) else {
            continue;
        };
        if seen.contains(&folder) {
            let message = format!("two gateways have the folder `{folder}`");
            let help = "give each gateway a folder of its own".to_owned();
            faults.push(fault(text, out.span(), message, help));
        }
        seen.push(folder);
    }
}

fn from_toml(text: &str, error: &toml::de::Error) -> Fault {
    let message = error.message().trim_end_matches('.').replace('\n', ", ");
    fault(
        text,
        error.span().unwrap_or_default(),
        message,
        String::new(),
    )
}

fn fault(text: &str, span: Range<usize>, message: String, help: String) -> Fault {
    let before = text.get(..span.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Fault {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message,
        help,
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        reason = "a test that cannot read its own input should stop"
    )]

    use super::*;

    const WHOLE: &str = r#"
[[gateway]]
spec = ["api.yaml", "billing.yaml"]
prefix = { "billing.yaml" = "/billing" }
overlays = ["ours.yaml"]
include = ["tag:shop"]
exclude = ["op:old"]
out = "gateway"
name = "shop"
runtime = "path=../runtime"
workspace = "member"
with = ["mock"]
only-stage = ["prod"]
params = { Domain = "shop.example" }
params-file = "prod.json"
resource = "Api"

[[gateway]]
spec = "admin.yaml"
out = "admin"

[lint]
deny = ["a"]
warn = ["b"]
allow = ["c"]
fail-on = "warning"

[refs]
root = ".."
allow-hosts = ["a.example"]
cache = "kept"
"#;

    #[test]
    fn every_key_is_read() {
        let config = Config::parse(WHOLE).unwrap();
        let [shop, admin] = config.gateway.as_slice() else {
            panic!("{config:?}")
        };
        assert_eq!(shop.name.as_deref(), Some("shop"));
        assert_eq!(shop.spec.list().len(), 2);
        assert_eq!(shop.prefix[Path::new("billing.yaml")], "/billing");
        assert_eq!(shop.overlays, [Path::new("ours.yaml")]);
        assert_eq!(
            (&shop.include[0][..], &shop.exclude[0][..]),
            ("tag:shop", "op:old")
        );
        assert_eq!(admin.spec.list(), [Path::new("admin.yaml")]);
        assert_eq!(shop.runtime.as_deref(), Some("path=../runtime"));
        assert_eq!(shop.workspace, Some(Workspace::Member));
        assert_eq!(shop.with, [Extra::Mock]);
        assert_eq!(shop.only_stage, ["prod"]);
        assert_eq!(
            shop.params.get("Domain").map(String::as_str),
            Some("shop.example")
        );
        assert_eq!(shop.params_file.as_deref(), Some(Path::new("prod.json")));
        assert_eq!(shop.resource.as_deref(), Some("Api"));
        assert_eq!((&admin.name, &admin.workspace), (&None, &None));
        assert_eq!(config.lint.fail_on, Some(Threshold::Warning));
        assert_eq!(
            (config.lint.deny, config.lint.warn, config.lint.allow),
            (vec!["a".into()], vec!["b".into()], vec!["c".into()])
        );
        assert_eq!(config.refs.root.as_deref(), Some(Path::new("..")));
        assert_eq!(config.refs.allow_hosts, ["a.example"]);
        assert_eq!(config.refs.cache.as_deref(), Some(Path::new("kept")));
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let faults: Vec<String> = match Config::parse(text) {
            Ok(config) => panic!("accepted: {config:?}"),
            Err(faults) => faults.iter().map(Fault::to_string).collect(),
        };
        assert_eq!(faults.len(), expected.len(), "{faults:#?}");
        for (fault, start) in faults.iter().zip(expected) {
            assert!(
                fault.starts_with(start),
                "{fault}\n  does not begin with\n{start}"
            );
        }
    }

    #[test]
    fn faults_stand_at_their_place() {
        check("gateway = 3", &["1:11: error: invalid type: integer `3`"]);
        check("[lint]\ndeny = [", &["2:9: error: "]);
        check(
            "[lint]\nfail_on = \"note\"\n[[gateway]]\nspec=\"a\"\nout=\"b\"\nonlystage = []\nnonsense = 1\n[x]",
            &[
                "2:1: error: there is no key `fail_on` in `lint`; help: did you mean `fail-on`",
                "6:1: error: there is no key `onlystage` in `gateway`; help: did you mean `only-stage`",
                "7:1: error: there is no key `nonsense` in `gateway`; help: ",
                "8:2: error: there is no key `x` here; help: one of `gateway`, `lint`, `refs`",
            ],
        );
        check(
            "[[gateway]]\nspec = \"a\"\nout = \"b\"\nwith = [\"mocks\"]",
            &["4:9: error: unknown variant `mocks`"],
        );
        check(
            "[[gateway]]\nspec = \"a\"",
            &["1:1: error: missing field `out`"],
        );
        check(
            "[[gateway]]\nspec = \"a\"\nout = \"o\"\n[[gateway]]\nspec = \"b\"\nout = \"o/\"",
            &["6:7: error: two gateways have the folder `o`"],
        );
    }

    #[test]
    fn the_threshold_is_a_floor() {
        let reached = |threshold: Threshold| {
            [Severity::Error, Severity::Warning, Severity::Note].map(|s| threshold.reached_by(s))
        };
        assert_eq!(reached(Threshold::Error), [true, false, false]);
        assert_eq!(reached(Threshold::Warning), [true, true, false]);
        assert_eq!(reached(Threshold::Note), [true, true, true]);
    }
}
