//! What requests and answers are made of: parameters, bodies and responses, as far as some stage holds messages to them.
//!
//! Of a part that nobody checks nothing is lowered, so tables of documents without validation stay as short as they were.
//! Where Amazon's errors are spoken its gateways' rules hold: of parameters, required ones are there and not blank; of bodies,
//! those of JSON are what their model says.
//!
//! Absent on purpose: what schemas say ([`super::schema`]), and what becomes of a message ([`super::policy`]).

use std::collections::{BTreeSet, HashSet};

use gateway_runtime::def::ErrorDialect;
use openapiv3::{Parameter as Typed, PathStyle, QueryStyle, StatusCode};

use super::draft::Draft;
use super::schema::{self, Schemas};
use crate::findings::{Findings, brief};
use crate::model::{
    Body, Content, Encoding, Form, Mode, Parameter, ParameterPlace, Response, Rule, StatusDef,
    Style, ValidateDef, Value,
};
use crate::normalise::{
    Collection, Dialect, EncodingSource, MediaSource, ParameterSource, SchemaSource, Version,
};

/// Header fields that are no parameters, whoever declares them (OpenAPI 3.0.3, Parameter Object).
const NO_PARAMETERS: [&str; 3] = ["accept", "authorization", "content-type"];

/// What a document says of the messages of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Says {
    /// Of parameters.
    pub(crate) params: bool,
    /// Of bodies of requests.
    pub(crate) body: bool,
    /// Of answers.
    pub(crate) response: bool,
}

/// What of messages is to be lowered, and how.
pub(crate) struct Messages<'s, 'd> {
    /// The version of the document.
    pub(crate) version: Version,
    /// Whose rules hold.
    pub(crate) errors: ErrorDialect,
    /// Where schemas go.
    pub(crate) schemas: &'s mut Schemas<'d>,
    /// Media types that were said not to be checked.
    pub(crate) noted: BTreeSet<String>,
}

/// What the document says of an operation that could be checked.
pub(crate) fn says(draft: &Draft<'_>, errors: ErrorDialect) -> Says {
    let source = draft.source;
    let amazon = errors == ErrorDialect::Aws;
    let parameter = |source: &ParameterSource<'_>| {
        let required = source.parameter.parameter_data_ref().required;
        let in_path = matches!(source.parameter, Typed::Path { .. });
        let described = source.schema.is_some() || source.content.is_some();
        required && !in_path || described && !amazon
    };
    let body = source.body.as_ref().is_some_and(|body| match amazon {
        true => body
            .content
            .iter()
            .any(|media| media.schema.is_some() && Kind::of(media) == Kind::Json),
        false => body.required || !body.content.is_empty(),
    });
    Says {
        params: source.parameters.iter().any(parameter),
        body,
        response: !source.responses.is_empty(),
    }
}

/// The status of a response that is a stream of events, if there is one.
pub(crate) fn event_stream(draft: &Draft<'_>) -> Option<String> {
    let streams = draft.source.responses.iter().find(|response| {
        let mut content = response.content.iter();
        content.any(|media| essence(&media.media_type) == "text/event-stream")
    });
    streams.map(|response| match &response.status {
        Some(status) => status.to_string(),
        None => "default".to_owned(),
    })
}

