//! What must hold of plans and commits, whoever made them: shared by decisions, tests and the simulation.
//! Must not decide what to do when it does not hold.

use crate::{BatchPlan, SourceOffset};

/// Which invariant does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A batch does not follow the batch before it.
    #[error("batch {batch} follows {previous:?}")]
    Number {
        /// The batch.
        batch: i64,
        /// The one it claims or has before it.
        previous: Option<i64>,
    },
    /// Two batches of different flows, or to different tables.
    #[error("batch {batch} belongs to another flow or table")]
    Flow {
        /// The batch.
        batch: i64,
    },
    /// A source is there in one batch and not in the next, or is another one.
    #[error("source {name} of batch {batch} is not the source of the batch before")]
    Source {
        /// The batch.
        batch: i64,
        /// Name of the source.
        name: String,
    },
    /// A range does not begin where the range before it ended, or ends before it begins.
    #[error("source {name} of batch {batch} does not continue where the batch before ended")]
    Range {
        /// The batch.
        batch: i64,
        /// Name of the source.
        name: String,
    },
    /// The txn versions in a log have a gap or a repetition.
    #[error("txn {found} was committed where {expected} was due")]
    Txn {
        /// Version due.
        expected: i64,
        /// Version found.
        found: i64,
    },
}

/// Checks that a plan continues the one before it without gap or overlap.
///
/// # Errors
/// The first invariant that does not hold.
pub fn check_follows(previous: Option<&BatchPlan>, next: &BatchPlan) -> Result<(), Broken> {
    let batch = next.batch;
    let expected = previous.map(|plan| plan.batch);
    if next.previous != expected || batch != expected.map_or(0, |number| number + 1) {
        return Err(Broken::Number {
            batch,
            previous: next.previous,
        });
    }
    if let Some(previous) = previous {
        if previous.flow != next.flow || previous.target.table_id != next.target.table_id {
            return Err(Broken::Flow { batch });
        }
        if let Some(name) = previous
            .sources
            .keys()
            .find(|name| !next.sources.contains_key(*name))
        {
            return Err(Broken::Source {
                batch,
                name: name.clone(),
            });
        }
    }
    for (name, range) in &next.sources {
        let before = previous.map(|plan| plan.sources.get(name));
        match before {
            None if range
                .start
                .as_ref()
                .is_none_or(SourceOffset::is_recorded_beginning) => {}
            Some(Some(before)) if before.identity == range.identity => {
                if range.start.as_ref() != Some(&before.end) {
                    return Err(Broken::Range {
                        batch,
                        name: name.clone(),
                    });
                }
            }
            None => {
                return Err(Broken::Range {
                    batch,
                    name: name.clone(),
                });
            }
            Some(_) => {
                return Err(Broken::Source {
                    batch,
                    name: name.clone(),
                });
            }
        }
        let sound = range.end.belongs_to(&range.identity)
            && range
                .start
                .as_ref()
                .is_none_or(|start| range.end.is_at_or_after(start));
        if !sound {
            return Err(Broken::Range {
                batch,
                name: name.clone(),
            });
        }
    }
    Ok(())
}

/// Checks that the txn versions of one flow, in the order of the log, are 0, 1, 2, … without gap or repetition.
/// A leading -1 (a full refresh that opened the incarnation) is allowed.
///
/// # Errors
/// The first version out of place.
pub fn check_commits(versions: impl IntoIterator<Item = i64>) -> Result<(), Broken> {
    let mut expected = 0;
    for (place, found) in versions.into_iter().enumerate() {
        if place == 0 && found == -1 {
            continue;
        }
        if found != expected {
            return Err(Broken::Txn { expected, found });
        }
        expected += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::tests::plan;
    use crate::{ShardOffset, SourceIdentity};

    #[test]
    fn plans_in_order_follow_each_other() {
        assert_eq!(check_follows(None, &plan(0)), Ok(()));
        assert_eq!(check_follows(Some(&plan(0)), &plan(1)), Ok(()));
    }

    #[test]
    fn what_does_not_follow_is_named() {
        assert!(matches!(
            check_follows(Some(&plan(0)), &plan(2)),
            Err(Broken::Number { batch: 2, .. })
        ));
        assert!(matches!(
            check_follows(None, &plan(1)),
            Err(Broken::Number { .. })
        ));
        let mut other = plan(1);
        other.target.table_id = "u".into();
        assert!(matches!(
            check_follows(Some(&plan(0)), &other),
            Err(Broken::Flow { batch: 1 })
        ));
        let mut gap = plan(1);
        gap.sources.get_mut("files").unwrap().start = plan(0).sources["files"].start.clone();
        assert!(matches!(
            check_follows(Some(&plan(0)), &gap),
            Err(Broken::Range { .. })
        ));
        let mut backwards = plan(1);
        backwards.sources.get_mut("files").unwrap().end = SourceOffset::Files {
            files: 0,
            bytes: 0,
            digest: String::new(),
        };
        assert!(matches!(
            check_follows(Some(&plan(0)), &backwards),
            Err(Broken::Range { .. })
        ));
        let mut dropped = plan(1);
        dropped.sources.clear();
        assert!(matches!(
            check_follows(Some(&plan(0)), &dropped),
            Err(Broken::Source { .. })
        ));
    }

    #[test]
    fn the_first_batch_of_a_stream_records_where_it_begins() {
        let at = |offset: ShardOffset| SourceOffset::Kinesis {
            streams: [("s".to_owned(), [("0".to_owned(), offset)].into())].into(),
        };
        let mut first = plan(0);
        let range = first.sources.get_mut("files").unwrap();
        range.identity = SourceIdentity::Kinesis {
            streams: [("s".to_owned(), 1)].into(),
        };
        range.start = Some(at(ShardOffset::AtTimestamp(7)));
        range.end = at(ShardOffset::After("12".into()));
        assert_eq!(check_follows(None, &first), Ok(()));
        let mut second = first.clone();
        (second.batch, second.previous) = (1, Some(0));
        let range = second.sources.get_mut("files").unwrap();
        range.start = Some(at(ShardOffset::After("12".into())));
        assert_eq!(check_follows(Some(&first), &second), Ok(()));
        let range = second.sources.get_mut("files").unwrap();
        range.end = at(ShardOffset::After("11".into()));
        assert!(check_follows(Some(&first), &second).is_err());
        first.sources.get_mut("files").unwrap().start = plan(1).sources["files"].start.clone();
        assert!(check_follows(None, &first).is_err());
    }

    #[test]
    fn commits_count_from_zero_without_gap() {
        assert_eq!(check_commits([0, 1, 2]), Ok(()));
        assert_eq!(check_commits([-1, 0, 1]), Ok(()));
        assert_eq!(
            check_commits([0, 0]),
            Err(Broken::Txn {
                expected: 1,
                found: 0
            })
        );
        assert_eq!(
            check_commits([0, 2]),
            Err(Broken::Txn {
                expected: 1,
                found: 2
            })
        );
    }
}
