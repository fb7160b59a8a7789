//! `RegisterMember`: registers a member of the platform under its user id.

use crate::api::{parse, render};
use crate::store::{Member, insert_member};
use jiff::Timestamp;
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::Problem;
use mesh_runtime::idempotency::IdempotencyStore;
use mesh_types::Reason;

const RPC: &str = "voluntier.orchestrator.v1.MemberService/RegisterMember";

/// Registers a member, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `MEMBER_ALREADY_REGISTERED`, `REQUEST_ID_REUSED`; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
pub async fn register_member(
    idempotency: &IdempotencyStore,
    message: &proto::RegisterMemberRequest,
    now: Timestamp,
) -> Result<proto::RegisterMemberResponse, Problem> {
    let asked = parse::register_member(message, now)?;
    let work = idempotency.in_transaction(RPC, asked.request_id, message, now, async |connection, _| {
        if !insert_member(connection, asked.member_id, &asked.profile, now).await? {
            let message = "the member is registered; UpdateMember changes its profile";
            return Err(Problem::new(Reason::MemberAlreadyRegistered, message));
        }
        let member = Member {
            member_id: asked.member_id,
            profile: asked.profile,
            registered_at: now,
            profile_version: Member::profile_version_at(now),
        };
        Ok(proto::RegisterMemberResponse {
            member: Some(render::member(member)),
        })
    });
    work.await
}
