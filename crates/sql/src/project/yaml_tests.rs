//! Cases of the YAML reader.

use super::*;

/// Renders the tree on one line with the place of every scalar.
fn show(node: &Node) -> String {
    let at = format!(
        "@{}:{}+{}",
        node.origin.line, node.origin.column, node.origin.length
    );
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => format!("bool {value}{at}"),
        Value::Number(text) => format!("number {text}{at}"),
        Value::String(text) => format!("'{text}'{at}"),
        Value::Sequence(items) => format!(
            "[{}]",
            items.iter().map(show).collect::<Vec<_>>().join(", ")
        ),
        Value::Mapping(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|e| format!("{}: {}", e.key, show(&e.node)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

#[test]
fn values_keep_their_places() {
    for (text, expected) in [
        ("", "{}"),
        ("# only a comment\n", "{}"),
        ("a: b", "{a: 'b'@1:4+1}"),
        (
            "a: true\nb: yes\nc: 12\nd: 1.5\ne: '12'\nf:\n",
            "{a: bool true@1:4+4, b: 'yes'@2:4+3, c: number 12@3:4+2, d: number 1.5@4:4+3, e: '12'@5:4+4, f: null}",
        ),
        ("a:\n  - x\n  - y: z\n", "{a: ['x'@2:5+1, {y: 'z'@3:8+1}]}"),
        ("on: 1\n1: two\n", "{on: number 1@1:5+1, 1: 'two'@2:4+3}"),
        ("ä: 'ö'\n", "{ä: 'ö'@1:4+3}"),
        (
            "base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n",
            "{base: {x: number 1@1:14+1, y: number 2@1:20+1}, use: {y: number 3@4:6+1, x: number 1@1:14+1}}",
        ),
        (
            "v: &v hello\nw: *v\n",
            "{v: 'hello'@1:7+5, w: 'hello'@1:7+5}",
        ),
        (
            "a: ${var.x}\nb: '0 0 * * * ?'\n",
            "{a: '${var.x}'@1:4+8, b: '0 0 * * * ?'@2:4+13}",
        ),
        ("url: s3://bucket/x\n", "{url: 's3://bucket/x'@1:6+13}"),
    ] {
        let (node, diagnostics) = parse("f.yml", text);
        assert_eq!(
            diagnostics
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            Vec::<String>::new(),
            "{text}"
        );
        assert_eq!(show(&node.unwrap()), expected, "{text}");
    }
}

#[test]
fn bad_documents_are_named_with_their_place() {
    let explosion: String = std::iter::once("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned())
        .chain((1..10).map(|i| {
            let before = format!("*a{}", i - 1);
            format!("a{i}: &a{i} [{}]\n", vec![before; 10].join(", "))
        }))
        .collect();
    let deep = format!("a: {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    let deep_block = (0..2_000).fold(String::new(), |text, i| text + &" ".repeat(i) + "a:\n");
    for (text, condition, place) in [
        ("a:\n\tb: 1\n", "YAML_SYNTAX_ERROR", Some("f.yml:2:")),
        ("a: 1\na: 2\n", "YAML_DUPLICATE_KEY", Some("f.yml:2:1")),
        ("a: [1, 2\n", "YAML_SYNTAX_ERROR", None),
        ("a: b: c\n", "YAML_SYNTAX_ERROR", Some("f.yml:1:")),
        ("a: *missing\n", "YAML_SYNTAX_ERROR", Some("f.yml:1:4")),
        ("a: 1\n---\nb: 2\n", "YAML_SYNTAX_ERROR", None),
        ("a: 1\n// remark\nb: 2\n", "YAML_SYNTAX_ERROR", None),
        (explosion.as_str(), "YAML_LIMIT_EXCEEDED", None),
        (deep.as_str(), "YAML_LIMIT_EXCEEDED", None),
        (deep_block.as_str(), "YAML_LIMIT_EXCEEDED", None),
    ] {
        let shown: String = text.chars().take(60).collect();
        let (node, diagnostics) = parse("f.yml", text);
        assert!(node.is_none(), "{shown}");
        let [diagnostic] = diagnostics.as_slice() else {
            panic!("{shown}: {diagnostics:?}")
        };
        assert_eq!(
            diagnostic.condition.name, condition,
            "{shown}: {diagnostic}"
        );
        if let Some(place) = place {
            let origin = diagnostic.origin().unwrap().to_string();
            assert!(origin.starts_with(place), "{shown}: {origin}");
        }
    }
}

#[test]
fn slashes_are_no_comment() {
    let (node, diagnostics) = parse("f.yml", "a: dev // the catalog\nb: 'x // y'\nc: http://x\n");
    assert_eq!(
        node.unwrap().get("a").unwrap().scalar().unwrap(),
        "dev // the catalog"
    );
    let [diagnostic] = diagnostics.as_slice() else {
        panic!("{diagnostics:?}")
    };
    assert_eq!(diagnostic.condition.name, "YAML_SLASH_COMMENT");
    assert_eq!(diagnostic.origin().unwrap().to_string(), "f.yml:1:4");
}

#[test]
fn layers_are_merged() {
    for (base, over, expected) in [
        ("a: 1\nb: 2", "b: 3\nc: 4", "{a: 1, b: 3, c: 4}"),
        ("a: {x: 1}", "a: {y: 2}", "{a: {x: 1, y: 2}}"),
        ("a: [1]", "a: [2]", "{a: [1, 2]}"),
        ("a: [1]", "a: x", "{a: x}"),
        ("a: 1", "a:", "{a: 1}"),
    ] {
        let mut node = parse("f.yml", base).0.unwrap();
        node.merge(parse("g.yml", over).0.unwrap());
        assert_eq!(plain(&node), expected, "{base} + {over}");
    }
}

fn plain(node: &Node) -> String {
    match &node.value {
        Value::Sequence(items) => format!(
            "[{}]",
            items.iter().map(plain).collect::<Vec<_>>().join(", ")
        ),
        Value::Mapping(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|e| format!("{}: {}", e.key, plain(&e.node)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        _ => node.scalar().unwrap_or_else(|| "null".to_owned()),
    }
}

#[test]
fn tabs_and_slashes_get_a_help() {
    for (text, expected) in [
        ("a:\n\tb: 1\n", "spaces"),
        ("name: x\n\tb: 1\n", "spaces"),
        ("a: [1, // one\nb: 2\n", "`#`"),
    ] {
        let (_, diagnostics) = parse("f.yml", text);
        let helps = diagnostics.first().unwrap().helps.join("|");
        assert!(helps.contains(expected), "{text}: {helps}");
    }
}
