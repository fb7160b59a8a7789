//! The one table from what went wrong to what the other side sees.
//!
//! An edge returns [`Problem`]; `?` turns it into a [`tonic::Status`] in an RPC and into a typed failure in an activity.
//! It deliberately does not implement [`std::error::Error`]: then `?` in an activity would take the SDK's blanket
//! conversion, which loses the failure's type.

use mesh_types::{Class, InvalidField, Reason};
use std::collections::{BTreeMap, HashMap};
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;
use temporalio_client::errors::{
    AsyncActivityError, ClientConnectError, ClientError, WorkflowGetResultError, WorkflowInteractionError,
    WorkflowQueryError, WorkflowStartError, WorkflowUpdateError, WorkflowUpdateWithStartError,
};
use temporalio_common_full::error::ApplicationFailure;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// `ErrorInfo.domain` of every answer.
pub const ERROR_DOMAIN: &str = "voluntier";

/// What a caller may try again after, when the problem says nothing else.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

type BoxError = Box<dyn StdError + Send + Sync>;

/// A refusal or a failure, on its way out. Small; cheap to return.
pub struct Problem(Box<Inner>);

struct Inner {
    reason: Reason,
    message: String,
    violations: Vec<(String, String)>,
    retry_after: Option<Duration>,
    metadata: BTreeMap<String, String>,
    source: Option<BoxError>,
}

impl Problem {
    /// A problem with a message for the caller. The message holds no personal data; for [`Class::Internal`] it goes to
    /// the log only.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            reason,
            message: message.into(),
            violations: Vec::new(),
            retry_after: None,
            metadata: BTreeMap::new(),
            source: None,
        }))
    }

    /// One field of the request that can't be right: its path (`page.content`) and what would be.
    pub fn invalid_field(path: impl Into<String>, description: impl Into<String>) -> Self {
        let (path, description) = (path.into(), description.into());
        Self::new(Reason::InvalidRequest, format!("{path}: {description}")).with_violation(path, description)
    }

    /// All fields of the request that can't be right: their paths and what would be. There is at least one.
    pub fn invalid_fields(fields: Vec<(String, String)>) -> Self {
        let sentences: Vec<_> = fields
            .iter()
            .map(|(path, description)| format!("{path}: {description}"))
            .collect();
        let mut problem = Self::new(Reason::InvalidRequest, sentences.join("; "));
        problem.0.violations = fields;
        problem
    }

    /// A fault of ours with its cause, which goes to the log and nowhere else.
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::new(Reason::Internal, "internal error").with_source(source)
    }

    /// Adds a field that can't be right.
    #[must_use]
    pub fn with_violation(mut self, path: impl Into<String>, description: impl Into<String>) -> Self {
        self.0.violations.push((path.into(), description.into()));
        self
    }

    /// Adds a fact for programs, `ErrorInfo.metadata`.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.metadata.insert(key.into(), value.into());
        self
    }

    /// Says when another try makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The reason, as on every wire.
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// The message for the caller.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The fields that can't be right: path and description.
    pub fn violations(&self) -> &[(String, String)] {
        &self.0.violations
    }

    /// The facts for programs.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.metadata
    }

    fn retry_after(&self) -> Option<Duration> {
        let class = self.0.reason.class();
        self.0
            .retry_after
            .or_else(|| (class == Class::Unavailable).then_some(DEFAULT_RETRY_AFTER))
    }

    /// The answer, for a problem that has its line in the log already.
    pub(crate) fn into_logged_status(self) -> Status {
        let reason = self.0.reason;
        let retry_after = self.retry_after();
        let Inner {
            message,
            violations,
            metadata,
            ..
        } = *self.0;
        if reason.class() == Class::Internal {
            let details = ErrorDetails::with_error_info(reason.as_str(), ERROR_DOMAIN, HashMap::new());
            return Status::with_error_details(Code::Internal, "internal error", details);
        }
        let mut details = ErrorDetails::with_error_info(
            reason.as_str(),
            ERROR_DOMAIN,
            metadata.into_iter().collect::<HashMap<_, _>>(),
        );
        for (path, description) in violations {
            details.add_bad_request_violation(path, description);
        }
        if let Some(after) = retry_after {
            details.set_retry_info(Some(after));
        }
        Status::with_error_details(code(reason.class()), message, details)
    }

    /// Logged here and nowhere else: this is where a problem leaves our hands.
    fn log(&self) {
        let (reason, message, cause) = (
            self.0.reason.as_str(),
            &self.0.message,
            Causes(self.0.source.as_deref()),
        );
        match self.0.reason.class() {
            Class::Internal => tracing::error!(reason, cause = %cause, "{message}"),
            Class::Unavailable => tracing::warn!(reason, cause = %cause, "{message}"),
            Class::Unauthenticated | Class::PermissionDenied => tracing::info!(reason, cause = %cause, "{message}"),
            _ => tracing::debug!(reason, cause = %cause, "{message}"),
        }
    }
}

