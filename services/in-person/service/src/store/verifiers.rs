//! Verifiers as they are kept.

use super::{Store, newer};
use crate::Location;
use in_person_availability::Availability;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_keyring::Sealed;
use mesh_runtime::Problem;
use mesh_types::{MemberId, Reason};
use sqlx::PgConnection;
use sqlx::types::Json;

/// What a verifier may check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifierMethod {
    /// That the member is who the profile says.
    Identity,
    /// An original document as well.
    OriginalDocument,
}

impl VerifierMethod {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Identity, Self::OriginalDocument];

    /// The text in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::OriginalDocument => "original_document",
        }
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        let found = Self::ALL.into_iter().find(|method| method.as_str() == text);
        found.ok_or_else(|| newer("what this verifier checks"))
    }

    pub(super) fn all_of(texts: &[String]) -> Result<Vec<Self>, Problem> {
        texts.iter().map(|text| Self::parse(text)).collect()
    }

    pub(super) fn texts(methods: &[Self]) -> Vec<String> {
        methods.iter().map(|method| method.as_str().to_owned()).collect()
    }
}

/// What a verifier says of themselves.
#[derive(Clone, Debug)]
pub struct VerifierProfile {
    /// Where they can meet; a coarse location.
    pub location: Location,
    /// Their zone by its IANA name.
    pub time_zone: String,
    /// When they are free, in their zone.
    pub availability: Availability,
    /// Whether they take no part at present.
    pub is_paused: bool,
    /// Where they meet members, in words; none when they have not said.
    pub meeting_point: Option<Sealed>,
}

/// What staff says of a verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certification {
    /// Until when they are certified.
    pub until: Timestamp,
    /// What they are certified to check; at least one.
    pub methods: Vec<VerifierMethod>,
}

/// A change of what staff says; what is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recertification {
    /// Until when they are certified.
    pub until: Option<Timestamp>,
    /// What they are certified to check.
    pub methods: Option<Vec<VerifierMethod>>,
}

impl Recertification {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.until.is_none() && self.methods.is_none()
    }
}

/// A verifier who is kept.
#[derive(Clone, Debug)]
pub struct Verifier {
    /// The person.
    pub verifier_id: MemberId,
    /// What they say of themselves.
    pub profile: VerifierProfile,
    /// What staff says of them.
    pub certification: Certification,
    /// From 1, one more with each update.
    pub version: i64,
}

struct Row {
    verifier_id: i64,
    latitude: f64,
    longitude: f64,
    time_zone: String,
    availability: serde_json::Value,
    methods: Vec<String>,
    is_paused: bool,
    certified_until: SqlTimestamp,
    version: i64,
    meeting_point: Option<Vec<u8>>,
    meeting_point_key_id: Option<String>,
}

impl Row {
    fn read(self) -> Result<Verifier, Problem> {
        let location = Location::of_degrees(self.latitude, self.longitude);
        Ok(Verifier {
            verifier_id: MemberId::try_from(self.verifier_id).map_err(Problem::internal)?,
            profile: VerifierProfile {
                location: location.map_err(|_| Problem::internal("a verifier is at no point of the earth"))?,
                time_zone: self.time_zone,
                availability: serde_json::from_value(self.availability)
                    .map_err(|_| newer("when this verifier is free"))?,
                is_paused: self.is_paused,
                meeting_point: self
                    .meeting_point_key_id
                    .zip(self.meeting_point)
                    .map(|(key_id, bytes)| Sealed { key_id, bytes }),
            },
            certification: Certification {
                until: self.certified_until.to_jiff(),
                methods: VerifierMethod::all_of(&self.methods)?,
            },
            version: self.version,
        })
    }
}

