//! Which files a listing finds, and in which order.

use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use sluice_source::{
    FileSource, ReadSession, ResolvedPath, SeenIndex, SkipReason, SourceCall, SourceError,
    TakenFile, choose, decode_file_list, encode_file_list,
};

use crate::support::{Folder, NOW, names, parse};

async fn check(
    files: &[&str],
    path: &str,
    call: SourceCall,
    options: &[(&str, &str)],
    expected: &[&str],
) {
    let files: Vec<(&str, &str)> = files.iter().map(|name| (*name, "x")).collect();
    let folder = Folder::with(&files);
    let listing = folder
        .source(path, call, options)
        .discover(NOW)
        .await
        .unwrap();
    assert_eq!(names(&listing.files), expected, "{path} {options:?}");
}

#[tokio::test]
async fn files_come_by_time_then_path_without_hidden_and_unfinished_ones() {
    let all = [
        "b.json",
        "a.json",
        "_x.json",
        ".y.json",
        "_spark/c.json",
        "c.json.tmp",
        "d.inprogress",
        "e.json._COPYING_",
        "f.json#1",
        "sub/g.json",
        "_k=1/h.json",
    ];
    check(
        &all,
        "data",
        SourceCall::StreamReadFiles,
        &[],
        &["b.json", "a.json", "sub/g.json", "_k=1/h.json"],
    )
    .await;
    check(
        &all,
        "data",
        SourceCall::ReadFiles,
        &[],
        &["b.json", "a.json", "_k=1/h.json"],
    )
    .await;
    check(
        &all,
        "data",
        SourceCall::ReadFiles,
        &[("recursiveFileLookup", "true")],
        &["b.json", "a.json", "sub/g.json", "_k=1/h.json"],
    )
    .await;
    check(
        &all,
        "data",
        SourceCall::ReadFiles,
        &[("ignoredPathSegmentRegex", "^b")],
        &["a.json", "_x.json", ".y.json", "_k=1/h.json"],
    )
    .await;
    let folder = Folder::with(&all.map(|name| (name, "x")));
    let listing = folder.stream(&[]).discover(NOW).await.unwrap();
    assert_eq!(listing.skipped.count(SkipReason::Unfinished), 4);
}

#[tokio::test]
async fn equal_times_are_ordered_by_path() {
    let folder = Folder::with(&[("b", "x"), ("c", "x"), ("a", "x")]);
    for name in ["a", "b", "c"] {
        folder.age(name, 1_000);
    }
    assert_eq!(
        names(&folder.stream(&[]).discover(NOW).await.unwrap().files),
        ["a", "b", "c"]
    );
}

#[tokio::test]
async fn patterns_and_filters_narrow_the_listing() {
    let all = [
        "2026-01/a.json",
        "2026-01/b.csv",
        "2026-02/a.json",
        "2025-12/a.json",
        "2026-02/deep/c.json",
    ];
    check(
        &all,
        "data/2026-*/*.json",
        SourceCall::ReadFiles,
        &[],
        &["2026-01/a.json", "2026-02/a.json"],
    )
    .await;
    check(
        &all,
        "data/2026-*",
        SourceCall::ReadFiles,
        &[],
        &["2026-01/a.json", "2026-01/b.csv", "2026-02/a.json"],
    )
    .await;
    check(
        &all,
        "data/2026-*",
        SourceCall::StreamReadFiles,
        &[("pathGlobFilter", "*.json")],
        &["2026-01/a.json", "2026-02/a.json", "2026-02/deep/c.json"],
    )
    .await;
    check(
        &all,
        "data/{2025-12,2026-01}/a.json",
        SourceCall::ReadFiles,
        &[],
        &["2026-01/a.json", "2025-12/a.json"],
    )
    .await;
    check(
        &all,
        "data/2026-01, data/2025-12/a.json",
        SourceCall::ReadFiles,
        &[],
        &["2026-01/a.json", "2026-01/b.csv", "2025-12/a.json"],
    )
    .await;
    check(
        &all,
        "data/2026-01/a.json,data/2026-01",
        SourceCall::ReadFiles,
        &[],
        &["2026-01/a.json", "2026-01/b.csv"],
    )
    .await;
    check(
        &all,
        "data/**/c.json",
        SourceCall::ReadFiles,
        &[],
        &["2026-02/deep/c.json"],
    )
    .await;
    check(
        &all,
        "data/*.json",
        SourceCall::CloudFiles,
        &[("fileNamePattern", "a*")],
        &["2026-01/a.json", "2026-02/a.json", "2025-12/a.json"],
    )
    .await;
    check(
        &all,
        "data/nothing-*",
        SourceCall::StreamReadFiles,
        &[],
        &[],
    )
    .await;
}

