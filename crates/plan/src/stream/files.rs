//! Which files of a state a batch merges, so that few lie side by side and a row is seldom written anew. Must not read
//! them.

use sluice_model::StateFile;

/// Batches whose files lie side by side before they are merged.
const BATCHES_SIDE_BY_SIDE: usize = 8;

/// The files of a state, divided by what a batch does with them.
#[derive(Debug, Default)]
pub(super) struct Division {
    /// Merged with the rows of the batch and written anew.
    pub(super) merged: Vec<StateFile>,
    /// Left as they are: what is needed of them is read.
    pub(super) kept: Vec<StateFile>,
}

/// Divides the files of a state. When many batches lie side by side, the newest ones are merged, as far back as each is not
/// much larger than those after it together: so that a row is written anew as often as the logarithm of their number.
/// Files more than half of whose rows are `gone` are merged too: what is written then is less than what went.
pub(super) fn divide(files: Vec<StateFile>, gone: impl Fn(&StateFile) -> u64) -> Division {
    let first = first_merged(&files);
    let is_merged =
        |file: &StateFile| file.batch >= first || gone(file).saturating_mul(2) > file.rows;
    let (merged, kept) = files.into_iter().partition(is_merged);
    Division { merged, kept }
}

/// The batch from which on files are merged.
fn first_merged(files: &[StateFile]) -> i64 {
    let mut batches: Vec<(i64, u64)> = vec![];
    for file in files {
        match batches.last_mut() {
            Some((batch, rows)) if *batch == file.batch => *rows += file.rows,
            _ => batches.push((file.batch, file.rows)),
        }
    }
    let mut first = i64::MAX;
    if batches.len() < BATCHES_SIDE_BY_SIDE {
        return first;
    }
    let mut newer = 0;
    for (batch, rows) in batches.iter().rev() {
        if first != i64::MAX && *rows > 2 * newer {
            break;
        }
        first = *batch;
        newer += rows;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(batch: i64, rows: u64) -> StateFile {
        StateFile {
            name: format!("{batch}.parquet"),
            batch,
            rows,
            bytes: rows,
            first_us: None,
            last_us: None,
        }
    }

    #[test]
    fn a_row_is_written_anew_as_often_as_the_logarithm_of_the_batches() {
        let mut files: Vec<StateFile> = vec![];
        let (mut written, mut most) = (0, 0);
        let batches = 1000;
        for batch in 0..batches {
            let Division { merged, mut kept } = divide(files, |_| 0);
            let rows = 1 + merged.iter().map(|file| file.rows).sum::<u64>();
            written += rows;
            kept.push(file(batch, rows));
            most = most.max(kept.len());
            files = kept;
        }
        assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), 1000);
        assert!(most <= 8, "{most} files");
        assert!(written < 6 * 1000, "{written} rows were written for 1000");
    }

    #[test]
    fn what_is_mostly_gone_is_merged() {
        let files = vec![file(0, 100), file(1, 1)];
        let names = |files: Vec<StateFile>| files.into_iter().map(|f| f.batch).collect::<Vec<_>>();
        for (gone, merged, kept) in [(50, vec![], vec![0, 1]), (51, vec![0], vec![1])] {
            let of_first = |file: &StateFile| if file.batch == 0 { gone } else { 0 };
            let division = divide(files.clone(), of_first);
            assert_eq!(
                (names(division.merged), names(division.kept)),
                (merged, kept)
            );
        }
    }
}
