use super::*;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use serde_json::json;

const NOW: i64 = 1_800_000_000;

fn rules() -> Rules {
    Rules {
        issuer: "https://issuer.example".to_owned(),
        audiences: ["mesh".to_owned(), "other mesh".to_owned()].into(),
        leeway: Duration::from_secs(30),
        roles_claim: "roles".to_owned(),
    }
}

/// Good claims with these in their places; null takes one away.
fn with(changes: Value) -> Claims {
    let mut claims =
        json!({ "iss": "https://issuer.example", "aud": "mesh", "sub": "7", "exp": NOW + 60, "roles": ["editor"] });
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => claims.as_object_mut().and_then(|claims| claims.remove(name)),
            value => claims
                .as_object_mut()
                .and_then(|claims| claims.insert(name.clone(), value.clone())),
        };
    }
    match claims {
        Value::Object(claims) => claims,
        _ => Claims::new(),
    }
}

fn check(rules: &Rules, claims: &Claims) -> Result<Person, Problem> {
    let now = Timestamp::from_second(NOW).expect("an instant");
    rules.check(claims, now)
}

fn roles_of(claim: &str, claims: Value) -> Result<Vec<String>, Reason> {
    let rules = Rules {
        roles_claim: claim.to_owned(),
        ..rules()
    };
    match check(&rules, &with(claims)) {
        Ok(person) => Ok(person.roles.into_iter().collect()),
        Err(problem) => Err(problem.reason()),
    }
}

#[test]
fn good_claims_are_a_person() {
    let person = check(&rules(), &with(json!({}))).expect("they are good");
    assert_eq!(
        person,
        Person {
            id: 7,
            roles: ["editor".to_owned()].into(),
            until: Timestamp::from_second(NOW + 60 + 30).expect("an instant"),
        }
    );
}

#[test]
fn what_counts_and_what_does_not() {
    let table = [
        (json!({ "aud": ["somebody", "other mesh"] }), None),
        (json!({ "aud": "somebody" }), Some(Reason::TokenWrongAudience)),
        (json!({ "aud": [] }), Some(Reason::TokenWrongAudience)),
        (json!({ "aud": null }), Some(Reason::TokenClaimInvalid)),
        (json!({ "aud": ["mesh", 7] }), Some(Reason::TokenClaimInvalid)),
        (
            json!({ "iss": "https://issuer.example/" }),
            Some(Reason::TokenWrongIssuer),
        ),
        (
            json!({ "iss": "HTTPS://issuer.example" }),
            Some(Reason::TokenWrongIssuer),
        ),
        (
            json!({ "iss": ["https://issuer.example"] }),
            Some(Reason::TokenClaimInvalid),
        ),
        (json!({ "iss": null }), Some(Reason::TokenClaimInvalid)),
        // The leeway is 30 s, and the second in which a token expires is one too late (RFC 7519, 4.1.4).
        (json!({ "exp": NOW - 29 }), None),
        (json!({ "exp": NOW - 30 }), Some(Reason::TokenExpired)),
        (json!({ "exp": NOW as f64 - 29.5 }), None),
        (json!({ "exp": -1 }), Some(Reason::TokenExpired)),
        (json!({ "exp": 1e300 }), None),
        (json!({ "exp": "1900000000" }), Some(Reason::TokenClaimInvalid)),
        (json!({ "exp": null }), Some(Reason::TokenClaimInvalid)),
        (json!({ "nbf": NOW + 30 }), None),
        (json!({ "nbf": NOW + 31 }), Some(Reason::TokenNotYetValid)),
        (json!({ "nbf": "now" }), Some(Reason::TokenClaimInvalid)),
        (json!({ "sub": "9223372036854775807" }), None),
        (json!({ "sub": "9223372036854775808" }), Some(Reason::TokenClaimInvalid)),
        (json!({ "sub": "0" }), Some(Reason::TokenClaimInvalid)),
        (json!({ "sub": "-7" }), Some(Reason::TokenClaimInvalid)),
        (json!({ "sub": "+7" }), Some(Reason::TokenClaimInvalid)),
        (json!({ "sub": "07" }), Some(Reason::TokenClaimInvalid)),
        (json!({ "sub": " 7" }), Some(Reason::TokenClaimInvalid)),
        (json!({ "sub": "٧" }), Some(Reason::TokenClaimInvalid)),
        (json!({ "sub": 7 }), Some(Reason::TokenClaimInvalid)),
        (json!({ "sub": "" }), Some(Reason::TokenClaimInvalid)),
        (json!({ "sub": null }), Some(Reason::TokenClaimInvalid)),
    ];
    for (changes, expected) in table {
        let found = check(&rules(), &with(changes.clone()))
            .err()
            .map(|problem| problem.reason());
        assert_eq!(found, expected, "{changes}");
    }
}

