//! What lies in a source folder and is never read: said by the commands, because nobody would miss it otherwise.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use super::{folder, sluice};

#[test]
fn links_that_lead_out_and_names_that_are_no_text_are_told() {
    let room = folder(&[
        (
            "spark-pipeline.yml",
            "{name: p, libraries: [{glob: {include: src/**}}]}\n",
        ),
        (
            "src/p.sql",
            "CREATE STREAMING TABLE t AS SELECT id FROM STREAM read_files('in', format => 'json', schema => 'id INT');\n",
        ),
        ("in/1.json", "{\"id\":1}\n"),
        ("elsewhere/2.json", "{\"id\":2}\n"),
    ]);
    let source = room.path().join("in");
    symlink(room.path().join("elsewhere/2.json"), source.join("2.json")).unwrap();
    fs::write(source.join(OsStr::from_bytes(b"\xff.json")), "{\"id\":3}\n").unwrap();
    for line in ["validate -v", "run"] {
        let ended = sluice(room.path(), line);
        assert_eq!(ended.code, 0, "{line}: {}", ended.stderr);
        let told = format!("{}{}", ended.stdout, ended.stderr);
        for expected in [
            "warning[PATH_NOT_ALLOWED]: 1 entry is left out of `in`",
            "2.json",
            "warning[PATH_INVALID]: 1 entry is left out of `in`",
        ] {
            assert!(told.contains(expected), "{line}: {told}");
        }
    }
    let events = sluice(room.path(), "logs");
    let told = format!("{}{}", events.stdout, events.stderr);
    assert!(told.contains("[PATH_NOT_ALLOWED]"), "{told}");
}