/// Parameters as they are declared, without what their values are.
pub(crate) fn bare(sources: &[ParameterSource<'_>]) -> Vec<Parameter> {
    let bare = sources.iter().map(|source| {
        let name = &source.parameter.parameter_data_ref().name;
        match &source.parameter {
            Typed::Path { .. } => Parameter::bare(ParameterPlace::Path, name),
            Typed::Query { .. } => Parameter::bare(ParameterPlace::Query, name),
            Typed::Header { .. } => {
                Parameter::bare(ParameterPlace::Header, name.to_ascii_lowercase())
            }
            Typed::Cookie { .. } => Parameter::bare(ParameterPlace::Cookie, name),
        }
    });
    bare.collect()
}

impl<'d> Messages<'_, 'd> {
    /// Adds to an operation what is said of the parts that are checked.
    pub(crate) fn describe(
        &mut self,
        draft: &mut Draft<'d>,
        checked: ValidateDef,
        found: &mut Findings,
    ) {
        let source = draft.source;
        if checked.params != Mode::Off {
            for (parameter, source) in draft.parameters.iter_mut().zip(&source.parameters) {
                let known = parameter.place != ParameterPlace::Path
                    || draft.path_params.iter().any(|name| {
                        name.trim_end_matches('+') == parameter.name.trim_end_matches('+')
                    });
                if known {
                    self.parameter(parameter, source, found);
                }
            }
        }
        if let (Some(body), true) = (&source.body, checked.body != Mode::Off) {
            draft.body = Some(Body {
                required: body.required && self.errors == ErrorDialect::Problem,
                content: self.content(&body.content, found),
            });
        }
        if checked.response != Mode::Off {
            for response in &source.responses {
                let mut headers = bare(&response.headers);
                headers.retain(|header| header.name != "content-type");
                for header in &mut headers {
                    let mut sources = response.headers.iter();
                    let source = sources.find(|source| {
                        let name = &source.parameter.parameter_data_ref().name;
                        name.eq_ignore_ascii_case(&header.name)
                    });
                    if let Some(source) = source {
                        self.describe_parameter(header, source, found);
                    }
                }
                headers.retain(Parameter::is_checked);
                draft.responses.push(Response {
                    status: match &response.status {
                        Some(StatusCode::Code(code)) => StatusDef::Is(*code),
                        Some(StatusCode::Range(class)) => {
                            StatusDef::Class(u8::try_from(*class).unwrap_or_default())
                        }
                        None => StatusDef::Other,
                    },
                    headers,
                    content: self.content(&response.content, found),
                });
            }
            draft.responses.sort_by_key(|response| response.status);
        }
    }

    fn parameter(
        &mut self,
        parameter: &mut Parameter,
        source: &ParameterSource<'d>,
        found: &mut Findings,
    ) {
        if self.errors == ErrorDialect::Aws {
            parameter.required |= source.parameter.parameter_data_ref().required
                && parameter.place != ParameterPlace::Cookie;
            return;
        }
        let ignored = parameter.place == ParameterPlace::Header
            && self.version != Version::V2_0
            && NO_PARAMETERS.contains(&parameter.name.as_str());
        if !ignored {
            self.describe_parameter(parameter, source, found);
        }
    }

    fn describe_parameter(
        &mut self,
        parameter: &mut Parameter,
        source: &ParameterSource<'d>,
        found: &mut Findings,
    ) {
        let data = source.parameter.parameter_data_ref();
        parameter.required |= data.required;
        if let Typed::Query {
            allow_empty_value: Some(true),
            ..
        } = source.parameter
        {
            parameter.empty = true;
        }
        (parameter.style, parameter.explode) = style(source);
        if let Some(schema) = &source.schema {
            parameter.value = Value::Styled(self.rules(Some(schema), found));
        } else if let Some(media) = &source.content {
            match Kind::of(media) {
                Kind::Json => {
                    parameter.value = Value::Json(self.rules(media.schema.as_ref(), found))
                }
                _ => self.note(media, found),
            }
        }
    }

    fn content(&mut self, sources: &[MediaSource<'d>], found: &mut Findings) -> Vec<Content> {
        let mut known = HashSet::new();
        let mut content: Vec<Content> = Vec::new();
        for media in sources {
            let media_type = essence(&media.media_type);
            let kind = Kind::of(media);
            if self.errors == ErrorDialect::Aws && (kind != Kind::Json || media.schema.is_none()) {
                continue;
            }
            if !known.insert(media_type.clone()) {
                found.warning(
                    "media-type-duplicate",
                    media.node.key_place(),
                    format!(
                        "`{}` differs from another media type in its parameters alone; bodies are held to the first of them",
                        brief(&media.media_type)
                    ),
                    "describe both in one schema, with `anyOf`",
                );
                continue;
            }
            let form = match kind {
                Kind::Json => Form::Json(self.rules(media.schema.as_ref(), found)),
                Kind::Text => Form::Text(self.rules(media.schema.as_ref(), found)),
                Kind::Fields => {
                    let (rules, encodings) = self.form(media, found);
                    Form::Fields(rules, encodings)
                }
                Kind::Parts => {
                    let (rules, encodings) = self.form(media, found);
                    Form::Parts(rules, encodings)
                }
                Kind::Bytes => Form::Bytes,
                Kind::Unknown => {
                    self.note(media, found);
                    Form::Bytes
                }
            };
            content.push(Content { media_type, form });
        }
        content
    }

    fn rules(&mut self, schema: Option<&SchemaSource<'d>>, found: &mut Findings) -> Vec<Rule> {
        schema.map_or_else(Vec::new, |schema| {
            self.schemas.rules(schema.node, dialect(schema), found)
        })
    }

    /// What a form has to be, and its members that are not written in the usual way.
    fn form(
        &mut self,
        media: &MediaSource<'d>,
        found: &mut Findings,
    ) -> (Vec<Rule>, Vec<Encoding>) {
        if media.fields.is_empty() {
            let rules = self.rules(media.schema.as_ref(), found);
            return (rules, media.encoding.iter().filter_map(encoding).collect());
        }
        let mut rules = vec![Rule::Types(gateway_runtime::def::Types::OBJECT)];
        let data = |field: &ParameterSource<'d>| field.parameter.parameter_data_ref().clone();
        let required: Vec<String> = media
            .fields
            .iter()
            .map(data)
            .filter(|data| data.required)
            .map(|data| data.name)
            .collect();
        if !required.is_empty() {
            rules.push(Rule::Required {
                within: gateway_runtime::def::Messages::Both,
                names: required,
            });
        }
        let mut encodings = Vec::new();
        for field in &media.fields {
            let name = data(field).name;
            let file = field.node.get("type").and_then(|kind| kind.as_str()) == Some("file");
            let schema = field.schema.as_ref().filter(|_| !file);
            let own = self.rules(schema, found);
            if !own.is_empty() {
                rules.push(Rule::Property(name.clone(), own));
            }
            let (style, explode) = style(field);
            if field.collection.is_some() && (style, explode) != (Style::Form, true) {
                encodings.push(Encoding {
                    name,
                    media_type: String::new(),
                    style,
                    explode,
                });
            }
        }
        (rules, encodings)
    }

    /// Says of a media type that what its schema says is not checked, once for each.
    fn note(&mut self, media: &MediaSource<'d>, found: &mut Findings) {
        if media.schema.is_some() && self.noted.insert(essence(&media.media_type)) {
            found.note(
                "media-type-not-checked",
                media.node.key_place(),
                format!(
                    "what the document says of `{}` is not checked: it is neither JSON nor a form nor text",
                    brief(&media.media_type)
                ),
                "such bodies are passed on as they came",
            );
        }
    }
}

fn dialect(schema: &SchemaSource<'_>) -> schema::Dialect {
    match schema.dialect {
        Dialect::Swagger2 => schema::Dialect::Swagger2,
        Dialect::OpenApi30 => schema::Dialect::OpenApi30,
        Dialect::OpenApi31 => schema::Dialect::Json2020_12,
        Dialect::Draft4 => schema::Dialect::Draft4,
    }
}

/// How the value of a parameter is written. Where that makes no difference it is as usual, so that it need not be said.
fn style(source: &ParameterSource<'_>) -> (Style, bool) {
    let explode = source.parameter.parameter_data_ref().explode;
    let style = match (&source.parameter, source.collection) {
        (_, Some(Collection::Ssv)) => Style::Space,
        (_, Some(Collection::Tsv)) => Style::Tab,
        (_, Some(Collection::Pipes)) => Style::Pipe,
        (Typed::Path { style, .. }, _) => match style {
            PathStyle::Simple => Style::Simple,
            PathStyle::Label => Style::Label,
            PathStyle::Matrix => Style::Matrix,
        },
        (Typed::Header { .. }, _) => Style::Simple,
        (Typed::Cookie { .. }, _) => Style::Form,
        (Typed::Query { style, .. }, _) => query_style(style),
    };
    // 2.0 says how arrays are written, and of nothing else.
    let of_2_0 = matches!(&source.schema, Some(schema) if schema.dialect == Dialect::Swagger2);
    let single = source.collection.is_none() && of_2_0;
    match explode {
        Some(explode) if !single => (style, explode),
        _ => (style, style == Style::Form),
    }
}

fn query_style(style: &QueryStyle) -> Style {
    match style {
        QueryStyle::Form => Style::Form,
        QueryStyle::SpaceDelimited => Style::Space,
        QueryStyle::PipeDelimited => Style::Pipe,
        QueryStyle::DeepObject => Style::DeepObject,
    }
}

/// How a member is written, where that is not as usual.
fn encoding(source: &EncodingSource<'_>) -> Option<Encoding> {
    let style = source.style.as_ref().map_or(Style::Form, query_style);
    let encoding = Encoding {
        name: source.name.clone(),
        media_type: source.content_type.clone().unwrap_or_default(),
        style,
        explode: source.explode.unwrap_or(style == Style::Form),
    };
    let usual = encoding.media_type.is_empty() && style == Style::Form && encoding.explode;
    (!usual).then_some(encoding)
}

/// How bodies of a media type are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Text,
    Fields,
    Parts,
    /// There is nothing to look at.
    Bytes,
    /// There is something to look at, and no way to.
    Unknown,
}

