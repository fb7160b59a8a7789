use super::*;
use crate::store::tests::numbers;
use crate::store::{EventFact, EvidenceBatch, insert_activity};
use crate::testing::{DAY, OrPanic, STAFF, at, counter, empty_ledger, hours, member, record};
use mesh_runtime::clock;
use mesh_types::{KnownEvidence, Reason, RuleVersion, Score};
use sqlx::PgPool;
use std::time::Instant;

const BEGUN: i64 = 1_700_000_000;

/// All lines of a member at an instant, page by page.
async fn all_lines(store: &Store, as_of: i64, limit: i64) -> (Summary, Vec<Contribution>) {
    let mut lines: Vec<Line> = Vec::new();
    loop {
        let after = lines.last().map(Line::key);
        let page = store.reputation(member(1), at(as_of), after, limit).await.or_panic();
        assert!(page.lines.len() <= usize::try_from(limit).expect("a small page"));
        if page.lines.is_empty() {
            return (page.summary, lines.into_iter().map(|line| line.contribution).collect());
        }
        lines.extend(page.lines);
    }
}

/// A verification by some kinds of evidence.
fn verification(kinds: &[EvidenceKind], seconds: i64) -> EvidenceBatch {
    let found = |kind: &EvidenceKind| KnownEvidence {
        basis: Some(Score::MAX),
        ..KnownEvidence::new(EvidenceId::from(clock::new_uuid()), *kind)
    };
    EvidenceBatch {
        member_id: member(1),
        verification_id: clock::new_uuid().into(),
        rules: RuleVersion::V2,
        occurred_at: at(seconds),
        evidence: kinds.iter().map(found).collect(),
    }
}

#[tokio::test]
async fn the_pages_and_the_summary_are_what_the_fold_says_at_any_instant() {
    let (pool, store) = empty_ledger().await;
    let mut numbers = numbers();
    let mut draw = |below: i64| numbers.next().expect("there is always another") % below;
    let mut counterable = Vec::new();
    for step in 0..60 {
        let seconds = BEGUN + draw(900) * DAY;
        let now = BEGUN + 1_000 * DAY + step;
        match draw(6) {
            0 if !counterable.is_empty() => {
                let countered = counterable.swap_remove(draw(counterable.len() as i64) as usize);
                counter(&pool, countered, now).await.or_panic();
            }
            1 | 2 => {
                let first = draw(EvidenceKind::ALL.len() as i64) as usize;
                let kinds = &EvidenceKind::ALL[first..(first + 3).min(EvidenceKind::ALL.len())];
                let batch = verification(kinds, seconds);
                store.insert_evidence(&batch, at(now)).await.or_panic();
                // None where no kind that was drawn gives points.
                let written = sqlx::query_scalar("SELECT entry_id FROM ledger_entries WHERE verification_id = $1")
                    .bind(batch.verification_id.uuid());
                let written: Vec<Uuid> = written.fetch_all(&pool).await.expect("it answers");
                counterable.extend(written.into_iter().map(EventId::from));
            }
            _ => {
                let event = record(&pool, hours(member(1), 1 + draw(8) as u32, seconds), now).await;
                counterable.push(event.event_id);
            }
        }
        let ledger = store.list_ledger(member(1)).await.or_panic();
        for as_of in [now, now + 400 * DAY, BEGUN + draw(900) * DAY] {
            let folded = fold(&ledger, as_of);
            let (summary, lines) = all_lines(&store, as_of, 1 + draw(7)).await;
            assert_eq!(lines, folded.breakdown.contributions, "step {step}");
            assert_eq!(summary.breakdown_at(as_of, lines), folded.breakdown, "step {step}");
            assert_eq!(summary, folded.summary, "step {step}");
        }
    }
}

#[tokio::test]
async fn a_page_of_a_hundred_thousand_lines_reads_no_more_than_itself() {
    let (pool, store) = a_hundred_thousand_activities().await;
    let now = BEGUN + 3 * DAY;
    let first = store.reputation(member(1), at(now), None, 51).await.or_panic();
    let (summary, middle) = (first.summary, first.lines[49].key());
    assert_eq!((summary.points, summary.score_at(now)), (100_001, Nanopoints::MAX));
    let late = (
        BEGUN + 90_000,
        EventId::from(Uuid::nil()),
        EvidenceId::from(Uuid::nil()),
    );
    for after in [None, Some(middle), Some(late)] {
        let mut transaction = pool.begin().await.expect("it answers");
        let before = rows_read(&mut transaction).await;
        let begun = Instant::now();
        let page = read(&mut transaction, member(1), at(now), after, 51).await.or_panic();
        let took = begun.elapsed();
        let read = rows_read(&mut transaction).await - before;
        println!("a page of {} lines: {took:?}, {read} rows read", page.lines.len());
        assert_eq!(page.lines.len(), 51);
        assert!(read < 200 * 5, "{read} rows were read");
    }
    let begun = Instant::now();
    let events = store.list_events(member(1), Some((at(BEGUN + 50_000).as_microsecond(), EventId::MAX)), 51);
    assert_eq!(events.await.or_panic().len(), 51);
    println!("a page of 51 events: {:?}", begun.elapsed());
}

