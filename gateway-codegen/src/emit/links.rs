//! What every table is called and where it stands, found by its address.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ptr;

use gateway_runtime::def::{
    CorsDef, GatewayDef, HttpDef, IntegrationDef, OperationDef, ParameterDef, PolicyDef, ProxyDef,
    Rule, SchemaId, TargetDef, UpstreamDef, ValueDef,
};
use proc_macro2::TokenStream;
use quote::quote;

use super::rust::ident;
use crate::names::Names;

/// Names of all tables that others link to.
pub(super) struct Links {
    operations: HashMap<*const OperationDef, (String, String)>,
    modules: BTreeMap<String, Vec<&'static OperationDef>>,
    upstreams: HashMap<*const UpstreamDef, String>,
    cors: HashMap<*const CorsDef, String>,
    /// As they are listed in their files.
    upstream_list: Vec<&'static UpstreamDef>,
    cors_list: Vec<&'static CorsDef>,
    /// Variant and constant of each schema, by its number.
    schemas: Vec<(String, String)>,
    /// Parameters that several operations have, by what is printed of them.
    parameters: BTreeMap<String, (String, &'static ParameterDef)>,
}

impl Links {
    pub(super) fn new(def: &'static GatewayDef) -> Links {
        let mut links = Links {
            operations: HashMap::new(),
            modules: BTreeMap::new(),
            upstreams: HashMap::new(),
            cors: HashMap::new(),
            upstream_list: def.upstreams.to_vec(),
            cors_list: def.cors.into_iter().collect(),
            schemas: Vec::new(),
            parameters: BTreeMap::new(),
        };
        let (mut variants, mut constants) = (Names::variants(), Names::statics());
        constants.claim("schemas"); // the list of them
        for schema in def.schemas {
            let name = schema_name(schema.place);
            let names = (variants.claim(&name), constants.claim(&name));
            links.schemas.push(names);
        }
        links.name_operations(def);
        links.name_parameters(def);

        let mut names = Names::statics();
        names.claim("upstreams"); // the list of them
        links.upstream_list.sort_by_key(|upstream| upstream.name);
        for upstream in &links.upstream_list {
            links
                .upstreams
                .insert(*upstream, names.claim(upstream.name));
        }

        links
            .cors_list
            .extend(policies(def).filter_map(|policy| policy.cors));
        // Rules have no name of their own: they get one by what they allow, so that it stays when operations come and go.
        links.cors_list.sort_by_key(|cors| format!("{cors:?}"));
        links.cors_list.dedup_by(|a, b| ptr::eq(*a, *b));
        let mut names = Names::statics();
        for cors in &links.cors_list {
            let name = match cors.allow_origins {
                [] => "no origin",
                ["*"] => "any origin",
                [first, ..] => first,
            };
            links.cors.insert(*cors, names.claim(name));
        }
        links
    }

    fn name_operations(&mut self, def: &'static GatewayDef) {
        let mut tags: BTreeMap<&str, Vec<&'static OperationDef>> = BTreeMap::new();
        for operation in operations(def) {
            tags.entry(operation.tag).or_default().push(operation);
        }
        let mut modules = Names::new();
        for (tag, mut operations) in tags {
            let module = modules.claim(tag);
            operations.sort_by_key(|operation| operation.id);
            let mut names = Names::statics();
            for operation in &operations {
                let name = (module.clone(), names.claim(operation.id));
                self.operations.insert(*operation, name);
            }
            self.modules.insert(module, operations);
        }
    }

    /// What several operations declare alike is named after itself.
    fn name_parameters(&mut self, def: &'static GatewayDef) {
        let mut uses: BTreeMap<(&str, String), (usize, &'static ParameterDef)> = BTreeMap::new();
        for operation in operations(def) {
            for parameter in operation.parameters {
                if is_long(parameter) {
                    let key = (parameter.name, format!("{parameter:?}"));
                    uses.entry(key).or_insert((0, parameter)).0 += 1;
                }
            }
        }
        let mut names = Names::statics();
        for ((name, text), (count, parameter)) in uses {
            if count > 1 {
                self.parameters.insert(text, (names.claim(name), parameter));
            }
        }
    }

    pub(super) fn has_parameters(&self) -> bool {
        !self.parameters.is_empty()
    }

    /// Parameters that several operations have, by the names of their constants.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (TokenStream, &'static ParameterDef)> {
        let mut all: Vec<_> = self.parameters.values().collect();
        all.sort_by_key(|(name, _)| name);
        all.into_iter().map(|(name, def)| (ident(name), *def))
    }

    /// The constant of a parameter that several operations have.
    pub(super) fn parameter(&self, def: &ParameterDef) -> Option<TokenStream> {
        if !is_long(def) {
            return None;
        }
        let (name, _) = self.parameters.get(&format!("{def:?}"))?;
        Some(ident(name))
    }

