//! `UpdateMember`: replaces a member's profile.

use crate::api::{parse, render};
use crate::store::{self, Member};
use jiff::Timestamp;
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::Problem;
use mesh_runtime::idempotency::IdempotencyStore;
use mesh_types::Reason;

const RPC: &str = "voluntier.orchestrator.v1.MemberService/UpdateMember";

/// Replaces a member's profile, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `MEMBER_NOT_FOUND`, `REQUEST_ID_REUSED`; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
pub async fn update_member(
    idempotency: &IdempotencyStore,
    message: &proto::UpdateMemberRequest,
    now: Timestamp,
) -> Result<proto::UpdateMemberResponse, Problem> {
    let asked = parse::update_member(message, now)?;
    let work = idempotency.in_transaction(RPC, asked.request_id, message, now, async |connection, _| {
        let updated = store::update_member(connection, asked.member_id, &asked.profile, now).await?;
        let (registered_at, profile_version) = updated.ok_or_else(|| {
            let message = "no member has this id; register it first";
            Problem::new(Reason::MemberNotFound, message)
        })?;
        let member = Member {
            member_id: asked.member_id,
            profile: asked.profile,
            registered_at,
            profile_version,
        };
        Ok(proto::UpdateMemberResponse {
            member: Some(render::member(member)),
        })
    });
    work.await
}
