//! One JSON document of the service: a page `{"data":[…],"paging":{…}}`, a bare list, one image, or an error envelope.
//!
//! The document is read in one pass without building a tree. An element that is no image (no id, a hostile id, not an
//! object) becomes an [`EntityProblem`] and the others stay; only broken JSON ends the document.

use crate::entity::{EntityFields, Key};
use crate::loose::{Scalar, everything_else_is_missing};
use capture_model::PublishedImage;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;

/// An element that is no image. The others of its page or file are not touched by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityProblem {
    /// Line of the file (from 1) on which the element ends; 0 in an answer of the service.
    pub line: u64,
    /// What is wrong, as the end of a sentence: "it has no id".
    pub reason: String,
}

/// So many problems are kept word for word; the rest is only counted.
const MOST_PROBLEMS_KEPT: usize = 1_000;

/// Far more than the service gives in one answer (2,000 images, or the ids of one sequence).
const MOST_IMAGES_OF_ANSWER: usize = 200_000;

/// Images and problems of one document or of many.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    pub(crate) images: Vec<PublishedImage>,
    pub(crate) problems: Vec<EntityProblem>,
    pub(crate) n_problems: u64,
    /// Images beyond this number are not kept, only counted.
    pub(crate) most_images: Option<usize>,
    /// How many were not kept.
    pub(crate) n_beyond: u64,
    /// The line that the reader has reached; moved on by whoever feeds the reader.
    pub(crate) line: std::rc::Rc<Cell<u64>>,
}

impl Collector {
    /// For one answer of the service, whose bytes could otherwise become thirty times as many in memory.
    pub(crate) fn of_answer() -> Self {
        Self { most_images: Some(MOST_IMAGES_OF_ANSWER), ..Self::default() }
    }

    pub(crate) fn problem(&mut self, reason: impl Into<String>) {
        self.n_problems += 1;
        if self.problems.len() < MOST_PROBLEMS_KEPT {
            self.problems.push(EntityProblem { line: self.line.get(), reason: reason.into() });
        }
    }

    fn entity(&mut self, fields: EntityFields) {
        match fields.into_image() {
            Ok(_) if self.most_images.is_some_and(|most| self.images.len() >= most) => self.n_beyond += 1,
            Ok(image) => self.images.push(image),
            Err(reason) => self.problem(reason),
        }
    }
}

/// What a document is, beside the images that it gave to the collector.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// It was a list, or had a list `data`: an answer of many, even when empty.
    pub(crate) is_list: bool,
    /// `paging.next` as it came (it holds the token), when there is one.
    pub(crate) next: Option<String>,
    /// `paging.cursors.after`.
    pub(crate) after: Option<String>,
    /// An error envelope.
    pub(crate) error: Option<ErrorEnvelope>,
}

/// `{"error":{"message","type","code","error_subcode"?,"is_transient"?,…}}`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ErrorEnvelope {
    pub(crate) message: String,
    pub(crate) kind: String,
    pub(crate) code: Option<i64>,
    pub(crate) subcode: Option<i64>,
    pub(crate) is_transient: Option<bool>,
}

/// Reads one document into a collector.
pub(crate) struct DocumentSeed<'c>(pub(crate) &'c mut Collector);

impl<'de> DeserializeSeed<'de> for DocumentSeed<'_> {
    type Value = Document;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Document, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DocumentSeed<'_> {
    type Value = Document;

    everything_else_is_missing!(seed => {
        seed.0.problem("it is not an object");
        Document::default()
    });

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Document, A::Error> {
        while list.next_element_seed(ElementSeed(self.0))?.is_some() {}
        Ok(Document { is_list: true, ..Document::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut document = Document::default();
        let mut fields = EntityFields::default();
        let mut has_fields = false;
        while let Some(key) = map.next_key::<Key>()? {
            match key {
                Key::Data => document.is_list |= map.next_value_seed(ListSeed(self.0))?,
                Key::Paging => {
                    let paging = map.next_value::<Paging>()?;
                    (document.next, document.after) = (paging.next, paging.after);
                }
                Key::Error => document.error = map.next_value::<MaybeEnvelope>()?.0,
                key => {
                    has_fields |= key != Key::Other;
                    fields.take(key, &mut map)?;
                }
            }
        }
        if has_fields || !(document.is_list || document.error.is_some()) {
            self.0.entity(fields);
        }
        Ok(document)
    }
}

/// The value of `data`: true when it is a list.
struct ListSeed<'c>(&'c mut Collector);

