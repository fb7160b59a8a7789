//! `GreeterService`: parse, call, render.

use super::{parse, render};
use crate::greeting::{
    Greet, Greeting, KeepGreetingRequest, ListGreetingsRequest, ListGreetingsResponse, StoredGreeting,
};
use crate::keep_greeting::keep_greeting;
use crate::store::Store;
use crate::temporal::Workflows;
use mesh_runtime::clock;
use mesh_runtime::idempotency::IdempotencyStore;
use tonic::{Request, Status};

/// Answers `GreeterService`.
pub struct Api {
    store: Store,
    idempotency: IdempotencyStore,
    workflows: Workflows,
}

impl Api {
    /// An API over the table and the workflows of greetings.
    pub fn new(store: Store, idempotency: IdempotencyStore, workflows: Workflows) -> Self {
        Self {
            store,
            idempotency,
            workflows,
        }
    }
}

impl Greet for Api {
    /// Greets by workflow; `stored` counts the greetings instead, without Temporal.
    async fn greet(&self, request: Request<Greeting>) -> Result<Greeting, Status> {
        let name = request.into_inner().text;
        let text = match name.as_str() {
            "stored" => self.store.count_greetings().await?.to_string(),
            _ => self.workflows.greet(clock::new_uuid(), name).await?,
        };
        Ok(Greeting { text })
    }

    async fn keep_greeting(&self, request: Request<KeepGreetingRequest>) -> Result<StoredGreeting, Status> {
        Ok(keep_greeting(&self.idempotency, &request.into_inner(), clock::now()).await?)
    }

    async fn list_greetings(&self, request: Request<ListGreetingsRequest>) -> Result<ListGreetingsResponse, Status> {
        let page = parse::list_greetings(&request.into_inner())?;
        let greetings = self.store.list_greetings(page.after(), page.limit()).await?;
        let (greetings, next_page_token) = page.page(greetings, |greeting| greeting.place());
        Ok(ListGreetingsResponse {
            greetings: greetings.into_iter().map(render::greeting).collect(),
            next_page_token,
        })
    }
}
