//! What an export may write, and that it appears whole or not at all.

use super::*;

pub(super) fn asked(path: PathBuf) -> Export {
    Export {
        table: "t".into(),
        path,
        format: None,
        version: None,
        timestamp: None,
        overwrite: false,
        key: None,
    }
}

#[test]
fn the_end_of_the_path_tells_the_format() {
    for (path, expected) in [
        ("a.csv", Some(ExportFormat::Csv)),
        ("a.JSONL", Some(ExportFormat::Json)),
        ("a/b.parquet", Some(ExportFormat::Parquet)),
        ("a", None),
    ] {
        let found = format_of(&asked(path.into()));
        match expected {
            Some(expected) => assert_eq!(found.unwrap(), expected, "{path}"),
            None => assert_eq!(*found.unwrap_err().condition, ARGUMENT_NOT_VALID),
        }
    }
}

#[test]
fn a_file_appears_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = folder.path().join("new").join("a.csv");
    let beside = Beside::of(&wanted).unwrap();
    fs::write(&beside.path, "half").unwrap();
    assert!(!wanted.exists());
    drop(beside);
    let left = fs::read_dir(folder.path().join("new")).unwrap().count();
    assert_eq!(left, 0);
    let beside = Beside::of(&wanted).unwrap();
    fs::write(&beside.path, "whole").unwrap();
    beside.publish().unwrap();
    assert_eq!(fs::read_to_string(&wanted).unwrap(), "whole");
}

#[test]
fn a_folder_is_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = folder.path().join("table");
    fs::create_dir(&wanted).unwrap();
    fs::write(wanted.join("old"), "").unwrap();
    let beside = Beside::of(&wanted).unwrap();
    fs::create_dir(&beside.path).unwrap();
    fs::write(beside.path.join("new"), "").unwrap();
    beside.publish().unwrap();
    drop(beside);
    let names: Vec<_> = fs::read_dir(&wanted)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["new"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
