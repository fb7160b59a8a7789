//! One verification is one trace: a single tree over every hop, as Jaeger has it.

use crate::support::*;
use crate::validations::support::{Validation, by_community, neighbours};
use mesh_testkit::{Engine, Jaeger, Mesh, eventually};
use opentelemetry::propagation::{Injector, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;
use tonic::metadata::{MetadataKey, MetadataMap};

/// The spans that the longest branches must pass, from the root down: service and operation.
const READING: [(&str, &str); 8] = [
    ("caller", "verify a member"),
    (
        "orchestrator",
        "voluntier.orchestrator.v1.VerificationService/StartVerification",
    ),
    ("orchestrator", "StartWorkflow:VerificationWorkflow"),
    ("orchestrator", "RunWorkflow:VerificationWorkflow"),
    ("orchestrator", "StartChildWorkflow:DocumentVerificationWorkflow"),
    ("document", "RunWorkflow:DocumentVerificationWorkflow"),
    ("document", "RunActivity:extract_document_data"),
    ("document", "tesseract words"),
];
const SCORING: [(&str, &str); 4] = [
    ("orchestrator", "RunWorkflow:VerificationWorkflow"),
    ("orchestrator", "StartActivity:calculate_verification_score_v2"),
    ("reputation", "RunActivity:calculate_verification_score_v2"),
    ("reputation", "INSERT ledger_entries"),
];
/// The document service asks for the profile by gRPC.
const PROFILE: [(&str, &str); 3] = [
    ("document", "RunActivity:check_document_validity"),
    ("orchestrator", "voluntier.orchestrator.v1.MemberService/GetMember"),
    ("orchestrator", "SELECT members"),
];

/// Three neighbours vouch beside the document.
const VOUCHING: [(&str, &str); 5] = [
    ("orchestrator", "RunWorkflow:VerificationWorkflow"),
    ("orchestrator", "StartChildWorkflow:CommunityValidationWorkflow"),
    ("community", "RunWorkflow:CommunityValidationWorkflow"),
    ("community", "RunActivity:request_community_validators"),
    ("community", "INSERT validations"),
];
/// The method document and the method community, from their beginning to their end.
const SIDE_BY_SIDE: [&str; 2] = ["document", "community"];

#[tokio::test]
async fn a_verification_is_one_tree_from_its_caller_to_every_statement() {
    let mesh = Mesh::builder()
        .jaeger(Engine::Shared)
        .setting("community", "TRUST_SEEDS", TRUST_SEED.to_string())
        .start()
        .await
        .expect("the mesh starts");
    let jaeger = mesh.jaeger.as_ref().expect("it was asked for");
    let caller = Caller::of(&mesh);
    let passport = passport(70);
    let member_id = caller.register(passport.truth()).await;
    let document_url = caller.upload(member_id, &[picture(&passport)]).await.document_url;
    let validators = neighbours(&caller, member_id, &[60, 60, 60]).await;
    let mut verification = by_document(member_id, document_url);
    verification.target_score = Some(80);
    verification.methods.push(by_community(&caller, member_id).await);

    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(jaeger.otlp_endpoint())
        .build();
    let resource = opentelemetry_sdk::Resource::builder()
        .with_service_name("caller")
        .build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter.expect("the endpoint is valid"))
        .with_resource(resource)
        .build();
    let span = provider.tracer("caller").start("verify a member");
    let context = opentelemetry::Context::new().with_span(span);
    let trace_id = context.span().span_context().trace_id().to_string();
    let mut request = tonic::Request::new(verification);
    TraceContextPropagator::new().inject_context(&context, &mut Metadata(request.metadata_mut()));
    let started = caller
        .verifications
        .clone()
        .start_verification(request)
        .await
        .expect("it starts")
        .into_inner();
    let validation = Validation {
        member_id,
        verification_id: started.verification_id.clone(),
        validators,
    };
    validation.is_asked(&caller).await;
    for at in 0..3 {
        validation
            .submit(&caller, validation.approval(at))
            .await
            .expect("it counts");
    }
    caller.end_of(&started.verification_id).await;
    context.span().end();
    tokio::task::spawn_blocking(move || provider.shutdown())
        .await
        .expect("no panic")
        .expect("the span is sent");

    let tree = eventually(PATIENCE, "the whole trace to be in Jaeger", async || {
        Tree::complete(jaeger, &trace_id).await
    });
    match tree.await {
        Ok(tree) => {
            println!("one trace, one root, {} spans", tree.0.len());
            let [document, community] = SIDE_BY_SIDE.map(|service| tree.time_of(service));
            println!("microseconds of the trace: document {document:?}, community {community:?}");
            assert!(
                document.start < community.end && community.start < document.end,
                "they run at the same time: document {document:?}, community {community:?}"
            );
        }
        Err(error) => {
            let trace = jaeger.trace(&trace_id).await.ok().flatten().unwrap_or_default();
            panic!("{error}; it has {:#?}", Tree::of(&trace));
        }
    }
}