    /// Modules of operations by name, each with its operations by id.
    pub(super) fn modules(&self) -> impl Iterator<Item = (&str, &[&'static OperationDef])> {
        self.modules
            .iter()
            .map(|(module, operations)| (module.as_str(), operations.as_slice()))
    }

    /// Back ends with the names of their statics.
    pub(super) fn upstreams(&self) -> impl Iterator<Item = (TokenStream, &'static UpstreamDef)> {
        self.upstream_list.iter().map(|def| {
            let name = self.upstreams.get(&ptr::from_ref(*def));
            (token(name), *def)
        })
    }

    /// CORS rules with the names of their statics.
    pub(super) fn cors_rules(&self) -> impl Iterator<Item = (TokenStream, &'static CorsDef)> {
        self.cors_list.iter().map(|def| {
            let name = self.cors.get(&ptr::from_ref(*def));
            (token(name), *def)
        })
    }

    /// Variants and constants of all schemas, in the order of their numbers.
    pub(super) fn schemas(&self) -> impl Iterator<Item = (&str, &str)> {
        let schemas = self.schemas.iter();
        schemas.map(|(variant, constant)| (variant.as_str(), constant.as_str()))
    }

    /// The variant of a schema.
    pub(super) fn schema(&self, id: SchemaId) -> Option<&str> {
        let (variant, _) = self.schemas.get(usize::try_from(id).ok()?)?;
        Some(variant)
    }

    pub(super) fn has_operations(&self) -> bool {
        !self.modules.is_empty()
    }

    pub(super) fn has_upstreams(&self) -> bool {
        !self.upstream_list.is_empty()
    }

    pub(super) fn has_cors(&self) -> bool {
        !self.cors_list.is_empty()
    }

    /// The static of an operation, within its module.
    pub(super) fn operation_name(&self, def: &'static OperationDef) -> TokenStream {
        token(
            self.operations
                .get(&ptr::from_ref(def))
                .map(|(_, name)| name),
        )
    }

    /// `&pets::SHOW_PET`.
    pub(super) fn operation(&self, def: &'static OperationDef) -> TokenStream {
        let link = self.operations.get(&ptr::from_ref(def));
        let module = token(link.map(|(module, _)| module));
        let name = token(link.map(|(_, name)| name));
        quote!(&#module::#name)
    }

    /// The name of an operation's static as text, to make other names from.
    pub(super) fn operation_text(&self, def: &'static OperationDef) -> &str {
        let link = self.operations.get(&ptr::from_ref(def));
        link.map(|(_, name)| name.as_str()).unwrap_or_default()
    }

    /// `&upstreams::CATALOG`.
    pub(super) fn upstream(&self, def: &'static UpstreamDef) -> TokenStream {
        let name = token(self.upstreams.get(&ptr::from_ref(def)));
        quote!(&upstreams::#name)
    }

    /// `&cors::ANY_ORIGIN`.
    pub(super) fn cors(&self, def: &'static CorsDef) -> TokenStream {
        let name = token(self.cors.get(&ptr::from_ref(def)));
        quote!(&cors::#name)
    }
}

/// What a schema is called where it stands: the last name of its place, or the file that it is.
fn schema_name(place: &str) -> String {
    let (file, pointer) = place.split_once('#').unwrap_or(("", place));
    match pointer.rsplit_once('/') {
        Some((_, name)) => name.replace("~1", "/").replace("~0", "~"),
        None => {
            let file = file.rsplit('/').next().unwrap_or(file);
            file.split('.').next().unwrap_or(file).to_owned()
        }
    }
}

/// Whether a parameter says more than its type: what is said in a word is said where it is.
fn is_long(def: &ParameterDef) -> bool {
    match def.value {
        ValueDef::Any => false,
        ValueDef::Styled(rules) | ValueDef::Json(rules) => {
            !matches!(rules, [] | [Rule::Types(_) | Rule::Ref(_)])
        }
    }
}

/// A claimed name. Every table that can be reached was named above, so there always is one.
fn token(name: Option<&String>) -> TokenStream {
    name.map(|name| ident(name)).unwrap_or_default()
}

/// Every operation once: all have a route.
fn operations(def: &'static GatewayDef) -> impl Iterator<Item = &'static OperationDef> {
    let mut seen: BTreeSet<*const OperationDef> = BTreeSet::new();
    def.routes
        .iter()
        .map(|route| route.operation)
        .filter(move |operation| seen.insert(ptr::from_ref(*operation)))
}

/// Every policy: of operations, then of stages.
pub(super) fn policies(def: &'static GatewayDef) -> impl Iterator<Item = &'static PolicyDef> {
    let own = def.routes.iter().map(|route| &route.operation.policy);
    let stages = def.stages.iter().flat_map(|stage| stage.overrides);
    own.chain(stages.map(|row| row.policy))
}

/// `use` lines for what these policies link to.
pub(super) fn imports<'p>(policies: impl IntoIterator<Item = &'p PolicyDef>) -> TokenStream {
    let (mut cors, mut upstreams) = (None, None);
    for policy in policies {
        if policy.cors.is_some() {
            cors = Some(quote!(
                use crate::cors;
            ));
        }
        if upstream(policy).is_some() {
            upstreams = Some(quote!(
                use crate::upstreams;
            ));
        }
    }
    quote!(#cors #upstreams)
}

/// The named back end of a policy.
pub(super) fn upstream(policy: &PolicyDef) -> Option<&'static UpstreamDef> {
    let (IntegrationDef::Proxy(ProxyDef { target, .. })
    | IntegrationDef::Http(HttpDef { target, .. })) = policy.integration
    else {
        return None;
    };
    match target {
        TargetDef::Upstream(upstream) | TargetDef::UpstreamPath(upstream, _) => Some(upstream),
        TargetDef::Uri(_) => None,
    }
}
