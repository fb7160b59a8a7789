//! A running workflow whose time is made to pass.

use super::support::{IDENTITY, skipping};
use mesh_testkit::{NAMESPACE, Temporal};
use prost_wkt_types::FieldMask;
use temporalio_client::tonic::IntoRequest;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::workflow::v1::WorkflowExecutionOptions;
use temporalio_common::protos::temporal::api::workflowservice::v1::UpdateWorkflowExecutionOptionsRequest;

/// A client of a server.
pub async fn client_of(server: &Temporal) -> anyhow::Result<Client> {
    let url: url::Url = server.url().parse()?;
    let options = ConnectionOptions::new(url).identity(IDENTITY).build();
    let connection = Connection::connect(options).await?;
    Ok(Client::new(connection, ClientOptions::new(NAMESPACE).build())?)
}

/// From now on a workflow's clock jumps over what would only be waited for.
pub async fn let_time_pass(client: &Client, workflow_id: String) -> anyhow::Result<()> {
    let change = UpdateWorkflowExecutionOptionsRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id,
            run_id: String::new(),
        }),
        workflow_execution_options: Some(WorkflowExecutionOptions {
            time_skipping_config: Some(skipping()),
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["time_skipping_config".to_owned()],
        }),
        identity: IDENTITY.to_owned(),
    };
    let mut service = client.connection().workflow_service();
    service.update_workflow_execution_options(change.into_request()).await?;
    Ok(())
}
