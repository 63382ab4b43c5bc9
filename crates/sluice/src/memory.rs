//! How much memory queries may hold: most of what this machine, or the container that this process runs in, has. What one
//! query needs beyond its share is spilled to disk, or refused by name. Must not measure what is in use.

use std::path::Path;

use sluice_model::Diagnostic;
use sluice_model::condition::command::ARGUMENT_NOT_VALID;

/// The variable that sets it, in MiB.
const VARIABLE: &str = "SLUICE_MEMORY_MB";

/// Where limits of a container stand, of the second and the first version of control groups.
const CONTAINER: [&str; 2] = [
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
];

/// Bytes for queries; `None`, no limit, where the system does not tell what it has.
pub(crate) fn bytes_max() -> Result<Option<usize>, Box<Diagnostic>> {
    match std::env::var(VARIABLE) {
        Ok(asked) if !asked.is_empty() => of_variable(&asked).map(Some),
        _ => Ok(of_machine(Path::new("/"))),
    }
}

fn of_variable(asked: &str) -> Result<usize, Box<Diagnostic>> {
    let bytes = asked.trim().parse::<usize>().ok();
    let bytes = bytes.and_then(|mebibytes| mebibytes.checked_mul(1 << 20));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| {
        let message = format!("`{VARIABLE}` is no number of MiB: `{asked}`");
        let error = Diagnostic::error(&ARGUMENT_NOT_VALID, message);
        Box::new(error.help(format!("set it to a number, such as `{VARIABLE}=4096`")))
    })
}

/// Three quarters of the least that a limit below `root` says: the rest is for what no query counts.
fn of_machine(root: &Path) -> Option<usize> {
    let read = |path: &str| std::fs::read_to_string(root.join(path.trim_start_matches('/'))).ok();
    let limits = CONTAINER
        .iter()
        .filter_map(|path| read(path)?.trim().parse().ok());
    let total = read("/proc/meminfo").and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kibibytes: usize = line.split_whitespace().next()?.parse().ok()?;
        kibibytes.checked_mul(1024)
    });
    let least: usize = limits.chain(total).min()?;
    Some(least / 4 * 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_a_number_of_mebibytes() {
        assert_eq!(of_variable("64").unwrap(), 64 << 20);
        for wrong in ["0", "8GB", "-1", "99999999999999999"] {
            assert_eq!(
                *of_variable(wrong).unwrap_err().condition,
                ARGUMENT_NOT_VALID
            );
        }
    }

    #[test]
    fn the_least_limit_counts() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        assert_eq!(of_machine(root.path()), None);
        put("proc/meminfo", "MemTotal:        8192 kB\nMemFree: 1 kB\n");
        put("sys/fs/cgroup/memory.max", "max\n");
        assert_eq!(of_machine(root.path()), Some(6 << 20));
        put("sys/fs/cgroup/memory.max", "4194304\n");
        assert_eq!(of_machine(root.path()), Some(3 << 20));
    }
}
