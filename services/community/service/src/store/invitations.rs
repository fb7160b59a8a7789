//! Inviting validators: what is known of the candidates, and what was decided about them, in one transaction.

use super::{Store, member};
use community_workflows::contract::InvitationRequest;
use community_workflows::policy::{RECIPROCAL_SECONDS, Standing};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use mesh_runtime::{Problem, clock};
use mesh_types::{MemberId, Reason, Score, VerificationId};
use sqlx::{PgConnection, Postgres, Transaction};
use std::collections::HashMap;

/// The lock of whoever chooses validators: one after the other, so that nobody is invited to more than they may be.
const CHOOSING: i64 = 0x636f_6d6d_756e_6974;

/// The run of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowRun {
    /// Its workflow id.
    pub workflow_id: String,
    /// Its run id.
    pub run_id: String,
}

/// What the tables know of somebody who might be invited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownOf {
    /// Whether this validation has invited them already.
    pub is_invited: bool,
    /// Whether the member vouched for them within the last 90 days.
    pub was_vouched_for: bool,
    /// Requests that wait for their answer.
    pub open_requests: u32,
}

/// A candidate about whom it was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Considered {
    /// Who.
    pub member_id: MemberId,
    /// Connections between them and the member.
    pub distance: u8,
    /// Their reputation, where it was asked for.
    pub reputation: Option<Score>,
    /// What was decided.
    pub standing: Standing,
}

/// A batch of invitations that is being made. Nobody else makes one meanwhile.
pub struct Batch {
    transaction: Transaction<'static, Postgres>,
    now: Timestamp,
}

impl Store {
    /// The validators of a batch that was made already.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT validation_requests", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "validation_requests"))]
    pub async fn find_batch(
        &self,
        verification_id: VerificationId,
        batch: u32,
    ) -> Result<Option<Vec<MemberId>>, Problem> {
        let mut connection = self.pool.acquire().await?;
        validators_of_batch(&mut connection, verification_id, batch).await
    }

    /// Begins a batch; `Err` with the validators where another attempt has made it meanwhile.
    ///
    /// # Errors
    /// `INTRODUCTION_NOT_FOUND` when the introduction is not there or not the member's; `DATABASE_UNAVAILABLE` when PostgreSQL is
    /// away, or others who choose hold the lock for more than 3 s.
    #[tracing::instrument(name = "INSERT validations", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "validations"))]
    pub async fn begin_batch(
        &self,
        request: &InvitationRequest,
        run: &WorkflowRun,
        now: Timestamp,
    ) -> Result<Result<Batch, Vec<MemberId>>, Problem> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query!("SELECT set_config('lock_timeout', '3s', true)")
            .fetch_one(&mut *transaction)
            .await?;
        sqlx::query!("SELECT pg_advisory_xact_lock($1)", CHOOSING)
            .execute(&mut *transaction)
            .await?;
        if let Some(made) = validators_of_batch(&mut transaction, request.verification_id, request.batch).await? {
            return Ok(Err(made));
        }
        let introduction = sqlx::query_scalar!(
            r#"SELECT true AS "is_there!" FROM introductions WHERE introduction_id = $1 AND member_id = $2 FOR SHARE"#,
            request.introduction_id.uuid(),
            request.member_id.get(),
        );
        if introduction.fetch_optional(&mut *transaction).await?.is_none() {
            let message = "the introduction is not there, or not the member's";
            return Err(Problem::new(Reason::IntroductionNotFound, message));
        }
        let approvals_needed = i32::try_from(request.approvals_needed).unwrap_or(i32::MAX);
        sqlx::query!(
            "INSERT INTO validations (verification_id, member_id, introduction_id, workflow_id, run_id, approvals_needed,
                                      requested_at, deadline)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT ON CONSTRAINT validations_pkey DO UPDATE SET run_id = excluded.run_id",
            request.verification_id.uuid(),
            request.member_id.get(),
            request.introduction_id.uuid(),
            run.workflow_id,
            run.run_id,
            approvals_needed,
            instant(request.invited_at_seconds)?.to_sqlx() as _,
            instant(request.deadline_seconds)?.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        Ok(Ok(Batch { transaction, now }))
    }
}

