//! What an export never replaces.

use super::*;

const OVERWRITES: [bool; 2] = [false, true];

fn asked(path: PathBuf, overwrite: bool) -> Export {
    Export {
        overwrite,
        ..crate::command::export::tests::asked(path)
    }
}

#[test]
fn what_is_there_stays_unless_asked_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.csv");
    let check = |overwrite| check_free(&asked(file.clone(), overwrite), ExportFormat::Csv);
    assert!(check(false).is_ok());
    fs::write(&file, "old").unwrap();
    assert_eq!(*check(false).unwrap_err().condition, OUTPUT_EXISTS);
    assert!(check(true).is_ok());
}

#[test]
fn what_is_no_file_is_never_replaced() {
    for overwrite in OVERWRITES {
        let asked = asked("/dev/null".into(), overwrite);
        let error = check_free(&asked, ExportFormat::Csv).unwrap_err();
        assert_eq!(*error.condition, OUTPUT_NOT_WRITABLE);
        assert!(!error.helps.join(" ").contains("--overwrite"));
    }
}

#[test]
fn a_folder_of_other_things_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    for overwrite in OVERWRITES {
        let asked = asked(folder.path().into(), overwrite);
        for format in [ExportFormat::Csv, ExportFormat::Delta] {
            let error = check_free(&asked, format).unwrap_err();
            assert_eq!(*error.condition, OUTPUT_NOT_WRITABLE, "{format:?}");
        }
    }
    fs::create_dir(folder.path().join(table::LOG)).unwrap();
    let check =
        |overwrite| check_free(&asked(folder.path().into(), overwrite), ExportFormat::Delta);
    assert_eq!(*check(false).unwrap_err().condition, OUTPUT_EXISTS);
    assert!(check(true).is_ok());
    let error = check_free(&asked(folder.path().into(), true), ExportFormat::Json).unwrap_err();
    assert_eq!(*error.condition, OUTPUT_NOT_WRITABLE);
}

#[test]
fn what_the_pipeline_keeps_is_no_place_for_an_export() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    let rules = PathRules {
        project_folder: at("plant"),
        engine_folders: vec![at("lake"), at("plant/.sluice")],
        ..PathRules::default()
    };
    fs::create_dir_all(at("plant/src")).unwrap();
    fs::create_dir_all(at("lake")).unwrap();
    let own = [at("located").display().to_string(), "s3://b/t".to_owned()];
    for (path, is_free) in [
        ("plant/gold.csv", true),
        ("plant/src/table", true),
        ("lakes/t", true),
        ("plant", false),
        ("plant/src/..", false),
        ("", false),
        ("lake/main/default/t", false),
        ("plant/nosuch/../../lake/t", false),
        ("plant/.sluice/t.csv", false),
        ("located", false),
        ("located/t", false),
    ] {
        let found = check_outside(&at(path), &rules, &own);
        assert_eq!(found.is_ok(), is_free, "{path}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(at("lake"), at("link")).unwrap();
        assert!(check_outside(&at("link/main"), &rules, &own).is_err());
    }
}
