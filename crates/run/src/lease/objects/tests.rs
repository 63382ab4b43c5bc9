//! Leases among the objects of a store in memory, under a clock that is told what to say.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use sluice_model::{Clock, Ids};
use sluice_table::{Step, StepAction, StepHook, StoreOptions};

use super::*;

#[derive(Debug, Default)]
struct Told(AtomicI64);

impl Clock for Told {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
struct Counted(AtomicUsize);

impl Ids for Counted {
    fn uuid(&self) -> String {
        format!("id-{}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Loses the answer of one write of a lease: it is done, and an error all the same.
#[derive(Debug)]
struct Losing(AtomicUsize);

impl StepHook for Losing {
    fn on(&self, step: Step<'_>) -> StepAction {
        let is_chosen =
            step.path.ends_with("lease.json") && self.0.fetch_sub(1, Ordering::Relaxed) == 0;
        if is_chosen {
            StepAction::FailAfter
        } else {
            StepAction::Proceed
        }
    }
}

fn world() -> (Arc<Told>, Store, Location) {
    let clock = Arc::new(Told::default());
    clock.0.store(1_000_000_000_000, Ordering::Relaxed);
    let store = Store::memory(StoreOptions::new(
        clock.clone(),
        Arc::new(Counted::default()),
    ))
    .unwrap();
    let place = store.place(&["_sluice", "p", "default", "lease.json"]);
    (clock, store, place)
}

async fn entry(store: &Store, place: &Location) -> Entry {
    serde_json::from_slice(&store.get(place).await.unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn one_engine_holds_it_until_it_gives_it_back() {
    let (_, store, place) = world();
    let first = ObjectLease::take(&store, place.clone(), "a", "p")
        .await
        .unwrap();
    let refused = ObjectLease::take(&store, place.clone(), "b", "p")
        .await
        .unwrap_err();
    let refused = refused.into_diagnostics().remove(0);
    assert_eq!(refused.condition.name, "PIPELINE_ALREADY_RUNNING");
    assert!(
        refused.facts.iter().any(|fact| fact.contains("held by a")),
        "{refused:?}"
    );
    first.release().await;
    let second = ObjectLease::take(&store, place.clone(), "b", "p")
        .await
        .unwrap();
    assert_eq!(entry(&store, &place).await.epoch, 1);
    second.release().await;
}

#[tokio::test]
async fn what_its_holder_does_not_renew_is_taken_over_after_its_end() {
    let (clock, store, place) = world();
    let dead = ObjectLease::take(&store, place.clone(), "a", "p")
        .await
        .unwrap();
    clock.0.fetch_add(HELD_US - 1, Ordering::Relaxed);
    assert!(
        ObjectLease::take(&store, place.clone(), "b", "p")
            .await
            .is_err()
    );
    clock.0.fetch_add(1, Ordering::Relaxed);
    let heir = ObjectLease::take(&store, place.clone(), "b", "p")
        .await
        .unwrap();
    // Who was dead after all neither renews nor ends what is another's.
    assert!(!dead.held.write(i64::MAX / 2).await);
    dead.release().await;
    let found = entry(&store, &place).await;
    assert_eq!((found.owner.as_str(), found.epoch), ("b", 1));
    drop(heir);
}

#[tokio::test]
async fn a_renewal_moves_the_end() {
    let (clock, store, place) = world();
    let lease = ObjectLease::take(&store, place.clone(), "a", "p")
        .await
        .unwrap();
    clock.0.fetch_add(HELD_US, Ordering::Relaxed);
    assert!(lease.held.write(clock.now_us() + HELD_US).await);
    assert!(ObjectLease::take(&store, place, "b", "p").await.is_err());
}

#[tokio::test]
async fn a_lost_answer_is_no_lost_lease() {
    let (clock, store, place) = world();
    let losing = |nth| {
        let options = StoreOptions::new(clock.clone(), Arc::new(Counted::default()));
        store
            .restarted(options.with_hook(Arc::new(Losing(AtomicUsize::new(nth)))))
            .unwrap()
    };
    // The put that makes it: the next attempt finds its own.
    assert!(
        ObjectLease::take(&losing(0), place.clone(), "a", "p")
            .await
            .is_err()
    );
    let lease = ObjectLease::take(&losing(1), place.clone(), "a", "p")
        .await
        .unwrap();
    assert_eq!(entry(&store, &place).await.epoch, 0);
    // A renewal: the one after it knows its own content again.
    assert!(lease.held.write(clock.now_us() + HELD_US).await);
    assert!(lease.held.write(clock.now_us() + HELD_US + 1).await);
    let end = entry(&store, &place).await.expires.timestamp_micros();
    assert_eq!(end, clock.now_us() + HELD_US + 1);
}

#[test]
fn a_lease_is_judged_by_owner_and_end() {
    let entry = Entry::until("a", 4, 100);
    assert_eq!(judge(None, "b", 0), Verdict::Take(0));
    assert_eq!(judge(Some(&entry), "b", 99), Verdict::Held);
    assert_eq!(judge(Some(&entry), "b", 100), Verdict::Take(5));
    assert_eq!(judge(Some(&entry), "a", 99), Verdict::Own(4));
}