impl<'de> DeserializeSeed<'de> for ListSeed<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_> {
    type Value = bool;
    everything_else_is_missing!(_visitor => false);
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        while list.next_element_seed(ElementSeed(self.0))?.is_some() {}
        Ok(true)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(false)
    }
}

/// One element of a list.
struct ElementSeed<'c>(&'c mut Collector);

impl<'de> DeserializeSeed<'de> for ElementSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ElementSeed<'_> {
    type Value = ();
    everything_else_is_missing!(seed => seed.0.problem("it is not an object"));
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.0.problem("it is a list, not an object");
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut fields = EntityFields::default();
        while let Some(key) = map.next_key::<Key>()? {
            fields.take(key, &mut map)?;
        }
        self.0.entity(fields);
        Ok(())
    }
}

#[derive(Default)]
struct Paging {
    next: Option<String>,
    after: Option<String>,
}

impl<'de> Deserialize<'de> for Paging {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PagingVisitor;
        impl<'de> Visitor<'de> for PagingVisitor {
            type Value = Paging;
            everything_else_is_missing!(_visitor => Paging::default());
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Paging, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Paging::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Paging, A::Error> {
                let mut paging = Paging::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        // A link may be longer than any other text, so it is not read as a scalar.
                        "next" => paging.next = map.next_value::<Link>()?.0,
                        "cursors" => paging.after = map.next_value::<Self::Value>()?.after,
                        "after" => paging.after = map.next_value::<Scalar>()?.text(),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(paging)
            }
        }
        deserializer.deserialize_any(PagingVisitor)
    }
}

struct Link(Option<String>);

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LinkVisitor;
        impl<'de> Visitor<'de> for LinkVisitor {
            type Value = Link;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a link or null")
            }
            fn visit_unit<E>(self) -> Result<Link, E> {
                Ok(Link(None))
            }
            fn visit_str<E>(self, link: &str) -> Result<Link, E> {
                Ok(Link(Some(link.to_owned())))
            }
            fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Link, A::Error> {
                Err(serde::de::Error::custom("paging.next is an object"))
            }
        }
        deserializer.deserialize_any(LinkVisitor)
    }
}

/// The value of `error` when it is an object; a null there says that all is well.
struct MaybeEnvelope(Option<ErrorEnvelope>);

impl<'de> Deserialize<'de> for MaybeEnvelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EnvelopeVisitor;
        impl<'de> Visitor<'de> for EnvelopeVisitor {
            type Value = MaybeEnvelope;
            everything_else_is_missing!(_visitor => MaybeEnvelope(None));
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<MaybeEnvelope, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(MaybeEnvelope(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MaybeEnvelope, A::Error> {
                let mut envelope = ErrorEnvelope::default();
                let whole = |value: Scalar| value.number().filter(|n| n.fract() == 0.0).map(|n| n as i64);
                while let Some(key) = map.next_key::<String>()? {
                    let value = map.next_value::<Scalar>()?;
                    match key.as_str() {
                        "message" => envelope.message = value.text().unwrap_or_default(),
                        "type" => envelope.kind = value.text().unwrap_or_default(),
                        "code" => envelope.code = whole(value),
                        "error_subcode" => envelope.subcode = whole(value),
                        "is_transient" => envelope.is_transient = value.flag(),
                        _ => {}
                    }
                }
                Ok(MaybeEnvelope(Some(envelope)))
            }
        }
        deserializer.deserialize_any(EnvelopeVisitor)
    }
}

/// Reads a whole body as one document; anything after it is an error.
pub(crate) fn read_document(body: &[u8], collector: &mut Collector) -> Result<Document, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let document = DocumentSeed(collector).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(document)
}
