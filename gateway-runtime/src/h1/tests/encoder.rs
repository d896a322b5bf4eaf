//! Bodies put into their framing.

use http_body::Frame;

use super::*;

#[test]
fn sizes_of_chunks() {
    for length in [1, 9, 15, 16, 255, 256, 4096, 65_535, 1 << 30] {
        let mut out = Vec::new();
        super::super::encoder::chunk(&mut out, length);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{length:x}\r\n"));
    }
}

/// What becomes of pieces, `None` being the end; a piece of `t` is the trailer `t: 1`.
fn encoded(framing: Framing, pieces: &[Option<&'static str>]) -> (String, Encoder, bool) {
    let (mut out, mut encoder) = (Outbox::default(), Encoder::new(framing));
    let mut too_long = false;
    for piece in pieces {
        match piece {
            None => encoder.end(&mut out),
            Some("t") => {
                let mut trailers = http::HeaderMap::new();
                trailers.insert("t", http::HeaderValue::from_static("1"));
                encoder.put(Frame::trailers(trailers), &mut out).unwrap();
            }
            Some(text) => {
                let piece = Frame::data(Bytes::from_static(text.as_bytes()));
                too_long |= encoder.put(piece, &mut out).is_err();
            }
        }
    }
    let text = String::from_utf8(out.text().clone()).unwrap();
    (text, encoder, too_long)
}

#[test]
fn bodies_are_put_into_their_framing() {
    use Encoder::{Broken, Whole};
    let length = Framing::Length(5);
    for (framing, pieces, expected, then) in [
        (Framing::Empty, &[None][..], "", Whole),
        (length, &[Some("ab"), Some("cde"), None], "abcde", Whole),
        (length, &[Some("ab"), Some("")], "ab", Encoder::Length(3)),
        (length, &[Some("ab"), None], "ab", Broken),
        (length, &[Some("abcde"), Some("t")], "abcde", Whole),
        (length, &[Some("ab"), Some("t")], "ab", Broken),
        (
            Framing::Chunked,
            &[Some("ab"), Some(""), Some("c"), None],
            "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            Whole,
        ),
        (
            Framing::Chunked,
            &[Some("ab"), Some("t")],
            "2\r\nab\r\n0\r\nt: 1\r\n\r\n",
            Whole,
        ),
        (Framing::Chunked, &[None, None], "0\r\n\r\n", Whole),
        (
            Framing::Close,
            &[Some("ab"), Some("cd")],
            "abcd",
            Encoder::Close,
        ),
        (Framing::Close, &[Some("ab"), Some("t")], "ab", Whole),
    ] {
        let what = format!("{framing:?} {pieces:?}");
        let expected = (expected.to_owned(), then, false);
        assert_eq!(encoded(framing, pieces), expected, "{what}");
    }
}

#[test]
fn no_byte_is_written_beyond_a_length() {
    for (framing, pieces, written) in [
        (Framing::Empty, &[Some("x")][..], ""),
        (
            Framing::Length(3),
            &[Some("ab"), Some("cd"), Some("e")],
            "ab",
        ),
        (Framing::Length(2), &[Some("ab"), None, Some("c")], "ab"),
        (
            Framing::Chunked,
            &[Some("a"), None, Some("b")],
            "1\r\na\r\n0\r\n\r\n",
        ),
    ] {
        let (text, encoder, too_long) = encoded(framing, pieces);
        assert_eq!((text.as_str(), too_long), (written, true), "{framing:?}");
        assert!(encoder.is_done());
    }
    let mut encoder = Encoder::new(Framing::Chunked);
    encoder.abort();
    let mut out = Outbox::default();
    encoder.end(&mut out);
    assert_eq!(encoder, Encoder::Broken);
    assert!(out.is_empty(), "what broke off has no end");
}
