//! Who may call: every RPC of every service, by every calling service, for every role of a person and every relation of theirs
//! to the object. What is expected is read here from the option in the contract and from nothing else; what happens comes over
//! the wire. Any other option would expect something else: that is looked at, too.

mod objects;

use crate::raw::RawCaller;
use crate::support::*;
use futures::StreamExt;
use mesh_testkit::{Acting, Mesh, SERVICES};
use objects::{Objects, Relation, request};
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, ReflectMessage, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::time::{Duration, Instant};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Status};

/// Calls that are under way at once.
const AT_ONCE: usize = 64;
/// The longest that the whole matrix may take.
const MOST_TIME: Duration = Duration::from_secs(120);

/// A person's roles; none where no token is sent.
type Roles = Option<&'static [&'static str]>;

const ROLES: [Roles; 9] = [
    None,
    Some(&[]),
    Some(&["member"]),
    Some(&["reviewer"]),
    Some(&["verifier"]),
    Some(&["organiser"]),
    Some(&["operator"]),
    Some(&["member", "reviewer"]),
    Some(&["reviewer", "operator"]),
];

const RELATIONS: [Relation; 3] = [Relation::Own, Relation::Anothers, Relation::Missing];

/// How a call may end, as far as access goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// The connection is refused: there is no certificate.
    NoConnection,
    Unauthenticated,
    PermissionDenied,
    /// As if the object did not exist; or the review is not the person's to work on.
    Hidden,
    Admitted,
    /// A fault, such as a handler that does not look whose the object is; never expected.
    Broken,
}

/// One grant of an option: services, role and relation by their words in the contract.
#[derive(Clone, Debug)]
struct Grant {
    services: Vec<String>,
    role: String,
    relation: String,
}

/// An RPC and what its option says.
#[derive(Clone)]
struct Rpc {
    name: String,
    method: MethodDescriptor,
    grants: Vec<Grant>,
}

impl Rpc {
    fn all() -> Vec<Rpc> {
        let pool = DescriptorPool::decode(mesh_proto::FILE_DESCRIPTOR_SET).expect("descriptors");
        let option = pool
            .get_extension_by_name("voluntier.common.v1.access")
            .expect("the option");
        let services = pool
            .services()
            .filter(|service| service.full_name().starts_with("voluntier."));
        let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
        let rpc = |method: MethodDescriptor| Rpc {
            name: format!("{}/{}", method.parent_service().full_name(), method.name()),
            grants: grants(method.options().get_extension(&option).as_message().expect("a message")),
            method,
        };
        methods.map(rpc).collect()
    }

    /// Whether somebody may call it whose object it must be.
    fn is_about_an_object(&self) -> bool {
        self.grants
            .iter()
            .any(|grant| grant.relation == "RELATION_OWN" || self.is_about_work(grant))
    }

    fn is_about_work(&self, grant: &Grant) -> bool {
        grant.relation == "RELATION_ASSIGNED"
    }

    fn expected(&self, service: Option<&str>, roles: Roles, relation: Relation) -> Verdict {
        if service.is_none() {
            return Verdict::NoConnection;
        }
        let of_service = |grant: &&Grant| grant.services.iter().any(|name| Some(name.as_str()) == service);
        let grants: Vec<&Grant> = self.grants.iter().filter(of_service).collect();
        if grants.is_empty() {
            return Verdict::PermissionDenied;
        }
        let is_for_itself = grants.iter().any(|grant| grant.role == "ROLE_UNSPECIFIED");
        let Some(roles) = roles else {
            return match is_for_itself {
                true => Verdict::Admitted,
                false => Verdict::Unauthenticated,
            };
        };
        let has_role = |grant: &&&Grant| {
            roles
                .iter()
                .any(|role| grant.role == format!("ROLE_{}", role.to_uppercase()))
        };
        let held: Vec<&&Grant> = grants.iter().filter(has_role).collect();
        if held.is_empty() {
            return Verdict::PermissionDenied;
        }
        if relation == Relation::Own || held.iter().any(|grant| grant.relation == "RELATION_ANY") {
            return Verdict::Admitted;
        }
        Verdict::Hidden
    }