struct Metadata<'a>(&'a mut MetadataMap);

impl Injector for Metadata<'_> {
    fn set(&mut self, key: &str, value: String) {
        let key = MetadataKey::from_bytes(key.as_bytes()).expect("the propagator sets valid keys");
        self.0
            .insert(key, value.parse().expect("the propagator sets valid values"));
    }
}

#[derive(Debug)]
struct Span {
    parent: Option<String>,
    service: String,
    operation: String,
    /// In microseconds since 1970-01-01 UTC.
    time: Range<u64>,
}

/// The spans of a trace by their ids.
#[derive(Debug)]
struct Tree(BTreeMap<String, Span>);

impl Tree {
    /// The trace once it is a single tree that holds all that is looked for; spans come in batches.
    async fn complete(jaeger: &Jaeger, trace_id: &str) -> Option<Tree> {
        let trace = jaeger
            .trace(trace_id)
            .await
            .unwrap_or_else(|error| panic!("{error:#}"))?;
        let tree = Tree::of(&trace);
        let roots = tree.0.values().filter(|span| span.parent.is_none()).count();
        let whole = tree
            .0
            .values()
            .all(|span| span.parent.as_ref().is_none_or(|parent| tree.0.contains_key(parent)));
        let branches = [&READING[..], &SCORING[..], &PROFILE[..], &VOUCHING[..]];
        (roots == 1 && whole && branches.iter().all(|branch| tree.has_branch(branch))).then_some(tree)
    }

    fn of(trace: &Value) -> Tree {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let spans = trace["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
        let span = |span: &Value| Span {
            parent: span["references"]
                .as_array()
                .and_then(|all| all.first())
                .map(|parent| text(&parent["spanID"])),
            service: text(&trace["processes"][text(&span["processID"])]["serviceName"]),
            operation: text(&span["operationName"]),
            time: {
                let start = span["startTime"].as_u64().unwrap_or_default();
                start..start + span["duration"].as_u64().unwrap_or_default()
            },
        };
        Tree(spans.iter().map(|one| (text(&one["spanID"]), span(one))).collect())
    }

    /// From the first to the last of what a service's activities do.
    fn time_of(&self, service: &str) -> Range<u64> {
        let spans = self.0.values().filter(|span| span.service == service);
        let activities = spans.filter(|span| span.operation.starts_with("RunActivity:"));
        let times = activities.map(|span| span.time.clone());
        times
            .reduce(|one, other| one.start.min(other.start)..one.end.max(other.end))
            .unwrap_or_default()
    }

    /// Whether some span has this branch's spans above it, in this order, itself being the last.
    fn has_branch(&self, branch: &[(&str, &str)]) -> bool {
        let is = |span: &Span, wanted: &(&str, &str)| (span.service.as_str(), span.operation.as_str()) == *wanted;
        self.0.values().any(|leaf| {
            let mut wanted = branch.iter().rev().peekable();
            let mut next = Some(leaf);
            if !wanted.peek().is_some_and(|last| is(leaf, last)) {
                return false;
            }
            while let Some(span) = next {
                if wanted.peek().is_some_and(|one| is(span, one)) {
                    wanted.next();
                }
                next = span.parent.as_ref().and_then(|parent| self.0.get(parent));
            }
            wanted.peek().is_none()
        })
    }
}
