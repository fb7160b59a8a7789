//! Who was invited, who answered, and whether that is an end.

use crate::contract::{Answer, Progress, ValidationEnd, ValidationRules, ValidatorResponse, Vote};
use crate::contract::{Phase, VoteRecorded};
use mesh_types::{MemberId, Reason, RequestId};
use std::collections::BTreeMap;

/// The state of a vote. Whatever the order in which answers come, each validator counts once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    approvals_needed: u32,
    standings: BTreeMap<MemberId, Standing>,
    /// Invitations in place of validators who abstained or may not vote any more.
    replaced: u32,
    pool_is_empty: bool,
    is_closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Nothing was heard of them.
    Silent,
    /// Their answer is being recorded.
    Recording,
    /// It is recorded.
    Answered(Answer, Option<RequestId>),
    /// They may not vote on this member any more.
    Refused,
}

/// What an answer is that may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The validator's first.
    New,
    /// One that is recorded already.
    Repeat,
}

impl Ballot {
    /// One to which nobody is invited yet.
    pub fn new(rules: &ValidationRules) -> Self {
        Self {
            approvals_needed: rules.approvals.max(1),
            standings: BTreeMap::new(),
            replaced: 0,
            pool_is_empty: false,
            is_closed: false,
        }
    }

    /// Adds validators. When there are fewer than were asked for, there is nobody else.
    pub fn invite(&mut self, validators: &[MemberId], asked_for: u32) {
        let is_first = self.standings.is_empty() && self.replaced == 0;
        let mut added = 0;
        for validator in validators {
            self.standings.entry(*validator).or_insert_with(|| {
                added += 1;
                Standing::Silent
            });
        }
        if !is_first {
            self.replaced += added;
        }
        self.pool_is_empty |= added < asked_for;
    }

    /// Whether an answer is taken.
    ///
    /// # Errors
    /// The reason why not.
    pub fn admit(&self, response: &ValidatorResponse) -> Result<Admission, Reason> {
        let is_rejection = response.answer == Answer::Reject;
        if is_rejection != response.reject_reason.is_some() {
            return Err(Reason::RejectReasonMismatch);
        }
        match self.standings.get(&response.validator_id) {
            None | Some(Standing::Refused) => Err(Reason::ValidatorNotInvited),
            Some(Standing::Answered(answer, request_id))
                if request_id.is_some() && *request_id == response.request_id && *answer == response.answer =>
            {
                Ok(Admission::Repeat)
            }
            Some(Standing::Answered(..) | Standing::Recording) => Err(Reason::ValidationAnswered),
            Some(Standing::Silent) if self.is_closed => Err(Reason::ValidationOver),
            Some(Standing::Silent) => Ok(Admission::New),
        }
    }

    /// Whether an answer of a validator is being recorded. What comes of a second one is then said by its handler, when the first
    /// one can be found in the table.
    pub fn is_recording(&self, validator: MemberId) -> bool {
        self.standings.get(&validator) == Some(&Standing::Recording)
    }

    /// Takes an answer, which is then recorded: [`Self::recorded`] has to follow for a new one.
    ///
    /// # Errors
    /// Those of [`Self::admit`].
    pub fn take(&mut self, response: &ValidatorResponse) -> Result<Admission, Reason> {
        let admission = self.admit(response)?;
        if admission == Admission::New {
            self.standings.insert(response.validator_id, Standing::Recording);
        }
        Ok(admission)
    }

    /// Says what became of an answer that was taken. After a crash another answer of the same validator may stand in the table;
    /// then that one counts, and this one is refused.
    ///
    /// # Errors
    /// The reason why it does not count.
    pub fn recorded(&mut self, response: &ValidatorResponse, recorded: &VoteRecorded) -> Result<(), String> {
        let (standing, answer) = match recorded {
            VoteRecorded::Recorded { answer, request_id } => {
                let is_this = *answer == response.answer && *request_id == response.request_id;
                let told = match is_this {
                    true => Ok(()),
                    false => Err(Reason::ValidationAnswered.as_str().to_owned()),
                };
                (Standing::Answered(*answer, *request_id), told)
            }
            VoteRecorded::Refused { reason } => (Standing::Refused, Err(reason.clone())),
        };
        self.standings.insert(response.validator_id, standing);
        answer
    }

    /// Lets a validator answer again whose answer could not be recorded.
    pub fn not_recorded(&mut self, validator: MemberId) {
        self.standings.insert(validator, Standing::Silent);
    }

    /// How many validators to invite in place of those who abstained or may not vote any more.
    pub fn seats_to_fill(&self) -> u32 {
        if self.is_closed || self.pool_is_empty {
            return 0;
        }
        let vacant =
            self.count(|standing| matches!(standing, Standing::Answered(Answer::Abstain, _) | Standing::Refused));
        vacant.saturating_sub(self.replaced)
    }

    /// The end, if it is one: enough approve, or not enough can any more. Nobody is ruled out while others may be invited.
    pub fn verdict(&self) -> Option<ValidationEnd> {
        let approvals = self.answers(Answer::Approve);
        if approvals >= self.approvals_needed {
            return Some(ValidationEnd::Quorum);
        }
        let waiting = self.count(|standing| matches!(standing, Standing::Silent | Standing::Recording));
        let is_out_of_reach = self.seats_to_fill() == 0 && approvals + waiting < self.approvals_needed;
        is_out_of_reach.then_some(ValidationEnd::OutOfReach)
    }

    /// Takes no new answers from now on.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// How it stands, for whoever asks.
    pub fn progress(&self, phase: Phase, signals_ignored: u32) -> Progress {
        Progress {
            phase,
            invited: self.count(|_| true),
            approvals: self.answers(Answer::Approve),
            rejections: self.answers(Answer::Reject),
            abstentions: self.answers(Answer::Abstain),
            approvals_needed: self.approvals_needed,
            signals_ignored,
        }
    }

    /// Everybody who was invited, with their answer where it is recorded.
    pub fn votes(&self) -> Vec<Vote> {
        let vote = |(validator, standing): (&MemberId, &Standing)| Vote {
            validator_id: *validator,
            answer: match standing {
                Standing::Answered(answer, _) => Some(*answer),
                Standing::Silent | Standing::Recording | Standing::Refused => None,
            },
        };
        self.standings.iter().map(vote).collect()
    }

    fn answers(&self, answer: Answer) -> u32 {
        self.count(|standing| matches!(standing, Standing::Answered(given, _) if *given == answer))
    }

    fn count(&self, which: impl Fn(&Standing) -> bool) -> u32 {
        let count = self.standings.values().filter(|standing| which(standing)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
