//! From messages to typed values, once, with the path of every field that is wrong.

use crate::greeting::{KeepGreetingRequest, ListGreetingsRequest};
use crate::store::GreetingPlace;
use mesh_runtime::paging::PageRequest;
use mesh_runtime::{Fields, Problem};
use mesh_types::{IdError, InvalidField, RequestId};

/// A greeting is at most so many characters long.
const MAX_TEXT_CHARS: usize = 200;

/// A greeting to be kept.
pub struct NewGreeting {
    pub request_id: RequestId,
    pub text: String,
}

pub fn keep_greeting(request: &KeepGreetingRequest) -> Result<NewGreeting, Problem> {
    let mut fields = Fields::default();
    // A real service takes it from `mesh_proto::fields::id`.
    let id = request.request_id.parse::<RequestId>();
    let request_id = fields.read(id.map_err(|error: IdError| InvalidField::new("request_id", error.to_string())));
    let text = fields.read(text(&request.text));
    let (Some(request_id), Some(text)) = (request_id, text) else {
        return Err(fields.refuse());
    };
    Ok(NewGreeting { request_id, text })
}

fn text(text: &str) -> Result<String, InvalidField> {
    if (1..=MAX_TEXT_CHARS).contains(&text.chars().count()) {
        return Ok(text.to_owned());
    }
    let description = format!("must be 1 to {MAX_TEXT_CHARS} characters long");
    Err(InvalidField::new("text", description))
}

pub fn list_greetings(request: &ListGreetingsRequest) -> Result<PageRequest<GreetingPlace>, Problem> {
    PageRequest::parse(request.page_size, &request.page_token, &"ListGreetings")
}
