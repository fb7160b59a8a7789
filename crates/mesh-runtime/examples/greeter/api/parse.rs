//! From messages to typed values, once. A real service writes ranges and lengths as field rules into its proto, and the kit
//! checks them before the handler; this example has no proto.

use crate::greeting::{KeepGreetingRequest, ListGreetingsRequest};
use crate::store::GreetingPlace;
use mesh_runtime::Problem;
use mesh_runtime::paging::PageRequest;
use mesh_types::{IdError, InvalidField, RequestId};

/// A greeting is at most so many characters long.
const MAX_TEXT_CHARS: usize = 200;

/// A greeting to be kept.
pub struct NewGreeting {
    pub request_id: RequestId,
    pub text: String,
}

pub fn keep_greeting(request: &KeepGreetingRequest) -> Result<NewGreeting, Problem> {
    // A real service takes it from `mesh_proto::fields::id`.
    let id = request.request_id.parse::<RequestId>();
    Ok(NewGreeting {
        request_id: id.map_err(|error: IdError| InvalidField::new("request_id", error.to_string()))?,
        text: text(&request.text)?,
    })
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
