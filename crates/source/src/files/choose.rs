//! Which new files one micro-batch takes. Pure.

use super::FileEntry;

/// Splits new files, in the order given, into the micro-batches that the limits ask for.
///
/// `files_max` is a hard limit, `bytes_max` a soft one as in Auto Loader: a batch closes once it has reached it,
/// so a single file larger than the limit still makes progress.
#[must_use]
pub fn choose(
    new_files: Vec<FileEntry>,
    files_max: usize,
    bytes_max: Option<u64>,
) -> Vec<Vec<FileEntry>> {
    let mut batches: Vec<Vec<FileEntry>> = vec![];
    let mut bytes = 0_u64;
    for file in new_files {
        let full = batches.last().is_none_or(|batch| {
            batch.len() >= files_max.max(1) || bytes_max.is_some_and(|limit| bytes >= limit)
        });
        if full {
            batches.push(vec![]);
            bytes = 0;
        }
        bytes = bytes.saturating_add(file.size);
        if let Some(batch) = batches.last_mut() {
            batch.push(file);
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sizes: &[u64], files_max: usize, bytes_max: Option<u64>, expected: &[usize]) {
        let files = sizes.iter().enumerate().map(|(index, size)| FileEntry {
            path: index.to_string(),
            size: *size,
            modified_us: 0,
            etag: None,
        });
        let batches = choose(files.collect(), files_max, bytes_max);
        let counts: Vec<usize> = batches.iter().map(Vec::len).collect();
        assert_eq!(counts, expected);
        let order: Vec<String> = batches
            .into_iter()
            .flatten()
            .map(|file| file.path)
            .collect();
        assert_eq!(
            order,
            (0..sizes.len())
                .map(|index| index.to_string())
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn limits_split_files_into_batches() {
        check(&[], 10, None, &[]);
        check(&[1; 5], 2, None, &[2, 2, 1]);
        check(&[3; 5], 10, Some(10), &[4, 1]);
        check(&[100, 1, 1], 10, Some(10), &[1, 2]);
        check(&[1; 3], 0, None, &[1, 1, 1]);
    }
}
