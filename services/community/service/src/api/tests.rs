use super::{parse, render};
use crate::get_trust::Trust;
use crate::testing::{member, strength};
use community_trust::{Explanation, LimitingCut, NetworkPoints, PointsPart, Withheld};
use mesh_proto::community::v1 as proto;
use mesh_runtime::{FieldRules, Problem, clock};
use mesh_types::{Reason, Score};

/// The fields that break a rule of the contract.
fn broken<M: prost::Message + prost::Name>(message: &M) -> Vec<String> {
    let rules = FieldRules::read(mesh_proto::FILE_DESCRIPTOR_SET, 1 << 20).expect("rules");
    paths(rules.check(message))
}

fn paths<T>(answer: Result<T, Problem>) -> Vec<String> {
    let problem = answer.err().expect("it is refused");
    problem.violations().iter().map(|(path, _)| path.clone()).collect()
}

fn add(member_id: i64, to_member_id: i64, strength_hundredths: i32) -> proto::AddConnectionRequest {
    proto::AddConnectionRequest {
        request_id: clock::new_uuid().to_string(),
        member_id,
        to_member_id,
        strength_hundredths,
    }
}

#[test]
fn a_connection_that_cannot_be_right_is_refused_by_its_field() {
    for hundredths in [1, 100] {
        assert!(parse::add_connection(&add(1, 2, hundredths)).is_ok());
    }
    let table = [
        (add(0, 2, 50), "member_id"),
        (add(1, 0, 50), "to_member_id"),
        (add(1, 2, 0), "strength_hundredths"),
        (add(1, 2, 101), "strength_hundredths"),
    ];
    for (request, path) in table {
        assert_eq!(broken(&request), [path]);
        assert_eq!(paths(parse::add_connection(&request)), [path]);
    }
    let listed = proto::ListConnectionsRequest {
        member_id: 1,
        direction: 3,
        page_size: 201,
        page_token: String::new(),
    };
    assert_eq!(broken(&listed), ["direction", "page_size"]);
}

#[test]
fn nobody_is_connected_to_themselves() {
    let to_oneself = parse::add_connection(&add(1, 1, 50)).expect_err("to oneself");
    assert_eq!(to_oneself.reason(), Reason::ConnectionToOneself);
    assert_eq!(paths::<()>(Err(to_oneself)), ["to_member_id"]);
    let remove = proto::RemoveConnectionRequest {
        request_id: clock::new_uuid().to_string(),
        member_id: 1,
        to_member_id: 1,
    };
    let to_oneself = parse::remove_connection(&remove).expect_err("to oneself");
    assert_eq!(to_oneself.reason(), Reason::ConnectionToOneself);
}

#[test]
fn a_page_of_one_direction_is_none_of_the_other() {
    let list = |direction: proto::Direction, page_token: String| proto::ListConnectionsRequest {
        member_id: 1,
        direction: direction.into(),
        page_size: 1,
        page_token,
    };
    let (_, _, page) = parse::list_connections(&list(proto::Direction::MadeBy, String::new())).expect("a page");
    let (_, token) = page.page(vec![member(2), member(3)], |last| *last);
    let (.., next) = parse::list_connections(&list(proto::Direction::Unspecified, token.clone())).expect("the next");
    assert_eq!(next.after(), Some(&member(2)));
    let of_the_other = parse::list_connections(&list(proto::Direction::MadeTo, token));
    assert_eq!(paths(of_the_other), ["page_token"]);
}

fn part(from: i64, hundredths: u8, score: i64, ten_thousandths: u64) -> PointsPart {
    PointsPart {
        from: member(from),
        strength: strength(hundredths),
        score: Score::capped(score),
        passes: true,
        ten_thousandths,
    }
}

#[test]
fn an_answer_names_nobody_and_tells_the_member_what_each_connection_gives_alone() {
    let trust = Trust {
        explanation: Explanation {
            passes: true,
            limiting_cut: Some(LimitingCut {
                capacity: 7,
                members_behind: 9,
            }),
        },
        points: NetworkPoints {
            points: 9,
            sum_ten_thousandths: 96_000,
            withheld: None,
            parts: vec![
                part(77, 20, 70, 21_000),
                part(78, 100, 50, 0),
                part(79, 100, 50, 75_000),
            ],
        },
        left_out: 3,
    };
    let answer = render::trust(member(1), trust);
    let parts = |answer: &proto::GetTrustResponse| {
        let points = answer.network_points.as_ref().expect("points");
        let part = |part: &proto::PointsPart| (part.ten_thousandths, part.strength_hundredths, part.score);
        points.parts.iter().map(part).collect::<Vec<_>>()
    };
    assert_eq!(parts(&answer), [(75_000, 100, 50), (21_000, 20, 70)]);
    let points = answer.network_points.as_ref().expect("points");
    assert_eq!(
        (
            points.points,
            points.sum_ten_thousandths,
            points.withheld,
            points.connections_left_out
        ),
        (9, 96_000, proto::Withheld::Unspecified.into(), 3)
    );
    let cut = answer.limiting_cut.expect("a cut");
    assert_eq!((answer.passes_gate, cut.capacity, cut.members_behind), (true, 7, 9));
    assert_eq!(parts(&render::for_its_member(answer)), [(75_000, 0, 0), (21_000, 0, 0)]);
}

#[test]
fn why_there_are_no_points_is_said() {
    for (withheld, said) in [
        (Withheld::DoesNotPass, proto::Withheld::DoesNotPassGate),
        (Withheld::BelowMinimum, proto::Withheld::BelowMinimum),
    ] {
        let trust = Trust {
            explanation: Explanation {
                passes: false,
                limiting_cut: None,
            },
            points: NetworkPoints {
                points: 0,
                sum_ten_thousandths: 0,
                withheld: Some(withheld),
                parts: Vec::new(),
            },
            left_out: 0,
        };
        let points = render::trust(member(1), trust).network_points.expect("points");
        assert_eq!(points.withheld(), said);
    }
}
