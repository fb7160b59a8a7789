//! `MemberService`: parse, call, render.

use super::{parse, render};
use crate::Store;
use crate::store::{ChangeRequest, MemberChange, Profile};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::member_service_server::MemberService;
use mesh_runtime::{Problem, clock};
use mesh_types::{MemberId, Reason};
use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status};

/// Answers `MemberService`.
pub struct MemberApi {
    store: Store,
}

impl MemberApi {
    /// An API over a store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl MemberService for MemberApi {
    async fn register_member(
        &self,
        request: Request<proto::RegisterMemberRequest>,
    ) -> Result<Response<proto::RegisterMemberResponse>, Status> {
        let request = request.into_inner();
        let (change, profile) = change("register", &request.request_id, request.member_id, request.profile)?;
        let member = changed(self.store.insert_member(change, profile).await?)?;
        Ok(Response::new(proto::RegisterMemberResponse { member: Some(member) }))
    }

    async fn get_member(
        &self,
        request: Request<proto::GetMemberRequest>,
    ) -> Result<Response<proto::GetMemberResponse>, Status> {
        let member_id = parse::member_id("member_id", request.into_inner().member_id)?;
        let member = self.store.find_member(member_id).await?.ok_or_else(not_found)?;
        Ok(Response::new(proto::GetMemberResponse {
            member: Some(render::member(member)),
        }))
    }

    async fn update_member(
        &self,
        request: Request<proto::UpdateMemberRequest>,
    ) -> Result<Response<proto::UpdateMemberResponse>, Status> {
        let request = request.into_inner();
        let (change, profile) = change("update", &request.request_id, request.member_id, request.profile)?;
        let member = changed(self.store.update_member(change, profile).await?)?;
        Ok(Response::new(proto::UpdateMemberResponse { member: Some(member) }))
    }
}

fn change(
    what: &str,
    request_id: &str,
    member_id: i64,
    profile: Option<proto::MemberProfile>,
) -> Result<(ChangeRequest, Profile), Problem> {
    let at = clock::now();
    let request_id = parse::request_id(request_id)?;
    let member_id = parse::member_id("member_id", member_id)?;
    let profile = parse::profile(profile, today(at))?;
    let fingerprint = fingerprint(what, member_id, &profile);
    Ok((
        ChangeRequest {
            request_id,
            member_id,
            fingerprint,
            at,
        },
        profile,
    ))
}

/// The last date on earth: somebody born today somewhere is born.
fn today(now: Timestamp) -> jiff::civil::Date {
    now.to_zoned(TimeZone::fixed(jiff::tz::offset(14))).date()
}

fn fingerprint(what: &str, member_id: MemberId, profile: &Profile) -> [u8; 32] {
    let mut hash = Sha256::new();
    let birth_date = profile.birth_date.to_string();
    let email = profile.email.as_deref().unwrap_or_default();
    let member_id = member_id.to_string();
    for part in [
        what,
        &member_id,
        &profile.given_names,
        &profile.family_name,
        &birth_date,
        email,
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn changed(change: MemberChange) -> Result<proto::Member, Problem> {
    match change {
        MemberChange::Done(member) => Ok(render::member(member)),
        MemberChange::RequestIdReused => Err(Problem::new(
            Reason::RequestIdReused,
            "this request_id was used for another change; choose a new one",
        )),
        MemberChange::AlreadyRegistered => Err(Problem::new(
            Reason::MemberAlreadyRegistered,
            "the member is registered; UpdateMember changes its profile",
        )),
        MemberChange::NotFound => Err(not_found()),
    }
}

fn not_found() -> Problem {
    Problem::new(Reason::MemberNotFound, "no member has this id; register it first")
}
