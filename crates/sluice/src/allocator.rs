//! What the C library's allocator does with memory that is freed. Must not hold memory itself.
//!
//! glibc gives every thread that asks at a busy moment an arena of its own, eight per core, and each keeps what is freed in
//! it. Threads that read and write files come and go, so a continuous update would hold several times what it uses.

/// A block of nearly the size up to which glibc learns.
const LESSON_BYTES: usize = 32 * 1024 * 1024 - 64 * 1024;

/// Settles both for this process: few arenas, and those keep what the next batch will ask for. The first thing that `main`
/// does; other allocators do not mind.
pub(crate) fn settle() {
    share_arenas();
    keep_freed();
}

/// Begins this program anew, in the same process, with as many arenas as it has workers, unless whoever started it has said
/// how many: glibc reads that from the environment, once, before `main`. Where that fails it goes on as it is.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn share_arenas() {
    use std::os::unix::process::CommandExt;

    const ARENAS: &str = "MALLOC_ARENA_MAX";
    const TUNABLES: &str = "GLIBC_TUNABLES";
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
    // It comes back only if it could not be done.
    let _ = anew.args(arguments).env(ARENAS, arenas.to_string()).exec();
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn share_arenas() {}

/// Lets glibc keep up to twice 32 MiB per arena instead of handing back whatever is freed at its end, only to fault it in again.
///
/// It raises both of its thresholds when a block is freed that was so large that it had been mapped by itself. Nothing
/// is written to the block, so this costs two system calls.
fn keep_freed() {
    let lesson: Vec<u8> = Vec::with_capacity(LESSON_BYTES);
    drop(std::hint::black_box(lesson));
}
