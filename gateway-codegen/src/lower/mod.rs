//! Document → [`model::Gateway`](crate::model::Gateway): what was meant.
//!
//! Plain OpenAPI gives operations, servers and access ([`openapi`], [`access`]). Everything else is policy, and policy comes
//! in layers: trees of values that know where they were written ([`tree`]). What the Amazon family says is translated into
//! such layers ([`aws`]), so that from the merge ([`layers`], [`stack`]) on nothing can tell the dialects apart. Merged
//! layers are read into the types of the language ([`native`]) and from there into the model ([`policy`], [`integration`],
//! [`answers`], [`retries`], [`stages`], [`upstreams`], [`parameters`], [`root`]), where every default is decided.
//!
//! Faults that need a place inside the document are found here, with the rules of [`check`](crate::check); what the
//! finished model shows is found there. Absent on purpose: anything about how a gateway is emitted or served.

mod access;
mod answers;
mod aws;
mod draft;
mod examples;
mod integration;
mod layers;
mod messages;
pub mod native;
mod openapi;
mod parameters;
mod policy;
mod reader;
mod retries;
mod root;
pub mod schema;
mod selectors;
mod size;
mod stack;
mod stages;
mod tree;
mod upstreams;
mod variables;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use self::reader::must_be_known;

use self::access::Schemes;
use self::draft::Draft;
use self::native::strict::Strict;
use self::reader::{Reader, VariableUse};
use self::selectors::Selector;
use self::stack::{StageLayers, Wide};
use self::tree::{At, Data, Tree};
use self::variables::Named;
use crate::findings::{Findings, brief};
use crate::load::Node;
use crate::model::{Caching, Gateway, Mode, Policy, Stage, Upstream, ValidateDef};
use crate::normalise::Api;
use crate::suggest;

/// Most operations times stages and their selectors: each is looked at, and may have a policy of its own.
const MAX_COMBINATIONS: usize = 500_000;

/// Lowers a document. Where `found` has errors afterwards the gateway is only good for further checks.
pub fn gateway(api: &Api<'_>, found: &mut Findings) -> Option<Gateway> {
    if size::is_too_large(api) {
        found.error(
            "document-too-large",
            api.root.place(),
            "`x-gateway` and Amazon's members say too much to too many operations",
            "say less under `defaults`, in wide selectors and in path items that many paths share",
        );
        return None;
    }
    let strict = Strict::language();
    let aws = aws::Document::read(api, found);
    let root_tree = root_layers(api, strict, &aws, found);
    let written: native::Gateway =
        serde_json::from_value(root_tree.value()).unwrap_or_else(|error| {
            policy::unreadable(root_tree.place.clone(), &error, found);
            native::Gateway::default()
        });
    let at = At::root(&root_tree);

    let mut reader = Reader::new(found);
    let parameters = parameters::declared(&written, at, api.root.document(), &mut reader);
    reader.declare(parameters.clone());
    let declared = upstreams::read(&written, at, &mut reader);
    let taken: BTreeSet<String> = written
        .upstreams
        .iter()
        .flatten()
        .map(|(name, _)| name.0.clone())
        .collect();
    let mut schemes = Schemes::read(api, strict, aws.used(), reader.found);
    let mut servers = openapi::Servers::new(api, taken, reader.found);
    let mut drafts = openapi::drafts(
        api,
        &mut schemes,
        &mut servers,
        root::kind(&written),
        reader.found,
    );
    schemes.note(reader.found);
    for draft in &mut drafts {
        add_layers(draft, strict, &aws, reader.found);
    }

    let mut upstreams: BTreeMap<String, Upstream> = servers.upstreams;
    let mut named = Named::default();
    for (name, (upstream, uses)) in declared {
        upstreams.insert(name.clone(), upstream);
        named.upstreams.insert(name, uses);
    }
    let wide = Wide {
        cors: root_tree.get("cors").map(|cors| {
            let mut layer = Tree::object(cors.place.clone());
            layer.set("cors", cors.clone());
            layer
        }),
        defaults: root_tree.get("defaults").cloned(),
    };
    let mut context = policy::Context {
        kind: root::kind(&written),
        errors: root::errors(&written),
        validates: if aws.used() { Mode::Off } else { Mode::Enforce },
        upstreams: &upstreams,
        wide_keys: BTreeMap::new(),
        owners: Vec::new(),
    };

    let mut policies = BTreeMap::new();
    for draft in &drafts {
        let (tree, owners) = stack::merged(&wide, draft, None);
        if aws.wants_integrations() && tree.get("integration").is_none() {
            aws::no_integration(draft, reader.found);
        }
        context.owners = owners;
        reader.take_uses();
        let policy = policy::read(&tree, draft, &mut context, &mut reader);
        named.policies.insert(draft.id.clone(), reader.take_uses());
        policies.insert(draft.id.clone(), policy);
    }
    let stages = all_stages(
        &written,
        at,
        &wide,
        &drafts,
        &policies,
        &mut context,
        &mut named,
        &mut reader,
    );
    report_idle_keys(&context, reader.found);

    reader.take_uses();
    let responses = root::responses(&written, at, &mut reader);
    named.everywhere = reader.take_uses();
    let cors = written
        .cors
        .as_ref()
        .and_then(native::OrOff::on)
        .and_then(|cors| policy::read_cors(cors, at.member("cors"), &mut reader));
    let title = api.openapi.info.title.clone();
    let mut gateway = Gateway {
        name: root::name(&written, &title, at, &mut reader),
        title,
        version: api.openapi.info.version.clone(),
        errors: root::errors(&written),
        kind: root::kind(&written),
        trusted_proxies: root::trusted_proxies(&written, at, &mut reader),
        limits: root::limits(&written, at, &mut reader),
        parameters: BTreeMap::new(),
        upstreams: BTreeMap::new(),
        stages,
        operations: BTreeMap::new(),
        cors,
        responses,
        schemas: BTreeMap::new(),
        origin: root_tree.place.clone().into(),
    };
    let declares_stages = written
        .stages
        .as_ref()
        .is_some_and(|stages| !stages.is_empty());
    variables::check(
        &gateway.stages,
        &policies,
        &named,
        declares_stages,
        reader.found,
    );
    describe(api, &mut drafts, &policies, &mut gateway, reader.found);
    for draft in drafts {
        if let Some(policy) = policies.remove(&draft.id) {
            gateway
                .operations
                .insert(draft.id.clone(), draft.finish(policy));
        }
    }
    let declared: BTreeSet<&String> = named.upstreams.keys().collect();
    gateway.upstreams = used_upstreams(&gateway, upstreams, &declared, reader.found);
    gateway.parameters = parameters::used(
        parameters,
        &gateway,
        &written,
        at,
        api.root.document(),
        &mut reader,
    );
    refuse_misplaced(api, reader.found);
    note_what_is_missing(api, &gateway, reader.found);
    Some(gateway)
}