#[tokio::test]
async fn times_filter_files_and_young_ones_wait() {
    let folder = Folder::with(&[("old", "x"), ("middle", "x"), ("new", "x")]);
    let now = NOW / 1_000_000;
    for (name, age) in [("old", 1_000), ("middle", 100), ("new", 1)] {
        folder.age(name, now - age);
    }
    let instant = |seconds: i64| {
        chrono::DateTime::from_timestamp(seconds, 0)
            .unwrap()
            .format("%Y-%m-%dT%H:%M:%S")
            .to_string()
    };
    for (options, expected) in [
        (
            vec![("modifiedAfter", instant(now - 1_000))],
            vec!["middle", "new"],
        ),
        (
            vec![("modifiedBefore", instant(now - 1))],
            vec!["old", "middle"],
        ),
        (
            vec![
                ("modifiedAfter", instant(now - 500)),
                ("modifiedBefore", instant(now - 50)),
            ],
            vec!["middle"],
        ),
        (
            vec![("maxFileAge", "500 seconds".into())],
            vec!["middle", "new"],
        ),
        (
            vec![("minFileAge", "2 seconds".into())],
            vec!["old", "middle"],
        ),
        (vec![], vec!["old", "middle", "new"]),
    ] {
        let options: Vec<(&str, &str)> = options
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let listing = folder.stream(&options).discover(NOW).await.unwrap();
        assert_eq!(names(&listing.files), expected, "{options:?}");
    }
    let young = folder.stream(&[("minFileAge", "2 seconds")]);
    assert_eq!(
        young
            .discover(NOW)
            .await
            .unwrap()
            .skipped
            .count(SkipReason::TooYoung),
        1
    );
    assert_eq!(
        names(&young.discover(NOW + 2_000_000).await.unwrap().files),
        ["old", "middle", "new"]
    );
}

