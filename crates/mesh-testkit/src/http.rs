//! The little HTTP that readiness pages and the trace store's query API need.

use std::time::Duration;

use anyhow::Context;
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tonic::codegen::{Bytes, http::Uri};

/// Fetches `url` (plain http) within 5 s: the status code and the body.
///
/// # Errors
/// When nothing answers or the answer is not HTTP.
pub async fn get(url: &str) -> anyhow::Result<(u16, Bytes)> {
    let uri: Uri = url.parse().with_context(|| format!("{url:?} is not an address"))?;
    let client: Client<HttpConnector, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let fetch = async {
        let answer = client.get(uri).await?;
        let status = answer.status().as_u16();
        anyhow::Ok((status, answer.into_body().collect().await?.to_bytes()))
    };
    tokio::time::timeout(Duration::from_secs(5), fetch)
        .await
        .with_context(|| format!("{url} does not answer"))?
}
