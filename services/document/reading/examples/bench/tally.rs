//! Counting.

use crate::{Shortcoming, judge::Judged};
use mesh_types::Decision;
use specimen::{Degradation, DocumentKind};
use std::{collections::BTreeMap, time::Duration};

/// What came of many documents.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    documents: u32,
    exact: u32,
    accepted: u32,
    reviews: u32,
    resubmits: u32,
    rejected: u32,
    accepted_wrong: u32,
    rejected_wrong: u32,
    times: Vec<Duration>,
}

impl Tally {
    pub(crate) fn count(&mut self, judged: &Judged, times: Vec<Duration>) {
        self.documents += 1;
        self.exact += u32::from(judged.exact);
        match judged.decision {
            Decision::Accepted => {
                self.accepted += 1;
                self.accepted_wrong += u32::from(!judged.exact || judged.right != Decision::Accepted);
            }
            Decision::NeedsReview => self.reviews += 1,
            Decision::Resubmit => self.resubmits += 1,
            Decision::Rejected => {
                self.rejected += 1;
                self.rejected_wrong += u32::from(judged.right != Decision::Rejected);
            }
        }
        self.times.extend(times);
    }

    pub(crate) fn pages(&self) -> usize {
        self.times.len()
    }

    fn percent(&self, count: u32) -> f64 {
        f64::from(count) * 100.0 / f64::from(self.documents.max(1))
    }

    fn add(mut self, other: &Self) -> Self {
        self.documents += other.documents;
        self.exact += other.exact;
        self.accepted += other.accepted;
        self.reviews += other.reviews;
        self.resubmits += other.resubmits;
        self.rejected += other.rejected;
        self.accepted_wrong += other.accepted_wrong;
        self.rejected_wrong += other.rejected_wrong;
        self.times.extend(&other.times);
        self
    }

    /// Acceptances and rightful rejections; what has to be sent again is not decided.
    fn decided(&self) -> u32 {
        self.accepted + self.rejected - self.rejected_wrong
    }

    fn print(&self, name: &str) {
        let mut times = self.times.clone();
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let slowest = times.last().copied().unwrap_or_default();
        println!(
            "{name:36} {:>5} {:>6} {:>8} {:>7} {:>9} {:>8} {:>14} {:>6}ms {:>6}ms",
            self.documents,
            self.exact,
            self.accepted,
            self.reviews,
            self.resubmits,
            self.rejected,
            self.accepted_wrong,
            median.as_millis(),
            slowest.as_millis()
        );
    }
}

/// Of clean documents and of all at least so many hundredths are decided without a person.
const LEAST_DECIDED: [f64; 2] = [95.0, 80.0];

/// Prints all there is; returns what it fell short of.
pub(crate) fn print(tallies: &BTreeMap<(Degradation, DocumentKind), Tally>) -> Vec<Shortcoming> {
    println!(
        "{:36} {:>5} {:>6} {:>8} {:>7} {:>9} {:>8} {:>14} {:>8} {:>8}",
        "", "docs", "exact", "accepted", "reviews", "resubmits", "rejected", "accepted wrong", "median", "slowest"
    );
    let mut by_degradation: BTreeMap<Degradation, Tally> = BTreeMap::new();
    for ((degradation, kind), tally) in tallies {
        tally.print(&format!("{} {}", degradation.name(), kind.name()));
        let sum = by_degradation.entry(*degradation).or_default();
        *sum = sum.clone().add(tally);
    }
    println!();
    for (degradation, tally) in &by_degradation {
        tally.print(degradation.name());
    }
    let all = by_degradation.values().fold(Tally::default(), Tally::add);
    all.print("all");
    println!();
    let clean = by_degradation.get(&Degradation::Clean);
    let shares = [clean.map(|clean| ("clean", clean)), Some(("all", &all))];
    let mut short = Vec::new();
    for ((name, tally), least) in shares
        .into_iter()
        .zip(LEAST_DECIDED)
        .filter_map(|(share, least)| Some((share?, least)))
    {
        print_share(name, tally);
        short.extend((tally.percent(tally.decided()) < least).then(|| Shortcoming {
            what: format!("{least} % of {name} decided without a person"),
            is_never_allowed: false,
        }));
    }
    short.extend((all.accepted_wrong > 0).then(|| Shortcoming {
        what: "none accepted with a wrong field".to_owned(),
        is_never_allowed: true,
    }));
    short
}

fn print_share(name: &str, tally: &Tally) {
    let percent = |count| tally.percent(count);
    println!(
        "{name}: {:.1} % decided without a person ({} accepted, {} rightly rejected, of {}); {:.1} % to a person, {:.1} % to be \
         sent again, {} wrongly rejected, {} accepted with a wrong field",
        percent(tally.decided()),
        tally.accepted,
        tally.rejected - tally.rejected_wrong,
        tally.documents,
        percent(tally.reviews),
        percent(tally.resubmits),
        tally.rejected_wrong,
        tally.accepted_wrong
    );
}
