//! What paths mean, and which are refused.

use super::*;

fn rules() -> PathRules {
    PathRules {
        project_folder: "/srv/plant".into(),
        volumes: vec![
            ("/Volumes/main/iot".into(), "./data".into()),
            ("/Volumes/main/iot/raw/".into(), "/mnt/raw".into()),
        ],
        paths: vec![
            ("s3://bucket/".into(), "data/bucket".into()),
            ("dbfs:/landing".into(), "./landing".into()),
        ],
        engine_folders: vec!["/srv/plant/.sluice".into(), "/srv/warehouse".into()],
        engine_urls: vec!["s3://lake/warehouse/".into()],
    }
}

fn check(written: &str, base: &str, glob: Option<&str>, shown: &str) {
    let resolved = resolve_path(written, &rules()).unwrap();
    let place = &resolved.places[0];
    assert_eq!(
        (place.base.as_str(), place.glob.as_ref().map(PathGlob::text)),
        (base, glob),
        "{written}"
    );
    let name = place.name_of(&format!("{base}/x/1.json"));
    assert_eq!(resolved.shown(&name), shown, "{written}");
    assert_eq!(
        resolved.key_of(&name).unwrap(),
        format!("{base}/x/1.json").trim_start_matches('/'),
        "{written}"
    );
    assert_eq!(resolved.folders_of(&name), ["x"], "{written}");
}

#[test]
fn the_longest_mapping_wins_then_absolute_then_the_project() {
    check(
        "/Volumes/main/iot/raw/in",
        "/mnt/raw/in",
        None,
        "/Volumes/main/iot/raw/in/x/1.json",
    );
    check(
        "/Volumes/main/iot/rawest",
        "/srv/plant/data/rawest",
        None,
        "/Volumes/main/iot/rawest/x/1.json",
    );
    check(
        "dbfs:/Volumes/main/iot/raw/",
        "/mnt/raw",
        None,
        "/Volumes/main/iot/raw/x/1.json",
    );
    check(
        "s3://bucket/a/*.json",
        "/srv/plant/data/bucket/a",
        Some("*.json"),
        "s3://bucket/a/x/1.json",
    );
    check(
        "dbfs:/landing",
        "/srv/plant/landing",
        None,
        "dbfs:/landing/x/1.json",
    );
    check(
        "/srv/files/{a,b}/",
        "/srv/files",
        Some("{a,b}"),
        "file:///srv/files/x/1.json",
    );
    check(
        "file:///srv/files",
        "/srv/files",
        None,
        "file:///srv/files/x/1.json",
    );
    check(
        "./data/raw",
        "/srv/plant/data/raw",
        None,
        "file:///srv/plant/data/raw/x/1.json",
    );
    check(
        "data//raw/",
        "/srv/plant/data/raw",
        None,
        "file:///srv/plant/data/raw/x/1.json",
    );
}

#[test]
fn names_do_not_depend_on_where_the_project_lies() {
    let place = resolve_path("data/raw", &rules()).unwrap().places.remove(0);
    assert_eq!(
        place.name_of("/srv/plant/data/raw/1.json"),
        "./data/raw/1.json"
    );
}

#[test]
fn buckets_keep_the_name_that_the_user_wrote() {
    check(
        "s3a://lake/landing//in/*.json",
        "/landing/in",
        Some("*.json"),
        "s3a://lake/landing/in/x/1.json",
    );
    check("s3://lake", "", None, "s3://lake/x/1.json");
    let mut rules = rules();
    rules.volumes = vec![("/Volumes/a".into(), "s3://lake/vol/".into())];
    let path = resolve_path("/Volumes/a/in", &rules).unwrap();
    assert_eq!(path.only_folder().unwrap(), "s3://lake/vol/in");
    let name = path.places[0].name_of("/vol/in/1.json");
    assert_eq!(path.shown(&name), "/Volumes/a/in/1.json");
    assert_eq!(path.key_of(&name).unwrap(), "vol/in/1.json");
    assert_eq!(
        path.storage_of(&name),
        Some(&Storage::Bucket("lake".into()))
    );
}

