//! Folders as they really are: links in circles, files that are none, data beside the project.

use super::*;

fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    folder
}

#[test]
fn the_files_of_the_project_are_listed_and_nothing_else() {
    let folder = folder(&[
        "databricks.yml",
        "src/b.sql",
        "src/a.sql",
        "resources/x.json",
        "data/2024/01/x.json",
        "data/x.csv",
        ".sluice/warehouse/x.sql",
        ".git/config",
        "lake/t/_delta_log/0.json",
        "lake/t/deep/part.sql",
        "target/x.sql",
        "README.md",
    ]);
    let files = DiskFiles::walk(folder.path());
    assert_eq!(
        files.paths(),
        [
            "README.md",
            "databricks.yml",
            "resources/x.json",
            "src/a.sql",
            "src/b.sql"
        ]
    );
    assert!(files.diagnostics.is_empty());
}

#[test]
fn a_folder_full_of_readings_is_data() {
    let folder = folder(&["databricks.yml", "landing/notes.json", "landing/a.sql"]);
    assert!(
        DiskFiles::walk(folder.path())
            .paths()
            .contains(&"landing/notes.json".to_owned())
    );
    for n in 0..=OTHER_FILES_MAX {
        fs::write(folder.path().join(format!("landing/{n}.json")), "{}").unwrap();
    }
    let files = DiskFiles::walk(folder.path());
    assert_eq!(files.paths(), ["databricks.yml", "landing/a.sql"]);
    assert!(files.diagnostics.is_empty());
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;
    let folder = folder(&["src/a.sql"]);
    let outside = self::folder(&["b.sql"]);
    symlink(folder.path(), folder.path().join("src/up")).unwrap();
    symlink(outside.path(), folder.path().join("linked")).unwrap();
    symlink(folder.path().join("linked"), outside.path().join("again")).unwrap();
    symlink("nowhere", folder.path().join("broken.sql")).unwrap();
    let files = DiskFiles::walk(folder.path());
    assert_eq!(files.paths(), ["linked/b.sql", "src/a.sql"]);
}

#[test]
fn what_is_no_file_is_not_read() {
    let folder = folder(&["a.sql", "d/x.sql"]);
    let files = DiskFiles::walk(folder.path());
    assert_eq!(files.read("a.sql"), Ok(b"x".to_vec()));
    assert_eq!(files.read("b.sql"), Err(ProjectFileError::NotFound));
    assert_eq!(files.read("a.sql/x"), Err(ProjectFileError::NotFound));
    assert!(matches!(
        files.read("d"),
        Err(ProjectFileError::Unreadable(_))
    ));
    let large = fs::File::create(folder.path().join("large.sql")).unwrap();
    large.set_len(limits::SQL_FILE_BYTES_MAX + 1).unwrap();
    assert!(matches!(
        files.read("large.sql"),
        Err(ProjectFileError::TooLarge { .. })
    ));
}

#[test]
fn the_nearest_project_is_found() {
    let folder = folder(&[
        "databricks.yml",
        "src/iot/.keep",
        "other/a.sql",
        "bare/transformations/silver/a.sql",
        "stray/a.sql",
        "stray/readings/today/a.json",
        "two/spark-pipeline.yml",
        "two/spark-pipeline.yaml",
    ]);
    let top = folder.path();
    assert_eq!(find(&top.join("src/iot"), None).unwrap(), top);
    assert_eq!(find(&top.join("other"), None).unwrap(), top);
    assert_eq!(find(top, Some(&top.join("src"))).unwrap(), top.join("src"));
    assert_eq!(
        find(&top.join("two"), None).unwrap_err().condition.name,
        "MULTIPLE_PIPELINE_SPEC_FILES_FOUND"
    );
    assert_eq!(
        find(top, Some(&top.join("gone")))
            .unwrap_err()
            .condition
            .name,
        "PROJECT_NOT_FOUND"
    );
    fs::remove_file(top.join("databricks.yml")).unwrap();
    assert_eq!(find(&top.join("other"), None).unwrap(), top.join("other"));
    for below in [
        "bare",
        "bare/transformations",
        "bare/transformations/silver",
    ] {
        let found = find(&top.join(below), None).unwrap();
        assert_eq!(found, top.join("bare"), "from {below}");
    }
    let stray = find(&top.join("stray/readings/today"), None);
    assert_eq!(
        stray.unwrap_err().condition.name,
        "PROJECT_NOT_FOUND",
        "a stray file of SQL far above makes no project"
    );
}

#[test]
fn files_outside_are_those_that_a_pattern_reaches() {
    let top = folder(&[
        "common/vars/a.yml",
        "common/b.yml",
        "p/databricks.yml",
        "q/deep/c.yml",
    ]);
    let files = DiskFiles::walk(&top.path().join("p"));
    assert_eq!(files.paths(), ["databricks.yml"]);
    for (pattern, expected) in [
        ("../common/b.yml", vec!["../common/b.yml"]),
        ("../common/nosuch.yml", vec![]),
        ("../nosuch/*.yml", vec![]),
        ("../common/*.yml", vec!["../common/b.yml"]),
        (
            "../common/**/*.yml",
            vec!["../common/b.yml", "../common/vars/a.yml"],
        ),
        ("../*/*.yml", vec!["../common/b.yml", "../p/databricks.yml"]),
    ] {
        assert_eq!(files.outside(pattern).unwrap(), expected, "{pattern}");
    }
    assert_eq!(files.read("../common/b.yml").unwrap(), b"x");
    let copy = folder(&["databricks.yml"]);
    let copied = DiskFiles::walk(copy.path()).copied_from(&top.path().join("p"));
    assert_eq!(copied.read("../common/b.yml").unwrap(), b"x");
}
