//! Answers of many pages, followed to the end.
//!
//! The service gives a link to the next page, which holds the token and could point anywhere. Only the parameters that
//! the link adds are taken, and put on our own URL. Pages that repeat themselves, or lead in a circle, are an error of
//! the whole answer: a part of it would look like the whole.

use crate::ApiError;
use crate::api::Api;
use crate::page::{Collector, read_document};
use crate::reading::GraphList;
use capture_model::PublishedImage;
use polite_http::{Answer, FetchError, RedactedUrl, Request, StoreError};
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use url::Url;

const MOST_PAGES: usize = 5_000;
/// Pages that were filtered until nothing was left may come in a row, but not for ever.
const MOST_EMPTY_PAGES: usize = 20;

#[derive(Debug, Default)]
pub(crate) struct Pages {
    pub(crate) images: Vec<PublishedImage>,
    /// Images on the last page.
    pub(crate) last_page: usize,
    /// Whether the last page was reached by a link, so that the service does say when there is more.
    pub(crate) were_linked: bool,
}

impl Api {
    /// Follows the pages of an answer to the end. Boxed, so that a question that waits for its turn is small.
    pub(crate) async fn pages(&self, first: Request, classify: &GraphList) -> Result<Pages, ApiError> {
        Box::pin(self.follow_pages(first, classify)).await
    }

    async fn follow_pages(&self, first: Request, classify: &GraphList) -> Result<Pages, ApiError> {
        let mut pages = Pages::default();
        let mut known_urls = HashSet::from([first.url.clone()]);
        let mut known_ids = HashSet::new();
        let mut request = first.clone();
        let mut n_empty = 0;
        let endless = |what| ApiError::EndlessPages { url: RedactedUrl::new(&first.url), what };
        loop {
            let answer = self.0.client.fetch(&request, classify).await?;
            let next = self.page(&answer, &mut pages)?;
            let n_new = pages.images[pages.images.len() - pages.last_page..].iter();
            let n_new = n_new.filter(|image| known_ids.insert(image.id)).count();
            let Some(link) = next else {
                pages.images = without_repetition(pages.images);
                return Ok(pages);
            };
            n_empty = if pages.last_page == 0 { n_empty + 1 } else { 0 };
            if (pages.last_page > 0 && n_new == 0) || n_empty > MOST_EMPTY_PAGES {
                return Err(endless("repeat themselves"));
            }
            let Some(url) = next_page(&first.url, &link) else { return Err(endless("lead nowhere")) };
            if !known_urls.insert(url.clone()) {
                return Err(endless("lead in a circle"));
            }
            if known_urls.len() > MOST_PAGES {
                return Err(endless("go on for ever"));
            }
            request.url = url;
            pages.were_linked = true;
        }
    }

    /// Reads one page into the pages; the link to the next.
    fn page(&self, answer: &Answer, pages: &mut Pages) -> Result<Option<String>, ApiError> {
        let mut collector = Collector::of_answer();
        let document = read_document(&answer.body, &mut collector).map_err(|_| {
            // A reply that cannot be read is never accepted, so this one was changed where it was kept.
            FetchError::Store(StoreError("a stored answer is damaged; clear the store and run again".to_owned()))
        })?;
        self.0.bad_entities.fetch_add(collector.n_problems, Ordering::Relaxed);
        pages.last_page = collector.images.len();
        pages.images.extend(collector.images);
        Ok(document.next)
    }
}

/// Our own URL with what the link adds to it. Host, path and token of the link are not used.
fn next_page(first: &Url, link: &str) -> Option<Url> {
    let link = Url::parse(link).ok()?;
    let own: HashSet<String> = first.query_pairs().map(|(name, _)| name.into_owned()).collect();
    let is_name =
        |name: &str| (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let added: Vec<_> = link
        .query_pairs()
        .filter(|(name, value)| {
            name != "access_token" && !own.contains(&**name) && is_name(name) && value.len() <= 2_000
        })
        .take(8)
        .collect();
    let mut url = first.clone();
    url.query_pairs_mut().extend_pairs(&added);
    (!added.is_empty()).then_some(url)
}

/// Of several images with one id the first.
pub(crate) fn without_repetition(mut images: Vec<PublishedImage>) -> Vec<PublishedImage> {
    let mut seen = HashSet::with_capacity(images.len());
    images.retain(|image| seen.insert(image.id));
    images
}
