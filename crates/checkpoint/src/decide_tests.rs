//! Tests of the decisions: each rule by itself, then generated histories with crashes against a model store.

use std::collections::BTreeMap;

use super::*;
use crate::batch::tests::plan;
use crate::{Pinned, PlannedTarget, SourceOffset, SourceRange, check_commits, check_follows};

fn observed(txn: Option<i64>, newest_plan: NewestPlan) -> Observed {
    Observed {
        table_id: "t".into(),
        flow: "sluice/t/bronze/0".into(),
        txn,
        newest_plan,
        sources: plan(0)
            .sources
            .iter()
            .map(|(name, range)| (name.clone(), range.identity.clone()))
            .collect(),
        effect: Effect::Append,
        foreign: vec![],
    }
}

fn readable(batch: i64) -> NewestPlan {
    NewestPlan::Readable(Box::new(plan(batch)))
}

fn torn(batch: i64) -> NewestPlan {
    NewestPlan::Faulty {
        batch,
        attempt: 1,
        fault: PlanFault::Torn {
            found: 0,
            expected: None,
        },
    }
}

#[test]
fn the_target_decides_between_replay_and_progress() {
    let cases = [
        (
            None,
            NewestPlan::Absent,
            Decision::Plan {
                batch: 0,
                previous: None,
            },
        ),
        (
            Some(-1),
            NewestPlan::Absent,
            Decision::Plan {
                batch: 0,
                previous: None,
            },
        ),
        (None, readable(0), Decision::Replay(Box::new(plan(0)))),
        (
            Some(4),
            readable(4),
            Decision::Plan {
                batch: 5,
                previous: Some(Box::new(plan(4))),
            },
        ),
        (Some(4), readable(5), Decision::Replay(Box::new(plan(5)))),
        (Some(4), readable(2), Decision::RebuildFromEcho { batch: 4 }),
        (
            Some(4),
            NewestPlan::Absent,
            Decision::RebuildFromEcho { batch: 4 },
        ),
        (
            None,
            torn(0),
            Decision::PassOverTornPlan {
                batch: 0,
                next_attempt: 2,
            },
        ),
        (
            Some(4),
            torn(5),
            Decision::PassOverTornPlan {
                batch: 5,
                next_attempt: 2,
            },
        ),
        (Some(4), torn(4), Decision::RebuildFromEcho { batch: 4 }),
        (
            Some(4),
            readable(7),
            Decision::Stop(StopReason::TargetRolledBack { txn: 4, planned: 7 }),
        ),
        (
            Some(4),
            torn(7),
            Decision::Stop(StopReason::TargetRolledBack { txn: 4, planned: 7 }),
        ),
    ];
    for (txn, newest, expected) in cases {
        assert_eq!(
            decide_start(&observed(txn, newest.clone())),
            expected,
            "{txn:?} {newest:?}"
        );
    }
}

#[test]
fn state_of_another_format_stops_even_when_it_could_be_passed_over() {
    let fault = PlanFault::OtherFormat { found: 9 };
    let decision = decide_start(&observed(
        None,
        NewestPlan::Faulty {
            batch: 0,
            attempt: 0,
            fault: fault.clone(),
        },
    ));
    assert_eq!(
        decision,
        Decision::Stop(StopReason::OtherFormat { batch: 0, fault })
    );
}

#[test]
fn another_table_or_source_stops() {
    let mut replaced = observed(Some(0), readable(0));
    replaced.table_id = "u".into();
    assert!(matches!(
        decide_start(&replaced),
        Decision::Stop(StopReason::TargetReplaced { .. })
    ));

    let mut moved = observed(Some(0), readable(0));
    moved.sources.insert(
        "files".into(),
        SourceIdentity::Files {
            root: "/other".into(),
            format: "json".into(),
        },
    );
    assert!(matches!(
        decide_start(&moved),
        Decision::Stop(StopReason::SourceChanged {
            was: Some(_),
            now: Some(_),
            ..
        })
    ));

    let mut more = observed(Some(0), readable(0));
    more.sources.insert(
        "second".into(),
        SourceIdentity::Table {
            table_id: "s".into(),
        },
    );
    assert!(matches!(
        decide_start(&more),
        Decision::Stop(StopReason::SourceChanged {
            was: None,
            now: Some(_),
            ..
        })
    ));

    let mut fewer = observed(None, readable(0));
    fewer.sources.clear();
    assert!(matches!(
        decide_start(&fewer),
        Decision::Stop(StopReason::SourceChanged { now: None, .. })
    ));
}

