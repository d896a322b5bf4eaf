//! Rules of templates and of deployment parameters.

use super::{Rule, error, note, warning};

pub(super) const RULES: &[Rule] = &[
    error(
        "template-resource",
        "It is not clear which document of a template is meant, or the template has none.",
        "A document stands in `DefinitionBody`, `Body` or `DefinitionUri` of an API. Of several APIs `--resource ID` chooses one. An API that is made of the events of functions has no document before it is deployed: export it (`aws apigateway get-export`, `aws apigatewayv2 export-api`).",
        "",
    ),
    error(
        "template-function",
        "A function of CloudFormation has another form, or cannot be evaluated here.",
        "The finding shows the form. Macros, and what Amazon alone knows, are not evaluated: write the value.",
        "uri: { Fn::Join: [a] }",
    ),
    error(
        "template-name",
        "A template names a parameter, a resource or a mapping that it does not have.",
        "CloudFormation would refuse it. Most often it is a typing slip.",
        "uri: !Sub 'https://${Domian}/'",
    ),
    error(
        "template-cycle",
        "A condition depends on itself, or a file includes itself.",
        "Let conditions be decided by parameters.",
        "Conditions: { A: !Not [!Condition A] }",
    ),
    error(
        "template-too-large",
        "The functions of a template make more than can be evaluated.",
        "One text may have 1 MiB, all of them together 64 MiB; a document may take 200,000 steps, nested 100 deep, and include 1,000 files.",
        "",
    ),
    error(
        "template-file",
        "A file that a template names cannot be read.",
        "Nothing is fetched, and no file outside the template's folder is opened. Save the file beside the template and name it by its relative path.",
        "Fn::Transform: { Name: AWS::Include, Parameters: { Location: s3://bucket/api.yaml } }",
    ),
    error(
        "parameter-open",
        "A parameter has no value where the gateway must be known to be generated.",
        "Paths, methods, types, times and conditions are compiled in. Give the value: `--param NAME=VALUE`, a file with `--params FILE`, or `params` in gateway-codegen.toml.",
        "timeoutInMillis: !Ref Timeout",
    ),
    error(
        "parameter-undeclared",
        "An expression names a parameter that nobody declares.",
        "Declare it under `x-gateway.parameters`, so that a typing slip does not become something the gateway asks for.",
        "uri: 'https://${param.domian}/'",
    ),
    error(
        "parameter-value",
        "A parameter does not take its value.",
        "The finding says which it takes. A value is one line of text.",
        "",
    ),
    error(
        "parameter-secret",
        "A parameter that is a secret (`NoEcho`) would become part of the gateway.",
        "Secrets are no part of a gateway. Read them where it runs, with a stage variable: `{ env: NAME }` or `{ file: PATH }`.",
        "",
    ),
    error(
        "parameter-file",
        "A file of parameters has another form.",
        "It is an object of names and values, the list of `ParameterKey` and `ParameterValue` that the AWS CLI takes, or CodePipeline's `{\"Parameters\": {…}}`.",
        "",
    ),
    warning(
        "parameter-unused",
        "A parameter was given a value or declared, and nothing is made of it.",
        "Names are as the document writes them, capitals and all.",
        "",
    ),
    warning(
        "parameter-guessed",
        "An address or a condition rests on a pseudo parameter whose value was taken for granted.",
        "It is the same on every machine, and perhaps not yours: `--param AWS::Region=eu-west-1`.",
        "uri: !Sub 'https://shop.${AWS::Region}.example/'",
    ),
    warning(
        "template-property",
        "A property of a template's API changes what becomes of requests, and is not taken over.",
        "Only the document of an API is read. Say it in `x-gateway`.",
        "Cors: \"'*'\"",
    ),
    note(
        "parameter-deployment",
        "A parameter has no value, so the gateway asks for it when it starts.",
        "The binary takes `--param NAME=VALUE` or `GATEWAY_PARAM_NAME`, and its `--help` lists it. Given to the generator, it is settled at once.",
        "uri: !Sub 'https://${Domain}/'",
    ),
    note(
        "parameter-shown",
        "A parameter has no value where only people read it, so its name stands there.",
        "Give it a value with `--param NAME=VALUE` if the text matters.",
        "title: !Ref ApiName",
    ),
];
