//! The numbers of the documentation are the numbers of the model.

#![expect(clippy::expect_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::{EncodedSlash, Limits};

#[test]
fn the_page_of_limits_has_the_defaults() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/limits.md");
    let page = std::fs::read_to_string(file).expect("docs/limits.md");
    let rows: BTreeMap<&str, &str> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            Some((
                cells.next()?.trim_matches('`'),
                cells.next()?.trim_matches('`'),
            ))
        })
        .collect();
    for (member, default) in written(&Limits::default()) {
        assert_eq!(
            rows.get(member).copied(),
            Some(default.as_str()),
            "{member}"
        );
    }
}

fn written(limits: &Limits) -> Vec<(&'static str, String)> {
    // Without `..`: a new limit needs a row.
    let Limits {
        body,
        headers,
        header_count,
        uri,
        requests_per_connection,
        header_timeout,
        body_timeout,
        idle_timeout,
        connections,
        http2_streams,
        http2_stream_window,
        http2_connection_window,
        http2_header_list,
        http2_resets,
        encoded_slash,
    } = limits;
    vec![
        ("body", size(*body)),
        ("headers", size(u64::from(*headers))),
        ("headerCount", count(*header_count)),
        ("uri", size(u64::from(*uri))),
        ("requestsPerConnection", count(*requests_per_connection)),
        ("headerTimeout", time(*header_timeout)),
        ("bodyTimeout", time(*body_timeout)),
        ("idleTimeout", time(*idle_timeout)),
        ("connections", count(*connections)),
        ("http2.streams", count(*http2_streams)),
        ("http2.streamWindow", size(u64::from(*http2_stream_window))),
        (
            "http2.connectionWindow",
            size(u64::from(*http2_connection_window)),
        ),
        ("http2.headerList", size(u64::from(*http2_header_list))),
        ("http2.resets", count(*http2_resets)),
        (
            "paths.encodedSlash",
            match encoded_slash {
                EncodedSlash::Refuse => "refuse".to_owned(),
                EncodedSlash::Keep => "keep".to_owned(),
            },
        ),
    ]
}

fn size(bytes: u64) -> String {
    match bytes {
        whole if whole % (1024 * 1024) == 0 => format!("{} MiB", whole / 1024 / 1024),
        whole => format!("{} KiB", whole / 1024),
    }
}

fn count(number: u32) -> String {
    match number {
        thousands if thousands >= 1000 => format!("{},{:03}", thousands / 1000, thousands % 1000),
        few => few.to_string(),
    }
}

fn time(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}
