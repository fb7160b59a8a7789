//! Everything with an effect.

use crate::store::{Greeting, Store};
use crate::workflows::GreetingRequest;
use mesh_runtime::{Problem, clock};
use std::sync::Arc;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

/// The activities of greetings.
pub struct Activities {
    store: Store,
    salutation: String,
}

impl Activities {
    /// Over the table.
    pub fn new(store: Store, salutation: String) -> Self {
        Self { store, salutation }
    }
}

#[activities]
impl Activities {
    /// Stores the greeting. The name `slowly` waits to be cancelled on its first attempt, `badly` is refused.
    #[activity(name = "store_greeting")]
    pub async fn store_greeting(
        self: Arc<Self>,
        context: ActivityContext,
        request: GreetingRequest,
    ) -> Result<String, ActivityError> {
        if request.name == "badly" {
            Err(Problem::invalid_field("name", "must be kind"))?;
        }
        if request.name == "slowly" && context.info().attempt == 1 {
            context.record_heartbeat(1u32).await?;
            tracing::info!("waiting to be cancelled");
            context.cancelled().await;
            return Err(ActivityError::cancelled());
        }
        let greeting = Greeting {
            greeting_id: request.greeting_id,
            text: format!("{}, {}!", self.salutation, request.name),
            stored_at: clock::now(),
        };
        self.store.insert_greeting(&greeting).await?;
        Ok(greeting.text)
    }
}
