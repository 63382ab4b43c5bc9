//! Where a pipeline must not read: folders of the system, folders too wide to be a source, the engine's own.

use sluice_model::Diagnostic;
use sluice_model::condition::source as condition;

use super::{PathRules, Place, Storage, absolute, url_folder};

/// Whether a path is a folder or lies in it; both absolute without trailing slash.
pub(crate) fn under(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Folders of the system that hold no data.
const SYSTEM: &[&str] = &["/proc", "/sys", "/dev", "/etc", "/boot"];
/// Folders that are too wide to be a source.
const TOO_WIDE: &[&str] = &["", "/home", "/root", "/Users", "/usr", "/var"];

/// Refuses what must never be a source.
pub(super) fn check_allowed(place: &Place, rules: &PathRules) -> Result<(), Diagnostic> {
    let (part, base) = (place.written.as_str(), place.base.as_str());
    let refuse = |why: &str| {
        Err(Diagnostic::error(
            &condition::PATH_NOT_ALLOWED,
            format!("path `{part}` {why}"),
        ))
    };
    let of_engine = || {
        refuse("leads into the engine's own warehouse or state")
            .map_err(|error| error.help("read the table by its name instead"))
    };
    if let Storage::Bucket(_) = place.storage {
        let name = place.real_name(base);
        let mut own = rules.engine_urls.iter().map(|url| url_folder(url));
        return if own.any(|folder| under(&name, &folder)) {
            of_engine()
        } else {
            Ok(())
        };
    }
    if is_system(base) {
        return refuse("leads into a folder of the operating system");
    }
    if TOO_WIDE.contains(&base) {
        return refuse("is too wide for a source")
            .map_err(|error| error.help("name the folder that holds the files"));
    }
    if rules
        .engine_folders
        .iter()
        .any(|folder| under(base, &absolute(&folder.to_string_lossy())))
    {
        return of_engine();
    }
    Ok(())
}

/// Whether an absolute path lies in a folder of the operating system.
pub(crate) fn is_system(path: &str) -> bool {
    SYSTEM.iter().any(|system| under(path, system))
}
