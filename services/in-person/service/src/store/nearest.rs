//! Verifiers in the order of their distance from a place.

use super::{Store, VerifierMethod};
use crate::Location;
use in_person_availability::Availability;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::MemberId;

/// Who is looked for.
#[derive(Clone, Debug)]
pub struct Near {
    /// Near which place.
    pub location: Location,
    /// How far away at most, in metres.
    pub within_metres: f64,
    /// They must be certified for longer than this.
    pub certified_after: Timestamp,
    /// What they must be certified to check, all of it.
    pub methods: Vec<VerifierMethod>,
}

/// A place in the order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// How far away, in metres.
    pub distance: f64,
    /// Who.
    pub verifier_id: i64,
}

/// A verifier who was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The person.
    pub verifier_id: MemberId,
    /// How far away, in metres.
    pub distance: f64,
    /// Until when they are certified.
    pub certified_until: Timestamp,
    /// Their zone by its IANA name.
    pub time_zone: String,
    /// When they are free; none when a newer version wrote it in a way that this one cannot read.
    pub availability: Option<Availability>,
    /// Whether they have said where they meet members.
    pub has_meeting_point: bool,
}

impl Found {
    /// Their place in the order.
    pub fn key(&self) -> Key {
        Key {
            distance: self.distance,
            verifier_id: self.verifier_id.get(),
        }
    }
}

/// The first circle that is looked at, in metres.
const FIRST_RADIUS: f64 = 2_000.0;
/// How much larger each next circle is, where one has too few.
const RADIUS_FACTOR: f64 = 4.0;

impl Store {
    /// Verifiers in the order of their distance and their ids, after the one with `after` if given, `limit` at most.
    ///
    /// The index gives who is within a circle, in no order. So circles are looked at that grow until one has enough: whoever is in
    /// none of them is farther away than all who are. PostGIS's `<->` would give an order, but by the sphere and not the ellipsoid,
    /// and it fails on some places ("index returned tuples in wrong order"), so it is not used. What a call takes grows with how many
    /// are in its circle, also for a page far from the place.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn nearest(&self, near: &Near, after: Option<Key>, limit: i64) -> Result<Vec<Found>, Problem> {
        let reached = after.map_or(0.0, |key| key.distance);
        let mut radius = FIRST_RADIUS.max(reached * 2.0).min(near.within_metres);
        loop {
            let found = self.within(near, radius, after, limit).await?;
            if found.len() as i64 >= limit || radius >= near.within_metres {
                return Ok(found);
            }
            radius = (radius * RADIUS_FACTOR).min(near.within_metres);
        }
    }

    /// The first `limit` of those in one circle.
    #[tracing::instrument(name = "SELECT verifiers", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "verifiers"))]
    async fn within(&self, near: &Near, radius: f64, after: Option<Key>, limit: i64) -> Result<Vec<Found>, Problem> {
        let after = after.unwrap_or(Key {
            distance: -1.0,
            verifier_id: 0,
        });
        let rows = sqlx::query!(
            r#"SELECT verifier_id AS "verifier_id!", distance AS "distance!", time_zone AS "time_zone!",
                      availability AS "availability!", certified_until AS "certified_until!: SqlTimestamp",
                      has_meeting_point AS "has_meeting_point!"
                 FROM (SELECT verifier_id, time_zone, availability, certified_until, meeting_point IS NOT NULL AS has_meeting_point,
                              ST_Distance(location, ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography) AS distance
                         FROM verifiers
                        WHERE NOT is_paused AND certified_until > $3 AND methods @> $4
                          AND ST_DWithin(location, ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography, $5)) AS found
                WHERE (distance, verifier_id) > ($6, $7)
                ORDER BY distance, verifier_id LIMIT $8"#,
            near.location.longitude(),
            near.location.latitude(),
            near.certified_after.to_sqlx() as _,
            &VerifierMethod::texts(&near.methods),
            radius,
            after.distance,
            after.verifier_id,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let found = rows.into_iter().map(|row| {
            Ok(Found {
                verifier_id: MemberId::try_from(row.verifier_id).map_err(Problem::internal)?,
                distance: row.distance,
                certified_until: row.certified_until.to_jiff(),
                time_zone: row.time_zone,
                availability: serde_json::from_value(row.availability).ok(),
                has_meeting_point: row.has_meeting_point,
            })
        });
        found.collect()
    }
}
