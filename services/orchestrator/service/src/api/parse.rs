//! From messages to typed values, once, with the path of every field that is wrong.

mod reports;

pub use reports::{get_report, list_reminders, list_reports};

use crate::methods;
use crate::start_verification::StartVerification;
use crate::store::{Profile, StoredRequest, VerificationFilter};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::Problem;
use mesh_runtime::paging::PageRequest;
use mesh_types::{MemberId, RequestId, Score, VerificationId, VerificationStatus};
use orchestrator_workflows::contract::DEFAULT_TIMEOUT_SECONDS;
use orchestrator_workflows::methods::MethodRequest;

/// Names are at most this many characters long.
const MAX_NAME_CHARS: usize = 200;
/// RFC 5321: an address is at most this many octets long.
const MAX_EMAIL_BYTES: usize = 254;

pub fn member_id(path: &str, value: i64) -> Result<MemberId, Problem> {
    MemberId::try_from(value).map_err(|error| Problem::invalid_field(path, error.to_string()))
}

pub fn request_id(value: &str) -> Result<RequestId, Problem> {
    value
        .parse()
        .map_err(|error: mesh_types::IdError| Problem::invalid_field("request_id", error.to_string()))
}

pub fn verification_id(value: &str) -> Result<VerificationId, Problem> {
    value
        .parse()
        .map_err(|error: mesh_types::IdError| Problem::invalid_field("verification_id", error.to_string()))
}

/// A profile. Nobody is born after the last date on earth at `now`: somebody born today somewhere is born.
pub fn profile(profile: Option<&proto::MemberProfile>, now: Timestamp) -> Result<Profile, Problem> {
    let today = now.to_zoned(TimeZone::fixed(jiff::tz::offset(14))).date();
    let profile = profile.ok_or_else(|| Problem::invalid_field("profile", "is required"))?;
    let given_names = name("profile.given_names", &profile.given_names)?;
    if given_names.is_empty() {
        return Err(Problem::invalid_field(
            "profile.given_names",
            "is required; a single name goes here",
        ));
    }
    let birth_date: Date = profile
        .birth_date
        .parse()
        .ok()
        .filter(|date: &Date| date.to_string() == profile.birth_date)
        .ok_or_else(|| Problem::invalid_field("profile.birth_date", "must be a date as YYYY-MM-DD"))?;
    if birth_date > today || birth_date.year() < 1900 {
        return Err(Problem::invalid_field(
            "profile.birth_date",
            "must be between 1900-01-01 and today",
        ));
    }
    let email = profile.email.trim();
    if !email.is_empty() && (email.len() > MAX_EMAIL_BYTES || !looks_like_an_address(email)) {
        return Err(Problem::invalid_field(
            "profile.email",
            "must be an address such as name@example.org, or empty",
        ));
    }
    Ok(Profile {
        given_names,
        family_name: name("profile.family_name", &profile.family_name)?,
        birth_date,
        email: (!email.is_empty()).then(|| email.to_owned()),
    })
}

