//! The questions, as files: the text of a GraphQL document, or the number under which a newer web app asks the same.
//!
//! The endpoint knows its questions by their text, blanks included, or by a `doc_id` that changes with each release of the
//! web app. Neither belongs into code: the texts lie in `queries/`, and a folder of the user's replaces any of them.

use std::path::{Path, PathBuf};

/// Longer files are no question.
const LONGEST: u64 = 64 << 10;

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// The text of the document, sent as it is.
    Document(String),
    /// The number of a document that the service keeps.
    DocId(String),
}

/// The three questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queries {
    /// Uploads of a user, newest first, page by page.
    pub latest_activity: Query,
    /// Sequences that are processed and in no tile yet.
    pub new_sequences: Query,
    /// Id of a user.
    pub user: Query,
}

/// A file of the user's that is no question.
#[derive(Debug, thiserror::Error)]
pub enum QueriesError {
    /// It cannot be read.
    #[error("cannot read {}: {source}; give a folder with NAME.graphql or NAME.doc_id files", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is empty, too long, or no number.
    #[error("{} {what}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: &'static str,
    },
}

/// Names of the questions, as the service calls them and as their files are called.
pub(crate) const LATEST_ACTIVITY: &str = "getLatestActivity";
pub(crate) const NEW_SEQUENCES: &str = "getNewSequences";
pub(crate) const USER: &str = "getData";

impl Default for Queries {
    /// As they were recorded in 2023.
    fn default() -> Self {
        let document = |text: &str| Query::Document(without_last_break(text).to_owned());
        Self {
            latest_activity: document(include_str!("../queries/getLatestActivity.graphql")),
            new_sequences: document(include_str!("../queries/getNewSequences.graphql")),
            user: document(include_str!("../queries/getData.graphql")),
        }
    }
}

impl Queries {
    /// Questions of a folder: `NAME.doc_id` before `NAME.graphql`; what the folder lacks stays as built in.
    pub fn from_folder(folder: &Path) -> Result<Self, QueriesError> {
        std::fs::read_dir(folder).map_err(|source| QueriesError::Read { path: folder.to_owned(), source })?;
        let mut queries = Self::default();
        for (name, query) in [
            (LATEST_ACTIVITY, &mut queries.latest_activity),
            (NEW_SEQUENCES, &mut queries.new_sequences),
            (USER, &mut queries.user),
        ] {
            if let Some(text) = read(&folder.join(format!("{name}.graphql")))? {
                *query = Query::Document(without_last_break(&text).to_owned());
            }
            let path = folder.join(format!("{name}.doc_id"));
            if let Some(text) = read(&path)? {
                let number = text.trim();
                if !(1..=32).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(QueriesError::Unusable {
                        path,
                        what: "is no doc_id: a doc_id is a number and nothing else",
                    });
                }
                *query = Query::DocId(number.to_owned());
            }
        }
        Ok(queries)
    }
}

/// The text of a file; `None` when there is none.
fn read(path: &Path) -> Result<Option<String>, QueriesError> {
    let failed = |source| QueriesError::Read { path: path.to_owned(), source };
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
        Ok(about) if about.len() > LONGEST => {
            return Err(QueriesError::Unusable { path: path.to_owned(), what: "is too long for a question" });
        }
        Ok(_) => {}
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    if text.trim().is_empty() {
        return Err(QueriesError::Unusable {
            path: path.to_owned(),
            what: "is empty: delete it, or write the question",
        });
    }
    Ok(Some(text))
}

/// Editors end a file with a line break; the question has none.
fn without_last_break(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_questions_are_the_files() {
        let Query::Document(text) = Queries::default().latest_activity else { panic!() };
        assert!(text.starts_with("query getLatestActivity($id: ID!, $first: Int, $after: ID, $hide_after: Int) {\n"));
        assert!(
            text.ends_with("\n    }"),
            "no line break at the end, which the service would take for another question"
        );
        for field in ["cluster_id", "error_code", "tiler_status", "end_cursor", "has_next_page"] {
            assert!(text.contains(field), "{field}");
        }
    }

    #[test]
    fn a_folder_replaces_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("getLatestActivity.graphql", "query  getLatestActivity { x }\r\n");
        write("getData.doc_id", " 4242\n");
        let queries = Queries::from_folder(folder.path()).unwrap();
        assert_eq!(queries.latest_activity, Query::Document("query  getLatestActivity { x }".to_owned()));
        assert_eq!(queries.user, Query::DocId("4242".to_owned()));
        assert_eq!(queries.new_sequences, Queries::default().new_sequences);
        for wrong in ["", "../../etc", "12 34", "x"] {
            write("getData.doc_id", wrong);
            assert!(Queries::from_folder(folder.path()).is_err(), "{wrong:?}");
        }
        assert!(Queries::from_folder(&folder.path().join("none")).unwrap_err().to_string().contains("none"));
    }
}