#[test]
fn roles_are_found_where_the_configuration_says() {
    let own = |roles: &[&str]| Ok(roles.iter().map(|role| (*role).to_owned()).collect::<Vec<_>>());
    let table = [
        ("roles", json!({ "roles": ["b", "a", "b"] }), own(&["a", "b"])),
        ("roles", json!({ "roles": "b  a" }), own(&["a", "b"])),
        ("roles", json!({ "roles": "" }), own(&[])),
        ("roles", json!({ "roles": null }), own(&[])),
        ("scope", json!({ "scope": "a", "roles": ["z"] }), own(&["a"])),
        (
            "realm.access.roles",
            json!({ "realm": { "access": { "roles": ["a"] } } }),
            own(&["a"]),
        ),
        ("realm.access.roles", json!({ "realm": { "access": ["a"] } }), own(&[])),
        ("realm.access.roles", json!({ "realm": "a" }), own(&[])),
        (
            "https://example.com/roles",
            json!({ "https://example.com/roles": ["a"] }),
            own(&["a"]),
        ),
        (
            "a.b",
            json!({ "a.b": ["whole"], "a": { "b": ["path"] } }),
            own(&["whole"]),
        ),
        ("roles", json!({ "roles": [7] }), Err(Reason::TokenClaimInvalid)),
        (
            "roles",
            json!({ "roles": { "a": true } }),
            Err(Reason::TokenClaimInvalid),
        ),
        ("roles", json!({ "roles": [""] }), Err(Reason::TokenClaimInvalid)),
    ];
    for (claim, claims, expected) in table {
        assert_eq!(roles_of(claim, claims.clone()), expected, "{claim} {claims}");
    }
}

#[test]
fn roles_are_at_most_32_of_at_most_64_characters() {
    let many = |count: usize| json!({ "roles": (0..count).map(|at| at.to_string()).collect::<Vec<_>>() });
    assert_eq!(roles_of("roles", many(32)).map(|roles| roles.len()), Ok(32));
    assert_eq!(roles_of("roles", many(33)), Err(Reason::TokenClaimInvalid));
    assert!(roles_of("roles", json!({ "roles": ["é".repeat(64)] })).is_ok());
    assert_eq!(
        roles_of("roles", json!({ "roles": ["é".repeat(65)] })),
        Err(Reason::TokenClaimInvalid)
    );
}

#[test]
fn a_refusal_says_how_to_mend_the_token_and_not_what_it_claims() {
    let message = |changes: Value| {
        let problem = check(&rules(), &with(changes)).expect_err("it is refused");
        // Debug shows the cause, which goes to the log.
        assert!(!format!("{problem:?}").contains("secret"), "{problem:?}");
        problem.message().to_owned()
    };
    assert_eq!(
        message(json!({ "aud": "secret" })),
        "the token must be for the audience mesh or other mesh"
    );
    assert_eq!(
        message(json!({ "iss": "secret" })),
        "the token must be from the issuer https://issuer.example"
    );
    assert_eq!(
        message(json!({ "exp": NOW - 60 })),
        "the token expired at 2027-01-15T07:59:00Z; the leeway is 30 s"
    );
    assert_eq!(
        message(json!({ "nbf": NOW + 60 })),
        "the token counts from 2027-01-15T08:01:00Z on; the leeway is 30 s"
    );
    assert!(message(json!({ "sub": "secret" })).contains("claim `sub` must be the person's id"));
    assert!(message(json!({ "roles": [{ "secret": 1 }] })).contains("claim `roles` must be a list"));
    assert!(message(json!({ "nbf": 1e300 })).contains("s after 1970"));
}

proptest! {
    #[test]
    fn an_id_has_one_form(id in 1..=i64::MAX, garnish in "[+0 \t\n_a-z.-]{1,3}") {
        let read = |text: String| person_id(&with(json!({ "sub": text })));
        prop_assert_eq!(read(id.to_string()), Some(id));
        prop_assert_eq!(read(format!("{garnish}{id}")), None);
    }

    #[test]
    fn a_token_counts_from_its_begin_to_its_end_and_not_a_second_longer(
        begins in -100_i64..100, lasts in 0_i64..100, leeway in 0_u64..=60,
    ) {
        let rules = Rules { leeway: Duration::from_secs(leeway), ..rules() };
        let claims = with(json!({ "nbf": NOW + begins, "exp": NOW + begins + lasts }));
        let leeway = i64::try_from(leeway).expect("it is small");
        let counts = begins - leeway <= 0 && 0 < begins + lasts + leeway;
        prop_assert_eq!(check(&rules, &claims).is_ok(), counts);
    }

    #[test]
    fn no_claims_make_it_panic(name in "iss|aud|exp|nbf|sub|roles", number in any::<f64>(), text in any::<String>()) {
        for value in [json!(number), json!(text), json!([text]), json!({ &text: number })] {
            let refused = check(&rules(), &with(json!({ &name: value })));
            prop_assert!(refused.is_ok() || refused.is_err_and(|problem| !problem.message().is_empty()));
        }
    }
}
