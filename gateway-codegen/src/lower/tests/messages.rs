//! Parameters, bodies and answers: what is lowered of them, and when.

use super::*;
use crate::model::{
    Encoding, Form, Mode, Parameter, ParameterPlace, Policy, Rule, StatusDef, Style, Types,
    ValidateDef, Value,
};

/// A document of `POST /books/{id}` with these members of the operation.
fn posting(root: &str, members: &str) -> String {
    format!(
        "{root}
info: {{ title: Books, version: '1' }}
paths:
  /books/{{id}}:
    post:
      operationId: add
      {members}
"
    )
}

const V3: &str = "openapi: 3.0.3\nservers: [ { url: 'http://books.internal' } ]";
const V2: &str = "swagger: '2.0'\nhost: books.internal\nschemes: [http]";
const ID: &str = "{ name: id, in: path, required: true, schema: { type: integer } }";

#[track_caller]
fn parameters(text: &str) -> Vec<Parameter> {
    gateway(text).operations["add"].parameters.clone()
}

fn checked(text: &str) -> ValidateDef {
    gateway(text).operations["add"].policy.validate
}

fn modes(params: Mode, body: Mode, response: Mode) -> ValidateDef {
    ValidateDef {
        params,
        body,
        response,
    }
}

#[test]
fn styles_of_both_versions_are_the_same() {
    let list = "{ type: array, items: { type: integer } }";
    let new = posting(
        V3,
        &format!(
            "parameters: [ {ID}, {{ name: a, in: query, explode: false, schema: {list} }}, {{ name: b, in: query, schema: {list} }}, {{ name: c, in: query, style: pipeDelimited, schema: {list} }}, {{ name: d, in: query, style: spaceDelimited, schema: {list} }}, {{ name: E, in: header, schema: {list} }} ]"
        ),
    );
    let items = "type: array, items: { type: integer }";
    let old = posting(
        V2,
        &format!(
            "parameters: [ {{ name: id, in: path, required: true, type: integer }}, {{ name: a, in: query, {items} }}, {{ name: b, in: query, collectionFormat: multi, {items} }}, {{ name: c, in: query, collectionFormat: pipes, {items} }}, {{ name: d, in: query, collectionFormat: ssv, {items} }}, {{ name: E, in: header, {items} }} ]"
        ),
    );
    let new = parameters(&new);
    assert_eq!(new, parameters(&old));
    let styles: Vec<_> = new.iter().map(|p| (p.style, p.explode)).collect();
    assert_eq!(
        styles,
        [
            (Style::Simple, false),
            (Style::Form, false),
            (Style::Form, true),
            (Style::Pipe, false),
            (Style::Space, false),
            (Style::Simple, false),
        ]
    );
    let integers = Value::Styled(vec![
        Rule::Types(Types::ARRAY),
        Rule::Items(vec![Rule::Types(Types::INTEGER)]),
    ]);
    assert!(new.iter().skip(1).all(|p| p.value == integers), "{new:#?}");
}

#[test]
fn parameters_have_what_they_are_declared_with() {
    let text = posting(
        V3,
        &format!(
            "parameters: [ {ID}, {{ name: q, in: query, required: true, allowEmptyValue: true, schema: {{ type: string }} }}, {{ name: f, in: query, content: {{ application/json: {{ schema: {{ type: object }} }} }} }}, {{ name: Authorization, in: header, required: true, schema: {{ type: integer }} }} ]"
        ),
    );
    let all = parameters(&text);
    assert!(all[1].required && all[1].empty);
    assert_eq!(all[2].value, Value::Json(vec![Rule::Types(Types::OBJECT)]));
    assert_eq!(
        all[3],
        Parameter::bare(ParameterPlace::Header, "authorization")
    );
    assert_eq!(checked(&text), modes(Mode::Enforce, Mode::Off, Mode::Off));
}