#[test]
fn lists_of_paths_split_outside_braces() {
    let resolved = resolve_path("data/a, data/{b,c}/*.csv", &rules()).unwrap();
    let bases: Vec<&str> = resolved
        .places
        .iter()
        .map(|place| place.base.as_str())
        .collect();
    assert_eq!(bases, ["/srv/plant/data/a", "/srv/plant/data"]);
}

#[test]
fn what_must_not_be_read_is_refused_with_what_to_do() {
    for (written, name, help) in [
        ("", "PATH_INVALID", ""),
        (" , ", "PATH_INVALID", ""),
        ("data/\0", "PATH_INVALID", ""),
        ("data/[a", "PATH_INVALID", ""),
        ("../other", "PATH_NOT_ALLOWED", "sluice.yml"),
        ("/Volumes/main/iot/../../etc", "PATH_NOT_ALLOWED", ""),
        ("/", "PATH_NOT_ALLOWED", "name the folder"),
        ("/*", "PATH_NOT_ALLOWED", "name the folder"),
        ("/etc/passwd", "PATH_NOT_ALLOWED", ""),
        ("file:///proc/self/environ", "PATH_NOT_ALLOWED", ""),
        ("FILE:///etc/passwd", "PATH_NOT_ALLOWED", ""),
        (".sluice/warehouse", "PATH_NOT_ALLOWED", "table by its name"),
        ("/srv/warehouse/main", "PATH_NOT_ALLOWED", ""),
        (
            "http://169.254.169.254/latest",
            "PATH_NOT_ALLOWED",
            "download",
        ),
        (
            "/Volumes/main/other/raw/*",
            "PATH_NOT_MAPPED",
            "volumes:\n  /Volumes/main/other/raw: ./data/raw",
        ),
        ("s3:///a", "PATH_INVALID", ""),
        (
            "s3://lake/warehouse/main",
            "PATH_NOT_ALLOWED",
            "table by its name",
        ),
        ("s3a://lake/x/../warehouse", "PATH_NOT_ALLOWED", ""),
        (
            "gs://elsewhere/a",
            "PATH_NOT_MAPPED",
            "paths:\n  gs://elsewhere/a: ./data/a",
        ),
        (
            "abfss://c@a.dfs.core.windows.net/x",
            "PATH_NOT_MAPPED",
            "paths:\n  abfss://c@a.dfs.core.windows.net",
        ),
        ("dbfs:/mnt/x", "PATH_NOT_MAPPED", "dbfs:/mnt/x"),
    ] {
        let error = resolve_path(written, &rules()).unwrap_err();
        assert_eq!(error.condition.name, name, "{written}: {error}");
        assert!(
            help.is_empty() || error.helps.iter().any(|line| line.contains(help)),
            "{written}: {:?}",
            error.helps
        );
    }
}

#[test]
fn no_text_panics_or_leads_astray() {
    let pieces = [
        "/", "*", "{", "}", "[", ",", "..", "é", "\\", ":", "a", " ", "/etc", "file:",
    ];
    let rules = rules();
    let mut texts = vec![String::new()];
    for _ in 0..4 {
        texts = texts
            .iter()
            .flat_map(|text| pieces.iter().map(move |piece| format!("{text}{piece}")))
            .collect();
        for text in &texts {
            for place in resolve_path(text, &rules)
                .map(|path| path.places)
                .unwrap_or_default()
            {
                assert!(
                    place.base.starts_with('/') && !is_system(&place.base),
                    "{text}: {}",
                    place.base
                );
                assert!(
                    !place.base.split('/').any(|segment| segment == ".."),
                    "{text}: {}",
                    place.base
                );
            }
        }
    }
}