#[test]
fn another_writer_stops_appends_only_by_setting_the_table_back() {
    for (kind, stops) in [
        (ForeignKind::Append, false),
        (ForeignKind::Harmless, false),
        (ForeignKind::RemovedRows, false),
        (ForeignKind::Restored, true),
    ] {
        let change = ForeignChange {
            version: 9,
            kind,
            operation: "X".into(),
        };
        let mut facts = observed(Some(0), readable(0));
        facts.foreign = vec![change];
        assert_eq!(
            matches!(decide_start(&facts), Decision::Stop(_)),
            stops,
            "{kind:?}"
        );
        facts.effect = Effect::Rewrite;
        assert!(
            !matches!(decide_start(&facts), Decision::Stop(_)),
            "{kind:?}"
        );
    }
}

#[test]
fn a_lost_checkpoint_comes_back_from_the_echo_or_stops() {
    let facts = observed(Some(3), NewestPlan::Absent);
    assert_eq!(
        decide_after_echo(&facts, 3, Some(plan(3))),
        Decision::Plan {
            batch: 4,
            previous: Some(Box::new(plan(3)))
        }
    );
    for echo in [None, Some(plan(2))] {
        assert_eq!(
            decide_after_echo(&facts, 3, echo),
            Decision::Stop(StopReason::CheckpointLost { batch: 3 })
        );
    }
}

#[test]
fn an_error_of_a_commit_is_unknown_until_the_target_is_read() {
    use AfterError::{CommitAgain, Committed, GiveUp, LookAgain, Recompute, RolledBack};
    let cases = [
        (CommitSeen::Txn(Some(5)), Effect::Append, 0, Committed),
        (CommitSeen::Txn(Some(8)), Effect::Rewrite, 9, Committed),
        (CommitSeen::Txn(Some(4)), Effect::Append, 0, CommitAgain),
        (CommitSeen::Txn(Some(4)), Effect::Rewrite, 0, Recompute),
        (CommitSeen::Txn(Some(4)), Effect::Append, 3, GiveUp),
        (CommitSeen::Txn(Some(3)), Effect::Append, 0, RolledBack),
        (CommitSeen::Txn(None), Effect::Append, 0, RolledBack),
        (CommitSeen::Unreadable, Effect::Append, 2, LookAgain),
        (CommitSeen::Unreadable, Effect::Append, 3, GiveUp),
    ];
    for (seen, effect, tries, expected) in cases {
        assert_eq!(
            decide_after_commit_error(5, effect, seen, tries, 3),
            expected,
            "{seen:?} {effect:?} {tries}"
        );
    }
    assert_eq!(
        decide_after_commit_error(0, Effect::Append, CommitSeen::Txn(None), 0, 3),
        CommitAgain
    );
    assert_eq!(
        decide_after_commit_error(-1, Effect::Rewrite, CommitSeen::Txn(None), 0, 3),
        Recompute
    );
    assert_eq!(
        decide_after_commit_error(-1, Effect::Rewrite, CommitSeen::Txn(Some(-1)), 0, 3),
        Committed
    );
    let opening =
        |seen| decide_after_commit_error(-1, Effect::Rewrite, CommitSeen::Txn(seen), 0, 3);
    assert_eq!(opening(None), Recompute);
    assert_eq!(opening(Some(-1)), Committed);
}

