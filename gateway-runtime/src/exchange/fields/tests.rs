#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn every_field_of_a_connection_is_found_and_removed() {
    for (bit, name) in HOP_BY_HOP.iter().enumerate() {
        let mut headers = Headers::new();
        headers.set(FieldName::from_static(name), FieldValue::from_static("x"));
        let survey = Survey::of(&headers);
        assert_eq!(survey.hop_by_hop, 1 << bit, "{name}");
        survey.strip(&mut headers);
        assert!(headers.len() == 0, "{name}");
    }
}

#[test]
fn a_survey_measures_what_would_be_sent() {
    let mut headers = Headers::new();
    headers.append(FieldName::from_static("a"), FieldValue::from_static("1"));
    headers.append(FieldName::from_static("a"), FieldValue::from_static("23"));
    assert_eq!(Survey::of(&headers).bytes, "a: 1\r\na: 23\r\n".len());
}

#[test]
fn trailers_say_nothing_that_must_be_known_before() {
    for name in NEVER_TRAILERS.iter().chain(&OWN).chain(&HOP_BY_HOP) {
        let mut headers = Headers::new();
        headers.append(FieldName::from_static(name), FieldValue::from_static("x"));
        assert!(headers.into_trailers().is_none(), "{name}");
    }
    let mut headers = Headers::new();
    for name in ["grpc-status", "x_request_id", "x-sum"] {
        headers.append(FieldName::from_static(name), FieldValue::from_static("x"));
    }
    let left = headers.into_trailers().unwrap();
    assert_eq!(format!("{left:?}"), r#"{"grpc-status": "x", "x-sum": "x"}"#);
}
