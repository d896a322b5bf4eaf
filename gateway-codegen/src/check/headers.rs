//! Which header fields a document may write, and what may stand in them (RFC 9110 §5, §7.6.1; RFC 9112 §6).

/// Fields that belong to one connection or to the framing of one message. The gateway writes them itself.
const OF_THE_CONNECTION: &[&str] = &[
    "connection",
    "content-length",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Why a document may not set or remove a field, as it follows the field's name.
pub(crate) fn name_fault(name: &str) -> Option<&'static str> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Some("is no name of a header field");
    }
    let name = name.to_ascii_lowercase();
    if OF_THE_CONNECTION.contains(&name.as_str()) {
        Some("belongs to the connection and is written by the gateway alone")
    } else if name == "via" {
        Some("is how the gateway knows its own requests and is written by it alone")
    } else {
        None
    }
}

/// The first byte that cannot stand in a field's value.
pub(crate) fn value_fault(value: &str) -> Option<usize> {
    value
        .bytes()
        .position(|b| b.is_ascii_control() && b != b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_connection_are_nobodys_to_write() {
        for name in ["Connection", "transfer-encoding", "Content-Length", "via"] {
            assert!(name_fault(name).is_some(), "{name}");
        }
        for name in ["x-user", "Cookie", "Host", "Authorization"] {
            assert_eq!(name_fault(name), None, "{name}");
        }
        for name in ["", "a b", "a:b", "ä", "a\r\n"] {
            assert_eq!(
                name_fault(name),
                Some("is no name of a header field"),
                "{name:?}"
            );
        }
    }

    #[test]
    fn values_cannot_break_out_of_their_field() {
        assert_eq!(value_fault("a\tb ü"), None);
        assert_eq!(value_fault("a\r\nx: y"), Some(1));
        assert_eq!(value_fault("a\0"), Some(1));
    }
}
