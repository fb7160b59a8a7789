//! `ReportService`: parse, call, render.

use super::{parse, render};
use crate::Store;
use crate::store::{ReminderKey, no_report};
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::report_service_server::ReportService;
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
        let report = self.store.find_report(month).await?.ok_or_else(no_report)?;
        Ok(Response::new(proto::GetVerificationReportResponse {
            report: Some(render::report(report)),
        }))
    }

    async fn list_verification_reports(
        &self,
        request: Request<proto::ListVerificationReportsRequest>,
    ) -> Result<Response<proto::ListVerificationReportsResponse>, Status> {
        let page = parse::list_reports(request.get_ref())?;
        let reports = self.store.list_reports(page.after(), page.limit()).await?;
        let (reports, next_page_token) = page.page(reports, |report| report.month);
        Ok(Response::new(proto::ListVerificationReportsResponse {
            reports: reports.into_iter().map(render::report).collect(),
            next_page_token,
        }))
    }

    async fn list_verification_reminders(
        &self,
        request: Request<proto::ListVerificationRemindersRequest>,
    ) -> Result<Response<proto::ListVerificationRemindersResponse>, Status> {
        let (filter, page) = parse::list_reminders(request.get_ref())?;
        let reminders = self.store.list_reminders(filter, page.after(), page.limit()).await?;
        let (reminders, next_page_token) = page.page(reminders, |reminder| ReminderKey {
            week: reminder.week,
            verification_id: reminder.verification_id,
        });
        Ok(Response::new(proto::ListVerificationRemindersResponse {
            reminders: reminders.iter().map(render::reminder).collect(),
            next_page_token,
        }))
    }
}
