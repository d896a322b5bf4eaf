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
