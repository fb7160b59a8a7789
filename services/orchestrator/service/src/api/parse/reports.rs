//! Months, and the lists of reports and reminders.

use super::only_member_id;
use crate::calendar::Month;
use crate::store::{ReminderFilter, ReminderKey};
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::Problem;
use mesh_runtime::paging::PageRequest;

pub fn get_report(request: &proto::GetVerificationReportRequest) -> Result<Month, Problem> {
    Month::parse(&request.month).ok_or_else(|| Problem::invalid_field("month", "must be a month as YYYY-MM"))
}

pub fn list_reports(request: &proto::ListVerificationReportsRequest) -> Result<PageRequest<Month>, Problem> {
    PageRequest::parse(request.page_size, &request.page_token, &"ListVerificationReports")
}

pub fn list_reminders(
    request: &proto::ListVerificationRemindersRequest,
) -> Result<(ReminderFilter, PageRequest<ReminderKey>), Problem> {
    let filter = ReminderFilter {
        member_id: only_member_id(request.member_id)?,
    };
    let list = ("ListVerificationReminders", filter);
    let page = PageRequest::parse(request.page_size, &request.page_token, &list)?;
    Ok((filter, page))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path<T>(result: Result<T, Problem>) -> String {
        match result {
            Ok(_) => panic!("must be refused"),
            Err(problem) => problem.violations().first().map_or(String::new(), |v| v.0.clone()),
        }
    }

    #[test]
    fn a_wrong_field_is_refused_by_its_path() {
        for month in ["", "2026", "2026-13", "October"] {
            let request = proto::GetVerificationReportRequest {
                month: month.to_owned(),
            };
            assert_eq!(path(get_report(&request)), "month", "{month}");
        }
        let of_nobody = proto::ListVerificationRemindersRequest {
            member_id: -1,
            ..Default::default()
        };
        assert_eq!(path(list_reminders(&of_nobody)), "member_id");
    }
}
