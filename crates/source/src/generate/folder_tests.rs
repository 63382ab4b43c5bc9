//! Files appear whole or not at all. Must not test what is in a record.

use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;

use super::*;

fn options(folder: &Path) -> FolderOptions {
    FolderOptions {
        folder: folder.to_path_buf(),
        tables: vec!["a/b".to_owned(), String::new()],
        stem: "fleet".to_owned(),
        extension: "csv".to_owned(),
        is_packed: false,
        records_max: 2,
        age_us_max: None,
    }
}

fn put(files: &mut RollingFiles, table: usize, text: &str) -> io::Result<()> {
    files.put(Record {
        table,
        device: 0,
        header: Some(b"h"),
        bytes: text.as_bytes(),
    })
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn files_have_so_many_records_and_a_header_each() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = RollingFiles::create(options(folder.path())).unwrap();
    for text in ["1", "2", "3"] {
        put(&mut files, 0, text).unwrap();
    }
    put(&mut files, 1, "x").unwrap();
    let below = folder.path().join("a/b");
    assert_eq!(names(&below), [".fleet-000002.csv.tmp", "fleet-000001.csv"]);
    files.finish().unwrap();
    assert_eq!(names(&below), ["fleet-000001.csv", "fleet-000002.csv"]);
    assert_eq!(names(folder.path()), ["fleet-000003.csv"]);
    assert_eq!(
        fs::read_to_string(below.join("fleet-000001.csv")).unwrap(),
        "h\n1\n2\n"
    );
    assert_eq!((files.files(), files.bytes()), (3, 14));
}

#[test]
fn files_are_completed_when_they_are_old_enough() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = RollingFiles::create(FolderOptions {
        age_us_max: Some(10),
        ..options(folder.path())
    })
    .unwrap();
    files.tick(100).unwrap();
    put(&mut files, 1, "x").unwrap();
    files.tick(109).unwrap();
    assert_eq!(files.files(), 0);
    files.tick(110).unwrap();
    assert_eq!(files.files(), 1);
}

#[test]
fn a_file_that_is_there_stays_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("fleet-000001.csv"), "old").unwrap();
    let mut files = RollingFiles::create(options(folder.path())).unwrap();
    let error = put(&mut files, 1, "x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(names(folder.path()), ["fleet-000001.csv"]);
    assert_eq!(
        fs::read_to_string(folder.path().join("fleet-000001.csv")).unwrap(),
        "old"
    );
}

#[test]
fn what_is_not_complete_is_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = RollingFiles::create(options(folder.path())).unwrap();
    put(&mut files, 1, "x").unwrap();
    drop(files);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn packed_files_can_be_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = RollingFiles::create(FolderOptions {
        is_packed: true,
        ..options(folder.path())
    })
    .unwrap();
    put(&mut files, 1, "x").unwrap();
    files.finish().unwrap();
    let file = File::open(folder.path().join("fleet-000001.csv.gz")).unwrap();
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    assert_eq!(text, "h\nx\n");
}
