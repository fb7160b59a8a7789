use super::*;
use mesh_proto::document::v1::{BlockDocumentRequest, DocumentType};
use mesh_runtime::FieldRules;
use mesh_types::Reason;

const ID: &str = "018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d";

fn path<T>(parsed: Result<T, Problem>) -> String {
    let problem = parsed.err().expect("must be refused");
    assert_eq!(problem.reason(), Reason::InvalidRequest);
    problem
        .violations()
        .first()
        .map_or(String::new(), |(path, _)| path.clone())
}

/// The first field that breaks a rule of the contract.
fn broken<M: prost::Message + prost::Name>(message: &M) -> String {
    let rules = FieldRules::read(mesh_proto::FILE_DESCRIPTOR_SET, 1 << 20).expect("rules");
    path(rules.check(message))
}

fn parsed(request: &DecideReviewRequest) -> Result<NewReviewDecision, Problem> {
    decide_review(request, MemberId::try_from(7).expect("positive"))
}

fn decision() -> DecideReviewRequest {
    DecideReviewRequest {
        request_id: ID.to_owned(),
        review_id: ID.to_owned(),
        decision: DocumentDecision::Rejected.into(),
        reason_code: "PHOTO_REPLACED".to_owned(),
        member_text: "x".repeat(500),
        internal_note: "ä".repeat(2_000),
        ..Default::default()
    }
}

#[test]
fn a_decision_is_refused_by_the_path_of_its_field() {
    assert!(parsed(&decision()).is_ok());
    let silent = DecideReviewRequest {
        decision: DocumentDecision::Accepted.into(),
        member_text: String::new(),
        internal_note: String::new(),
        ..decision()
    };
    assert!(parsed(&silent).is_ok(), "an acceptance needs no words");
    type Change = fn(&mut DecideReviewRequest);
    let table: [(Change, &str); 15] = [
        (|r| r.request_id.clear(), "request_id"),
        (|r| r.review_id = "one".into(), "review_id"),
        (|r| r.decision = 0, "decision"),
        (|r| r.decision = DocumentDecision::NeedsReview.into(), "decision"),
        (|r| r.decision = 99, "decision"),
        (|r| r.reason_code.clear(), "reason_code"),
        (|r| r.reason_code = "photo".into(), "reason_code"),
        (|r| r.reason_code = "PHOTO__GONE".into(), "reason_code"),
        (|r| r.reason_code = "1_PHOTO".into(), "reason_code"),
        (|r| r.reason_code = "A".repeat(65), "reason_code"),
        (|r| r.member_text.push('x'), "member_text"),
        (|r| r.member_text = "a\u{1b}[31m".into(), "member_text"),
        (|r| r.internal_note.push('ä'), "internal_note"),
        (|r| r.issuing_state = "UTOP".into(), "issuing_state"),
        (|r| r.document_number = "L898902<3".into(), "document_number"),
    ];
    for (change, expected) in table {
        let mut request = decision();
        change(&mut request);
        assert_eq!(broken(&request), expected);
    }
    let wordless = DecideReviewRequest {
        member_text: " \n".into(),
        ..decision()
    };
    assert_eq!(path(parsed(&wordless)), "member_text");
    let typed = DecideReviewRequest {
        document_number: "L898902C3".into(),
        ..decision()
    };
    assert_eq!(path(parsed(&typed)), "document_number", "nothing is accepted");
    let half = |issuing_state: &str, document_number: &str| DecideReviewRequest {
        issuing_state: issuing_state.into(),
        document_number: document_number.into(),
        ..silent.clone()
    };
    for (half, expected) in [
        (half("UTO", ""), "document_number"),
        (half("UTO", " - "), "document_number"),
        (half("", "L898902C3"), "issuing_state"),
    ] {
        assert_eq!(path(typed_identity(&half, DocumentKind::Passport)), expected);
    }
}

#[test]
fn a_document_of_the_world_is_taken_in_any_spelling_and_refused_without_its_number() {
    let passport = DocumentType::Passport;
    let known = identity(passport, "UTO", "L898902C3").ok();
    assert!(known.is_some());
    assert_eq!(identity(passport, " uto ", "l898-902 c3").ok(), known);
    assert!(identity(DocumentType::DriversLicense, "636026", "D12345678").is_ok());
    assert_eq!(path(identity(passport, "UTO", " - ")), "document_number");
    for (document_type, issuing_state, document_number, expected) in [
        (0, "UTO", "L898902C3", "document_type"),
        (1, "", "L898902C3", "issuing_state"),
        (1, "UTOP", "L898902C3", "issuing_state"),
        (1, "63602", "L898902C3", "issuing_state"),
        (1, "UTO", "L898902<3", "document_number"),
        (1, "UTO", &"L898902C3".repeat(8), "document_number"),
    ] {
        let block = BlockDocumentRequest {
            request_id: ID.to_owned(),
            document_type,
            issuing_state: issuing_state.to_owned(),
            document_number: document_number.to_owned(),
            reason_code: "REPORTED_STOLEN".to_owned(),
        };
        assert_eq!(broken(&block), expected);
        let rules = FieldRules::read(mesh_proto::FILE_DESCRIPTOR_SET, 1 << 20).expect("rules");
        let refused = rules.check(&block).expect_err("it breaks a rule");
        assert!(!refused.message().contains("L898902C3"));
    }
}

#[test]
fn exactly_one_of_document_and_verification_is_meant() {
    assert!(matches!(meant(ID, ""), Ok(Meant::Document(_))));
    assert!(matches!(meant("", ID), Ok(Meant::Verification(_))));
    assert_eq!(path(meant("", "")), "document_id");
    assert_eq!(path(meant(ID, ID)), "verification_id");
    assert_eq!(path(meant("", "one")), "verification_id");
}
