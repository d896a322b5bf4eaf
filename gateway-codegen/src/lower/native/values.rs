//! The small types of the language: durations, sizes, names of fields, and the two unions (`false` or a value, one or a list).

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Longest duration the language knows: a year.
const YEAR: u64 = 31_536_000;

/// A duration: `250ms`, `29s`, `5m`, `1h`, or a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Duration);

impl Time {
    /// The duration a text says, if it says one.
    pub fn parse(text: &str) -> Option<Time> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits)?;
        let number: u64 = number.parse().ok()?;
        let duration = match unit {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            _ => return None,
        };
        (duration <= Duration::from_secs(YEAR)).then_some(Time(duration))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Number(seconds) => Duration::try_from_secs_f64(seconds)
                .map(Time)
                .map_err(D::Error::custom),
            Scalar::Text(text) => {
                Time::parse(&text).ok_or_else(|| D::Error::custom("not a duration"))
            }
        }
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration: `250ms`, `29s`, `5m`, `1h`, or a number of seconds; at most a year.",
            "anyOf": [
                { "type": "string", "pattern": "^([0-9]{1,10}ms|[0-9]{1,8}s|[0-9]{1,6}m|[0-9]{1,4}h)$" },
                { "type": "number", "minimum": 0, "maximum": YEAR },
            ],
        })
    }
}

/// A size: `512KiB`, `10MiB`, `1GiB`, or a number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Size {
    /// The size a text says, if it says one.
    pub fn parse(text: &str) -> Option<Size> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits)?;
        let number: u64 = number.parse().ok()?;
        let unit: u64 = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(unit).map(Size)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Bytes(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Bytes(bytes) => Ok(Size(bytes)),
            Written::Text(text) => Size::parse(&text).ok_or_else(|| D::Error::custom("not a size")),
        }
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A size: `512KiB`, `10MiB`, `1GiB`, or a number of bytes.",
            "anyOf": [
                { "type": "string", "pattern": "^[0-9]{1,9}(B|KiB|MiB|GiB)$" },
                { "type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_991_u64 },
            ],
        })
    }
}

/// How long a browser keeps the answer to a preflight: a duration, or -1 for "not at all".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxAge(pub i32);

impl<'de> Deserialize<'de> for MaxAge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MaxAge, D::Error> {
        let seconds = match Scalar::deserialize(deserializer)? {
            Scalar::Number(seconds) => seconds,
            Scalar::Text(text) => Time::parse(&text)
                .ok_or_else(|| D::Error::custom("not a duration"))?
                .0
                .as_secs_f64(),
        };
        if (-1.0..=f64::from(MaxAge::CEILING)).contains(&seconds) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the range was looked at; parts of a second have no meaning here"
            )]
            let seconds = seconds as i32;
            Ok(MaxAge(seconds))
        } else {
            // said properly, at its place, where the member is read
            Ok(MaxAge(i32::MAX))
        }
    }
}

impl MaxAge {
    /// The field's ceiling: a day, seconds.
    pub const CEILING: i32 = 86_400;
}

impl JsonSchema for MaxAge {
    fn schema_name() -> Cow<'static, str> {
        "MaxAge".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How long a browser keeps the answer to a preflight: a duration of at most a day, or -1 for not at all.",
            "anyOf": [
                { "type": "string", "pattern": "^([0-9]{1,10}ms|[0-9]{1,8}s|[0-9]{1,6}m|[0-9]{1,4}h)$" },
                { "type": "integer", "minimum": -1, "maximum": MaxAge::CEILING },
            ],
        })
    }
}

/// A number or a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(f64),
    Text(String),
}

/// `false`, which removes what a wider layer said, or a value.
#[derive(Debug, Clone, PartialEq)]
pub enum OrOff<T> {
    /// Removed.
    Off,
    /// Said.
    On(T),
}

impl<T> OrOff<T> {
    /// The value, if there is one.
    pub fn on(&self) -> Option<&T> {
        match self {
            OrOff::Off => None,
            OrOff::On(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OrOff<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OrOff<T>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written<T> {
            Flag(bool),
            Value(T),
        }
        match Written::deserialize(deserializer)? {
            Written::Flag(false) => Ok(OrOff::Off),
            Written::Flag(true) => Err(D::Error::custom("`true` says nothing here")),
            Written::Value(value) => Ok(OrOff::On(value)),
        }
    }
}

impl<T: JsonSchema> JsonSchema for OrOff<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}OrFalse", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [value, { "const": false, "description": "Removes it." }] })
    }
}

/// One, or a list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// One.
    One(T),
    /// Any number.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        match self {
            OneOrMany::One(one) => std::slice::from_ref(one).iter(),
            OneOrMany::Many(many) => many.iter(),
        }
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [item, { "type": "array", "items": item }] })
    }
}

