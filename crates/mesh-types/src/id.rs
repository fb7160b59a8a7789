//! Typed ids: an id of one thing can't be passed for another's.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Why a text or number is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Member ids are the platform's user ids: whole numbers from 1.
    #[error("must be a whole number from 1")]
    NotPositive,
    /// All other ids are UUIDs in their usual hyphenated form.
    #[error("must be a UUID such as 018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d")]
    NotAUuid,
}

/// A member of the platform: its user id, a whole number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct MemberId(i64);

impl MemberId {
    /// The number, as tables and messages carry it.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for MemberId {
    type Error = IdError;

    fn try_from(value: i64) -> Result<Self, IdError> {
        if value > 0 {
            Ok(Self(value))
        } else {
            Err(IdError::NotPositive)
        }
    }
}

impl From<MemberId> for i64 {
    fn from(id: MemberId) -> i64 {
        id.0
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The last of all ids in their order; no thing has it.
            pub const MAX: Self = Self(Uuid::max());

            /// The UUID itself, as tables carry it.
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                match Uuid::try_parse(text) {
                    Ok(id) if text.len() == 36 => Ok(Self(id)),
                    _ => Err(IdError::NotAUuid),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

uuid_id!(/// One verification of a member (UUIDv7).
    VerificationId);
uuid_id!(/// One uploaded document (UUIDv7).
    DocumentId);
uuid_id!(/// One piece of evidence (UUIDv7).
    EvidenceId);
uuid_id!(/// One review of a document by a person (UUIDv7).
    ReviewId);
uuid_id!(/// What a member agreed to show to those who may vouch for them (UUIDv7).
    IntroductionId);
uuid_id!(/// Where and when a member can meet a verifier (UUIDv7).
    MeetingPreferenceId);
uuid_id!(/// One appointment of a member with a verifier (UUIDv7).
    AppointmentId);
uuid_id!(/// One event of the reputation ledger (UUIDv7).
    EventId);
uuid_id!(/// What a caller chose so that a repeated call does nothing twice (any UUID).
    RequestId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn member_ids_start_at_one() {
        assert_eq!(MemberId::try_from(1).map(MemberId::get), Ok(1));
        for bad in [0, -1, i64::MIN] {
            assert_eq!(MemberId::try_from(bad), Err(IdError::NotPositive));
            assert!(serde_json_like(bad).is_err());
        }
    }

    fn serde_json_like(value: i64) -> Result<MemberId, serde::de::value::Error> {
        use serde::de::IntoDeserializer;
        MemberId::deserialize(value.into_deserializer())
    }

    #[test]
    fn only_the_hyphenated_form_is_a_uuid() {
        let id = "018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d";
        assert_eq!(
            id.parse::<DocumentId>().map(|parsed| parsed.to_string()),
            Ok(id.to_owned())
        );
        for bad in [
            "",
            "018f3c6e7d1a7bb29c550f1f2a3b4c5d",
            "{018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d}",
            "../etc",
        ] {
            assert_eq!(bad.parse::<DocumentId>(), Err(IdError::NotAUuid), "{bad}");
        }
    }
}
