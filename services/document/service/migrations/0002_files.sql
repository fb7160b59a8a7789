-- A page belongs to a file of its document: a PDF or TIFF of many pages is one object.
--
-- `sha256`, `media_type` and `size_bytes` of a page are those of its file. Rows without the two numbers are of the time
-- when each page was a file: the page is the only one of the file of its own number.

ALTER TABLE document_pages
    -- From 1, in the order of the upload; the key of the object ends with it.
    ADD COLUMN file_number  integer,
    -- From 1.
    ADD COLUMN page_in_file integer,
    ADD CONSTRAINT document_pages_file_range CHECK (file_number BETWEEN 1 AND 50 AND page_in_file BETWEEN 1 AND 50),
    ADD CONSTRAINT document_pages_file_whole CHECK ((file_number IS NULL) = (page_in_file IS NULL)),
    ADD CONSTRAINT document_pages_once_in_file UNIQUE (document_id, file_number, page_in_file);
