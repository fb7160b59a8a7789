//! What the contract refuses and what parsing refuses, by the field's path.

use super::*;
use mesh_proto::document::v1::DocumentType;
use mesh_runtime::FieldRules;
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

fn by_community(introduction_id: &str) -> proto::MethodRequest {
    let introduction_id = introduction_id.to_owned();
    let community = proto::CommunityMethod { introduction_id };
    proto::MethodRequest {
        method: Some(proto::method_request::Method::Community(community)),
    }
}

fn in_person(meeting_preference_id: &str) -> proto::MethodRequest {
    let meeting_preference_id = meeting_preference_id.to_owned();
    let in_person = proto::InPersonMethod { meeting_preference_id };
    proto::MethodRequest {
        method: Some(proto::method_request::Method::InPerson(in_person)),
    }
}

fn refused<T>(result: Result<T, Problem>) -> Vec<String> {
    let problem = result.err().expect("must be refused");
    assert_eq!(problem.reason(), Reason::InvalidRequest);
    problem
        .violations()
        .iter()
        .map(|violation| violation.0.clone())
        .collect()
}

/// The fields that break a rule of the contract.
fn broken<M: prost::Message + prost::Name>(message: &M) -> Vec<String> {
    let rules = FieldRules::read(mesh_proto::FILE_DESCRIPTOR_SET, 1 << 20).expect("rules");
    refused(rules.check(message))
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
fn a_start_is_refused_by_the_path_of_its_field() {
    type Change = fn(&mut proto::StartVerificationRequest);
    let table: [(Change, &str); 10] = [
        (|r| r.request_id = "one".into(), "request_id"),
        (|r| r.member_id = 0, "member_id"),
        (|r| r.target_score = Some(-1), "target_score"),
        (|r| r.target_score = Some(101), "target_score"),
        (|r| r.timeout = seconds(59), "timeout"),
        (|r| r.timeout = seconds(2_592_001), "timeout"),
        (|r| r.methods.clear(), "methods"),
        (|r| r.methods[0].method = None, "methods[0].method"),
        (
            |r| r.methods[0] = by_community("one"),
            "methods[0].community.introduction_id",
        ),
        (
            |r| r.methods[0] = in_person("one"),
            "methods[0].in_person.meeting_preference_id",
        ),
    ];
    for (change, path) in table {
        let mut request = start();
        change(&mut request);
        assert_eq!(broken(&request), [path]);
    }
    let mut twice = start();
    twice.methods.push(twice.methods[0].clone());
    assert_eq!(refused(start_verification(&twice)), ["methods[1]"]);
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let wrong = proto::StartVerificationRequest {
        request_id: String::new(),
        member_id: -1,
        target_score: Some(1000),
        methods: vec![proto::MethodRequest { method: None }],
        timeout: seconds(0),
    };
    let paths = [
        "request_id",
        "member_id",
        "target_score",
        "methods[0].method",
        "timeout",
    ];
    assert_eq!(broken(&wrong), paths);
}

#[test]
fn a_profile_is_refused_by_the_path_of_its_field() {
    let register = |profile| proto::RegisterMemberRequest {
        request_id: ID.to_owned(),
        member_id: 42,
        profile,
    };
    let good = || proto::MemberProfile {
        given_names: "Ada".into(),
        family_name: String::new(),
        birth_date: "1990-02-28".into(),
        email: String::new(),
    };
    let now = "2026-01-01T00:00:00Z".parse().expect("an instant");
    assert!(register_member(&register(Some(good())), now).is_ok());
    assert_eq!(broken(&register(None)), ["profile"]);
    type Change = fn(&mut proto::MemberProfile);
    let by_rule: [(Change, &str); 6] = [
        (|p| p.given_names = " ".into(), "profile.given_names"),
        (|p| p.given_names = "a\nb".into(), "profile.given_names"),
        (|p| p.family_name = "x".repeat(201), "profile.family_name"),
        (|p| p.birth_date = "28.02.1990".into(), "profile.birth_date"),
        (|p| p.email = "no address".into(), "profile.email"),
        (|p| p.email = "a@b@c".into(), "profile.email"),
    ];
    for (change, path) in by_rule {
        let mut wrong = good();
        change(&mut wrong);
        assert_eq!(broken(&register(Some(wrong))), [path]);
    }
    for birth_date in ["1990-02-30", "2026-01-03", "1899-12-31"] {
        let wrong = proto::MemberProfile {
            birth_date: birth_date.into(),
            ..good()
        };
        assert_eq!(
            refused(register_member(&register(Some(wrong)), now)),
            ["profile.birth_date"]
        );
    }
}
