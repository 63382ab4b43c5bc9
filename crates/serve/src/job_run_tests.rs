//! What `run_if` makes of what became of other tasks.

use super::Outcome::{Excluded, Failed, Succeeded};
use super::*;

#[test]
fn a_task_runs_when_those_before_it_ended_as_it_needs() {
    let cases: [(&[Outcome], [bool; 6]); 7] = [
        // All succeeded, one succeeded, none failed, all done, one failed, all failed.
        (&[], [true; 6]),
        (
            &[Succeeded, Succeeded],
            [true, true, true, true, false, false],
        ),
        (
            &[Succeeded, Failed],
            [false, true, false, true, true, false],
        ),
        (&[Failed, Failed], [false, false, false, true, true, true]),
        (
            &[Succeeded, Excluded],
            [true, true, true, true, false, false],
        ),
        (
            &[Failed, Excluded],
            [false, false, false, true, true, false],
        ),
        (&[Excluded, Excluded], [false; 6]),
    ];
    for (outcomes, runs) in cases {
        for ((name, run_if), runs) in RunIf::NAMED.into_iter().zip(runs) {
            let found = left_out(run_if, outcomes);
            assert_eq!(found.is_none(), runs, "{name} after {outcomes:?}");
        }
    }
}

#[test]
fn only_what_needs_success_fails_with_what_it_depends_on() {
    let of = |run_if| left_out(run_if, &[Failed]);
    assert_eq!(of(RunIf::AllSuccess), Some(Failed));
    assert_eq!(of(RunIf::NoneFailed), Some(Excluded));
    assert_eq!(left_out(RunIf::AllSuccess, &[Excluded]), Some(Excluded));
}
