//! What the C library's allocator does with memory that is freed. Must not hold memory itself.
//!
//! glibc gives every thread that asks at a busy moment an arena of its own, eight per core, and each keeps what is freed in
//! it. Threads that read and write files come and go, so a continuous update would hold several times what it uses. The other
//! way round, it gives large buffers back at once, and every new one is cleared by the kernel page by page.

/// Begins this program anew, in the same process, with as many arenas as it has workers, and with large buffers kept for the
/// next ones, unless whoever started it has said how many: glibc reads that from the environment, once, before `main`. The first
/// thing that `main` does; where it fails, it goes on as it is.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn share_arenas() {
    use std::os::unix::process::CommandExt;

    const ARENAS: &str = "MALLOC_ARENA_MAX";
    const TUNABLES: &str = "GLIBC_TUNABLES";
    // Bytes from which a buffer is mapped on its own, and of free memory at the end of an arena that are kept.
    const KEPT: [(&str, &str); 2] = [
        ("MALLOC_MMAP_THRESHOLD_", "67108864"),
        ("MALLOC_TRIM_THRESHOLD_", "134217728"),
    ];
    if std::env::var_os(ARENAS).is_some() || std::env::var_os(TUNABLES).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let arenas = std::thread::available_parallelism().map_or(1, usize::from);
    let mut arguments = std::env::args_os();
    let mut anew = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        anew.arg0(name);
    }
    for (name, bytes) in KEPT {
        if std::env::var_os(name).is_none() {
            anew.env(name, bytes);
        }
    }
    // It comes back only if it could not be done.
    let _ = anew.args(arguments).env(ARENAS, arenas.to_string()).exec();
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn share_arenas() {}
