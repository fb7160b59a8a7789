//! `CreateMeetingPreference`: where and when a member can meet a verifier.

use crate::api::parse;
use crate::store::{MeetingPreference, insert_meeting_preference};
use jiff::Timestamp;
use mesh_proto::in_person::v1::{CreateMeetingPreferenceRequest, CreateMeetingPreferenceResponse};
use mesh_runtime::Problem;
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use sqlx::PgConnection;

const RPC: &str = "voluntier.in_person.v1.InPersonService/CreateMeetingPreference";

/// Keeps a preference, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`; those of [`IdempotencyStore::in_transaction`].
pub async fn create_meeting_preference(
    idempotency: &IdempotencyStore,
    request: &CreateMeetingPreferenceRequest,
    now: Timestamp,
) -> Result<CreateMeetingPreferenceResponse, Problem> {
    let wanted = parse::create_meeting_preference(request, now)?;
    let work = async |connection: &mut PgConnection, id: ResourceId| {
        let new = MeetingPreference {
            meeting_preference_id: id.uuid().into(),
            member_id: wanted.member_id,
            location: wanted.location,
            free_times: wanted.free_times.clone(),
            brings_original_document: request.brings_original_document,
            created_at: now,
        };
        insert_meeting_preference(connection, &new).await?;
        Ok(CreateMeetingPreferenceResponse {
            meeting_preference_id: new.meeting_preference_id.to_string(),
        })
    };
    let id = wanted.request_id;
    idempotency.in_transaction(RPC, id, request, now, work).await
}
