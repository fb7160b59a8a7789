//! From messages to typed values, once, with the path of every field that is wrong.

mod reports;

pub use reports::{get_report, list_reminders, list_reports};

use crate::methods;
use crate::store::{Profile, StoredRequest, VerificationFilter};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mesh_proto::fields;
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::paging::PageRequest;
use mesh_runtime::{Fields, Problem};
use mesh_types::{InvalidField, MemberId, RequestId, Score, VerificationId, VerificationStatus};
use orchestrator_workflows::contract::DEFAULT_TIMEOUT_SECONDS;
use orchestrator_workflows::methods::MethodRequest;
use std::time::Duration;

/// Names are at most this many characters long.
const MAX_NAME_CHARS: usize = 200;
/// RFC 5321: an address is at most this many octets long.
const MAX_EMAIL_BYTES: usize = 254;
/// A verification lasts at least this many seconds.
const MIN_TIMEOUT_SECONDS: u64 = 60;

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
    let mut read = Fields::default();
    let request_id = read.read(fields::id("request_id", request_id));
    let member_id = read.read(fields::member_id("member_id", member_id));
    let profile = match read.read(fields::required("profile", profile)) {
        Some(profile) => parse_profile(&mut read, profile, now),
        None => None,
    };
    match (request_id, member_id, profile) {
        (Some(request_id), Some(member_id), Some(profile)) => Ok(MemberChange {
            request_id,
            member_id,
            profile,
        }),
        _ => Err(read.refuse()),
    }
}

pub fn get_member(message: &proto::GetMemberRequest) -> Result<MemberId, Problem> {
    Ok(fields::member_id("member_id", message.member_id)?)
}

pub fn verification_id(text: &str) -> Result<VerificationId, Problem> {
    Ok(fields::id("verification_id", text)?)
}

pub fn cancel_verification(message: &proto::CancelVerificationRequest) -> Result<(RequestId, VerificationId), Problem> {
    let mut read = Fields::default();
    let request_id = read.read(fields::id("request_id", &message.request_id));
    let id = read.read(fields::id("verification_id", &message.verification_id));
    request_id.zip(id).ok_or_else(|| read.refuse())
}

fn parse_profile(read: &mut Fields, profile: &proto::MemberProfile, now: Timestamp) -> Option<Profile> {
    let given_names = read.read(given_names("profile.given_names", &profile.given_names));
    let family_name = read.read(name("profile.family_name", &profile.family_name));
    let birth_date = read.read(birth_date("profile.birth_date", &profile.birth_date, now));
    let email = read.read(email("profile.email", &profile.email));
    Some(Profile {
        given_names: given_names?,
        family_name: family_name?,
        birth_date: birth_date?,
        email: email?,
    })
}

fn given_names(path: &str, value: &str) -> Result<String, InvalidField> {
    match name(path, value)? {
        name if name.is_empty() => Err(InvalidField::new(path, "is required; a single name goes here")),
        name => Ok(name),
    }
}

fn name(path: &str, value: &str) -> Result<String, InvalidField> {
    let name = value.trim();
    if name.chars().count() > MAX_NAME_CHARS {
        let description = format!("must be at most {MAX_NAME_CHARS} characters long");
        return Err(InvalidField::new(path, description));
    }
    if name.chars().any(char::is_control) {
        return Err(InvalidField::new(path, "must not hold control characters"));
    }
    Ok(name.to_owned())
}

/// A birth date. Nobody is born after the last date on earth at `now`: somebody born today somewhere is born.
fn birth_date(path: &str, value: &str, now: Timestamp) -> Result<Date, InvalidField> {
    let today = now.to_zoned(TimeZone::fixed(jiff::tz::offset(14))).date();
    let date: Option<Date> = value.parse().ok().filter(|date: &Date| date.to_string() == value);
    match date {
        None => Err(InvalidField::new(path, "must be a date as YYYY-MM-DD")),
        Some(date) if date > today || date.year() < 1900 => {
            Err(InvalidField::new(path, "must be between 1900-01-01 and today"))
        }
        Some(date) => Ok(date),
    }
}

fn email(path: &str, value: &str) -> Result<Option<String>, InvalidField> {
    let email = value.trim();
    if !email.is_empty() && (email.len() > MAX_EMAIL_BYTES || !looks_like_an_address(email)) {
        let description = "must be an address such as name@example.org, or empty";
        return Err(InvalidField::new(path, description));
    }
    Ok((!email.is_empty()).then(|| email.to_owned()))
}

