//! Why a run ended before its reports.

use std::path::PathBuf;

/// What ends a run.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The local side cannot be read.
    #[error(transparent)]
    Scan(#[from] local_archive::ScanError),
    /// The service said no, or nothing.
    #[error(transparent)]
    Api(#[from] mapillary_api::ApiError),
    /// The response cache cannot be opened.
    #[error(transparent)]
    Store(#[from] response_store::StoreError),
    /// A report cannot be written.
    #[error(transparent)]
    Report(#[from] match_report::ReportError),
    /// The folder of the reports cannot be made.
    #[error("cannot write reports into {}: choose another folder with --out", folder.display())]
    Out {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// `--route user` without a user.
    #[error("the user route needs the uploader's name: add --user NAME, or choose --route tiles")]
    NoUser,
    /// `--route sequence` without a sequence.
    #[error("the sequence route needs the keys of the sequences: add --sequence KEY, or choose --route tiles")]
    NoSequence,
    /// The tracker has no answer.
    #[error(transparent)]
    Track(#[from] crate::tracking::TrackError),
    /// The system gives no threads.
    #[error("cannot start threads for the network")]
    NoRuntime(#[source] std::io::Error),
}
