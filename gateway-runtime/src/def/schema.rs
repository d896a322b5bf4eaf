//! Schemas as lists of rules: what a value must be, one rule for each keyword that says something.
//!
//! A schema that stands inside another is written inside it; one that is referred to by name stands in the gateway's table
//! ([`SchemaDef`]) and is reached by its number, since schemas may contain themselves. A list without rules accepts
//! everything. Dialects are gone: what draft 4, OpenAPI 3.0 and 2020-12 say differently has become the same rule.
//! Numbers are JSON texts, so that none is rounded; patterns are written as in the document (ECMA 262) and were translated
//! once by the generator, so translating them again when a gateway starts cannot fail.

/// A schema that others refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaDef {
    /// Where it stands, as in a finding's place: `#/components/schemas/Book`. Errors name it.
    pub place: &'static str,
    /// What it demands.
    pub rules: Rules,
    /// Names that [`Rule::DynamicRef`] may find here, and what each stands for: the `$dynamicAnchor`s of the schema resource
    /// that this schema belongs to. Almost always empty.
    pub anchors: &'static [(&'static str, SchemaId)],
}

/// A list of rules; a value has to keep every one of them.
pub type Rules = &'static [Rule];

/// Row of the gateway's table of schemas.
pub type SchemaId = u32;

