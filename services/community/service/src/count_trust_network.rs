//! The trust network in numbers, once a month.
//!
//! Nothing of the network waits for the month: every instance follows each change at once (see `network.rs`). This works the
//! network out again from the first change on, as it was when the month ended, so a run that is late or repeated tells the same, for the
//! same seeds: they are those of now.

use crate::Store;
use crate::store::PastChange;
use community_trust::{Gate, GateSettings, Strength, TrustNetwork};
use community_workflows::contract::{TrustNetworkFigures, TrustNetworkRequest};
use jiff::Timestamp;
use mesh_runtime::Problem;
use mesh_types::MemberId;
use std::collections::HashSet;
use std::sync::Arc;

/// Changes that are read at once.
const HISTORY_BATCH: i64 = 5_000;

/// A count under way: the network as far as its history was read.
pub struct Count {
    network: TrustNetwork,
    from: Timestamp,
    until: Timestamp,
    made: u64,
    removed: u64,
    /// The number of the last change.
    last: i64,
}

impl Count {
    /// One of which nothing is read yet.
    ///
    /// # Errors
    /// `INVALID_REQUEST`, which no retry mends, when the span is none of the calendar.
    pub fn begin(request: &TrustNetworkRequest) -> Result<Self, Problem> {
        Ok(Self {
            network: TrustNetwork::new(),
            from: instant("from_seconds", request.from_seconds)?,
            until: instant("until_seconds", request.until_seconds)?,
            made: 0,
            removed: 0,
            last: 0,
        })
    }

    /// Reads some changes more; false after the last.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn go_on(mut self, store: &Store) -> Result<(Self, bool), Problem> {
        let page = store.changes_until(self.until, self.last, HISTORY_BATCH).await?;
        let goes_on = page.len() as i64 == HISTORY_BATCH;
        let work = move || {
            self.take(&page)?;
            Ok((self, goes_on))
        };
        off_the_async_threads(work).await?
    }

    /// The network when the span ended, and what changed in the span.
    ///
    /// # Errors
    /// Never, but for a fault of ours.
    pub async fn figures(self, seeds: Arc<[MemberId]>) -> Result<TrustNetworkFigures, Problem> {
        off_the_async_threads(move || self.work_out(&seeds)).await
    }

    fn take(&mut self, page: &[PastChange]) -> Result<(), Problem> {
        for past in page {
            let edge = past.change.edge;
            let set = self.network.set_connection(edge.from, edge.to, edge.strength);
            set.map_err(Problem::internal)?;
            if past.changed_at >= self.from {
                self.made += u64::from(past.before == Strength::NONE);
                self.removed += u64::from(edge.strength == Strength::NONE);
            }
            self.last = past.change.sequence;
        }
        Ok(())
    }

    fn work_out(self, seeds: &[MemberId]) -> TrustNetworkFigures {
        let network = &self.network;
        // Who has lost the last connection is still known to the network.
        let has_one = |id: &MemberId| {
            network.connections_from(*id).next().is_some() || network.connections_to(*id).next().is_some()
        };
        let mut members: HashSet<MemberId> = network.members().filter(has_one).collect();
        members.extend(seeds);
        let connections = network.connection_count() as u64;
        let gate = Gate::compute(self.network, GateSettings::default(), seeds.iter().copied());
        TrustNetworkFigures {
            member_count: members.len() as u64,
            passing_member_count: gate.passing_count() as u64,
            connection_count: connections,
            connections_made: self.made,
            connections_removed: self.removed,
        }
    }
}

fn instant(field: &'static str, seconds: i64) -> Result<Timestamp, Problem> {
    let message = "must be an instant of the calendar, in seconds since 1970";
    Timestamp::from_second(seconds).map_err(|_| Problem::invalid_field(field, message))
}

async fn off_the_async_threads<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{OrPanic, empty_store, member, set_one};
    use mesh_testkit::fixtures::reason;
    use mesh_types::Reason;

    const SPAN: TrustNetworkRequest = TrustNetworkRequest {
        from_seconds: 1_000,
        until_seconds: 2_000,
    };

    async fn figures(store: &Store) -> TrustNetworkFigures {
        let mut count = Count::begin(&SPAN).or_panic();
        loop {
            let (so_far, goes_on) = count.go_on(store).await.or_panic();
            count = so_far;
            if !goes_on {
                return count.figures([member(1)].into()).await.or_panic();
            }
        }
    }

    #[tokio::test]
    async fn the_network_is_as_it_was_when_the_month_ended_whenever_it_is_counted() {
        let (pool, store) = empty_store().await;
        let nothing = TrustNetworkFigures {
            member_count: 1,
            passing_member_count: 1,
            connection_count: 0,
            connections_made: 0,
            connections_removed: 0,
        };
        assert_eq!(figures(&store).await, nothing, "the seed alone");
        let before_and_in_the_span = [
            ((1, 2, 100), 10),
            ((1, 3, 100), 999),
            // A stronger connection is no new one; one that is removed and made again is.
            ((1, 2, 90), 1_000),
            ((1, 3, 0), 1_100),
            ((1, 3, 80), 1_200),
            ((8, 9, 50), 1_300),
            ((4, 5, 100), 1_400),
            ((4, 5, 0), 1_999),
        ];
        for (edge, seconds) in before_and_in_the_span {
            set_one(&pool, edge, seconds).await.or_panic();
        }
        let expected = TrustNetworkFigures {
            // 1, 2, 3, 8 and 9; 8 and 9 are reached by nobody.
            member_count: 5,
            passing_member_count: 3,
            connection_count: 3,
            connections_made: 3,
            connections_removed: 2,
        };
        assert_eq!(figures(&store).await, expected);
        for (edge, seconds) in [((1, 2, 0), 2_000), ((1, 7, 100), 2_001)] {
            set_one(&pool, edge, seconds).await.or_panic();
        }
        assert_eq!(figures(&store).await, expected, "what came later is of the next month");
    }

    #[tokio::test]
    async fn a_history_of_more_than_a_page_is_counted_whole() {
        let (pool, store) = empty_store().await;
        let many = "INSERT INTO connection_changes (from_member, to_member, new_strength, changed_by, changed_at)
                    SELECT 1 + n / 900, 1000 + n % 900, 50, 'person:1', to_timestamp(1500)
                      FROM generate_series(0, 10000) AS n";
        sqlx::query(many).execute(&pool).await.expect("it answers");
        let counted = figures(&store).await;
        assert_eq!((counted.connection_count, counted.connections_made), (10_001, 10_001));
    }

    #[test]
    fn a_span_outside_the_calendar_is_refused_for_good() {
        let request = TrustNetworkRequest {
            until_seconds: i64::MAX,
            ..SPAN
        };
        assert_eq!(reason(Count::begin(&request).map(|_| ())), Reason::InvalidRequest);
    }
}
