//! What is accepted, what is refused, and that findings point where they should.

use proptest::prelude::*;

use super::*;

fn only_finding(text: &str) -> String {
    let parsed = parse(text);
    assert_eq!(parsed.diagnostics.len(), 1, "{text}: {:?}", parsed.diagnostics);
    parsed.diagnostics[0].to_string()
}

#[test]
fn comments_and_order_are_kept_out_and_kept() {
    let parsed = parse("\u{feff}// head\n{ /* a */ \"z\": 1, \"a\": [true, null, \"\\u00e9\"] } // end");
    assert!(parsed.diagnostics.is_empty());
    let value = parsed.document.unwrap().value;
    assert_eq!(value.to_string(), r#"{"z":1,"a":[true,null,"é"]}"#);
}

#[test]
fn a_trailing_comma_is_a_warning_at_its_place() {
    let parsed = parse("{\n  \"a\": [1,],\n}");
    assert!(parsed.document.is_some());
    let finding = parsed.diagnostics[0].to_string();
    assert!(finding.starts_with("2:10: warning: trailing comma"), "{finding}");
}

#[test]
fn what_lax_parsers_accept_is_refused_with_its_place() {
    for (text, expected) in [
        ("{\"a\": 1 \"b\": 2}", "1:8: error: expected comma"),
        ("{'a': 1}", "1:2: error: single-quoted"),
        ("{a: 1}", "1:2: error: expected string for object property"),
        ("{\"a\": 0x1F}", "1:7: error: hexadecimal"),
        ("{\"a\": +1}", "1:7: error: unary plus"),
        ("{\"a\": .5}", "1:7: error:"),
        ("{\"a\": NaN}", "1:7: error:"),
        ("{\"a\": yes}", "1:7: error: unexpected token"),
        ("{\"a\": 1} {}", "1:10: error: text cannot contain more than one"),
        ("{\"a\": 1", "1:1: error: unterminated object"),
        ("{\n\"ä\": \"é\" ]", "2:10: error:"),
        ("", "1:1: error: the file is empty"),
        ("// only a comment", "1:1: error: the file is empty"),
    ] {
        let finding = only_finding(text);
        assert!(finding.starts_with(expected), "{text}: {finding}");
    }
}

#[test]
fn a_key_that_stands_twice_names_both_places() {
    let finding = only_finding("{\n  \"o\": {\"a\": 1,\n    \"a\": 2}\n}");
    assert_eq!(finding, "3:5: error: o.a: this key already stands at line 2, column 9 (keep one of the two)");
}

#[test]
fn columns_count_characters_and_lines_all_three_endings() {
    let parsed = parse("{\"é😀\": 1,\r\n\t\"b\":\r 2}");
    let document = parsed.document.unwrap();
    let path = PropertyPath::of("b");
    assert_eq!(document.locations.key(&path), Some(Position { line: 2, column: 2 }));
    assert_eq!(document.locations.value(&path), Some(Position { line: 3, column: 2 }));
    assert_eq!(document.locations.value(&PropertyPath::of("é😀")), Some(Position { line: 1, column: 8 }));
    assert_eq!(document.locations.value(&PropertyPath::of("absent")), Some(Position { line: 1, column: 1 }));
}

#[test]
fn limits_hold() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(parse(&deep(MAX_DEPTH)).document.is_some());
    for n in [MAX_DEPTH + 1, 300, 600, 100_000] {
        assert!(only_finding(&deep(n)).contains("nested deeper than 128"));
    }
    let keys = |n: usize| {
        let keys: Vec<String> = (0..n).map(|i| format!("\"k{i}\":1")).collect();
        format!("{{{}}}", keys.join(","))
    };
    assert!(parse(&keys(MAX_KEYS)).document.is_some());
    assert!(only_finding(&keys(MAX_KEYS + 1)).contains("more than 10000 keys"));
    assert!(only_finding(&format!("[{}0]", "0,".repeat(MAX_VALUES))).contains("more than 100000 values"));
    let long_key = format!("{{\"{}\":1}}", "k".repeat(MAX_KEY_BYTES + 1));
    assert!(only_finding(&long_key).starts_with("1:2: error: a key longer than 512 bytes"));
    assert!(only_finding(&" ".repeat(MAX_BYTES + 1)).contains("1048577 bytes"));
}

const VALID: &str = r#"{
  // a container
  "name": "é", "image": "debian:12", "mounts": ["type=bind,source=/a,target=/b", {"type": "volume"}],
  "remoteEnv": {"A": null, "B": "${localEnv:B}"}, "init": true, "forwardPorts": [3000, -1.5e3]
}"#;

proptest! {
    #[test]
    fn any_text_is_survived(text in "\\PC*") {
        parse(&text);
    }

    #[test]
    fn json_like_text_is_survived(text in "[\\[\\]{}:,\"'\\\\/*a0-9.eE+\\- \r\n\u{e9}]{0,80}") {
        parse(&text);
    }

    #[test]
    fn mutants_of_a_valid_file_are_survived_and_located(
        cut in 0..VALID.len(), length in 0..8usize, insert in "[\\[\\]{}:,\"\\\\/*x0]{0,3}",
    ) {
        let start = VALID.floor_char_boundary(cut);
        let end = VALID.floor_char_boundary((cut + length).min(VALID.len())).max(start);
        let mutant = format!("{}{insert}{}", &VALID[..start], &VALID[end..]);
        let parsed = parse(&mutant);
        prop_assert!(parsed.document.is_some() || parsed.diagnostics.iter().all(|d| d.position.is_some()));
        prop_assert!(parsed.document.is_some() != parsed.diagnostics.iter().any(Diagnostic::is_error));
    }

    #[test]
    fn strings_come_back_unchanged(text in any::<String>()) {
        let written = serde_json::json!({ "a": &text }).to_string();
        prop_assert_eq!(&parse(&written).document.unwrap().value["a"], &Value::String(text));
    }
}
