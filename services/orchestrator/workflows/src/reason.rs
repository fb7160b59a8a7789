//! Why a method ended as it did.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The stable internal reason of a method's end. The parent has reasons of its own; the reasons of the methods' services
/// and the failure types of their activities are [`MethodReason::Other`], and so is one of a newer version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum MethodReason {
    /// The verification ended before the method had.
    NotFinished,
    /// The method was cancelled, or not needed any more.
    Cancelled,
    /// The method's workflow could not be started.
    ChildNotStarted,
    /// The method's workflow failed without a failure type.
    ChildFailed,
    /// A time limit of the method passed.
    TimedOut,
    /// The verification's workflow was closed from outside, for example by an operator's `terminate`.
    WorkflowClosed,
    /// The reason of the method's service.
    Other(String),
}

impl MethodReason {
    /// The parent's own reasons, each with its text and the sentence that a member reads.
    const OWN: [(MethodReason, &str, &str); 6] = [
        (
            Self::NotFinished,
            "NOT_FINISHED",
            "This had not finished when the verification ended.",
        ),
        (Self::Cancelled, "CANCELLED", "This was cancelled."),
        (Self::ChildNotStarted, "CHILD_NOT_STARTED", OUR_FAULT),
        (Self::ChildFailed, "CHILD_FAILED", OUR_FAULT),
        (Self::TimedOut, "TIMED_OUT", OUR_FAULT),
        (
            Self::WorkflowClosed,
            "WORKFLOW_CLOSED",
            "The verification was stopped on our side. Please start another one.",
        ),
    ];

    /// The text on every wire, `UPPER_SNAKE_CASE`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            own => own.row().map_or("", |(_, text, _)| text),
        }
    }

    /// The sentence for the member where the parent has to say it.
    pub fn member_sentence(&self) -> &'static str {
        self.row().map_or(OUR_FAULT, |(_, _, sentence)| sentence)
    }

    fn row(&self) -> Option<&'static (MethodReason, &'static str, &'static str)> {
        Self::OWN.iter().find(|(own, ..)| own == self)
    }
}

const OUR_FAULT: &str = "Something went wrong on our side. Nothing is lost; please try again later.";

impl From<String> for MethodReason {
    fn from(text: String) -> Self {
        let own = Self::OWN.iter().find(|(_, own, _)| *own == text);
        own.map_or(Self::Other(text), |(reason, ..)| reason.clone())
    }
}

impl From<MethodReason> for String {
    fn from(reason: MethodReason) -> Self {
        reason.as_str().to_owned()
    }
}

impl fmt::Display for MethodReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_read_as_it_was_written_also_one_that_nobody_here_knows() {
        for (reason, text, _) in &MethodReason::OWN {
            assert_eq!(MethodReason::from((*text).to_owned()), *reason);
            assert_eq!(String::from(reason.clone()), *text);
        }
        let foreign = MethodReason::from("DOCUMENT_EXPIRED".to_owned());
        assert_eq!(foreign.as_str(), "DOCUMENT_EXPIRED");
        assert_eq!(foreign, MethodReason::Other("DOCUMENT_EXPIRED".to_owned()));
    }
}
