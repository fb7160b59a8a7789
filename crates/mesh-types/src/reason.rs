//! Everything that can be refused or fail, in one catalogue.
//!
//! A reason is the `ErrorInfo.reason` of a gRPC answer and the failure type of a Temporal activity alike, so an alert on
//! one is an alert on the other. What class a reason belongs to decides the gRPC status (the table is in
//! `mesh-runtime`) and whether a retry can help.

/// What kind of trouble a reason is; `mesh-runtime` maps each class to one gRPC status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The caller sent something that can never be right; the answer names the field.
    InvalidArgument,
    /// What the caller names does not exist.
    NotFound,
    /// It exists already, under other content or another request id.
    AlreadyExists,
    /// Right in itself, but not in the present state.
    FailedPrecondition,
    /// Nobody is proven to act: the call has no token where one is needed, or one that does not count.
    Unauthenticated,
    /// The caller may not touch this thing.
    PermissionDenied,
    /// The caller is over a limit.
    ResourceExhausted,
    /// A dependency is away; the same call may succeed in a moment.
    Unavailable,
    /// The caller's deadline passed.
    DeadlineExceeded,
    /// The caller went away.
    Cancelled,
    /// A fault of ours; the answer carries no inner text.
    Internal,
}

impl Class {
    /// Whether the same call can succeed later without a change by the caller.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Class::Unavailable | Class::DeadlineExceeded | Class::ResourceExhausted | Class::Internal
        )
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $class:ident;)*) => {
        /// A stable reason, `UPPER_SNAKE_CASE` on every wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $variant,)* }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant,)*];

            /// The text on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Reason::$variant => $text,)* }
            }

            /// The class, which decides the gRPC status.
            pub const fn class(self) -> Class {
                match self { $(Reason::$variant => Class::$class,)* }
            }
        }
    };
}

impl Reason {
    /// Something that a request or an activity needs is away or taken, or its own process is on its way out. The work is not
    /// at fault, so waiting helps, and an attempt that ends like this counts as none.
    pub const OUTAGES: [Reason; 9] = [
        Self::DatabaseUnavailable,
        Self::TemporalUnavailable,
        Self::ObjectStoreUnavailable,
        Self::KeyUnavailable,
        Self::PeerUnavailable,
        Self::TrustNetworkLoading,
        Self::OcrBusy,
        Self::NewerVersionNeeded,
        Self::ShuttingDown,
    ];
}