#[tokio::test]
async fn a_missing_folder_is_named_and_an_empty_one_needs_a_schema() {
    let folder = Folder::new();
    let missing = folder
        .source("nowhere/x", SourceCall::ReadFiles, &[])
        .discover(NOW)
        .await
        .unwrap_err();
    assert_eq!(missing.condition().name, "PATH_NOT_FOUND");
    assert!(missing.to_diagnostic().facts[0].contains("nowhere/x"));
    let empty = folder.stream(&[("format", "json")]);
    assert!(empty.discover(NOW).await.unwrap().files.is_empty());
    let error = empty.schema(&[], None).await.unwrap_err();
    assert_eq!(error.condition().name, "CF_EMPTY_DIR_FOR_SCHEMA_INFERENCE");
    let declared = folder.stream(&[("format", "json"), ("schema", "a INT")]);
    assert_eq!(declared.schema(&[], None).await.unwrap().columns().len(), 1);
    let by_name = folder.source(
        "data/*.csv",
        SourceCall::StreamReadFiles,
        &[("schema", "a INT")],
    );
    assert_eq!(
        by_name.schema(&[], None).await.unwrap().format.name(),
        "csv"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn links_that_loop_or_lead_away_are_left_out_and_told() {
    use std::os::unix::fs::symlink;
    let folder = Folder::with(&[("a.json", "x"), ("sub/b.json", "x")]);
    symlink(folder.path(""), folder.path("sub/loop")).unwrap();
    symlink("self", folder.path("self")).unwrap();
    symlink("/etc/hostname", folder.path("secret.json")).unwrap();
    symlink("/etc", folder.path("system")).unwrap();
    symlink(folder.path("gone"), folder.path("dangling")).unwrap();
    symlink(folder.path("a.json"), folder.path("alias.json")).unwrap();
    let listing = folder.stream(&[]).discover(NOW).await.unwrap();
    let mut found = names(&listing.files);
    found.sort_unstable();
    assert_eq!(found, ["a.json", "alias.json", "sub/b.json"]);
    assert_eq!(listing.skipped.count(SkipReason::LinkLoop), 2);
    assert_eq!(listing.skipped.count(SkipReason::LinkOutside), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::with(&[("a.json", "x"), ("closed/b.json", "x")]);
    std::fs::set_permissions(
        folder.path("closed"),
        std::fs::Permissions::from_mode(0o000),
    )
    .unwrap();
    let outcome = folder.stream(&[]).discover(NOW).await;
    let readable_anyway = std::fs::read_dir(folder.path("closed")).is_ok();
    std::fs::set_permissions(
        folder.path("closed"),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    match outcome {
        // The superuser may read everything.
        Ok(listing) => assert!(readable_anyway && listing.files.len() == 2),
        Err(error) => {
            assert_eq!(error.condition().name, "FILE_UNREADABLE");
            assert!(
                error.to_string().contains("closed")
                    && error.to_string().contains("permission denied"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn the_engines_own_folders_are_never_data() {
    let folder = Folder::with(&[("a.json", "x"), ("warehouse/t/part.parquet", "x")]);
    let mut rules = folder.rules();
    rules.engine_folders = vec![folder.path("warehouse")];
    let path = sluice_source::resolve_path("data", &rules).unwrap();
    let store = Arc::new(object_store::local::LocalFileSystem::new());
    let source = FileSource::new(
        store,
        path,
        parse(SourceCall::StreamReadFiles, &[]),
        ReadSession::default(),
    );
    assert_eq!(
        names(&source.discover(NOW).await.unwrap().files),
        ["a.json"]
    );
}

#[tokio::test]
async fn odd_names_are_found_and_read() {
    let files = [
        ("a b.txt", "1"),
        ("ä%20.txt", "2"),
        ("c#d.txt", "3"),
        ("e:f.txt", "4"),
        ("g+h&i='j'.txt", "5"),
    ];
    let folder = Folder::with(&files);
    let outcome = crate::support::read_all(&folder.stream(&[("format", "text")]))
        .await
        .unwrap();
    assert_eq!(outcome.rows(), ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn an_object_store_is_listed_by_prefix() {
    let store = Arc::new(InMemory::new());
    for key in ["in/a.txt", "in/sub/b.txt", "in/_c.txt", "inside/d.txt"] {
        store
            .put(&key.into(), PutPayload::from_static(b"x\ny"))
            .await
            .unwrap();
    }
    let check = async |prefix: &str, call| {
        let options = parse(call, &[("format", "text")]);
        let path = ResolvedPath::in_store(prefix, None).unwrap();
        FileSource::new(
            Arc::clone(&store) as Arc<dyn ObjectStore>,
            path,
            options,
            ReadSession::default(),
        )
    };
    let stream = check("in", SourceCall::StreamReadFiles).await;
    let mut listed = stream.discover(NOW).await.unwrap().files;
    listed.sort_by(|a, b| a.path.cmp(&b.path));
    assert_eq!(names(&listed), ["/in/a.txt", "/in/sub/b.txt"]);
    let schema = stream.schema(&listed, None).await.unwrap();
    let outcome = crate::support::read_files(&stream, &listed, schema.clone(), false)
        .await
        .unwrap();
    assert_eq!(outcome.rows(), ["x", "y", "x", "y"]);
    assert_eq!(
        check("in", SourceCall::ReadFiles)
            .await
            .discover(NOW)
            .await
            .unwrap()
            .files
            .len(),
        1
    );
    assert_eq!(
        check("in/a.txt", SourceCall::ReadFiles)
            .await
            .discover(NOW)
            .await
            .unwrap()
            .files
            .len(),
        1
    );
    let missing = check("nothing", SourceCall::ReadFiles)
        .await
        .discover(NOW)
        .await
        .unwrap_err();
    assert!(matches!(missing, SourceError::PathNotFound { .. }));
    store
        .put(&"in/a.txt".into(), PutPayload::from_static(b"z\nz"))
        .await
        .unwrap();
    let changed = crate::support::read_files(&stream, &listed, schema, false)
        .await
        .err()
        .unwrap();
    assert!(
        matches!(changed, SourceError::Changed { .. }),
        "the tag tells, even where size and time agree: {changed}"
    );
}

#[tokio::test]
async fn every_file_is_taken_once_whatever_its_name_and_time() {
    let folder = Folder::new();
    let source = folder.stream(&[("format", "text"), ("maxFilesPerTrigger", "70")]);
    let mut seen = SeenIndex::new();
    let mut taken: Vec<String> = vec![];
    let mut batch = 0;
    for round in 0..5_i64 {
        for index in 0..100_i64 {
            // Later rounds bring smaller names and older times: an order-based cursor would miss them.
            let name = format!("{}/{:05}.txt", index % 7, 90_000 - round * 1_000 + index);
            folder.put(&name, b"x");
            folder.age(&name, 1_000_000 - round * 10_000 + (index * 37) % 100);
        }
        let new = seen.new_files(source.discover(NOW).await.unwrap().files, false);
        for files in choose(
            new,
            source.options().max_files_per_trigger,
            source.options().max_bytes_per_trigger,
        ) {
            let rows: Vec<TakenFile> = files
                .into_iter()
                .map(|file| TakenFile { batch, file })
                .collect();
            let stored = encode_file_list(&rows).unwrap();
            seen.extend(&decode_file_list("list", stored.bytes, Some(&stored.digest)).unwrap());
            taken.extend(rows.into_iter().map(|row| row.file.path));
            batch += 1;
        }
    }
    assert_eq!((taken.len(), batch), (500, 10));
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 500);
    assert!(
        seen.new_files(source.discover(NOW).await.unwrap().files, false)
            .is_empty()
    );
}

#[tokio::test]
async fn an_empty_file_waits_until_it_holds_something() {
    let folder = Folder::with(&[("a.txt", ""), ("b.txt", "x")]);
    let listing = folder.stream(&[]).discover(NOW).await.unwrap();
    assert_eq!(
        (
            names(&listing.files),
            listing.skipped.count(SkipReason::Empty)
        ),
        (vec!["b.txt"], 1)
    );
    folder.put("a.txt", b"y");
    assert_eq!(
        folder.stream(&[]).discover(NOW).await.unwrap().files.len(),
        2
    );
}

#[cfg(unix)]
#[tokio::test]
async fn odd_times_are_the_same_for_the_listing_and_the_reader() {
    let folder = Folder::with(&[("a.txt", "x"), ("b.txt", "y")]);
    let before = std::time::UNIX_EPOCH - std::time::Duration::from_nanos(1_500_000_700);
    let after = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(1_500_000_999);
    for (name, time) in [("a.txt", before), ("b.txt", after)] {
        let file = std::fs::File::options()
            .append(true)
            .open(folder.path(name))
            .unwrap();
        file.set_modified(time).unwrap();
    }
    let outcome = crate::support::read_all(&folder.stream(&[])).await.unwrap();
    assert_eq!(outcome.rows(), ["x", "y"]);
}
