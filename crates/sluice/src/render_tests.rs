//! Frames as people see them, and their JSON.

use sluice_model::condition::project::PROJECT_FIELD_VALUE;
use sluice_model::condition::sql::PARSE_SYNTAX_ERROR;

use super::*;

fn check(diagnostic: &Diagnostic, text: &str, expected: &str) {
    let mut texts = SourceTexts::default();
    texts.give("a.sql", text);
    let shown = frame(diagnostic, &texts, false);
    assert_eq!(shown, expected.trim_matches('\n'), "\n{shown}");
}

#[test]
fn a_frame_shows_place_facts_and_helps() {
    let diagnostic = Diagnostic::error(&PARSE_SYNTAX_ERROR, "unexpected `FORM`")
        .at(&Origin::new("a.sql", 2, 10, 4), "did you mean FROM?")
        .fact("a fact")
        .help("write `FROM`")
        .help("or nothing");
    check(
        &diagnostic,
        "-- é\nSELECT é FORM t\nthird",
        "
error[PARSE_SYNTAX_ERROR]: unexpected `FORM`
 --> a.sql:2:10
  |
2 | SELECT é FORM t
  |          ^^^^ did you mean FROM?
  |
  = a fact
help: write `FROM`
help: or nothing",
    );
}

#[test]
fn several_places_and_files() {
    let diagnostic = Diagnostic::warning(&PROJECT_FIELD_VALUE, "twice")
        .at(&Origin::new("a.sql", 3, 1, 3), "here")
        .at(&Origin::new("a.sql", 1, 1, 3), "first here")
        .at(&Origin::new("b.yml", 7, 3, 1), "not shown");
    check(
        &diagnostic,
        "one\ntwo\nthree",
        "
warning[PROJECT_FIELD_VALUE]: twice
 --> a.sql:3:1
  |
1 | one
  | --- first here
2 | two
3 | three
  | ^^^ here
 ::: b.yml:7:3",
    );
}

#[test]
fn a_whole_file_and_no_place() {
    check(
        &Diagnostic::note(&PROJECT_FIELD_VALUE, "whole").at(&Origin::new("a.sql", 1, 1, 0), ""),
        "text",
        "note[PROJECT_FIELD_VALUE]: whole\n--> a.sql:1:1",
    );
    check(
        &Diagnostic::error(&PROJECT_FIELD_VALUE, "nowhere"),
        "",
        "error[PROJECT_FIELD_VALUE]: nowhere",
    );
}

#[test]
fn places_outside_the_text_do_no_harm() {
    for (line, column, length) in [(9, 1, 1), (1, 99, 5), (1, 2, 99), (1, 5, 0), (2, 1, 0)] {
        let diagnostic = Diagnostic::error(&PROJECT_FIELD_VALUE, "x")
            .at(&Origin::new("a.sql", line, column, length), "mark");
        let mut texts = SourceTexts::default();
        texts.give("a.sql", "text\r\n");
        let shown = frame(&diagnostic, &texts, false);
        assert!(shown.contains("a.sql:"), "{shown}");
    }
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let mut texts = SourceTexts::default();
    texts.give("a.sql", "x\u{1b}[31m y");
    let diagnostic = Diagnostic::error(&PROJECT_FIELD_VALUE, "bad \u{1b}[0m")
        .at(&Origin::new("a.sql", 1, 1, 1), "");
    assert!(!frame(&diagnostic, &texts, false).contains('\u{1b}'));
}

#[test]
fn json_says_the_same() {
    let diagnostic = Diagnostic::error(&PARSE_SYNTAX_ERROR, "m")
        .at(&Origin::new("a.sql", 2, 3, 4), "l")
        .help("h");
    assert_eq!(
        diagnostic_json(&diagnostic).to_string(),
        r#"{"code":"PARSE_SYNTAX_ERROR","sqlstate":"42601","severity":"error","message":"m","facts":[],"help":["h"],"file":"a.sql","line":2,"col":3,"end_col":7,"labels":[{"file":"a.sql","line":2,"col":3,"end_col":7,"text":"l"}]}"#
    );
}

#[test]
fn counts_are_in_words() {
    let error = Diagnostic::error(&PARSE_SYNTAX_ERROR, "");
    let warning = Diagnostic::warning(&PARSE_SYNTAX_ERROR, "");
    assert_eq!(count(&[]), None);
    assert_eq!(
        count(&[error.clone(), warning.clone(), error.clone()]).as_deref(),
        Some("2 errors, 1 warning")
    );
    assert_eq!(count(&[warning]).as_deref(), Some("1 warning"));
}
