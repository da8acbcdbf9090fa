//! One try: what came back, what it means, and the error that it ends with if it was the last.

use crate::{Class, Classify, FetchError, Progress, Reading, Refusal, Reply, Request, TransportFault};

/// Foreign words in errors and logs are cut here.
const LONGEST_DETAIL: usize = 300;

/// What one try brought.
pub(crate) struct Tried {
    pub(crate) reading: Reading,
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Whether the end of the body is beyond doubt.
    pub(crate) is_whole: bool,
}

impl Tried {
    /// Reads what the transport brought, without the token.
    pub(crate) fn new(request: &Request, sent: Result<Reply, TransportFault>, classify: &dyn Classify) -> Self {
        match sent.map(|reply| scrubbed(request, reply)) {
            Ok(reply) => Self {
                reading: classify.classify(&reply),
                status: reply.status,
                is_whole: !reply.open_ended,
                body: reply.body,
            },
            Err(fault) => Self { reading: reading_of(fault), status: 0, is_whole: true, body: Vec::new() },
        }
    }
}

/// The reply without the token, before anyone reads it: whoever quotes the beginning of a body cannot know where a token
/// begins in it.
fn scrubbed(request: &Request, mut reply: Reply) -> Reply {
    if let Some(token) = request.token() {
        reply.body = token.scrub(reply.body);
        for (_, value) in &mut reply.headers {
            *value = token.scrub_text(value);
        }
    }
    reply
}

/// The error that the last try ends with.
pub(crate) fn end(request: &Request, progress: Progress, tried: &Tried) -> FetchError {
    let (url, detail, tries) = (request.shown(), words(request, tried), progress.failed);
    match &tried.reading.class {
        Class::Unreachable => FetchError::Unreachable { url, tries, detail },
        Class::Timeout => FetchError::Timeout { url, tries, detail },
        Class::Transient | Class::Answer { .. } => FetchError::GaveUp { url, tries, detail },
        Class::Nonsense => FetchError::Nonsense { url, tries: progress.alike, detail },
        Class::TooMuch | Class::TooLarge => FetchError::TooMuch { url, detail },
        Class::Throttled { wait } => FetchError::Throttled { url, times: progress.throttled, wait: *wait, detail },
        Class::Refused(refusal) => FetchError::Refused { url, refusal: *refusal, status: tried.status, detail },
    }
}

/// Foreign words made fit to print: one line, cut, without the token.
pub(crate) fn words(request: &Request, tried: &Tried) -> String {
    let said = tried.reading.detail.as_str();
    let said = if said.is_empty() { format!("HTTP {}", tried.status) } else { said.to_owned() };
    let said = request.token().map_or(said.clone(), |token| token.scrub_text(&said));
    said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_DETAIL).collect()
}

fn reading_of(fault: TransportFault) -> Reading {
    match fault {
        TransportFault::Unreachable(words) => Reading::new(Class::Unreachable).with_detail(words),
        TransportFault::Timeout(words) => Reading::new(Class::Timeout).with_detail(words),
        TransportFault::Broken(words) => Reading::new(Class::Transient).with_detail(words),
        TransportFault::TooLarge { cap } => {
            Reading::new(Class::TooLarge).with_detail(format!("the answer is longer than {cap} bytes"))
        }
        TransportFault::Forbidden => {
            Reading::new(Class::Refused(Refusal::Question)).with_detail("the URL or the token cannot be sent")
        }
    }
}

/// The word under which an outcome is counted.
pub(crate) fn label(class: &Class) -> &'static str {
    match class {
        Class::Answer { kind } => kind,
        Class::Throttled { .. } => "throttled",
        Class::Transient => "transient",
        Class::Nonsense => "nonsense",
        Class::TooMuch => "too_much",
        Class::Refused(_) => "refused",
        Class::Unreachable => "unreachable",
        Class::Timeout => "timeout",
        Class::TooLarge => "too_large",
    }
}
