use super::*;
use crate::policy::activity::Activity;
use crate::policy::decay::PERIOD_SECONDS;
use mesh_types::EvidenceId;
use proptest::prelude::*;

pub(in crate::policy) const DAY: i64 = 24 * 3600;

fn id(number: u128) -> EventId {
    EventId::from(uuid::Uuid::from_u128(number))
}

fn line(kind: EvidenceKind, points: i32, number: u128) -> KnownContribution {
    KnownContribution {
        method: kind.method(),
        kind,
        evidence_id: EvidenceId::from(uuid::Uuid::from_u128(number)),
        points,
        rule_version: RuleVersion::V2.number(),
    }
}

pub(in crate::policy) fn hours(number: u128, day: i64, hours: u32) -> LedgerEvent {
    let activity = Activity::VolunteerHours { minutes: hours * 60 };
    LedgerEvent {
        event_id: id(number),
        occurred_at_seconds: day * DAY,
        fact: Fact::Activity(line(activity.kind(), activity.points(), number)),
    }
}

fn verification(event: u128, verification: u128, day: i64, lines: Vec<KnownContribution>) -> LedgerEvent {
    LedgerEvent {
        event_id: id(event),
        occurred_at_seconds: day * DAY,
        fact: Fact::Verification {
            verification_id: VerificationId::from(uuid::Uuid::from_u128(verification)),
            lines,
        },
    }
}

/// A verification of its own by a passport.
fn passport(number: u128, day: i64, kinds: &[EvidenceKind]) -> LedgerEvent {
    let lines = kinds
        .iter()
        .map(|kind| line(*kind, RuleVersion::V2.points(*kind).most(), number));
    verification(number, number, day, lines.collect())
}

fn counter(number: u128, day: i64, of: u128) -> LedgerEvent {
    LedgerEvent {
        event_id: id(number),
        occurred_at_seconds: day * DAY,
        fact: Fact::Counters(id(of)),
    }
}

fn score_on(events: &[LedgerEvent], day: i64) -> u8 {
    fold(events, day * DAY).breakdown.score.get()
}

#[test]
fn an_event_decays_what_was_there_and_starts_a_new_period() {
    let events = [hours(1, 0, 8), hours(2, 29, 8), hours(3, 60, 4)];
    assert_eq!(score_on(&events, -1), 0, "it has not happened yet");
    assert_eq!(score_on(&events, 28), 8);
    assert_eq!(score_on(&events, 59), 15, "16 × 0.95, 30 days after the second");
    assert_eq!(score_on(&events, 60), 19, "15.2 + 4");
    assert_eq!(score_on(&events, 89), 19);
    assert_eq!(score_on(&events, 90), 18, "19.2 × 0.95");
}

#[test]
fn a_countered_event_has_never_been_from_the_counter_on() {
    let events = [hours(1, 0, 8), hours(2, 20, 8), counter(3, 25, 2)];
    assert_eq!(score_on(&events, 24), 16);
    assert_eq!(score_on(&events, 25), 8);
    assert_eq!(score_on(&events, 30), 7, "the anchor is the first event again");
}

#[test]
fn a_later_verification_renews_points_and_never_adds_them_twice() {
    use EvidenceKind::*;
    let first = passport(
        1,
        0,
        &[DocumentAccepted, DocumentMachineReadable, DocumentAgreesWithPrint],
    );
    let events = [first, passport(2, 365, &[DocumentAccepted])];
    assert_eq!(score_on(&events, 0), 30);
    // The accepted document counts anew; the two other kinds are still those of the first year, decayed 12 times.
    assert_eq!(score_on(&events, 365), 25);
}

#[test]
fn what_was_made_of_reputations_does_not_count_again() {
    let lines = vec![
        line(EvidenceKind::ActivityHistory, 20, 2),
        line(EvidenceKind::TrustNetwork, 15, 2),
    ];
    let assessed = verification(2, 2, 1, lines);
    let events = [hours(1, 0, 8), assessed];
    assert_eq!(score_on(&events, 1), 8);
    assert_eq!(activity_score(&events, DAY).get(), 8);
}

#[test]
fn events_without_points_start_no_period() {
    let events = [hours(1, 0, 8), hours(2, 29, 0)];
    assert_eq!(fold(&events, 40 * DAY).summary.anchor_seconds, Some(0));
}

