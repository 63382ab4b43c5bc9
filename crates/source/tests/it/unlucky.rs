//! Files that are damaged, gone or changed: a named error, or skipped and counted where the query says so.

use sluice_source::{CleanAction, FileEntry, SourceCall, SourceError, resolve_path};

use crate::support::{Folder, NOW, Outcome, gzip, names, read_all, read_files};
use crate::typed_formats::{ints, parquet};

const TEXT: (&str, &str) = ("format", "text");

async fn read_after(
    folder: &Folder,
    options: &[(&str, &str)],
    happens: impl FnOnce(&Folder),
) -> Result<Outcome, SourceError> {
    let source = folder.stream(options);
    let files: Vec<FileEntry> = source.discover(NOW).await?.files;
    let schema = source.schema(&files, None).await?;
    happens(folder);
    read_files(&source, &files, schema, false).await
}

#[tokio::test]
async fn a_planned_file_that_is_gone_fails_or_is_skipped() {
    let folder = || Folder::with(&[("1.txt", "a\n"), ("2.txt", "b\n"), ("3.txt", "c\n")]);
    let remove = |folder: &Folder| std::fs::remove_file(folder.path("2.txt")).unwrap();
    let error = read_after(&folder(), &[TEXT], remove).await.err().unwrap();
    assert_eq!(error.condition().name, "FAILED_READ_FILE.FILE_NOT_EXIST");
    assert!(error.to_string().contains("2.txt"));
    let outcome = read_after(&folder(), &[TEXT, ("ignoreMissingFiles", "true")], remove)
        .await
        .unwrap();
    assert_eq!(outcome.rows(), ["a", "c"]);
    assert_eq!(
        (outcome.counters.files, outcome.counters.missing_files),
        (2, 1)
    );
}

#[tokio::test]
async fn a_file_that_changed_since_it_was_planned_fails() {
    for content in ["longer than before\n", "b\n"] {
        let folder = Folder::with(&[("1.txt", "a\n")]);
        let error = read_after(&folder, &[TEXT], |folder| {
            folder.put("1.txt", content.as_bytes());
        })
        .await
        .err()
        .unwrap();
        assert!(
            matches!(&error, SourceError::Changed { path, .. } if path.ends_with("1.txt")),
            "{error}"
        );
        assert!(
            error
                .to_diagnostic()
                .facts
                .iter()
                .any(|fact| fact.starts_with("when listed: 2 bytes"))
        );
    }
}

