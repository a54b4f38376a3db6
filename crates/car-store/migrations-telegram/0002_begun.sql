-- Whether something was begun that must not be done twice, such as a shell command.
ALTER TABLE inbox ADD COLUMN is_begun INTEGER NOT NULL DEFAULT 0;
