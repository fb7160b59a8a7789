use super::*;
use crate::contract::RejectReason;
use proptest::prelude::*;
use uuid::Uuid;

fn member(id: i64) -> MemberId {
    MemberId::try_from(id).expect("from 1")
}

fn response(validator: i64, answer: Answer) -> ValidatorResponse {
    ValidatorResponse {
        validator_id: member(validator),
        answer,
        reject_reason: (answer == Answer::Reject).then_some(RejectReason::Other),
        request_id: None,
    }
}

fn recorded(response: &ValidatorResponse) -> VoteRecorded {
    VoteRecorded::Recorded {
        answer: response.answer,
        request_id: response.request_id,
    }
}

/// A ballot with validators 1 to `invited` and nobody else to invite.
fn ballot(invited: i64) -> Ballot {
    let mut ballot = Ballot::new(&ValidationRules::default());
    let validators: Vec<MemberId> = (1..=invited).map(member).collect();
    ballot.invite(&validators, u32::MAX);
    ballot
}

fn answer(ballot: &mut Ballot, response: &ValidatorResponse) -> Result<Admission, Reason> {
    let admission = ballot.take(response)?;
    if admission == Admission::New {
        ballot.recorded(response, &recorded(response)).expect("it stands");
    }
    if ballot.verdict().is_some() {
        ballot.close();
    }
    Ok(admission)
}

/// domain.md in other words: the first answer of each of those invited counts, until three approve or cannot any more.
fn model(invited: i64, answers: &[(i64, Answer)]) -> (Vec<bool>, Option<bool>) {
    let mut first: Vec<(i64, Answer)> = Vec::new();
    let mut taken = Vec::new();
    let mut end = if invited < 3 { Some(false) } else { None };
    for (validator, answer) in answers {
        let knows = first.iter().any(|(earlier, _)| earlier == validator);
        let counts = end.is_none() && (1..=invited).contains(validator) && !knows;
        taken.push(counts);
        if !counts {
            continue;
        }
        first.push((*validator, *answer));
        let approvals = first.iter().filter(|(_, answer)| *answer == Answer::Approve).count() as i64;
        let silent = invited - first.len() as i64;
        if approvals == 3 {
            end = Some(true);
        } else if approvals + silent < 3 {
            end = Some(false);
        }
    }
    (taken, end)
}

fn agrees(invited: i64, answers: &[(i64, Answer)]) {
    let mut ballot = ballot(invited);
    if ballot.verdict().is_some() {
        ballot.close();
    }
    let taken: Vec<bool> = answers
        .iter()
        .map(|(validator, given)| answer(&mut ballot, &response(*validator, *given)).is_ok())
        .collect();
    let end = ballot.verdict().map(|end| end == ValidationEnd::Quorum);
    assert_eq!((taken, end), model(invited, answers), "{invited} invited, {answers:?}");
}