impl Kind {
    fn of(media: &MediaSource<'_>) -> Kind {
        let media_type = essence(&media.media_type);
        let is_form = |name| media_type == name;
        if media_type.ends_with("/json") || media_type.ends_with("+json") {
            return Kind::Json;
        }
        if is_form("application/x-www-form-urlencoded") {
            return Kind::Fields;
        }
        if is_form("multipart/form-data") {
            return Kind::Parts;
        }
        let Some(schema) = &media.schema else {
            return Kind::Bytes;
        };
        match media_type.split_once('/') {
            Some(("text", subtype)) if subtype != "xml" && !is_binary(schema) => Kind::Text,
            _ if is_bytes(schema) => Kind::Bytes,
            // It may be JSON, and is then looked at.
            Some(("application" | "*", "*")) => Kind::Json,
            _ if media_type == "*" => Kind::Json,
            _ => Kind::Unknown,
        }
    }
}

/// Whether a schema says of a text that it is bytes after all.
fn is_binary(schema: &SchemaSource<'_>) -> bool {
    let node = schema.node.follow();
    let word = |name: &str| node.get(name).and_then(|node| node.as_str());
    word("format") == Some("binary") || word("type") == Some("file")
}

/// Whether a schema says of a body that it is bytes, and no more.
fn is_bytes(schema: &SchemaSource<'_>) -> bool {
    let node = schema.node.follow();
    let word = |name: &str| node.get(name).and_then(|node| node.as_str());
    let text = matches!(word("type"), None | Some("string" | "file"));
    match word("format") {
        Some("binary") => text,
        _ => node.entries().all(|(name, _)| match name {
            "type" => text,
            name => {
                name.starts_with("x-")
                    || matches!(
                        name,
                        "description"
                            | "title"
                            | "example"
                            | "examples"
                            | "deprecated"
                            | "contentMediaType"
                            | "contentEncoding"
                            | "format"
                    )
            }
        }),
    }
}

/// A media type or range in lower case, without parameters.
fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}