/// The gRPC status of a class of trouble.
pub(crate) fn code(class: Class) -> Code {
    match class {
        Class::InvalidArgument => Code::InvalidArgument,
        Class::NotFound => Code::NotFound,
        Class::AlreadyExists => Code::AlreadyExists,
        Class::FailedPrecondition => Code::FailedPrecondition,
        Class::Unauthenticated => Code::Unauthenticated,
        Class::PermissionDenied => Code::PermissionDenied,
        Class::ResourceExhausted => Code::ResourceExhausted,
        Class::Unavailable => Code::Unavailable,
        Class::DeadlineExceeded => Code::DeadlineExceeded,
        Class::Cancelled => Code::Cancelled,
        Class::Internal => Code::Internal,
    }
}

impl From<Problem> for Status {
    fn from(problem: Problem) -> Self {
        problem.log();
        problem.into_logged_status()
    }
}

impl From<Problem> for ApplicationFailure {
    fn from(problem: Problem) -> Self {
        problem.log();
        let reason = problem.0.reason;
        // What it says is kept in Temporal's history, so an inner fault says there no more than it does to a caller.
        let message = match reason.class() {
            Class::Internal => "internal error".to_owned(),
            _ => problem.0.message,
        };
        let failure = ApplicationFailure::builder(message)
            .type_name(reason.as_str().to_owned())
            .non_retryable(!reason.class().is_retryable());
        match problem.0.retry_after {
            Some(after) => failure.next_retry_delay(after).build(),
            None => failure.build(),
        }
    }
}

/// Lets `?` work in `build` and in activities alike: the SDK takes a typed failure out of an [`anyhow::Error`] again.
impl From<Problem> for anyhow::Error {
    fn from(problem: Problem) -> Self {
        anyhow::Error::new(ApplicationFailure::from(problem))
    }
}

impl From<InvalidField> for Problem {
    fn from(field: InvalidField) -> Self {
        Self::invalid_field(field.path, field.description)
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        match error {
            error if is_database_away(&error) => {
                Problem::new(Reason::DatabaseUnavailable, "the database does not answer").with_source(error)
            }
            // What does not decode is quoted by the error, and it may be personal data.
            sqlx::Error::ColumnDecode { index, .. } => Problem::internal(format!("column {index} does not decode")),
            sqlx::Error::Decode(_) => Problem::internal("a value does not decode"),
            error => Problem::internal(error),
        }
    }
}

/// Whether the same statement can succeed on another connection in a moment.
fn is_database_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        // What sqlx makes of a connection that ends in the middle of a message.
        sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_passing(&code)),
        _ => false,
    }
}

/// Whether an SQLSTATE is of something that passes by itself (PostgreSQL, appendix A): the connection, the server that goes
/// down, comes up or fails over to a standby, a lock or a time limit, and resources that ran out.
fn is_passing(sqlstate: &str) -> bool {
    const CLASSES: [&str; 4] = ["08", "53", "57P", "58"];
    // A standby refuses to write; a session idle in a transaction was ended; serialisation, deadlock, lock and statement
    // timeout.
    const STATES: [&str; 6] = ["25006", "25P03", "40001", "40P01", "55P03", "57014"];
    CLASSES.iter().any(|class| sqlstate.starts_with(class)) || STATES.contains(&sqlstate)
}

/// What a failed call to Temporal means for our caller: [`Reason::TemporalUnavailable`] when the server is away, overloaded
/// or too slow, [`Reason::Internal`] otherwise.
///
/// Takes any error of `temporalio_client`. Match what your call can mean first (`AlreadyStarted`, `NotFound`).
pub fn from_temporal<E: StdError + Send + Sync + 'static>(error: E) -> Problem {
    let away = temporal_status(&error).is_some_and(is_temporal_away)
        || matches!(
            (&error as &dyn StdError).downcast_ref::<ClientConnectError>(),
            Some(ClientConnectError::TonicTransportError(_) | ClientConnectError::DnsResolutionError { .. })
        );
    if away {
        Problem::new(Reason::TemporalUnavailable, "the workflow engine does not answer").with_source(error)
    } else {
        Problem::internal(error)
    }
}

