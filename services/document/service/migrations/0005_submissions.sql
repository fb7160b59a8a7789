-- Which document was submitted to which verification, and which workflow reads it.

CREATE TABLE submissions (
    verification_id uuid        NOT NULL,
    -- From 1.
    submission      integer     NOT NULL,
    document_id     uuid        NOT NULL,
    -- Unknown for those of the time before this table; their workflows take no second submission.
    workflow_id     text,
    run_id          text,
    submitted_at    timestamptz NOT NULL,
    CONSTRAINT submissions_pkey PRIMARY KEY (verification_id, submission),
    CONSTRAINT submissions_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id),
    CONSTRAINT submissions_from_one CHECK (submission >= 1),
    CONSTRAINT submissions_workflow_whole CHECK ((workflow_id IS NULL) = (run_id IS NULL))
);

CREATE INDEX submissions_by_document ON submissions (document_id, verification_id);

INSERT INTO submissions (verification_id, submission, document_id, submitted_at)
SELECT DISTINCT ON (verification_id) verification_id, 1, document_id, uploaded_at
FROM documents
WHERE verification_id IS NOT NULL
ORDER BY verification_id, uploaded_at DESC;
