#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::*;
use crate::findings::{Renderer, Style};
use crate::load;

/// A document evaluated with these values, and what was found, one line each.
fn evaluated(text: &str, given: &[(&str, &str)]) -> (Document, String) {
    let mut found = Findings::default();
    let mut document = load::text("a.yaml", text, &mut found).unwrap();
    let mut inputs = Inputs::default();
    for (name, value) in given {
        inputs.give(*name, *value, true);
    }
    let mut evaluation = entry(&mut document, &inputs, &mut found);
    evaluation.others(&mut document, &inputs, &mut found);
    let said = Renderer::new(&document, Style::Short).render(&found);
    (document, said)
}

/// What a value of an integration becomes.
fn value(written: &str, given: &[(&str, &str)]) -> (Value, String) {
    let text = format!("openapi: 3.0.3\nx-amazon-apigateway-cors:\n  it: {written}\n");
    let (document, said) = evaluated(&text, given);
    let value = document.files[0]
        .root
        .pointer("/x-amazon-apigateway-cors/it");
    (value.cloned().unwrap_or(json!("left out")), said)
}

#[test]
fn functions_are_evaluated() {
    let given = [("Host", "a.example"), ("Names", "x,y"), ("IsProd", "true")];
    for (written, expected) in [
        ("!Ref Host", json!("a.example")),
        (
            "!Sub 'https://${Host}/${!path}/'",
            json!("https://a.example/${path}/"),
        ),
        (
            "!Sub ['${A}-${ Host }', { A: !Ref Names }]",
            json!("x,y-a.example"),
        ),
        ("{ '!Sub': 'x${Host}' }", json!("xa.example")),
        (
            "!Join ['/', [https:/, !Ref Host, 3]]",
            json!("https://a.example/3"),
        ),
        ("!Join ['', [a, !Ref 'AWS::NoValue', b]]", json!("ab")),
        ("!Select [1, !Split [',', !Ref Names]]", json!("y")),
        (
            "!Select ['0', [{ a: !Ref Host }]]",
            json!({ "a": "a.example" }),
        ),
        ("!Split ['.', !Ref Host]", json!(["a", "example"])),
        (
            "!If [IsProd, { a: [!Ref Host] }, no]",
            json!({ "a": ["a.example"] }),
        ),
        ("!If [IsProd, !Ref 'AWS::NoValue', no]", json!("left out")),
        (
            "[a, !If [IsProd, !Ref 'AWS::NoValue', b], !Ref Host]",
            json!(["a", "a.example"]),
        ),
        ("!Base64 hello", json!("aGVsbG8=")),
        ("!Length [a, b, c]", json!(3)),
        ("!ToJsonString { a: [1, true] }", json!("{\"a\":[1,true]}")),
        ("!ImportValue Host", json!("a.example")),
        ("!GetAtt Table.Arn", json!("${param.Table.Arn}")),
        ("!Ref Open", json!("${param.Open}")),
        (
            "!Sub '${AWS::Partition}:${AWS::Region}.${AWS::URLSuffix}'",
            json!("aws:us-east-1.amazonaws.com"),
        ),
        (
            "!Sub '${AWS::AccountId}/${AWS::StackName}'",
            json!("123456789012/stack"),
        ),
        ("!ImportValue 'a b:c'", json!("${param.a_b:c}")),
        (
            "!FindInMap [Hosts, eu, name]",
            json!("${param.Hosts.eu.name}"),
        ),
        (
            "${Host}/${var.zone}/${stageVariables.x}/${request.header.y}",
            json!("a.example/${param.var.zone}/${stageVariables.x}/${request.header.y}"),
        ),
        (
            "${jsonencode({a = 1})} ${ Host",
            json!("${jsonencode({a = 1})} ${ Host"),
        ),
        (
            "!Sub 'arn:aws:apigateway:x:lambda:path/2015-03-31/functions/${Books.Arn}/invocations'",
            json!(
                "arn:aws:apigateway:x:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:Books/invocations"
            ),
        ),
        (
            "!Sub 'arn:aws:lambda:x:1:function:${Books}/invocations'",
            json!("arn:aws:lambda:x:1:function:Books/invocations"),
        ),
    ] {
        let (value, said) = value(written, &given);
        assert_eq!(value, expected, "{written}: {said}");
        assert!(!said.contains("error"), "{written}: {said}");
    }
}

