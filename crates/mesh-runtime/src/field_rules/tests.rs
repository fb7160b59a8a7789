use super::*;
use prost::Message;
use prost_reflect::Value;
use tonic::Code;
use tonic_types::StatusExt;

const SEND: &str = "/test.parcel.v1.ParcelService/Send";

fn descriptors() -> Vec<u8> {
    let here = "src/field_rules";
    let contract = "../../proto";
    let mut compiler = protox::Compiler::new([here, contract]).expect("the folders are there");
    compiler
        .include_imports(true)
        .open_file("parcel.proto")
        .expect("it compiles");
    compiler.encode_file_descriptor_set()
}

fn rules(max_message_bytes: usize) -> FieldRules {
    FieldRules::read(&descriptors(), max_message_bytes).expect("every rule compiles")
}

fn set(message: &mut DynamicMessage, fields: &[(&str, Value)]) {
    for (name, value) in fields {
        message.set_field_by_name(name, value.clone());
    }
}

fn message(rules: &FieldRules, name: &str, fields: &[(&str, Value)]) -> DynamicMessage {
    let pool = rules.pool.clone();
    let mut message = DynamicMessage::new(pool.get_message_by_name(name).expect("it is in the pool"));
    set(&mut message, fields);
    message
}

fn duration(rules: &FieldRules, seconds: i64) -> Value {
    let fields = [("seconds", Value::I64(seconds))];
    Value::Message(message(rules, "google.protobuf.Duration", &fields))
}

/// A request that keeps every rule.
fn good(rules: &FieldRules) -> DynamicMessage {
    let street = [("street", Value::String("Elm".to_owned()))];
    let book = message(rules, "test.parcel.v1.Book", &[("binding", Value::EnumNumber(1))]);
    let item = message(rules, "test.parcel.v1.Item", &[("book", Value::Message(book))]);
    let fields = [
        (
            "request_id",
            Value::String("018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d".to_owned()),
        ),
        ("sender", Value::I64(1)),
        ("to", Value::Message(message(rules, "test.parcel.v1.Address", &street))),
        ("items", Value::List(vec![Value::Message(item)])),
    ];
    message(rules, "test.parcel.v1.SendRequest", &fields)
}

fn request(path: &str, content: Vec<u8>) -> http::Request<Body> {
    http::Request::post(format!("http://mesh{path}"))
        .body(Body::new(Full::new(Bytes::from(content))))
        .expect("a request")
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("small").to_be_bytes();
    [&[flag], length.as_slice(), message].concat()
}

async fn admit(rules: &FieldRules, message: &DynamicMessage) -> Result<Bytes, Status> {
    let (admitted, checked) = rules.admit(request(SEND, framed(0, &message.encode_to_vec()))).await?;
    assert_eq!(checked.as_ref(), Some(message));
    Ok(admitted.into_body().collect().await.expect("it is whole").to_bytes())
}

#[tokio::test]
async fn a_request_that_keeps_every_rule_is_handed_on_unchanged() {
    let rules = rules(1 << 20);
    let good = good(&rules);
    let admitted = admit(&rules, &good).await.expect("it keeps every rule");
    assert_eq!(admitted, framed(0, &good.encode_to_vec()));
}

#[tokio::test]
async fn one_answer_names_every_field_that_breaks_a_rule_and_no_value() {
    let rules = rules(1 << 20);
    let mut wrong = good(&rules);
    let secret = "a secret\n";
    let address = [
        ("street", Value::String(secret.to_owned())),
        ("email", Value::String(secret.to_owned())),
    ];
    let book = message(&rules, "test.parcel.v1.Book", &[("binding", Value::EnumNumber(9))]);
    let items = [
        message(&rules, "test.parcel.v1.Item", &[]),
        message(&rules, "test.parcel.v1.Item", &[("book", Value::Message(book))]),
    ];
    let fields = [
        ("request_id", Value::String(secret.to_owned())),
        ("sender", Value::I64(-1)),
        (
            "to",
            Value::Message(message(&rules, "test.parcel.v1.Address", &address)),
        ),
        ("items", Value::List(items.map(Value::Message).to_vec())),
        ("patience", duration(&rules, 59)),
    ];
    set(&mut wrong, &fields);
    let refused = admit(&rules, &wrong).await.expect_err("it breaks rules");
    let details = refused.get_error_details();
    let violations = details.bad_request().expect("violations").field_violations.clone();
    let paths: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(
        paths,
        [
            "request_id",
            "sender",
            "to.street",
            "to.email",
            "items[0].item",
            "items[1].book.binding",
            "patience"
        ]
    );
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(details.error_info().expect("a reason").reason, "INVALID_REQUEST");
    assert!(!format!("{refused:?}").contains("secret"), "{refused:?}");
    assert!(
        violations.iter().all(|violation| !violation.description.is_empty()),
        "{violations:?}"
    );
}

#[tokio::test]
async fn a_compressed_or_an_oversized_request_is_refused_before_it_is_read_whole() {
    let rules = rules(100);
    let compressed = rules.admit(request(SEND, framed(1, b"whatever"))).await;
    assert_eq!(compressed.expect_err("it is refused").code(), Code::Unimplemented);
    let mut endless = framed(0, &[0; 8]);
    endless[1..5].copy_from_slice(&101u32.to_be_bytes());
    let too_large = rules.admit(request(SEND, endless)).await.expect_err("it is refused");
    assert_eq!(too_large.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn more_or_less_than_one_message_is_refused_so_that_the_handler_gets_what_was_checked() {
    let rules = rules(1000);
    let message = good(&rules).encode_to_vec();
    let whole = framed(0, &message);
    let cut_off = whole[..whole.len() - 1].to_vec();
    // Read as one message, the sender at the end would be the one that counts.
    let with_another_sender = [whole.clone(), vec![2 << 3, 9]].concat();
    for content in [cut_off, with_another_sender, whole.repeat(2)] {
        let refused = rules.admit(request(SEND, content)).await.expect_err("it is refused");
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn messages_of_a_client_stream_are_left_to_their_handler() {
    let rules = rules(100);
    let content = framed(0, b"not a message");
    let path = "/test.parcel.v1.ParcelService/SendMany";
    let (admitted, checked) = rules
        .admit(request(path, content.clone()))
        .await
        .expect("it is not read");
    assert!(checked.is_none());
    assert_eq!(admitted.into_body().collect().await.expect("whole").to_bytes(), content);
}

#[test]
fn a_rule_that_does_not_fit_its_field_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let contract = "../../proto";
    let source = r#"
        syntax = "proto3";
        package test.v1;
        import "buf/validate/validate.proto";
        service S { rpc R(Q) returns (Q); }
        message Q { string text = 1 [(buf.validate.field).string.pattern = "("]; }
    "#;
    std::fs::write(folder.path().join("wrong.proto"), source).expect("it is written");
    let mut compiler = protox::Compiler::new([folder.path(), contract.as_ref()]).expect("the folders are there");
    compiler
        .include_imports(true)
        .open_file("wrong.proto")
        .expect("it compiles");
    let refused = FieldRules::read(&compiler.encode_file_descriptor_set(), 100);
    assert!(refused.is_err_and(|error| format!("{error:#}").contains("test.v1.Q")));
}