#[test]
fn what_nobody_checks_is_not_lowered() {
    let members = |validate: &str| {
        format!(
            "parameters: [ {ID} ]
      requestBody: {{ content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/Book' }} }} }} }}
      responses: {{ '200': {{ description: fine, content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/Author' }} }} }} }} }}
      x-gateway: {{ {validate} }}"
        )
    };
    let with = |validate: &str| {
        let text = posting(V3, &members(validate));
        gateway(&format!(
            "{text}components: {{ schemas: {{ Book: {{ type: object }}, Author: {{ type: string }} }} }}"
        ))
    };
    let names = |gateway: &Gateway| gateway.schemas.keys().cloned().collect::<Vec<_>>();
    let usual = with("");
    assert_eq!(names(&usual), ["#/components/schemas/Book"]);
    let add = &usual.operations["add"];
    assert_eq!(
        add.policy.validate,
        modes(Mode::Enforce, Mode::Enforce, Mode::Off)
    );
    assert!(add.body.is_some() && add.responses.is_empty());
    let off = with("validate: false");
    assert!(names(&off).is_empty());
    assert_eq!(off.operations["add"].policy.validate, ValidateDef::OFF);
    assert!(off.operations["add"].body.is_none());
    assert_eq!(
        off.operations["add"].parameters,
        [Parameter::bare(ParameterPlace::Path, "id")]
    );
    let answers = with("validate: { params: off, body: off, response: report }");
    assert_eq!(names(&answers), ["#/components/schemas/Author"]);
    assert_eq!(
        answers.operations["add"].responses[0].status,
        StatusDef::Is(200)
    );
}

#[test]
fn a_stage_may_check_otherwise() {
    let text = posting(
        &format!(
            "{V3}\nx-gateway: {{ stages: {{ prod: {{ operations: {{ add: {{ validate: {{ params: report }} }} }} }} }} }}"
        ),
        &format!("parameters: [ {ID} ]\n      x-gateway: {{ validate: {{ params: off }} }}"),
    );
    let gateway = gateway(&text);
    let stage: &Policy = &gateway.stages["prod"].overrides["add"];
    assert_eq!(stage.validate.params, Mode::Report);
    let add = &gateway.operations["add"];
    assert_eq!(add.policy.validate.params, Mode::Off);
    assert!(matches!(add.parameters[0].value, Value::Styled(_)));
}

#[test]
fn bodies_by_what_they_are() {
    let text = posting(
        V3,
        &format!(
            "parameters: [ {ID} ]
      requestBody:
        required: true
        content:
          Application/JSON; charset=utf-8: {{ schema: {{ type: object }} }}
          application/x-www-form-urlencoded: {{ schema: {{ type: object }}, encoding: {{ a: {{ style: deepObject, explode: true }}, b: {{ style: form }} }} }}
          multipart/form-data: {{ schema: {{ type: object }}, encoding: {{ a: {{ contentType: image/png }} }} }}
          text/plain: {{ schema: {{ type: string }} }}
          application/xml: {{ schema: {{ type: object }} }}
          application/pdf: {{ schema: {{ type: string, format: binary }} }}
          image/*: {{}}
          '*/*': {{ schema: {{ type: object }} }}"
        ),
    );
    let body = gateway(&text).operations["add"].body.clone().unwrap();
    assert!(body.required);
    let object = vec![Rule::Types(Types::OBJECT)];
    let encoding = |name: &str, media_type: &str, style| Encoding {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        style,
        explode: true,
    };
    let expected = [
        ("application/json", Form::Json(object.clone())),
        (
            "application/x-www-form-urlencoded",
            Form::Fields(object.clone(), vec![encoding("a", "", Style::DeepObject)]),
        ),
        (
            "multipart/form-data",
            Form::Parts(
                object.clone(),
                vec![encoding("a", "image/png", Style::Form)],
            ),
        ),
        ("text/plain", Form::Text(vec![Rule::Types(Types::STRING)])),
        ("application/xml", Form::Bytes),
        ("application/pdf", Form::Bytes),
        ("image/*", Form::Bytes),
        ("*/*", Form::Json(object)),
    ];
    let found: Vec<_> = body
        .content
        .iter()
        .map(|c| (c.media_type.as_str(), c.form.clone()))
        .collect();
    assert_eq!(found, expected);
    let (_, _, found) = lowered(&text);
    let notes: Vec<_> = found
        .sorted()
        .into_iter()
        .filter(|finding| finding.code == "media-type-not-checked")
        .map(|finding| finding.place.pointer.clone())
        .collect();
    assert_eq!(
        notes,
        ["/paths/~1books~1{id}/post/requestBody/content/application~1xml"]
    );
}

#[test]
fn forms_of_2_0_are_objects() {
    let text = posting(
        V2,
        "consumes: [multipart/form-data]
      parameters:
        - { name: id, in: path, required: true, type: integer }
        - { name: a, in: formData, required: true, type: integer }
        - { name: b, in: formData, type: array, collectionFormat: pipes, items: { type: string } }
        - { name: c, in: formData, type: file }",
    );
    let body = gateway(&text).operations["add"].body.clone().unwrap();
    assert!(body.required);
    let Form::Parts(rules, encodings) = &body.content[0].form else {
        panic!("{body:#?}");
    };
    assert!(
        rules.contains(&Rule::Property(
            "a".to_owned(),
            vec![Rule::Types(Types::INTEGER)]
        )),
        "{rules:#?}"
    );
    assert!(
        !rules
            .iter()
            .any(|rule| matches!(rule, Rule::Property(name, _) if name == "c"))
    );
    assert_eq!(encodings[0].style, Style::Pipe);
}

#[test]
fn members_that_are_no_schema_are_no_finding() {
    let text = posting(
        V2,
        "parameters: [ { name: id, in: path, required: true, type: integer, description: which, collectionFormat: csv }, { name: q, in: query, required: false, allowEmptyValue: true, type: string, x-own: 1 } ]",
    );
    assert_eq!(findings(&text), Vec::<String>::new());
    assert!(parameters(&text)[1].empty);
}

#[test]
fn a_stream_of_events_cannot_be_checked() {
    let with = |response: &str| {
        findings(&posting(
            V3,
            &format!(
                "parameters: [ {ID} ]\n      responses: {{ '200': {{ description: events, content: {{ text/event-stream: {{}} }} }} }}\n      x-gateway: {{ validate: {{ response: {response} }} }}"
            ),
        ))
    };
    assert_eq!(with("off"), Vec::<String>::new());
    assert_eq!(
        with("report"),
        ["/paths/~1books~1{id}/post/x-gateway/validate/response validate-stream"]
    );
}