/// A member with 100,000 activities: each a point, one a second, up to `BEGUN` + 100,000.
async fn a_hundred_thousand_activities() -> (PgPool, Store) {
    let (pool, store) = empty_ledger().await;
    let many = [
        "INSERT INTO ledger_entries (entry_id, kind, member_id, rule_version, quantity, occurred_at, recorded_at)
         SELECT gen_random_uuid(), 'activity', 1, 2, 60, to_timestamp($1 + n), to_timestamp($1 + n)
           FROM generate_series(1, 100000) n",
        "INSERT INTO ledger_lines (evidence_id, entry_id, kind, points)
         SELECT entry_id, entry_id, 'volunteer_hours', 1 FROM ledger_entries WHERE $1 > 0",
    ];
    for statement in many {
        sqlx::query(statement)
            .bind(BEGUN as f64)
            .execute(&pool)
            .await
            .expect("written");
    }
    // What they come to: each a point, one a second. An event before them makes the service fold them.
    record(&pool, hours(member(1), 1, BEGUN), BEGUN + DAY + 100_000).await;
    sqlx::query("ANALYZE").execute(&pool).await.expect("counted");
    (pool, store)
}

#[tokio::test]
async fn an_activity_after_a_hundred_thousand_reads_none_of_them() {
    let (pool, store) = a_hundred_thousand_activities().await;
    let mut transaction = pool.begin().await.expect("it answers");
    let event = EventId::from(clock::new_uuid());
    let activity = hours(member(1), 1, BEGUN + 2 * DAY);
    let before = rows_read(&mut transaction).await;
    let begun = Instant::now();
    insert_activity(&mut transaction, event, &activity, (&STAFF, at(BEGUN + 2 * DAY)))
        .await
        .or_panic();
    println!("one more activity: {:?}", begun.elapsed());
    let read = rows_read(&mut transaction).await - before;
    assert!(read < 10, "{read} rows were read");
    transaction.commit().await.expect("written");
    // A late one takes a fold, and comes to the same score as the ledger.
    record(&pool, hours(member(1), 1, BEGUN), BEGUN + 3 * DAY).await;
    let ledger = store.list_ledger(member(1)).await.or_panic();
    let kept = store
        .advance(member(1), at(BEGUN + 3 * DAY), at(BEGUN + 3 * DAY))
        .await
        .or_panic();
    assert_eq!(kept.map(|kept| kept.score), Some(fold(&ledger, BEGUN + 3 * DAY).now));
}

/// How many rows of the ledger the session has read since its numbers were last handed in.
async fn rows_read(connection: &mut sqlx::PgConnection) -> i64 {
    let sum = "SELECT sum(seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_xact_user_tables
                WHERE relname IN ('ledger_entries', 'ledger_lines')";
    sqlx::query_scalar(sum).fetch_one(connection).await.expect("counted")
}

#[tokio::test]
async fn a_row_of_a_newer_version_is_shown_and_never_scored_wrongly_and_hides_no_other() {
    let (pool, store) = empty_ledger().await;
    record(&pool, hours(member(1), 8, BEGUN), BEGUN).await;
    record(&pool, hours(member(2), 8, BEGUN), BEGUN).await;
    let of_a_newer_version = [
        "INSERT INTO ledger_entries (entry_id, kind, member_id, verification_id, method, rule_version, occurred_at, recorded_at)
         VALUES ('01900000-0000-7000-8000-000000000001', 'verification', 1, gen_random_uuid(), 'by_video', 3,
                 to_timestamp(1700000001), now())",
        "INSERT INTO ledger_lines (evidence_id, entry_id, kind, points)
         VALUES (gen_random_uuid(), '01900000-0000-7000-8000-000000000001', 'call_held', 40)",
    ];
    for statement in of_a_newer_version {
        sqlx::query(statement).execute(&pool).await.expect("written");
    }
    let listed = store.list_events(member(1), None, 10).await.or_panic();
    let EventFact::Verification { method, lines, .. } = &listed[0].fact else {
        panic!("{listed:?}");
    };
    assert_eq!((listed.len(), method.as_str()), (2, "by_video"));
    assert_eq!((lines[0].kind.as_str(), lines[0].points), ("call_held", 40));
    let now = BEGUN + DAY;
    let needs_a_newer = |problem: Problem| assert_eq!(problem.reason(), Reason::NewerVersionNeeded);
    needs_a_newer(
        store
            .reputation(member(1), at(now), None, 51)
            .await
            .expect_err("no score"),
    );
    // What needs a fold waits. What is added to the summary does not, and another member has nothing to do with it.
    let batch = verification(&[EvidenceKind::DocumentAccepted], now);
    needs_a_newer(
        store
            .insert_evidence(&batch, at(now))
            .await
            .expect_err("it is not written"),
    );
    record(&pool, hours(member(1), 1, now), now).await;
    let other = store.reputation(member(2), at(now), None, 51).await.or_panic();
    assert_eq!(other.summary.points, 8);
}