/// Lowers what is said of messages, where a stage holds messages to it.
fn describe<'d>(
    api: &Api<'d>,
    drafts: &mut [Draft<'d>],
    policies: &BTreeMap<String, Policy>,
    gateway: &mut Gateway,
    found: &mut Findings,
) {
    let mut schemas = schema::Schemas::new(api.root.document());
    let mut messages = messages::Messages {
        version: api.version,
        errors: gateway.errors,
        schemas: &mut schemas,
        noted: BTreeSet::new(),
    };
    for draft in drafts {
        let stages = gateway.stages.values();
        let overrides = stages.filter_map(|stage| stage.overrides.get(&draft.id));
        let all = policies.get(&draft.id).into_iter().chain(overrides);
        let checked = all.fold(ValidateDef::OFF, |most, policy| ValidateDef {
            params: most.params.max(policy.validate.params),
            body: most.body.max(policy.validate.body),
            response: most.response.max(policy.validate.response),
        });
        messages.describe(draft, checked, found);
    }
    gateway.schemas = schemas.finish();
}

/// The root's layers: what Amazon's members say, then `x-gateway`.
fn root_layers(api: &Api<'_>, strict: &Strict, aws: &aws::Document, found: &mut Findings) -> Tree {
    let written = api.root.get("x-gateway").map(|node| {
        let mut tree = Tree::of(&node.follow());
        if !strict.check(&mut tree, "Gateway", found) {
            tree = Tree::object(tree.place);
        }
        for name in ["defaults", "stages"] {
            if let Some(part) = tree.members_mut().and_then(|members| members.get_mut(name)) {
                canonical_policies(part, name == "stages", found);
            }
        }
        tree
    });
    let place = api
        .root
        .get("info")
        .map_or_else(|| api.root.place(), |info| info.place());
    let below = aws.root().cloned().unwrap_or_else(|| Tree::object(place));
    match written {
        Some(written) => layers::merge(below, &written),
        None => below,
    }
}