#[test]
fn faults_stand_at_the_function() {
    for (written, expected) in [
        (
            "!Join [a]",
            "error[template-function]: `Fn::Join` has another form",
        ),
        (
            "!Join [',', a]",
            "error[template-function]: a list is wanted here",
        ),
        (
            "!Select [3, [a]]",
            "error[template-function]: the list has no item 3",
        ),
        (
            "!Select [0, !Ref Open]",
            "error[parameter-open]: this must be known when the gateway is generated, and `Open` has no value",
        ),
        (
            "!Split ['', a]",
            "error[template-function]: `Fn::Split` has another form",
        ),
        (
            "!If [Open, a, b]",
            "error[parameter-open]: nothing says whether condition `Open` holds",
        ),
        (
            "!If [Host, a, b]",
            "error[parameter-value]: condition `Host` is true or false",
        ),
        ("!Sub 'a${b'", "error[template-function]: `${` without `}`"),
        (
            "!Ref 'AWS::Regoin'",
            "error[template-name]: there is no pseudo parameter `AWS::Regoin`",
        ),
        (
            "!Cidr [a, 1, 2]",
            "error[template-function]: what `Fn::Cidr` gives is known to Amazon alone",
        ),
        (
            "{ 'Fn::Jion': [] }",
            "error[template-function]: there is no function `Fn::Jion` here",
        ),
        (
            "{ 'Fn::Sub': a, b: c }",
            "error[template-function]: `Fn::Sub` stands beside other members",
        ),
        (
            "{ 'Fn::Transform': { Name: Mine } }",
            "error[template-function]: macro `Mine` runs at Amazon alone",
        ),
        (
            "{ 'Fn::Base64': !Ref Open }",
            "error[parameter-open]: this must be known",
        ),
        (
            "'{{resolve:ssm:/a:1}}'",
            "error[template-function]: what another service of Amazon's holds",
        ),
    ] {
        let (_, said) = value(written, &[("Host", "a.example")]);
        let line = said.lines().find(|line| line.contains(expected));
        let line = line.unwrap_or_else(|| panic!("{written}: {said}"));
        assert!(line.starts_with("a.yaml:3:"), "{written}: {said}");
    }
}

#[test]
fn findings_show_what_was_written() {
    let text = "\
openapi: 3.0.3
x-amazon-apigateway-cors:
  - !If [Yes, { a: { b: c } }, d]
  - !Ref AWS::NoValue
  - last
";
    let (document, said) = evaluated(text, &[("Yes", "true")]);
    assert_eq!(said, "");
    let place = |pointer: &str| {
        let root = document.root().unwrap().at(pointer).unwrap();
        let mut found = Findings::default();
        found.error("x", root.place(), "x", "");
        found.error("y", root.key_place(), "y", "");
        Renderer::new(&document, Style::Short).render(&found)
    };
    let root = "/x-amazon-apigateway-cors";
    for (pointer, expected) in [
        ("/0/a/b", "a.yaml:3:25: error[x]"),
        ("/0/a", "a.yaml:3:20: error[x]"),
        ("/0/a", "a.yaml:3:17: error[y]"),
        // It was the third.
        ("/1", "a.yaml:5:5: error[x]"),
    ] {
        let said = place(&format!("{root}{pointer}"));
        assert!(said.contains(expected), "{pointer}: {said}");
    }
}

