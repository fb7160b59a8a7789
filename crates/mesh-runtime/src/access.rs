//! Who may call an RPC: what the contract's `access` option says of it, enforced before and after its handler.
//!
//! Before the handler: the calling service and the role of the person on whose behalf it calls, and, where the request names
//! the object's owner, that it is the person's own. Where only a look-up tells whose the object is, the handler tells the kit
//! ([`Access::admits_owner`], [`Access::admits_assignee`]): before that, the store of requests does no work for it
//! ([`crate::idempotency`]), and an answer is not sent. An RPC without a policy is refused.

mod policies;

pub(crate) use policies::AccessPolicies;

use crate::Problem;
use jiff::Timestamp;
use mesh_types::Reason;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The kit's own services. They have no policy: what they say is known to whoever has the contract.
pub(crate) const OPEN_SERVICES: [&str; 2] = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"];

/// Whether a path is of one of [`OPEN_SERVICES`].
pub(crate) fn is_open(path: &str) -> bool {
    let service = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    service.is_some_and(|(service, _)| OPEN_SERVICES.contains(&service))
}

tokio::task_local! {
    static ACCESS: Option<Access>;
}

/// What a person must be to the object of a call (`voluntier.common.v1.Relation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Relation {
    /// It is the person's own.
    Own,
    /// It is the person's to work on.
    Assigned,
    /// It may be anybody's.
    Any,
}

/// Who acts: what the audit columns of a service's tables hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person, by the platform's user id (the token's subject).
    Person(i64),
    /// A service that calls for itself, by the name in its certificate.
    Service(Arc<str>),
}

/// `person:42` or `service:platform`, as it is stored.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Service(name) => write!(f, "service:{name}"),
        }
    }
}

/// What the caller of the present RPC may do. The kit puts it into the extensions of every request that it lets through.
#[derive(Clone, Debug)]
pub struct Access {
    actor: Actor,
    /// What the person must be to the object; nothing where it may be anybody's.
    needs: Vec<Relation>,
    /// Whether the handler has said whose the object is.
    is_settled: Arc<AtomicBool>,
    /// When the person's token stops to count; nothing where there is none.
    until: Option<Timestamp>,
}

impl Access {
    pub(crate) fn new(actor: Actor, needs: Vec<Relation>) -> Self {
        let is_settled = Arc::new(AtomicBool::new(needs.is_empty()));
        Self {
            actor,
            needs,
            is_settled,
            until: None,
        }
    }

    /// The same, with a token that counts until then.
    pub(crate) fn until(self, until: Timestamp) -> Self {
        Self {
            until: Some(until),
            ..self
        }
    }

    /// When the person's token stops to count; nothing where there is none.
    pub(crate) fn token_ends(&self) -> Option<Timestamp> {
        self.until
    }

    /// That of a request, for its handler.
    ///
    /// # Errors
    /// `INTERNAL` for a request that did not come through the kit.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Self, Problem> {
        let access = request.extensions().get::<Self>().cloned();
        access.ok_or_else(|| Problem::internal("a request without access came to a handler"))
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The person who acts.
    ///
    /// # Errors
    /// `INTERNAL` when a service acts for itself: the policy of an RPC that asks for a person lets none through.
    pub fn person(&self) -> Result<i64, Problem> {
        match &self.actor {
            Actor::Person(id) => Ok(*id),
            Actor::Service(_) => Err(Problem::internal("a person was expected to act")),
        }
    }

    /// Whether the object may be anybody's: an operator's call, or one of a service for itself. Where not, the caller is let through
    /// for what the object is to the person, and an answer holds what that person may read and no more.
    pub fn may_be_anybodys(&self) -> bool {
        self.needs.is_empty()
    }

    /// Whether the caller may do this to what is `owner`'s. Where not, answer as if it did not exist.
    pub fn admits_owner(&self, owner: i64) -> bool {
        self.settle(Relation::Own, Some(owner))
    }

    /// Whether the caller may do this to what `assignee` works on, if anybody does.
    pub fn admits_assignee(&self, assignee: Option<i64>) -> bool {
        self.settle(Relation::Assigned, assignee)
    }

    /// Looks up whose the object is, unless it may be anybody's. Call it before anything else is done, and before an answer of
    /// before is looked for: whoever asks for another's must not be told that there is one.
    ///
    /// # Errors
    /// `missing`, when there is no such object or it is another's; those of the look-up.
    pub async fn require_owner(
        &self,
        owner: impl Future<Output = Result<Option<i64>, Problem>>,
        missing: impl FnOnce() -> Problem,
    ) -> Result<(), Problem> {
        if self.needs.is_empty() || self.settle(Relation::Own, owner.await?) {
            return Ok(());
        }
        Err(missing())
    }

    /// Checks the owner that a request names.
    ///
    /// # Errors
    /// `OBJECT_NOT_FOUND`, whether or not there is such an object.
    pub fn check_owner_named(&self, owner: i64) -> Result<(), Problem> {
        if self.admits_owner(owner) {
            return Ok(());
        }
        let message = "nothing that this person may see has this id";
        Err(Problem::new(Reason::ObjectNotFound, message))
    }

    fn settle(&self, relation: Relation, whose: Option<i64>) -> bool {
        if self.needs.is_empty() {
            return true;
        }
        let is_theirs = matches!(self.actor, Actor::Person(id) if Some(id) == whose);
        let admits = is_theirs && self.needs.contains(&relation);
        if admits {
            self.is_settled.store(true, Ordering::Relaxed);
        } else {
            tracing::info!(actor = %self.actor, "the object is missing, or not the person's");
        }
        admits
    }

    /// Whether work may be done, and an answer sent.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Relaxed)
    }
}

/// That of the present RPC; `None` outside one.
pub(crate) fn current() -> Option<Access> {
    ACCESS.try_with(Clone::clone).ok().flatten()
}

/// Runs the work of an RPC with what its caller may do.
pub(crate) async fn scope<F: Future>(access: Option<Access>, work: F) -> F::Output {
    ACCESS.scope(access, work).await
}

#[cfg(test)]
mod tests;
