//! The policies of a service's RPCs, read from the options in its descriptors.

use super::{Access, Actor, Relation};
use crate::Problem;
use crate::tokens::Person;
use anyhow::{Context, bail, ensure};
use mesh_types::Reason;
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, Kind, MethodDescriptor, ReflectMessage, Value,
};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The method option, in `proto/voluntier/common/v1/access.proto`.
const OPTION: &str = "voluntier.common.v1.access";

/// Who may call each RPC.
pub(crate) struct AccessPolicies {
    /// By path, `/package.Service/Method`.
    methods: BTreeMap<String, Policy>,
}

#[derive(Debug)]
struct Policy {
    grants: Vec<Grant>,
    owner_field: Option<String>,
}

#[derive(Debug)]
struct Grant {
    services: Vec<String>,
    /// The role that a person must have and what the person must be to the object; none where the service calls for itself.
    person: Option<(String, Relation)>,
}

impl AccessPolicies {
    /// Reads the policies of the RPCs at `paths` from an encoded `FileDescriptorSet`.
    ///
    /// # Errors
    /// When an RPC has no policy, or one that says nothing.
    pub(crate) fn read(descriptors: &[u8], paths: &BTreeSet<String>) -> anyhow::Result<Self> {
        let pool =
            DescriptorPool::decode(descriptors).context("the service's descriptors are not a FileDescriptorSet")?;
        let option = pool.get_extension_by_name(OPTION);
        let mut methods = BTreeMap::new();
        for service in pool.services() {
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                if !paths.contains(&path) {
                    continue;
                }
                let policy = Policy::read(option.as_ref(), &method);
                methods.insert(
                    path.clone(),
                    policy.with_context(|| format!("the access policy of {path}"))?,
                );
            }
        }
        for path in paths {
            ensure!(methods.contains_key(path), "{path} has no access policy");
        }
        Ok(Self { methods })
    }

    /// What a policy allows a calling service, `None` where nobody has proven to be one.
    ///
    /// # Errors
    /// `CALLER_NOT_ALLOWED`.
    pub(crate) fn of_service(&self, path: &str, service: Option<&str>) -> Result<Granted<'_>, Problem> {
        let not_allowed = || {
            let caller = service.unwrap_or("nobody who is known").to_owned();
            Problem::new(Reason::CallerNotAllowed, "this service may not call this RPC").with_source(caller)
        };
        let policy = self.methods.get(path).ok_or_else(not_allowed)?;
        let service = service.ok_or_else(not_allowed)?;
        let is_of_service = |grant: &&Grant| grant.services.iter().any(|name| name == service);
        let grants: Vec<&Grant> = policy.grants.iter().filter(is_of_service).collect();
        if grants.is_empty() {
            return Err(not_allowed());
        }
        Ok(Granted {
            service: service.into(),
            grants,
            owner_field: policy.owner_field.as_deref(),
        })
    }
}

/// What a policy allows a service; there is something.
pub(crate) struct Granted<'a> {
    service: Arc<str>,
    grants: Vec<&'a Grant>,
    owner_field: Option<&'a str>,
}

impl<'a> Granted<'a> {
    /// What the service may do on behalf of a person, or for itself. A call with a token is the person's, also where the
    /// service may call for itself: who is not allowed something is not allowed it through such a service either.
    ///
    /// # Errors
    /// `TOKEN_MISSING`, `ROLE_NOT_ALLOWED`.
    pub(crate) fn admit(&self, person: Option<&Person>) -> Result<Access, Problem> {
        let is_for_itself = self.grants.iter().any(|grant| grant.person.is_none());
        let Some(person) = person else {
            if is_for_itself {
                return Ok(Access::new(Actor::Service(self.service.clone()), Vec::new()));
            }
            let message = "this RPC acts for a person: send their token as `authorization: Bearer <token>`";
            return Err(Problem::new(Reason::TokenMissing, message));
        };
        let actor = Actor::Person(person.id);
        let of_persons = self.grants.iter().filter_map(|grant| grant.person.as_ref());
        let mut needs: Vec<Relation> = of_persons
            .filter(|(role, _)| person.roles.contains(role))
            .map(|(_, relation)| *relation)
            .collect();
        if needs.is_empty() {
            let message = match is_for_itself {
                true => "no role of this person may call this RPC; without a token, the service calls for itself",
                false => "no role of this person may call this RPC",
            };
            let who = format!("{} for {actor}", self.service);
            return Err(Problem::new(Reason::RoleNotAllowed, message).with_source(who));
        }
        if needs.contains(&Relation::Any) {
            needs.clear();
        }
        Ok(Access::new(actor, needs).until(person.until))
    }