/// A small generator (xorshift), so that a failing history is named by its seed.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// The durable world: what survives a crash.
#[derive(Default)]
struct World {
    /// Files that have arrived, each is one input.
    arrived: u64,
    /// Plans by batch and attempt; a torn one is cut.
    plans: BTreeMap<(i64, u32), Vec<u8>>,
    /// Commits of the target: txn, inputs, echo.
    commits: Vec<(i64, std::ops::Range<u64>, BatchPlan)>,
    /// How often each way was taken, so that a history that tests nothing is noticed.
    taken: BTreeMap<&'static str, u64>,
}

impl World {
    fn txn(&self) -> Option<i64> {
        self.commits.last().map(|commit| commit.0)
    }

    fn count(&mut self, way: &'static str) {
        *self.taken.entry(way).or_default() += 1;
    }

    /// The facts as an edge gathers them, leaving out plans from batch `below` on.
    fn observe(&self, below: i64) -> Observed {
        let newest_plan = match self.plans.range(..(below, 0)).next_back() {
            None => NewestPlan::Absent,
            Some(((batch, attempt), text)) => match BatchPlan::parse(text) {
                Ok(plan) => NewestPlan::Readable(Box::new(plan)),
                Err(fault) => NewestPlan::Faulty {
                    batch: *batch,
                    attempt: *attempt,
                    fault,
                },
            },
        };
        observed(self.txn(), newest_plan)
    }

    /// Put-if-absent of a commit: the log takes it only when the committer saw the newest state.
    fn commit(&mut self, base: usize, plan: &BatchPlan) -> bool {
        if self.commits.len() != base {
            return false;
        }
        let range = inputs(plan);
        self.commits.push((plan.batch, range, plan.clone()));
        true
    }
}

fn inputs(plan: &BatchPlan) -> std::ops::Range<u64> {
    let position = |offset: &SourceOffset| match offset {
        SourceOffset::Files { files, .. } => *files,
        SourceOffset::Table { .. } | SourceOffset::Kinesis { .. } => 0,
    };
    let range = &plan.sources["files"];
    range.start.as_ref().map_or(0, position)..position(&range.end)
}

fn next_plan(world: &World, batch: i64, previous: Option<&BatchPlan>) -> Option<BatchPlan> {
    let start = previous.map(|plan| plan.sources["files"].end.clone());
    let taken = previous.map_or(0, |plan| inputs(plan).end);
    let end = world.arrived.min(taken + 3);
    (end > taken).then(|| BatchPlan {
        flow: "sluice/t/bronze/0".into(),
        batch,
        previous: previous.map(|plan| plan.batch),
        sources: BTreeMap::from([(
            "files".to_owned(),
            SourceRange {
                identity: SourceIdentity::Files {
                    root: "/data".into(),
                    format: "json".into(),
                },
                start,
                end: SourceOffset::Files {
                    files: end,
                    bytes: end,
                    digest: String::new(),
                },
                count: end - taken,
                digest: String::new(),
            },
        )]),
        pinned: Pinned {
            batch_ts_us: 0,
            time_zone: "UTC".into(),
            seed: 0,
        },
        target: PlannedTarget {
            table_id: "t".into(),
            base_version: 0,
        },
        fingerprint: String::new(),
        engine_version: String::new(),
        state: None,
    })
}