#[test]
fn an_attribute_in_an_address_is_that_of_a_function_only_where_it_is_called() {
    let uri = |written: &str| {
        let text = format!("openapi: 3.0.3\nx-amazon-apigateway-cors: {{ uri: {written} }}\n");
        let (document, _) = evaluated(&text, &[]);
        let value = document.files[0]
            .root
            .pointer("/x-amazon-apigateway-cors/uri");
        value.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:Books";
    assert_eq!(uri("!GetAtt Books.Arn"), arn);
    assert_eq!(uri("!Sub '${Books.Arn}'"), arn);
    assert_eq!(
        uri("!Sub 'https://a/${Books.Arn}'"),
        "https://a/${param.Books.Arn}"
    );
}

#[test]
fn data_and_names_are_left_alone() {
    for text in [
        "components: { schemas: { A: { properties: { Ref: { type: string } }, example: { Ref: A }, default: { 'Fn::Sub': a } } } }",
        "components: { schemas: { A: { discriminator: { mapping: { Ref: A } } }, Ref: {} } }",
        "x-mine: { Ref: A, a: '${b}' }",
        "info: { description: 'write ${name}' }",
        "paths: { /a: { get: { x-amazon-apigateway-integration: { requestTemplates: { a: 'x ${y}' } } } } }",
        "paths: { '/a/{id}': { get: { x-amazon-apigateway-integration: { uri: 'http://a/${id}' } } } }",
        "x-gateway: { a: '${param.b} ${path.c}' }",
    ] {
        let (document, said) = evaluated(&format!("openapi: 3.0.3\n{text}"), &[]);
        let plain = load::text(
            "a.yaml",
            format!("openapi: 3.0.3\n{text}"),
            &mut Findings::default(),
        );
        assert_eq!(document.files[0].root, plain.unwrap().files[0].root);
        assert_eq!(said, "", "{text}");
    }
}

#[test]
fn what_is_open_is_told_by_where_it_stands() {
    let text = "\
info: { title: !Sub 'The ${Name}' }
servers: [{ url: !Sub 'https://${Host}' }]
paths: { /a: { get: { parameters: [{ name: !Ref Query, in: query }] } } }
";
    let (document, said) = evaluated(text, &[]);
    let root = &document.files[0].root;
    assert_eq!(root.pointer("/info/title"), Some(&json!("The Name")));
    assert_eq!(
        root.pointer("/servers/0/url"),
        Some(&json!("https://${param.Host}"))
    );
    assert!(
        said.contains("a.yaml:1:21: note[parameter-shown]"),
        "{said}"
    );
    assert!(
        said.contains("a.yaml:3:49: error[parameter-open]"),
        "{said}"
    );
}

#[test]
fn values_of_x_gateway_cannot_become_expressions() {
    let text = "x-gateway: { a: 'x${param.A}', b: '$${param.A}', c: '${param.B}' }";
    let (document, said) = evaluated(text, &[("A", "${path.id}")]);
    let root = &document.files[0].root;
    assert_eq!(
        root.get("x-gateway"),
        Some(&json!({ "a": "x$${path.id}", "b": "$${param.A}", "c": "${param.B}" }))
    );
    assert_eq!(said, "");
    assert!(document.evaluated.settled.contains("A"));
}

const TEMPLATE: &str = "\
Parameters:
  Stage: { Type: String, AllowedValues: [dev, prod], Default: dev }
  Host: { Type: String, Description: host of the shop }
  Key: { Type: String, NoEcho: true }
  Zones: { Type: CommaDelimitedList, Default: 'a, b' }
  Image: { Type: 'AWS::SSM::Parameter::Value<String>', Default: /image }
Mappings: { Hosts: { dev: { name: dev.example }, prod: { name: prod.example } } }
Conditions:
  Prod: !Equals [!Ref Stage, prod]
  NotProd: !Not [!Condition Prod]
  Both: !And [!Condition Prod, !Condition NotProd]
  Some: !Or [!Condition Prod, !Condition NotProd]
  Loop: !Not [!Condition Loop]
Resources:
  Books: { Type: 'AWS::Serverless::Function' }
  Table: { Type: 'AWS::DynamoDB::Table' }
  Api:
    Type: AWS::Serverless::Api
    Properties:
      DefinitionBody:
        x-amazon-apigateway-cors:
          it: ";

#[test]
fn templates_know_what_they_declare() {
    for (written, given, expected) in [
        (
            "!FindInMap [Hosts, !Ref Stage, name]",
            "",
            json!("dev.example"),
        ),
        (
            "!FindInMap [Hosts, !Ref Stage, name]",
            "Stage=prod",
            json!("prod.example"),
        ),
        (
            "!FindInMap [Hosts, x, name, { DefaultValue: y }]",
            "",
            json!("y"),
        ),
        ("!If [Prod, a, b]", "", json!("b")),
        ("!If [Prod, a, b]", "Stage=prod", json!("a")),
        ("!If [Prod, a, b]", "Prod=yes", json!("a")),
        ("!If [Both, a, b]", "", json!("b")),
        ("!If [Some, a, b]", "", json!("a")),
        ("!Ref Zones", "", json!(["a", "b"])),
        ("!Join ['-', !Ref Zones]", "Zones=c", json!("c")),
        ("!Ref Host", "", json!("${param.Host}")),
        ("!Ref Image", "", json!("${param.Image}")),
        ("!Ref Books", "", json!("Books")),
        (
            "!Sub '${Books.Arn}'",
            "AWS::Region=cn-north-1",
            json!("arn:aws-cn:lambda:cn-north-1:123456789012:function:Books"),
        ),
        ("!GetAtt Table.Arn", "", json!("${param.Table.Arn}")),
    ] {
        let given: Vec<(&str, &str)> = given.split_once('=').into_iter().collect();
        let (document, said) = evaluated(&format!("{TEMPLATE}{written}"), &given);
        let value = document.files[0]
            .root
            .pointer("/x-amazon-apigateway-cors/it");
        assert_eq!(value, Some(&expected), "{written}: {said}");
        assert_eq!(said, "", "{written}");
    }
    for (written, given, expected) in [
        (
            "!Ref Hots",
            "",
            "error[template-name]: the template has no parameter or resource `Hots`",
        ),
        (
            "!Sub '${Tabel.Arn}'",
            "",
            "error[template-name]: the template has no resource `Tabel`",
        ),
        (
            "!FindInMap [Hosts, x, name]",
            "",
            "error[template-name]: the template's mappings have no `Hosts.x.name`",
        ),
        (
            "!Ref Stage",
            "Stage=live",
            "error[parameter-value]: parameter `Stage` does not take `live`",
        ),
        (
            "!Ref Key",
            "",
            "error[parameter-secret]: parameter `Key` is a secret",
        ),
        (
            "!Ref Key",
            "Key=hunter2",
            "error[parameter-secret]: parameter `Key` is a secret",
        ),
        (
            "!If [Loop, a, b]",
            "",
            "error[template-cycle]: condition `Loop` depends on itself",
        ),
        (
            "x",
            "Hots=1",
            "1:1: warning[parameter-unused]: `Hots` was given a value",
        ),
    ] {
        let given: Vec<(&str, &str)> = given.split_once('=').into_iter().collect();
        let (_, said) = evaluated(&format!("{TEMPLATE}{written}"), &given);
        assert!(said.contains(expected), "{written}: {said}");
        assert!(!said.contains("hunter2"), "{written}: {said}");
    }
}

#[test]
fn expansion_is_bounded() {
    let mut bomb = "a".to_owned();
    for _ in 0..30 {
        bomb = format!("!Sub ['${{A}}${{A}}', {{ A: {bomb} }}]");
    }
    let (_, said) = value(&bomb, &[]);
    assert_eq!(
        said.matches("error[template-too-large]").count(),
        1,
        "{said}"
    );

    let long = "a".repeat(1024);
    let joined = format!("!Join ['{long}', [{}]]", "a,".repeat(2000));
    let (_, said) = value(&joined, &[]);
    assert_eq!(
        said.matches("error[template-too-large]").count(),
        1,
        "{said}"
    );

    let mut conditions = String::from(
        "Resources: { A: { Type: 'AWS::Serverless::Api', Properties: { DefinitionBody: { x-amazon-apigateway-cors: !If [C0, a, b] } } } }\nConditions:\n",
    );
    for number in 0..20_000 {
        conditions += &format!("  C{number}: !Not [!Condition C{}]\n", number + 1);
    }
    let (_, said) = evaluated(&conditions, &[]);
    assert_eq!(
        said.matches("error[template-too-large]").count(),
        1,
        "{said}"
    );
}

#[test]
fn the_api_of_a_template_is_chosen() {
    let template = |resources: &str| format!("Resources:\n{resources}");
    let api = |id: &str| {
        format!(
            "  {id}: {{ Type: 'AWS::ApiGateway::RestApi', Properties: {{ Body: {{ openapi: '{id}' }} }} }}\n"
        )
    };
    let chosen = |resources: &str, resource: Option<&str>| {
        let mut found = Findings::default();
        let mut document = load::text("a.yaml", template(resources), &mut found).unwrap();
        let mut inputs = Inputs::default();
        inputs.resource = resource.map(str::to_owned);
        entry(&mut document, &inputs, &mut found);
        let said = Renderer::new(&document, Style::Short).render(&found);
        (document.files[0].root.clone(), said)
    };
    let both = api("A") + &api("B");
    assert_eq!(chosen(&api("A"), None).0, json!({ "openapi": "A" }));
    assert_eq!(chosen(&both, Some("B")).0, json!({ "openapi": "B" }));
    for (resources, resource, expected) in [
        (
            both.as_str(),
            None,
            "the template has several APIs: A, B\n  at /Resources; help: choose one: `--resource A`",
        ),
        (both.as_str(), Some("C"), "the template has no resource `C`"),
        (
            "  F: { Type: 'AWS::Serverless::Function' }\n",
            None,
            "the template has no API with a document",
        ),
        (
            "  A: { Type: 'AWS::Serverless::Api', Properties: { StageName: x } }\n",
            None,
            "the document of `A` is made of other resources",
        ),
    ] {
        let (root, said) = chosen(resources, resource);
        assert!(
            said.contains("error[template-resource]") && said.contains(expected),
            "{said}"
        );
        assert_eq!(root, Value::Null);
    }
    let guarded = "  A: { Type: 'AWS::Serverless::Api', Properties: { DefinitionBody: {}, Auth: { DefaultAuthorizer: X }, Cors: x, StageName: x } }\n";
    let (_, said) = chosen(guarded, None);
    assert!(
        said.contains("error[not-yet-served]: `Auth` of the template"),
        "{said}"
    );
    assert!(
        said.contains("warning[template-property]: `Cors`"),
        "{said}"
    );
    assert!(!said.contains("StageName"), "{said}");
}
