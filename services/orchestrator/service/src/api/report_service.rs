//! `ReportService`: parse, call, render.

use super::{parse, render};
use crate::Store;
use crate::store::ReminderPlace;
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::report_service_server::ReportService;
use mesh_runtime::Problem;
use mesh_types::Reason;
use tonic::{Request, Response, Status};

/// Answers `ReportService`.
pub struct ReportApi {
    store: Store,
}

impl ReportApi {
    /// An API over a store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl ReportService for ReportApi {
    async fn get_verification_report(
        &self,
        request: Request<proto::GetVerificationReportRequest>,
    ) -> Result<Response<proto::GetVerificationReportResponse>, Status> {
        let month = parse::get_report(request.get_ref())?;
        let report = self.store.find_report(month).await?.ok_or_else(not_found)?;
        Ok(Response::new(proto::GetVerificationReportResponse {
            report: Some(render::report(report)),
        }))
    }

    async fn list_verification_reports(
        &self,
        request: Request<proto::ListVerificationReportsRequest>,
    ) -> Result<Response<proto::ListVerificationReportsResponse>, Status> {
        let mut filter = parse::list_reports(request.get_ref())?;
        let page_size = filter.limit;
        filter.limit += 1; // one more tells whether there is a next page
        let mut reports = self.store.list_reports(&filter).await?;
        let more = reports.len() as i64 > page_size;
        reports.truncate(page_size as usize);
        let last = reports.last().filter(|_| more);
        Ok(Response::new(proto::ListVerificationReportsResponse {
            next_page_token: last.map(|last| last.month.to_string()).unwrap_or_default(),
            reports: reports.into_iter().map(render::report).collect(),
        }))
    }

    async fn list_verification_reminders(
        &self,
        request: Request<proto::ListVerificationRemindersRequest>,
    ) -> Result<Response<proto::ListVerificationRemindersResponse>, Status> {
        let mut filter = parse::list_reminders(request.get_ref())?;
        let page_size = filter.limit;
        filter.limit += 1; // one more tells whether there is a next page
        let mut reminders = self.store.list_reminders(&filter).await?;
        let more = reminders.len() as i64 > page_size;
        reminders.truncate(page_size as usize);
        let last = reminders.last().filter(|_| more).map(|last| ReminderPlace {
            week: last.week,
            verification_id: last.verification_id,
        });
        Ok(Response::new(proto::ListVerificationRemindersResponse {
            next_page_token: last.map(render::reminder_token).unwrap_or_default(),
            reminders: reminders.iter().map(render::reminder).collect(),
        }))
    }
}

fn not_found() -> Problem {
    Problem::new(
        Reason::VerificationReportNotFound,
        "no report was written for this month",
    )
}
