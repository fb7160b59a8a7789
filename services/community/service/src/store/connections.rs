//! Changing and listing connections.

use super::{Store, history, member, strength};
use community_trust::Strength;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::{Actor, Problem};
use mesh_types::{MemberId, Reason};
use sqlx::PgConnection;

/// How many connections a member can have made. It bounds what one member costs every instance.
pub const MOST_CONNECTIONS: i64 = 1_000;

/// A connection to be made, or to get another strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewConnection {
    /// Who makes it.
    pub from: MemberId,
    /// Whom it leads to, another member.
    pub to: MemberId,
    /// Never [`Strength::NONE`].
    pub strength: Strength,
}

/// A connection that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Who made it.
    pub from: MemberId,
    /// Whom it leads to.
    pub to: MemberId,
    /// Never [`Strength::NONE`].
    pub strength: Strength,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it got its strength.
    pub changed_at: Timestamp,
}

/// Which way connections lead, as seen from a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The member made them.
    MadeBy,
    /// Others made them to the member.
    MadeTo,
}

struct Row {
    from_member: i64,
    to_member: i64,
    strength: i16,
    created_at: SqlTimestamp,
    changed_at: SqlTimestamp,
}

impl Row {
    fn read(self) -> Result<Connection, Problem> {
        Ok(Connection {
            from: member(self.from_member)?,
            to: member(self.to_member)?,
            strength: strength(self.strength)?,
            created_at: self.created_at.to_jiff(),
            changed_at: self.changed_at.to_jiff(),
        })
    }
}

impl Store {
    /// A member's connections in one direction, in the order of the other member's id, after the one with `after` if given.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT connections", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "connections"))]
    pub async fn list_connections(
        &self,
        (member_id, direction): (MemberId, Direction),
        after: Option<MemberId>,
        limit: i64,
    ) -> Result<Vec<Connection>, Problem> {
        let after = after.map_or(0, MemberId::get);
        let rows = match direction {
            Direction::MadeBy => {
                let select = sqlx::query_as!(
                    Row,
                    r#"SELECT from_member, to_member, strength, created_at AS "created_at: SqlTimestamp",
                              changed_at AS "changed_at: SqlTimestamp"
                         FROM connections WHERE from_member = $1 AND to_member > $2 ORDER BY to_member LIMIT $3"#,
                    member_id.get(),
                    after,
                    limit,
                );
                select.fetch_all(&self.pool).await?
            }
            Direction::MadeTo => {
                let select = sqlx::query_as!(
                    Row,
                    r#"SELECT from_member, to_member, strength, created_at AS "created_at: SqlTimestamp",
                              changed_at AS "changed_at: SqlTimestamp"
                         FROM connections WHERE to_member = $1 AND from_member > $2 ORDER BY from_member LIMIT $3"#,
                    member_id.get(),
                    after,
                    limit,
                );
                select.fetch_all(&self.pool).await?
            }
        };
        rows.into_iter().map(Row::read).collect()
    }

    /// Those of `others` who have a connection with the member, whoever made it, in the order of their ids.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT connections", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "connections"))]
    pub async fn find_connected(&self, member_id: MemberId, others: &[i64]) -> Result<Vec<i64>, Problem> {
        let found = sqlx::query_scalar!(
            r#"SELECT other AS "other!" FROM unnest($2::bigint[]) AS asked (other)
                WHERE EXISTS (SELECT FROM connections WHERE from_member = $1 AND to_member = other)
                   OR EXISTS (SELECT FROM connections WHERE from_member = other AND to_member = $1)
                ORDER BY other"#,
            member_id.get(),
            others,
        );
        Ok(found.fetch_all(&self.pool).await?)
    }
}

/// Makes a connection or changes its strength, within a transaction. One that has the strength already stays as it is, and
/// its history too.
///
/// # Errors
/// `TOO_MANY_CONNECTIONS` when it would be a new one; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "INSERT connections", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "connections"))]
pub async fn set_connection(
    connection: &mut PgConnection,
    new: NewConnection,
    (actor, now): (&Actor, Timestamp),
) -> Result<Connection, Problem> {
    history::begin_change(connection, new.from).await?;
    let (from, to, hundredths) = (new.from.get(), new.to.get(), i16::from(new.strength.hundredths()));
    let before = sqlx::query_as!(
        Row,
        r#"SELECT from_member, to_member, strength, created_at AS "created_at: SqlTimestamp",
                  changed_at AS "changed_at: SqlTimestamp"
             FROM connections WHERE from_member = $1 AND to_member = $2"#,
        from,
        to,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let old_strength = before.as_ref().map(|row| row.strength);
    match before {
        Some(row) if row.strength == hundredths => return row.read(),
        Some(_) => {}
        None => refuse_one_too_many(connection, new.from).await?,
    }
    let row = sqlx::query_as!(
        Row,
        r#"INSERT INTO connections (from_member, to_member, strength, created_at, changed_at) VALUES ($1, $2, $3, $4, $4)
           ON CONFLICT ON CONSTRAINT connections_pkey
           DO UPDATE SET strength = excluded.strength, changed_at = excluded.changed_at
           RETURNING from_member, to_member, strength, created_at AS "created_at: SqlTimestamp",
                     changed_at AS "changed_at: SqlTimestamp""#,
        from,
        to,
        hundredths,
        now.to_sqlx() as _,
    )
    .fetch_one(&mut *connection)
    .await?;
    history::insert_change(connection, (from, to), (old_strength, Some(hundredths)), (actor, now)).await?;
    row.read()
}

/// Deletes a connection, within a transaction.
///
/// # Errors
/// `CONNECTION_NOT_FOUND`; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "DELETE connections", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "DELETE", db.collection.name = "connections"))]
pub async fn delete_connection(
    connection: &mut PgConnection,
    (from, to): (MemberId, MemberId),
    (actor, now): (&Actor, Timestamp),
) -> Result<(), Problem> {
    history::begin_change(connection, from).await?;
    let old_strength = sqlx::query_scalar!(
        "DELETE FROM connections WHERE from_member = $1 AND to_member = $2 RETURNING strength",
        from.get(),
        to.get(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    if old_strength.is_none() {
        let message = "the member has made no connection to this member, or has removed it";
        return Err(Problem::new(Reason::ConnectionNotFound, message));
    }
    history::insert_change(connection, (from.get(), to.get()), (old_strength, None), (actor, now)).await
}

/// The caller holds the member's lock, so the number is exact.
async fn refuse_one_too_many(connection: &mut PgConnection, from: MemberId) -> Result<(), Problem> {
    let made = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM connections WHERE from_member = $1"#,
        from.get(),
    )
    .fetch_one(connection)
    .await?;
    if made < MOST_CONNECTIONS {
        return Ok(());
    }
    let message = format!("the member has made {MOST_CONNECTIONS} connections; remove one first");
    Err(Problem::new(Reason::TooManyConnections, message))
}
