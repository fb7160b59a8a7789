//! Keyed hashes of physical documents: who was accepted with which, and which are blocked.

#[cfg(test)]
mod tests;

use super::Store;
use super::profile_changes::lock_profile;
use super::revocations::insert_revocations;
use super::rows::member;
use crate::identity::IdentityHash;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_keyring::UsedKeys;
use mesh_runtime::{Actor, Problem, clock};
use mesh_types::{DocumentId, MemberId, RevocationReason, VerificationId};
use sqlx::PgConnection;
use uuid::Uuid;

/// What the tables say about a physical document and a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityRecord {
    /// What another member was accepted with.
    pub in_use: Found,
    /// What is on the blocklist.
    pub blocked: Found,
}

/// Whether a document is known, and how surely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is not.
    Nothing,
    /// One of its kind and number is, which may be of another issuer.
    SameNumber,
    /// It is.
    SameDocument,
}

impl IdentityRecord {
    /// Whether the number is known and the document is not: then a person has to say that it is another one.
    pub fn is_doubtful(&self) -> bool {
        let found = [self.in_use, self.blocked];
        found.contains(&Found::SameNumber) && !found.contains(&Found::SameDocument)
    }
}

/// A member's claim to a physical document.
pub(super) struct NewClaim<'a> {
    /// The document's hashes under every key.
    pub(super) hashes: &'a [IdentityHash],
    pub(super) member_id: MemberId,
    pub(super) document_id: DocumentId,
    pub(super) verification_id: VerificationId,
    pub(super) claimed_at: Timestamp,
}

impl Store {
    /// The ids of all keys that something lies under.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    pub async fn list_used_keys(&self) -> Result<UsedKeys, Problem> {
        // Each looks up one id after the other by its index: there are few ids and many rows.
        let encryption = sqlx::query_scalar!(
            r#"WITH RECURSIVE ids (id) AS (
                   SELECT min(key_id) FROM document_keys
                   UNION ALL
                   SELECT (SELECT min(key_id) FROM document_keys WHERE key_id > ids.id) FROM ids WHERE ids.id IS NOT NULL)
               SELECT id AS "id!" FROM ids WHERE id IS NOT NULL"#
        );
        let identity = sqlx::query_scalar!(
            r#"WITH RECURSIVE claimed (id) AS (
                   SELECT min(key_id) FROM document_identities
                   UNION ALL
                   SELECT (SELECT min(key_id) FROM document_identities WHERE key_id > claimed.id)
                     FROM claimed WHERE claimed.id IS NOT NULL),
               blocked (id) AS (
                   SELECT min(key_id) FROM blocked_documents
                   UNION ALL
                   SELECT (SELECT min(key_id) FROM blocked_documents WHERE key_id > blocked.id)
                     FROM blocked WHERE blocked.id IS NOT NULL)
               SELECT id AS "id!" FROM (SELECT id FROM claimed UNION SELECT id FROM blocked) used WHERE id IS NOT NULL"#
        );
        Ok(UsedKeys {
            encryption: encryption.fetch_all(&self.pool).await?,
            identity: identity.fetch_all(&self.pool).await?,
        })
    }

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

/// Puts a physical document on the blocklist under every key, within a transaction, and revokes the verifications in which
/// a member was accepted with it; one that is there stays as it is. `by` says who does so, and why.
///
/// # Errors
/// `DATABASE_UNAVAILABLE`.
#[tracing::instrument(name = "INSERT blocked_documents", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "blocked_documents"))]
pub async fn block(
    connection: &mut PgConnection,
    hashes: &[IdentityHash],
    (by, reason_code): (&Actor, &str),
    blocked_at: Timestamp,
) -> Result<(), Problem> {
    // An acceptance that is under way either sees the block or is seen here.
    lock(connection, &bytes(hashes)).await?;
    sqlx::query!(
        "INSERT INTO blocked_documents (identity_hash, key_id, is_weak, block_id, reason_code, blocked_at, blocked_by)
         SELECT identity_hash, key_id, is_weak,
                coalesce((SELECT block_id FROM blocked_documents blocked
                           WHERE blocked.identity_hash = ANY($1) AND NOT blocked.is_weak LIMIT 1), $4), $5, $6, $7
           FROM unnest($1::bytea[], $2::text[], $3::boolean[]) AS each (identity_hash, key_id, is_weak)
         ON CONFLICT ON CONSTRAINT blocked_documents_pkey DO NOTHING",
        &bytes(hashes),
        &key_ids(hashes),
        &are_weak(hashes),
        clock::new_uuid(),
        reason_code,
        blocked_at.to_sqlx() as _,
        by.to_string(),
    )
    .execute(&mut *connection)
    .await?;
    let accepted = sqlx::query_scalar!(
        "SELECT DISTINCT verification_id FROM document_identities WHERE identity_hash = ANY($1) AND NOT is_weak",
        &bytes(hashes)
    )
    .fetch_all(&mut *connection)
    .await?;
    insert_revocations(connection, &accepted, RevocationReason::DocumentBlocked, blocked_at).await
}

