//! A member's reputation: the fold of the member's ledger at an instant. It is a pure function of events, rules and instant.
//!
//! The events that count are taken in the order in which they happened. Before each event the score decays by the full
//! periods since the anchor. Then the event adds its points, the score is capped at 100, and the anchor moves to the event:
//! a member who stays active starts a new period. Evidence that a later verification has renewed gives no points any more,
//! but its event still moved the anchor, so verifying again never costs anything. An event that another one counters, and an
//! event without points, are left out as if they had never been.

use super::decay::Nanopoints;
use super::summary::{Gain, Summary};
use mesh_types::score_breakdown::push_cap;
use mesh_types::{
    Cap, Counting, EventId, EvidenceKind, KnownContribution, Method, RuleVersion, Score, ScoreBreakdown, VerificationId,
};
use std::collections::{BTreeMap, BTreeSet};

/// An event of the ledger, as far as scores go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEvent {
    /// The event.
    pub event_id: EventId,
    /// When it happened, in seconds since 1970-01-01 UTC.
    pub occurred_at_seconds: i64,
    /// What it is.
    pub fact: Fact,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A verification found evidence of one method.
    Verification {
        /// The verification.
        verification_id: VerificationId,
        /// Each piece of evidence and its points.
        lines: Vec<KnownContribution>,
    },
    /// The member did something on the platform.
    Activity(KnownContribution),
    /// Another event does not count any more from now on.
    Counters(EventId),
}

impl Fact {
    fn lines(&self) -> &[KnownContribution] {
        match self {
            Fact::Verification { lines, .. } => lines,
            Fact::Activity(line) => std::slice::from_ref(line),
            Fact::Counters(_) => &[],
        }
    }

    fn verification_id(&self) -> Option<VerificationId> {
        match self {
            Fact::Verification { verification_id, .. } => Some(*verification_id),
            Fact::Activity(_) | Fact::Counters(_) => None,
        }
    }
}

/// A member's reputation at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerFold {
    /// The score at that instant.
    pub now: Nanopoints,
    /// What the events until then come to.
    pub summary: Summary,
    /// The whole points and what they are made of.
    pub breakdown: ScoreBreakdown,
}

/// Folds events up to an instant in seconds; later ones have not happened yet.
pub fn fold(events: &[LedgerEvent], at_seconds: i64) -> LedgerFold {
    let counting = counting(events, at_seconds);
    let mut summary = Summary::default();
    let mut methods = MethodCaps::default();
    for event in &counting {
        summary.add(event.occurred_at, methods.gain(event));
    }
    summary.method_caps = methods.caps();
    let lines = counting.into_iter().flat_map(|event| event.lines);
    let contributions = lines.map(Into::into).collect();
    LedgerFold {
        now: summary.score_at(at_seconds),
        breakdown: summary.breakdown_at(at_seconds, contributions),
        summary,
    }
}

/// The reputation by activity alone; what the method `reputation` goes by.
pub fn activity_score(events: &[LedgerEvent], at_seconds: i64) -> Score {
    let is_of_activity = |event: &&LedgerEvent| !matches!(event.fact, Fact::Verification { .. });
    let active: Vec<LedgerEvent> = events.iter().filter(is_of_activity).cloned().collect();
    fold(&active, at_seconds).now.score()
}

/// An event that gave points, with the lines that still count.
struct CountingEvent {
    occurred_at: i64,
    verification_id: Option<VerificationId>,
    lines: Vec<KnownContribution>,
}

/// What each method has given to each verification, so that a verification's cap holds over all its events.
#[derive(Default)]
struct MethodCaps {
    given: BTreeMap<(VerificationId, Method), i32>,
    taken: BTreeMap<Method, i32>,
}

impl MethodCaps {
    /// What an event adds after the caps of its methods.
    fn gain(&mut self, event: &CountingEvent) -> Gain {
        let mut gain = Gain::default();
        for line in &event.lines {
            let rules = RuleVersion::of_number(line.rule_version).unwrap_or(RuleVersion::V2);
            let points = match event.verification_id {
                None => line.points,
                Some(verification_id) => {
                    let given = self.given.entry((verification_id, line.method)).or_default();
                    let left = (rules.method_cap(line.method) - *given).max(0);
                    *given += line.points.min(left);
                    *self.taken.entry(line.method).or_default() += (line.points - left).max(0);
                    line.points.min(left)
                }
            };
            gain.lines += i64::from(line.points);
            gain.points += i64::from(points);
            if line.method == Method::Document {
                gain.by_documents += i64::from(points);
            }
        }
        gain
    }

    fn caps(&self) -> Vec<Cap> {
        let mut caps = Vec::new();
        for (method, points) in &self.taken {
            push_cap(&mut caps, Some(*method), -points);
        }
        caps
    }
}

/// The events that gave points, in the order in which they happened, each with the lines that still count.
fn counting(events: &[LedgerEvent], at_seconds: i64) -> Vec<CountingEvent> {
    let happened = || events.iter().filter(|event| event.occurred_at_seconds <= at_seconds);
    let countered: BTreeSet<EventId> = happened()
        .filter_map(|event| match event.fact {
            Fact::Counters(other) => Some(other),
            Fact::Verification { .. } | Fact::Activity(_) => None,
        })
        .collect();
    let mut left: Vec<&LedgerEvent> = happened()
        .filter(|event| !countered.contains(&event.event_id))
        .collect();
    left.sort_by_key(|event| (event.occurred_at_seconds, event.event_id));
    // From the newest to the oldest: the first verification that is met with a kind is the newest one.
    let mut newest: BTreeMap<EvidenceKind, Option<VerificationId>> = BTreeMap::new();
    let mut counting: Vec<CountingEvent> = Vec::new();
    for event in left.into_iter().rev() {
        let verification_id = event.fact.verification_id();
        let gave = event
            .fact
            .lines()
            .iter()
            .filter(|line| line.points > 0 && line.kind.counting() != Counting::OwnVerificationOnly);
        let gave: Vec<&KnownContribution> = gave.collect();
        if gave.is_empty() {
            continue;
        }
        let counts = |line: &&&KnownContribution| match line.kind.counting() {
            Counting::Each => true,
            Counting::NewestVerification => newest.get(&line.kind).is_none_or(|newest| *newest == verification_id),
            Counting::OwnVerificationOnly => false,
        };
        let lines: Vec<KnownContribution> = gave.iter().filter(counts).map(|line| (*line).clone()).collect();
        for line in &lines {
            newest.entry(line.kind).or_insert(verification_id);
        }
        counting.push(CountingEvent {
            occurred_at: event.occurred_at_seconds,
            verification_id,
            lines,
        });
    }
    counting.reverse();
    counting
}

#[cfg(test)]
pub(super) mod tests;