/// A text type of the language: its name, its pattern, what it is.
macro_rules! text_types {
    ($($(#[$doc:meta])* $name:ident($pattern:expr, $description:literal);)*) => {
        /// Pattern and description of each, for names of members, which a schema knows by their pattern alone.
        pub(crate) static FORMS: &[(&str, &str)] = &[$(($pattern, $description)),*];
    $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": $description, "type": "string", "pattern": $pattern })
            }
        }
    )*};
}

text_types! {
    /// A name of the crate and the binary.
    CrateName("^[a-z][a-z0-9_-]{0,63}$", "A name of lower-case letters, digits, `-` and `_` that begins with a letter; at most 64 characters.");
    /// A name of a stage.
    StageName("^[A-Za-z0-9_-]{1,128}$", "A stage's name: letters, digits, `-` and `_`; at most 128 characters.");
    /// A name of an upstream.
    UpstreamName("^[A-Za-z0-9_.-]{1,64}$", "An upstream's name: letters, digits, `-`, `_` and `.`; at most 64 characters.");
    /// A name of a stage variable.
    VariableName("^[A-Za-z0-9_]{1,64}$", "A stage variable's name: letters, digits and `_`; at most 64 characters.");
    /// A name of a deployment parameter.
    ParameterName("^[A-Za-z0-9_.:/-]{1,255}$", "A parameter's name: letters, digits and `_.:/-`; at most 255 characters.");
    /// A field a request mapping writes.
    RequestField("^(header\\.[!#$%&'*+.^_`|~0-9A-Za-z-]+|query\\..+)$", "A field: `header.NAME` or `query.NAME`.");
    /// A field an answer's mapping writes.
    ResponseField("^header\\.[!#$%&'*+.^_`|~0-9A-Za-z-]+$", "A field of the answer: `header.NAME`.");
    /// What an integration's mapping writes.
    IntegrationField("^(path\\.[^/{}]+|header\\.[!#$%&'*+.^_`|~0-9A-Za-z-]+|query\\..+)$", "`path.NAME` (fills `{NAME}` of the address), `header.NAME` or `query.NAME`.");
    /// A header's name.
    HeaderName("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", "A header's name: letters, digits, `-` and `_`; no spaces, and no colon.");
    /// A part of a cache key.
    KeyPart("^(path\\.[^*/{}]+|query\\..+|header\\.[!#$%&'*+.^_`|~0-9A-Za-z-]+)$", "A part of the cache key: `path.NAME`, `query.NAME`, `query.*` for the whole query string, or `header.NAME`.");
    /// Whose bucket a throttle is.
    Per("^(ip|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+|query:.+|path:.+)$", "Whose bucket it is: `ip`, `header:NAME`, `query:NAME` or `path:NAME`.");
    /// A share of requests.
    Share("^(100|[0-9]{1,2}([.][0-9])?)%$", "A share, as in `20%` or `0.5%`.");
    /// A method towards a back end.
    Method("^(GET|PUT|POST|DELETE|OPTIONS|HEAD|PATCH|TRACE)$", "A method in capitals.");
}

impl Share {
    /// In thousandths.
    pub fn thousandths(&self) -> u32 {
        let digits = self.0.trim_end_matches('%');
        let (whole, tenths) = digits.split_once('.').unwrap_or((digits, "0"));
        let number = |text: &str| text.parse::<u32>().unwrap_or_default();
        number(whole) * 10 + number(tenths)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn shares() {
        for (text, thousandths) in [
            ("20%", 200),
            ("0.5%", 5),
            ("100%", 1000),
            ("7%", 70),
            ("0%", 0),
        ] {
            assert_eq!(Share(text.to_owned()).thousandths(), thousandths, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, millis) in [
            ("250ms", 250),
            ("29s", 29_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("0s", 0),
        ] {
            assert_eq!(
                Time::parse(text),
                Some(Time(Duration::from_millis(millis))),
                "{text}"
            );
        }
        for text in [
            "",
            "5",
            "s",
            "-1s",
            "1.5s",
            "1 s",
            "1S",
            "9999h",
            "99999999999999999999999s",
            "1sé",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
        let number: Time = serde_json::from_value(json!(1.5)).unwrap();
        assert_eq!(number, Time(Duration::from_millis(1500)));
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0B", 0),
            ("512KiB", 524_288),
            ("10MiB", 10_485_760),
            ("1GiB", 1 << 30),
        ] {
            assert_eq!(Size::parse(text), Some(Size(bytes)), "{text}");
        }
        for text in ["10", "10MB", "1.5MiB", "MiB", "18446744073709551615GiB"] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }
}
