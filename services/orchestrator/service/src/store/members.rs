//! Members.

use super::Store;
use jiff::Timestamp;
use jiff::civil::Date;
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
}

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
                      registered_at AS "registered_at: SqlTimestamp"
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
        }))
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
        "INSERT INTO members (member_id, given_names, family_name, birth_date, email, registered_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)
         ON CONFLICT ON CONSTRAINT members_pkey DO NOTHING",
        member_id.get(),
        profile.given_names,
        profile.family_name,
        profile.birth_date.to_sqlx() as _,
        profile.email,
        registered_at.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Replaces a member's profile, in the caller's transaction; returns when the member was registered, or none when there is no such member.
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
) -> Result<Option<Timestamp>, Problem> {
    let updated = sqlx::query!(
        r#"UPDATE members SET given_names = $2, family_name = $3, birth_date = $4, email = $5, updated_at = $6
            WHERE member_id = $1 RETURNING registered_at AS "registered_at: SqlTimestamp""#,
        member_id.get(),
        profile.given_names,
        profile.family_name,
        profile.birth_date.to_sqlx() as _,
        profile.email,
        updated_at.to_sqlx() as _,
    )
    .fetch_optional(connection)
    .await?;
    Ok(updated.map(|row| row.registered_at.to_jiff()))
}