fn answers(most: usize) -> impl Strategy<Value = Vec<(i64, Answer)>> {
    let any = prop::sample::select(Answer::ALL.to_vec());
    // Validators 11 and 12 are never invited.
    prop::collection::vec((1..=12_i64, any), 0..=most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_model_of_the_quorum_agrees_on_a_hundred_thousand_sequences(invited in 0..=10_i64, answers in answers(24)) {
        agrees(invited, &answers);
    }
}

/// Every order of every set of answers would be 3^10 × 10!; what an order can change is who is first past an end, so every sequence
/// of answers by ten validators in turn covers them all: 3^10.
#[test]
fn every_sequence_of_ten_answers_ends_as_the_model_says() {
    for number in 0..3_u32.pow(10) {
        let answers: Vec<(i64, Answer)> = (0..10)
            .map(|at| (i64::from(at) + 1, Answer::ALL[(number / 3_u32.pow(at) % 3) as usize]))
            .collect();
        agrees(10, &answers);
    }
}

proptest! {
    #[test]
    fn whatever_comes_in_whatever_order_each_validator_counts_once_and_what_counts_is_the_first(
        invited in 3..=10_i64, answers in answers(10).prop_shuffle()
    ) {
        let mut ballot = ballot(invited);
        for (validator, given) in &answers {
            let before = ballot.votes();
            let told = answer(&mut ballot, &response(*validator, *given));
            let vote = |votes: &[Vote]| votes.iter().find(|vote| vote.validator_id == member(*validator)).copied();
            match told {
                Ok(_) => prop_assert_eq!(vote(&ballot.votes()).and_then(|vote| vote.answer), Some(*given)),
                Err(reason) => {
                    prop_assert_eq!(&ballot.votes(), &before, "a refused answer changes nothing");
                    let expected = match vote(&before) {
                        None => Reason::ValidatorNotInvited,
                        Some(Vote { answer: Some(_), .. }) => Reason::ValidationAnswered,
                        Some(Vote { answer: None, .. }) => Reason::ValidationOver,
                    };
                    prop_assert_eq!(reason, expected);
                }
            }
        }
        let progress = ballot.progress(Phase::Collecting, 0);
        prop_assert_eq!(i64::from(progress.invited), invited);
        prop_assert!(progress.approvals <= 3);
    }
}

#[test]
fn two_approvals_and_a_rejection_are_no_end_while_others_may_answer() {
    use Answer::{Approve, Reject};
    let mut four = ballot(4);
    for (validator, given) in [(1, Approve), (2, Approve), (3, Reject)] {
        assert_eq!(answer(&mut four, &response(validator, given)), Ok(Admission::New));
    }
    assert_eq!(four.verdict(), None);
    assert!(answer(&mut four, &response(4, Approve)).is_ok());
    assert_eq!(four.verdict(), Some(ValidationEnd::Quorum));
    agrees(3, &[(1, Approve), (2, Approve), (3, Reject)]);
    assert_eq!(ballot(2).verdict(), Some(ValidationEnd::OutOfReach));
}

#[test]
fn a_rejection_needs_a_reason_and_nothing_else_has_one() {
    let mut ballot = ballot(3);
    let with = |answer, reject_reason| ValidatorResponse {
        reject_reason,
        ..response(1, answer)
    };
    let other = Some(RejectReason::Other);
    for wrong in [
        with(Answer::Reject, None),
        with(Answer::Approve, other),
        with(Answer::Abstain, other),
    ] {
        assert_eq!(answer(&mut ballot, &wrong), Err(Reason::RejectReasonMismatch));
    }
    assert!(answer(&mut ballot, &with(Answer::Reject, other)).is_ok());
}

#[test]
fn a_repeat_of_a_request_is_told_the_same_and_another_one_that_it_is_answered() {
    let by_request = |answer, number| ValidatorResponse {
        request_id: Some(RequestId::from(Uuid::from_u128(number))),
        ..response(1, answer)
    };
    let mut ballot = ballot(5);
    let first = by_request(Answer::Approve, 1);
    assert_eq!(ballot.take(&first), Ok(Admission::New));
    assert_eq!(
        ballot.take(&first),
        Err(Reason::ValidationAnswered),
        "while it is recorded"
    );
    ballot.recorded(&first, &recorded(&first)).expect("it stands");
    assert_eq!(ballot.take(&first), Ok(Admission::Repeat));
    assert_eq!(
        ballot.take(&by_request(Answer::Approve, 2)),
        Err(Reason::ValidationAnswered)
    );
    assert_eq!(
        ballot.take(&by_request(Answer::Abstain, 1)),
        Err(Reason::ValidationAnswered)
    );
}

#[test]
fn what_stands_in_the_table_after_a_crash_counts_and_the_other_answer_is_told_so() {
    let mut ballot = ballot(5);
    let request_id = Some(RequestId::from(Uuid::from_u128(1)));
    let stands = VoteRecorded::Recorded {
        answer: Answer::Approve,
        request_id,
    };
    let other = response(1, Answer::Abstain);
    ballot.take(&other).expect("the first that the new worker sees");
    assert_eq!(ballot.recorded(&other, &stands), Err("VALIDATION_ANSWERED".to_owned()));
    assert_eq!(ballot.progress(Phase::Collecting, 0).approvals, 1);
    let the_one = ValidatorResponse {
        request_id,
        ..response(1, Answer::Approve)
    };
    assert_eq!(ballot.take(&the_one), Ok(Admission::Repeat));
}

#[test]
fn who_abstains_or_may_not_vote_is_replaced_while_there_are_others() {
    let mut ballot = Ballot::new(&ValidationRules::default());
    ballot.invite(&[member(1), member(2), member(3)], 3);
    assert_eq!(ballot.seats_to_fill(), 0);
    answer(&mut ballot, &response(1, Answer::Abstain)).expect("it is taken");
    assert_eq!(ballot.seats_to_fill(), 1);
    let gone = response(2, Answer::Approve);
    ballot.take(&gone).expect("it is taken");
    let refused = VoteRecorded::Refused {
        reason: "VOUCH_IS_RECIPROCAL".to_owned(),
    };
    assert_eq!(ballot.recorded(&gone, &refused), Err("VOUCH_IS_RECIPROCAL".to_owned()));
    assert_eq!(ballot.take(&gone), Err(Reason::ValidatorNotInvited));
    assert_eq!(
        (ballot.seats_to_fill(), ballot.verdict()),
        (2, None),
        "others may be invited"
    );
    ballot.invite(&[member(4), member(5)], 2);
    assert_eq!(ballot.seats_to_fill(), 0);
    answer(&mut ballot, &response(4, Answer::Abstain)).expect("it is taken");
    ballot.invite(&[], 1);
    assert_eq!(
        (ballot.seats_to_fill(), ballot.verdict()),
        (0, Some(ValidationEnd::OutOfReach))
    );
}

#[test]
fn after_the_end_what_is_under_way_counts_and_new_answers_are_late() {
    let mut ballot = ballot(5);
    let under_way = response(1, Answer::Approve);
    ballot.take(&under_way).expect("it is taken");
    ballot.close();
    assert_eq!(ballot.take(&response(2, Answer::Approve)), Err(Reason::ValidationOver));
    assert_eq!(ballot.recorded(&under_way, &recorded(&under_way)), Ok(()));
    assert_eq!(ballot.progress(Phase::Counting, 0).approvals, 1);
}
