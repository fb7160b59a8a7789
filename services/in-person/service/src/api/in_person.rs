//! `InPersonService`.

use super::parse::Meant;
use super::{parse, render};
use crate::change_appointment::{Appointments, Whose};
use crate::store::Key;
use crate::{
    cancel_appointment, check_in, complete_appointment, create_meeting_preference, register_verifier, report_no_show,
    reschedule_appointment, search_verifiers, update_verifier,
};
use mesh_proto::in_person::v1 as proto;
use mesh_proto::in_person::v1::in_person_service_server::InPersonService;
use mesh_runtime::{Access, clock};
use tonic::{Request, Response, Status};

/// Answers `InPersonService`.
pub struct InPersonApi {
    appointments: Appointments,
}

impl InPersonApi {
    /// An API over the tables, the keys and the workflows of meetings.
    pub fn new(appointments: Appointments) -> Self {
        Self { appointments }
    }
}

#[tonic::async_trait]
impl InPersonService for InPersonApi {
    async fn register_verifier(
        &self,
        request: Request<proto::RegisterVerifierRequest>,
    ) -> Result<Response<proto::RegisterVerifierResponse>, Status> {
        let through = (&self.appointments.idempotency, &self.appointments.keyring);
        let answer = register_verifier::register_verifier(through, request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn update_verifier(
        &self,
        request: Request<proto::UpdateVerifierRequest>,
    ) -> Result<Response<proto::UpdateVerifierResponse>, Status> {
        let (access, message) = (Access::of(&request)?, request.get_ref());
        let through = (&self.appointments.idempotency, &self.appointments.keyring);
        let answer = update_verifier::update_verifier(through, &access, message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn get_verifier(
        &self,
        request: Request<proto::GetVerifierRequest>,
    ) -> Result<Response<proto::GetVerifierResponse>, Status> {
        let verifier_id = parse::get_verifier(request.get_ref())?;
        let verifier = self.appointments.store.get_verifier(verifier_id).await?;
        Ok(Response::new(proto::GetVerifierResponse {
            verifier: Some(render::whole_verifier(&self.appointments.keyring, verifier)?),
        }))
    }

    async fn search_verifiers(
        &self,
        request: Request<proto::SearchVerifiersRequest>,
    ) -> Result<Response<proto::SearchVerifiersResponse>, Status> {
        let (search, page) = parse::search_verifiers(request.get_ref(), clock::now())?;
        let after = page.after().map(|(bits, verifier_id)| Key {
            distance: f64::from_bits(*bits),
            verifier_id: *verifier_id,
        });
        let found = search_verifiers::search_verifiers(&self.appointments.store, &search, after, page.size()).await?;
        let next_page_token = found
            .goes_on_after
            .map(|key| page.token_after(&(key.distance.to_bits(), key.verifier_id)));
        Ok(Response::new(proto::SearchVerifiersResponse {
            verifiers: found.matches.into_iter().map(render::found).collect(),
            next_page_token: next_page_token.unwrap_or_default(),
        }))
    }

    async fn create_meeting_preference(
        &self,
        request: Request<proto::CreateMeetingPreferenceRequest>,
    ) -> Result<Response<proto::CreateMeetingPreferenceResponse>, Status> {
        let (idempotency, message) = (&self.appointments.idempotency, request.get_ref());
        let answer = create_meeting_preference::create_meeting_preference(idempotency, message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn get_appointment(
        &self,
        request: Request<proto::GetAppointmentRequest>,
    ) -> Result<Response<proto::GetAppointmentResponse>, Status> {
        let access = Access::of(&request)?;
        let found = match parse::get_appointment(request.get_ref())? {
            Meant::Appointment(id) => self.appointments.store.find_appointment(id).await?,
            Meant::LatestOf(id) => self.appointments.store.find_latest_appointment(id).await?,
        };
        let (found, _party) = self.appointments.require_party(&access, found, Whose::Either).await?;
        let shown = render::appointment_for(&access, &self.appointments.keyring, &found)?;
        Ok(Response::new(proto::GetAppointmentResponse {
            appointment: Some(shown),
        }))
    }

    async fn reschedule_appointment(
        &self,
        request: Request<proto::RescheduleAppointmentRequest>,
    ) -> Result<Response<proto::RescheduleAppointmentResponse>, Status> {
        let (access, message) = (Access::of(&request)?, request.get_ref());
        let through = &self.appointments;
        let answer = reschedule_appointment::reschedule_appointment(through, &access, message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn cancel_appointment(
        &self,
        request: Request<proto::CancelAppointmentRequest>,
    ) -> Result<Response<proto::CancelAppointmentResponse>, Status> {
        let (access, message) = (Access::of(&request)?, request.get_ref());
        let through = &self.appointments;
        let answer = cancel_appointment::cancel_appointment(through, &access, message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn check_in(
        &self,
        request: Request<proto::CheckInRequest>,
    ) -> Result<Response<proto::CheckInResponse>, Status> {
        let (access, message) = (Access::of(&request)?, request.get_ref());
        let answer = check_in::check_in(&self.appointments, &access, message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn complete_appointment(
        &self,
        request: Request<proto::CompleteAppointmentRequest>,
    ) -> Result<Response<proto::CompleteAppointmentResponse>, Status> {
        let (access, message) = (Access::of(&request)?, request.get_ref());
        let through = &self.appointments;
        let answer = complete_appointment::complete_appointment(through, &access, message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn report_no_show(
        &self,
        request: Request<proto::ReportNoShowRequest>,
    ) -> Result<Response<proto::ReportNoShowResponse>, Status> {
        let (access, message) = (Access::of(&request)?, request.get_ref());
        let answer = report_no_show::report_no_show(&self.appointments, &access, message, clock::now()).await?;
        Ok(Response::new(answer))
    }
}
