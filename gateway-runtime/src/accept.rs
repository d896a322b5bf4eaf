//! Which of several representations a client gets (RFC 9110 §12.5.1).
//!
//! Absent on purpose: 406. Where nothing fits, the caller says what is sent; an error body that is not understood is
//! better than a second error.

/// The place of the offer that `accept` prefers; `None` if it takes none of them. No field takes everything.
///
/// Quality decides first, then the order of the offers. Parameters other than `q` are not compared.
pub(crate) fn preferred<'o>(
    accept: Option<&[u8]>,
    offers: impl Iterator<Item = &'o str>,
) -> Option<usize> {
    let accept = accept
        .and_then(|value| std::str::from_utf8(value).ok())
        .unwrap_or("*/*");
    let mut best: Option<(usize, u16)> = None;
    for (index, offer) in offers.enumerate() {
        let quality = quality(accept, essence(offer));
        if quality > best.map_or(0, |(_, quality)| quality) {
            best = Some((index, quality));
        }
    }
    best.map(|(index, _)| index)
}

/// A media type without its parameters.
pub(crate) fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or(media_type).trim()
}

/// Whether two media types are the same but for parameters and case.
pub(crate) fn same_type(a: &str, b: &str) -> bool {
    essence(a).eq_ignore_ascii_case(essence(b))
}

/// Whether a media type is JSON: `application/json` or one with the suffix `+json` (RFC 6839 §3.1).
pub(crate) fn is_json(media_type: &str) -> bool {
    let essence = essence(media_type).to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

/// Whether a media type is markup, in which `<` begins something.
pub(crate) fn is_markup(media_type: &str) -> bool {
    let essence = essence(media_type).to_ascii_lowercase();
    essence.ends_with("html") || essence.ends_with("xml")
}

/// Quality in thousandths that the most specific range of `accept` gives to a media type.
fn quality(accept: &str, offer: &str) -> u16 {
    let mut found: Option<(u8, u16)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let Some(specificity) = matches(parts.next().unwrap_or_default(), offer) else {
            continue;
        };
        let quality = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(1000, thousandths);
        if found.is_none_or(|(known, _)| specificity > known) {
            found = Some((specificity, quality));
        }
    }
    found.map_or(0, |(_, quality)| quality)
}

/// How closely a range names a media type; `None` if it does not.
fn matches(range: &str, offer: &str) -> Option<u8> {
    if range == "*/*" || range == "*" {
        return Some(0);
    }
    if range.eq_ignore_ascii_case(offer) {
        return Some(2);
    }
    let (kind, subtype) = range.split_once('/')?;
    let (offered, _) = offer.split_once('/')?;
    (subtype == "*" && kind.eq_ignore_ascii_case(offered)).then_some(1)
}

/// A quality value (RFC 9110 §12.4.2); what is none counts as 1, as if it had not been sent.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return 1000;
    }
    match whole {
        "0" => format!("{fraction:0<3}").parse().unwrap_or(1000),
        _ => 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_quality_wins_then_the_first_offer() {
        let offers = ["application/json", "text/html; charset=utf-8", "text/plain"];
        for (accept, expected) in [
            (None, Some(0)),
            (Some("*/*"), Some(0)),
            (Some("text/html"), Some(1)),
            (Some("TEXT/HTML;level=1"), Some(1)),
            (Some("text/*"), Some(1)),
            (Some("text/*;q=0.5, text/plain"), Some(2)),
            (Some("application/json;q=0.1, text/plain;q=0.2"), Some(2)),
            (Some("*/*;q=0.1, text/plain;q=0"), Some(0)),
            (Some("application/*;q=0, */*"), Some(1)),
            (Some("image/png"), None),
            (Some("*/*;q=0"), None),
            (Some(""), None),
            (Some("text/html;q=1.000,text/plain;q=junk"), Some(1)),
        ] {
            let found = preferred(accept.map(str::as_bytes), offers.into_iter());
            assert_eq!(found, expected, "{accept:?}");
        }
        assert_eq!(preferred(Some(b"\xff"), offers.into_iter()), Some(0));
        assert_eq!(preferred(None, std::iter::empty()), None);
    }

    #[test]
    fn families_of_media_types() {
        for (media_type, json, markup) in [
            ("application/json", true, false),
            ("application/problem+json; charset=utf-8", true, false),
            ("Text/HTML", false, true),
            ("image/svg+xml", false, true),
            ("application/xml", false, true),
            ("text/plain", false, false),
        ] {
            assert_eq!(
                (is_json(media_type), is_markup(media_type)),
                (json, markup),
                "{media_type}"
            );
        }
        assert!(same_type(
            "application/JSON; charset=utf-8",
            "application/json"
        ));
        assert!(!same_type("text/json", "application/json"));
    }
}