fn name(path: &str, value: &str) -> Result<String, Problem> {
    let name = value.trim();
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(Problem::invalid_field(
            path,
            format!("must be at most {MAX_NAME_CHARS} characters long"),
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(Problem::invalid_field(path, "must not hold control characters"));
    }
    Ok(name.to_owned())
}

fn looks_like_an_address(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    matches!(text.split_once('@'), Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
        && !text.chars().any(odd)
}

pub fn start_verification(request: &proto::StartVerificationRequest) -> Result<StartVerification, Problem> {
    let member_id = member_id("member_id", request.member_id)?;
    let target_score = match request.target_score {
        None => Score::DEFAULT_TARGET,
        Some(target) => u8::try_from(target)
            .ok()
            .and_then(|target| Score::try_from(target).ok())
            .ok_or_else(|| Problem::invalid_field("target_score", "must be from 0 to 100"))?,
    };
    let request = StoredRequest {
        target_score,
        timeout_seconds: timeout_seconds(request.timeout)?,
        methods: chosen_methods(&request.methods, member_id)?,
    };
    Ok(StartVerification { member_id, request })
}

fn timeout_seconds(timeout: Option<prost_types::Duration>) -> Result<u64, Problem> {
    match timeout {
        None => Ok(DEFAULT_TIMEOUT_SECONDS),
        Some(timeout) => u64::try_from(timeout.seconds)
            .ok()
            .filter(|seconds| (60..=DEFAULT_TIMEOUT_SECONDS).contains(seconds))
            .ok_or_else(|| Problem::invalid_field("timeout", "must be from 60 seconds to 30 days")),
    }
}

fn chosen_methods(requests: &[proto::MethodRequest], member_id: MemberId) -> Result<Vec<MethodRequest>, Problem> {
    if requests.is_empty() {
        return Err(Problem::invalid_field("methods", "must name at least one method"));
    }
    let mut chosen: Vec<MethodRequest> = Vec::new();
    for (at, request) in requests.iter().enumerate() {
        let path = format!("methods[{at}]");
        let Some(request) = &request.method else {
            let description = format!("must name a method: {}", methods::NAMES);
            return Err(Problem::invalid_field(path, description));
        };
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
    request: &proto::ListVerificationsRequest,
) -> Result<(VerificationFilter, PageRequest<VerificationId>), Problem> {
    let filter = VerificationFilter {
        member_id: only_member_id(request.member_id)?,
        status: only_status(request.status)?,
    };
    let list = ("ListVerifications", filter);
    let page = PageRequest::parse(request.page_size, &request.page_token, &list)?;
    Ok((filter, page))
}

/// A status to list only those that have it; unspecified is every one.
fn only_status(value: i32) -> Result<Option<VerificationStatus>, Problem> {
    match proto::VerificationStatus::try_from(value) {
        Ok(proto::VerificationStatus::Unspecified) => Ok(None),
        Ok(proto::VerificationStatus::InProgress) => Ok(Some(VerificationStatus::InProgress)),
        Ok(proto::VerificationStatus::Completed) => Ok(Some(VerificationStatus::Completed)),
        Ok(proto::VerificationStatus::Failed) => Ok(Some(VerificationStatus::Failed)),
        Ok(proto::VerificationStatus::Cancelled) => Ok(Some(VerificationStatus::Cancelled)),
        Ok(proto::VerificationStatus::Timeout) => Ok(Some(VerificationStatus::Timeout)),
        Err(_) => Err(Problem::invalid_field(
            "status",
            "is not a status that this service knows",
        )),
    }
}

/// A member to list only what is theirs; 0 is everyone.
fn only_member_id(value: i64) -> Result<Option<MemberId>, Problem> {
    match value {
        0 => Ok(None),
        value => member_id("member_id", value).map(Some),
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

    fn refusal<T>(result: Result<T, Problem>) -> (Reason, String) {
        match result {
            Ok(_) => panic!("must be refused"),
            Err(problem) => (
                problem.reason(),
                problem.violations().first().map_or(String::new(), |v| v.0.clone()),
            ),
        }
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
        let table: [(Change, &str); 8] = [
            (|r| r.member_id = 0, "member_id"),
            (|r| r.target_score = Some(-1), "target_score"),
            (|r| r.target_score = Some(101), "target_score"),
            (
                |r| r.timeout = Some(prost_types::Duration { seconds: 59, nanos: 0 }),
                "timeout",
            ),
            (
                |r| {
                    r.timeout = Some(prost_types::Duration {
                        seconds: 2_592_001,
                        nanos: 0,
                    })
                },
                "timeout",
            ),
            (|r| r.methods.clear(), "methods"),
            (|r| r.methods[0].method = None, "methods[0]"),
            (|r| r.methods.push(r.methods[0].clone()), "methods[1]"),
        ];
        for (change, path) in table {
            let mut request = start();
            change(&mut request);
            assert_eq!(
                refusal(start_verification(&request)),
                (Reason::InvalidRequest, path.to_owned())
            );
        }
    }

    #[test]
    fn a_profile_is_refused_by_the_path_of_its_field() {
        let good = || proto::MemberProfile {
            given_names: "Ada".into(),
            family_name: String::new(),
            birth_date: "1990-02-28".into(),
            email: String::new(),
        };
        let now = "2026-01-01T00:00:00Z".parse().expect("an instant");
        assert!(profile(Some(&good()), now).is_ok());
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
            assert_eq!(
                refusal(profile(Some(&wrong), now)),
                (Reason::InvalidRequest, path.to_owned())
            );
        }
    }
}
