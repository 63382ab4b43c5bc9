//! `sluice test` holds every assertion of a file against something, or says that it cannot.

use std::fs;

use super::{sluice, tested};

/// A file that asserts or puts what cannot be, the condition that it gets, its line, and words of what is told.
const WRONG: [(&str, &str, u32, &str); 13] = [
    (
        "--- query\nSELECT 1 AS a\n--- expect\na\n1\n--- expect\na\n2\n",
        "TEST_SYNTAX_ERROR",
        7,
        "`--- query` is answered already",
    ),
    (
        "--- update\n--- expect\na\n99\n",
        "TEST_SYNTAX_ERROR",
        3,
        "possible behind a `query`",
    ),
    (
        "--- note\nanything\n",
        "TEST_SYNTAX_ERROR",
        2,
        "no station before it",
    ),
    (
        "# not under: nosuchregime (why)\n--- update\n",
        "TEST_SYNTAX_ERROR",
        2,
        "full-refresh",
    ),
    (
        "--- update\n--- error\n",
        "TEST_ANSWER_DIFFERS",
        3,
        "says that it fails; it succeeds",
    ),
    (
        "--- update\n\n--- error\n...\n",
        "TEST_ANSWER_DIFFERS",
        4,
        "says that it fails; it succeeds",
    ),
    (
        "--- validate\n--- error\n...\n",
        "TEST_ANSWER_DIFFERS",
        3,
        "says that it fails; it succeeds",
    ),
    (
        "--- plan\n--- error\n...\n",
        "TEST_ANSWER_DIFFERS",
        3,
        "says that it fails; it succeeds",
    ),
    (
        "--- given silve\nid STRING\na\n--- update\n",
        "TEST_SYNTAX_ERROR",
        2,
        "did you mean `silver`?",
    ),
    (
        "--- given weather\nid STRING\na\n--- update\n",
        "TEST_SYNTAX_ERROR",
        2,
        "it declares and reads `bronze`, `gold`, `silver`",
    ),
    (
        "--- given bronze\nid STRING | v INT\na | 1\nb | gestern\n--- update\n",
        "TEST_SYNTAX_ERROR",
        5,
        "column `v`: `gestern` is no INT",
    ),
    (
        "--- given bronze\nid STRIN\na\n--- update\n",
        "TEST_SYNTAX_ERROR",
        3,
        "`STRIN` is not a data type",
    ),
    (
        "--- query\nSELECT 'NULL' AS a\n--- expect\na\nNULL\n",
        "TEST_ANSWER_DIFFERS",
        4,
        "+ 'NULL'",
    ),
];

#[test]
fn nothing_that_a_test_says_is_ignored() {
    let files: Vec<(String, String)> = WRONG
        .iter()
        .enumerate()
        .map(|(number, (text, ..))| (format!("{number:02}.test"), format!("# x\n{text}")))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(n, t)| (n.as_str(), t.as_str()))
        .collect();
    let project = tested(&files);
    for ((name, text), (_, condition, line, told)) in files.iter().zip(WRONG) {
        let ended = sluice(project.path(), &format!("test {name}"));
        assert_eq!(ended.code, 1, "{text}");
        let place = format!("tests/{name}:{line}:1");
        for shown in [condition, &place, told] {
            assert!(ended.stdout.contains(shown), "{shown}\n{}", ended.stdout);
        }
    }
}

#[test]
fn a_text_that_reads_null_is_none_and_what_is_read_from_outside_can_be_given() {
    let read = "# A table of somebody else.\n\
        --- file src/b.sql\nCREATE MATERIALIZED VIEW named AS SELECT id, name FROM devices;\n\
        --- given devices\nid STRING | name STRING\na | 'NULL'\nb | NULL\n--- update\n\
        --- query\nSELECT id, name FROM named\n--- expect\nid | name\na | 'NULL'\nb | NULL\n";
    let project = tested(&[("read.test", read)]);
    let ended = sluice(project.path(), "test --regimes");
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}

#[test]
fn filling_leaves_alone_what_holds() {
    let text = "# x\n--- update\n\n--- query\nSELECT 'NULL' AS a, NULL AS b\n--- expect\n";
    let asked = "# x\n--- update\n?\n";
    let project = tested(&[("bare.test", text), ("asked.test", asked)]);
    let ended = sluice(project.path(), "test --update");
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    let filled = |name: &str| fs::read_to_string(project.path().join("tests").join(name)).unwrap();
    assert_eq!(
        filled("bare.test"),
        format!("{text}a      | b\n'NULL' | NULL\n")
    );
    let asked = filled("asked.test");
    assert!(asked.contains("silver  IDLE"), "{asked}");
    let again = sluice(project.path(), "test");
    assert_eq!(again.code, 0, "{}", again.stdout);
}
