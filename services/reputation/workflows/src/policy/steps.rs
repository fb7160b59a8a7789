//! Next steps: the cheapest way for a member to reach a score.

use super::decay::Nanopoints;
use super::most_points;
use super::summary::Summary;
use mesh_types::{Method, NextStep, Score};

/// What a document costs a member: minutes to photograph it.
const DOCUMENT_MINUTES: u32 = 10;
/// What a point by activity costs: a full hour.
const POINT_BY_ACTIVITY_MINUTES: u32 = 60;

/// The cheapest methods, in minutes of the member's time, by which a reputation reaches a score from an instant in seconds
/// on; none when it has that score. A document is taken to give all that one can. What is missing then is earned by
/// activity, step [`Method::Reputation`], an hour for each point.
pub fn steps_to(target: Score, ledger: &Summary, at_seconds: i64) -> Vec<NextStep> {
    let now = ledger.score_at(at_seconds);
    let with_document = ledger.score_with_document_at(at_seconds, most_points(Method::Document).into());
    let ways = [(false, now), (true, with_document)].map(|(document, reached)| {
        let missing = u32::from(target.get().saturating_sub(reached.score().get()));
        let minutes = u32::from(document) * DOCUMENT_MINUTES + missing * POINT_BY_ACTIVITY_MINUTES;
        (minutes, document, missing)
    });
    let Some((_, document, missing)) = ways.into_iter().min() else {
        return Vec::new();
    };
    let gained = (with_document.get() - now.get() + Nanopoints::ONE_POINT - 1) / Nanopoints::ONE_POINT;
    let step = |method: Method, points: i64| NextStep {
        method: method.into(),
        points: i32::try_from(points).unwrap_or(0),
    };
    let by_document = document.then(|| step(Method::Document, gained));
    let by_activity = (missing > 0).then(|| step(Method::Reputation, i64::from(missing)));
    by_document.into_iter().chain(by_activity).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::activity::Activity;
    use crate::policy::ledger_fold::{Fact, LedgerEvent, fold};
    use mesh_types::{EventId, EvidenceId, EvidenceKind, KnownContribution, Level, RuleVersion, VerificationId};
    use proptest::prelude::*;

    const DAY: i64 = 24 * 3600;

    fn hours(number: u128, day: i64, hours: u32) -> LedgerEvent {
        let id = uuid::Uuid::from_u128(number);
        let activity = Activity::VolunteerHours { minutes: 60 * hours };
        LedgerEvent {
            event_id: EventId::from(id),
            occurred_at_seconds: day * DAY,
            fact: Fact::Activity(KnownContribution {
                method: Method::Reputation,
                kind: activity.kind(),
                evidence_id: EvidenceId::from(id),
                points: activity.points(),
                rule_version: 2,
            }),
        }
    }

    /// A document that proves all that a document can, verified at an instant.
    fn best_document(at_seconds: i64) -> LedgerEvent {
        let lines = EvidenceKind::of_method(Method::Document).map(|kind| KnownContribution {
            method: Method::Document,
            kind,
            evidence_id: EvidenceId::MAX,
            points: RuleVersion::V2.points(kind).most(),
            rule_version: RuleVersion::V2.number(),
        });
        LedgerEvent {
            event_id: EventId::MAX,
            occurred_at_seconds: at_seconds,
            fact: Fact::Verification {
                verification_id: VerificationId::MAX,
                lines: lines.collect(),
            },
        }
    }

    /// A verification on a day by a document that proved everything.
    fn verified_on(day: i64) -> LedgerEvent {
        let id = uuid::Uuid::from_u128(99);
        let mut event = best_document(day * DAY);
        event.event_id = EventId::from(id);
        if let Fact::Verification { verification_id, .. } = &mut event.fact {
            *verification_id = VerificationId::from(id);
        }
        event
    }

    /// Does what the steps say, right away.
    fn follow(steps: &[NextStep], events: &[LedgerEvent], at_seconds: i64) -> Vec<LedgerEvent> {
        let mut events = events.to_vec();
        for step in steps {
            match step.method.known().expect("a method of today") {
                Method::Document => events.push(best_document(at_seconds)),
                Method::Reputation => events.extend((0..step.points).map(|hour| LedgerEvent {
                    occurred_at_seconds: at_seconds,
                    ..hours(1_000_000 + hour as u128, 0, 1)
                })),
                other => panic!("{} is no step to a target", other.as_str()),
            }
        }
        events
    }

    #[test]
    fn a_document_is_cheaper_than_hours_unless_it_gives_nothing_more() {
        let steps_to = |target, events: &[LedgerEvent], at| steps_to(target, &fold(events, at).summary, at);
        let points = |steps: &[NextStep]| {
            steps
                .iter()
                .map(|step| (step.method.known().expect("a method of today"), step.points))
                .collect::<Vec<_>>()
        };
        let target = Level::Bronze.least_score();
        assert_eq!(
            points(&steps_to(target, &[], 0)),
            [(Method::Document, most_points(Method::Document))]
        );
        let silver = Level::Silver.least_score();
        assert_eq!(
            points(&steps_to(silver, &[], 0)),
            [(Method::Document, 30), (Method::Reputation, 20)]
        );
        let verified = [verified_on(0)];
        assert_eq!(points(&steps_to(target, &verified, 0)), []);
        assert_eq!(points(&steps_to(silver, &verified, 0)), [(Method::Reputation, 20)]);
        // A year later the same document counts 30 again, of which 16 are left.
        assert_eq!(
            points(&steps_to(target, &verified, 365 * DAY)),
            [(Method::Document, 14)]
        );
    }

    proptest! {
        #[test]
        fn whoever_follows_the_steps_reaches_the_level_and_whoever_leaves_one_out_does_not(
            drawn in proptest::collection::vec((0..400i64, 0..9u32), 0..20), document in proptest::option::of(0..400i64),
            day in 400..800i64, level in 1..4usize,
        ) {
            let mut events: Vec<_> = drawn.iter().zip(1u128..).map(|((day, size), id)| hours(id, *day, *size)).collect();
            events.extend(document.map(verified_on));
            let (target, at) = (Level::ALL[level].least_score(), day * DAY);
            let steps = steps_to(target, &fold(&events, at).summary, at);
            let reached = |steps: &[NextStep]| fold(&follow(steps, &events, at), at).now.score();
            prop_assert!(reached(&steps) >= target);
            for left_out in 0..steps.len() {
                let mut fewer = steps.clone();
                fewer.remove(left_out);
                prop_assert!(reached(&fewer) < target, "{:?} without {}", steps, left_out);
            }
        }
    }
}