/// Takes a physical document off the blocklist under every key, also one that this instance lacks, within a transaction, and keeps
/// what stood there beside who takes it off; one that isn't there is fine, and leaves nothing.
///
/// # Errors
/// `DATABASE_UNAVAILABLE`.
#[tracing::instrument(name = "DELETE blocked_documents", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "DELETE", db.collection.name = "blocked_documents"))]
pub async fn unblock(
    connection: &mut PgConnection,
    hashes: &[IdentityHash],
    by: &Actor,
    unblocked_at: Timestamp,
) -> Result<(), Problem> {
    // A block that is under way adds nothing to one that is being lifted.
    lock(connection, &bytes(hashes)).await?;
    sqlx::query!(
        "WITH lifted AS (
             DELETE FROM blocked_documents WHERE block_id IN
                 (SELECT block_id FROM blocked_documents WHERE identity_hash = ANY($1) AND NOT is_weak)
             RETURNING identity_hash, block_id, key_id, is_weak, reason_code, blocked_at, blocked_by)
         INSERT INTO unblocked_documents
             (identity_hash, block_id, key_id, is_weak, reason_code, blocked_at, blocked_by, unblocked_at, unblocked_by)
         SELECT identity_hash, block_id, key_id, is_weak, reason_code, blocked_at, blocked_by, $2, $3 FROM lifted",
        &bytes(hashes),
        unblocked_at.to_sqlx() as _,
        by.to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the physical document of an upload, or of a verification, from the member who was accepted with it, within a transaction,
/// and revokes the verifications in which that was. Returns them; `None` where there is no such upload or verification. `by`
/// says who does so, and why.
///
/// # Errors
/// `DATABASE_UNAVAILABLE`.
#[tracing::instrument(name = "UPDATE document_identities", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "document_identities"))]
pub async fn release(
    connection: &mut PgConnection,
    (document_id, verification_id): (Option<DocumentId>, Option<VerificationId>),
    (by, reason_code): (&Actor, &str),
    released_at: Timestamp,
) -> Result<Option<Vec<VerificationId>>, Problem> {
    let (document_id, verification_id) = (
        document_id.map(DocumentId::uuid),
        verification_id.map(VerificationId::uuid),
    );
    let holder = sqlx::query_scalar!(
        "SELECT member_id FROM documents
          WHERE document_id = coalesce($1, (SELECT document_id FROM submissions WHERE verification_id = $2 LIMIT 1))",
        document_id,
        verification_id,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(holder) = holder else { return Ok(None) };
    // As an acceptance does: one that is under way is seen here, or sees the release.
    lock_profile(connection, member(holder)?).await?;
    let hashes = sqlx::query_scalar!(
        "SELECT DISTINCT identity_hash FROM document_identities
          WHERE member_id = $1 AND (document_id = $2 OR verification_id = $3)",
        holder,
        document_id,
        verification_id,
    )
    .fetch_all(&mut *connection)
    .await?;
    lock(connection, &hashes).await?;
    let mut released: Vec<Uuid> = sqlx::query_scalar!(
        "UPDATE document_identities SET released_at = $3, release_reason = $4, released_by = $5
          WHERE member_id = $1 AND released_at IS NULL
            AND verification_id IN (SELECT verification_id FROM document_identities
                                     WHERE member_id = $1 AND identity_hash = ANY($2))
         RETURNING verification_id",
        holder,
        &hashes,
        released_at.to_sqlx() as _,
        reason_code,
        by.to_string(),
    )
    .fetch_all(&mut *connection)
    .await?;
    released.sort_unstable();
    released.dedup();
    insert_revocations(connection, &released, RevocationReason::DocumentReleased, released_at).await?;
    Ok(Some(released.into_iter().map(VerificationId::from).collect()))
}

pub(super) async fn find_identity(
    connection: &mut PgConnection,
    hashes: &[IdentityHash],
    member_id: MemberId,
) -> Result<IdentityRecord, Problem> {
    // In doubt is what another member holds, or what was taken from this one; but what is the member's already is nobody
    // else's, whoever shares its number.
    let row = sqlx::query!(
        r#"SELECT coalesce(bool_or(NOT is_own AND NOT is_weak AND NOT is_released), false) AS "is_in_use!",
                coalesce(bool_or(is_own = is_released), false)
                    AND NOT coalesce(bool_or(is_own AND NOT is_weak AND NOT is_released), false) AS "may_be_in_use!",
                EXISTS (SELECT FROM blocked_documents WHERE identity_hash = ANY($1) AND NOT is_weak) AS "is_blocked!",
                EXISTS (SELECT FROM blocked_documents WHERE identity_hash = ANY($1)) AS "may_be_blocked!"
           FROM (SELECT is_weak, member_id = $2 AS is_own, released_at IS NOT NULL AS is_released
                   FROM document_identities WHERE identity_hash = ANY($1)) claim"#,
        &bytes(hashes),
        member_id.get(),
    )
    .fetch_one(connection)
    .await?;
    let found = |is, may_be| match (is, may_be) {
        (true, _) => Found::SameDocument,
        (false, true) => Found::SameNumber,
        (false, false) => Found::Nothing,
    };
    Ok(IdentityRecord {
        in_use: found(row.is_in_use, row.may_be_in_use),
        blocked: found(row.is_blocked, row.may_be_blocked),
    })
}

/// Locks a physical document until the transaction ends: of members who claim it at once, the second sees the claim
/// of the first. It locks each hash of it, the weak ones too.
pub(super) async fn lock(connection: &mut PgConnection, hashes: &[Vec<u8>]) -> Result<(), Problem> {
    let mut locks: Vec<i64> = hashes.iter().map(|hash| lock_number(hash)).collect();
    // In one order, or two members would wait for each other.
    locks.sort_unstable();
    for lock in locks {
        sqlx::query!("SELECT pg_advisory_xact_lock($1)", lock)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn lock_number(hash: &[u8]) -> i64 {
    let (first, _) = hash.split_first_chunk::<8>().expect("a hash has 32 bytes");
    i64::from_be_bytes(*first)
}

/// Writes the claim of a verification down under every key, so that an instance that has only some of them sees it. Whether another member's is in the way is asked before, under the lock.
pub(super) async fn insert_claim(connection: &mut PgConnection, claim: &NewClaim<'_>) -> Result<(), Problem> {
    sqlx::query!(
        "INSERT INTO document_identities
             (identity_hash, key_id, is_weak, member_id, document_id, verification_id, claimed_at)
         SELECT identity_hash, key_id, is_weak, $4, $5, $6, $7
           FROM unnest($1::bytea[], $2::text[], $3::boolean[]) AS each (identity_hash, key_id, is_weak)
         ON CONFLICT ON CONSTRAINT document_identities_pkey DO NOTHING",
        &bytes(claim.hashes),
        &key_ids(claim.hashes),
        &are_weak(claim.hashes),
        claim.member_id.get(),
        claim.document_id.uuid(),
        claim.verification_id.uuid(),
        claim.claimed_at.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) fn key_ids(hashes: &[IdentityHash]) -> Vec<String> {
    hashes.iter().map(|hash| hash.key_id.clone()).collect()
}

pub(super) fn are_weak(hashes: &[IdentityHash]) -> Vec<bool> {
    hashes.iter().map(|hash| hash.is_weak).collect()
}

pub(super) fn bytes(hashes: &[IdentityHash]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.hash.to_vec()).collect()
}
