//! Who may be answered from the cache, and what may be kept.
//!
//! The rules that keep users apart, and poison out. A request that could be answered differently for a reason that is not in
//! its key goes past the cache; an answer that says it is for one person, or differs by something that is not in the key, is
//! not kept. Each decision has a name ([`Why`], [`Unkept`]), which feeds the log, the counters and the tests alike.

use std::borrow::Cow;
use std::sync::LazyLock;

use aws_lc_rs::digest;

use super::LARGEST_ENTRY;
use super::key::{Key, KeyBuilder};
use crate::def::{
    AccessDef, ApiKind, CacheDef, CacheKey, Invalidation, OnRefusal, OperationDef, ParameterPlace,
};
use crate::exchange::{Exchange, Headers, Names, claims, field};

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $label:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every label, in the order of [`index`](Self::index).
            pub(crate) const LABELS: &'static [&'static str] = &[$($label,)*];

            /// Its place in [`LABELS`](Self::LABELS).
            pub(crate) fn index(self) -> usize {
                self as usize
            }

            /// Its label.
            #[cfg(test)]
            pub(crate) fn label(self) -> &'static str {
                match self { $($name::$variant => $label,)* }
            }
        }
    };
}

reasons! {
    /// Why a request goes past the cache.
    Why {
        /// Neither GET nor HEAD.
        Method = "method",
        /// HEAD, and no answer to GET is kept.
        Head = "head",
        /// A GET with a body, which is in no key.
        Body = "body",
        /// It asks for a part.
        Range = "range",
        /// It depends on the state of what it names (`If-Match`, `If-Unmodified-Since`).
        Condition = "condition",
        /// A query parameter that the document does not declare.
        UndeclaredQuery = "undeclared_query",
        /// `Authorization` or cookies, though no security scheme declares them.
        UndeclaredCredential = "undeclared_credential",
        /// A field by which some back ends let a client change method, path or host, or one that they may take for one of the key.
        Override = "override",
        /// The canary's requests do not use the cache.
        Canary = "canary",
        /// The client asked for a fresh answer, and may.
        Refresh = "refresh",
    }
}

reasons! {
    /// Why an answer is not kept.
    Unkept {
        /// Its status is not among those that are.
        Status = "status",
        /// It sets a cookie.
        SetCookie = "set_cookie",
        /// `Cache-Control: private`.
        Private = "private",
        /// `Cache-Control: no-store`.
        NoStore = "no_store",
        /// `Vary` names something that is not in the key.
        Vary = "vary",
        /// It is a part.
        Partial = "partial",
        /// It has no end.
        Stream = "stream",
        /// It is larger than an entry may be.
        TooLarge = "too_large",
        /// It has trailers.
        Trailers = "trailers",
        /// Too many bodies are held at the moment.
        Crowded = "crowded",
    }
}

/// Fields that ask for a part.
const RANGES: &[&str] = &["range", "if-range"];

/// Fields that make the answer depend on the state of what is asked for.
const STATES: &[&str] = &["if-match", "if-unmodified-since"];

/// Fields that say who asks.
const CREDENTIALS: &[&str] = &["authorization", "cookie"];

/// All fields that can make a request go past the cache. Nearly no request has one.
static DECISIVE: LazyLock<Names> = LazyLock::new(|| {
    let names = [RANGES, STATES, CREDENTIALS, claims::HOW];
    Names::new(names.into_iter().flatten().copied())
});

/// Fields that a call whose answer may be kept must not carry: the answer would be for this client's copy alone.
pub(crate) const CONDITIONS: &[&str] = &["if-none-match", "if-modified-since"];

/// How the answers of one operation on one stage are kept.
#[derive(Debug)]
pub(crate) struct Caching {
    def: CacheDef,
    stage: &'static str,
    operation: &'static str,
    /// Query parameters that do not make a request go past the cache; `None`: any.
    known_queries: Option<Vec<&'static str>>,
    /// Header fields in the key.
    key_headers: Vec<&'static str>,
    /// Credentials that tell callers apart, each once.
    credentials: Vec<(ParameterPlace, &'static str)>,
    /// Header fields that the key, or a call whose answer may be kept, is certain of. What only differs from them by `_` for `-`
    /// is in no key, and some back ends take it for them.
    certain: Names,
}

/// What becomes of a request, as far as the cache is concerned.
#[derive(Debug)]
pub(crate) enum Plan {
    /// It may be answered from the cache.
    Use {
        /// What it is found by.
        key: Key,
        /// Whether a wish for a fresh answer was ignored, and the client is to be told.
        warn: bool,
        /// Whether a miss may be kept: not that of a HEAD.
        fill: bool,
    },
    /// It gets a fresh answer, which replaces what is kept.
    Refresh(Key),
    /// It goes past the cache.
    Bypass(Why),
    /// It wants a fresh answer and may not: 403.
    Refuse,
}

/// What a request says that matters for whether it may use the cache at all.
#[derive(Debug)]
pub(crate) struct Asked<'a, Q> {
    /// Method.
    pub(crate) method: &'a str,
    /// Whether it has a body.
    pub(crate) body: bool,
    /// Header fields.
    pub(crate) headers: &'a Headers,
    /// Names of its query parameters, decoded.
    pub(crate) query_names: Q,
    /// Whether the canary has it, and the canary does not use the cache.
    pub(crate) apart: bool,
}