impl Batch {
    /// What the tables know of these members; of whoever is left out, nothing.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn known_of(
        &mut self,
        request: &InvitationRequest,
        members: &[MemberId],
    ) -> Result<HashMap<MemberId, KnownOf>, Problem> {
        let ids: Vec<i64> = members.iter().map(|member| member.get()).collect();
        let since = self.now.saturating_sub(SignedDuration::from_secs(RECIPROCAL_SECONDS));
        let since = since.map_err(Problem::internal)?;
        let rows = sqlx::query!(
            r#"SELECT candidate AS "candidate!",
                      EXISTS (SELECT FROM validation_requests
                               WHERE verification_id = $2 AND validator_id = candidate) AS "is_invited!",
                      EXISTS (SELECT FROM validation_votes WHERE validator_id = $3 AND member_id = candidate
                                 AND answer = 'approve' AND voted_at > $4) AS "was_vouched_for!",
                      (SELECT count(*) FROM validation_requests
                        WHERE validator_id = candidate AND closed_at IS NULL AND deadline > $5) AS "open_requests!"
                 FROM unnest($1::bigint[]) AS candidate"#,
            &ids,
            request.verification_id.uuid(),
            request.member_id.get(),
            since.to_sqlx() as _,
            self.now.to_sqlx() as _,
        )
        .fetch_all(&mut *self.transaction)
        .await?;
        let known = rows.into_iter().map(|row| {
            let known = KnownOf {
                is_invited: row.is_invited,
                was_vouched_for: row.was_vouched_for,
                open_requests: u32::try_from(row.open_requests).unwrap_or(u32::MAX),
            };
            Ok((member(row.candidate)?, known))
        });
        known.collect()
    }

    /// Records what was decided, invites who was chosen, and returns them.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing was recorded.
    pub async fn finish(
        mut self,
        request: &InvitationRequest,
        considered: &[Considered],
    ) -> Result<Vec<MemberId>, Problem> {
        let batch = batch_number(request.batch);
        let is_chosen = |one: &&Considered| matches!(one.standing, Standing::Chosen { .. });
        let chosen: Vec<MemberId> = considered.iter().filter(is_chosen).map(|one| one.member_id).collect();
        let connections = |one: &Considered| match one.standing {
            Standing::Chosen { connections_to_chosen } => i32::try_from(connections_to_chosen).ok(),
            Standing::LeftOut(_) | Standing::InReserve => None,
        };
        sqlx::query!(
            "INSERT INTO validation_candidates (verification_id, member_id, batch, standing, distance, reputation,
                                                connections_to_chosen)
             SELECT $1, member_id, $2, standing, distance, reputation, connections_to_chosen
               FROM unnest($3::bigint[], $4::text[], $5::smallint[], $6::smallint[], $7::integer[])
                    AS considered (member_id, standing, distance, reputation, connections_to_chosen)
             ON CONFLICT ON CONSTRAINT validation_candidates_pkey DO UPDATE
                SET batch = excluded.batch, standing = excluded.standing, distance = excluded.distance,
                    reputation = excluded.reputation, connections_to_chosen = excluded.connections_to_chosen",
            request.verification_id.uuid(),
            batch,
            &column(considered, |one| one.member_id.get()),
            &column(considered, |one| standing_text(one.standing).to_owned()),
            &column(considered, |one| i16::from(one.distance)),
            &column(considered, |one| one.reputation.map(|score| i16::from(score.get()))) as _,
            &column(considered, connections) as _,
        )
        .execute(&mut *self.transaction)
        .await?;
        let ids: Vec<i64> = chosen.iter().map(|member| member.get()).collect();
        sqlx::query!(
            "INSERT INTO validation_requests (verification_id, validator_id, batch, invited_at, deadline)
             SELECT $1, validator_id, $2, $3, $4 FROM unnest($5::bigint[]) AS validator_id",
            request.verification_id.uuid(),
            batch,
            self.now.to_sqlx() as _,
            instant(request.deadline_seconds)?.to_sqlx() as _,
            &ids,
        )
        .execute(&mut *self.transaction)
        .await?;
        notify(
            &mut self.transaction,
            request.verification_id,
            (&ids, "VALIDATION_REQUESTED"),
            self.now,
        )
        .await?;
        sqlx::query!(
            "UPDATE validations SET batches = $2 WHERE verification_id = $1",
            request.verification_id.uuid(),
            batch,
        )
        .execute(&mut *self.transaction)
        .await?;
        self.transaction.commit().await?;
        Ok(chosen)
    }
}

/// Adds what members are to be told; nobody is told the same twice.
pub(super) async fn notify(
    connection: &mut PgConnection,
    verification_id: VerificationId,
    (members, kind): (&[i64], &str),
    now: Timestamp,
) -> Result<(), Problem> {
    let ids: Vec<_> = members.iter().map(|_| clock::new_uuid()).collect();
    sqlx::query!(
        "INSERT INTO notifications (notification_id, member_id, kind, verification_id, created_at)
         SELECT notification_id, member_id, $3, $4, $5
           FROM unnest($1::uuid[], $2::bigint[]) AS told (notification_id, member_id)
         ON CONFLICT ON CONSTRAINT notifications_once DO NOTHING",
        &ids,
        members,
        kind,
        verification_id.uuid(),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// None where the batch was not made.
async fn validators_of_batch(
    connection: &mut PgConnection,
    verification_id: VerificationId,
    batch: u32,
) -> Result<Option<Vec<MemberId>>, Problem> {
    let rows = sqlx::query!(
        r#"SELECT validator_id AS "validator_id?" FROM validations
             LEFT JOIN validation_requests AS request
                    ON request.verification_id = validations.verification_id AND request.batch = $2
            WHERE validations.verification_id = $1 AND batches >= $2 ORDER BY validator_id"#,
        verification_id.uuid(),
        batch_number(batch),
    )
    .fetch_all(connection)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let validators = rows.into_iter().filter_map(|row| row.validator_id).map(member);
    validators.collect::<Result<_, _>>().map(Some)
}

fn column<T>(considered: &[Considered], value: impl Fn(&Considered) -> T) -> Vec<T> {
    considered.iter().map(value).collect()
}

fn standing_text(standing: Standing) -> &'static str {
    match standing {
        Standing::Chosen { .. } => "CHOSEN",
        Standing::InReserve => "IN_RESERVE",
        Standing::LeftOut(reason) => reason.as_str(),
    }
}

fn batch_number(batch: u32) -> i32 {
    i32::try_from(batch).unwrap_or(i32::MAX)
}

/// No retry mends an instant that is none.
pub(super) fn instant(seconds: i64) -> Result<Timestamp, Problem> {
    Timestamp::from_second(seconds)
        .map_err(|_| Problem::invalid_field("seconds", "must be an instant from year 1 to 9999"))
}
