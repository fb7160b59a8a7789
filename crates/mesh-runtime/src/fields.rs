//! Everything that is wrong with a request, told at once.

use crate::Problem;
use mesh_types::Reason;

/// Collects what is wrong with the fields of a request, so that a caller need not mend one to hear of the next.
///
/// ```
/// # use mesh_runtime::{Fields, Problem};
/// # use mesh_types::{InvalidField, RequestId};
/// # fn minutes(_: i32) -> Result<u32, InvalidField> { Err(InvalidField::new("minutes", "must be from 1 to 1440")) }
/// # fn id(_: &str) -> Result<RequestId, InvalidField> { Err(InvalidField::new("request_id", "must be a UUID")) }
/// # fn parse() -> Result<(RequestId, u32), Problem> {
/// let mut fields = Fields::default();
/// let (id, minutes) = (fields.read(id("?")), fields.read(minutes(-1)));
/// let (Some(id), Some(minutes)) = (id, minutes) else {
///     return Err(fields.refuse());
/// };
/// # Ok((id, minutes)) }
/// # assert_eq!(parse().unwrap_err().violations().len(), 2);
/// ```
#[derive(Debug, Default)]
pub struct Fields {
    problems: Vec<Problem>,
}

impl Fields {
    /// The value of a field; `None` when it can't be right, and then [`Self::refuse`] names it.
    pub fn read<T>(&mut self, field: Result<T, impl Into<Problem>>) -> Option<T> {
        field.map_err(|problem| self.problems.push(problem.into())).ok()
    }

    /// The refusal that names every field that can't be right, each with its path. When something else than a field was
    /// wrong, the first such problem is the refusal.
    pub fn refuse(self) -> Problem {
        let (wrong, other): (Vec<_>, Vec<_>) = self
            .problems
            .into_iter()
            .partition(|problem| problem.reason() == Reason::InvalidRequest);
        if let Some(first) = other.into_iter().next() {
            return first;
        }
        let message: Vec<_> = wrong.iter().map(Problem::message).collect();
        let all = Problem::new(Reason::InvalidRequest, message.join("; "));
        let violations = wrong.iter().flat_map(Problem::violations).cloned();
        violations.fold(all, |all, (path, description)| all.with_violation(path, description))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_types::InvalidField;

    fn wrong(path: &str) -> Result<(), InvalidField> {
        Err(InvalidField::new(path, "must be right"))
    }

    #[test]
    fn all_wrong_fields_are_named_in_their_order() {
        let mut fields = Fields::default();
        assert_eq!(fields.read(Ok::<_, Problem>(7)), Some(7));
        for path in ["b", "a", "c[0].d"] {
            assert_eq!(fields.read(wrong(path)), None);
        }
        let refused = fields.refuse();
        let paths: Vec<_> = refused.violations().iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["b", "a", "c[0].d"]);
        assert_eq!(refused.reason(), Reason::InvalidRequest);
    }

    #[test]
    fn a_refusal_for_another_reason_stays_one() {
        let mut fields = Fields::default();
        fields.read(wrong("a"));
        fields.read(Err::<(), _>(Problem::new(Reason::ShuttingDown, "bye")));
        assert_eq!(fields.refuse().reason(), Reason::ShuttingDown);
    }
}