/// One engine: runs until it has nothing to do, or until chance kills it. Between any two steps another engine may
/// run, which is how zombies and double starts come about.
fn engine(world: &mut World, random: &mut Random, depth: u32) {
    let (mut below, mut attempt) = (i64::MAX, 0);
    for _ in 0..12 {
        let base = world.commits.len();
        let facts = world.observe(below);
        let decision = decide_start(&facts);
        if crash(world, random, depth) {
            return;
        }
        let plan = match decision {
            Decision::Plan { batch, previous } => {
                let Some(plan) = next_plan(world, batch, previous.as_deref()) else {
                    return;
                };
                if write_plan(world, random, &plan, attempt) {
                    return;
                }
                (below, attempt) = (i64::MAX, 0);
                continue;
            }
            Decision::PassOverTornPlan {
                batch,
                next_attempt,
            } => {
                world.count("torn");
                (below, attempt) = (batch, next_attempt);
                continue;
            }
            Decision::RebuildFromEcho { batch } => {
                world.count("echo");
                let echo = world
                    .commits
                    .iter()
                    .rev()
                    .find(|commit| commit.0 == batch)
                    .map(|commit| commit.2.clone());
                let Decision::Plan { batch, previous } = decide_after_echo(&facts, batch, echo)
                else {
                    panic!("the echo of batch {batch} is in the log")
                };
                let Some(plan) = next_plan(world, batch, previous.as_deref()) else {
                    return;
                };
                if write_plan(world, random, &plan, attempt) {
                    return;
                }
                continue;
            }
            Decision::Replay(plan) => *plan,
            Decision::Stop(reason) => panic!("{reason:?}"),
        };
        if crash(world, random, depth) {
            return;
        }
        let landed = random.next(6) != 0 && world.commit(base, &plan);
        let answered = landed && random.next(4) != 0;
        if !answered && (crash(world, random, depth) || !reconcile(world, &plan)) {
            return;
        }
        if depth == 0 && random.next(10) == 0 {
            world.plans.clear();
        }
    }
}

/// Writes a plan by put-if-absent; true if the engine died of it, leaving a torn file.
fn write_plan(world: &mut World, random: &mut Random, plan: &BatchPlan, attempt: u32) -> bool {
    let mut text = plan.to_text().into_bytes();
    let dies = random.next(12) == 0;
    if dies {
        text.truncate(usize::try_from(random.next(text.len() as u64)).unwrap());
    }
    world.plans.entry((plan.batch, attempt)).or_insert(text);
    dies
}

/// After an error: looks at the target and commits again while it is to; false if the engine gives up.
fn reconcile(world: &mut World, plan: &BatchPlan) -> bool {
    for tries in 0..4 {
        match decide_after_commit_error(
            plan.batch,
            Effect::Append,
            CommitSeen::Txn(world.txn()),
            tries,
            3,
        ) {
            AfterError::Committed => return true,
            AfterError::CommitAgain => {
                world.count("again");
                world.commit(world.commits.len(), plan);
            }
            other => panic!("{other:?}"),
        }
    }
    false
}

/// Lets another engine run now and then, and tells whether this one dies here.
fn crash(world: &mut World, random: &mut Random, depth: u32) -> bool {
    world.arrived += random.next(3);
    if depth < 3 && random.next(6) == 0 {
        world.count("other engine");
        engine(world, random, depth + 1);
    }
    random.next(8) == 0
}

#[test]
fn every_input_counts_once_through_any_history_of_crashes() {
    let mut taken = BTreeMap::new();
    for seed in 1..=400_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut world = World::default();
        for _ in 0..8 {
            world.arrived += random.next(5);
            engine(&mut world, &mut random, 0);
        }
        for (way, times) in &world.taken {
            *taken.entry(*way).or_insert(0) += times;
        }
        assert_eq!(
            check_commits(world.commits.iter().map(|commit| commit.0)),
            Ok(()),
            "seed {seed}"
        );
        let read: Vec<u64> = world
            .commits
            .iter()
            .flat_map(|commit| commit.1.clone())
            .collect();
        let all: Vec<u64> = (0..read.len() as u64).collect();
        assert_eq!(read, all, "seed {seed}");
        let mut previous = None;
        for commit in &world.commits {
            assert_eq!(check_follows(previous, &commit.2), Ok(()), "seed {seed}");
            previous = Some(&commit.2);
        }
    }
    for way in ["torn", "echo", "again", "other engine"] {
        assert!(
            taken.get(way).is_some_and(|times| *times > 100),
            "{way} was taken {taken:?}"
        );
    }
}
