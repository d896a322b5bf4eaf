//! Files that are not UTF-8 and say so: UTF-16 and UTF-32 with a byte order mark, as editors of some systems write them
//! and YAML allows (YAML 1.2.2, section 5.2). All later phases see UTF-8.

use super::MAX_BYTES;

/// The bytes as UTF-8, if a byte order mark tells another encoding; else as they are, whatever they are.
pub(super) fn to_utf8(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let (encoding, units) = match bytes.as_slice() {
        [0xff, 0xfe, 0, 0, rest @ ..] => ("UTF-32", wide(rest, u32::from_le_bytes)),
        [0, 0, 0xfe, 0xff, rest @ ..] => ("UTF-32", wide(rest, u32::from_be_bytes)),
        [0xff, 0xfe, rest @ ..] => ("UTF-16", pairs(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => ("UTF-16", pairs(rest, u16::from_be_bytes)),
        _ => return Ok(bytes),
    };
    match units {
        Some(text) if text.len() <= MAX_BYTES => Ok(text.into_bytes()),
        Some(_) => Err(format!("the {encoding} text is larger than 64 MiB")),
        None => Err(format!(
            "the byte order mark says {encoding}, and the bytes are not"
        )),
    }
}

fn pairs(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let units = units.iter().map(|pair| unit(*pair));
    let text: Option<String> = char::decode_utf16(units).map(Result::ok).collect();
    text.filter(|_| rest.is_empty())
}

fn wide(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<4>();
    let text: Option<String> = units
        .iter()
        .map(|four| char::from_u32(unit(*four)))
        .collect();
    text.filter(|_| rest.is_empty())
}
