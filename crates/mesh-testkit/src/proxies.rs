//! What stands between the services of a mesh and what they depend on.

use std::collections::BTreeMap;

use anyhow::Context;

use crate::FaultProxy;

/// Proxies that can fail, each before a dependency of all services.
#[derive(Debug)]
pub struct Proxies {
    /// Before PostgreSQL.
    pub postgres: FaultProxy,
    /// Before Temporal.
    pub temporal: FaultProxy,
    /// Before the object store, when documents are kept in one.
    pub object_store: Option<FaultProxy>,
    /// Before each service, for its peers.
    pub services: BTreeMap<String, FaultProxy>,
}

impl Proxies {
    /// A proxy before each of these URLs.
    pub(crate) async fn before(
        postgres: &str,
        temporal: &str,
        object_store: Option<&str>,
        services: &BTreeMap<String, String>,
    ) -> anyhow::Result<Self> {
        let mut proxied = BTreeMap::new();
        for (name, url) in services {
            proxied.insert(name.clone(), before(url).await?);
        }
        Ok(Self {
            postgres: before(postgres).await?,
            temporal: before(temporal).await?,
            object_store: match object_store {
                Some(url) => Some(before(url).await?),
                None => None,
            },
            services: proxied,
        })
    }
}

/// The URL with the proxy, if there is one, in the place of what it stands before.
pub(crate) fn through(url: &str, proxy: Option<&FaultProxy>) -> anyhow::Result<String> {
    match proxy {
        Some(proxy) => Ok(url.replacen(address_of(url)?, &proxy.address().to_string(), 1)),
        None => Ok(url.to_owned()),
    }
}

async fn before(url: &str) -> anyhow::Result<FaultProxy> {
    FaultProxy::before(address_of(url)?.parse()?).await
}

/// The address within a URL of an engine or service of ours: all are on this machine.
fn address_of(url: &str) -> anyhow::Result<&str> {
    let begin = url
        .find("127.0.0.1:")
        .with_context(|| format!("{url} is not on 127.0.0.1"))?;
    let rest = &url[begin..];
    let end = rest.find('/').unwrap_or(rest.len());
    Ok(&rest[..end])
}
