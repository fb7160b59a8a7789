//! What a member reads of the check of their own document. Two services answer with it.

use crate::document::v1::{DocumentCheck, DocumentVerification};
use mesh_types::{CheckName, Open};

impl DocumentVerification {
    /// The same for the member whose document it is: without the internal reason, and without the checks that tell of other
    /// members and of the blocklist. A check that only a newer version knows may be such a one, so it is left out too.
    pub fn for_its_member(mut self) -> Self {
        self.internal_reason.clear();
        self.checks.retain(is_for_its_member);
        self
    }
}

fn is_for_its_member(check: &DocumentCheck) -> bool {
    let name = Open::<CheckName>::of_text(&check.name).known();
    name.is_some_and(|name| !name.tells_of_others())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_reads_neither_the_internal_reason_nor_what_is_known_of_others() {
        let all = CheckName::ALL.map(CheckName::as_str);
        let check = |name: &str| DocumentCheck {
            name: name.to_owned(),
            ..Default::default()
        };
        let whole = DocumentVerification {
            member_reason: "We can't accept this document.".to_owned(),
            internal_reason: "DOCUMENT_BLOCKLISTED".to_owned(),
            checks: all.iter().copied().chain(["new_in_v9"]).map(check).collect(),
            pages_read: 2,
            ..Default::default()
        };
        let expected = DocumentVerification {
            internal_reason: String::new(),
            checks: all[..23].iter().copied().map(check).collect(),
            ..whole.clone()
        };
        assert_eq!(whole.for_its_member(), expected);
        assert_eq!(all[23..], ["not_in_use_by_another", "not_blocklisted"]);
    }
}
