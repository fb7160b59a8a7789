//! How a member is registered.

use crate::Store;
use crate::store::{Member, Profile};
use jiff::Timestamp;
use mesh_runtime::Problem;
use mesh_types::{MemberId, Reason};
use sqlx::PgConnection;

/// Registers a member of the platform under its user id.
pub async fn register_member(
    connection: &mut PgConnection,
    member_id: MemberId,
    profile: Profile,
    at: Timestamp,
) -> Result<Member, Problem> {
    if !Store::insert_member(connection, member_id, &profile, at).await? {
        let message = "the member is registered; UpdateMember changes its profile";
        return Err(Problem::new(Reason::MemberAlreadyRegistered, message));
    }
    Ok(Member {
        member_id,
        profile,
        registered_at: at,
    })
}