/// One thing that a schema demands. Rules about strings say nothing of numbers, and so on: only [`Rule::Types`] refuses a
/// value for what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nothing is accepted (the schema `false`).
    Never,
    /// The value is of one of these types.
    Types(Types),
    /// `null` is accepted, whatever else this list says.
    OrNull,
    /// The value equals one of these JSON texts (`enum`; `const` has one).
    Enum(&'static [&'static str]),

    /// A number is not below this one.
    Minimum(&'static str),
    /// A number is not above this one.
    Maximum(&'static str),
    /// A number is above this one.
    ExclusiveMinimum(&'static str),
    /// A number is below this one.
    ExclusiveMaximum(&'static str),
    /// A number is an integral multiple of this one, which is above 0.
    MultipleOf(&'static str),

    /// A string has at least this many characters (code points).
    MinLength(u64),
    /// A string has at most this many characters (code points).
    MaxLength(u64),
    /// This ECMA 262 pattern matches somewhere in a string.
    Pattern(&'static str),
    /// A string (or, by its name, a number) has this format.
    Format(Format),

    /// An array has at least this many elements.
    MinItems(u64),
    /// An array has at most this many elements.
    MaxItems(u64),
    /// No two elements of an array are equal.
    UniqueItems,
    /// The first elements of an array, one schema each.
    PrefixItems(&'static [Rules]),
    /// Every element behind those of [`Rule::PrefixItems`].
    Items(Rules),
    /// At least `min` and at most `max` elements keep these rules.
    Contains {
        /// What those elements are.
        rules: Rules,
        /// Fewest of them.
        min: u64,
        /// Most of them.
        max: Option<u64>,
    },
    /// Every element that no other rule of this schema, or of one applied in its place, has looked at.
    UnevaluatedItems(Rules),

    /// An object has at least this many members.
    MinProperties(u64),
    /// An object has at most this many members.
    MaxProperties(u64),
    /// An object has all these members.
    Required {
        /// The messages this is demanded in: a `readOnly` member is demanded in responses alone.
        within: Messages,
        /// Names of the members.
        names: &'static [&'static str],
    },
    /// The member of this name.
    Property(&'static str, Rules),
    /// Every member whose name matches this ECMA 262 pattern.
    PatternProperty(&'static str, Rules),
    /// Every member that neither [`Rule::Property`] nor [`Rule::PatternProperty`] of this schema names.
    AdditionalProperties(Rules),
    /// The name of every member, as a string.
    PropertyNames(Rules),
    /// An object with the first member has all the others.
    DependentRequired(&'static str, &'static [&'static str]),
    /// An object with this member keeps these rules.
    DependentSchema(&'static str, Rules),
    /// Every member that no other rule of this schema, or of one applied in its place, has looked at.
    UnevaluatedProperties(Rules),

    /// All of these.
    AllOf(&'static [Rules]),
    /// At least one of these.
    AnyOf(&'static [Rules]),
    /// Exactly one of these.
    OneOf(&'static [Rules]),
    /// Not these.
    Not(Rules),
    /// What keeps `when` keeps `then`, what does not keeps `otherwise`.
    If {
        /// The question.
        when: Rules,
        /// Demanded where it holds.
        then: Rules,
        /// Demanded where it does not.
        otherwise: Rules,
    },
    /// An object's member of this name, a string, says which schema applies; a value that is not listed is refused.
    Discriminator {
        /// The member.
        property: &'static str,
        /// Value of the member → schema, sorted by value.
        mapping: &'static [(&'static str, SchemaId)],
    },
    /// What another schema demands.
    Ref(SchemaId),
    /// What the outermost schema resource on the way here calls by this `$dynamicAnchor`; else the schema named.
    DynamicRef(&'static str, SchemaId),
}

/// Messages that a rule speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Messages {
    /// Requests and responses.
    Both,
    /// Requests alone.
    Requests,
    /// Responses alone.
    Responses,
}

/// A set of JSON types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Types(u8);

impl Types {
    /// `null`.
    pub const NULL: Types = Types(1);
    /// `true` and `false`.
    pub const BOOLEAN: Types = Types(1 << 1);
    /// Numbers without a fraction, however they are written: `1`, `1.0`, `1e3`.
    pub const INTEGER: Types = Types(1 << 2);
    /// Numbers with a fraction; a part of [`Types::NUMBER`] that no schema can name alone.
    pub(crate) const FRACTION: Types = Types(1 << 3);
    /// Numbers.
    pub const NUMBER: Types = Types(1 << 2 | 1 << 3);
    /// Strings.
    pub const STRING: Types = Types(1 << 4);
    /// Arrays.
    pub const ARRAY: Types = Types(1 << 5);
    /// Objects.
    pub const OBJECT: Types = Types(1 << 6);
    /// Every type.
    pub const ALL: Types = Types((1 << 7) - 1);
    /// No type.
    pub const NONE: Types = Types(0);

    /// The types of both sets.
    #[must_use]
    pub const fn or(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }

    /// The types that are in both sets.
    #[must_use]
    pub const fn and(self, other: Types) -> Types {
        Types(self.0 & other.0)
    }

    /// Whether all of these types are in the set.
    pub const fn has(self, types: Types) -> bool {
        self.0 & types.0 == types.0
    }

    /// Whether no type is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

macro_rules! formats {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal,)*) => {
        /// Formats that are asserted; any other word is an annotation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Format { $($(#[doc = $doc])+ $name,)* }

        impl Format {
            /// Every format.
            pub const ALL: &[Format] = &[$(Format::$name),*];

            /// The word of the documents.
            pub const fn word(self) -> &'static str {
                match self { $(Format::$name => $word,)* }
            }

            /// The format of a word.
            pub fn of(word: &str) -> Option<Format> {
                match word { $($word => Some(Format::$name),)* _ => None }
            }
        }
    };
}

formats! {
    /// RFC 3339 §5.6 `date-time`.
    DateTime = "date-time",
    /// RFC 3339 §5.6 `full-date`.
    Date = "date",
    /// RFC 3339 §5.6 `full-time`.
    Time = "time",
    /// RFC 3339 appendix A.
    Duration = "duration",
    /// RFC 5321 §4.1.2 `Mailbox`.
    Email = "email",
    /// RFC 6531.
    IdnEmail = "idn-email",
    /// RFC 1123 §2.1.
    Hostname = "hostname",
    /// RFC 5890 §2.3.2.3.
    IdnHostname = "idn-hostname",
    /// RFC 2673 §3.2.
    Ipv4 = "ipv4",
    /// RFC 4291 §2.2.
    Ipv6 = "ipv6",
    /// RFC 3986, absolute.
    Uri = "uri",
    /// RFC 3986.
    UriReference = "uri-reference",
    /// RFC 3987, absolute.
    Iri = "iri",
    /// RFC 3987.
    IriReference = "iri-reference",
    /// RFC 6570.
    UriTemplate = "uri-template",
    /// RFC 4122.
    Uuid = "uuid",
    /// RFC 6901.
    JsonPointer = "json-pointer",
    /// Relative JSON Pointer.
    RelativeJsonPointer = "relative-json-pointer",
    /// ECMA 262, a pattern that can be compiled.
    Regex = "regex",
    /// An integer of 32 bits with sign.
    Int32 = "int32",
    /// An integer of 64 bits with sign.
    Int64 = "int64",
    /// Base64 (RFC 4648 §4), padded.
    Byte = "byte",
}

/// `string()` in emitted rules.
pub const fn string() -> Rule {
    Rule::Types(Types::STRING)
}
/// `number()` in emitted rules.
pub const fn number() -> Rule {
    Rule::Types(Types::NUMBER)
}
/// `integer()` in emitted rules.
pub const fn integer() -> Rule {
    Rule::Types(Types::INTEGER)
}
/// `boolean()` in emitted rules.
pub const fn boolean() -> Rule {
    Rule::Types(Types::BOOLEAN)
}
/// `array()` in emitted rules.
pub const fn array() -> Rule {
    Rule::Types(Types::ARRAY)
}
/// `object()` in emitted rules.
pub const fn object() -> Rule {
    Rule::Types(Types::OBJECT)
}
/// `null()` in emitted rules.
pub const fn null() -> Rule {
    Rule::Types(Types::NULL)
}
/// `types(Types::STRING.or(Types::NULL))` in emitted rules.
pub const fn types(types: Types) -> Rule {
    Rule::Types(types)
}
/// `never()` in emitted rules.
pub const fn never() -> Rule {
    Rule::Never
}
/// `or_null()` in emitted rules.
pub const fn or_null() -> Rule {
    Rule::OrNull
}
/// `constant(&"1")` in emitted rules.
pub const fn constant(value: &'static &'static str) -> Rule {
    Rule::Enum(std::slice::from_ref(value))
}
/// `one_value(&["1", "2"])` in emitted rules.
pub const fn one_value(values: &'static [&'static str]) -> Rule {
    Rule::Enum(values)
}
/// `minimum("1")` in emitted rules.
pub const fn minimum(text: &'static str) -> Rule {
    Rule::Minimum(text)
}
/// `maximum("1")` in emitted rules.
pub const fn maximum(text: &'static str) -> Rule {
    Rule::Maximum(text)
}
/// `above("0")` in emitted rules.
pub const fn above(text: &'static str) -> Rule {
    Rule::ExclusiveMinimum(text)
}
/// `below("1")` in emitted rules.
pub const fn below(text: &'static str) -> Rule {
    Rule::ExclusiveMaximum(text)
}
/// `multiple_of("0.5")` in emitted rules.
pub const fn multiple_of(text: &'static str) -> Rule {
    Rule::MultipleOf(text)
}
/// `pattern("^[a-z]+$")` in emitted rules.
pub const fn pattern(text: &'static str) -> Rule {
    Rule::Pattern(text)
}
/// `min_length(1)` in emitted rules.
pub const fn min_length(n: u64) -> Rule {
    Rule::MinLength(n)
}
/// `max_length(1)` in emitted rules.
pub const fn max_length(n: u64) -> Rule {
    Rule::MaxLength(n)
}
/// `min_items(1)` in emitted rules.
pub const fn min_items(n: u64) -> Rule {
    Rule::MinItems(n)
}
/// `max_items(1)` in emitted rules.
pub const fn max_items(n: u64) -> Rule {
    Rule::MaxItems(n)
}
/// `min_properties(1)` in emitted rules.
pub const fn min_properties(n: u64) -> Rule {
    Rule::MinProperties(n)
}
/// `max_properties(1)` in emitted rules.
pub const fn max_properties(n: u64) -> Rule {
    Rule::MaxProperties(n)
}
/// `format(Format::DateTime)` in emitted rules.
pub const fn format(format: Format) -> Rule {
    Rule::Format(format)
}
/// `unique_items()` in emitted rules.
pub const fn unique_items() -> Rule {
    Rule::UniqueItems
}
/// `items(&[string()])` in emitted rules.
pub const fn items(rules: Rules) -> Rule {
    Rule::Items(rules)
}
/// `unevaluated_items(&[string()])` in emitted rules.
pub const fn unevaluated_items(rules: Rules) -> Rule {
    Rule::UnevaluatedItems(rules)
}
/// `additional_properties(&[string()])` in emitted rules.
pub const fn additional_properties(rules: Rules) -> Rule {
    Rule::AdditionalProperties(rules)
}
/// `property_names(&[string()])` in emitted rules.
pub const fn property_names(rules: Rules) -> Rule {
    Rule::PropertyNames(rules)
}
/// `unevaluated_properties(&[string()])` in emitted rules.
pub const fn unevaluated_properties(rules: Rules) -> Rule {
    Rule::UnevaluatedProperties(rules)
}
/// `not(&[string()])` in emitted rules.
pub const fn not(rules: Rules) -> Rule {
    Rule::Not(rules)
}
/// `no_additional_properties()` in emitted rules.
pub const fn no_additional_properties() -> Rule {
    Rule::AdditionalProperties(&[Rule::Never])
}
/// `prefix_items(&[&[string()], &[null()]])` in emitted rules.
pub const fn prefix_items(lists: &'static [Rules]) -> Rule {
    Rule::PrefixItems(lists)
}
/// `all_of(&[&[string()], &[null()]])` in emitted rules.
pub const fn all_of(lists: &'static [Rules]) -> Rule {
    Rule::AllOf(lists)
}
/// `any_of(&[&[string()], &[null()]])` in emitted rules.
pub const fn any_of(lists: &'static [Rules]) -> Rule {
    Rule::AnyOf(lists)
}
/// `one_of(&[&[string()], &[null()]])` in emitted rules.
pub const fn one_of(lists: &'static [Rules]) -> Rule {
    Rule::OneOf(lists)
}
/// `contains(1, None, &[string()])` in emitted rules.
pub const fn contains(min: u64, max: Option<u64>, rules: Rules) -> Rule {
    Rule::Contains { rules, min, max }
}
/// `required(&["title"])` in emitted rules.
pub const fn required(names: &'static [&'static str]) -> Rule {
    Rule::Required {
        within: Messages::Both,
        names,
    }
}
/// `required_in_requests(&["title"])` in emitted rules.
pub const fn required_in_requests(names: &'static [&'static str]) -> Rule {
    Rule::Required {
        within: Messages::Requests,
        names,
    }
}
/// `required_in_responses(&["title"])` in emitted rules.
pub const fn required_in_responses(names: &'static [&'static str]) -> Rule {
    Rule::Required {
        within: Messages::Responses,
        names,
    }
}
/// `property("title", &[string()])` in emitted rules.
pub const fn property(name: &'static str, rules: Rules) -> Rule {
    Rule::Property(name, rules)
}
/// `pattern_property("^x-", &[string()])` in emitted rules.
pub const fn pattern_property(name: &'static str, rules: Rules) -> Rule {
    Rule::PatternProperty(name, rules)
}
/// `dependent_schema("card", &[required(&["address"])])` in emitted rules.
pub const fn dependent_schema(name: &'static str, rules: Rules) -> Rule {
    Rule::DependentSchema(name, rules)
}
/// `dependent_required("card", &["address"])` in emitted rules.
pub const fn dependent_required(name: &'static str, names: &'static [&'static str]) -> Rule {
    Rule::DependentRequired(name, names)
}
/// `when(&[string()], &[min_length(1)], &[])` in emitted rules.
pub const fn when(when: Rules, then: Rules, otherwise: Rules) -> Rule {
    Rule::If {
        when,
        then,
        otherwise,
    }
}
/// `discriminator("kind", &[("cat", Schema::Cat as u32)])` in emitted rules.
pub const fn discriminator(
    property: &'static str,
    mapping: &'static [(&'static str, SchemaId)],
) -> Rule {
    Rule::Discriminator { property, mapping }
}
/// `reference(Schema::Book as u32)` in emitted rules.
pub const fn reference(schema: SchemaId) -> Rule {
    Rule::Ref(schema)
}
/// `dynamic_reference("node", Schema::Tree as u32)` in emitted rules.
pub const fn dynamic_reference(anchor: &'static str, schema: SchemaId) -> Rule {
    Rule::DynamicRef(anchor, schema)
}
/// `schema("#/components/schemas/Book", &[object()])` in emitted tables.
pub const fn schema(place: &'static str, rules: Rules) -> SchemaDef {
    SchemaDef {
        place,
        rules,
        anchors: &[],
    }
}
/// `anchored("#/components/schemas/Tree", &[object()], &[("node", Schema::Tree as u32)])` in emitted tables.
pub const fn anchored(
    place: &'static str,
    rules: Rules,
    anchors: &'static [(&'static str, SchemaId)],
) -> SchemaDef {
    SchemaDef {
        place,
        rules,
        anchors,
    }
}
