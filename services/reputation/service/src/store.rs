//! The ledger in PostgreSQL.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::{Contribution, EvidenceId, EvidenceKind, MemberId, Method, VerificationId};
use sqlx::PgPool;
use uuid::Uuid;

/// All SQL of the service.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
}

/// What one method of a verification gave.
pub struct NewEntry {
    /// The entry's own id.
    pub entry_id: Uuid,
    /// The member.
    pub member_id: MemberId,
    /// The verification; with the method it is the entry's identity.
    pub verification_id: VerificationId,
    /// The method.
    pub method: Method,
    /// The version of the scoring rules.
    pub rule_version: u16,
    /// When it was earned.
    pub occurred_at: Timestamp,
    /// What it is made of.
    pub lines: Vec<Contribution>,
}

impl Store {
    /// A store over a database whose schema is up to date.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Writes entries in one transaction; a method of a verification that is there already stays as it is.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    #[tracing::instrument(name = "INSERT ledger_entries", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "ledger_entries"))]
    pub async fn insert_entries(&self, entries: Vec<NewEntry>, recorded_at: Timestamp) -> Result<(), Problem> {
        let mut transaction = self.pool.begin().await?;
        for entry in entries {
            let inserted = sqlx::query!(
                "INSERT INTO ledger_entries
                     (entry_id, member_id, verification_id, method, rule_version, occurred_at, recorded_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT ON CONSTRAINT ledger_entries_method_once DO NOTHING",
                entry.entry_id,
                entry.member_id.get(),
                entry.verification_id.uuid(),
                entry.method.as_str(),
                i16::try_from(entry.rule_version).map_err(Problem::internal)?,
                entry.occurred_at.to_sqlx() as _,
                recorded_at.to_sqlx() as _,
            )
            .execute(&mut *transaction)
            .await?;
            if inserted.rows_affected() == 0 {
                continue;
            }
            for line in entry.lines {
                sqlx::query!(
                    "INSERT INTO ledger_lines (entry_id, kind, evidence_id, points) VALUES ($1, $2, $3, $4)",
                    entry.entry_id,
                    line.kind.as_str(),
                    line.evidence_id.uuid(),
                    line.points,
                )
                .execute(&mut *transaction)
                .await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    /// A member's contributions, oldest first.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT ledger_lines", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "ledger_lines"))]
    pub async fn list_contributions(&self, member_id: MemberId) -> Result<Vec<Contribution>, Problem> {
        let rows = sqlx::query!(
            "SELECT entry.method, entry.rule_version, line.kind, line.evidence_id, line.points
               FROM ledger_entries entry JOIN ledger_lines line USING (entry_id)
              WHERE entry.member_id = $1
              ORDER BY entry.occurred_at, entry.entry_id, line.evidence_id",
            member_id.get(),
        )
        .fetch_all(&self.pool)
        .await?;
        let unknown =
            |text: &str| Problem::internal(format!("the ledger holds {text:?}, which this version does not know"));
        rows.into_iter()
            .map(|row| {
                Ok(Contribution {
                    method: Method::parse(&row.method).ok_or_else(|| unknown(&row.method))?,
                    kind: EvidenceKind::parse(&row.kind).ok_or_else(|| unknown(&row.kind))?,
                    evidence_id: EvidenceId::from(row.evidence_id),
                    points: row.points,
                    rule_version: u16::try_from(row.rule_version).map_err(Problem::internal)?,
                })
            })
            .collect()
    }
}
