//! What components are called in the tree that is made.
//!
//! Components of one name that say the same, whatever they refer to says the same as well, are one; of others the first keeps
//! the name, and those of later documents are called after their file (`billing_Invoice`). What is told by a component's
//! name, discriminators and security requirements, is told the new one. Names follow from the order of the SPECs and from
//! names of files and components, never from the order inside a file.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use crate::digest;
use crate::emit::lock;

use super::link::{Body, Item, OLD_SECTIONS, Skeleton, under};
use super::servers;

/// A component as it is to stand in the tree.
pub(super) struct Component {
    pub(super) section: String,
    pub(super) name: String,
    pub(super) body: Body,
}

/// Where an item is in the tree that is made.
#[derive(Clone, Default)]
struct Location {
    /// The item whose component it is; others lie inside it or are the same.
    component: usize,
    pointer: String,
    name: String,
}

/// Gives every component its name and every reference its text. `stems` are names of the documents' files.
pub(super) fn settle(
    mut items: Vec<Item>,
    skeletons: &mut [Skeleton<'_>],
    stems: &[Vec<String>],
) -> Vec<Component> {
    let old = skeletons.first().is_some_and(|skeleton| skeleton.old);
    let holders = holders(&items);
    let colors = colors(&mut items, &holders);
    let locations = claim(&items, &holders, &colors, stems, old);

    for (document, skeleton) in skeletons.iter_mut().enumerate() {
        rewrite(&mut skeleton.body, &items, &locations);
        let mut renamed: BTreeMap<String, String> = BTreeMap::new();
        for (item, location) in items.iter().zip(&locations) {
            let scheme = item.section == "securitySchemes" && item.document == document;
            if scheme && item.own && item.name != location.name {
                renamed.insert(item.name.clone(), location.name.clone());
            }
        }
        servers::rename_schemes(&mut skeleton.body.value, &renamed);
    }
    let mut components = Vec::new();
    let mut bodies: Vec<Body> = items
        .iter_mut()
        .map(|item| std::mem::take(&mut item.body))
        .collect();
    for (number, body) in bodies.iter_mut().enumerate() {
        let (Some(item), Some(location)) = (items.get(number), locations.get(number)) else {
            continue;
        };
        if location.component != number || item.name.is_empty() {
            continue;
        }
        let mut body = std::mem::take(body);
        rewrite(&mut body, &items, &locations);
        components.push(Component {
            section: item.section.clone(),
            name: location.name.clone(),
            body,
        });
    }
    components
}

/// For each item the one that it lies in, where that is a component too, and the way inside it.
fn holders(items: &[Item]) -> Vec<(usize, String)> {
    let mut known: HashMap<(usize, usize, &str), usize> = HashMap::new();
    for (number, item) in items.iter().enumerate() {
        if !item.name.is_empty() && item.section == "schemas" {
            known.insert((item.document, item.file, item.pointer.as_str()), number);
        }
    }
    let outer = |number: usize, item: &Item| {
        if item.own || item.section != "schemas" || item.name.is_empty() {
            return (number, String::new());
        }
        let mut found = (number, String::new());
        let mut pointer = item.pointer.as_str();
        // The outermost one: it is in none itself.
        while let Some(shorter) = pointer.rfind('/').and_then(|end| pointer.get(..end)) {
            pointer = shorter;
            if let Some(holder) = known.get(&(item.document, item.file, pointer)) {
                let rest = item.pointer.get(pointer.len()..).unwrap_or_default();
                found = (*holder, rest.to_owned());
            }
        }
        found
    };
    let numbered = items.iter().enumerate();
    numbered.map(|(number, item)| outer(number, item)).collect()
}

/// Two items have one color if they say the same and are called the same.
fn colors(items: &mut [Item], holders: &[(usize, String)]) -> Vec<usize> {
    let mut count: HashMap<(&str, &str), usize> = HashMap::new();
    for (item, (holder, _)) in items.iter().zip(holders) {
        if !item.name.is_empty() && holder_is(items, *holder, item) {
            *count.entry((&item.section, &item.name)).or_default() += 1;
        }
    }
    if count.values().all(|count| *count < 2) {
        return (0..items.len()).collect();
    }
    for item in items.iter_mut() {
        for reference in &item.body.refs {
            if let Some(text) = item.body.value.pointer_mut(&reference.at) {
                *text = Value::String(String::new());
            }
        }
    }
    let mut interned: HashMap<(String, String, String), usize> = HashMap::new();
    let mut colors: Vec<usize> = items
        .iter()
        .map(|item| {
            let mut text = String::new();
            digest::canonical(&item.body.value, &mut text);
            let key = (item.section.clone(), item.name.clone(), lock::digest(text));
            let next = interned.len();
            *interned.entry(key).or_insert(next)
        })
        .collect();
    let mut kinds = interned.len();
    loop {
        let mut interned: HashMap<(usize, Vec<(usize, String)>), usize> = HashMap::new();
        let next: Vec<usize> = items
            .iter()
            .zip(&colors)
            .map(|(item, color)| {
                let mut refs: Vec<(&str, usize, String)> = item
                    .body
                    .refs
                    .iter()
                    .filter_map(|reference| {
                        let (holder, way) = holders.get(reference.item)?;
                        let color = colors.get(*holder)?;
                        let way = format!("{way}{}", reference.rest);
                        Some((reference.at.as_str(), *color, way))
                    })
                    .collect();
                refs.sort();
                let refs = refs.into_iter().map(|(_, color, way)| (color, way));
                let number = interned.len();
                *interned.entry((*color, refs.collect())).or_insert(number)
            })
            .collect();
        let now = interned.len();
        colors = next;
        if now <= kinds {
            return colors;
        }
        kinds = now;
    }
}

/// Whether an item is a component itself.
fn holder_is(items: &[Item], holder: usize, item: &Item) -> bool {
    items
        .get(holder)
        .is_some_and(|holder| std::ptr::eq(holder, item))
}

fn claim(
    items: &[Item],
    holders: &[(usize, String)],
    colors: &[usize],
    stems: &[Vec<String>],
    old: bool,
) -> Vec<Location> {
    let stem = |item: &Item| {
        let file = if item.own { 0 } else { item.file };
        let stems = stems.get(item.document);
        stems
            .and_then(|stems| stems.get(file))
            .cloned()
            .unwrap_or_default()
    };
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_cached_key(|number| match items.get(*number) {
        Some(item) if item.own => (0, item.document, String::new(), String::new(), *number),
        Some(item) => (1, item.document, stem(item), item.pointer.clone(), *number),
        None => (2, 0, String::new(), String::new(), 0),
    });
    let mut taken: HashMap<(&str, String), usize> = HashMap::new();
    let mut locations = vec![Location::default(); items.len()];
    for number in order {
        let (Some(item), Some(color)) = (items.get(number), colors.get(number)) else {
            continue;
        };
        let inside = holders
            .get(number)
            .is_some_and(|(holder, _)| *holder != number);
        if item.name.is_empty() || inside {
            continue;
        }
        let mut name = item.name.clone();
        let mut counter = 1;
        let component = loop {
            let key = (item.section.as_str(), name.clone());
            match taken.get(&key) {
                None => {
                    taken.insert(key, number);
                    break number;
                }
                Some(other) if colors.get(*other) == Some(color) => break *other,
                Some(_) => {}
            }
            name = match counter {
                1 => format!("{}_{}", stem(item), item.name),
                counter => format!("{}_{}_{counter}", stem(item), item.name),
            };
            counter += 1;
        };
        if let Some(location) = locations.get_mut(number) {
            *location = Location {
                component,
                pointer: place_of(&item.section, &name, old),
                name,
            };
        }
    }
    for number in 0..items.len() {
        let Some((holder, way)) = holders.get(number).filter(|(holder, _)| *holder != number)
        else {
            continue;
        };
        let outer = locations.get(*holder).cloned().unwrap_or_default();
        if let Some(location) = locations.get_mut(number) {
            *location = Location {
                component: outer.component,
                pointer: format!("{}{way}", outer.pointer),
                name: outer.name,
            };
            if location.component == number {
                location.component = *holder;
            }
        }
    }
    locations
}

/// Pointer of a component.
pub(super) fn place_of(section: &str, name: &str, old: bool) -> String {
    under(&table_of(section, old), name)
}

/// Pointer of a section.
pub(super) fn table_of(section: &str, old: bool) -> String {
    if !old {
        return under("/components", section);
    }
    let known = OLD_SECTIONS.iter().find(|(_, new)| *new == section);
    match known {
        Some((member, _)) => format!("/{member}"),
        None => under("", &format!("x-{section}")),
    }
}

/// Writes the references of a body as they are in the tree that is made.
fn rewrite(body: &mut Body, items: &[Item], locations: &[Location]) {
    for reference in std::mem::take(&mut body.refs) {
        let (Some(item), Some(location)) =
            (items.get(reference.item), locations.get(reference.item))
        else {
            continue;
        };
        let same = item.own && item.name == location.name;
        let pointer = format!("{}{}", location.pointer, reference.rest);
        let text = match body.value.pointer(&reference.at).and_then(Value::as_str) {
            // Colors took the text.
            Some("") | None => fragment(&pointer),
            Some(text) if same && reference.plain => text.to_owned(),
            Some(_) => fragment(&pointer),
        };
        if item.own && item.name != location.name && reference.rest.is_empty() {
            keep_meaning(&mut body.value, &reference.at, &item.name, &text);
        }
        if let Some(place) = body.value.pointer_mut(&reference.at) {
            *place = Value::String(text);
        }
    }
}

/// A union whose discriminator told schemas by their names goes on telling them so.
fn keep_meaning(value: &mut Value, at: &str, name: &str, text: &str) {
    let tokens: Vec<&str> = at.split('/').collect();
    let [holder @ .., union @ ("oneOf" | "anyOf"), _, "$ref"] = tokens.as_slice() else {
        return;
    };
    debug_assert!(!union.is_empty());
    let Some(discriminator) = value
        .pointer_mut(&holder.join("/"))
        .and_then(|holder| holder.get_mut("discriminator"))
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let mapping = discriminator
        .entry("mapping")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(mapping) = mapping.as_object_mut() {
        mapping
            .entry(name)
            .or_insert_with(|| Value::String(text.to_owned()));
    }
}

/// A pointer as a reference inside its own file.
fn fragment(pointer: &str) -> String {
    let mut text = String::with_capacity(pointer.len() + 1);
    text.push('#');
    for c in pointer.chars() {
        if c == '%'
            || c.is_ascii() && !c.is_ascii_graphic()
            || matches!(c, '"' | '<' | '>' | '`' | '{' | '}' | '|' | '^')
        {
            text.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text
}
