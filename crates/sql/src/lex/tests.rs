//! Tokens, escapes and the places of lexical errors.

use super::*;

fn shown(text: &str) -> Vec<String> {
    let (lexemes, errors) = lex(text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    lexemes
        .iter()
        .map(|lexeme| match &lexeme.token {
            Token::Word(word) if word.quote_style.is_some() => format!("`{}`", word.value),
            Token::Word(word) => word.value.clone(),
            Token::Number(number, _) => format!("#{number}"),
            Token::SingleQuotedString(value) => format!("'{value}'"),
            other => other.to_string(),
        })
        .collect()
}

#[test]
fn words_numbers_and_operators_are_split_as_spark_does() {
    let cases: &[(&str, &[&str])] = &[
        ("a.b", &["a", ".", "b"]),
        (
            "1L 2S 3Y 1.5D 2F 10BD 1.5BD",
            &["#1L", "#2S", "#3Y", "#1.5D", "#2F", "#10BD", "#1.5BD"],
        ),
        (
            "1e5 1E-3 .5 1. 2.5e+10",
            &["#1e5", "#1E-3", "#.5", "#1.", "#2.5e+10"],
        ),
        (
            "2024_sales 1abc 5minutes",
            &["2024_sales", "1abc", "5minutes"],
        ),
        (
            "a<=>b!=c<>d==e",
            &["a", "<=>", "b", "<>", "c", "<>", "d", "==", "e"],
        ),
        ("x->x||'a'", &["x", "->", "x", "||", "'a'"]),
        (
            "v:a.b[0]::int",
            &["v", ":", "a", ".", "b", "[", "#0", "]", "::", "int"],
        ),
        ("t@v3", &["t", "@", "v3"]),
        ("`a``b c`", &["`a`b c`"]),
        ("a -- comment\nb /* c /* d */ e */ f", &["a", "b", "f"]),
        ("a -- x\\\n still\nb", &["a", "b"]),
        ("a\n-- COMMAND ----------\nb", &["a", ";", "b"]),
        ("-- MAGIC %md # Title\na", &["a"]),
        ("température größe", &["température", "größe"]),
        ("\u{feff}a", &["a"]),
    ];
    for (text, expected) in cases {
        assert_eq!(&shown(text), expected, "{text}");
    }
}

#[test]
fn strings_take_both_quotes_and_sparks_escapes() {
    let cases: &[(&str, &str)] = &[
        ("'it''s'", "it's"),
        ("\"say \"\"hi\"\"\"", "say \"hi\""),
        ("'it\\'s'", "it's"),
        ("'a\\nb\\tc\\\\d'", "a\nb\tc\\d"),
        ("'\\u0041\\U00000042\\103'", "ABC"),
        ("'50\\% \\_x \\q'", "50\\% \\_x q"),
        ("r'\\d+\\n'", "\\d+\\n"),
        ("R\"C:\\\"", "C:\\"),
        ("'two\nlines'", "two\nlines"),
        ("'\\uZZ'", "uZZ"),
        ("''", ""),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), [format!("'{expected}'")], "{text}");
    }
    assert_eq!(shown("X'1F'"), ["X'1F'"]);
}

#[test]
fn what_never_ends_is_reported_where_it_begins() {
    for (text, line, column) in [
        ("SELECT\n  'abc", 2, 3),
        ("SELECT `abc", 1, 8),
        ("a /* b /* c */", 1, 3),
        ("SELECT \"x", 1, 8),
        ("x r'", 1, 3),
        ("a # b", 1, 3),
        ("é \0", 1, 3),
    ] {
        let (_, errors) = lex(text);
        assert_eq!(errors.len(), 1, "{text}");
        assert_eq!(
            (errors[0].span.start.line, errors[0].span.start.column),
            (line, column),
            "{text}"
        );
    }
}