#[test]
fn the_cap_is_a_line_of_its_own_and_so_is_decay() {
    let events: Vec<LedgerEvent> = (0..15).map(|day| hours(day as u128 + 1, day, 8)).collect();
    let full = fold(&events, 14 * DAY).breakdown;
    assert_eq!(
        (full.score.get(), full.cap_adjustment(), full.decay_adjustment),
        (100, -20, 0)
    );
    let decayed = fold(&events, 14 * DAY + PERIOD_SECONDS).breakdown;
    assert_eq!(
        (decayed.score.get(), decayed.cap_adjustment(), decayed.decay_adjustment),
        (95, -20, -5)
    );
}

#[test]
fn each_vouch_of_the_newest_verification_counts_up_to_the_cap_of_the_method_also_in_two_batches() {
    let vouch = |number| line(EvidenceKind::CommunityVouch, 25, number);
    let first = [
        verification(1, 1, 0, vec![vouch(1), vouch(2)]),
        verification(2, 1, 3, vec![vouch(3)]),
    ];
    let folded = fold(&first, 3 * DAY).breakdown;
    assert_eq!(folded.contributions.len(), 3);
    let cap = Cap {
        method: Some(Method::Community.into()),
        points: -25,
    };
    assert_eq!((folded.score.get(), folded.caps), (50, vec![cap]));
    // Without one of the vouches the cap takes nothing.
    let countered = [first.as_slice(), &[counter(3, 4, 2)]].concat();
    let folded = fold(&countered, 4 * DAY).breakdown;
    assert_eq!((folded.score.get(), folded.caps), (50, vec![]));
    // A later verification with two vouches renews the points of the three.
    let renewed = [first.as_slice(), &[verification(9, 9, 20, vec![vouch(4), vouch(5)])]].concat();
    assert_eq!(score_on(&renewed, 20), 50);
    assert_eq!(fold(&renewed, 20 * DAY).breakdown.contributions.len(), 2);
}

/// Up to 40 events of three years: activities, verifications, counters of some of them.
pub(in crate::policy) fn ledgers() -> impl Strategy<Value = Vec<LedgerEvent>> {
    let event = (0..1100i64, 0..4u8, 0..10u32, 0..40u128);
    proptest::collection::vec(event, 0..40).prop_map(|drawn| {
        use EvidenceKind::*;
        let made = drawn.into_iter().zip(1u128..);
        made.map(|((day, what, size, other), number)| match what {
            0 => passport(number, day, &[DocumentAccepted, DocumentMachineReadable]),
            1 => counter(number, day, other),
            _ => hours(number, day, size),
        })
        .collect()
    })
}

proptest! {
    #[test]
    fn the_parts_sum_exactly_to_the_score(events in ledgers(), day in 0..1500i64) {
        let breakdown = fold(&events, day * DAY).breakdown;
        let lines: i32 = breakdown.contributions.iter().map(|line| line.points).sum();
        prop_assert_eq!(
            lines + breakdown.cap_adjustment() + breakdown.decay_adjustment,
            i32::from(breakdown.score.get())
        );
        prop_assert!(breakdown.cap_adjustment() <= 0 && breakdown.decay_adjustment <= 0);
    }

    #[test]
    fn the_order_in_which_events_are_read_does_not_matter(
        (events, shuffled) in ledgers().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        day in 0..1500i64,
    ) {
        prop_assert_eq!(fold(&events, day * DAY), fold(&shuffled, day * DAY));
    }

    #[test]
    fn verifying_again_never_lowers_a_score(events in ledgers(), day in 1100..1500i64) {
        use EvidenceKind::*;
        let best = passport(u128::MAX, day, &[DocumentAccepted, DocumentMachineReadable, DocumentAgreesWithPrint]);
        let again = [events.as_slice(), &[best]].concat();
        prop_assert!(score_on(&again, day) >= score_on(&events, day));
    }

    #[test]
    fn later_is_never_more_without_an_event(events in ledgers(), day in 1100..1500i64, days in 0..400i64) {
        prop_assert!(fold(&events, (day + days) * DAY).now <= fold(&events, day * DAY).now);
    }
}
