//! Members.

#[cfg(test)]
mod tests;

use super::Store;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::{Date as SqlDate, Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::MemberId;
use sqlx::PgConnection;

/// What documents are compared with. Personal data.
pub struct Profile {
    /// Given names; never empty.
    pub given_names: String,
    /// Family name; empty for people with a single name.
    pub family_name: String,
    /// Birth date.
    pub birth_date: Date,
    /// E-mail address, if there is one.
    pub email: Option<String>,
}

/// A registered member.
pub struct Member {
    /// The member.
    pub member_id: MemberId,
    /// The profile.
    pub profile: Profile,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// Grows with each change of names or birth date.
    pub profile_version: i64,
}

impl Member {
    /// The version of a profile that came at an instant.
    pub fn profile_version_at(instant: Timestamp) -> i64 {
        instant.as_microsecond()
    }
}

/// How long after an attempt to tell of a changed profile the next one comes, unless it succeeds.
const TELL_AGAIN: SignedDuration = SignedDuration::from_secs(15);

impl Store {
    /// A member.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT members", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "members"))]
    pub async fn find_member(&self, member_id: MemberId) -> Result<Option<Member>, Problem> {
        let row = sqlx::query!(
            r#"SELECT given_names, family_name, birth_date AS "birth_date: SqlDate", email,
                      registered_at AS "registered_at: SqlTimestamp", profile_version
                 FROM members WHERE member_id = $1"#,
            member_id.get(),
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| Member {
            member_id,
            profile: Profile {
                given_names: row.given_names,
                family_name: row.family_name,
                birth_date: row.birth_date.to_jiff(),
                email: row.email,
            },
            registered_at: row.registered_at.to_jiff(),
            profile_version: row.profile_version,
        }))
    }

    /// Claims members of whose changed profile the document service is to be told by `now`, each with the version, those that
    /// have waited longest first. Nobody else gets them until they are due again.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "UPDATE members", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "members"))]
    pub async fn claim_changed_profiles(&self, now: Timestamp, limit: i64) -> Result<Vec<(MemberId, i64)>, Problem> {
        let rows = sqlx::query!(
            "UPDATE members SET tell_due_at = $3
              WHERE member_id IN (SELECT member_id FROM members WHERE tell_due_at <= $1
                                   ORDER BY tell_due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
             RETURNING member_id, profile_version",
            now.to_sqlx() as _,
            limit,
            (now + TELL_AGAIN).to_sqlx() as _,
        )
        .fetch_all(&self.pool)
        .await?;
        let claimed = rows.into_iter().map(|row| {
            let member_id = MemberId::try_from(row.member_id).map_err(Problem::internal)?;
            Ok((member_id, row.profile_version))
        });
        claimed.collect()
    }

    /// Writes down that the document service was told of a version of a profile; a newer one is still to be told.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then it is told once more, which changes nothing.
    #[tracing::instrument(name = "UPDATE members", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "members"))]
    pub async fn record_profile_told(&self, member_id: MemberId, profile_version: i64) -> Result<(), Problem> {
        sqlx::query!(
            "UPDATE members SET tell_due_at = NULL WHERE member_id = $1 AND profile_version = $2",
            member_id.get(),
            profile_version,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Inserts a member, in the caller's transaction; false when its id is taken.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "INSERT members", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "members"))]
pub async fn insert_member(
    connection: &mut PgConnection,
    member_id: MemberId,
    profile: &Profile,
    registered_at: Timestamp,
) -> Result<bool, Problem> {
    let inserted = sqlx::query!(
        "INSERT INTO members
             (member_id, given_names, family_name, birth_date, email, registered_at, updated_at, profile_version)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
         ON CONFLICT ON CONSTRAINT members_pkey DO NOTHING",
        member_id.get(),
        profile.given_names,
        profile.family_name,
        profile.birth_date.to_sqlx() as _,
        profile.email,
        registered_at.to_sqlx() as _,
        Member::profile_version_at(registered_at),
    )
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Replaces a member's profile, in the caller's transaction; returns when the member was registered and the version of the
/// profile, or none when there is no such member. Other names or another birth date make a new version.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "UPDATE members", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "members"))]
pub async fn update_member(
    connection: &mut PgConnection,
    member_id: MemberId,
    profile: &Profile,
    updated_at: Timestamp,
) -> Result<Option<(Timestamp, i64)>, Problem> {
    let updated = sqlx::query!(
        r#"UPDATE members
              SET given_names = $2, family_name = $3, birth_date = $4, email = $5, updated_at = $6::timestamptz,
                  profile_version = CASE WHEN (given_names, family_name, birth_date) = ($2, $3, $4) THEN profile_version
                                         ELSE greatest(profile_version + 1, $7) END,
                  tell_due_at = CASE WHEN (given_names, family_name, birth_date) = ($2, $3, $4) THEN tell_due_at
                                     ELSE $6::timestamptz END
            WHERE member_id = $1
           RETURNING registered_at AS "registered_at: SqlTimestamp", profile_version"#,
        member_id.get(),
        profile.given_names,
        profile.family_name,
        profile.birth_date.to_sqlx() as _,
        profile.email,
        updated_at.to_sqlx() as _,
        Member::profile_version_at(updated_at),
    )
    .fetch_optional(connection)
    .await?;
    Ok(updated.map(|row| (row.registered_at.to_jiff(), row.profile_version)))
}