    /// The same RPC by other options: each grant left out, each for anybody's object, and two grants more. The calls must show
    /// that none of these is the option.
    fn changed(&self) -> Vec<(String, Rpc)> {
        let with = |grants: Vec<Grant>| Rpc { grants, ..self.clone() };
        let mut changed = Vec::new();
        for (at, grant) in self.grants.iter().enumerate() {
            let mut fewer = self.grants.clone();
            fewer.remove(at);
            changed.push((format!("without {grant:?}"), with(fewer)));
            if grant.relation == "RELATION_OWN" || self.is_about_work(grant) {
                let mut wider = self.grants.clone();
                wider[at].relation = "RELATION_ANY".to_owned();
                changed.push((format!("anybody's by {grant:?}"), with(wider)));
            }
        }
        for (service, role) in [("stranger", "ROLE_OPERATOR"), ("platform", "ROLE_VERIFIER")] {
            let grant = Grant {
                services: vec![service.to_owned()],
                role: role.to_owned(),
                relation: "RELATION_ANY".to_owned(),
            };
            let mut more = self.grants.clone();
            changed.push((
                format!("with {grant:?}"),
                with({
                    more.push(grant);
                    more
                }),
            ));
        }
        changed
    }

    /// What an answer says. Where nothing is hidden from anybody, a missing object is no matter of access.
    fn actual(&self, relation: Relation, answer: &Result<Vec<u8>, Status>) -> Verdict {
        let Err(status) = answer else {
            return Verdict::Admitted;
        };
        let is_not_theirs = match refusal(status).reason.as_str() {
            "REVIEW_NOT_CLAIMED" | "REVIEW_CLAIMED_BY_ANOTHER" => true,
            // Whoever has decided it is told that it is over, too.
            "REVIEW_OVER" => relation == Relation::Anothers,
            _ => false,
        };
        match status.code() {
            // A status that a service sent has no source on the caller's side.
            _ if status.source().is_some() && mesh_proto::reason(status).is_none() => Verdict::NoConnection,
            Code::Unauthenticated => Verdict::Unauthenticated,
            Code::PermissionDenied => Verdict::PermissionDenied,
            Code::Internal | Code::Unknown | Code::Unimplemented | Code::Unavailable => Verdict::Broken,
            Code::ResourceExhausted | Code::DeadlineExceeded => Verdict::Broken,
            Code::NotFound if self.is_about_an_object() => Verdict::Hidden,
            Code::FailedPrecondition if is_not_theirs && self.grants.iter().any(|grant| self.is_about_work(grant)) => {
                Verdict::Hidden
            }
            _ => Verdict::Admitted,
        }
    }
}

fn grants(option: &DynamicMessage) -> Vec<Grant> {
    let word = |grant: &DynamicMessage, name: &str| {
        let descriptor = grant.get_field_by_name(name).and_then(|value| value.as_enum_number());
        let kind = grant.descriptor().get_field_by_name(name).expect("a field").kind();
        let values = kind.as_enum().expect("an enum").clone();
        let value = values.get_value(descriptor.expect("a number")).expect("a value");
        value.name().to_owned()
    };
    let grant = |value: &Value| {
        let grant = value.as_message().expect("a message");
        let services = grant.get_field_by_name("services").expect("services").into_owned();
        let services = services.as_list().expect("a list").iter();
        Grant {
            services: services.map(|name| name.as_str().expect("a name").to_owned()).collect(),
            role: word(grant, "role"),
            relation: word(grant, "relation"),
        }
    };
    let listed = option.get_field_by_name("grants").expect("grants").into_owned();
    listed.as_list().expect("a list").iter().map(grant).collect()
}

/// One call.
struct Cell<'a> {
    rpc: &'a Rpc,
    service: Option<&'static str>,
    roles: Roles,
    relation: Relation,
}

/// Everything that an answer without an object says: its message and its details, as bytes.
type Told = (String, Vec<u8>);

/// What came of the matrix.
#[derive(Default)]
struct Findings {
    count: usize,
    verdicts: BTreeMap<Verdict, usize>,
    differences: Vec<String>,
    /// What was said of another's object and of a missing one, by everything else.
    hidden: BTreeMap<String, BTreeSet<Told>>,
    /// What each call came to, by the RPC's name.
    actual: BTreeMap<String, Vec<Seen>>,
}

