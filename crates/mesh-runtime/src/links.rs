//! How a process reaches what is around it, read once at start.

use crate::config::{Common, Subcommand};
use crate::postgres;
use crate::tls::Transport;
use crate::tls::engines::{self, TemporalAccess};
use sqlx::postgres::PgConnectOptions;
use tonic::transport::ClientTlsConfig;

/// What connections are made with.
pub(crate) struct Links {
    pub(crate) postgres: PgConnectOptions,
    pub(crate) transport: Transport,
    pub(crate) temporal: TemporalAccess,
    /// Of OTLP; nothing without TLS.
    pub(crate) collector: Option<ClientTlsConfig>,
}

impl Links {
    /// Reads the files of certificates, where the subcommand needs them.
    ///
    /// # Errors
    /// When a setting or a file can't work; the error says what to do.
    pub(crate) fn read(service: &str, common: &Common) -> anyhow::Result<Self> {
        let (transport, temporal) = match common.subcommand {
            // What only migrates or asks calls no service.
            Subcommand::Migrate | Subcommand::Health => (Transport::None, TemporalAccess::default()),
            subcommand => {
                let listen = (subcommand != Subcommand::Worker).then_some(common.grpc_listen);
                let temporal = TemporalAccess::read(&common.temporal_tls, &common.temporal_url)?;
                (Transport::of(service, &common.tls, listen)?, temporal)
            }
        };
        let collector = match &common.otlp_endpoint {
            Some(url) => engines::collector(url, common.otlp_ca.as_deref())?,
            None => None,
        };
        Ok(Self {
            postgres: postgres::options(service, common)?,
            transport,
            temporal,
            collector,
        })
    }
}
