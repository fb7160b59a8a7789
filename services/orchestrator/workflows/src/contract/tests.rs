use super::*;
use document_workflows::contract::{DocumentDecision, StoredEvidence, Validity};
use mesh_types::{Cap, Check, CheckName, CheckReason, Contribution, Evidence, EvidenceId, EvidenceKind, MethodOutcome};
use reputation_workflows::contract::Scored;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Where a word of an open list stands.
const OPEN: [&str; 7] = [
    "kind",
    "method",
    "name",
    "reason",
    "internal_reason",
    "proves",
    "status",
];

/// Reads a value in which every word of an open list was written by a newer version, and writes it again.
fn is_carried_on<T: Serialize + DeserializeOwned>(value: &T) -> usize {
    let mut json = serde_json::to_value(value).expect("a payload is JSON");
    let replaced = make_newer(&mut json, "");
    let read: T = serde_json::from_value(json.clone()).expect("what a newer version adds is read");
    assert_eq!(
        serde_json::to_value(&read).expect("it is JSON"),
        json,
        "and carried on as it is"
    );
    replaced
}

fn make_newer(json: &mut Value, key: &str) -> usize {
    match json {
        Value::String(text) if OPEN.contains(&key) => {
            *text = "of_a_newer_version".to_owned();
            1
        }
        Value::Array(items) => items.iter_mut().map(|item| make_newer(item, key)).sum(),
        Value::Object(fields) => fields.iter_mut().map(|(key, item)| make_newer(item, key)).sum(),
        _ => 0,
    }
}

fn evidence() -> Vec<Evidence> {
    vec![Evidence::new(EvidenceId::MAX, EvidenceKind::DocumentAccepted)]
}

fn breakdown() -> ScoreBreakdown {
    ScoreBreakdown {
        contributions: vec![Contribution {
            method: Method::Document.into(),
            kind: EvidenceKind::DocumentAccepted.into(),
            evidence_id: EvidenceId::MAX,
            points: 20,
            rule_version: 9,
        }],
        caps: vec![Cap {
            method: Some(Method::Document.into()),
            points: -1,
        }],
        ..ScoreBreakdown::nothing()
    }
}

fn next_steps() -> Vec<NextStep> {
    vec![NextStep {
        method: Method::Document.into(),
        points: 10,
    }]
}

#[test]
fn whatever_a_newer_version_adds_is_read_and_carried_on() {
    let decided = DocumentDecision {
        decision: Decision::Accepted,
        internal_reason: "ALL_CHECKS_PASSED".to_owned(),
        member_reason: String::new(),
        proves: vec![EvidenceKind::DocumentAccepted.into()],
    };
    let validity = Validity {
        checks: vec![Check::failed(CheckName::NotExpired, CheckReason::Expired)],
        decided: decided.clone(),
        rule_version: 9,
    };
    assert_eq!(is_carried_on(&validity), 4);
    let stored = StoredEvidence {
        evidence: evidence(),
        refused: None,
        stands: Some(decided),
    };
    assert_eq!(is_carried_on(&stored), 3);
    let outcome = MethodOutcome {
        decision: Decision::Accepted,
        member_reason: String::new(),
        internal_reason: "ALL_CHECKS_PASSED".to_owned(),
        evidence: evidence(),
    };
    assert_eq!(is_carried_on(&outcome), 2);
    let scored = Scored {
        breakdown: breakdown(),
        next_steps: next_steps(),
    };
    assert_eq!(is_carried_on(&scored), 4);
    let state = VerificationState {
        methods: vec![MethodState::ended(
            Method::Document,
            MethodStatus::Failed,
            MethodReason::NotFinished,
        )],
        breakdown: breakdown(),
        next_steps: next_steps(),
    };
    assert_eq!(is_carried_on(&state), 7);
}

#[test]
fn the_text_of_a_status_is_that_of_its_payload() {
    for status in MethodStatus::ALL {
        let json = serde_json::to_string(&status).expect("a status is JSON");
        assert_eq!(json, format!("{:?}", Word::as_str(status)));
        assert_eq!(MethodStatus::parse(Word::as_str(status)), Some(status));
    }
}
