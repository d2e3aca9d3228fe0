//! What is read on behind a problem, and what is not told.
