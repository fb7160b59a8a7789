//! From typed values to messages.

use crate::greeting::StoredGreeting;
use crate::store::Greeting;

pub fn greeting(greeting: Greeting) -> StoredGreeting {
    StoredGreeting {
        greeting_id: greeting.greeting_id.to_string(),
        text: greeting.text,
    }
}
