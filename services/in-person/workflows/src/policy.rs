//! The rules, as total functions on plain data.

use crate::contract::{MeetingRules, Standing};
use mesh_types::{Decision, Evidence, MethodOutcome};

/// What has been tried so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Appointments that were booked.
    pub appointments: u32,
    /// How often the member was not there.
    pub member_no_shows: u32,
    /// How often the member called it off.
    pub member_cancellations: u32,
}

impl Tried {
    /// With one more appointment that ended.
    pub fn count(&mut self, standing: &Standing) {
        match standing {
            Standing::NoShowOfMember => self.member_no_shows += 1,
            Standing::CancelledByMember => self.member_cancellations += 1,
            _ => {}
        }
    }
}

/// What follows from how an appointment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is still to come.
    Wait,
    /// Another verifier is looked for. This one is not asked again.
    LookForAnother,
    /// The verification ends.
    End(MethodOutcome),
}

/// What follows. `tried` counts this appointment and its end. What verifiers and staff do never counts against the member.
pub fn next(standing: &Standing, tried: Tried, rules: &MeetingRules) -> Next {
    match standing {
        Standing::Booked | Standing::CheckedIn | Standing::Other => Next::Wait,
        Standing::Completed {
            is_confirmed: true,
            evidence,
        } => Next::End(met(evidence.clone())),
        Standing::Completed {
            is_confirmed: false, ..
        } => Next::End(rejected(
            "IDENTITY_NOT_CONFIRMED",
            "The verifier could not confirm that you are who your profile says.",
        )),
        Standing::NoShowOfMember if tried.member_no_shows >= rules.member_no_shows => Next::End(rejected(
            "MEMBER_DID_NOT_COME",
            "You missed too many appointments. Start again when you have time to meet somebody.",
        )),
        Standing::CancelledByMember if tried.member_cancellations >= rules.member_cancellations => Next::End(rejected(
            "TOO_MANY_CANCELLATIONS",
            "You called off too many appointments. Start again when you have time to meet somebody.",
        )),
        Standing::Withdrawn => Next::End(timed_out()),
        Standing::NoShowOfMember
        | Standing::NoShowOfVerifier
        | Standing::CancelledByMember
        | Standing::CancelledByVerifier
        | Standing::CancelledByStaff
        | Standing::Unattended => match tried.appointments >= rules.appointments {
            true => Next::End(rejected(
                "TOO_MANY_APPOINTMENTS",
                "Too many appointments came to nothing. Start again when you have time to meet somebody.",
            )),
            false => Next::LookForAnother,
        },
    }
}

/// The end when the time is over.
pub fn timed_out() -> MethodOutcome {
    rejected(
        "MEETING_TIMED_OUT",
        "No meeting took place in time. You may start again, with more times at which you can come.",
    )
}

fn met(evidence: Vec<Evidence>) -> MethodOutcome {
    MethodOutcome {
        decision: Decision::Accepted,
        member_reason: "A verifier has met you.".to_owned(),
        internal_reason: "MET_IN_PERSON".to_owned(),
        evidence,
    }
}

fn rejected(internal_reason: &str, member_reason: &str) -> MethodOutcome {
    MethodOutcome {
        decision: Decision::Rejected,
        member_reason: member_reason.to_owned(),
        internal_reason: internal_reason.to_owned(),
        evidence: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_types::{EvidenceId, EvidenceKind};

    fn tried(appointments: u32, member_no_shows: u32, member_cancellations: u32) -> Tried {
        Tried {
            appointments,
            member_no_shows,
            member_cancellations,
        }
    }

    const IN_VAIN: [Standing; 6] = [
        Standing::NoShowOfVerifier,
        Standing::CancelledByMember,
        Standing::CancelledByVerifier,
        Standing::CancelledByStaff,
        Standing::Unattended,
        Standing::NoShowOfMember,
    ];

    fn ends_as(standing: &Standing, tried: Tried) -> Option<String> {
        match next(standing, tried, &MeetingRules::default()) {
            Next::End(outcome) => Some(outcome.internal_reason),
            Next::Wait | Next::LookForAnother => None,
        }
    }

    #[test]
    fn whatever_comes_to_nothing_is_tried_again_until_it_was_tried_very_often() {
        let most = MeetingRules::default().appointments;
        for standing in IN_VAIN {
            assert_eq!(ends_as(&standing, tried(most - 1, 1, 1)), None, "{standing:?}");
            let last = ends_as(&standing, tried(most, 1, 1));
            assert_eq!(last.as_deref(), Some("TOO_MANY_APPOINTMENTS"), "{standing:?}");
        }
    }

    #[test]
    fn the_second_no_show_of_the_member_and_the_fifth_cancellation_end_it_and_nothing_that_others_do() {
        let no_show = ends_as(&Standing::NoShowOfMember, tried(2, 2, 0));
        assert_eq!(no_show.as_deref(), Some("MEMBER_DID_NOT_COME"));
        let cancelled = ends_as(&Standing::CancelledByMember, tried(5, 0, 5));
        assert_eq!(cancelled.as_deref(), Some("TOO_MANY_CANCELLATIONS"));
        // Whatever verifiers and staff do: it is counted as many times as it can be.
        let mut counted = Tried::default();
        for standing in [
            Standing::NoShowOfVerifier,
            Standing::CancelledByVerifier,
            Standing::CancelledByStaff,
            Standing::Unattended,
        ] {
            for _ in 0..20 {
                counted.count(&standing);
            }
            assert_eq!(ends_as(&standing, counted), None, "{standing:?}");
        }
        assert_eq!(counted, Tried::default());
    }

    #[test]
    fn a_meeting_is_accepted_with_its_evidence_only_if_it_confirms() {
        let evidence = vec![Evidence::new(EvidenceId::MAX, EvidenceKind::InPersonMet)];
        let of = |is_confirmed| {
            let standing = Standing::Completed {
                is_confirmed,
                evidence: evidence.clone(),
            };
            match next(&standing, tried(1, 0, 0), &MeetingRules::default()) {
                Next::End(outcome) => (outcome.decision, outcome.evidence.len()),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(of(true), (Decision::Accepted, 1));
        assert_eq!(of(false), (Decision::Rejected, 0));
    }

    #[test]
    fn what_is_open_is_waited_for_and_what_was_withdrawn_is_over() {
        let rules = MeetingRules::default();
        for standing in [Standing::Booked, Standing::CheckedIn, Standing::Other] {
            assert_eq!(next(&standing, tried(100, 0, 0), &rules), Next::Wait);
        }
        assert_eq!(
            next(&Standing::Withdrawn, tried(1, 0, 0), &rules),
            Next::End(timed_out())
        );
        let newer: Standing = serde_json::from_str(r#"{ "state": "on_the_moon" }"#).expect("it is read");
        assert_eq!(newer, Standing::Other);
    }
}
