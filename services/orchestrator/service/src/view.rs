//! How a verification is shown: from its workflow while it is in progress, from the read model afterwards; what is found on
//! its document, and whether another one or a person is waited for, from the document service.

use crate::render;
use crate::start::settle;
use crate::store::Verification;
use crate::{Engine, Store};
use mesh_proto::document::v1::document_service_client::DocumentServiceClient;
use mesh_proto::document::v1::{DocumentVerification, GetDocumentVerificationRequest};
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::{PeerChannel, Problem};
use mesh_types::{Method, Reason, VerificationId};
use orchestrator_workflows::contract::VerificationState;
use std::time::Duration;

/// How long an answer waits for the document service.
const DOCUMENT_PATIENCE: Duration = Duration::from_secs(1);

/// Shows verifications.
#[derive(Clone)]
pub struct View {
    store: Store,
    engine: Engine,
    documents: DocumentServiceClient<PeerChannel>,
}

impl View {
    pub fn new(store: Store, engine: Engine, documents: DocumentServiceClient<PeerChannel>) -> Self {
        Self {
            store,
            engine,
            documents,
        }
    }

    /// A verification as it stands now.
    pub async fn get(&self, id: VerificationId) -> Result<proto::Verification, Problem> {
        let (row, state) = self.row_and_state(id).await?;
        let document = self.document(&row).await;
        Ok(render::verification(&row, state, document))
    }

    async fn row_and_state(&self, id: VerificationId) -> Result<(Verification, VerificationState), Problem> {
        let row = self.find_row(id).await?;
        if let Some(state) = row.state.clone() {
            return Ok((row, state));
        }
        match self.engine.find_state(row.request.member_id).await? {
            // Open, if only until its end is recorded: the row says when that is.
            Some(state) if state.verification_id == id => {
                let row = self.find_row(id).await?;
                let state = row.state.clone().unwrap_or(VerificationState {
                    status: row.status,
                    ..state
                });
                Ok((row, state))
            }
            // It ended while it was looked at, or its workflow has not begun: the read model knows.
            _ => {
                settle(&self.store, id).await?;
                let row = self.find_row(id).await?;
                let state = row.state.clone().unwrap_or_else(|| render::initial_state(&row));
                Ok((row, state))
            }
        }
    }

    async fn find_row(&self, id: VerificationId) -> Result<Verification, Problem> {
        let row = self.store.find_verification(id).await?;
        row.ok_or_else(|| Problem::new(Reason::VerificationNotFound, "no verification has this id"))
    }

    /// The check of the verification's latest document; left out when there is none yet, and when the document service is
    /// away, since all else is known.
    async fn document(&self, row: &Verification) -> Option<DocumentVerification> {
        let mut methods = row.request.methods.iter();
        methods.find(|method| method.method() == Method::Document)?;
        let mut request = tonic::Request::new(GetDocumentVerificationRequest {
            verification_id: row.request.verification_id.to_string(),
            document_id: String::new(),
        });
        request.set_timeout(DOCUMENT_PATIENCE);
        let answer = self.documents.clone().get_document_verification(request).await;
        answer.ok()?.into_inner().verification
    }
}
