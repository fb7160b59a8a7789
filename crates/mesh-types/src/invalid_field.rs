//! What is wrong with one field of a request.

use std::fmt;

/// One field of a request that can't be right. It holds no value, because that may be personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidField {
    /// Where it is, e.g. `methods[0].document.document_url`.
    pub path: String,
    /// What would be right, e.g. `must be from 0 to 100`.
    pub description: String,
}

impl InvalidField {
    /// The field at `path`, and what would be right.
    pub fn new(path: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            description: description.into(),
        }
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.description)
    }
}

impl std::error::Error for InvalidField {}
