//! What these scenarios share: documents that need a person, and that person.

use crate::support::*;
use mesh_proto::document::v1 as proto;
use mesh_proto::document::v1::DocumentDecision;
use mesh_testkit::eventually;
use specimen::Passport;
use tonic::Status;

/// A passport's page whose print is covered, though its zone reads well: one source alone, so a person has to look.
pub fn with_covered_print(passport: &Passport) -> Vec<u8> {
    let mut page = passport.draw();
    let (width, height) = page.dimensions();
    let paper = *page.get_pixel(width / 2, height * 3 / 4);
    for y in height * 18 / 100..height * 66 / 100 {
        for x in width * 8 / 100..width * 92 / 100 {
            page.put_pixel(x, y, paper);
        }
    }
    specimen::to_png(&page)
}

/// A page without anything to verify.
pub fn letter(seed: u64) -> Vec<u8> {
    specimen::to_png(&specimen::letter_page(seed))
}

/// A reviewer at work; the caller acts for them.
#[derive(Clone)]
pub struct Reviewer {
    pub caller: Caller,
    pub id: i64,
}

impl Reviewer {
    pub fn new(caller: &Caller) -> Self {
        let id = new_member_id();
        let caller = caller.acting_as(id, &["reviewer"]);
        Self { caller, id }
    }

    /// Every review that waits, page by page, the oldest first.
    pub async fn list(&self, page_size: i32) -> Vec<proto::Review> {
        let (mut reviews, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = proto::ListReviewsRequest { page_size, page_token };
            let list = async || self.caller.documents.clone().list_reviews(request.clone()).await;
            let page = until_answered("a page of reviews", list).await;
            let page = page.expect("a page of reviews comes").into_inner();
            reviews.extend(page.reviews);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return reviews;
            }
        }
    }

    /// Waits for the review of a verification.
    pub async fn review_of(&self, verification_id: &str) -> proto::Review {
        let look = async || {
            let mut reviews = self.list(100).await.into_iter();
            reviews.find(|review| review.verification_id == verification_id)
        };
        eventually(PATIENCE, "a review to be asked for", look)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn claim(&self, review_id: &str) -> Result<proto::Review, Status> {
        let request = proto::ClaimReviewRequest {
            request_id: new_request_id(),
            review_id: review_id.to_owned(),
        };
        let claim = async || self.caller.documents.clone().claim_review(request.clone()).await;
        let answer = until_answered("the claim", claim).await?;
        Ok(answer.into_inner().review.expect("an answer holds what was claimed"))
    }

    pub fn decision(&self, review_id: &str, decision: DocumentDecision) -> proto::DecideReviewRequest {
        proto::DecideReviewRequest {
            request_id: new_request_id(),
            review_id: review_id.to_owned(),
            decision: decision.into(),
            reason_code: "SEEN_BY_A_PERSON".to_owned(),
            member_text: "A person looked at your document.".to_owned(),
            internal_note: "Print covered, zone good.".to_owned(),
            ..Default::default()
        }
    }

    pub async fn decide(&self, decision: proto::DecideReviewRequest) -> Result<proto::DecideReviewResponse, Status> {
        let decide = async || self.caller.documents.clone().decide_review(decision.clone()).await;
        Ok(until_answered("the decision", decide).await?.into_inner())
    }

    /// Claims and decides.
    pub async fn settle(&self, review_id: &str, decision: DocumentDecision) {
        self.claim(review_id).await.expect("the review is free");
        self.decide(self.decision(review_id, decision))
            .await
            .expect("the decision is taken");
    }

    /// The bytes of a page and their media type, as this reviewer may see them.
    pub async fn page(&self, review_id: &str, page_number: i32) -> Result<(String, Vec<u8>), Status> {
        let request = proto::GetReviewPageRequest {
            review_id: review_id.to_owned(),
            page_number,
        };
        let mut parts = self
            .caller
            .documents
            .clone()
            .get_review_page(request)
            .await?
            .into_inner();
        let (mut media_type, mut bytes) = (String::new(), Vec::new());
        while let Some(message) = parts.message().await? {
            match message.part {
                Some(proto::get_review_page_response::Part::MediaType(told)) => media_type = told,
                Some(proto::get_review_page_response::Part::Chunk(chunk)) => bytes.extend(chunk),
                None => panic!("a message holds a part"),
            }
        }
        Ok((media_type, bytes))
    }
}

impl Caller {
    /// The latest submission of a verification, once it was decided so.
    pub async fn decided(&self, verification_id: &str, decision: DocumentDecision) -> proto::DocumentVerification {
        let look = async || {
            let request = proto::GetDocumentVerificationRequest {
                verification_id: verification_id.to_owned(),
                ..Default::default()
            };
            let answer = self.documents.clone().get_document_verification(request).await.ok()?;
            let shown = answer.into_inner().verification?;
            (shown.decision() == decision).then_some(shown)
        };
        let what = format!("the document to be decided as {}", decision.as_str_name());
        eventually(PATIENCE, &what, look)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// What a verification's documents proved.
    pub async fn evidence(&self, verification_id: &str) -> Vec<proto::EvidenceItem> {
        let request = proto::ListEvidenceRequest {
            verification_id: verification_id.to_owned(),
            ..Default::default()
        };
        let answer = self.documents.clone().list_evidence(request).await;
        answer.expect("the evidence is listed").into_inner().evidence
    }
}

/// A refusal of what is right in itself but not now.
pub fn not_now(reason: &str) -> (tonic::Code, String) {
    (tonic::Code::FailedPrecondition, reason.to_owned())
}

/// What a refused caller was told, in short.
pub fn told<T: std::fmt::Debug>(answer: Result<T, Status>) -> (tonic::Code, String) {
    let refused = refusal(&answer.expect_err("must be refused"));
    (refused.code, refused.reason)
}