impl Store {
    /// A verifier.
    ///
    /// # Errors
    /// `VERIFIER_NOT_FOUND`; `NEWER_VERSION_NEEDED` when a newer version wrote what this one cannot read; `DATABASE_UNAVAILABLE`
    /// when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT verifiers", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "verifiers"))]
    pub async fn get_verifier(&self, verifier_id: MemberId) -> Result<Verifier, Problem> {
        let row = sqlx::query_as!(
            Row,
            r#"SELECT verifier_id, ST_Y(location::geometry) AS "latitude!", ST_X(location::geometry) AS "longitude!", time_zone,
                      availability, methods, is_paused, certified_until AS "certified_until: SqlTimestamp",
                      version, meeting_point, meeting_point_key_id
                 FROM verifiers WHERE verifier_id = $1"#,
            verifier_id.get(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.ok_or_else(not_found)?.read()
    }
}

/// Adds a verifier, within a transaction.
///
/// # Errors
/// `VERIFIER_EXISTS` when the person is one already; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "INSERT verifiers", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "verifiers"))]
pub async fn insert_verifier(
    connection: &mut PgConnection,
    verifier_id: MemberId,
    (profile, certification): (&VerifierProfile, &Certification),
    now: Timestamp,
) -> Result<Verifier, Problem> {
    let inserted = sqlx::query!(
        "INSERT INTO verifiers (verifier_id, location, time_zone, availability, methods, is_paused, certified_until,
                                registered_at, updated_at, meeting_point, meeting_point_key_id)
         VALUES ($1, ST_SetSRID(ST_MakePoint($2, $3), 4326)::geography, $4, $5, $6, $7, $8, $9, $9, $10, $11)
         ON CONFLICT ON CONSTRAINT verifiers_pkey DO NOTHING",
        verifier_id.get(),
        profile.location.longitude(),
        profile.location.latitude(),
        profile.time_zone,
        Json(&profile.availability) as _,
        &VerifierMethod::texts(&certification.methods),
        profile.is_paused,
        certification.until.to_sqlx() as _,
        now.to_sqlx() as _,
        profile.meeting_point.as_ref().map(|sealed| sealed.bytes.as_slice()),
        profile.meeting_point.as_ref().map(|sealed| sealed.key_id.as_str()),
    )
    .execute(connection)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Problem::new(
            Reason::VerifierExists,
            "this person is a verifier already; update them",
        ));
    }
    Ok(Verifier {
        verifier_id,
        profile: profile.clone(),
        certification: certification.clone(),
        version: 1,
    })
}

/// Replaces a verifier's profile, but for the meeting point where it is kept, and what is said anew of their certification, within a
/// transaction.
///
/// # Errors
/// `VERIFIER_NOT_FOUND`; `VERIFIER_CHANGED` when the row has another version; `DATABASE_UNAVAILABLE` when
/// PostgreSQL is away.
#[tracing::instrument(name = "UPDATE verifiers", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "verifiers"))]
pub async fn update_verifier(
    connection: &mut PgConnection,
    (verifier_id, version): (MemberId, i64),
    (profile, keeps_meeting_point, recertification): (&VerifierProfile, bool, &Recertification),
    now: Timestamp,
) -> Result<Verifier, Problem> {
    let updated = sqlx::query!(
        r#"UPDATE verifiers
              SET location = ST_SetSRID(ST_MakePoint($3, $4), 4326)::geography, time_zone = $5, availability = $6, methods = coalesce($7, methods),
                  is_paused = $8, certified_until = coalesce($9, certified_until), version = version + 1, updated_at = $10,
                  meeting_point = CASE WHEN $13 THEN meeting_point ELSE $11 END,
                  meeting_point_key_id = CASE WHEN $13 THEN meeting_point_key_id ELSE $12 END
            WHERE verifier_id = $1 AND version = $2
        RETURNING certified_until AS "certified_until: SqlTimestamp", methods"#,
        verifier_id.get(),
        version,
        profile.location.longitude(),
        profile.location.latitude(),
        profile.time_zone,
        Json(&profile.availability) as _,
        recertification.methods.as_deref().map(VerifierMethod::texts) as _,
        profile.is_paused,
        recertification.until.map(|until| until.to_sqlx()) as _,
        now.to_sqlx() as _,
        profile.meeting_point.as_ref().map(|sealed| sealed.bytes.as_slice()),
        profile.meeting_point.as_ref().map(|sealed| sealed.key_id.as_str()),
        keeps_meeting_point,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(row) = updated {
        return Ok(Verifier {
            verifier_id,
            profile: profile.clone(),
            certification: Certification {
                until: row.certified_until.to_jiff(),
                methods: VerifierMethod::all_of(&row.methods)?,
            },
            version: version + 1,
        });
    }
    let there_is = sqlx::query_scalar!(
        "SELECT version FROM verifiers WHERE verifier_id = $1",
        verifier_id.get()
    )
    .fetch_optional(connection)
    .await?;
    let version = there_is.ok_or_else(not_found)?;
    let message = format!("the verifier has changed and has version {version} now; read it and decide anew");
    Err(Problem::new(Reason::VerifierChanged, message))
}

fn not_found() -> Problem {
    Problem::new(Reason::VerifierNotFound, "no verifier has this id")
}
