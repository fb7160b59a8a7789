use super::policies::AccessPolicies;
use super::*;
use crate::tokens::Person;
use prost_reflect::DynamicMessage;
use std::collections::BTreeSet;

const SERVICE: &str = "/test.parcel.v1.ParcelService";

/// A service of one RPC for each policy; its request has `owner_id` (int64) and `parcel_id` (string).
fn descriptors(policies: &[(&str, &str)]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let rpc = |(name, policy): &(&str, &str)| {
        let option = match policy.is_empty() {
            true => String::new(),
            false => format!("option (voluntier.common.v1.access) = {{{policy}}};"),
        };
        format!("rpc {name}(Request) returns (Answer) {{ {option} }}\n")
    };
    let rpcs: String = policies.iter().map(rpc).collect();
    let file = format!(
        "syntax = \"proto3\";\npackage test.parcel.v1;\nimport \"voluntier/common/v1/access.proto\";\n\
         service ParcelService {{\n{rpcs}}}\n\
         message Request {{ int64 owner_id = 1; string parcel_id = 2; }}\nmessage Answer {{}}\n"
    );
    std::fs::write(folder.path().join("parcel.proto"), file).expect("it can be written");
    let contract = "../../proto";
    let mut compiler = protox::Compiler::new([folder.path(), contract.as_ref()]).expect("the folders are there");
    let compiled = compiler.include_imports(true).open_file("parcel.proto");
    compiled
        .unwrap_or_else(|error| panic!("{error}"))
        .encode_file_descriptor_set()
}

fn read(policy: &str) -> anyhow::Result<AccessPolicies> {
    let path = format!("{SERVICE}/Send");
    AccessPolicies::read(&descriptors(&[("Send", policy)]), &BTreeSet::from([path]))
}

fn person(id: i64, roles: &[&str]) -> Person {
    Person {
        id,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        until: jiff::Timestamp::MAX,
    }
}

fn admit(policies: &AccessPolicies, service: Option<&str>, person: Option<Person>) -> Result<Access, Reason> {
    let granted = policies.of_service(&format!("{SERVICE}/Send"), service);
    let admitted = granted.and_then(|granted| granted.admit(person.as_ref()));
    admitted.map_err(|problem| problem.reason())
}

const POLICY: &str = r#"
    grants: {services: "app", role: ROLE_ORGANISER, relation: RELATION_OWN}
    grants: {services: "shop", role: ROLE_ORGANISER, relation: RELATION_OWN}
    grants: {services: "shop", role: ROLE_ORGANISER, relation: RELATION_ASSIGNED}
    grants: {services: ["app", "desk"], role: ROLE_OPERATOR, relation: RELATION_ANY}
    grants: {services: "stock"}
    grants: {services: "till", role: ROLE_ORGANISER, relation: RELATION_OWN}
    grants: {services: "till"}
"#;

#[test]
fn what_no_grant_allows_is_refused_with_its_reason() {
    use Relation::{Assigned, Own};
    let policies = read(POLICY).expect("a sound policy");
    let organiser = || Some(person(7, &["organiser"]));
    let both = || Some(person(7, &["organiser", "operator"]));
    let operator = || Some(person(7, &["operator"]));
    for (service, person, expected) in [
        (None, None, Err(Reason::CallerNotAllowed)),
        (None, both(), Err(Reason::CallerNotAllowed)),
        (Some("stranger"), both(), Err(Reason::CallerNotAllowed)),
        (Some("app"), None, Err(Reason::TokenMissing)),
        (Some("app"), Some(person(7, &[])), Err(Reason::RoleNotAllowed)),
        (
            Some("app"),
            Some(person(7, &["Organiser"])),
            Err(Reason::RoleNotAllowed),
        ),
        (Some("app"), organiser(), Ok(vec![Own])),
        (Some("app"), both(), Ok(vec![])),
        (Some("shop"), organiser(), Ok(vec![Own, Assigned])),
        // A role is worth what the service that calls may do with it.
        (Some("shop"), operator(), Err(Reason::RoleNotAllowed)),
        (Some("desk"), organiser(), Err(Reason::RoleNotAllowed)),
        (Some("desk"), operator(), Ok(vec![])),
        (Some("stock"), None, Ok(vec![])),
        // A call with a token is the person's, whatever the service may do for itself.
        (Some("stock"), both(), Err(Reason::RoleNotAllowed)),
        (Some("till"), None, Ok(vec![])),
        (Some("till"), organiser(), Ok(vec![Own])),
        (Some("till"), operator(), Err(Reason::RoleNotAllowed)),
    ] {
        let found = admit(&policies, service, person.clone()).map(|access| access.needs);
        assert_eq!(found, expected, "{service:?} {person:?}");
    }
    let other = policies.of_service("/test.parcel.v1.ParcelService/Other", Some("stock"));
    let refused = other.err().map(|problem| problem.reason());
    assert_eq!(refused, Some(Reason::CallerNotAllowed));
}

#[test]
fn the_actor_is_the_person_or_else_the_service() {
    let policies = read(POLICY).expect("a sound policy");
    for (person, expected) in [(None, "service:till"), (Some(person(7, &["organiser"])), "person:7")] {
        let access = admit(&policies, Some("till"), person).expect("it may");
        assert_eq!(access.actor().to_string(), expected);
    }
}

