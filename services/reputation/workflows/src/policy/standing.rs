//! What a member's ledger amounts to at an instant: a pure function of its events, the rules and that instant.
//!
//! The events that count are taken in the order in which they happened. Before each one the score so far decays by the
//! full periods since the anchor; then the event adds its points, the score is capped at 100, and the anchor moves to the
//! event: who goes on being active starts a new period. Evidence that a later verification has renewed gives no points any
//! more, but its event still moved the anchor, so that verifying again never costs anything. Left out as if they had never
//! been: events that another one counters, and events that give no points.

use super::decay::{Nanopoints, full_periods};
use mesh_types::{Contribution, EventId, EvidenceKind, Method, Score, ScoreBreakdown};
use std::collections::BTreeSet;

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
    /// Evidence that gives points: of a verification's method, or of an activity.
    Contributions(Vec<Contribution>),
    /// Another event does not count any more from now on.
    Counters(EventId),
}

/// A member's reputation at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The score at that instant.
    pub now: Nanopoints,
    /// The score at the anchor, from which it decays.
    pub at_anchor: Nanopoints,
    /// The last event that counted, in seconds since 1970-01-01 UTC; `None` when none did.
    pub anchor_seconds: Option<i64>,
    /// The whole points and what they are made of.
    pub breakdown: ScoreBreakdown,
}

/// What the events amount to at an instant in seconds; later ones have not happened yet.
pub fn standing(events: &[LedgerEvent], at_seconds: i64) -> Standing {
    let counting = counting(events, at_seconds);
    let (mut score, mut anchor) = (Nanopoints::default(), None);
    let mut capped_away = 0;
    for (occurred_at, lines) in &counting {
        let points: i64 = lines.iter().map(|line| i64::from(line.points)).sum();
        let decayed = score.after(anchor.map_or(0, |anchor| full_periods(anchor, *occurred_at)));
        let sum = decayed.get() + points * Nanopoints::ONE_POINT;
        score = Nanopoints::capped(sum);
        capped_away += sum - score.get();
        anchor = Some(*occurred_at);
    }
    let now = score.after(anchor.map_or(0, |anchor| full_periods(anchor, at_seconds)));
    let contributions: Vec<Contribution> = counting.into_iter().flat_map(|(_, lines)| lines).collect();
    Standing {
        now,
        at_anchor: score,
        anchor_seconds: anchor,
        breakdown: breakdown(now, contributions, capped_away),
    }
}

/// What activity alone amounts to; what the method `reputation` goes by.
pub fn activity_score(events: &[LedgerEvent], at_seconds: i64) -> Score {
    let is_activity = |line: &Contribution| counts(line.kind) == Counts::Each;
    let is_of_activity = |event: &&LedgerEvent| match &event.fact {
        Fact::Contributions(lines) => lines.iter().all(is_activity),
        Fact::Counters(_) => true,
    };
    let active: Vec<LedgerEvent> = events.iter().filter(is_of_activity).cloned().collect();
    standing(&active, at_seconds).now.score()
}

/// How evidence counts in a reputation.
#[derive(PartialEq, Eq)]
enum Counts {
    /// Each piece of it.
    Each,
    /// Only the newest of its kind: a later verification renews points and never adds them twice.
    Newest,
    /// Not again: it was made of what is in the ledger already.
    Never,
}

fn counts(kind: EvidenceKind) -> Counts {
    match kind {
        EvidenceKind::VolunteerHours | EvidenceKind::ReviewReceived => Counts::Each,
        EvidenceKind::DocumentAccepted
        | EvidenceKind::DocumentMachineReadable
        | EvidenceKind::DocumentAgreesWithPrint
        | EvidenceKind::DocumentVisaSupports => Counts::Newest,
        EvidenceKind::ActivityHistory => Counts::Never,
    }
}

/// The events that gave points, in the order in which they happened, each with the lines that still count.
fn counting(events: &[LedgerEvent], at_seconds: i64) -> Vec<(i64, Vec<Contribution>)> {
    let happened = || events.iter().filter(|event| event.occurred_at_seconds <= at_seconds);
    let countered: BTreeSet<EventId> = happened()
        .filter_map(|event| match event.fact {
            Fact::Counters(other) => Some(other),
            Fact::Contributions(_) => None,
        })
        .collect();
    let mut stands: Vec<(&LedgerEvent, &[Contribution])> = happened()
        .filter(|event| !countered.contains(&event.event_id))
        .filter_map(|event| match &event.fact {
            Fact::Contributions(lines) => Some((event, lines.as_slice())),
            Fact::Counters(_) => None,
        })
        .collect();
    stands.sort_by_key(|(event, _)| (event.occurred_at_seconds, event.event_id));
    let mut renewed: BTreeSet<(Method, EvidenceKind)> = BTreeSet::new();
    let mut counting: Vec<(i64, Vec<Contribution>)> = Vec::new();
    for (event, lines) in stands.into_iter().rev() {
        let counted = |line: &&Contribution| match counts(line.kind) {
            Counts::Each => true,
            Counts::Newest => !renewed.contains(&(line.method, line.kind)),
            Counts::Never => false,
        };
        let gave = || {
            lines
                .iter()
                .filter(|line| line.points > 0 && counts(line.kind) != Counts::Never)
        };
        if gave().next().is_none() {
            continue;
        }
        let left: Vec<Contribution> = gave().filter(counted).cloned().collect();
        renewed.extend(left.iter().map(|line| (line.method, line.kind)));
        counting.push((event.occurred_at_seconds, left));
    }
    counting.reverse();
    counting
}

/// The whole points: what the cap and decay took is rounded so that the parts sum exactly to the score.
fn breakdown(now: Nanopoints, contributions: Vec<Contribution>, capped_away: i64) -> ScoreBreakdown {
    let score = now.score();
    let sum: i64 = contributions.iter().map(|line| i64::from(line.points)).sum();
    let lost = sum - i64::from(score.get());
    let to_the_cap = (capped_away / Nanopoints::ONE_POINT).min(lost);
    let adjustment = |points: i64| i32::try_from(-points).unwrap_or(i32::MIN);
    ScoreBreakdown {
        score,
        contributions,
        cap_adjustment: adjustment(to_the_cap),
        decay_adjustment: adjustment(lost - to_the_cap),
    }
}

#[cfg(test)]
mod tests;
