//! Who calls, and for whom: what a client of the mesh adds to each of its calls.

use tonic::{
    Request, Status,
    metadata::AsciiMetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

/// The header in which a service names itself on a connection without a certificate.
const CALLER: &str = "x-voluntier-caller";

/// A calling service and the person on whose behalf it calls. The default is nobody.
#[derive(Debug, Clone, Default)]
pub struct Acting {
    service: Option<AsciiMetadataValue>,
    token: Option<AsciiMetadataValue>,
}

/// A channel whose calls are all made so.
pub type ActingChannel = InterceptedService<Channel, Acting>;

impl Acting {
    /// The service of this name, for itself.
    #[must_use]
    pub fn service(name: &'static str) -> Self {
        Self {
            service: Some(AsciiMetadataValue::from_static(name)),
            token: None,
        }
    }

    /// The platform's backend, which calls for persons, with the token of one.
    ///
    /// # Panics
    /// When the token is not ASCII.
    #[must_use]
    pub fn platform(token: &str) -> Self {
        Self::service("platform").for_person(token)
    }

    /// The same caller on behalf of the person whose token this is.
    ///
    /// # Panics
    /// When the token is not ASCII.
    #[must_use]
    pub fn for_person(mut self, token: &str) -> Self {
        let token = format!("Bearer {token}").parse().expect("a token is ASCII");
        self.token = Some(token);
        self
    }

    /// The service that calls, if one does.
    #[must_use]
    pub fn service_name(&self) -> Option<&str> {
        self.service.as_ref()?.to_str().ok()
    }

    /// Calls by a channel, for a generated client: `GreeterClient::new(acting.by(channel))`.
    #[must_use]
    pub fn by(&self, channel: Channel) -> ActingChannel {
        InterceptedService::new(channel, self.clone())
    }
}

impl Interceptor for Acting {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        let headers = [(CALLER, &self.service), ("authorization", &self.token)];
        for (name, value) in headers {
            if let Some(value) = value {
                metadata.insert(name, value.clone());
            }
        }
        Ok(request)
    }
}
