//! Members.

use super::Store;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff_sqlx::{Date as SqlDate, Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{MemberId, RequestId};
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

/// How a change of a member came out.
pub enum MemberChange {
    /// It is done, now or by the same request before.
    Done(Member),
    /// The request id came before with other content.
    RequestIdReused,
    /// For a registration: another request registered this member.
    AlreadyRegistered,
    /// For an update: there is no such member.
    NotFound,
}

/// Names the request that asks for a change.
pub struct ChangeRequest {
    /// The caller's id of it.
    pub request_id: RequestId,
    /// The member it changes.
    pub member_id: MemberId,
    /// SHA-256 over its content.
    pub fingerprint: [u8; 32],
    /// When it came.
    pub at: Timestamp,
}

impl Store {
    /// Registers a member, once for each request.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    #[tracing::instrument(name = "INSERT members", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "members"))]
    pub async fn insert_member(&self, request: ChangeRequest, profile: Profile) -> Result<MemberChange, Problem> {
        let mut transaction = self.pool.begin().await?;
        if !insert_request(&mut transaction, &request).await? {
            return repeated(&mut transaction, &request).await;
        }
        let inserted = sqlx::query!(
            "INSERT INTO members (member_id, given_names, family_name, birth_date, email, registered_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6)
             ON CONFLICT ON CONSTRAINT members_pkey DO NOTHING",
            request.member_id.get(),
            profile.given_names,
            profile.family_name,
            profile.birth_date.to_sqlx() as _,
            profile.email,
            request.at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        if inserted.rows_affected() == 0 {
            return Ok(MemberChange::AlreadyRegistered);
        }
        transaction.commit().await?;
        Ok(MemberChange::Done(Member {
            member_id: request.member_id,
            profile,
            registered_at: request.at,
        }))
    }

    /// Replaces a member's profile, once for each request.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    #[tracing::instrument(name = "UPDATE members", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "members"))]
    pub async fn update_member(&self, request: ChangeRequest, profile: Profile) -> Result<MemberChange, Problem> {
        let mut transaction = self.pool.begin().await?;
        if !insert_request(&mut transaction, &request).await? {
            return repeated(&mut transaction, &request).await;
        }
        let updated = sqlx::query!(
            "UPDATE members SET given_names = $2, family_name = $3, birth_date = $4, email = $5, updated_at = $6
              WHERE member_id = $1",
            request.member_id.get(),
            profile.given_names,
            profile.family_name,
            profile.birth_date.to_sqlx() as _,
            profile.email,
            request.at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        if updated.rows_affected() == 0 {
            return Ok(MemberChange::NotFound);
        }
        let member = select_member(&mut transaction, request.member_id).await?;
        transaction.commit().await?;
        Ok(member.map_or(MemberChange::NotFound, MemberChange::Done))
    }

    /// A member.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT members", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "members"))]
    pub async fn find_member(&self, member_id: MemberId) -> Result<Option<Member>, Problem> {
        let mut connection = self.pool.acquire().await?;
        select_member(&mut connection, member_id).await
    }
}

/// Inserts a request; false when it came before.
async fn insert_request(connection: &mut PgConnection, request: &ChangeRequest) -> Result<bool, Problem> {
    let inserted = sqlx::query!(
        "INSERT INTO member_requests (request_id, member_id, fingerprint, requested_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT ON CONSTRAINT member_requests_pkey DO NOTHING",
        request.request_id.uuid(),
        request.member_id.get(),
        &request.fingerprint[..],
        request.at.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// The answer to a request that came before.
async fn repeated(connection: &mut PgConnection, request: &ChangeRequest) -> Result<MemberChange, Problem> {
    let before = sqlx::query!(
        "SELECT fingerprint FROM member_requests WHERE request_id = $1",
        request.request_id.uuid()
    )
    .fetch_one(&mut *connection)
    .await?;
    if before.fingerprint != request.fingerprint {
        return Ok(MemberChange::RequestIdReused);
    }
    Ok(select_member(connection, request.member_id)
        .await?
        .map_or(MemberChange::NotFound, MemberChange::Done))
}

async fn select_member(connection: &mut PgConnection, member_id: MemberId) -> Result<Option<Member>, Problem> {
    let row = sqlx::query!(
        r#"SELECT given_names, family_name, birth_date AS "birth_date: SqlDate", email,
                  registered_at AS "registered_at: SqlTimestamp"
             FROM members WHERE member_id = $1"#,
        member_id.get(),
    )
    .fetch_optional(connection)
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