impl Caching {
    /// The rules of `def` for `operation`. `None`: it keeps nothing.
    pub(crate) fn new(
        def: CacheDef,
        stage: &'static str,
        operation: &'static OperationDef,
        kind: ApiKind,
    ) -> Option<Caching> {
        if def.ttl.is_zero() {
            return None;
        }
        let mut credentials: Vec<_> = match operation.access {
            AccessDef::Public => Vec::new(),
            AccessDef::Delegated(alternatives) => alternatives
                .iter()
                .flat_map(|together| together.iter())
                .map(|credential| (credential.place, credential.name))
                .collect(),
        };
        credentials.sort_unstable();
        credentials.dedup();
        let declared = operation
            .parameters
            .iter()
            .map(|parameter| (parameter.place, parameter.name));
        let queries = declared
            .chain(credentials.iter().copied())
            .filter(|(place, _)| *place == ParameterPlace::Query)
            .map(|(_, name)| name);
        let keyed_queries = def.key.iter().filter_map(|part| match part {
            CacheKey::Query(name) => Some(*name),
            CacheKey::Path(_) | CacheKey::AnyQuery | CacheKey::Header(_) => None,
        });
        let any = kind != ApiKind::Plain || def.key.contains(&CacheKey::AnyQuery);
        let key_headers: Vec<_> = def
            .key
            .iter()
            .filter_map(|part| match part {
                CacheKey::Header(name) => Some(*name),
                CacheKey::Path(_) | CacheKey::Query(_) | CacheKey::AnyQuery => None,
            })
            .collect();
        let callers = credentials
            .iter()
            .filter(|(place, _)| *place == ParameterPlace::Header)
            .map(|(_, name)| *name);
        let certain = key_headers.iter().copied().chain(callers);
        let certain = certain.chain(["accept-encoding"]);
        Some(Caching {
            certain: Names::new(certain.chain(CONDITIONS.iter().copied())),
            def,
            stage,
            operation: operation.id,
            known_queries: (!any).then(|| queries.chain(keyed_queries).collect()),
            key_headers,
            credentials,
        })
    }

    /// How long an answer is used.
    pub(crate) fn ttl(&self) -> std::time::Duration {
        self.def.ttl
    }

    /// What becomes of a request. `apart`: the canary has it, and the canary does not use the cache.
    pub(crate) fn plan(&self, x: &Exchange, apart: bool) -> Plan {
        let asked = Asked {
            method: x.method(),
            body: !x.body_is_empty(),
            headers: x.headers(),
            query_names: x.query_names(),
            apart,
        };
        if let Some(why) = self.bypass(asked) {
            return Plan::Bypass(why);
        }
        let head = x.method() == "HEAD";
        if !asks_for_fresh(x.headers()) {
            return Plan::Use {
                key: self.key(x),
                warn: false,
                fill: !head,
            };
        }
        match self.def.invalidation {
            Invalidation::Anyone if head => Plan::Bypass(Why::Refresh),
            Invalidation::Anyone => Plan::Refresh(self.key(x)),
            Invalidation::Nobody(OnRefusal::Fail) => Plan::Refuse,
            Invalidation::Nobody(on_refusal) => Plan::Use {
                key: self.key(x),
                warn: on_refusal == OnRefusal::Warn,
                fill: !head,
            },
        }
    }

