//! From the path in a query to a place that can be listed. Pure: no disk is touched here.
//!
//! A path stays known under the name that the user wrote (`/Volumes/main/iot/raw/1.json`, `data/1.json`): that
//! name is a file's identity, so a project may move to another folder or machine without reading files twice.

mod allowed;
mod place;

use std::path::PathBuf;

use sluice_model::Diagnostic;
use sluice_model::condition::source as condition;

use crate::glob::{PathGlob, has_pattern, split_top};

use allowed::check_allowed;
pub(crate) use allowed::{is_system, under};
pub use place::{Place, ResolvedPath, Storage};

/// What the project says about paths. Prefixes and targets as in `sluice.yml`.
#[derive(Debug, Clone, Default)]
pub struct PathRules {
    /// The project folder, absolute.
    pub project_folder: PathBuf,
    /// `volumes:`, prefix (`/Volumes/…`) to folder.
    pub volumes: Vec<(String, String)>,
    /// `paths:`, prefix (`s3://…`, `dbfs:/…`, `/mnt/…`) to folder.
    pub paths: Vec<(String, String)>,
    /// Folders of the engine itself, absolute: warehouse and state. Never read as data.
    pub engine_folders: Vec<PathBuf>,
}

/// Resolves the path argument of `read_files`.
///
/// The longest mapped prefix wins; then absolute paths; then paths relative to the project folder.
///
/// # Errors
/// A path that is empty, has NUL or `..`, leads into system or engine folders, is a cloud path without mapping,
/// or holds a pattern that cannot be read; each with what to write instead. The caller adds the place in the file.
pub fn resolve_path(written: &str, rules: &PathRules) -> Result<ResolvedPath, Diagnostic> {
    let parts: Vec<&str> = split_top(written)
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    if parts.is_empty() {
        return Err(invalid(written, "it is empty"));
    }
    let places = parts
        .into_iter()
        .map(|part| resolve_part(part, rules))
        .collect::<Result<Vec<_>, _>>()?;
    let excluded = rules
        .engine_folders
        .iter()
        .map(|folder| absolute(&folder.to_string_lossy()))
        .collect();
    Ok(ResolvedPath {
        written: written.to_string(),
        places,
        excluded,
    })
}

fn resolve_part(part: &str, rules: &PathRules) -> Result<Place, Diagnostic> {
    if part.contains('\0') {
        return Err(invalid(part, "it holds a NUL character"));
    }
    let plain = strip_schemes(part);
    let (real, named, shown, rest) = match mapping(part, plain, rules) {
        Some((prefix, target, rest)) => (
            local_target(part, &target, rules)?,
            prefix.clone(),
            prefix,
            rest,
        ),
        None => unmapped(part, plain, rules)?,
    };
    let (fixed, pattern) = split_pattern(rest);
    let base = format!("{real}{fixed}");
    // Asked of what stays after escapes are read: `.\.` is `..` too.
    if part
        .split('/')
        .chain(base.split('/'))
        .any(|segment| segment == "..")
    {
        let refused = Diagnostic::error(
            &condition::PATH_NOT_ALLOWED,
            format!("path `{part}` holds `..`"),
        );
        return Err(refused
            .help("write the folder in full, or map a name to it in sluice.yml under `paths:`"));
    }
    let glob = pattern
        .map(PathGlob::parse)
        .transpose()
        .map_err(|reason| invalid(part, &reason))?;
    check_allowed(part, &base, rules)?;
    Ok(Place {
        written: part.to_string(),
        storage: Storage::Disk,
        base,
        glob,
        real,
        named,
        shown,
    })
}

/// `file:///a` and `dbfs:/Volumes/a` without what stands for a plain path.
fn strip_schemes(part: &str) -> &str {
    for scheme in ["file://", "file:"] {
        if let Some(rest) = strip_ignoring_case(part, scheme) {
            return rest;
        }
    }
    match strip_ignoring_case(part, "dbfs:") {
        Some(rest) if rest.starts_with("/Volumes/") => rest,
        _ => part,
    }
}

fn strip_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

/// The longest mapped prefix of a path: (the prefix as the user's files have it, its target, the rest).
fn mapping<'a>(
    part: &'a str,
    plain: &'a str,
    rules: &PathRules,
) -> Option<(String, String, &'a str)> {
    let mut best: Option<(String, String, &str)> = None;
    for (prefix, target) in rules.volumes.iter().chain(&rules.paths) {
        let wanted = prefix.trim_end_matches('/');
        for candidate in [part, plain] {
            let Some(rest) = candidate.strip_prefix(wanted) else {
                continue;
            };
            let longer = best
                .as_ref()
                .is_none_or(|(known, _, _)| known.len() < wanted.len());
            if !wanted.is_empty() && longer && (rest.is_empty() || rest.starts_with('/')) {
                best = Some((wanted.to_string(), target.clone(), rest));
            }
        }
    }
    best
}