reasons! {
    /// A field of the request is missing or out of its range.
    InvalidRequest = "INVALID_REQUEST", InvalidArgument;
    /// The same request id came before with other content.
    RequestIdReused = "REQUEST_ID_REUSED", AlreadyExists;
    /// The same request is being worked on at this moment.
    RequestInProgress = "REQUEST_IN_PROGRESS", Unavailable;
    /// Nothing that the person may see has this id.
    ObjectNotFound = "OBJECT_NOT_FOUND", NotFound;
    /// No member has this id.
    MemberNotFound = "MEMBER_NOT_FOUND", NotFound;
    /// Another request registered this member id.
    MemberAlreadyRegistered = "MEMBER_ALREADY_REGISTERED", AlreadyExists;
    /// No verification has this id.
    VerificationNotFound = "VERIFICATION_NOT_FOUND", NotFound;
    /// The member has a verification in progress; the answer names it.
    VerificationInProgress = "VERIFICATION_IN_PROGRESS", AlreadyExists;
    /// The verification has ended, so it can't be changed any more.
    VerificationEnded = "VERIFICATION_ENDED", FailedPrecondition;
    /// No report was written for this month.
    VerificationReportNotFound = "VERIFICATION_REPORT_NOT_FOUND", NotFound;
    /// No document has this id.
    DocumentNotFound = "DOCUMENT_NOT_FOUND", NotFound;
    /// The URL names an object that is not this member's.
    DocumentOfAnotherMember = "DOCUMENT_OF_ANOTHER_MEMBER", PermissionDenied;
    /// The upload holds no page or no byte.
    DocumentEmpty = "DOCUMENT_EMPTY", InvalidArgument;
    /// The upload is larger than 20 MiB.
    DocumentTooLarge = "DOCUMENT_TOO_LARGE", InvalidArgument;
    /// The upload has more than 50 pages.
    DocumentTooManyPages = "DOCUMENT_TOO_MANY_PAGES", InvalidArgument;
    /// A page is no picture or PDF that we read, by its own bytes.
    DocumentNotAPicture = "DOCUMENT_NOT_A_PICTURE", InvalidArgument;
    /// A file begins like one that we read, but is cut short or broken.
    DocumentDamaged = "DOCUMENT_DAMAGED", InvalidArgument;
    /// A file is locked with a password.
    DocumentEncrypted = "DOCUMENT_ENCRYPTED", InvalidArgument;
    /// A file unpacks to far more than a document needs.
    DocumentExpandsTooMuch = "DOCUMENT_EXPANDS_TOO_MUCH", InvalidArgument;
    /// A page has more than 50 megapixels.
    DocumentTooManyPixels = "DOCUMENT_TOO_MANY_PIXELS", InvalidArgument;
    /// The stored document is gone or its bytes are not those that were uploaded.
    DocumentUnreadable = "DOCUMENT_UNREADABLE", FailedPrecondition;
    /// The document was erased; only its hash and its evidence are left.
    DocumentErased = "DOCUMENT_ERASED", FailedPrecondition;
    /// Another member was accepted with a document of this kind and number, or one is on the blocklist, and nobody has said
    /// that this one is the member's own.
    DocumentNumberKnown = "DOCUMENT_NUMBER_KNOWN", FailedPrecondition;
    /// The verification waits for no document: it has one under way, is over, or used its submissions up.
    DocumentNotAwaited = "DOCUMENT_NOT_AWAITED", FailedPrecondition;
    /// No review has this id.
    ReviewNotFound = "REVIEW_NOT_FOUND", NotFound;
    /// The review is over: decided, expired or withdrawn.
    ReviewOver = "REVIEW_OVER", FailedPrecondition;
    /// Nobody reviews a document of their own.
    ReviewOfOneself = "REVIEW_OF_ONESELF", PermissionDenied;
    /// Another reviewer holds the review.
    ReviewClaimedByAnother = "REVIEW_CLAIMED_BY_ANOTHER", FailedPrecondition;
    /// The caller does not hold the review: it was never claimed, or the claim expired after 15 minutes.
    ReviewNotClaimed = "REVIEW_NOT_CLAIMED", FailedPrecondition;
    /// The OCR engine failed or ran over a limit.
    OcrFailed = "OCR_FAILED", Unavailable;
    /// Other pages kept the OCR engine's memory for so long that a page was not begun.
    OcrBusy = "OCR_BUSY", Unavailable;
    /// The extraction that a later step needs is not there.
    ExtractionNotFound = "EXTRACTION_NOT_FOUND", NotFound;
    /// No event of the reputation ledger has this id.
    EventNotFound = "EVENT_NOT_FOUND", NotFound;
    /// The event is countered already, or is one that can't be: only verifications and activities can.
    EventNotCounterable = "EVENT_NOT_COUNTERABLE", FailedPrecondition;
    /// The member has no decay clock that runs.
    DecayNotRunning = "DECAY_NOT_RUNNING", FailedPrecondition;
    /// Nobody is connected to themselves.
    ConnectionToOneself = "CONNECTION_TO_ONESELF", InvalidArgument;
    /// The member has made no connection to this member, or removed it.
    ConnectionNotFound = "CONNECTION_NOT_FOUND", NotFound;
    /// The member has made as many connections as one may.
    TooManyConnections = "TOO_MANY_CONNECTIONS", FailedPrecondition;
    /// This instance has not read the whole trust network yet.
    TrustNetworkLoading = "TRUST_NETWORK_LOADING", Unavailable;
    /// No introduction of this id is the member's, or it was deleted when its validation ended.
    IntroductionNotFound = "INTRODUCTION_NOT_FOUND", NotFound;
    /// Nobody was asked to vouch for a member by a verification of this id.
    ValidationNotFound = "VALIDATION_NOT_FOUND", NotFound;
    /// The member was not asked to vouch in this verification.
    ValidatorNotInvited = "VALIDATOR_NOT_INVITED", PermissionDenied;
    /// Nobody vouches for themselves.
    ValidationOfOneself = "VALIDATION_OF_ONESELF", PermissionDenied;
    /// The validator has answered already.
    ValidationAnswered = "VALIDATION_ANSWERED", FailedPrecondition;
    /// The validation takes no answers any more.
    ValidationOver = "VALIDATION_OVER", FailedPrecondition;
    /// A rejection came without a reason, or a reason without a rejection.
    RejectReasonMismatch = "REJECT_REASON_MISMATCH", InvalidArgument;
    /// The member vouched for the validator less than 90 days ago.
    VouchIsReciprocal = "VOUCH_IS_RECIPROCAL", FailedPrecondition;
    /// The validator has as many open requests as one may have.
    TooManyOpenRequests = "TOO_MANY_OPEN_REQUESTS", FailedPrecondition;
    /// The validator's score is below 50.
    ValidatorScoreTooLow = "VALIDATOR_SCORE_TOO_LOW", FailedPrecondition;
    /// Trust from the seeds does not reach the validator.
    ValidatorNotTrusted = "VALIDATOR_NOT_TRUSTED", FailedPrecondition;
    /// No person has to decide on the validation, or one has decided.
    ValidationNotInReview = "VALIDATION_NOT_IN_REVIEW", FailedPrecondition;
    /// No verifier has this id.
    VerifierNotFound = "VERIFIER_NOT_FOUND", NotFound;
    /// The person is a verifier already.
    VerifierExists = "VERIFIER_EXISTS", AlreadyExists;
    /// The verifier has another version than the one that the caller read.
    VerifierChanged = "VERIFIER_CHANGED", FailedPrecondition;
    /// No meeting preference of this id is the member's.
    MeetingPreferenceNotFound = "MEETING_PREFERENCE_NOT_FOUND", NotFound;
    /// No appointment has this id, or the verification has none.
    AppointmentNotFound = "APPOINTMENT_NOT_FOUND", NotFound;
    /// The appointment has moved on since the caller read it.
    AppointmentChanged = "APPOINTMENT_CHANGED", FailedPrecondition;
    /// The verifier is not free in the slot.
    SlotNotFree = "SLOT_NOT_FREE", FailedPrecondition;
    /// The appointment was rescheduled as often as it may be.
    TooManyReschedules = "TOO_MANY_RESCHEDULES", FailedPrecondition;
    /// The call came outside of the window of the appointment.
    OutsideOfAppointment = "OUTSIDE_OF_APPOINTMENT", FailedPrecondition;
    /// Five wrong codes were entered, so none counts any more.
    CheckInLocked = "CHECK_IN_LOCKED", FailedPrecondition;
    /// The member's code was not entered yet.
    NotCheckedIn = "NOT_CHECKED_IN", FailedPrecondition;
    /// The verifier is not certified to check this.
    NotCertified = "NOT_CERTIFIED", FailedPrecondition;
    /// There is no schedule of this id: it is unknown, or its service was told to create none.
    ScheduleNotFound = "SCHEDULE_NOT_FOUND", NotFound;
    /// The call is for a person, and has no token that says who acts.
    TokenMissing = "TOKEN_MISSING", Unauthenticated;
    /// The header `authorization` holds no JWT, is too long, or comes more than once.
    TokenMalformed = "TOKEN_MALFORMED", Unauthenticated;
    /// The token's time is over.
    TokenExpired = "TOKEN_EXPIRED", Unauthenticated;
    /// The token's time has not begun.
    TokenNotYetValid = "TOKEN_NOT_YET_VALID", Unauthenticated;
    /// The token was made for somebody else.
    TokenWrongAudience = "TOKEN_WRONG_AUDIENCE", Unauthenticated;
    /// The token is from another issuer than the one that is configured.
    TokenWrongIssuer = "TOKEN_WRONG_ISSUER", Unauthenticated;
    /// The issuer publishes no key of the token's `kid`, or could not be asked, or none is configured.
    TokenKeyUnknown = "TOKEN_KEY_UNKNOWN", Unauthenticated;
    /// The token is signed by an algorithm that is not taken, or is not the algorithm of its key.
    TokenAlgorithmRefused = "TOKEN_ALGORITHM_REFUSED", Unauthenticated;
    /// The token's signature is not the key's.
    TokenSignatureInvalid = "TOKEN_SIGNATURE_INVALID", Unauthenticated;
    /// A claim of the token is missing or not of the form that it must have.
    TokenClaimInvalid = "TOKEN_CLAIM_INVALID", Unauthenticated;
    /// The calling service may not make this call.
    CallerNotAllowed = "CALLER_NOT_ALLOWED", PermissionDenied;
    /// The person who acts has none of the roles that this call is for.
    RoleNotAllowed = "ROLE_NOT_ALLOWED", PermissionDenied;
    /// PostgreSQL doesn't answer.
    DatabaseUnavailable = "DATABASE_UNAVAILABLE", Unavailable;
    /// Temporal doesn't answer.
    TemporalUnavailable = "TEMPORAL_UNAVAILABLE", Unavailable;
    /// The object store doesn't answer.
    ObjectStoreUnavailable = "OBJECT_STORE_UNAVAILABLE", Unavailable;
    /// The keyring of this instance lacks the key that something lies under. Another instance may have it already.
    KeyUnavailable = "KEY_UNAVAILABLE", Unavailable;
    /// Another service of the mesh doesn't answer.
    PeerUnavailable = "PEER_UNAVAILABLE", Unavailable;
    /// A newer version wrote what this instance would have to understand. A newer instance answers, or will soon.
    NewerVersionNeeded = "NEWER_VERSION_NEEDED", Unavailable;
    /// The service is draining; another instance will answer.
    ShuttingDown = "SHUTTING_DOWN", Unavailable;
    /// The caller's deadline passed.
    DeadlineExceeded = "DEADLINE_EXCEEDED", DeadlineExceeded;
    /// The caller cancelled.
    Cancelled = "CANCELLED", Cancelled;
    /// A message is larger than the service takes.
    MessageTooLarge = "MESSAGE_TOO_LARGE", ResourceExhausted;
    /// As many documents are sent at this moment as there may be, in all or by the member.
    TooManyUploads = "TOO_MANY_UPLOADS", ResourceExhausted;
    /// As many pages are shown to reviewers at this moment as there may be.
    TooManyReviewPages = "TOO_MANY_REVIEW_PAGES", ResourceExhausted;
    /// As many streams of answers are open at this moment as there may be.
    TooManyStreams = "TOO_MANY_STREAMS", ResourceExhausted;
    /// The stream of answers was open for as long as one may be; opened again, it goes on.
    StreamTooOld = "STREAM_TOO_OLD", Unavailable;
    /// A fault of ours.
    Internal = "INTERNAL", Internal;
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_upper_snake_case_and_stands_once() {
        let mut seen = std::collections::BTreeSet::new();
        for reason in Reason::ALL {
            let text = reason.as_str();
            assert!(text.chars().all(|c| c.is_ascii_uppercase() || c == '_'), "{text}");
            assert!(seen.insert(text), "{text} stands twice");
        }
    }
}
