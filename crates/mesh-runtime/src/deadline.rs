//! The instant by which the present RPC must answer, known to all work below it.
//!
//! The server puts it here: for an RPC with one answer the earlier of `grpc-timeout` and the configured limit, which is
//! another one where the request is a stream; for one that streams its answer `grpc-timeout` alone. [`crate::PeerChannel`] passes on what is left.
//! Work outside an RPC (an activity, a probe) has no deadline here; its bound is the activity's own timeout.

use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

tokio::task_local! {
    static DEADLINE: Option<Instant>;
}

/// The header of the gRPC protocol that carries a timeout.
pub(crate) const HEADER: &str = "grpc-timeout";

/// What is left until the deadline; zero when it has passed, `None` when there is none.
pub fn remaining() -> Option<Duration> {
    instant().map(|deadline| deadline.saturating_duration_since(Instant::now()))
}

/// Runs `work` under `deadline`. An enclosing earlier deadline stays in force.
///
/// Needed by hand only when an RPC hands work to another task: task-locals don't follow a spawn.
pub async fn scope<F: Future>(deadline: Option<Instant>, work: F) -> F::Output {
    DEADLINE.scope(earlier(instant(), deadline), work).await
}

/// The deadline itself, to hand to [`scope`] in another task.
pub fn instant() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok().flatten()
}

pub(crate) fn sync_scope<R>(deadline: Option<Instant>, work: impl FnOnce() -> R) -> R {
    DEADLINE.sync_scope(deadline, work)
}

pub(crate) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Reads a `grpc-timeout` value: at most eight digits and a unit (gRPC over HTTP2, "Timeout"). A malformed one is `None`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

/// Writes a `grpc-timeout` value in the finest unit that fits eight digits, never more than `left`.
pub(crate) fn format(left: Duration) -> String {
    const LARGEST: u128 = 99_999_999;
    if left.as_micros() <= LARGEST {
        format!("{}u", left.as_micros())
    } else if left.as_millis() <= LARGEST {
        format!("{}m", left.as_millis())
    } else {
        format!("{}S", u128::from(left.as_secs()).min(LARGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_and_is_never_longer() {
        for left in [
            0,
            1,
            999,
            1_000_000,
            99_999_999,
            100_000_000,
            7_200_000_000,
            200_000_000_000,
        ] {
            let left = Duration::from_micros(left);
            let read = parse(&format(left)).expect("what we write we read");
            assert!(
                read <= left && left - read < Duration::from_secs(1),
                "{left:?} became {read:?}"
            );
        }
    }

    #[test]
    fn a_timeout_beyond_eight_digits_is_cut_to_three_years() {
        assert_eq!(format(Duration::MAX), "99999999S");
    }

    #[test]
    fn every_unit_is_read_and_nonsense_is_not() {
        assert_eq!(parse("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(parse("3M"), Some(Duration::from_secs(180)));
        assert_eq!(parse("4S"), Some(Duration::from_secs(4)));
        assert_eq!(parse("5m"), Some(Duration::from_millis(5)));
        assert_eq!(parse("6u"), Some(Duration::from_micros(6)));
        assert_eq!(parse("7n"), Some(Duration::from_nanos(7)));
        for nonsense in ["", "S", "1", "-1S", "+1S", "1.5S", "123456789S", "1s", "é", "1é"] {
            assert_eq!(parse(nonsense), None, "{nonsense:?}");
        }
    }

    #[tokio::test]
    async fn an_inner_scope_cannot_outlive_the_outer_one() {
        let soon = Instant::now() + Duration::from_secs(1);
        let late = soon + Duration::from_secs(60);
        scope(Some(soon), async {
            scope(Some(late), async { assert_eq!(instant(), Some(soon)) }).await;
            scope(None, async { assert_eq!(instant(), Some(soon)) }).await;
        })
        .await;
        assert_eq!(remaining(), None);
    }
}
