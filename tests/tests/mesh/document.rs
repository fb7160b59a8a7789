//! The document service in full, through the mesh: reviews, submissions, one document of two members, large and hostile
//! files.

mod crowd;
mod dear;
mod hostile;
mod long;
mod reviews;
mod same_document;
mod submissions;
pub mod support;