#[test]
fn a_person_is_admitted_to_what_is_theirs_and_an_answer_waits_for_that_look() {
    let access = |needs: &[Relation]| Access::new(Actor::Person(7), needs.to_vec());
    let own = access(&[Relation::Own]);
    assert!(!own.is_settled());
    assert!(!own.admits_owner(8) && !own.admits_assignee(Some(7)) && !own.is_settled());
    assert!(own.admits_owner(7) && own.is_settled());
    let assigned = access(&[Relation::Assigned]);
    assert!(!assigned.admits_owner(7) && !assigned.admits_assignee(None) && !assigned.admits_assignee(Some(8)));
    assert!(!assigned.is_settled());
    assert!(assigned.admits_assignee(Some(7)) && assigned.is_settled());
    let any = access(&[]);
    assert!(any.is_settled() && any.admits_owner(8) && any.admits_assignee(None));
    let service = Access::new(Actor::Service("stock".into()), vec![Relation::Own]);
    assert!(!service.admits_owner(7));
}

#[test]
fn whose_the_object_is_does_not_matter_to_an_operator_or_a_service_alone() {
    let policies = read(POLICY).expect("a sound policy");
    for (service, person, expected) in [
        ("app", Some(person(7, &["organiser"])), false),
        ("shop", Some(person(7, &["organiser"])), false),
        ("app", Some(person(7, &["organiser", "operator"])), true),
        ("desk", Some(person(7, &["operator"])), true),
        ("stock", None, true),
    ] {
        let access = admit(&policies, Some(service), person.clone()).expect("it may");
        assert_eq!(access.may_be_anybodys(), expected, "{service} {person:?}");
        // To own it makes nobody an operator.
        access.admits_owner(7);
        assert_eq!(access.may_be_anybodys(), expected, "{service} {person:?}");
    }
}

#[test]
fn a_policy_that_says_nothing_or_nonsense_is_refused() {
    for (policy, expected) in [
        ("", "there is none"),
        ("owner_field: \"owner_id\"", "it grants nothing"),
        (
            "grants: {role: ROLE_ORGANISER, relation: RELATION_OWN}",
            "names no service",
        ),
        (
            "grants: {services: \"a\", role: ROLE_ORGANISER}",
            "a role and a relation",
        ),
        (
            "grants: {services: \"a\", relation: RELATION_OWN}",
            "a role and a relation",
        ),
        (
            "grants: {services: \"a\"} owner_field: \"parcel_id\"",
            "no field parcel_id",
        ),
        ("grants: {services: \"a\"} owner_field: \"missing\"", "no field missing"),
    ] {
        let error = read(policy).err().unwrap_or_else(|| panic!("{policy:?} is taken"));
        let error = format!("{error:#}");
        assert!(
            error.contains(expected) && error.contains("ParcelService/Send"),
            "{error}"
        );
    }
}

#[test]
fn an_owner_that_the_request_names_is_checked_before_the_handler() {
    use Relation::{Assigned, Own};
    let policy = r#"grants: {services: "stock"} owner_field: "owner_id""#;
    let policies = read(policy).expect("a sound policy");
    let path = format!("{SERVICE}/Send");
    let granted = policies.of_service(&path, Some("stock")).expect("it may");
    let descriptors = descriptors(&[("Send", policy)]);
    let pool = prost_reflect::DescriptorPool::decode(descriptors.as_slice()).expect("descriptors");
    let descriptor = pool.get_message_by_name("test.parcel.v1.Request").expect("a request");
    let mut request = DynamicMessage::new(descriptor);
    let hidden = (Err(Reason::ObjectNotFound), false);
    for (owner, needs, expected) in [
        (0, vec![Own], hidden),
        (8, vec![Own], hidden),
        (-7, vec![Own], hidden),
        (7, vec![Own], (Ok(()), true)),
        (7, vec![Own, Assigned], (Ok(()), true)),
        // The handler may still say that it is the person's to work on.
        (8, vec![Own, Assigned], (Ok(()), false)),
        (7, vec![Assigned], (Ok(()), false)),
        (8, vec![], (Ok(()), true)),
    ] {
        request.set_field_by_name("owner_id", prost_reflect::Value::I64(owner));
        let access = Access::new(Actor::Person(7), needs.clone());
        let checked = granted.check_owner(&access, Some(&request));
        let found = (checked.map_err(|problem| problem.reason()), access.is_settled());
        assert_eq!(found, expected, "{owner} {needs:?}");
    }
    let access = Access::new(Actor::Person(7), vec![Own]);
    let undecodable = granted.check_owner(&access, None).map_err(|problem| problem.reason());
    assert_eq!((undecodable, access.is_settled()), (Err(Reason::InvalidRequest), false));
}

#[tokio::test]
async fn what_is_missing_and_what_is_anothers_are_answered_alike_and_what_may_be_anybodys_is_not_looked_up() {
    let missing = || Problem::new(Reason::ScheduleNotFound, "no parcel has this id");
    let look = async |needs: &[Relation], owner: Option<i64>| {
        let access = Access::new(Actor::Person(7), needs.to_vec());
        let found = access.require_owner(async { Ok(owner) }, missing).await;
        (
            found.map_err(|problem| problem.message().to_owned()),
            access.is_settled(),
        )
    };
    let refused = (Err("no parcel has this id".to_owned()), false);
    assert_eq!(look(&[Relation::Own], None).await, refused);
    assert_eq!(look(&[Relation::Own], Some(8)).await, refused);
    assert_eq!(look(&[Relation::Own], Some(7)).await, (Ok(()), true));
    let anybodys = Access::new(Actor::Person(7), Vec::new());
    let never = async { panic!("nothing is looked up") };
    anybodys.require_owner(never, missing).await.expect("it may");
}
