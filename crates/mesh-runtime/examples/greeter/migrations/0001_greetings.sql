CREATE TABLE greetings (text text NOT NULL);
