//! Tests of which shards may be read: each rule by itself, then random reshards against a model of the service.

use super::*;

fn listed(id: &str, parents: &[&str], is_closed: bool) -> ListedShard {
    ListedShard {
        id: id.into(),
        parents: parents.iter().map(|parent| (*parent).to_owned()).collect(),
        is_closed,
    }
}

fn at(list: &[(&str, ShardOffset)]) -> ShardOffsets {
    list.iter()
        .map(|(id, position)| ((*id).to_owned(), position.clone()))
        .collect()
}

fn after(number: &str) -> ShardOffset {
    ShardOffset::After(number.into())
}

#[test]
fn children_are_read_from_their_beginning_once_the_parent_has_ended() {
    let list = [
        listed("p", &[], true),
        listed("a", &["p"], false),
        listed("b", &["p"], false),
    ];
    let plan = plan_shards(&at(&[("p", after("5"))]), &list);
    assert_eq!(plan.readable, ["p"]);
    assert!(plan.has_waiting && plan.lost.is_empty());
    assert_eq!(plan.positions, at(&[("p", after("5"))]));

    let plan = plan_shards(&at(&[("p", ShardOffset::ShardEnd)]), &list);
    assert_eq!(plan.readable, ["a", "b"]);
    assert_eq!(plan.positions["a"], ShardOffset::TrimHorizon);
    assert_eq!(plan.positions["p"], ShardOffset::ShardEnd);
    assert!(!plan.has_waiting);
}

#[test]
fn a_merged_shard_waits_for_both_parents() {
    let list = [
        listed("a", &[], true),
        listed("b", &[], true),
        listed("c", &["a", "b"], false),
    ];
    let plan = plan_shards(
        &at(&[("a", ShardOffset::ShardEnd), ("b", after("1"))]),
        &list,
    );
    assert_eq!(plan.readable, ["b"]);
    assert!(plan.has_waiting);
}

#[test]
fn shards_that_were_there_at_the_start_wait_for_their_parents_too() {
    let list = [listed("p", &[], true), listed("a", &["p"], false)];
    let from = begin(&list, &ShardOffset::AtTimestamp(7));
    let plan = plan_shards(&from, &list);
    assert_eq!(plan.readable, ["p"]);
    assert!(plan.has_waiting);
    let mut next = plan.positions;
    next.insert("p".into(), ShardOffset::ShardEnd);
    assert_eq!(plan_shards(&next, &list).readable, ["a"]);
}

#[test]
fn an_ended_parent_stays_until_its_children_progressed_and_the_service_forgot_it() {
    let children = [listed("a", &["p"], false), listed("b", &["p"], false)];
    let progressed = at(&[
        ("p", ShardOffset::ShardEnd),
        ("a", after("1")),
        ("b", after("1")),
    ]);
    let with_parent = [
        listed("p", &[], true),
        children[0].clone(),
        children[1].clone(),
    ];
    assert!(
        plan_shards(&progressed, &with_parent)
            .positions
            .contains_key("p")
    );
    assert!(
        !plan_shards(&progressed, &children)
            .positions
            .contains_key("p")
    );
    let one_left = at(&[
        ("p", ShardOffset::ShardEnd),
        ("a", after("1")),
        ("b", ShardOffset::TrimHorizon),
    ]);
    assert!(
        plan_shards(&one_left, &children)
            .positions
            .contains_key("p")
    );
}

#[test]
fn a_forgotten_parent_that_is_listed_again_is_not_read_again() {
    let list = [listed("p", &[], true), listed("a", &["p"], false)];
    let plan = plan_shards(&at(&[("a", after("1"))]), &list);
    assert_eq!(plan.readable, ["a"]);
    assert_eq!(plan.positions, at(&[("a", after("1"))]));
}

#[test]
fn what_went_away_unread_is_lost_and_counts_as_ended() {
    let list = [listed("c", &["a"], false)];
    let plan = plan_shards(&at(&[("a", after("9"))]), &list);
    assert_eq!(plan.lost, ["a"]);
    assert_eq!(plan.positions["a"], ShardOffset::ShardEnd);
    // A whole generation came and went: `b` is nowhere.
    let list = [listed("c", &["b"], false)];
    let plan = plan_shards(&at(&[("a", ShardOffset::ShardEnd)]), &list);
    assert_eq!(plan.lost, ["b"]);
    assert_eq!(plan.readable, ["c"]);
}

#[test]
fn a_gap_is_a_loss_where_the_stream_is_trimmed_up_to_the_first_record() {
    let day = 86_400_000;
    assert_eq!(judge_gap(1_000, day, day), Gap::Lost);
    assert_eq!(judge_gap(day / 2, day, day), Gap::Quiet);
}

/// A small random number generator of the tests.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// A model of a stream: each shard has the place of its last record, and is closed or not, forgotten or not.
#[derive(Default)]
struct Model {
    shards: Vec<(ListedShard, u32, bool)>,
}