/// Brings the field names of policies into the form in which layers meet.
fn canonical_policies(part: &mut Tree, stages: bool, found: &mut Findings) {
    if !stages {
        layers::canonical_fields(part, found);
        return;
    }
    let stages = part
        .members_mut()
        .into_iter()
        .flat_map(|stages| stages.values_mut());
    for stage in stages {
        let operations = stage
            .members_mut()
            .and_then(|stage| stage.get_mut("operations"));
        if let Some(Data::Object(layers)) = operations.map(|tree| &mut tree.data) {
            for layer in layers.values_mut() {
                layers::canonical_fields(layer, found);
            }
        }
    }
}

/// Reads the layers that stand at an operation and its path item.
fn add_layers(draft: &mut Draft<'_>, strict: &Strict, aws: &aws::Document, found: &mut Findings) {
    let source = draft.source;
    draft.layers.path_item = written_layer(&source.path_item, strict, found);
    draft.layers.operation = written_layer(&source.node, strict, found);
    let (layer, cache) = aws.operation(draft, found);
    draft.layers.aws = layer;
    draft.layers.aws_cache = cache;
}

fn written_layer(holder: &Node<'_>, strict: &Strict, found: &mut Findings) -> Option<Tree> {
    let node = holder.get("x-gateway")?.follow();
    let mut tree = Tree::of(&node);
    if !strict.check(&mut tree, "Operation", found) {
        return None;
    }
    layers::canonical_fields(&mut tree, found);
    Some(tree)
}