fn is_temporal_away(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::ResourceExhausted | Code::Unknown
    )
}

fn temporal_status<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Status> {
    if let Some(status) = error.downcast_ref::<Status>() {
        return Some(status);
    }
    if let Some(WorkflowStartError::Rpc(status)) = error.downcast_ref() {
        return Some(status);
    }
    if let Some(WorkflowInteractionError::Rpc(status)) = error.downcast_ref() {
        return Some(status);
    }
    if let Some(WorkflowQueryError::Rpc(status)) = error.downcast_ref() {
        return Some(status);
    }
    if let Some(WorkflowGetResultError::Rpc(status)) = error.downcast_ref() {
        return Some(status);
    }
    if let Some(WorkflowUpdateError::Rpc(status)) = error.downcast_ref() {
        return Some(status);
    }
    match error.downcast_ref::<WorkflowUpdateWithStartError>() {
        Some(WorkflowUpdateWithStartError::Rpc(status)) => return Some(status),
        Some(WorkflowUpdateWithStartError::Start(inner)) => return temporal_status(inner),
        Some(WorkflowUpdateWithStartError::Update(inner)) => return temporal_status(inner),
        _ => {}
    }
    if let Some(WorkflowGetResultError::Rpc(status)) = error.downcast_ref() {
        return Some(status);
    }
    if let Some(AsyncActivityError::Rpc(status)) = error.downcast_ref() {
        return Some(status);
    }
    if let Some(ClientError::Rpc(status)) = error.downcast_ref() {
        return Some(status);
    }
    match error.downcast_ref::<ClientConnectError>() {
        Some(ClientConnectError::SystemInfoCallError(status)) => Some(status),
        _ => None,
    }
}

/// What a peer's refusal means for our own caller: a reason of the catalogue is kept with its facts, a peer that is away
/// is [`Reason::PeerUnavailable`], and so is one that does not let us call, which our caller can't help and an operator mends;
/// an expired deadline stays one, anything else is a fault of ours.
pub fn from_peer(status: Status) -> Problem {
    let details = status.get_error_details();
    let info = details.error_info().filter(|info| info.domain == ERROR_DOMAIN);
    let known = info.and_then(|info| {
        Reason::ALL
            .iter()
            .copied()
            .find(|reason| reason.as_str() == info.reason)
    });
    let reason = match (known, status.code()) {
        // What the peer lacks is the peer's business; to our caller it is the peer that is away.
        (Some(reason), _) if reason.class() == Class::Unavailable => Reason::PeerUnavailable,
        (Some(Reason::CallerNotAllowed | Reason::RoleNotAllowed), _) => Reason::PeerUnavailable,
        (Some(reason), _) if reason.class() == Class::Unauthenticated => Reason::PeerUnavailable,
        (Some(reason), _) => reason,
        (None, Code::Unavailable) => Reason::PeerUnavailable,
        (None, Code::DeadlineExceeded) => Reason::DeadlineExceeded,
        (None, Code::Cancelled) => Reason::Cancelled,
        (None, _) => Reason::Internal,
    };
    let mut problem = Problem::new(reason, status.message());
    if let Some(info) = info {
        problem.0.metadata = info.metadata.clone().into_iter().collect();
    }
    if let Some(request) = details.bad_request() {
        problem.0.violations = request
            .field_violations
            .iter()
            .map(|v| (v.field.clone(), v.description.clone()))
            .collect();
    }
    problem.0.retry_after = details.retry_info().and_then(|info| info.retry_delay);
    problem.with_source(status)
}

/// The chain of causes, outermost first; nothing when there is none.
pub(crate) struct Causes<'a>(pub(crate) Option<&'a (dyn StdError + Send + Sync + 'static)>);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut next = self.0.map(|error| error as &dyn StdError);
        let mut separator = "";
        while let Some(error) = next {
            // A status shows its whole metadata; its code and message are what a reader needs.
            match error.downcast_ref::<Status>() {
                Some(status) => write!(f, "{separator}{:?}: {}", status.code(), status.message())?,
                None => write!(f, "{separator}{error}")?,
            }
            separator = ": ";
            next = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.reason, self.0.message)
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem")
            .field("reason", &self.0.reason)
            .field("message", &self.0.message)
            .field("violations", &self.0.violations)
            .field("metadata", &self.0.metadata)
            .field("cause", &format_args!("{}", Causes(self.0.source.as_deref())))
            .finish()
    }
}

#[cfg(test)]
mod tests;