impl Model {
    fn add(&mut self, parents: Vec<String>) {
        let id = format!("s{:04}", self.shards.len());
        let shard = ListedShard {
            id,
            parents,
            is_closed: false,
        };
        self.shards.push((shard, 0, false));
    }

    fn open(&self) -> Vec<usize> {
        (0..self.shards.len())
            .filter(|index| !self.shards[*index].0.is_closed)
            .collect()
    }

    fn list(&self) -> Vec<ListedShard> {
        self.shards
            .iter()
            .filter(|(_, _, is_forgotten)| !is_forgotten)
            .map(|(shard, _, _)| shard.clone())
            .collect()
    }

    fn step(&mut self, dice: &mut Dice, read: &ShardOffsets) {
        let open = self.open();
        let chosen = open[dice.below(open.len())];
        match dice.below(4) {
            0 | 1 => self.shards[chosen].1 += 1,
            2 if open.len() < 6 => {
                self.shards[chosen].0.is_closed = true;
                let parent = self.shards[chosen].0.id.clone();
                self.add(vec![parent.clone()]);
                self.add(vec![parent]);
            }
            2 => {
                let other = open[(dice.below(open.len() - 1)
                    + 1
                    + open.iter().position(|i| *i == chosen).unwrap())
                    % open.len()];
                self.shards[chosen].0.is_closed = true;
                self.shards[other].0.is_closed = true;
                let parents = vec![
                    self.shards[chosen].0.id.clone(),
                    self.shards[other].0.id.clone(),
                ];
                self.add(parents);
            }
            // The service forgets an old shard whose records have all been read.
            _ => {
                if let Some((_, _, is_forgotten)) =
                    self.shards.iter_mut().find(|(shard, _, forgotten)| {
                        !forgotten && read.get(&shard.id).is_some_and(ShardOffset::is_end)
                    })
                {
                    *is_forgotten = true;
                }
            }
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one history from start to end")]
fn random_reshards_lose_nothing_repeat_nothing_and_keep_the_order() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let mut model = Model::default();
        model.add(vec![]);
        model.add(vec![]);
        let mut offsets = begin(&model.list(), &ShardOffset::TrimHorizon);
        let mut taken: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..200 {
            for _ in 0..dice.below(4) {
                model.step(&mut dice, &offsets);
            }
            let plan = plan_shards(&offsets, &model.list());
            assert!(plan.lost.is_empty(), "seed {seed}: {:?}", plan.lost);
            let mut end = plan.positions.clone();
            for id in &plan.readable {
                let (shard, last, _) = model
                    .shards
                    .iter()
                    .find(|(shard, _, _)| shard.id == *id)
                    .unwrap();
                for parent in &shard.parents {
                    let (_, parent_last, _) = model
                        .shards
                        .iter()
                        .find(|(shard, _, _)| shard.id == *parent)
                        .unwrap();
                    let read = taken.get(parent).copied().unwrap_or(0);
                    assert_eq!(
                        read, *parent_last,
                        "seed {seed}: {id} is read before {parent} has ended"
                    );
                }
                let was = match &plan.positions[id] {
                    ShardOffset::After(place) => place.parse().unwrap(),
                    _ => 0,
                };
                assert_eq!(
                    was,
                    taken.get(id).copied().unwrap_or(0),
                    "seed {seed}: {id} is read twice"
                );
                let now = was
                    + u32::try_from(dice.below(usize::try_from(last - was).unwrap() + 1)).unwrap();
                taken.insert(id.clone(), now);
                if shard.is_closed && now == *last && dice.below(2) == 0 {
                    end.insert(id.clone(), ShardOffset::ShardEnd);
                } else if now > 0 {
                    end.insert(id.clone(), ShardOffset::After(now.to_string()));
                }
            }
            let offset = |shards: &ShardOffsets| sluice_checkpoint::SourceOffset::Kinesis {
                streams: [("s".to_owned(), shards.clone())].into(),
            };
            assert!(
                offset(&end).is_at_or_after(&offset(&offsets)),
                "seed {seed}"
            );
            offsets = end;
        }
        // Drain: everything there is gets read.
        for _ in 0..1000 {
            let plan = plan_shards(&offsets, &model.list());
            offsets = plan.positions.clone();
            for id in &plan.readable {
                let (shard, last, _) = model
                    .shards
                    .iter()
                    .find(|(shard, _, _)| shard.id == *id)
                    .unwrap();
                taken.insert(id.clone(), *last);
                let end = if shard.is_closed {
                    ShardOffset::ShardEnd
                } else {
                    ShardOffset::After(last.to_string())
                };
                offsets.insert(id.clone(), end);
            }
            if !plan.has_waiting {
                break;
            }
        }
        for (shard, last, _) in &model.shards {
            assert_eq!(
                taken.get(&shard.id).copied().unwrap_or(0),
                *last,
                "seed {seed}: {}",
                shard.id
            );
        }
    }
}
