-- How often the OCR engine ran into its limits on a page: twice is the picture's fault.

ALTER TABLE document_pages ADD COLUMN engine_limits integer NOT NULL DEFAULT 0;
