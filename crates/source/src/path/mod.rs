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
use crate::s3::S3;

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
    /// The same in buckets: `s3://bucket/prefix`.
    pub engine_urls: Vec<String>,
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
        .chain(rules.engine_urls.iter().map(|url| url_folder(url)))
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
    let Known {
        storage,
        real,
        named,
        shown,
        rest,
    } = match mapping(part, plain, rules) {
        Some((prefix, target, rest)) if S3::bucket_of(&target).is_some() => {
            in_bucket(&target, (prefix.clone(), prefix), rest)
        }
        Some((prefix, target, rest)) => Known {
            storage: Storage::Disk,
            real: local_target(part, &target, rules)?,
            named: prefix.clone(),
            shown: prefix,
            rest,
        },
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
    let place = Place {
        written: part.to_string(),
        storage,
        base,
        glob,
        real,
        named,
        shown,
    };
    check_allowed(&place, rules)?;
    Ok(place)
}

/// Where a path lies, under which names, and what of it comes after them.
struct Known<'a> {
    storage: Storage,
    real: String,
    named: String,
    shown: String,
    rest: &'a str,
}

/// What lies below a prefix of a bucket, known under other names.
fn in_bucket<'a>(url: &str, (named, shown): (String, String), rest: &'a str) -> Known<'a> {
    let bucket = S3::bucket_of(url).unwrap_or_default();
    let below = url
        .split_once("://")
        .and_then(|(_, after)| after.split_once('/'))
        .map_or("", |(_, below)| below);
    Known {
        storage: Storage::Bucket(bucket.to_owned()),
        real: absolute(below),
        named,
        shown,
        rest,
    }
}

/// A folder in a bucket as listings are compared with it.
fn url_folder(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
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
    if let Some((scheme, _)) = bare.split_once("://") {
        return Err(Diagnostic::error(
            &condition::PATH_NOT_MAPPED,
            format!("`{part}` is mapped to a place that is not read: `{target}`"),
        )
        .fact(format!(
            "`{scheme}://` is not supported; folders and `s3://` are"
        ))
        .help("map it to a folder in sluice.yml"));
    }
    if bare.starts_with('/') {
        return Ok(absolute(bare));
    }
    Ok(join(
        &absolute(&rules.project_folder.to_string_lossy()),
        bare,
    ))
}

fn unmapped<'a>(part: &str, plain: &'a str, rules: &PathRules) -> Result<Known<'a>, Diagnostic> {
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
        if let Some(bucket) = S3::bucket_of(plain) {
            let name = format!("{scheme}://{bucket}");
            let rest = &plain[name.len()..];
            return Ok(in_bucket(&name, (name.clone(), name.clone()), rest));
        }
        return Err(match lower.as_str() {
            "s3" | "s3a" | "s3n" => invalid(part, "it names no bucket"),
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
        return Ok(Known {
            storage: Storage::Disk,
            real: String::new(),
            named: String::new(),
            shown: "file://".into(),
            rest: plain,
        });
    }
    let project = absolute(&rules.project_folder.to_string_lossy());
    let shown = format!("file://{project}");
    Ok(Known {
        storage: Storage::Disk,
        real: project,
        named: RELATIVE.into(),
        shown,
        rest: plain,
    })
}

/// The prefix of names that are relative to the project folder.
const RELATIVE: &str = ".";

fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'))
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
mod tests;
