//! Keyed hashes of physical documents: who was accepted with which, and which are blocked.

use super::Store;
use crate::identity::IdentityHash;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::{DocumentId, MemberId, VerificationId};
use sqlx::PgConnection;

/// What the tables say about a physical document and a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityRecord {
    /// Another member was accepted with it.
    pub is_in_use_by_another: bool,
    /// It is on the blocklist.
    pub is_blocked: bool,
}

/// A member's claim to a physical document.
pub(super) struct NewClaim<'a> {
    /// The document's hashes under every key, that of the current key first.
    pub(super) hashes: &'a [IdentityHash],
    pub(super) member_id: MemberId,
    pub(super) document_id: DocumentId,
    pub(super) verification_id: VerificationId,
    pub(super) claimed_at: Timestamp,
}

impl Store {
    /// What the tables say about a physical document, by its hashes under every key.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT document_identities", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "document_identities"))]
    pub async fn find_identity(&self, hashes: &[IdentityHash], member_id: MemberId) -> Result<IdentityRecord, Problem> {
        let mut connection = self.pool.acquire().await?;
        find_identity(&mut connection, hashes, member_id).await
    }
}

/// Puts a physical document on the blocklist, within a transaction; one that is there stays as it is.
///
/// # Errors
/// `DATABASE_UNAVAILABLE`.
#[tracing::instrument(name = "INSERT blocked_documents", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "blocked_documents"))]
pub async fn block(
    connection: &mut PgConnection,
    hashes: &[IdentityHash],
    reason_code: &str,
    blocked_at: Timestamp,
) -> Result<(), Problem> {
    let Some(current) = hashes.first() else { return Ok(()) };
    sqlx::query!(
        "INSERT INTO blocked_documents (identity_hash, key_id, reason_code, blocked_at)
         SELECT $1, $2, $3, $4
         WHERE NOT EXISTS (SELECT FROM blocked_documents WHERE identity_hash = ANY($5))
         ON CONFLICT ON CONSTRAINT blocked_documents_pkey DO NOTHING",
        &current.hash[..],
        current.key_id,
        reason_code,
        blocked_at.to_sqlx() as _,
        &bytes(hashes),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a physical document off the blocklist, within a transaction; one that isn't there is fine.
///
/// # Errors
/// `DATABASE_UNAVAILABLE`.
#[tracing::instrument(name = "DELETE blocked_documents", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "DELETE", db.collection.name = "blocked_documents"))]
pub async fn unblock(connection: &mut PgConnection, hashes: &[IdentityHash]) -> Result<(), Problem> {
    sqlx::query!(
        "DELETE FROM blocked_documents WHERE identity_hash = ANY($1)",
        &bytes(hashes)
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn find_identity(
    connection: &mut PgConnection,
    hashes: &[IdentityHash],
    member_id: MemberId,
) -> Result<IdentityRecord, Problem> {
    let entry = sqlx::query_as!(
        IdentityRecord,
        r#"SELECT EXISTS (SELECT FROM document_identities WHERE identity_hash = ANY($1) AND member_id <> $2)
                AS "is_in_use_by_another!",
            EXISTS (SELECT FROM blocked_documents WHERE identity_hash = ANY($1)) AS "is_blocked!""#,
        &bytes(hashes),
        member_id.get(),
    )
    .fetch_one(connection)
    .await?;
    Ok(entry)
}

/// Locks a physical document until the transaction ends: of members who claim it at once, the second sees the claim
/// of the first. The unique hash alone would not do while two instances hold different keys for current.
pub(super) async fn lock(connection: &mut PgConnection, hashes: &[IdentityHash]) -> Result<(), Problem> {
    let mut locks: Vec<i64> = hashes.iter().map(lock_number).collect();
    // In one order, or two members would wait for each other.
    locks.sort_unstable();
    for lock in locks {
        sqlx::query!("SELECT pg_advisory_xact_lock($1)", lock)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn lock_number(hash: &IdentityHash) -> i64 {
    let (first, _) = hash.hash.split_first_chunk::<8>().expect("a hash has 32 bytes");
    i64::from_be_bytes(*first)
}

/// Writes the claim down under the current key. Whether another member's is in the way is asked before, under the lock.
pub(super) async fn insert_claim(connection: &mut PgConnection, claim: &NewClaim<'_>) -> Result<(), Problem> {
    let Some(current) = claim.hashes.first() else {
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO document_identities (identity_hash, key_id, member_id, document_id, verification_id, claimed_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT ON CONSTRAINT document_identities_pkey DO NOTHING",
        &current.hash[..],
        current.key_id,
        claim.member_id.get(),
        claim.document_id.uuid(),
        claim.verification_id.uuid(),
        claim.claimed_at.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn bytes(hashes: &[IdentityHash]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.hash.to_vec()).collect()
}