    /// Why a request goes past the cache, if it does.
    pub(crate) fn bypass<'q>(
        &self,
        asked: Asked<'_, impl Iterator<Item = Cow<'q, str>>>,
    ) -> Option<Why> {
        let Asked {
            method,
            body,
            headers,
            query_names,
            apart,
        } = asked;
        let listed = |name: &str| self.key_headers.contains(&name);
        let declares = |place, name: Option<&str>| {
            self.credentials
                .iter()
                .any(|(at, of)| *at == place && name.is_none_or(|name| name == *of))
        };
        if !matches!(method, "GET" | "HEAD") {
            return Some(Why::Method);
        }
        if body {
            return Some(Why::Body);
        }
        if apart {
            return Some(Why::Canary);
        }
        if headers.imitate(&self.certain) {
            return Some(Why::Override);
        }
        if !headers.may_have(&DECISIVE) {
            return self.undeclared(query_names);
        }
        let has = |names: &[&str]| names.iter().any(|name| headers.has_alike(name));
        if has(RANGES) {
            return Some(Why::Range);
        }
        if has(STATES) {
            return Some(Why::Condition);
        }
        let keyed = |name: &str| match name {
            // One declared cookie puts the whole field into the key, so that no other cookie can make a difference.
            "cookie" => declares(ParameterPlace::Cookie, None),
            name => declares(ParameterPlace::Header, Some(name)),
        };
        let has_unlisted = |name: &&str| headers.has_alike(name) && !listed(name);
        if CREDENTIALS
            .iter()
            .any(|name| has_unlisted(name) && !keyed(name))
        {
            return Some(Why::UndeclaredCredential);
        }
        if claims::HOW.iter().any(has_unlisted) {
            return Some(Why::Override);
        }
        self.undeclared(query_names)
    }

    fn undeclared<'q>(&self, mut query_names: impl Iterator<Item = Cow<'q, str>>) -> Option<Why> {
        let known = self.known_queries.as_ref()?;
        query_names
            .any(|name| !known.contains(&name.as_ref()))
            .then_some(Why::UndeclaredQuery)
    }

    /// Whether an answer with this head may be kept, and if not, why. `length`: of its body, if known.
    pub(crate) fn may_keep(
        &self,
        status: u16,
        headers: &Headers,
        length: Option<u64>,
    ) -> Result<(), Unkept> {
        self.may_use(status, headers)?;
        // 304 says that there is nothing to keep, 1xx is no answer: no list of statuses changes that.
        if status < 200 || status == 304 || !self.def.statuses.contains(&status) {
            return Err(Unkept::Status);
        }
        let stream = headers
            .get(field::CONTENT_TYPE)
            .is_some_and(|media| starts_with(media, b"text/event-stream"));
        if stream {
            return Err(Unkept::Stream);
        }
        if length.is_some_and(|length| length > LARGEST_ENTRY as u64) {
            return Err(Unkept::TooLarge);
        }
        Ok(())
    }

    /// Whether what is made of a back end's answer with this head may be kept. Asked before the answer is mapped, since a
    /// mapping drops the very fields that forbid it.
    pub(crate) fn may_use(&self, status: u16, headers: &Headers) -> Result<(), Unkept> {
        if status == 206 || headers.contains("content-range") {
            return Err(Unkept::Partial);
        }
        if headers.contains(field::SET_COOKIE) {
            return Err(Unkept::SetCookie);
        }
        let insists = self.def.override_upstream;
        for (name, _) in directives(headers).filter(|_| !insists) {
            if name.eq_ignore_ascii_case(b"no-store") {
                return Err(Unkept::NoStore);
            }
            // `private="field"` is for this field alone; it is taken for the whole, which is always allowed.
            if name.eq_ignore_ascii_case(b"private") {
                return Err(Unkept::Private);
            }
        }
        match list(headers.all(field::VARY)).all(|name| self.is_keyed(name, insists)) {
            true => Ok(()),
            false => Err(Unkept::Vary),
        }
    }

    /// Whether what a member of `Vary` names is in the key.
    fn is_keyed(&self, name: &[u8], insists: bool) -> bool {
        if name == b"*" {
            return insists;
        }
        // Every key has what the client can decode.
        name.eq_ignore_ascii_case(b"accept-encoding")
            || self
                .key_headers
                .iter()
                .any(|listed| name.eq_ignore_ascii_case(listed.as_bytes()))
            || (!self.def.shared && self.tells_apart(name))
    }

    /// Whether the caller's part of the key has this field.
    fn tells_apart(&self, name: &[u8]) -> bool {
        self.credentials.iter().any(|(place, of)| match place {
            ParameterPlace::Header => name.eq_ignore_ascii_case(of.as_bytes()),
            ParameterPlace::Cookie => name.eq_ignore_ascii_case(b"cookie"),
            ParameterPlace::Query | ParameterPlace::Path => false,
        })
    }

    /// What the answer is found by.
    fn key(&self, x: &Exchange) -> Key {
        let mut key = KeyBuilder::new();
        key.part(self.stage);
        key.part(self.operation);
        // What is told to every back end about how it was asked, and so can stand in an answer: scheme and authority.
        key.part([u8::from(x.secure()), u8::from(x.is_from_proxy())]);
        let (host, port) = x.host_and_port();
        key.part(host);
        key.part(port);
        if x.is_from_proxy() {
            key.list(x.header_values("x-forwarded-host"));
        }
        // `/a`, `/a/` and `//a` lead to one operation in some kinds of API, and a back end may tell them apart.
        key.part([u8::from(x.path().ends_with('/'))]);
        let slashes = x.local_path().bytes().take_while(|byte| *byte == b'/');
        key.part(slashes.count().to_le_bytes());
        encodings(&mut key, x.headers());
        for part in self.def.key {
            match part {
                CacheKey::Path(name) => key.optional(x.param(name)),
                CacheKey::Query(name) => {
                    key.list(x.query_bytes(name));
                }
                CacheKey::AnyQuery => key.optional(x.query()),
                CacheKey::Header(name) => key.list(x.header_values(name)),
            }
        }
        if !self.def.shared && !self.credentials.is_empty() {
            key.part(self.caller(x));
        }
        key.finish()
    }

    /// A digest of everything by which the caller could be known. Credentials themselves are not kept in memory.
    fn caller(&self, x: &Exchange) -> [u8; digest::SHA256_OUTPUT_LEN] {
        let mut of = digest::Context::new(&digest::SHA256);
        let mut value = |value: &[u8]| {
            of.update(&[1]);
            of.update(&(value.len() as u64).to_le_bytes());
            of.update(value);
        };
        let mut ends = Vec::new();
        for (place, name) in &self.credentials {
            let mut count: u64 = 0;
            match place {
                ParameterPlace::Header => {
                    x.header_values(name).for_each(|v| {
                        count += 1;
                        value(v);
                    });
                }
                ParameterPlace::Cookie => {
                    x.header_values("cookie").for_each(|v| {
                        count += 1;
                        value(v);
                    });
                }
                ParameterPlace::Query => x.query_bytes(name).for_each(|v| {
                    count += 1;
                    value(&v);
                }),
                ParameterPlace::Path => x.param(name).into_iter().for_each(|v| {
                    count += 1;
                    value(v.as_bytes());
                }),
            }
            ends.push(count);
        }
        // How many values each had closes the lists, so that none can be taken for part of the next.
        for count in ends {
            value(&count.to_le_bytes());
        }
        let mut digest = [0; digest::SHA256_OUTPUT_LEN];
        digest.copy_from_slice(of.finish().as_ref());
        digest
    }
}

