//! What the C library's allocator does with memory that is freed: it shall keep it, as the next batch needs as much.
//! Must not hold memory itself.

/// A block of nearly the size up to which glibc learns.
const LESSON_BYTES: usize = 32 * 1024 * 1024 - 64 * 1024;

/// Lets glibc keep up to twice 32 MiB per arena instead of handing back whatever is freed at its end, only to fault it in again.
///
/// It raises both of its thresholds when a block is freed that was so large that it had been mapped by itself. Nothing
/// is written to the block, so this costs two system calls; other allocators do not mind.
pub(crate) fn keep() {
    let lesson: Vec<u8> = Vec::with_capacity(LESSON_BYTES);
    drop(std::hint::black_box(lesson));
}
