//! What the reasons mean, and what to do next, in a person's words: for `explain`, the page and the terminal.

use capture_model::Reason;

/// What a reason means, as half a sentence.
pub fn meaning(reason: Reason) -> &'static str {
    match reason {
        Reason::Exact => "place and time agree as uploaded",
        Reason::ExactAfterReplay => "place and time agree once the uploader's rules are replayed",
        Reason::Aligned => "place and time agree within the noise of a fitted clock",
        Reason::Adjusted => "it agrees with the place that the service computed",
        Reason::OrderOnly => "only the order along the sequence decides",
        Reason::TileOnly => "only a coverage tile shows the image: its place is rounded",
        Reason::TwinSet => "as many equal images as equal photos",
        Reason::Reuploaded => "the same photo was published more than once",
        Reason::RigUndecidable => "cameras of one rig that nothing tells apart",
        Reason::OffsetUndecided => "two clock offsets explain the sequence alike",
        Reason::BetweenNeighbours => "two neighbouring images fit alike",
        Reason::CompanionPossible => "a fellow traveller's images would fit alike",
        Reason::WeakEvidence => "something fits, but too little to say so",
        Reason::NotPublishedYet => "everything around was read and nothing fits",
        Reason::NoCoverage => "its tile was read and holds no coverage",
        Reason::OutsideFetchedTiles => "its tile was not among what was read",
        Reason::InSequenceGap => "photos before and after it are published, this one is not",
        Reason::PartlyPublished => "the published part of its sequence ends before it",
        Reason::DroppedDuplicate => "the uploader drops it as a duplicate of its neighbour",
        Reason::DroppedByUploader => "the uploader drops it for its speed or its zig-zag",
        Reason::DroppedByService => "its neighbours are published and no uploader's rule explains the gap",
        Reason::IdTaken => "the image that fits it belongs to another photo with more right",
        Reason::LookupFailed => "an answer of the service is missing, so nothing may be concluded",
        Reason::NoTimeAndWeak => "it has no time, and its place alone is too weak",
        Reason::Processing => "its upload is still being processed",
        Reason::FailedOnServer => "its upload failed on the server",
        Reason::PublishedNotInTiles => "it is published, but the coverage tiles do not show it yet",
        Reason::NoPlace => "it has no position",
        Reason::NullIsland => "its position is 0°, 0°: a receiver without a fix",
        Reason::RejectedByUploader => "the uploader's description lists it as an error",
        Reason::Damaged => "the file's structure is broken",
        Reason::NotAnImage => "the ending says image, the bytes do not",
        Reason::NoPermission => "the file may not be opened",
        Reason::ChangedWhileReading => "the file changed while it was read",
        Reason::Video => "it is a video: its frames are no files here",
    }
}

/// What to do about it, as a sentence; for a match, what it allows.
pub fn next_step(reason: Reason) -> &'static str {
    match reason {
        Reason::Exact | Reason::ExactAfterReplay | Reason::Aligned | Reason::Adjusted => {
            "Nothing to do: the photo is tied."
        }
        Reason::OrderOnly => "Tied; look at the image on the web before you delete anything on its word.",
        Reason::TileOnly => "Tied; run again with --refresh later to confirm it by the image's own record.",
        Reason::TwinSet | Reason::Reuploaded => {
            "Any of the candidates is the photo: keep the file, or decide by `review`."
        }
        Reason::RigUndecidable | Reason::BetweenNeighbours => {
            "Compare the candidates on the web and decide by `tiepoint review export`."
        }
        Reason::OffsetUndecided => "If you know how wrong the camera's clock was, say so with --clock-offset.",
        Reason::CompanionPossible => "Name the uploader with --user, or decide by `tiepoint review export`.",
        Reason::WeakEvidence => "Decide by `tiepoint review export`; more photos of the same folder would help too.",
        Reason::NotPublishedYet => "Upload it, or run again with --refresh some days after the upload.",
        Reason::NoCoverage => "Upload it; if you did, run again with --refresh some days later.",
        Reason::OutsideFetchedTiles => {
            "Run again with --route auto, which reads the tiles of all photos (without --tiles mid); beyond 85° north or south with --user."
        }
        Reason::InSequenceGap | Reason::DroppedByService => {
            "Keep the file: the service does not show it. It may be uploaded again."
        }
        Reason::PartlyPublished => "Run again with --refresh in some days: the rest may still be processed.",
        Reason::DroppedDuplicate | Reason::DroppedByUploader => {
            "Keep the file or not, as you like: the uploader leaves it out on purpose."
        }
        Reason::IdTaken => "Compare it with the photo that has the image; two copies of one photo look like this.",
        Reason::LookupFailed => "Run the same command again: what was fetched is cached.",
        Reason::NoTimeAndWeak => "Give it a time (exiftool, or a table with captured_at) and run again.",
        Reason::Processing => "Wait, then run again.",
        Reason::FailedOnServer => "Upload it again.",
        Reason::PublishedNotInTiles => "Run again with --refresh in a day or two.",
        Reason::NoPlace => "Give it a position (a GPX track by exiftool -geotag), then upload it.",
        Reason::NullIsland => "Give it a true position, then upload it.",
        Reason::RejectedByUploader => "See the description file for the uploader's error.",
        Reason::Damaged | Reason::NotAnImage => "Restore the file from a copy; it cannot have been uploaded as it is.",
        Reason::NoPermission => "Give yourself the right to read it and run again.",
        Reason::ChangedWhileReading => "Run again when nothing writes to the folder.",
        Reason::Video => "Give Tiepoint the frames that the uploader sampled from it.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_put_in_words_that_are_its_own() {
        let meanings: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|&reason| meaning(reason)).collect();
        assert_eq!(meanings.len(), Reason::ALL.len());
        for &reason in Reason::ALL {
            assert!(meaning(reason).len() < 72 && !meaning(reason).ends_with('.'), "{reason}");
            assert!(next_step(reason).ends_with('.'), "{reason}");
        }
    }
}
