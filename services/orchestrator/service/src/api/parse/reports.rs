//! Months, and places in the lists of reports and reminders.

use super::{not_our_token, only_member_id, page_size};
use crate::calendar::{Month, Week};
use crate::store::{ReminderFilter, ReminderPlace, ReportFilter};
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::Problem;
use uuid::Uuid;

pub fn get_report(request: &proto::GetVerificationReportRequest) -> Result<Month, Problem> {
    Month::parse(&request.month).ok_or_else(|| Problem::invalid_field("month", "must be a month as YYYY-MM"))
}

pub fn list_reports(request: &proto::ListVerificationReportsRequest) -> Result<ReportFilter, Problem> {
    Ok(ReportFilter {
        limit: page_size(request.page_size)?,
        before: match request.page_token.as_str() {
            "" => None,
            token => Some(Month::parse(token).ok_or_else(not_our_token)?),
        },
    })
}

pub fn list_reminders(request: &proto::ListVerificationRemindersRequest) -> Result<ReminderFilter, Problem> {
    Ok(ReminderFilter {
        member_id: only_member_id(request.member_id)?,
        limit: page_size(request.page_size)?,
        after: match request.page_token.as_str() {
            "" => None,
            token => Some(place(token).ok_or_else(not_our_token)?),
        },
    })
}

/// The place that a token names, as `render::reminder_token` makes them: a Monday and a verification.
fn place(token: &str) -> Option<ReminderPlace> {
    let (monday, verification_id) = token.split_once('.')?;
    Some(ReminderPlace {
        week: Week::beginning(monday.parse().ok()?)?,
        verification_id: Uuid::try_parse(verification_id).ok()?.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::render::reminder_token;
    use jiff::civil::date;

    fn path<T>(result: Result<T, Problem>) -> String {
        match result {
            Ok(_) => panic!("must be refused"),
            Err(problem) => problem.violations().first().map_or(String::new(), |v| v.0.clone()),
        }
    }

    fn reminders(page_token: &str) -> proto::ListVerificationRemindersRequest {
        proto::ListVerificationRemindersRequest {
            page_token: page_token.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn a_token_names_the_place_that_it_was_made_of() {
        let place = ReminderPlace {
            week: Week::beginning(date(2026, 11, 23)).expect("a Monday"),
            verification_id: Uuid::from_u128(7).into(),
        };
        let parsed = list_reminders(&reminders(&reminder_token(place)));
        assert!(parsed.is_ok_and(|filter| filter.after == Some(place)));
    }

    #[test]
    fn a_wrong_field_is_refused_by_its_path() {
        for month in ["", "2026", "2026-13", "October"] {
            let request = proto::GetVerificationReportRequest {
                month: month.to_owned(),
            };
            assert_eq!(path(get_report(&request)), "month", "{month}");
        }
        let reports = |page_size, page_token: &str| proto::ListVerificationReportsRequest {
            page_size,
            page_token: page_token.to_owned(),
        };
        for size in [-1, 201] {
            assert_eq!(path(list_reports(&reports(size, ""))), "page_size");
        }
        assert_eq!(path(list_reports(&reports(0, "next"))), "page_token");
        let uuid = "00000000000000000000000000000007";
        for token in [
            "2026-11-23",
            "2026-11-24.",
            &format!("2026-11-24.{uuid}"),
            &format!("monday.{uuid}"),
        ] {
            assert_eq!(path(list_reminders(&reminders(token))), "page_token", "{token}");
        }
        let of_nobody = proto::ListVerificationRemindersRequest {
            member_id: -1,
            ..Default::default()
        };
        assert_eq!(path(list_reminders(&of_nobody)), "member_id");
    }
}