/// Puts what the client can decode into the key: as a set where it is made of well-known codings, else as it was sent.
fn encodings(key: &mut KeyBuilder, headers: &Headers) {
    match known_encodings(headers) {
        Some(set) => key.part([set]),
        None => {
            key.part([u8::MAX]);
            key.list(headers.all("accept-encoding"));
        }
    }
}

/// The codings that `Accept-Encoding` accepts, one bit each; `None` where it has others, or says more than which.
fn known_encodings(headers: &Headers) -> Option<u8> {
    let mut set = 0;
    for item in list(headers.all("accept-encoding")) {
        let mut parts = item.split(|b| *b == b';').map(<[u8]>::trim_ascii);
        let coding = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = match parts.next() {
            None => false,
            // How much a coding is preferred makes no difference: each that is accepted will do.
            Some(weight) => {
                let weight = weight.strip_prefix(b"q=")?;
                let digits = |b: &u8| b.is_ascii_digit() || *b == b'.';
                weight.iter().all(digits).then_some(())?;
                weight.iter().all(|b| matches!(b, b'0' | b'.'))
            }
        };
        set |= match (coding.as_slice(), refused) {
            (b"gzip", false) => 1,
            (b"deflate", false) => 2,
            (b"br", false) => 4,
            (b"zstd", false) => 8,
            (b"identity", false) | (b"gzip" | b"deflate" | b"br" | b"zstd", true) => 0,
            _ => return None,
        };
    }
    Some(set)
}

/// Whether `Cache-Control` has `max-age=0`.
fn asks_for_fresh(headers: &Headers) -> bool {
    directives(headers).any(|(name, value)| {
        name.eq_ignore_ascii_case(b"max-age")
            && value.is_some_and(|value| !value.is_empty() && value.iter().all(|b| *b == b'0'))
    })
}

/// The directives of `Cache-Control`, with their values.
fn directives(headers: &Headers) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    list(headers.all(field::CACHE_CONTROL)).map(|directive| {
        match directive.iter().position(|b| *b == b'=') {
            None => (directive, None),
            Some(at) => {
                let (name, value) = directive.split_at(at);
                (name.trim_ascii(), Some(value[1..].trim_ascii()))
            }
        }
    })
}

/// The members of a comma-separated list over all lines of a field. A comma inside a quoted string separates too, which can
/// only find more directives than there are, never fewer.
fn list<'a>(lines: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    lines
        .flat_map(|line| line.split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

fn starts_with(value: &[u8], prefix: &[u8]) -> bool {
    value
        .get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
