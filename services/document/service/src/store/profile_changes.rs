//! Changes of members' profiles: what was compared with an earlier version of a profile counts no more.

#[cfg(test)]
mod tests;

use super::revocations::insert_revocations;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::{DocumentId, MemberId, RevocationReason, VerificationId};
use sqlx::PgConnection;

/// Takes note of the version that a member's profile has now, within a transaction. Verifications in which a document was
/// accepted against an earlier one are revoked, and their claims end. A version that is no news changes nothing.
///
/// # Errors
/// `DATABASE_UNAVAILABLE`.
#[tracing::instrument(name = "INSERT changed_profiles", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "changed_profiles"))]
pub async fn record_profile_change(
    connection: &mut PgConnection,
    member_id: MemberId,
    profile_version: i64,
    changed_at: Timestamp,
) -> Result<(), Problem> {
    lock_profile(connection, member_id).await?;
    let noted = sqlx::query!(
        "INSERT INTO changed_profiles (member_id, profile_version, changed_at) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT changed_profiles_pkey DO UPDATE
         SET profile_version = excluded.profile_version, changed_at = excluded.changed_at
         WHERE changed_profiles.profile_version < excluded.profile_version",
        member_id.get(),
        profile_version,
        changed_at.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    if noted.rows_affected() == 0 {
        return Ok(());
    }
    let outdated = sqlx::query_scalar!(
        "SELECT DISTINCT decided.verification_id
           FROM documents document
           JOIN document_decisions decided ON decided.document_id = document.document_id AND decided.decision = 'accepted'
          WHERE document.member_id = $1 AND decided.profile_version < $2",
        member_id.get(),
        profile_version,
    );
    let outdated = outdated.fetch_all(&mut *connection).await?;
    sqlx::query!(
        "DELETE FROM document_identities WHERE verification_id = ANY($1) AND released_at IS NULL",
        &outdated,
    )
    .execute(&mut *connection)
    .await?;
    insert_revocations(connection, &outdated, RevocationReason::ProfileChanged, changed_at).await
}

/// Whether the member's profile has changed since a document was compared with it, within a transaction. Until that ends no
/// change is taken note of: of an acceptance and a change at once, the second sees the first.
pub(super) async fn is_outdated(
    connection: &mut PgConnection,
    member_id: MemberId,
    (verification_id, document_id): (VerificationId, DocumentId),
) -> Result<bool, Problem> {
    lock_profile(connection, member_id).await?;
    let is_outdated = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM document_checks checked JOIN changed_profiles changed ON changed.member_id = $1
                           WHERE checked.verification_id = $2 AND checked.document_id = $3
                             AND checked.profile_version < changed.profile_version) AS "is_outdated!""#,
        member_id.get(),
        verification_id.uuid(),
        document_id.uuid(),
    )
    .fetch_one(connection)
    .await?;
    Ok(is_outdated)
}

/// Two numbers are another space of locks than the one number that the hashes of documents have.
pub(super) async fn lock_profile(connection: &mut PgConnection, member_id: MemberId) -> Result<(), Problem> {
    sqlx::query!("SELECT pg_advisory_xact_lock(1, hashint8($1))", member_id.get())
        .execute(connection)
        .await?;
    Ok(())
}
