-- What the member said that a document is when it was checked; the upload may have said something else. Together with
-- issuer and number it is what a member claims with an acceptance, so check and claim must mean the same.

ALTER TABLE document_checks ADD COLUMN document_kind text;