fn looks_like_an_address(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    matches!(text.split_once('@'), Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
        && !text.chars().any(odd)
}

pub fn start_verification(message: &proto::StartVerificationRequest) -> Result<StartVerification, Problem> {
    let mut read = Fields::default();
    let request_id = read.read(fields::id("request_id", &message.request_id));
    let member_id = read.read(fields::member_id("member_id", message.member_id));
    let target_score = read.read(target_score("target_score", message.target_score));
    let methods = chosen_methods(&mut read, &message.methods, member_id);
    let timeout_seconds = read.read(timeout_seconds("timeout", message.timeout));
    let (Some(request_id), Some(member_id), Some(target_score), Some(methods), Some(timeout_seconds)) =
        (request_id, member_id, target_score, methods, timeout_seconds)
    else {
        return Err(read.refuse());
    };
    let request = StoredRequest {
        target_score,
        methods,
        timeout_seconds,
    };
    Ok(StartVerification {
        request_id,
        member_id,
        request,
    })
}

fn target_score(path: &str, value: Option<i32>) -> Result<Score, InvalidField> {
    let Some(value) = value else {
        return Ok(Score::DEFAULT_TARGET);
    };
    let score = u8::try_from(value).ok().and_then(|value| Score::try_from(value).ok());
    score.ok_or_else(|| InvalidField::new(path, "must be from 0 to 100"))
}

fn timeout_seconds(path: &str, value: Option<prost_types::Duration>) -> Result<u64, InvalidField> {
    let Some(value) = value else {
        return Ok(DEFAULT_TIMEOUT_SECONDS);
    };
    let range = Duration::from_secs(MIN_TIMEOUT_SECONDS)..=Duration::from_secs(DEFAULT_TIMEOUT_SECONDS);
    match fields::duration(path, value)? {
        timeout if range.contains(&timeout) => Ok(timeout.as_secs()),
        _ => Err(InvalidField::new(path, "must be from 60 seconds to 30 days")),
    }
}

fn chosen_methods(
    read: &mut Fields,
    requests: &[proto::MethodRequest],
    member_id: Option<MemberId>,
) -> Option<Vec<MethodRequest>> {
    if requests.is_empty() {
        let nothing = InvalidField::new("methods", "must name at least one method");
        return read.read(Err::<Vec<_>, _>(nothing));
    }
    let mut chosen: Vec<Option<MethodRequest>> = Vec::new();
    for (at, request) in requests.iter().enumerate() {
        let path = format!("methods[{at}]");
        let request = match &request.method {
            Some(request) => methods::parse(read, &path, request, member_id),
            None => {
                let description = format!("must name a method: {}", methods::NAMES);
                read.read(Err::<MethodRequest, _>(InvalidField::new(path.as_str(), description)))
            }
        };
        let is_second = |request: &MethodRequest| {
            let mut others = chosen.iter().flatten();
            others.any(|other| other.method() == request.method())
        };
        if request.as_ref().is_some_and(is_second) {
            let description = "names a method for the second time; each may be chosen once";
            chosen.push(read.read(Err::<MethodRequest, _>(InvalidField::new(path, description))));
        } else {
            chosen.push(request);
        }
    }
    chosen.into_iter().collect()
}

pub fn list_verifications(
    message: &proto::ListVerificationsRequest,
) -> Result<(VerificationFilter, PageRequest<VerificationId>), Problem> {
    let mut read = Fields::default();
    let member_id = read.read(only_member_id(message.member_id));
    let status = read.read(only_status("status", message.status));
    let filter = VerificationFilter {
        member_id: member_id.flatten(),
        status: status.flatten(),
    };
    let list = ("ListVerifications", filter);
    let page = read.read(PageRequest::parse(message.page_size, &message.page_token, &list));
    match (member_id, status, page) {
        (Some(_), Some(_), Some(page)) => Ok((filter, page)),
        _ => Err(read.refuse()),
    }
}

/// A status to list only those that have it; unspecified is every one.
fn only_status(path: &str, value: i32) -> Result<Option<VerificationStatus>, InvalidField> {
    match proto::VerificationStatus::try_from(value) {
        Ok(proto::VerificationStatus::Unspecified) => Ok(None),
        Ok(proto::VerificationStatus::InProgress) => Ok(Some(VerificationStatus::InProgress)),
        Ok(proto::VerificationStatus::Completed) => Ok(Some(VerificationStatus::Completed)),
        Ok(proto::VerificationStatus::Failed) => Ok(Some(VerificationStatus::Failed)),
        Ok(proto::VerificationStatus::Cancelled) => Ok(Some(VerificationStatus::Cancelled)),
        Ok(proto::VerificationStatus::Timeout) => Ok(Some(VerificationStatus::Timeout)),
        Err(_) => Err(InvalidField::new(path, "is not a status that this service knows")),
    }
}

/// A member to list only what is theirs; 0 is everyone.
fn only_member_id(value: i64) -> Result<Option<MemberId>, InvalidField> {
    match value {
        0 => Ok(None),
        value => fields::member_id("member_id", value).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_proto::document::v1::DocumentType;
    use mesh_types::Reason;

    const ID: &str = "018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d";

    fn start() -> proto::StartVerificationRequest {
        let document_url = format!("file:///store/members/42/documents/{ID}");
        let document = proto::DocumentMethod {
            document_type: DocumentType::Passport.into(),
            document_url,
        };
        proto::StartVerificationRequest {
            request_id: ID.to_owned(),
            member_id: 42,
            methods: vec![proto::MethodRequest {
                method: Some(proto::method_request::Method::Document(document)),
            }],
            ..Default::default()
        }
    }

    fn refused<T>(result: Result<T, Problem>) -> Vec<String> {
        match result {
            Ok(_) => panic!("must be refused"),
            Err(problem) => {
                assert_eq!(problem.reason(), Reason::InvalidRequest);
                problem
                    .violations()
                    .iter()
                    .map(|violation| violation.0.clone())
                    .collect()
            }
        }
    }

    fn seconds(seconds: i64) -> Option<prost_types::Duration> {
        Some(prost_types::Duration { seconds, nanos: 0 })
    }

    #[test]
    fn a_start_has_defaults() {
        let parsed = start_verification(&start()).unwrap_or_else(|problem| panic!("{}", problem.message()));
        let request = parsed.request;
        assert_eq!((request.target_score.get(), request.timeout_seconds), (50, 2_592_000));
    }

    #[test]
    fn a_wrong_field_is_refused_by_its_path() {
        type Change = fn(&mut proto::StartVerificationRequest);
        let table: [(Change, &str); 9] = [
            (|r| r.request_id = "one".into(), "request_id"),
            (|r| r.member_id = 0, "member_id"),
            (|r| r.target_score = Some(-1), "target_score"),
            (|r| r.target_score = Some(101), "target_score"),
            (|r| r.timeout = seconds(59), "timeout"),
            (|r| r.timeout = seconds(2_592_001), "timeout"),
            (|r| r.methods.clear(), "methods"),
            (|r| r.methods[0].method = None, "methods[0]"),
            (|r| r.methods.push(r.methods[0].clone()), "methods[1]"),
        ];
        for (change, path) in table {
            let mut request = start();
            change(&mut request);
            assert_eq!(refused(start_verification(&request)), [path]);
        }
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let nothing = proto::MethodRequest { method: None };
        let wrong = proto::StartVerificationRequest {
            request_id: String::new(),
            member_id: -1,
            target_score: Some(1000),
            methods: vec![nothing],
            timeout: seconds(0),
        };
        let paths = ["request_id", "member_id", "target_score", "methods[0]", "timeout"];
        assert_eq!(refused(start_verification(&wrong)), paths);
    }

    #[test]
    fn a_profile_is_refused_by_the_path_of_its_field() {
        let good = || proto::MemberProfile {
            given_names: "Ada".into(),
            family_name: String::new(),
            birth_date: "1990-02-28".into(),
            email: String::new(),
        };
        let parse = |profile| {
            let message = proto::RegisterMemberRequest {
                request_id: ID.to_owned(),
                member_id: 42,
                profile,
            };
            register_member(&message, "2026-01-01T00:00:00Z".parse().expect("an instant"))
        };
        assert!(parse(Some(good())).is_ok());
        assert_eq!(refused(parse(None)), ["profile"]);
        type Change = fn(&mut proto::MemberProfile);
        let table: [(Change, &str); 8] = [
            (|p| p.given_names = " ".into(), "profile.given_names"),
            (|p| p.given_names = "a\nb".into(), "profile.given_names"),
            (|p| p.family_name = "x".repeat(201), "profile.family_name"),
            (|p| p.birth_date = "28.02.1990".into(), "profile.birth_date"),
            (|p| p.birth_date = "1990-02-30".into(), "profile.birth_date"),
            (|p| p.birth_date = "2026-01-02".into(), "profile.birth_date"),
            (|p| p.email = "no address".into(), "profile.email"),
            (|p| p.email = "a@b@c".into(), "profile.email"),
        ];
        for (change, path) in table {
            let mut wrong = good();
            change(&mut wrong);
            assert_eq!(refused(parse(Some(wrong))), [path]);
        }
    }

    #[test]
    fn a_list_names_every_field_that_is_wrong() {
        let wrong = proto::ListVerificationsRequest {
            member_id: -1,
            status: 99,
            page_size: 201,
            page_token: "next".to_owned(),
        };
        let paths = ["member_id", "status", "page_size", "page_token"];
        assert_eq!(refused(list_verifications(&wrong)), paths);
    }
}
