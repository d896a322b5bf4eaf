//! The page on validation has the tables of the code.

use gateway_runtime::def::Format;
use gateway_runtime::schema::described;

use super::super::keywords::{DESCRIPTIVE_FORMATS, Effect, KEYWORDS};
use super::*;

fn keywords() -> String {
    let mut text = String::from("| Keyword | In | |\n|---|---|---|\n");
    for keyword in KEYWORDS {
        let effect = match keyword.effect {
            Effect::Enforced => "checked",
            Effect::Structure => "names and places schemas",
            Effect::Annotation => "for people and tools",
        };
        let dialects = keyword.dialects.iter().map(|dialect| match dialect {
            Dialect::Draft4 => "draft 4",
            Dialect::Swagger2 => "2.0",
            Dialect::OpenApi30 => "3.0",
            Dialect::Json2020_12 => "3.1",
        });
        let dialects = dialects.collect::<Vec<_>>().join(", ");
        text.push_str(&format!("| `{}` | {dialects} | {effect} |\n", keyword.name));
    }
    text
}

fn formats() -> String {
    let mut text = String::from("| Format | The value has to be |\n|---|---|\n");
    for format in Format::ALL {
        text.push_str(&format!(
            "| `{}` | {} |\n",
            format.word(),
            described(*format)
        ));
    }
    let words: Vec<String> = DESCRIPTIVE_FORMATS
        .iter()
        .map(|word| format!("`{word}`"))
        .collect();
    text.push_str(&format!(
        "\nThese describe and leave nothing to check: {}. Any other word is a note (`schema-format-unknown`).\n",
        words.join(", ")
    ));
    text
}

#[test]
fn the_page_has_the_tables_of_the_code() {
    let path = folder("../docs/validation.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut made = page.clone();
    for (name, table) in [("keywords", keywords()), ("formats", formats())] {
        let open = format!("<!-- {name} -->\n");
        let start = made.find(&open).unwrap() + open.len();
        let end = start + made[start..].find("<!-- end -->").unwrap();
        made.replace_range(start..end, &table);
    }
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, &made).unwrap();
    } else {
        assert_eq!(
            page, made,
            "UPDATE_EXPECTED=1 cargo test -p gateway-codegen --lib page"
        );
    }
}
