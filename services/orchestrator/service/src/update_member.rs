//! How a member's profile is changed.

use crate::Store;
use crate::store::{Member, Profile};
use jiff::Timestamp;
use mesh_runtime::Problem;
use mesh_types::{MemberId, Reason};
use sqlx::PgConnection;

/// Replaces a member's profile.
pub async fn update_member(
    connection: &mut PgConnection,
    member_id: MemberId,
    profile: Profile,
    at: Timestamp,
) -> Result<Member, Problem> {
    let registered_at = Store::update_member(connection, member_id, &profile, at).await?;
    let registered_at = registered_at.ok_or_else(|| {
        let message = "no member has this id; register it first";
        Problem::new(Reason::MemberNotFound, message)
    })?;
    Ok(Member {
        member_id,
        profile,
        registered_at,
    })
}
