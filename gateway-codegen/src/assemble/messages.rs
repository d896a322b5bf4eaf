//! What messages are made of: parameters, bodies and responses.

use gateway_runtime::def::{
    BodyDef, ContentDef, EncodingDef, FormDef, ParameterDef, ResponseDef, Rules, ValueDef,
};

use super::Assembler;
use super::leak::list;
use crate::model::{Body, Content, Encoding, Form, Parameter, Response, Rule, Value};

impl Assembler {
    pub(super) fn parameters(&mut self, parameters: &[Parameter]) -> &'static [ParameterDef] {
        list(parameters.iter().map(|p| self.parameter(p)).collect())
    }

    pub(super) fn parameter(&mut self, parameter: &Parameter) -> ParameterDef {
        ParameterDef {
            place: parameter.place,
            name: self.strings.keep(&parameter.name),
            required: parameter.required,
            empty: parameter.empty,
            style: parameter.style,
            explode: parameter.explode,
            value: match &parameter.value {
                Value::Any => ValueDef::Any,
                Value::Styled(rules) => ValueDef::Styled(self.rules(rules)),
                Value::Json(rules) => ValueDef::Json(self.rules(rules)),
            },
        }
    }

    pub(super) fn body(&mut self, body: &Body) -> BodyDef {
        BodyDef {
            required: body.required,
            content: self.content(&body.content),
        }
    }

    pub(super) fn responses(&mut self, responses: &[Response]) -> &'static [ResponseDef] {
        let responses = responses
            .iter()
            .map(|response| ResponseDef {
                status: response.status,
                headers: self.parameters(&response.headers),
                content: self.content(&response.content),
            })
            .collect();
        list(responses)
    }

    fn content(&mut self, content: &[Content]) -> &'static [ContentDef] {
        let content = content
            .iter()
            .map(|content| ContentDef {
                media_type: self.strings.keep(&content.media_type),
                form: match &content.form {
                    Form::Bytes => FormDef::Bytes,
                    Form::Json(rules) => FormDef::Json(self.rules(rules)),
                    Form::Text(rules) => FormDef::Text(self.rules(rules)),
                    Form::Fields(rules, encodings) => {
                        FormDef::Fields(self.rules(rules), self.encodings(encodings))
                    }
                    Form::Parts(rules, encodings) => {
                        FormDef::Parts(self.rules(rules), self.encodings(encodings))
                    }
                },
            })
            .collect();
        list(content)
    }

    fn rules(&mut self, rules: &[Rule]) -> Rules {
        self.lists.rules(rules, &mut self.strings)
    }

    fn encodings(&mut self, encodings: &[Encoding]) -> &'static [EncodingDef] {
        let encodings = encodings
            .iter()
            .map(|encoding| EncodingDef {
                name: self.strings.keep(&encoding.name),
                media_type: self.strings.keep(&encoding.media_type),
                style: encoding.style,
                explode: encoding.explode,
            })
            .collect();
        list(encodings)
    }
}