fn local_target(part: &str, target: &str, rules: &PathRules) -> Result<String, Diagnostic> {
    let bare = strip_schemes(target);
    if bare.contains("://") {
        return Err(later(part).fact(format!("sluice.yml maps it to {target}")));
    }
    if bare.starts_with('/') {
        return Ok(absolute(bare));
    }
    Ok(join(
        &absolute(&rules.project_folder.to_string_lossy()),
        bare,
    ))
}

type Unmapped<'a> = (String, String, String, &'a str);

fn unmapped<'a>(part: &str, plain: &'a str, rules: &PathRules) -> Result<Unmapped<'a>, Diagnostic> {
    let not_mapped = |what: &str, section: &str, prefix: &str| {
        Diagnostic::error(
            &condition::PATH_NOT_MAPPED,
            format!("{what} `{part}` has no place on this machine"),
        )
        .help(format!(
            "map it in sluice.yml:\n{section}:\n  {prefix}: ./data/{}",
            prefix
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or("raw")
        ))
    };
    if plain.starts_with("/Volumes/") || plain == "/Volumes" {
        let prefix: Vec<&str> = plain
            .split('/')
            .take_while(|segment| !has_pattern(segment))
            .take(5)
            .collect();
        return Err(not_mapped("volume path", "volumes", &prefix.join("/")));
    }
    if let Some((scheme, rest)) = plain
        .split_once(':')
        .filter(|(scheme, _)| is_scheme(scheme))
    {
        let lower = scheme.to_ascii_lowercase();
        return Err(match lower.as_str() {
            "s3" | "s3a" | "s3n" => {
                let bucket = rest
                    .trim_start_matches('/')
                    .split('/')
                    .next()
                    .unwrap_or_default();
                later(part).help(format!("until then, map the bucket to a folder in sluice.yml:\npaths:\n  {scheme}://{bucket}/: ./data/{bucket}"))
            }
            "http" | "https" | "ftp" => Diagnostic::error(
                &condition::PATH_NOT_ALLOWED,
                format!("`{part}` is not a folder of files"),
            )
            .help("download the files first"),
            _ => not_mapped(
                "path",
                "paths",
                &format!(
                    "{scheme}:{}",
                    rest.split('/').take(4).collect::<Vec<_>>().join("/")
                ),
            ),
        });
    }
    if plain.starts_with('/') {
        return Ok((String::new(), String::new(), "file://".into(), plain));
    }
    let project = absolute(&rules.project_folder.to_string_lossy());
    let shown = format!("file://{project}");
    Ok((project, RELATIVE.into(), shown, plain))
}

/// The prefix of names that are relative to the project folder.
const RELATIVE: &str = ".";

fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'))
}

fn later(part: &str) -> Diagnostic {
    Diagnostic::error(
        &condition::PATH_NOT_MAPPED,
        format!("`{part}` is on S3, which a later release reads"),
    )
}

fn invalid(part: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(
        &condition::PATH_INVALID,
        format!("path `{part}` cannot be read: {reason}"),
    )
}

/// Splits `/a/b/*.json` into `/a/b` and `*.json`; a fixed part that is not empty starts with a slash.
fn split_pattern(rest: &str) -> (String, Option<&str>) {
    let trimmed = rest.trim_matches('/');
    let mut fixed = String::new();
    let mut position = 0;
    for segment in trimmed.split('/') {
        if has_pattern(segment) {
            return (fixed, Some(&trimmed[position..]));
        }
        if !segment.is_empty() && segment != "." {
            fixed.push('/');
            fixed.push_str(&segment.replace('\\', ""));
        }
        position += segment.len() + 1;
    }
    (fixed, None)
}

fn absolute(text: &str) -> String {
    join("", text)
}

fn join(base: &str, below: &str) -> String {
    let mut out = base.to_string();
    for segment in below
        .split('/')
        .filter(|segment| !segment.is_empty() && *segment != ".")
    {
        out.push('/');
        out.push_str(segment);
    }
    out
}

#[cfg(test)]
mod tests {
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
            (
                "s3://elsewhere/a",
                "PATH_NOT_MAPPED",
                "paths:\n  s3://elsewhere/: ./data/elsewhere",
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
}