/// The service that called, the person's roles, the relation to the object, and what it came to.
type Seen = (Option<&'static str>, Roles, Relation, Verdict);

impl Findings {
    fn take(&mut self, cell: &Cell<'_>, answer: &Result<Vec<u8>, Status>) {
        let Cell {
            rpc,
            service,
            roles,
            relation,
        } = cell;
        let (expected, actual) = (rpc.expected(*service, *roles, *relation), rpc.actual(*relation, answer));
        let seen = (*service, *roles, *relation, actual);
        self.actual.entry(rpc.name.clone()).or_default().push(seen);
        self.count += 1;
        *self.verdicts.entry(expected).or_default() += 1;
        if differ(expected, *relation, actual) {
            self.differences.push(format!(
                "{} by {service:?} with {roles:?}, {relation:?}: {expected:?} by the option, but {actual:?}: {answer:?}",
                rpc.name
            ));
        }
        if let (Verdict::Hidden, Err(status)) = (expected, answer)
            && status.code() == Code::NotFound
        {
            let told = (status.message().to_owned(), status.details().to_vec());
            let who = format!("{} by {service:?} with {roles:?}", rpc.name);
            self.hidden.entry(who).or_default().insert(told);
        }
    }
}

/// Whoever may see anybody's is told that there is none.
fn differ(expected: Verdict, relation: Relation, actual: Verdict) -> bool {
    let is_told = expected == Verdict::Admitted && relation == Relation::Missing && actual == Verdict::Hidden;
    actual != expected && !is_told
}

/// A channel with the certificate of a caller, or without one.
fn channel_by(mesh: &Mesh, caller: Option<&str>, service: &str) -> Channel {
    let Some(caller) = caller else {
        let ca = std::fs::read(mesh.pki().ca()).expect("the CA's certificate is there");
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca));
        let url = mesh.service(service).expect("a service of the mesh").grpc_url();
        let endpoint = Endpoint::from_shared(url).and_then(|endpoint| endpoint.tls_config(tls));
        return endpoint.expect("an address of the mesh").connect_lazy();
    };
    channel_as(mesh, caller, service)
}

#[tokio::test]
async fn each_rpc_is_open_to_whom_its_option_names_and_to_nobody_else() {
    let mesh = shared_mesh().await;
    let objects = Objects::of(mesh).await;
    let rpcs = Rpc::all();
    let begun = Instant::now();
    let mut services: Vec<Option<&'static str>> = SERVICES.iter().map(|service| Some(service.name)).collect();
    services.extend([Some("platform"), Some("stranger"), None]);
    let raw: BTreeMap<_, _> = services
        .iter()
        .map(|caller| {
            (
                *caller,
                RawCaller::with(mesh, |service| channel_by(mesh, *caller, service)),
            )
        })
        .collect();
    let tokens: BTreeMap<Roles, String> = ROLES
        .iter()
        .filter_map(|roles| Some((*roles, mesh.issuer().token(objects.person, (*roles)?))))
        .collect();

    let mut cells = Vec::new();
    for rpc in &rpcs {
        for service in &services {
            for roles in ROLES {
                cells.extend(RELATIONS.map(|relation| Cell {
                    rpc,
                    service: *service,
                    roles,
                    relation,
                }));
            }
        }
    }
    let calls = cells.iter().map(async |cell| {
        // What a caller says of itself counts for nothing beside its certificate.
        let mut acting = Acting::service("orchestrator");
        if let Some(token) = tokens.get(&cell.roles) {
            acting = acting.for_person(token);
        }
        let message = request(
            &cell.rpc.method,
            cell.rpc.is_about_an_object(),
            objects.of_relation(cell.relation),
        );
        (cell, raw[&cell.service].call(&acting, &cell.rpc.name, &[message]).await)
    });
    let mut findings = Findings::default();
    let mut answers = futures::stream::iter(calls).buffer_unordered(AT_ONCE);
    while let Some((cell, answer)) = answers.next().await {
        findings.take(cell, &answer);
    }

    let Findings {
        count,
        verdicts,
        differences,
        hidden,
        actual,
    } = findings;
    println!(
        "{} RPCs, {count} cells, {} differences in {:.1} s: {verdicts:?}",
        rpcs.len(),
        differences.len(),
        begun.elapsed().as_secs_f64()
    );
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
    let mut changes = 0;
    for rpc in &rpcs {
        for (change, changed) in rpc.changed() {
            let is_seen = |(service, roles, relation, actual): &Seen| {
                differ(changed.expected(*service, *roles, *relation), *relation, *actual)
            };
            assert!(
                actual[&rpc.name].iter().any(is_seen),
                "no call of {} shows that its option is not the one {change}",
                rpc.name
            );
            changes += 1;
        }
    }
    println!("{changes} options that are changed in one place are each told from the contract's");
    let told_apart: Vec<_> = hidden.iter().filter(|(_, told)| told.len() > 1).collect();
    assert!(
        told_apart.is_empty(),
        "another's and a missing one are told apart: {told_apart:#?}"
    );
    assert!(
        count >= 1_500 && rpcs.len() >= 39,
        "{count} cells of {} RPCs",
        rpcs.len()
    );
    assert!(
        verdicts.values().all(|cells| *cells > 20) && verdicts.len() == 5,
        "{verdicts:?}"
    );
    assert!(begun.elapsed() < MOST_TIME);
}
