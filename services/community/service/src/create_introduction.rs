//! `CreateIntroduction`: what a member agrees to show to those who are asked to vouch for them.

use crate::api::parse;
use crate::store::{NewIntroduction, insert_introduction};
use jiff::Timestamp;
use mesh_proto::community::v1::{CreateIntroductionRequest, CreateIntroductionResponse};
use mesh_runtime::Problem;
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use sqlx::PgConnection;

const RPC: &str = "voluntier.community.v1.CommunityService/CreateIntroduction";

/// Keeps an introduction, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`; those of [`IdempotencyStore::in_transaction`].
pub async fn create_introduction(
    idempotency: &IdempotencyStore,
    request: &CreateIntroductionRequest,
    now: Timestamp,
) -> Result<CreateIntroductionResponse, Problem> {
    let (request_id, member_id) = parse::create_introduction(request)?;
    let work = async |connection: &mut PgConnection, id: ResourceId| {
        let new = NewIntroduction {
            introduction_id: id.uuid().into(),
            member_id,
            display_name: request.display_name.trim().to_owned(),
            relationship: request.relationship.trim().to_owned(),
        };
        insert_introduction(connection, &new, now).await?;
        Ok(CreateIntroductionResponse {
            introduction_id: new.introduction_id.to_string(),
        })
    };
    idempotency.in_transaction(RPC, request_id, request, now, work).await
}
