use super::*;
use proptest::prelude::*;

/// Two methods run; nothing was found yet.
const BEGUN: Facts = Facts {
    is_cancelled: false,
    is_overdue: false,
    member_is_gone: false,
    scoring_is_broken: false,
    evidence_is_unscored: false,
    methods_are_open: true,
    score: None,
    target_score: Score::DEFAULT_TARGET,
};

fn scored(points: i64) -> Option<Score> {
    Some(Score::capped(points))
}

#[test]
fn a_verification_ends_as_the_facts_say() {
    use Ending::*;
    let over = Facts {
        methods_are_open: false,
        ..BEGUN
    };
    let unscored = |facts| Facts {
        evidence_is_unscored: true,
        ..facts
    };
    let with_score = |facts, points| Facts {
        score: scored(points),
        ..facts
    };
    let target_of_nothing = |facts| Facts {
        target_score: Score::ZERO,
        ..facts
    };
    let cancelled = |facts| Facts {
        is_cancelled: true,
        ..facts
    };
    let overdue = |facts| Facts {
        is_overdue: true,
        ..facts
    };
    let broken = Facts {
        scoring_is_broken: true,
        ..BEGUN
    };
    let gone = Facts {
        member_is_gone: true,
        ..BEGUN
    };
    let table = [
        ("it has begun", BEGUN, None),
        ("below the target, and a method runs", with_score(BEGUN, 49), None),
        ("the target is reached", with_score(BEGUN, 50), Some(TargetReached)),
        (
            "another method ended in the same moment",
            unscored(with_score(BEGUN, 50)),
            None,
        ),
        ("all have ended, and evidence waits", unscored(over), None),
        ("all have ended without evidence", over, Some(NothingMoreToCome)),
        (
            "all have ended below the target",
            with_score(over, 49),
            Some(NothingMoreToCome),
        ),
        (
            "all have ended at the target",
            with_score(over, 50),
            Some(TargetReached),
        ),
        ("a target of 0 before anything ended", target_of_nothing(BEGUN), None),
        (
            "a target of 0 and no evidence",
            target_of_nothing(over),
            Some(TargetReached),
        ),
        ("cancelled", cancelled(BEGUN), Some(Cancelled)),
        (
            "cancelled at the target",
            cancelled(with_score(over, 100)),
            Some(Cancelled),
        ),
        ("overdue", overdue(BEGUN), Some(TimedOut)),
        (
            "overdue while evidence is scored",
            overdue(unscored(BEGUN)),
            Some(TimedOut),
        ),
        (
            "overdue in the moment of the target",
            overdue(with_score(BEGUN, 50)),
            Some(TargetReached),
        ),
        ("the member is gone", gone, Some(Broken)),
        ("scoring is broken", unscored(broken), Some(Broken)),
        ("cancelled and broken", cancelled(broken), Some(Cancelled)),
    ];
    for (what, facts, expected) in table {
        assert_eq!(ending(&facts), expected, "{what}");
    }
}

#[test]
fn an_ending_gives_the_status() {
    let table = [
        (Ending::TargetReached, VerificationStatus::Completed),
        (Ending::NothingMoreToCome, VerificationStatus::Failed),
        (Ending::Broken, VerificationStatus::Failed),
        (Ending::Cancelled, VerificationStatus::Cancelled),
        (Ending::TimedOut, VerificationStatus::Timeout),
    ];
    for (ending, status) in table {
        assert_eq!(ending.status(), status, "{ending:?}");
    }
}

fn facts() -> impl Strategy<Value = Facts> {
    let flags = any::<[bool; 6]>();
    let score = proptest::option::of(0_i64..=100);
    (flags, score, 0_i64..=100).prop_map(|(flags, score, target)| Facts {
        is_cancelled: flags[0],
        is_overdue: flags[1],
        member_is_gone: flags[2],
        scoring_is_broken: flags[3],
        evidence_is_unscored: flags[4],
        methods_are_open: flags[5],
        score: score.map(Score::capped),
        target_score: Score::capped(target),
    })
}

proptest! {
    #[test]
    fn whoever_cancels_is_heard(facts in facts()) {
        let cancelled = Facts { is_cancelled: true, ..facts };
        prop_assert_eq!(ending(&cancelled), Some(Ending::Cancelled));
        let others = Facts { is_cancelled: false, ..facts };
        prop_assert_ne!(ending(&others), Some(Ending::Cancelled));
    }

    #[test]
    fn only_a_score_that_is_complete_completes(facts in facts()) {
        if ending(&facts) == Some(Ending::TargetReached) {
            prop_assert!(facts.score.unwrap_or_default() >= facts.target_score);
            prop_assert!(!facts.evidence_is_unscored);
        }
    }

    #[test]
    fn a_verification_fails_only_below_its_target_or_through_a_fault(facts in facts()) {
        if ending(&facts) == Some(Ending::NothingMoreToCome) {
            prop_assert!(facts.score.unwrap_or_default() < facts.target_score);
            prop_assert!(!facts.methods_are_open && !facts.evidence_is_unscored);
        }
        if ending(&facts) == Some(Ending::Broken) {
            prop_assert!(facts.member_is_gone || facts.scoring_is_broken);
        }
    }

    #[test]
    fn what_has_nothing_left_to_do_ends(facts in facts()) {
        let idle = Facts { methods_are_open: false, evidence_is_unscored: false, ..facts };
        prop_assert!(ending(&idle).is_some());
        let overdue = Facts { is_overdue: true, ..facts };
        prop_assert!(ending(&overdue).is_some());
    }
}

#[test]
fn a_method_is_tried_again_while_that_may_help_and_attempts_are_left() {
    let table = [
        (true, 1, 3, true),
        (true, 2, 3, true),
        (true, 3, 3, false),
        (false, 1, 3, false),
        (true, 1, 1, false),
    ];
    for (is_retryable, children, at_most, expected) in table {
        assert_eq!(
            is_tried_again(is_retryable, children, at_most),
            expected,
            "{is_retryable}, {children} of {at_most}"
        );
    }
}

#[test]
fn the_time_left_counts_to_the_deadline_whenever_the_workflow_begins() {
    let at = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(time_left(1_000, at(400)), Duration::from_secs(600));
    assert_eq!(time_left(1_000, at(1_000)), Duration::ZERO);
    assert_eq!(time_left(1_000, at(1_001)), Duration::ZERO);
    assert_eq!(time_left(-5, at(0)), Duration::ZERO);
}