/// Every stage, with the policies that differ there.
#[expect(
    clippy::too_many_arguments,
    reason = "one call, and each of them is another thing"
)]
fn all_stages(
    written: &native::Gateway,
    at: At<'_>,
    wide: &Wide,
    drafts: &[Draft<'_>],
    policies: &BTreeMap<String, Policy>,
    context: &mut policy::Context<'_>,
    named: &mut Named,
    reader: &mut Reader<'_>,
) -> BTreeMap<String, Stage> {
    let mut stages = BTreeMap::new();
    if combinations(at, drafts.len()) > MAX_COMBINATIONS {
        reader.found.error(
            "document-too-large",
            at.member("stages").place(),
            "its stages, their selectors and the operations are more than 500,000 combinations",
            "use fewer stages, or selectors that speak for many operations, such as `tag:name` and `GET /path/**`",
        );
        return stages;
    }
    for (name, stage) in written.stages.iter().flatten() {
        let at = at.member("stages").member(&name.0);
        let mut read = stages::read(&name.0, stage, at, reader);
        let selectors: Vec<Selector<'_>> = at
            .member("operations")
            .tree()
            .and_then(Tree::members)
            .into_iter()
            .flatten()
            .map(|(text, layer)| Selector::new(text, layer))
            .collect();
        selectors::warn_of_idle(&selectors, drafts, reader.found);
        let cache = at.member("cache");
        let on = stage
            .cache
            .as_ref()
            .and_then(native::OrOff::on)
            .is_some_and(|cache| cache.enabled == Some(true));
        for draft in drafts {
            let layers = StageLayers {
                caches: on.then(|| cache.member("enabled").place()),
                ttl: cache.member("ttl").tree(),
                selectors: selectors::matching(&selectors, draft, reader.found),
            };
            if layers.caches.is_none() && layers.ttl.is_none() && layers.selectors.is_empty() {
                continue;
            }
            let (tree, owners) = stack::merged(wide, draft, Some(&layers));
            context.owners = owners;
            reader.take_uses();
            let mut policy = policy::read(&tree, draft, context, reader);
            let uses = reader.take_uses();
            if read.cache_size.is_none() {
                // nothing is kept here anyway
                if let Some(base) = policies.get(&draft.id) {
                    policy.cache = base.cache.clone();
                }
            }
            if policies.get(&draft.id) != Some(&policy) {
                named
                    .overrides
                    .insert((name.0.clone(), draft.id.clone()), uses);
                read.overrides.insert(draft.id.clone(), policy);
            }
        }
        let keeps = drafts.iter().any(|draft| {
            let policy = read
                .overrides
                .get(&draft.id)
                .or_else(|| policies.get(&draft.id));
            policy.is_some_and(|policy| policy.cache != Caching::Off)
        });
        if !keeps {
            read.cache_size = None;
        }
        stages.insert(name.0.clone(), read);
    }
    if stages.is_empty() {
        let mut only = stages::only();
        if policies.values().any(|policy| policy.cache != Caching::Off) {
            only.cache_size = Some(stages::CACHE_SIZE);
        }
        stages.insert(stages::ONLY.to_owned(), only);
    }
    stages
}

/// How often an operation is looked at for a stage or for a selector of one.
fn combinations(at: At<'_>, operations: usize) -> usize {
    let stages = at.member("stages").tree().and_then(Tree::members);
    let selectors = stages.into_iter().flatten().map(|(_, stage)| {
        let selectors = stage.get("operations").and_then(Tree::members);
        1 + selectors.map_or(0, |selectors| selectors.len())
    });
    selectors.sum::<usize>().saturating_mul(operations)
}

/// Parts of cache keys that were said for many operations and are a parameter of none.
fn report_idle_keys(context: &policy::Context<'_>, found: &mut Findings) {
    for (place, (text, declared)) in &context.wide_keys {
        if !declared && !text.starts_with("header.") {
            found.error(
                "cache-key-undeclared",
                place.clone(),
                format!(
                    "`{}` is a parameter of no operation that this speaks of",
                    brief(text)
                ),
                "declare it under `parameters`",
            );
        }
    }
}

/// The upstreams that something uses. Servers that nothing uses are left out; a declared upstream is kept and warned of.
fn used_upstreams(
    gateway: &Gateway,
    upstreams: BTreeMap<String, Upstream>,
    declared: &BTreeSet<&String>,
    found: &mut Findings,
) -> BTreeMap<String, Upstream> {
    let base = gateway
        .operations
        .values()
        .map(|operation| &operation.policy);
    let overrides = gateway
        .stages
        .values()
        .flat_map(|stage| stage.overrides.values());
    let used: BTreeSet<&str> = base
        .chain(overrides)
        .filter_map(|policy| policy.integration.upstream())
        .collect();
    let mut kept = BTreeMap::new();
    for (name, upstream) in upstreams {
        if used.contains(name.as_str()) {
            kept.insert(name, upstream);
        } else if declared.contains(&name) {
            // One whose name is misspelt where it is used is not the second fault.
            let misspelt = found.has("unknown-upstream");
            if misspelt {
                continue;
            }
            found.warning(
                "upstream-unused",
                upstream.origin.0.clone(),
                format!("no operation uses the upstream `{}`", brief(&name)),
                "name it in an `integration`, or take it out",
            );
            kept.insert(name, upstream);
        }
    }
    kept
}

/// Reports `x-gateway` where nothing reads it, among the places where people try it.
fn refuse_misplaced(api: &Api<'_>, found: &mut Findings) {
    let root = api.root;
    let mut holders: Vec<Node<'_>> = ["info", "paths", "components"]
        .into_iter()
        .filter_map(|name| root.get(name))
        .collect();
    let lists = ["tags", "servers"]
        .into_iter()
        .filter_map(|name| root.get(name));
    holders.extend(lists.flat_map(|list| list.items()));
    let components = root.get("components").map(|components| components.follow());
    let maps = [
        "parameters",
        "requestBodies",
        "responses",
        "headers",
        "schemas",
        "pathItems",
    ];
    for map in maps.into_iter().filter_map(|name| components?.get(name)) {
        holders.extend(map.entries().map(|(_, node)| node));
    }
    for source in &api.operations {
        holders.extend(source.parameters.iter().map(|parameter| parameter.node));
        for name in ["requestBody", "responses"] {
            let Some(node) = source.node.get(name) else {
                continue;
            };
            holders.push(node);
            if name == "responses" {
                holders.extend(node.entries().map(|(_, response)| response));
            }
        }
    }
    // a path item among the components is read where it is referred to
    let read = |node: &Node<'_>| {
        let mut sources = api.operations.iter();
        sources.any(|source| source.path_item.same(node))
    };
    for holder in holders {
        let Some(node) = holder.get("x-gateway").filter(|_| !read(&holder)) else {
            continue;
        };
        found.error(
            "x-gateway-misplaced",
            node.key_place(),
            "nothing reads `x-gateway` here",
            "it stands at the root, in a path item, in an operation and in a security scheme",
        );
    }
}

/// Notes about the document as a whole.
fn note_what_is_missing(api: &Api<'_>, gateway: &Gateway, found: &mut Findings) {
    let place = api.root.place();
    // Operations that were refused are not missing.
    if gateway.operations.is_empty() && !found.has_errors() {
        found.warning(
            "no-operations",
            place.clone(),
            "the document has no operations, so every request is answered 404",
            "add some under `paths`",
        );
    }
    let server = gateway.upstreams.get(openapi::DEFAULT);
    // an operation whose integration was refused only seems to use it
    if let Some(server) = server.filter(|server| server.targets.is_empty() && !found.has_errors()) {
        found.note(
            "no-server",
            server.origin.0.clone(),
            "the document names no absolute http or https server, so the gateway wants `--upstream URL` when it starts",
            "name one under `servers`, or as an upstream in `x-gateway`",
        );
    }
}

/// Stage variables that were named, by where they count.
type Uses = Vec<VariableUse>;