    /// Checks the owner that a request names, where it names one.
    ///
    /// # Errors
    /// `OBJECT_NOT_FOUND`; `INVALID_REQUEST` for a message that can't be decoded.
    pub(crate) fn check_owner(&self, access: &Access, message: Option<&DynamicMessage>) -> Result<(), Problem> {
        let Some(field) = self.owner_field.filter(|_| access.needs.contains(&Relation::Own)) else {
            return Ok(());
        };
        let undecodable = || Problem::new(Reason::InvalidRequest, "the request's message can't be decoded");
        let message = message.ok_or_else(undecodable)?;
        let owner = message.get_field_by_name(field).and_then(|owner| owner.as_i64());
        let owner = owner.ok_or_else(|| Problem::internal("the owner's field is gone"))?;
        if access.needs.contains(&Relation::Assigned) {
            // The handler may still say that it is the person's to work on.
            access.admits_owner(owner);
            return Ok(());
        }
        access.check_owner_named(owner)
    }
}

impl Policy {
    fn read(option: Option<&ExtensionDescriptor>, method: &MethodDescriptor) -> anyhow::Result<Self> {
        let options = method.options();
        let is_there = |option: &&ExtensionDescriptor| options.has_extension(option);
        let option = option.filter(is_there).context("there is none")?;
        let stated = options.get_extension(option);
        let stated = stated.as_message().context("the option is a message")?;
        let mut grants = Vec::new();
        let listed = field(stated, "grants")?;
        for grant in listed.as_list().context("grants are a list")? {
            grants.push(Grant::read(grant.as_message().context("a grant is a message")?)?);
        }
        ensure!(!grants.is_empty(), "it grants nothing");
        let owner_field = field(stated, "owner_field")?.as_str().unwrap_or_default().to_owned();
        let owner_field = (!owner_field.is_empty()).then_some(owner_field);
        if let Some(name) = &owner_field {
            let owner = method.input().get_field_by_name(name);
            ensure!(
                owner.is_some_and(|owner| owner.kind() == Kind::Int64 && !owner.is_list())
                    && !method.is_client_streaming(),
                "the request has no field {name} with one int64, or is a stream"
            );
        }
        Ok(Self { grants, owner_field })
    }
}

impl Grant {
    fn read(stated: &DynamicMessage) -> anyhow::Result<Self> {
        let listed = field(stated, "services")?;
        let listed = listed.as_list().context("services are a list")?;
        let services: Vec<String> = listed
            .iter()
            .filter_map(|name| Some(name.as_str()?.to_owned()))
            .collect();
        ensure!(!services.is_empty(), "a grant names no service");
        let role = enum_word(stated, "role", "ROLE_")?;
        let relation = match enum_word(stated, "relation", "RELATION_")?.as_deref() {
            None => None,
            Some("own") => Some(Relation::Own),
            Some("assigned") => Some(Relation::Assigned),
            Some("any") => Some(Relation::Any),
            Some(other) => bail!("this version knows no relation {other}"),
        };
        let person = match (role, relation) {
            (Some(role), Some(relation)) => Some((role, relation)),
            (None, None) => None,
            _ => bail!("a grant has a role and a relation, or neither"),
        };
        Ok(Self { services, person })
    }
}

fn field<'a>(message: &'a DynamicMessage, name: &str) -> anyhow::Result<Cow<'a, Value>> {
    message
        .get_field_by_name(name)
        .with_context(|| format!("the option lacks {name}"))
}

/// The name of an enum's value as tokens have it, without its prefix and in lower case; `None` for the value 0.
fn enum_word(message: &DynamicMessage, name: &str, prefix: &str) -> anyhow::Result<Option<String>> {
    let number = field(message, name)?.as_enum_number().context("an enum is expected")?;
    if number == 0 {
        return Ok(None);
    }
    let Some(Kind::Enum(values)) = message.descriptor().get_field_by_name(name).map(|field| field.kind()) else {
        bail!("{name} is no enum");
    };
    let value = values
        .get_value(number)
        .with_context(|| format!("{name} has no value {number}"))?;
    let word = value.name().strip_prefix(prefix).unwrap_or(value.name());
    Ok(Some(word.to_lowercase()))
}