type Damaged = (&'static str, &'static str, Vec<u8>, &'static str);

/// Name, format, bytes, and the condition that they raise.
fn damaged_files() -> Vec<Damaged> {
    let packed = gzip("x\n".repeat(100_000).as_bytes());
    let whole = parquet(vec![("value", ints(&[1]))]);
    vec![
        (
            "2.txt.gz",
            "text",
            packed[..packed.len() - 20].to_vec(),
            "FAILED_READ_FILE.NO_HINT",
        ),
        (
            "2.txt.gz",
            "text",
            b"no gzip at all".to_vec(),
            "FAILED_READ_FILE.NO_HINT",
        ),
        (
            "2.txt.zst",
            "text",
            b"no zstd at all".to_vec(),
            "FAILED_READ_FILE.NO_HINT",
        ),
        (
            "2.parquet",
            "parquet",
            whole[..whole.len() - 5].to_vec(),
            "CANNOT_READ_FILE_FOOTER",
        ),
        (
            "2.parquet",
            "parquet",
            b"PAR1".to_vec(),
            "CANNOT_READ_FILE_FOOTER",
        ),
        (
            "2.parquet",
            "parquet",
            [&b"PAR1"[..], &[0xFF; 40], b"\x20\0\0\0PAR1"].concat(),
            "CANNOT_READ_FILE_FOOTER",
        ),
        (
            "2.parquet",
            "parquet",
            [&b"PAR1"[..], b"\xFF\xFF\xFF\x7FPAR1"].concat(),
            "FILE_TOO_LARGE",
        ),
        (
            "2.avro",
            "avro",
            b"Obj\x01 and then nothing".to_vec(),
            "FAILED_READ_FILE.NO_HINT",
        ),
        ("2.txt.bz2", "text", b"BZh9".to_vec(), "FILE_UNREADABLE"),
    ]
}

#[tokio::test]
async fn a_damaged_file_is_named_or_skipped_and_counted() {
    for (name, format, bytes, reason) in damaged_files() {
        let folder = Folder::new();
        folder.put(name, &bytes);
        let schema = if format == "text" {
            "value STRING"
        } else {
            "value INT"
        };
        let options = [("format", format), ("schema", schema)];
        let error = read_all(&folder.stream(&options)).await.err().unwrap();
        assert_eq!(error.condition().name, reason, "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
        if error.is_corrupt_file() {
            let ignoring = [options[0], options[1], ("ignoreCorruptFiles", "true")];
            let outcome = read_all(&folder.stream(&ignoring)).await.unwrap();
            assert_eq!(
                (outcome.counters.files, outcome.counters.corrupt_files),
                (0, 1),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn compressed_files_are_unpacked_and_bombs_are_not() {
    let folder = Folder::new();
    folder.put("1.txt.gz", &[gzip(b"a\n"), gzip(b"b\n")].concat());
    folder.put("2.txt.zst", &zstd::encode_all(&b"c\n"[..], 3).unwrap());
    folder.age("1.txt.gz", 1);
    folder.age("2.txt.zst", 2);
    let outcome = read_all(&folder.stream(&[])).await.unwrap();
    assert_eq!(outcome.rows(), ["a", "b", "c"]);
    let bomb = Folder::new();
    bomb.put(
        "bomb.txt.zst",
        &zstd::encode_all(&vec![b'\n'; 64 << 20][..], 3).unwrap(),
    );
    let error = read_all(&bomb.stream(&[])).await.err().unwrap();
    assert_eq!(error.condition().name, "FILE_TOO_LARGE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_keep_the_order_of_files_whatever_is_decoded_ahead() {
    let contents: Vec<(String, String)> = (0..40)
        .map(|index| {
            (
                format!("{index:02}.txt"),
                format!("{index}\n").repeat(if index % 3 == 0 { 20_000 } else { 1 }),
            )
        })
        .collect();
    let folder = Folder::with(
        &contents
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_str()))
            .collect::<Vec<_>>(),
    );
    let outcome = read_all(&folder.stream(&[])).await.unwrap();
    let expected: Vec<String> = contents
        .iter()
        .flat_map(|(_, content)| content.lines().map(str::to_string))
        .collect();
    assert_eq!(outcome.rows(), expected);
    assert!(
        outcome.batches.len() < 60,
        "small files share batches: {}",
        outcome.batches.len()
    );
}

#[tokio::test]
async fn several_formats_in_one_folder_need_a_word() {
    let folder = Folder::with(&[("a.json", "{}"), ("b.csv", "x"), ("README", "x")]);
    let error = read_all(&folder.stream(&[])).await.err().unwrap();
    assert!(error.to_string().contains("csv, json"), "{error}");
    let unknown = Folder::with(&[("a.dat", "x")]);
    let error = read_all(&unknown.stream(&[])).await.err().unwrap();
    assert_eq!(
        error.to_diagnostic().helps,
        ["write the format: `format => 'json'`"]
    );
}

#[tokio::test]
async fn cleaning_removes_only_the_version_that_was_read() {
    let folder = Folder::with(&[("1.txt", "a"), ("2.txt", "b"), ("3.txt", "c")]);
    let source = folder.stream(&[TEXT]);
    let files = source.discover(NOW).await.unwrap().files;
    folder.put("2.txt", b"newer");
    let moved_to = format!("{}/done/3.txt", folder.root().display());
    let mut actions: Vec<CleanAction> = files[..2]
        .iter()
        .cloned()
        .map(CleanAction::Delete)
        .collect();
    actions.push(CleanAction::Move(
        files[2].clone(),
        moved_to.trim_start_matches('/').to_string(),
    ));
    let outcome = source.clean(&actions).await.unwrap();
    assert_eq!((outcome.cleaned, outcome.left), (2, 1));
    assert_eq!(names(&source.discover(NOW).await.unwrap().files), ["2.txt"]);
    assert_eq!(std::fs::read_to_string(moved_to).unwrap(), "c");
    assert_eq!(source.clean(&actions).await.unwrap().left, 3);
}

/// Only where the machine has a second file system that may be written.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_is_moved_into_another_file_system() {
    use std::os::unix::fs::MetadataExt as _;

    let folder = Folder::with(&[("1.txt", "a")]);
    let Ok(other) = tempfile::TempDir::new_in("/dev/shm") else {
        return;
    };
    let device = |path: &std::path::Path| std::fs::metadata(path).unwrap().dev();
    if device(other.path()) == device(folder.root()) {
        return;
    }
    let source = folder.stream(&[TEXT]);
    let files = source.discover(NOW).await.unwrap().files;
    let moved_to = other.path().join("done/1.txt");
    let key = moved_to.to_str().unwrap().trim_start_matches('/');
    let actions = [CleanAction::Move(files[0].clone(), key.to_string())];
    assert_eq!(source.clean(&actions).await.unwrap().cleaned, 1);
    assert_eq!(std::fs::read_to_string(moved_to).unwrap(), "a");
    assert!(!folder.path("1.txt").exists());
}

#[tokio::test]
async fn a_file_that_cannot_be_moved_stays_and_the_error_says_what_was_tried() {
    let folder = Folder::with(&[("1.txt", "a")]);
    let source = folder.stream(&[TEXT]);
    let files = source.discover(NOW).await.unwrap().files;
    let stands_there = folder.root().join("done");
    std::fs::write(&stands_there, "a file").unwrap();
    let key = format!("{}/1.txt", stands_there.display());
    let action = CleanAction::Move(files[0].clone(), key.trim_start_matches('/').to_string());
    let error = source.clean(&[action]).await.unwrap_err();
    assert_eq!(error.condition().name, "SOURCE_STORAGE_FAILED");
    assert!(error.to_string().starts_with("moving `"), "{error}");
    assert!(folder.path("1.txt").exists());
}

#[tokio::test]
async fn damage_anywhere_in_a_file_is_an_error_or_other_values_never_a_crash() {
    let avro = crate::typed_formats::avro_bytes();
    let whole = parquet(vec![("id", ints(&[1, 2, 3]))]);
    for (name, bytes) in [("1.parquet", whole), ("1.avro", avro)] {
        let folder = Folder::new();
        for position in 0..bytes.len() {
            for change in [0x01, 0x80, 0xFF] {
                let mut damaged = bytes.clone();
                damaged[position] ^= change;
                folder.put(name, &damaged);
                let outcome = read_all(
                    &folder.stream(&[("schema", "id BIGINT"), ("schemaEvolutionMode", "rescue")]),
                )
                .await;
                if let Err(error) = outcome {
                    let condition = error.condition();
                    assert_eq!(
                        condition.domain,
                        sluice_model::Domain::User,
                        "{name} byte {position}: {error}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn damage_anywhere_in_a_packed_file_is_an_error_or_counted_never_a_crash() {
    let text = "{\"id\":1,\"v\":\"a b\"}\n{\"id\":2,\"v\":\"a c\"}\n".repeat(4);
    let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
    for (name, bytes) in [("1.json.gz", gzip(text.as_bytes())), ("1.json.zst", zstd)] {
        let folder = Folder::new();
        for position in 0..bytes.len() {
            for change in [0x01, 0x40, 0xFF] {
                let mut damaged = bytes.clone();
                damaged[position] ^= change;
                folder.put(name, &damaged);
                let options = [("format", "json"), ("schema", "id INT, v STRING")];
                match read_all(&folder.stream(&options)).await {
                    Ok(read) => assert!(read.counters.bad_records <= read.counters.rows, "{name}"),
                    Err(error) => assert_eq!(
                        error.condition().domain,
                        sluice_model::Domain::User,
                        "{name} byte {position}: {error}"
                    ),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_line_beyond_the_limit_costs_itself_only() {
    let long = "x".repeat(sluice_model::limits::LINE_BYTES_MAX + 1);
    let folder = Folder::new();
    folder.put(
        "1.json",
        format!("{{\"id\":1}}\n{long}\n{{\"id\":2}}\n").as_bytes(),
    );
    let options = [
        ("format", "json"),
        ("schemaEvolutionMode", "rescue"),
        ("rescuedDataColumn", ""),
    ];
    let read = read_all(&folder.stream(&options)).await.unwrap();
    assert_eq!(read.rows(), ["1", "NULL", "2"]);
    assert_eq!(read.counters.bad_records, 1);
}

#[test]
fn nothing_is_written_to_where_it_would_be_read() {
    let folder = Folder::new();
    let check = |call, path, written, refused| {
        let source = folder.source(path, call, &[TEXT]);
        let to = resolve_path(written, &folder.rules()).unwrap();
        let outcome = source.check_written_folder("badRecordsPath", &to);
        assert_eq!(outcome.is_err(), refused, "{path} {written}");
    };
    let stream = SourceCall::StreamReadFiles;
    check(stream, "data", "data", true);
    check(stream, "data", "data/a/done", true);
    check(stream, "data", "data/_done", false);
    check(stream, "data", "data/a/.done", false);
    check(stream, "data", "done", false);
    check(stream, "data/a", "data/ab", false);
    check(stream, "data/a*", "data/abc", true);
    check(stream, "data/a*", "data/done", false);
    // A batch read does not go into folders below.
    check(SourceCall::ReadFiles, "data", "data/done", false);
}
