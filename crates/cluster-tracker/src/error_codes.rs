//! What an error code of the feed says in plain words, and what to do next.
//!
//! The list of codes is not published, and no failing one was ever recorded. So the words are read out of the code's own
//! name, family by family, and a name that tells nothing is said to tell nothing.

/// With what words of names begin, what they speak of, and the next step; the first that fits counts.
const FAMILIES: [(&[&str], &str, &str); 8] = [
    (
        &["DUPLICATE", "ALREADY"],
        "the service takes the images for ones that it has",
        "look for the earlier upload with `tiepoint reconcile --user NAME`",
    ),
    (
        &["BLUR", "ANONYM", "PRIVACY"],
        "blurring of faces and plates failed",
        "nothing is wrong with the photos; wait a day, then upload again",
    ),
    (
        &["GPS", "LOCATION", "GEO", "COORDINATE"],
        "the places of the images cannot be used",
        "look at the rows that `tiepoint scan` rejects, mend the places and upload again",
    ),
    (
        &["CORRUPT", "DECODE", "FORMAT", "INVALID", "UNSUPPORTED"],
        "the service cannot read the files",
        "open the photos on your own machine; upload those that are sound again",
    ),
    (
        &["SIZE", "TOO_MANY", "TOO_LARGE", "LIMIT", "QUOTA"],
        "the upload is too large",
        "split it into smaller sequences and upload again",
    ),
    (
        &["PERMISSION", "ORGANI", "AUTH", "USER"],
        "the account may not publish this",
        "check the account and the organisation that it was uploaded for",
    ),
    (
        &["INTERNAL", "UNKNOWN", "SERVER", "TRANSIENT", "TIMEOUT", "TIMED_OUT"],
        "the service itself failed",
        "nothing is wrong with the photos; upload again in a day",
    ),
    (
        &["TIME", "DATE", "EXIF", "METADATA"],
        "what the images say of themselves cannot be used",
        "check the photos with `tiepoint scan`, then upload again",
    ),
];

/// The meaning of a code and the next step, in one sentence; what is known of it is little, and the sentence says so.
///
/// ```
/// let told = cluster_tracker::in_plain_words("INTERNAL_ERROR");
/// assert!(told.contains("the service itself failed") && told.contains("INTERNAL_ERROR"));
/// ```
pub fn in_plain_words(code: &str) -> String {
    let words = format!("_{}", code.to_uppercase());
    let family = FAMILIES.iter().find(|(begins, _, _)| begins.iter().any(|begin| words.contains(&format!("_{begin}"))));
    match family {
        Some((_, meaning, step)) => format!("{code}: by its name, {meaning}; {step}"),
        None => format!(
            "{code}: its meaning is not published; upload again, or ask on forum.mapillary.com with the cluster id"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_gets_a_next_step() {
        for (code, part) in [
            ("DUPLICATE_SEQUENCE", "earlier upload"),
            ("missing_gps", "places"),
            ("BLURRING_FAILED", "wait a day"),
            ("FILE_CORRUPT", "cannot read"),
            ("FACE_BLUR_TIMEOUT", "blurring"),
            ("PROCESSING_TIMED_OUT", "the service itself failed"),
            ("CAPTURE_TIME_MISSING", "say of themselves"),
            ("UPDATE_FAILED", "not published"),
            ("E1234", "not published"),
        ] {
            let told = in_plain_words(code);
            assert!(told.contains(part) && told.starts_with(code), "{told}");
        }
    }
}
