//! From messages to typed values. What the field rules of the contract say is checked before a handler runs; here is what
//! needs another field or the present.

mod reports;

pub use reports::{get_report, list_reminders, list_reports};

use crate::methods;
use crate::store::{Profile, StoredMethod, StoredRequest, VerificationFilter};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mesh_proto::fields;
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::Problem;
use mesh_runtime::paging::PageRequest;
use mesh_types::{MemberId, RequestId, Score, VerificationId, VerificationStatus};
use orchestrator_workflows::contract::DEFAULT_TIMEOUT_SECONDS;
use orchestrator_workflows::methods::MethodRequest;

/// A member whose profile is to be registered or changed.
pub struct MemberChange {
    pub request_id: RequestId,
    pub member_id: MemberId,
    pub profile: Profile,
}

/// A verification to be started.
pub struct StartVerification {
    pub request_id: RequestId,
    pub member_id: MemberId,
    pub request: StoredRequest,
}

pub fn register_member(message: &proto::RegisterMemberRequest, now: Timestamp) -> Result<MemberChange, Problem> {
    member_change(&message.request_id, message.member_id, message.profile.as_ref(), now)
}

pub fn update_member(message: &proto::UpdateMemberRequest, now: Timestamp) -> Result<MemberChange, Problem> {
    member_change(&message.request_id, message.member_id, message.profile.as_ref(), now)
}

fn member_change(
    request_id: &str,
    member_id: i64,
    profile: Option<&proto::MemberProfile>,
    now: Timestamp,
) -> Result<MemberChange, Problem> {
    let profile = fields::required("profile", profile)?;
    Ok(MemberChange {
        request_id: fields::id("request_id", request_id)?,
        member_id: fields::member_id("member_id", member_id)?,
        profile: Profile {
            given_names: profile.given_names.trim().to_owned(),
            family_name: profile.family_name.trim().to_owned(),
            birth_date: birth_date("profile.birth_date", &profile.birth_date, now)?,
            email: (!profile.email.is_empty()).then(|| profile.email.clone()),
        },
    })
}

/// A birth date. Nobody is born after the last date on earth at `now`: somebody born today somewhere is born.
fn birth_date(path: &str, value: &str, now: Timestamp) -> Result<Date, Problem> {
    let today = now.to_zoned(TimeZone::fixed(jiff::tz::offset(14))).date();
    let date: Result<Date, _> = value.parse();
    match date {
        Err(_) => Err(Problem::invalid_field(path, "must be a date as YYYY-MM-DD")),
        Ok(date) if date > today || date.year() < 1900 => {
            Err(Problem::invalid_field(path, "must be between 1900-01-01 and today"))
        }
        Ok(date) => Ok(date),
    }
}

pub fn get_member(message: &proto::GetMemberRequest) -> Result<MemberId, Problem> {
    Ok(fields::member_id("member_id", message.member_id)?)
}

pub fn verification_id(text: &str) -> Result<VerificationId, Problem> {
    Ok(fields::id("verification_id", text)?)
}

pub fn cancel_verification(message: &proto::CancelVerificationRequest) -> Result<(RequestId, VerificationId), Problem> {
    let request_id = fields::id("request_id", &message.request_id)?;
    Ok((request_id, verification_id(&message.verification_id)?))
}

pub fn start_verification(message: &proto::StartVerificationRequest) -> Result<StartVerification, Problem> {
    let member_id = fields::member_id("member_id", message.member_id)?;
    let timeout = message.timeout.map(|timeout| fields::duration("timeout", timeout));
    let target_score = message.target_score.map(|score| Score::capped(i64::from(score)));
    let request = StoredRequest {
        target_score: target_score.unwrap_or(Score::DEFAULT_TARGET),
        methods: chosen_methods(&message.methods, member_id)?
            .into_iter()
            .map(StoredMethod::Known)
            .collect(),
        timeout_seconds: timeout
            .transpose()?
            .map_or(DEFAULT_TIMEOUT_SECONDS, |timeout| timeout.as_secs()),
    };
    Ok(StartVerification {
        request_id: fields::id("request_id", &message.request_id)?,
        member_id,
        request,
    })
}

fn chosen_methods(requests: &[proto::MethodRequest], member_id: MemberId) -> Result<Vec<MethodRequest>, Problem> {
    let mut chosen: Vec<MethodRequest> = Vec::new();
    for (at, request) in requests.iter().enumerate() {
        let path = format!("methods[{at}]");
        let request = fields::required(&format!("{path}.method"), request.method.as_ref())?;
        let request = methods::parse(&path, request, member_id)?;
        if chosen.iter().any(|other| other.method() == request.method()) {
            let description = "names a method for the second time; each may be chosen once";
            return Err(Problem::invalid_field(path, description));
        }
        chosen.push(request);
    }
    Ok(chosen)
}

pub fn list_verifications(
    message: &proto::ListVerificationsRequest,
) -> Result<(VerificationFilter, PageRequest<VerificationId>), Problem> {
    let filter = VerificationFilter {
        member_id: only_member_id(message.member_id)?,
        status: only_status(message.status()),
    };
    let page = PageRequest::parse(message.page_size, &message.page_token, &("ListVerifications", filter))?;
    Ok((filter, page))
}

/// A status to list only those that have it; unspecified is every one.
fn only_status(status: proto::VerificationStatus) -> Option<VerificationStatus> {
    match status {
        proto::VerificationStatus::Unspecified => None,
        proto::VerificationStatus::InProgress => Some(VerificationStatus::InProgress),
        proto::VerificationStatus::Completed => Some(VerificationStatus::Completed),
        proto::VerificationStatus::Failed => Some(VerificationStatus::Failed),
        proto::VerificationStatus::Cancelled => Some(VerificationStatus::Cancelled),
        proto::VerificationStatus::Timeout => Some(VerificationStatus::Timeout),
        proto::VerificationStatus::Revoked => Some(VerificationStatus::Revoked),
    }
}

/// A member to list only what is theirs; 0 is everyone.
fn only_member_id(value: i64) -> Result<Option<MemberId>, Problem> {
    match value {
        0 => Ok(None),
        value => Ok(fields::member_id("member_id", value).map(Some)?),
    }
}

#[cfg(test)]
mod tests;
